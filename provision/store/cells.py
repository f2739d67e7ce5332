"""Cells of a CSV file that a spreadsheet shows and does not run.

A spreadsheet takes a cell that begins with one of a few signs for a formula, whoever wrote it: a pupil called
`=HYPERLINK(…)` would run on the desk of the school office. An apostrophe in front makes it text.
"""

from __future__ import annotations

FORMULA_SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with; the last four are the wide forms of the first. Source: OWASP, CSV Injection."""


def harmless(text: str) -> str:
    """`text` as a cell that is no formula. Telephone numbers with a + get the apostrophe too: leave those out
    where a program reads the cell."""
    return f"'{text}" if text.startswith(tuple(FORMULA_SIGNS)) else text
