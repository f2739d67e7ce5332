"""Values that stood in the roster and cannot be used. A blank may be filled from elsewhere (the grade of another role,
the next term of a class); what was dropped may not, since nobody knows that the other value is meant."""

from __future__ import annotations

from provision.store.sql import literal


def dropping(table: str, column: str, rows: str) -> str:
    """The statement that remembers whose value of a column was dropped; `rows` is a SELECT with file and record."""
    return (
        "INSERT INTO roster.dropped BY NAME "
        f"SELECT DISTINCT {literal(table)} AS tbl, {literal(column)} AS col, file, record FROM ({rows})"
    )


def was_dropped(table: str, column: str, row: str) -> str:
    """SQL: whether the value of a column was dropped from the `row` (an alias) of a roster table, or of one made of it
    that has its file and record."""
    # EXISTS would take 100 MB more for a million rows, on DuckDB 1.5
    return f"coalesce(({row}.file, {row}.record) IN (SELECT (file, record) {_from(table, column)}), false)"


def any_dropped(table: str, column: str) -> str:
    """SQL: whether a value of the column was dropped anywhere."""
    return f"EXISTS ({_from(table, column)})"


def _from(table: str, column: str) -> str:
    return f"FROM roster.dropped WHERE tbl = {literal(table)} AND col = {literal(column)}"
