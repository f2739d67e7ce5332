"""Sign-in names for accounts that are to be made: the profile's alternatives in order, decided in the plan.

A name is free when no account of the tenant has it and no other new person got or wants it: two who want the same
both go on to the next alternative. With a counter they take turns by key; `{counter:2}` counts from 1 with at
least two digits. Who gets none is held, there is never a guess outside the profile's alternatives.
"""

from __future__ import annotations

from provision.policy.template import template_sql
from provision.profile import PLACEHOLDER, People, Profile
from provision.roster.addresses import SIGN_IN_LOCAL
from provision.store import Store
from provision.store.sql import literal

LEGAL = literal(f"^{SIGN_IN_LOCAL}@[A-Za-z0-9.-]+$")
HIGHEST_COUNTER = 999

COLUMNS = {
    "username": "username",
    "given": "strip_accents(given_name)",
    "family": "strip_accents(family_name)",
    "middle": "strip_accents(coalesce(middle_name, ''))",
    "number": "number",
    "id": "source_id",
}


def choose_usernames(store: Store, profile: Profile) -> None:
    """Make `run.usernames (key, upn, problem)` for every person of `run.newcomers (key, is_student, …)`."""
    store.run("CREATE OR REPLACE TABLE run.usernames (key TEXT, upn TEXT, problem TEXT)")
    store.run("CREATE OR REPLACE TABLE run.taken AS SELECT lower(user_principal_name) AS upn FROM current.users")
    for name, people in profile.people():
        if people.mode == "create":
            for template in people.username:
                _try(store, name == "students", people, template)
    store.run(f"""
        INSERT INTO run.usernames
        SELECT n.key, NULL, CASE
            WHEN n.username IS NULL THEN 'username-missing'
            WHEN contains(n.username, '@') AND lower(split_part(n.username, '@', 2)) NOT IN
                 (SELECT lower(name) FROM current.domains WHERE verified) THEN 'username-domain'
            WHEN lower(n.username) NOT IN (SELECT split_part(upn, '@', 1) FROM run.taken
                                           UNION ALL SELECT upn FROM run.taken)
                 AND NOT regexp_matches(split_part(n.username, '@', 1) || '@x', {LEGAL})
                THEN 'username-characters'
            ELSE 'username-taken' END
        FROM run.newcomers n WHERE n.key NOT IN (SELECT key FROM run.usernames)""")


def _try(store: Store, students: bool, people: People, template: str) -> None:
    """One alternative for all who have no name yet; with a counter, once per count until nobody is left."""
    counts = range(1, HIGHEST_COUNTER + 1) if "{counter" in template else range(1, 2)
    for count in counts:
        store.run(f"""
            CREATE OR REPLACE TABLE run.wishes AS
            SELECT key, lower(upn) AS upn FROM (
                SELECT key, {_full(people, template, count)} AS upn FROM run.newcomers
                WHERE is_student = {"true" if students else "false"}
                  AND key NOT IN (SELECT key FROM run.usernames))
            WHERE upn IS NOT NULL AND regexp_matches(upn, {LEGAL})
              AND lower(split_part(upn, '@', 2)) IN (SELECT lower(name) FROM current.domains WHERE verified)""")
        if not store.value("SELECT count(*) FROM run.wishes"):
            return
        store.run(f"""
            INSERT INTO run.usernames
            SELECT min(w.key), w.upn, NULL FROM run.wishes w
            WHERE w.upn NOT IN (SELECT upn FROM run.taken)
            GROUP BY w.upn HAVING {"true" if "{counter" in template else "count(*) = 1"}""")
        store.run("INSERT INTO run.taken SELECT upn FROM run.usernames WHERE upn IS NOT NULL")


def _full(people: People, template: str, count: int) -> str:
    """The local part, its domain appended where it has none. Words are run together: no white space in a name."""
    digits = {match[1]: int(match[2] or 1) for match in PLACEHOLDER.finditer(template)}.get("counter", 1)
    plain = PLACEHOLDER.sub(lambda m: f"{count:0{digits}d}" if m[1] == "counter" else m[0], template)
    local = f"replace({template_sql(plain, COLUMNS)}, ' ', '')" if plain != "{username}" else "username"
    return f"CASE WHEN contains({local}, '@') THEN {local} ELSE {local} || {literal('@' + (people.domain or ''))} END"
