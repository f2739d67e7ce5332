"""School groups: security groups of all students, all teachers, of each school's, and of those licensed by group.

They are found again by `uniqueName`, Graph's alternate key, which also makes their creation safe to repeat.
"""

from __future__ import annotations

from provision.policy.group_licensing import role_of
from provision.policy.matching import match_by_anchor
from provision.policy.schools import set_aside_objects
from provision.policy.template import template_sql
from provision.policy.unique import unique_name
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literal


def desire_school_groups(store: Store, profile: Profile, recreate: frozenset[str]) -> None:
    """Make `desired.school_groups`; a group is found again by its `uniqueName`."""
    store.run("""
        CREATE OR REPLACE TABLE run.wanted_school_groups (
            key TEXT, anchor TEXT, role TEXT, org_id TEXT, display_name TEXT, file TEXT, record BIGINT)""")
    names: list[tuple[str, str]] = [(role, f"All {role.capitalize()}") for role in profile.groups_of_all]
    if profile.licensing.method == "group":
        sides = [side for side, people in profile.people() if people.licenses]
        names += [(role_of(side), f"Licensed {side.capitalize()}") for side in sides]
    for role, name in names:
        store.run(
            "INSERT INTO run.wanted_school_groups VALUES (?, ?, ?, NULL, ?, NULL, NULL)",
            [f"school_group:{role}", f"provision_{profile.name}_{role}", role, name],
        )
    for role in profile.school_groups.per_school:
        name = template_sql(profile.school_groups.name, {"role": literal(role.capitalize()), "school": "o.name"})
        store.run(f"""
            INSERT INTO run.wanted_school_groups
            SELECT 'school_group:' || run.part(o.id) || '/{role}',
                   {unique_name(profile, "o.id")} || '_{role}',
                   '{role}', o.id, left({name}, 256), o.file, o.record
            FROM run.schools o""")
    match_by_anchor(store, profile, "school_group", "run.wanted_school_groups", "current.school_groups", "unique_name")
    set_aside_objects(store, "school_group", "run.wanted_school_groups", recreate)
    store.run("""
        CREATE OR REPLACE TABLE desired.school_groups AS
        SELECT w.key, m.object_id, w.role, w.org_id, w.anchor AS unique_name, w.display_name,
               left(w.anchor, 64) AS mail_nickname, 'Kept by provision from the school''s roster' AS description,
               w.file, w.record
        FROM run.wanted_school_groups w LEFT JOIN run.school_group_matches m ON m.key = w.key
        WHERE w.key NOT IN (SELECT key FROM run.set_aside WHERE kind = 'school_group')""")
