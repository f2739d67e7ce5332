"""SDS V1 under its British headers: DfE numbers for schools, plain IDs for everything else.

Source: the "UK format" of Microsoft's description and samples. What is not named here is as in `sds_v1.py`.
"""

from __future__ import annotations

from provision.formats.format import Format
from provision.formats.sds_v1 import Names, v1_files
from provision.roster.codes import ISO_DATES

UK = Names(org_id="DfE Number", zip="Postal Code", id="ID", school_id="School DfE Number", section_id="Section ID")

FORMAT = Format("sds-v1-uk", "SDS V1 with British headers", v1_files(UK), date_formats=ISO_DATES)
