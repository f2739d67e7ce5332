"""What the profile decides about the reading of a roster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RosterOptions:
    """The `[roster]` part of a profile, and what other parts of it mean for the checks.

    `date_formats` are written with YYYY, MM, M, DD, D and any separators. `names_required` holds the groups
    ("students", "staff") whose accounts may have to be created: they need a first and a last name, and a
    username that Microsoft 365 takes. `accept_missing` holds the names of files that may be missing or empty
    this once.
    """

    grade_labels: Literal["us", "uk"] = "us"
    replace_special_characters: bool = False
    date_formats: tuple[str, ...] = ("YYYY-MM-DD",)
    keep_passwords: bool = False
    names_required: frozenset[str] = frozenset()
    accept_missing: frozenset[str] = frozenset()
