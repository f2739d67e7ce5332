"""Users: every person in scope who has an account, or is to get one."""

from __future__ import annotations

from provision.policy.kinds import managed, only_in_education
from provision.policy.matching import match_people
from provision.policy.template import template_sql
from provision.policy.usernames import choose_usernames
from provision.profile import ADDRESSES, Match, People, Profile, placeholders
from provision.roster.addresses import is_sign_in_name
from provision.roster.checks.text import LONGEST
from provision.roster.dropped import was_dropped
from provision.store import Store
from provision.store.sql import literal, literals

LONGEST_ANCHOR = {"employeeId": 16}
"""Characters of an id (learn.microsoft.com/graph/api/resources/user); the other anchors hold any."""
NAME_COLUMNS = {
    "given": "p.given_name",
    "family": "p.family_name",
    "middle": "coalesce(p.middle_name, '')",
    "username": "p.username",
    "number": "p.number",
    "id": "p.source_id",
    "grade": "p.grade",
}


def desire_users(store: Store, profile: Profile, recreate: frozenset[str]) -> None:
    """Make `desired.users`, and note in `run.set_aside` who is left out and why.

    A person without a match is created (`mode = "create"`) or set aside as unmatched (`"existing"`). An account of
    ours that an admin deleted is not made anew unless its key is in `recreate`, and never one of another profile.
    """
    match_people(store, profile)
    _set_aside_conflicts(store)
    _pick_newcomers(store, profile, recreate)
    choose_usernames(store, profile)
    store.run("""
        INSERT INTO run.set_aside
        SELECT 'held', 'user', u.key, u.problem, p.file, p.record, 'username'
        FROM run.usernames u JOIN run.people p ON p.key = u.key WHERE u.problem IS NOT NULL""")
    store.run("CREATE OR REPLACE TABLE run.protected AS " + _protected(profile))
    sides = " UNION ALL ".join(_side(profile, name, people) for name, people in profile.people())
    store.run(f"CREATE OR REPLACE TABLE desired.users AS {sides}")
    for table in ("unmatched", "newcomers", "usernames", "wishes", "taken"):
        store.run(f"DROP TABLE IF EXISTS run.{table}")
    _set_aside_nameless(store)
    _set_aside_long_ids(store, profile)
    _forget_passwords(store, profile)


def _set_aside_conflicts(store: Store) -> None:
    store.run("""
        INSERT INTO run.set_aside
        SELECT 'conflict', 'user', m.key, m.conflict, coalesce(a.file, p.file), coalesce(a.record, p.record), NULL
        FROM run.user_matches m JOIN run.people p ON p.key = m.key
        LEFT JOIN run.accepted a ON a.key = m.key AND a.refused IS NOT NULL
        WHERE m.conflict IS NOT NULL""")


def _set_aside_nameless(store: Store) -> None:
    """An account cannot be made without a display name: the profile's template needs a value that is not there."""
    nameless = "FROM desired.users WHERE object_id IS NULL AND display_name IS NULL"
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT 'held', 'user', key, 'display-name-missing', file, record, NULL {nameless}""")
    store.run(f"DELETE {nameless}")


def _set_aside_long_ids(store: Store, profile: Profile) -> None:
    """An id that the anchor cannot hold would be cut, and then be somebody else's."""
    longest = LONGEST_ANCHOR.get(profile.tenant.anchor)
    if longest is not None:
        long = f"FROM desired.users WHERE len(coalesce(student_id, teacher_id)) > {longest}"
        store.run(f"""
            INSERT INTO run.set_aside
            SELECT 'held', 'user', key, 'anchor-too-long', file, record, NULL {long}""")
        store.run(f"DELETE {long}")


def _forget_passwords(store: Store, profile: Profile) -> None:
    """Keep the roster's passwords for accounts that are to be made with them, and for nobody else."""
    sides = literals(name for name, people in profile.people() if people.password == "roster")  # noqa: S105  # a style
    store.run(f"""
        UPDATE roster.persons SET password = NULL WHERE password IS NOT NULL AND id NOT IN (
            SELECT person_id FROM desired.users
            WHERE object_id IS NULL AND CASE WHEN is_student THEN 'students' ELSE 'staff' END IN {sides})""")
    store.run("UPDATE roster.user_profiles SET password = NULL WHERE password IS NOT NULL")


_LEFT_OUT = {"deleted-by-hand": "held", "other-profile": "conflict", "L1": "unmatched", "match-unread": "held"}
"""Why nobody is made for a person without a match, and what is noted of it."""


def _pick_newcomers(store: Store, profile: Profile, recreate: frozenset[str]) -> None:
    makes = {name: "true" if people.mode == "create" else "false" for name, people in profile.people()}
    unread = {name: _unread(people.match) for name, people in profile.people()}
    store.run("""
        CREATE OR REPLACE TABLE run.unmatched AS
        SELECT key FROM run.people ANTI JOIN run.user_matches USING (key)""")
    store.run(f"""
        CREATE OR REPLACE TABLE run.newcomers AS
        SELECT p.*, o.profile AS other, CASE
                   WHEN l.object_id IS NOT NULL AND p.key NOT IN {literals(sorted(recreate))} THEN 'deleted-by-hand'
                   WHEN o.profile IS NOT NULL THEN 'other-profile'
                   WHEN NOT CASE WHEN p.is_student THEN {makes["students"]} ELSE {makes["staff"]} END THEN 'L1'
                   WHEN CASE WHEN p.is_student THEN {unread["students"]} ELSE {unread["staff"]} END THEN 'match-unread'
               END AS why
        FROM run.people p SEMI JOIN run.unmatched m ON m.key = p.key
        LEFT JOIN ledger.objects l ON l.kind = 'user' AND l.key = p.key
        LEFT JOIN (SELECT name, min(profile) AS profile FROM run.others WHERE kind = 'user' GROUP BY name) o
            ON o.name = p.key""")
    noted = " ".join(f"WHEN {literal(why)} THEN {literal(what)}" for why, what in _LEFT_OUT.items())
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT CASE why {noted} END, 'user', key, why, file, record, CASE WHEN why = 'other-profile' THEN other END
        FROM run.newcomers WHERE why IS NOT NULL""")
    store.run("DELETE FROM run.newcomers WHERE why IS NOT NULL")


def _unread(match: Match) -> str:
    """SQL over `p`: whether what finds an account says something, and nothing that an account could have."""
    dropped = was_dropped("persons", match.source, "p")
    if match.source == "username" and match.target in ADDRESSES:
        return f"({dropped} OR p.username IS NOT NULL AND NOT {is_sign_in_name('p.username')})"
    return dropped


def _protected(profile: Profile) -> str:
    """Accounts that are never written: by L16, or because they are those of the other `profile`."""
    names = literals(name.lower() for name in profile.protect.users)
    admins = "SELECT user_id, NULL FROM current.admins UNION" if profile.protect.roles else ""
    return f"""
        SELECT name AS object_id, profile FROM run.others WHERE kind = 'user' UNION {admins}
        SELECT object_id, NULL FROM current.users WHERE lower(user_principal_name) IN {names}"""


def _side(profile: Profile, name: str, people: People) -> str:
    """The rows of one side. A value that the profile does not select, or that the roster leaves blank, is NULL."""
    student = name == "students"

    chosen = people.properties
    role = literal("student" if student else "teacher")
    # outside of education it is kept nowhere, and says only by which side's rules an account is made
    primary_role = role if profile.tenant.education else f"CASE WHEN m.object_id IS NULL THEN {role} END"
    location = f"{literal(profile.tenant.usage_location)}::TEXT"  # of NULL alone DuckDB 1.5 makes a number
    minor = "'minor'" if student and profile.students.minors else "NULL::TEXT"
    return f"""
        SELECT p.key, m.object_id, p.id AS person_id, p.is_student, p.is_teacher,
               n.upn AS user_principal_name,
               left(split_part(n.upn, '@', 1), 64) AS mail_nickname,
               {_display_name(people)} AS display_name,
               {_cut("given_name")} AS given_name, {_cut("family_name")} AS family_name,
               {managed("middle_name", chosen, "p.middle_name")} AS middle_name,
               {managed("title", chosen, _cut("title"))} AS job_title,
               CASE WHEN c.usage_location IS NULL THEN {location} END AS usage_location,
               {minor} AS age_group,
               {primary_role} AS primary_role,
               {only_in_education(profile)("'sis'")} AS external_source,
               {"p.source_id" if student else "NULL::TEXT"} AS student_id,
               {"NULL::TEXT" if student else "p.source_id"} AS teacher_id,
               {managed("grade", chosen, "p.grade")} AS grade,
               {managed("student_number", chosen, "p.number")} AS student_number,
               {managed("graduation_year", chosen, "p.graduation_year")} AS graduation_year,
               {managed("birth_date", chosen, "p.birth_date::TEXT")} AS birth_date,
               {managed("teacher_number", chosen, "p.number")} AS teacher_number,
               coalesce(c.synced, false) AS synced,
               m.object_id IN (SELECT object_id FROM run.protected) AS protected,
               p.file, p.record
        FROM run.people p
        LEFT JOIN run.user_matches m ON m.key = p.key AND m.conflict IS NULL
        LEFT JOIN run.usernames n ON n.key = p.key
        LEFT JOIN current.users c ON c.object_id = m.object_id
        WHERE p.is_student = {"true" if student else "false"} AND (m.object_id IS NOT NULL OR n.upn IS NOT NULL)"""


def _display_name(people: People) -> str:
    """What somebody is called. An account is not called otherwise only because a grade could not be read."""
    filled = f"left({template_sql(people.display_name, NAME_COLUMNS)}, 256)"
    if "grade" not in placeholders(people.display_name):
        return filled
    return f"CASE WHEN m.object_id IS NULL OR p.grade_dropped IS NOT TRUE THEN {filled} END"


def _cut(column: str) -> str:
    """A column of the person at the length that Microsoft 365 takes."""
    return f"left(p.{column}, {LONGEST['persons', column]})"
