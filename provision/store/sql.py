"""Putting values into SQL text, where a statement cannot take them bound."""

from __future__ import annotations

from collections.abc import Iterable


def literal(value: str | None) -> str:
    """A text literal, or NULL."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """A list for `IN` and `NOT IN`, right also where it is empty."""
    listed = ", ".join(literal(value) for value in values)
    return f"({listed})" if listed else "(SELECT NULL WHERE false)"
