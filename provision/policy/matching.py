"""Identity matching: which account is whose. One to one, or nobody is written.

Strength of a claim: a recorded yes, the anchor on the object (education external id), then the object our ledger
remembers, then the key of the profile. Comparison of keys ignores case; anchors are compared as they are (SDS: unique
ids are case-sensitive). What only the key finds is weak where the account bears the names of somebody else.
"""

from __future__ import annotations

from provision.policy.accepted import claim_accepted, hold_refused, refuse_accepted
from provision.policy.unique import anchor_of
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
_HELD = "SELECT id FROM roster.held WHERE kind ="
IN_ROSTER = {
    "user": f"SELECT id FROM roster.persons UNION {_HELD} 'person'",
    "section": f"SELECT id FROM roster.sections UNION {_HELD} 'section'",
    "school": f"SELECT id FROM roster.orgs UNION {_HELD} 'org'",
}
"""Ids that the roster has, held or not, in scope or not, of the kinds of which an object may be accepted."""
_PERSONS = """
    SELECT id, source_id FROM roster.persons UNION
    SELECT id, unnest([id, regexp_replace(id, '^(student|teacher|staff)/', '')]) FROM roster.held
    WHERE kind = 'person'"""
_BEARERS = f"""
    SELECT u.object_id, 'user:' || p.id AS key
    FROM (SELECT object_id, unnest(['student', 'teacher']) AS side, unnest([student_id, teacher_id]) AS anchor
          FROM current.users) u
    LEFT JOIN ({_PERSONS}) p
      ON p.source_id = u.anchor AND (p.id = p.source_id OR starts_with(p.id, u.side || '/'))
    WHERE u.anchor IS NOT NULL"""


def _bearers(profile: Profile, kind: str) -> str:
    """SQL for the objects with a school's id on them, and the key of whose it is in the roster."""
    if kind == "user":
        return _BEARERS
    return f"""
        SELECT c.object_id, '{kind}:' || r.id AS key FROM current.{kind}s c
        LEFT JOIN ({IN_ROSTER[kind]}) r ON {anchor_of(profile, kind, "r.id")} = c.external_id
        WHERE c.external_id IS NOT NULL"""


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
    SELECT key, any_value(object_id) AS object_id, min(strength) AS strength,
           CASE WHEN max(objects) > 1 THEN 'match-ambiguous'
                WHEN bool_or(strength > strongest OR rivals > 1) THEN 'match-claimed-twice' END AS conflict
    FROM counted GROUP BY key"""


def match_people(store: Store, profile: Profile) -> None:
    """Make `run.user_matches (key, object_id, strength, conflict)`: one row per person with any claim to an account.

    `strength` is 0 for a recorded yes, 1 for the anchor, 2 for the ledger, 3 for the key of the profile.
    """
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
    judge_accepted(store, profile, "user")
    claim_accepted(store, "user", IN_ROSTER["user"])
    store.run(SETTLE.format(kind="user"))
    _refuse_foreign_anchors(store)
    _doubt_other_names(store)
    hold_refused(store, "user")


def match_by_anchor(store: Store, profile: Profile, kind: str, wanted: str, current: str, anchor: str) -> None:
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
    if kind in IN_ROSTER:
        judge_accepted(store, profile, kind)
        claim_accepted(store, kind, IN_ROSTER[kind])
    store.run(SETTLE.format(kind=kind))
    if kind in IN_ROSTER:
        hold_refused(store, kind)


def judge_accepted(store: Store, profile: Profile, kind: str) -> None:
    """Say in `run.accepted` which yeses cannot be followed, and why."""
    refuse_accepted(store, kind, f"current.{kind}s", _bearers(profile, kind))


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
            WHERE m.strength > 0 AND coalesce(u.student_id, u.teacher_id) IS NOT NULL
              AND NOT coalesce(u.student_id = p.source_id AND p.id NOT LIKE 'teacher/%', false)
              AND NOT coalesce(u.teacher_id = p.source_id AND p.id NOT LIKE 'student/%', false))""")


def _doubt_other_names(store: Store) -> None:
    """A match by the key alone is weak where not one word of the account's given and family name is a name of the
    person.

    Case, accents and order are ignored. Where either side has no name, nothing speaks against the match.
    """
    store.run("""
        CREATE OR REPLACE MACRO run.words(x) AS
            list_filter(string_split_regex(lower(strip_accents(x)), '[^\\p{L}\\p{N}]+'), lambda word: word <> '')""")
    store.run("""
        UPDATE run.user_matches SET conflict = 'match-weak'
        WHERE conflict IS NULL AND strength = 3 AND key IN (
            SELECT key FROM (
                SELECT m.key,
                       run.words(concat_ws(' ', p.given_name, p.family_name, p.middle_name, p.preferred_given_name,
                                           p.preferred_family_name)) AS known,
                       run.words(concat_ws(' ', u.given_name, u.family_name)) AS there
                FROM run.user_matches m
                JOIN run.people p ON p.key = m.key
                JOIN current.users u ON u.object_id = m.object_id
                WHERE m.conflict IS NULL AND m.strength = 3
                  AND (lower(p.family_name) = lower(u.family_name)) IS NOT TRUE)  -- which most do: words take longer
            WHERE len(known) > 0 AND len(there) > 0 AND NOT list_has_any(known, there))""")
