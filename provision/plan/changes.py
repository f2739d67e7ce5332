"""The difference between desired and current, as rows of `run.changes` and `run.notes`.

Every statement is made from the kinds of `policy.kinds`, so a new kind is planned for free. Which difference
becomes a change, and why, is said in `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Collection

from provision.errors import UsageError
from provision.plan.selection import add_dependents
from provision.policy.kinds import MOST_REFERENCES, LinkKind, ObjectKind, bundle_sql
from provision.store import Store
from provision.store.sql import literal, literals

COLUMNS = (
    "id, kind, action, key, object_id, before, after, rule, file, record, field, depends_on, requests, org_id, "
    "left_key, left_id, right_key, right_id, role"
)


def start(store: Store) -> None:
    """Empty tables, and the ledger as far as it is confirmed.

    `run.known_links` is the ledger, plus what an interrupted run was adding and the directory shows as there. A
    person whom the roster now calls by another id goes by that id, and a link has the role the roster gives it now.
    """
    store.run("""
        CREATE OR REPLACE TABLE run.changes (
            id TEXT, kind TEXT, action TEXT, key TEXT, object_id TEXT, before JSON, after JSON, rule TEXT, file TEXT,
            record BIGINT, field TEXT, depends_on TEXT[], requests BIGINT, org_id TEXT, left_key TEXT, left_id TEXT,
            right_key TEXT, right_id TEXT, role TEXT)""")
    store.run("""
        CREATE OR REPLACE TABLE run.notes (
            what TEXT, kind TEXT, key TEXT, rule TEXT, file TEXT, record BIGINT, field TEXT)""")
    store.run("""
        CREATE OR REPLACE TABLE run.known_links AS
        WITH known AS (
            SELECT kind, key, left_key, right_key, left_id, right_id, role FROM ledger.links
            UNION ALL
            SELECT DISTINCT i.kind, i.key, i.left_key, i.right_key, i.left_id, i.right_id, i.role
            FROM journal.unsettled i
            JOIN current.links c ON c.kind = i.kind AND c.left_id = i.left_id AND c.right_id = i.right_id
            ANTI JOIN ledger.links l ON l.key = i.key AND l.left_id = i.left_id AND l.right_id = i.right_id
                AND l.role IS NOT DISTINCT FROM i.role
            WHERE i.action = 'add'
        )
        SELECT k.kind, k.key AS was, k.left_key, k.left_id, k.right_id,
               CASE WHEN u.key <> k.right_key
                    THEN left(k.key, len(k.key) - len(k.right_key) + len('user:')) || u.person_id
                    ELSE k.key END AS key,
               coalesce(u.key, k.right_key) AS right_key, coalesce(d.role, k.role) AS role,
               d.kind IS NOT NULL AS desired
        FROM known k
        LEFT JOIN desired.users u ON u.object_id = k.right_id
        LEFT JOIN desired.links d ON d.kind = k.kind AND d.left_id = k.left_id AND d.right_id = k.right_id""")
    # what a guard measures removals against: students' links that are ours, there, and of what the roster still has
    store.run("""
        CREATE OR REPLACE TABLE run.live_links AS
        SELECT k.kind, k.left_key, coalesce(s.school_id, o.org_id, g.org_id) AS org_id
        FROM run.known_links k
        JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
        LEFT JOIN desired.sections s ON s.key = k.left_key
        LEFT JOIN desired.schools o ON o.key = k.left_key
        LEFT JOIN desired.school_groups g ON g.key = k.left_key
        WHERE k.role = 'student' AND coalesce(s.key, o.key, g.key) IS NOT NULL""")
    store.run("""
        CREATE OR REPLACE TABLE run.new_links AS
        SELECT d.*, k.key IS NOT NULL AS was_ours
        FROM desired.links d
        LEFT JOIN current.links c ON c.kind = d.kind AND c.left_id = d.left_id AND c.right_id = d.right_id
        LEFT JOIN (SELECT DISTINCT kind, left_id, right_id, key FROM run.known_links) k
            ON k.kind = d.kind AND k.left_id = d.left_id AND k.right_id = d.right_id
        WHERE c.kind IS NULL""")


def create_objects(store: Store, kind: ObjectKind, *, split: bool = True) -> None:
    """Everything of this kind that is desired and has no object. `split`: a user is written in two places."""
    values = ", ".join(f"{{'f': '{field}', 'v': d.{field}}}" for field in kind.fields)
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'create:' || d.key, '{kind.name}', 'create', d.key, NULL, NULL,
               {_object_json(f"list_filter([{values}], lambda x: x.v IS NOT NULL)", "v")},
               {literal(kind.create_rule)}, d.file, d.record, NULL, [], {_create_requests(kind, split=split)}, NULL,
               NULL, NULL, NULL, NULL, NULL
        FROM {kind.desired} d WHERE d.object_id IS NULL""")


def update_objects(
    store: Store, kind: ObjectKind, rule: str, but: str = "[]", unless: str = "false", *, split: bool = True
) -> None:
    """Everything of this kind whose managed values differ.

    `rule` is SQL for the cause, over the list `changed` of field names; `but` is SQL for a list of fields to leave
    alone; `unless` keeps whole rows out. Both see the desired row as `d`. `split`: a user is written in two places.
    """
    pairs = ", ".join(
        f"{{'f': '{field}', 'b': c.{field}, 'a': coalesce(d.{field}, c.{field})}}" for field in kind.updated
    )
    differs = " OR ".join(f"coalesce(d.{field}, c.{field}) IS DISTINCT FROM c.{field}" for field in kind.updated)
    along = " OR ".join(
        f"(list_contains({whole}, x.f) AND list_has_any({whole}, changed) AND x.a IS NOT NULL)"
        for whole in (list(names) for names in kind.wholes)
    )
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'update:' || key, '{kind.name}', 'update', key, object_id,
               {_object_json("sent", "b")}, {_object_json("sent", "a")},
               {rule}, file, record, array_to_string(changed, ', '), [], {update_requests(kind, split=split)}, NULL,
               NULL, NULL, NULL, NULL, NULL
        FROM (
            SELECT d.key, d.object_id, d.file, d.record, [{pairs}] AS every,
                   list_transform(list_filter(every, lambda x: x.a IS DISTINCT FROM x.b
                                              AND NOT list_contains({but}, x.f)), lambda x: x.f) AS changed,
                   list_filter(every, lambda x: list_contains(changed, x.f) OR {along or "false"}) AS sent
            FROM {kind.desired} d JOIN {kind.current} c ON c.object_id = d.object_id
            WHERE ({differs}) AND NOT coalesce({unless}, false))  -- of most nothing differs: lists take longer
        WHERE len(changed) > 0""")


def add_links(store: Store, kind: LinkKind, rule: str, where: str = "true", more: str = "") -> None:
    """Links of this kind that are desired and not there. `rule` and `where` are SQL over the new link `n`.

    `more` is SQL for further members of `after`, name and value in turn.
    """
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'add:' || n.key, n.kind, 'add', n.key, n.left_id, NULL, {ends(kind, "n", more)}, {rule},
               n.file, n.record, NULL, {_needs(kind)}, 0, n.org_id,
               n.left_key, n.left_id, n.right_key, n.right_id, n.role
        FROM run.new_links n
        WHERE n.kind = '{kind.name}' AND ({where})""")


def remove_links(store: Store, kind: LinkKind, rule: str, org: str, file: str, where: str) -> None:
    """Links of this kind that we put there, that are still there, and of which `where` (over `k`) says: leave.

    `org` and `file` are SQL: the school it happens at, and the file that no longer says it.
    """
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'remove:' || k.key, k.kind, 'remove', k.key, k.left_id, {ends(kind, "k")}, NULL, {literal(rule)},
               {file}, NULL, NULL, [], 1, {org}, k.left_key, k.left_id, k.right_key, k.right_id, k.role
        FROM run.known_links k
        JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
        JOIN run.wanted w ON w.kind = k.kind AND w.object_id = k.left_id
        WHERE k.kind = '{kind.name}' AND NOT k.desired AND ({where})""")


def note(store: Store, what: str, kind: str, rule: str, query: str) -> None:
    """Say what is deliberately not done. `query` gives `key`, `file`, `record`, `field`."""
    store.run(f"""
        INSERT INTO run.notes
        SELECT {literal(what)}, {literal(kind)}, q.key, {literal(rule)}, q.file, q.record, q.field
        FROM ({query}) q""")


def count_requests(store: Store) -> None:
    """How many requests each link costs: the first of a bundle carries it, those that ride along cost nothing."""
    # as a table of its own: an UPDATE of all links from a window takes minutes where memory is short
    store.run(f"""
        CREATE OR REPLACE TABLE run.carriers AS
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY {bundle_sql()} ORDER BY kind DESC, key) AS place
            FROM run.changes WHERE action = 'add')
        WHERE (place - 1) % {MOST_REFERENCES} = 0""")
    store.run("UPDATE run.changes SET requests = 1 WHERE id IN (SELECT id FROM run.carriers)")


def name_schools(store: Store) -> None:
    """`run.change_schools (id, schools)`: the keys of the schools that a change belongs to; some belong to none."""
    at_school = """
        SELECT c.id, ['school:' || o.{school}] FROM run.changes c JOIN {objects} o ON o.key = c.key
        WHERE c.org_id IS NULL AND o.{school} IS NOT NULL"""
    # only persons have several, and few of them: lists that are gathered take ten times the memory of others
    store.run(f"""
        CREATE OR REPLACE TABLE run.change_schools AS
        WITH whose AS MATERIALIZED (
            SELECT c.id, u.person_id FROM run.changes c
            JOIN desired.users u ON u.key = CASE WHEN c.kind = 'license' THEN c.left_key
                                                 WHEN c.role = 'licensed' THEN c.right_key ELSE c.key END
            WHERE c.org_id IS NULL),
        places AS MATERIALIZED (
            SELECT person_id, min(school_id) AS school_id, count(*) AS schools FROM run.person_schools
            WHERE school_id IS NOT NULL GROUP BY person_id)
        SELECT id, ['school:' || org_id] AS schools FROM run.changes WHERE org_id IS NOT NULL
        UNION ALL {at_school.format(school="school_id", objects="desired.sections")}
        UNION ALL {at_school.format(school="org_id", objects="desired.schools")}
        UNION ALL {at_school.format(school="org_id", objects="desired.school_groups")}
        UNION ALL SELECT w.id, ['school:' || p.school_id]
        FROM whose w JOIN places p USING (person_id) WHERE p.schools = 1
        UNION ALL SELECT w.id, list('school:' || s.school_id ORDER BY s.school_id)
        FROM whose w JOIN places p USING (person_id) JOIN run.person_schools s USING (person_id)
        WHERE p.schools > 1 AND s.school_id IS NOT NULL GROUP BY w.id""")


def leave_out_rejected(store: Store, reconsider: Collection[str]) -> None:
    """Take out what an approver rejected, and what cannot be done without it; said, so that nobody wonders.

    Another value for the same object is another matter. `reconsider` has the keys (or ids) to plan again; raises
    `UsageError` for one that nobody rejected.
    """
    for key in sorted(reconsider):
        if not store.value("SELECT count(*) FROM ledger.rejections WHERE id = ?1 OR ends_with(id, ':' || ?1)", [key]):
            raise UsageError(f"--reconsider {key}: nobody rejected this.", ["The plan's notes give the keys."])
    store.run(f"""
        CREATE OR REPLACE TABLE run.rejected AS
        SELECT c.id, r.reason FROM run.changes c JOIN ledger.rejections r ON r.id = c.id
        WHERE (c.action <> 'update' OR r.value = c.after::TEXT)
          AND c.id NOT IN {literals(sorted(reconsider))} AND c.key NOT IN {literals(sorted(reconsider))}""")
    add_dependents(store, "run.changes", "run.rejected", "'needs ' || min(u.id)")
    store.run("""
        INSERT INTO run.notes
        SELECT 'rejected', c.kind, c.key, 'rejected', c.file, c.record, r.reason
        FROM run.rejected r JOIN run.changes c ON c.id = r.id""")
    store.run("DELETE FROM run.changes WHERE id IN (SELECT id FROM run.rejected)")


def _object_json(pairs: str, value: str) -> str:
    return f"to_json(map_from_entries(list_transform({pairs}, lambda x: {{'k': x.f, 'v': x.{value}}})))"


def ends(kind: LinkKind, row: str, more: str = "") -> str:
    """The two ends of a link as JSON, by the names of its kind."""
    ends = (
        f"'{kind.left}', {row}.left_key, '{kind.left}_id', {row}.left_id, "
        f"'{kind.right}', {row}.right_key, '{kind.right}_id', {row}.right_id, 'role', {row}.role"
    )
    return f"json_object({ends}, {more})" if more else f"json_object({ends})"


def _needs(kind: LinkKind) -> str:
    """The creates a link waits for, and what comes before a licence: the update that gives the user a usage location,
    and where a group hands the licences on, that it has them."""
    ends = ("left", "right")
    waits = [f"CASE WHEN n.{end}_id IS NULL THEN 'create:' || n.{end}_key END" for end in ends]
    user = {"license": "n.left_key", "group_member": "CASE n.role WHEN 'licensed' THEN n.right_key END"}.get(kind.name)
    if user:
        update = f"'update:' || {user}"
        waits.append(f"CASE WHEN {update} IN (SELECT id FROM run.changes) THEN {update} END")
    needs = f"list_filter([{', '.join(waits)}], lambda x: x IS NOT NULL)"
    return f"list_concat({needs}, coalesce({_GROUP_LICENSES}, []))" if kind.name == "group_member" else needs


_GROUP_LICENSES = """(
    SELECT list(l.id ORDER BY l.id) FROM run.changes l
    WHERE l.kind = 'group_license' AND l.left_key = n.left_key AND n.role = 'licensed')"""


EDUCATION = ("middle_name", "primary_role", "external_source", "student_id", "teacher_id", "grade",
             "student_number", "graduation_year", "birth_date", "teacher_number")  # fmt: skip
"""User fields that only the education endpoint takes; the others go to `/users`."""
NOT_EDUCATION = ("job_title", "age_group")
"""User fields that the education endpoint lacks."""


def _create_requests(kind: ObjectKind, *, split: bool) -> str:
    if kind.name != "user" or not split:
        return "1"
    return f"1 + CASE WHEN coalesce({', '.join('d.' + field for field in NOT_EDUCATION)}) IS NULL THEN 0 ELSE 1 END"


def update_requests(kind: ObjectKind, changed: str = "changed", *, split: bool) -> str:
    """SQL for how many requests an update costs, given SQL for the list of the fields that change."""
    if kind.name != "user" or not split:
        return "1"
    names = ", ".join(f"'{field}'" for field in EDUCATION)
    return (
        f"CASE WHEN list_has_any({changed}, [{names}]) THEN 1 ELSE 0 END"
        f" + CASE WHEN list_has_all([{names}], {changed}) THEN 0 ELSE 1 END"
    )
