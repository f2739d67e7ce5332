"""How a roster is read. Commands that only read load no Graph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from provision.errors import ProfileError, UsageError
from provision.profile import Profile, load_profile, nearest
from provision.roster import codes
from provision.roster.options import RosterOptions


def refuse_within(out: Path, roster: Path) -> None:
    """Raise `UsageError` where a report would be written over the roster, or among its files."""
    target, read = out.resolve(), roster.resolve()
    if read == target or read in target.parents:
        raise UsageError(
            f"{out} lies in the roster {roster}; nothing was read or written.", ["Give --out a place outside of it."]
        )


def options_of(profile: Path | None, accept_missing: frozenset[str] = frozenset()) -> RosterOptions:
    """How the profile at this path reads a roster, or how one is read without."""
    if profile is None:
        return RosterOptions(accept_missing=accept_missing)
    return roster_options(load_profile(profile), accept_missing)


def roster_options(profile: Profile, accept_missing: frozenset[str] = frozenset()) -> RosterOptions:
    """What the profile says about reading a roster. Raises `ProfileError` for a type of organisation or a role that no
    roster can have."""
    return RosterOptions(
        grade_labels=profile.roster.grade_labels,
        replace_special_characters=profile.roster.replace_special_characters,
        date_formats=profile.roster.date_formats,
        keep_passwords=any(people.password == "roster" for _, people in profile.people()),  # noqa: S105  # a style
        names_required=frozenset(name for name, people in profile.people() if people.mode == "create"),
        usernames_required=frozenset(
            name
            for name, people in profile.people()
            if people.mode == "create" and all("{username}" in template for template in people.username)
        ),
        matched_by=tuple((name, people.match.source) for name, people in profile.people() if people.mode == "create"),
        school_types=_as_kept("schools.types", profile.schools.types, codes.ORG_TYPES),
        owner_roles=_as_kept("sections.owner_roles", profile.sections.owner_roles, codes.ROLES),
        accept_missing=accept_missing,
    )


def _as_kept(place: str, values: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Values of a code list in its own spelling, as the roster tables have them. Raises `ProfileError` for a value that
    no roster can have."""
    spelled = codes.spellings(known)
    unknown = [value for value in values if value.lower() not in spelled]
    if unknown:
        listed = f"It may name {', '.join(spelled.values())}."
        raise ProfileError(
            f"{place} in the profile names what no roster can have.",
            [*(f"{place}: there is no '{value}'{nearest(value, spelled.values())}" for value in unknown), listed],
        )
    return tuple(spelled[value.lower()] for value in values)
