"""The canonical roster: its code lists, its checks and what they found.

The tables are in `provision/store/schema.py`. Every format and every SIS source is mapped onto them, so that
what follows never asks where a row came from; each row carries its file and record to say so.
"""
