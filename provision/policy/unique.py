"""Names that are ours alone in a tenant, for what has no other key there."""

from __future__ import annotations

from provision.profile import Profile
from provision.store.sql import literal


def unique_name(profile: Profile, column: str, kind: str = "") -> str:
    """SQL for the profile's own name for what the school calls by the id in `column`; `kind` stands before the id.

    Names ignore case and are short, so an id that is not plain gets a hash to stay its own.
    """
    return (
        f"{literal(f'provision_{profile.name}_{kind}')} || "
        f"CASE WHEN regexp_full_match({column}, '[a-z0-9-]{{1,40}}') THEN {column} "
        f"ELSE left(regexp_replace({column}, '[^A-Za-z0-9-]', '-', 'g'), 40) || '-' || left(sha256({column}), 8) END"
    )


def anchor_of(profile: Profile, kind: str, column: str) -> str:
    """SQL for what a class (`section`) or `school` of the id in `column` bears in Microsoft 365: the id, or outside of
    education, where the name is the only key that a group can have, the profile's own name for it."""
    return column if profile.tenant.education else unique_name(profile, column, f"{kind}_")
