"""Licences by group (`[licensing] method = "group"`): each side has a security group that carries its licences.

These groups are apart from the other school groups, because whoever is in one is licensed: nobody who is protected, or
whose account belongs to another profile, and not only teachers among the staff. Nobody is ever taken out.
"""

from __future__ import annotations

from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literal

MEMBER_ROLE = "licensed"
"""The role of a `group_member` who is licensed by it."""


def role_of(side: str) -> str:
    """The role, and the last part of the key, of the group that licenses a side (`students`, `staff`)."""
    return f"{side}_licensed"


def license_by_group(store: Store, profile: Profile) -> None:
    """Turn the `license` rows of `desired.links` into licences of groups and members of these.

    Whoever is short of one licence of their side stays out, and is set aside with the others too: the service would put
    them in error, and the next plan could not tell when there are seats again. `run.coming` has the licences that a
    group is to hand on and has not yet: `key`, `left_key`, `left_id` (user), `right_id` (SKU), `group_id`.
    """
    group = profile.licensing.method == "group"
    store.run(f"""
        CREATE OR REPLACE TABLE run.coming AS
        SELECT d.key, d.left_key, d.left_id, d.right_id, g.object_id AS group_id, d.file, d.record
        FROM desired.links d JOIN desired.school_groups g ON g.role = {_role("d.role")}
        LEFT JOIN current.links c ON c.kind = 'license' AND c.left_id = d.left_id AND c.right_id = d.right_id
        WHERE d.kind = 'license' AND c.kind IS NULL AND {"true" if group else "false"}
          AND d.left_key NOT IN (SELECT left_key FROM run.no_seat)""")
    if not group:
        return
    store.run("""
        INSERT INTO run.set_aside
        SELECT 'held', 'license', key, 'no-seat-of-another', file, record, NULL FROM desired.links
        WHERE kind = 'license' AND left_key IN (SELECT left_key FROM run.no_seat)""")
    store.run(f"""
        INSERT INTO desired.links
        SELECT 'group_member', 'group_member:' || g.role || '/' || u.person_id, g.key, u.key, g.object_id, u.object_id,
               {literal(MEMBER_ROLE)}, NULL, u.file, u.record
        FROM (SELECT DISTINCT left_key, role FROM desired.links WHERE kind = 'license') l
        JOIN desired.school_groups g ON g.role = {_role("l.role")}
        JOIN desired.users u ON u.key = l.left_key
        WHERE l.left_key NOT IN (SELECT left_key FROM run.no_seat)""")
    store.run("DELETE FROM desired.links WHERE kind = 'license'")
    for side, people in profile.people():
        for part in people.licenses:
            store.run(f"""
                INSERT INTO desired.links
                SELECT 'group_license', 'group_license:' || g.role || {literal("/" + part)}, g.key,
                       {literal("sku:" + part)}, g.object_id, s.sku_id, {literal(side)}, NULL, NULL, NULL
                FROM desired.school_groups g, current.skus s
                WHERE g.role = {literal(role_of(side))} AND s.part_number = {literal(part)}""")


def _role(side: str) -> str:
    """SQL for `role_of` of a column."""
    return f"{side} || '_licensed'"
