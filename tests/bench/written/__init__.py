"""The district in each format: a SELECT over the views of `bench/district.py` for each of its files.

Written from the descriptions of the formats and not from what `provision` reads of them, so that the one checks the
other.
"""

from __future__ import annotations

from bench.written import clever, oneroster, sds_v1, sds_v2, sds_v2_1

FILES: dict[str, dict[str, str]] = {
    "sds-v1": sds_v1.files(sds_v1.US),
    "sds-v1-uk": sds_v1.files(sds_v1.UK),
    "sds-v2": sds_v2.FILES,
    "sds-v2.1": sds_v2_1.FILES,
    "clever": clever.FILES,
    "oneroster-1.1": oneroster.FILES_1_1,
    "oneroster-1.2": oneroster.FILES_1_2,
}
"""Format -> file name -> its rows."""
