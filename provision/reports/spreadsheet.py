"""Lines of a CSV file for a spreadsheet."""

from __future__ import annotations

import csv

from provision.reports.wording import printable
from provision.store.cells import harmless

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without this mark a spreadsheet reads UTF-8 as the letters of its own country."""


class _Echo:
    """A file that hands back what is written to it: `writerow` then gives the line."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo(), lineterminator="\n")


def line(*cells: str | int | None) -> str:
    """One line of the file. No cell is a formula, and none has a control character."""
    written: str = _WRITER.writerow([harmless(printable(cell)) if isinstance(cell, str) else cell for cell in cells])
    return written
