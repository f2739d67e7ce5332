"""Which cell of a header row is which column of the format."""

from __future__ import annotations

from collections.abc import Sequence

from provision.formats.format import File
from provision.roster.check import Check, report
from provision.roster.checks.files import HEADER_CASE, UNKNOWN_COLUMN
from provision.store import Store
from provision.store.sql import literal


def choose_columns(file: File, cells: Sequence[str], *, keep_passwords: bool) -> dict[str, int]:
    """Header as the format spells it -> the cell it is in: exactly so, else without regard to case."""
    lower = [cell.lower() for cell in cells]
    chosen = {}
    for header in file.headers():
        if header in file.passwords() and not keep_passwords:
            continue
        if header in cells:
            chosen[header] = cells.index(header)
        elif header.lower() in lower:
            chosen[header] = lower.index(header.lower())
    return chosen


def note_columns(store: Store, name: str, file: File, cells: Sequence[str]) -> None:
    """Report header cells that are spelled otherwise than in the format, or that are not read."""
    known = {header.lower(): header for header in file.headers()}
    for cell in filter(None, cells):
        expected = known.get(cell.lower())
        if expected is None:
            note(store, UNKNOWN_COLUMN, name, f"Column '{cell}' is not read.", cell)
        elif cell != expected and expected not in cells:
            note(store, HEADER_CASE, name, f"Column '{cell}' is read as '{expected}'.", cell)


def note(store: Store, check: Check, file: str, message: str, field: str | None = None) -> None:
    """Report something about a file, or about a cell of its header."""
    shown = "NULL" if field is None else literal(field)
    record = "NULL" if field is None else "1"
    report(
        store,
        check,
        f"SELECT {literal(file)} AS file, {record}::BIGINT AS record, {shown} AS field, NULL AS value, "
        f"{literal(message)} AS message",
    )
