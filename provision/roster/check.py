"""What a check is, and how it writes down what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from provision.store import Store
from provision.store.sql import literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that the records of a roster are held against.

    `severity`: *error* drops the record and holds what it speaks of, *warning* drops the value, *note*
    changes nothing but tells. Where the severity depends on the column or on the profile, this is the gravest
    and `description` says when. `mend` is what to do about it, one sentence.
    """

    id: str
    severity: Severity
    description: str
    mend: str


def name(value: str) -> str:
    """`value` as an SQL name."""
    return '"' + value.replace('"', '""') + '"'


def report(store: Store, check: Check, rows: str, severity: Severity | None = None) -> None:
    """Write the findings of `check`.

    `rows` is a SELECT with the columns file, record, field, value, message (by name, in any order).
    """
    store.run(
        "INSERT INTO roster.findings BY NAME "
        f"SELECT {literal(check.id)} AS rule, {literal(severity or check.severity)} AS severity, file, "
        "record, field, "
        f"value, message, {literal(check.mend)} AS mend FROM ({rows})"
    )
