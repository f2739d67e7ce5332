"""What may be remarked on a file as a whole. A file that cannot be used is no finding: it stops the run."""

from __future__ import annotations

from provision.roster.check import Check

HEADER_CASE = Check(
    "header-case",
    "warning",
    "A column name is spelled with other upper and lower case than the format has it; it is read all the same.",
    "Spell it as the format does: other tools are strict.",
)
OLDER_HEADER = Check(
    "older-header",
    "note",
    "A column has the name that it had in an older version of the format; it is read all the same.",
    "Nothing to do; other tools may want the newer name.",
)
UNKNOWN_COLUMN = Check(
    "unknown-column",
    "note",
    "A column is not known to the format; it is not read.",
    "Nothing to do, unless it is a misspelled one.",
)
UNKNOWN_FILE = Check(
    "unknown-file",
    "note",
    "A CSV file does not belong to the format; it is not read.",
    "Nothing to do, unless it is a misnamed one.",
)
FILE_NOT_READ = Check(
    "file-not-read",
    "note",
    "A file belongs to the format, but has nothing that provision needs; it is not read.",
    "Nothing to do.",
)
TO_BE_DELETED = Check(
    "to-be-deleted",
    "note",
    "Records are marked as deleted by the school's system; they count as absent.",
    "Nothing to do.",
)
EMPTY_FILE = Check(
    "empty-file",
    "note",
    "A file has a header and no records.",
    "Nothing to do if the school has none; else look at the export.",
)

MANIFEST_DIFFERS = Check(
    "manifest-differs",
    "warning",
    "The manifest says otherwise than the files that are there; the files count.",
    "See whether the export is whole, and have the manifest corrected.",
)
CHANGES_APPLIED = Check(
    "changes-applied",
    "note",
    "A file of changes (delta) was put upon the full export.",
    "Nothing to do.",
)
PASSED_OVER = Check(
    "file-passed-over",
    "note",
    "A file is older than a full export of the same that lies beside it; it is not read.",
    "Nothing to do; the older package may be removed.",
)

FILE_CHECKS = [
    HEADER_CASE,
    OLDER_HEADER,
    UNKNOWN_COLUMN,
    UNKNOWN_FILE,
    FILE_NOT_READ,
    TO_BE_DELETED,
    EMPTY_FILE,
    MANIFEST_DIFFERS,
    CHANGES_APPLIED,
    PASSED_OVER,
]
