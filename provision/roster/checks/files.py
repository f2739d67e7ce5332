"""What may be remarked on a file as a whole. A file that cannot be used is no finding: it stops the run."""

from __future__ import annotations

from provision.roster.check import Check

HEADER_CASE = Check(
    "header-case",
    "warning",
    "A column name is spelled with other upper and lower case than the format has it; it is read all the same.",
    "Spell it as the format does: other tools are strict.",
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
    "A file belongs to the format, but provision does not read it yet.",
    "Nothing to do.",
)
EMPTY_FILE = Check(
    "empty-file",
    "note",
    "A file has a header and no records.",
    "Nothing to do if the school has none; else look at the export.",
)

FILE_CHECKS = [HEADER_CASE, UNKNOWN_COLUMN, UNKNOWN_FILE, FILE_NOT_READ, EMPTY_FILE]
