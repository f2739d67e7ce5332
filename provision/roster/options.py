"""What the profile decides about the reading of a roster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import Literal

from provision.profile import OWNER_ROLES, SCHOOL_TYPES


@dataclass(frozen=True, slots=True)
class RosterOptions:
    """The `[roster]` part of a profile, and what other parts of it mean for the checks.

    `date_formats` are written with YYYY, MM, M, DD, D and any separators. `names_required` and
    `usernames_required` hold the groups ("students", "staff") whose accounts may have to be created: the former
    need a first and a last name, the latter a username that Microsoft 365 takes, since no other name is to be made
    for them. `matched_by` says for each of these groups in which column of a person stands what finds an account.
    `accept_missing` holds the names of files that may be missing or empty this once. `school_types` are
    the types of organisation that count as schools, `owner_roles` the roles that make a teacher of a section, both
    spelled as in `codes.py`.
    `today`, in UTC, is the day after which a date lies ahead.
    """

    grade_labels: Literal["us", "uk"] = "us"
    replace_special_characters: bool = False
    date_formats: tuple[str, ...] = ("YYYY-MM-DD",)
    keep_passwords: bool = False
    names_required: frozenset[str] = frozenset()
    usernames_required: frozenset[str] = frozenset()
    matched_by: tuple[tuple[str, str], ...] = ()
    accept_missing: frozenset[str] = frozenset()
    school_types: tuple[str, ...] = SCHOOL_TYPES
    owner_roles: tuple[str, ...] = OWNER_ROLES
    today: date = field(default_factory=lambda: datetime.now(timezone.utc).date())
