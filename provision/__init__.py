"""`provision`: a school's roster into Microsoft 365, planned first, applied exactly, never deleting."""

__version__ = "0.1.0"
