"""Identity matching: which account is whose. One to one, or nobody is written.

Strength of a claim: the anchor on the object (education external id), then the object our ledger remembers, then
the key of the profile. Comparison of keys ignores case; anchors are compared as they are (SDS: unique ids are
case-sensitive).
"""

from __future__ import annotations

from provision.profile import Match, Profile
from provision.store import Store
from provision.store.sql import literal

TARGET_COLUMNS = {
    "userPrincipalName": "user_principal_name",
    "mail": "mail",
    "mailNickname": "mail_nickname",
    "employeeId": "employee_id",
}
SOURCE_COLUMNS = {
    "username": "username",
    "number": "number",
    "secondary_email": "secondary_email",
    "source_id": "source_id",
}

SETTLE = """
    CREATE OR REPLACE TABLE run.{kind}_matches AS
    WITH best AS (
        SELECT key, object_id, strength, min(strength) OVER (PARTITION BY key) AS own,
               min(strength) OVER (PARTITION BY object_id) AS strongest
        FROM run.{kind}_claims
    ),
    held AS (SELECT DISTINCT key, object_id, strength, strongest FROM best WHERE strength = own),
    counted AS (
        SELECT key, object_id, strength, strongest,
               count(*) OVER (PARTITION BY key) AS objects,
               count(*) FILTER (WHERE strength = strongest) OVER (PARTITION BY object_id) AS rivals
        FROM held
    )
    SELECT key, any_value(object_id) AS object_id,
           CASE WHEN max(objects) > 1 THEN 'match-ambiguous'
                WHEN bool_or(strength > strongest OR rivals > 1) THEN 'match-claimed-twice' END AS conflict
    FROM counted GROUP BY key"""


def match_people(store: Store, profile: Profile) -> None:
    """Make `run.user_matches (key, object_id, conflict)`: one row per person with any claim to an account."""
    store.run("""
        CREATE OR REPLACE TABLE run.user_claims AS
        SELECT p.key, u.object_id, 1 AS strength
        FROM run.people p JOIN current.users u ON u.student_id = p.source_id
        WHERE p.id = p.source_id OR p.id LIKE 'student/%'
        UNION
        SELECT p.key, u.object_id, 1
        FROM run.people p JOIN current.users u ON u.teacher_id = p.source_id
        WHERE p.id = p.source_id OR p.id LIKE 'teacher/%'
        UNION
        SELECT p.key, u.object_id, 2
        FROM run.people p
        JOIN ledger.objects l ON l.kind = 'user' AND l.key = p.key
        JOIN current.users u ON u.object_id = l.object_id""")
    for name, people in profile.people():
        store.run(f"""
            INSERT INTO run.user_claims
            SELECT p.key, u.object_id, 3
            FROM (SELECT *, {_value(people.match)} AS wanted FROM run.people
                  WHERE is_student = {"true" if name == "students" else "false"}) p
            JOIN current.users u ON lower(u.{TARGET_COLUMNS[people.match.target]}) = p.wanted""")
    store.run(SETTLE.format(kind="user"))
    _refuse_foreign_anchors(store)


def match_by_anchor(store: Store, kind: str, wanted: str, current: str, anchor: str) -> None:
    """Make `run.<kind>_matches` for objects that have no key but their anchor.

    `wanted` is a table with `key` and `anchor`; `current` has `object_id` and the column named by `anchor`.
    """
    store.run(f"""
        CREATE OR REPLACE TABLE run.{kind}_claims AS
        SELECT w.key, c.object_id, 1 AS strength FROM {wanted} w JOIN {current} c ON c.{anchor} = w.anchor
        UNION
        SELECT w.key, c.object_id, 2 FROM {wanted} w
        JOIN ledger.objects l ON l.kind = '{kind}' AND l.key = w.key
        JOIN {current} c ON c.object_id = l.object_id""")
    store.run(SETTLE.format(kind=kind))


def _value(match: Match) -> str:
    column = SOURCE_COLUMNS[match.source]
    if match.append_domain is None:
        return f"lower({column})"
    domain = literal("@" + match.append_domain)
    return f"lower(CASE WHEN contains({column}, '@') THEN {column} ELSE {column} || {domain} END)"


def _refuse_foreign_anchors(store: Store) -> None:
    """A key that leads to an account with somebody else's id is a conflict, not a match."""
    store.run("""
        UPDATE run.user_matches SET conflict = 'match-other-anchor'
        WHERE conflict IS NULL AND key IN (
            SELECT m.key
            FROM run.user_matches m
            JOIN run.people p ON p.key = m.key
            JOIN current.users u ON u.object_id = m.object_id
            WHERE coalesce(u.student_id, u.teacher_id) IS NOT NULL
              AND NOT coalesce(u.student_id = p.source_id AND p.id NOT LIKE 'teacher/%', false)
              AND NOT coalesce(u.teacher_id = p.source_id AND p.id NOT LIKE 'student/%', false))""")
