"""Which cell of a header row is which column of the format."""

from __future__ import annotations

from collections.abc import Sequence

from provision.formats.format import File, Format
from provision.roster.check import Check, report
from provision.roster.checks.files import HEADER_CASE, OLDER_HEADER, UNKNOWN_COLUMN
from provision.store import Store
from provision.store.sql import literal


def choose_columns(file: File, cells: Sequence[str], *, keep_passwords: bool) -> dict[str, int]:
    """Header as the format spells it -> the cell it is in."""
    wanted = [header for header in file.headers() if keep_passwords or header not in file.passwords()]
    found = {header: file.cell_of(header, cells) for header in wanted}
    return {header: cell for header, cell in found.items() if cell is not None}


def has_passwords(file: File, cells: Sequence[str]) -> bool:
    """Whether a column of passwords is among the cells of a header row."""
    return any(file.cell_of(header, cells) is not None for header in file.passwords())


def note_columns(store: Store, name: str, form: Format, file: File, cells: Sequence[str]) -> None:
    """Report header cells that are spelled otherwise than in the format, or that are not read."""
    read = {file.cell_of(header, cells): header for header in file.headers()}
    for place, cell in enumerate(cells):
        header = read.get(place)
        if header is None:
            if cell and not passed_over(form, file, cell):
                note(store, UNKNOWN_COLUMN, name, f"Column '{cell}' is not read.", cell)
        elif cell.lower() != header.lower():
            note(store, OLDER_HEADER, name, f"Column '{cell}' is read as '{header}'.", cell)
        elif cell != header and not form.any_case:
            note(store, HEADER_CASE, name, f"Column '{cell}' is read as '{header}'.", cell)


def passed_over(form: Format, file: File, cell: str) -> bool:
    """Whether a column is known to the format, or anybody's own, and says nothing to us."""
    own = bool(form.own_columns) and cell.lower().startswith(form.own_columns)
    return own or cell.lower() in {header.lower() for header in file.ignored}


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
