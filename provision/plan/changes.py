"""The difference between desired and current, as rows of `run.changes` and `run.notes`.

Every statement is made from the kinds of `policy.kinds`, so a new kind is planned for free. Which difference
becomes a change, and why, is said in `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Collection

from provision.errors import UsageError
from provision.plan.selection import add_dependents
from provision.policy.kinds import LINKS, MOST_REFERENCES, LinkKind, ObjectKind
from provision.store import Store
from provision.store.sql import literal, literals

COLUMNS = (
    "id, kind, action, key, object_id, before, after, rule, file, record, field, depends_on, requests, org_id, "
    "left_key, left_id, right_key, right_id, role"
)
_AT_SCHOOLS = """
    SELECT key, school_id AS org_id FROM desired.sections UNION ALL SELECT key, org_id FROM desired.schools
    UNION ALL SELECT key, org_id FROM desired.school_groups"""
"""What is at one school at most, and which; groups of all schools are at none."""


def start(store: Store) -> None:
    """Empty tables, and the ledger as far as it is confirmed.

    `run.known_links` is the ledger, plus what an interrupted run was adding and the directory shows as there. A
    person whom the roster now calls by another id goes by that id, and a link has the role the roster gives it now.
    `run.ending` has those of them that are there and not desired, `run.new_links` what is desired and not there.
    """
    store.run("""
        CREATE OR REPLACE TABLE run.changes (
            id TEXT, kind TEXT, action TEXT, key TEXT, object_id TEXT, before JSON, after JSON, rule TEXT, file TEXT,
            record BIGINT, field TEXT, depends_on TEXT[], requests BIGINT, org_id TEXT, left_key TEXT, left_id TEXT,
            right_key TEXT, right_id TEXT, role TEXT)""")
    store.run("""
        CREATE OR REPLACE TABLE run.notes (
            what TEXT, kind TEXT, key TEXT, rule TEXT, file TEXT, record BIGINT, field TEXT)""")
    _find_known_links(store)
    _find_ending_links(store)
    _find_new_links(store)


def _find_known_links(store: Store) -> None:
    # one table of links is compared with one other at a time: more of them do not fit the memory of a large district
    store.run(f"CREATE OR REPLACE TABLE run.known_links AS {_known('ledger.links')}")
    store.run("""
        CREATE OR REPLACE TABLE run.adding AS
        SELECT DISTINCT kind, key, left_key, right_key, left_id, right_id, role FROM journal.unsettled
        WHERE action = 'add'""")
    there = """(
        SELECT i.* FROM run.adding i
        SEMI JOIN current.links c ON c.kind = i.kind AND c.left_id = i.left_id AND c.right_id = i.right_id
        ANTI JOIN ledger.links l ON l.key = i.key AND l.left_id = i.left_id AND l.right_id = i.right_id
            AND l.role IS NOT DISTINCT FROM i.role)"""
    store.run(f"INSERT INTO run.known_links {_known(there)}")
    store.run("DROP TABLE run.adding")


def _find_ending_links(store: Store) -> None:
    # few are not desired, which DuckDB knows of a table and not of a condition
    store.run("CREATE OR REPLACE TABLE run.undesired AS FROM run.known_links WHERE NOT desired")
    store.run("""
        CREATE OR REPLACE TABLE run.renamed AS
        SELECT DISTINCT u.object_id, u.key FROM run.undesired k
        JOIN desired.users u ON u.object_id = k.right_id AND u.key <> k.right_key""")
    for table in ("known_links", "undesired"):
        store.run(f"""
            UPDATE run.{table} k SET right_key = u.key, key = {_with_person("u.key")} FROM run.renamed u
            WHERE NOT k.desired AND u.object_id = k.right_id AND u.key <> k.right_key""")
    store.run("""
        CREATE OR REPLACE TABLE run.ending AS
        FROM run.undesired k
        SEMI JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
        SEMI JOIN run.wanted w ON w.kind = k.kind AND w.object_id = k.left_id""")
    for table in ("undesired", "renamed"):
        store.run(f"DROP TABLE run.{table}")
    # what a guard measures removals against: students' links that are ours, there, and of what the roster still has
    store.run(f"""
        CREATE OR REPLACE TABLE run.live_links AS
        SELECT k.kind, k.left_key, o.org_id FROM run.known_links k
        SEMI JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
        JOIN ({_AT_SCHOOLS}) o ON o.key = k.left_key
        WHERE k.role = 'student'""")


def _find_new_links(store: Store) -> None:
    store.run("""
        CREATE OR REPLACE TABLE run.missing_links AS
        FROM desired.links d
        ANTI JOIN current.links c ON c.kind = d.kind AND c.left_id = d.left_id AND c.right_id = d.right_id""")
    store.run("""
        CREATE OR REPLACE TABLE run.new_links AS
        SELECT d.*, k.kind IS NOT NULL AS was_ours FROM run.missing_links d
        LEFT JOIN (SELECT DISTINCT kind, left_id, right_id FROM run.known_links
                   SEMI JOIN run.missing_links USING (kind, left_id, right_id)) k
            ON k.kind = d.kind AND k.left_id = d.left_id AND k.right_id = d.right_id""")
    store.run("DROP TABLE run.missing_links")


def _known(links: str) -> str:
    """SQL for rows of `run.known_links`: the links, with what the roster says of them now."""
    person = "starts_with(d.right_key, 'user:')"
    return f"""
        SELECT k.kind, k.key AS was, k.left_key, k.left_id, k.right_id,
               CASE WHEN {person} AND d.right_key <> k.right_key THEN {_with_person("d.right_key")}
                    ELSE k.key END AS key,
               CASE WHEN {person} THEN d.right_key ELSE k.right_key END AS right_key,
               coalesce(d.role, k.role) AS role, d.kind IS NOT NULL AS desired
        FROM {links} k
        LEFT JOIN desired.links d ON d.kind = k.kind AND d.left_id = k.left_id AND d.right_id = k.right_id"""


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


def add_links(store: Store, kind: LinkKind, rule: str, where: str = "true", more: str = "", beside: str = "") -> None:
    """Links of this kind that are desired and not there. `rule` and `where` are SQL over the new link `n`.

    `more` is SQL for further members of `after`, name and value in turn; `beside` joins to `n` what that speaks of.
    """
    if kind.name == "group_member":
        beside += _GROUP_LICENSES
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'add:' || n.key, n.kind, 'add', n.key, n.left_id, NULL, {ends(kind, "n", more)}, {rule},
               n.file, n.record, NULL, {_needs(kind)}, {_guessed_requests(kind)}, n.org_id,
               n.left_key, n.left_id, n.right_key, n.right_id, n.role
        FROM run.new_links n {beside}
        WHERE n.kind = '{kind.name}' AND ({where})""")


def remove_links(store: Store, kind: LinkKind, rule: str, org: str, file: str, where: str) -> None:
    """Links of this kind that we put there, that are still there, and of which `where` (over `k`) says: leave.

    `org` and `file` are SQL: the school it happens at, and the file that no longer says it.
    """
    store.run(f"""
        INSERT INTO run.changes ({COLUMNS})
        SELECT 'remove:' || k.key, k.kind, 'remove', k.key, k.left_id, {ends(kind, "k")}, NULL, {literal(rule)},
               {file}, NULL, NULL, [], 1, {org}, k.left_key, k.left_id, k.right_key, k.right_id, k.role
        FROM run.ending k WHERE k.kind = '{kind.name}' AND ({where})""")


def note(store: Store, what: str, kind: str, rule: str, query: str) -> None:
    """Say what is deliberately not done. `query` gives `key`, `file`, `record`, `field`."""
    store.run(f"""
        INSERT INTO run.notes
        SELECT {literal(what)}, {literal(kind)}, q.key, {literal(rule)}, q.file, q.record, q.field
        FROM ({query}) q""")


def count_requests(store: Store) -> None:
    """How many requests each link costs: the first of a bundle carries it, those that ride along cost nothing."""
    alone = literals(kind.name for kind in LINKS if kind.bundle is None)
    store.run(f"UPDATE run.changes SET requests = 1 WHERE action = 'add' AND kind IN {alone} AND requests <> 1")
    for bundle in dict.fromkeys(kind.bundle for kind in LINKS if kind.bundle):
        kinds = literals(kind.name for kind in LINKS if kind.bundle == bundle)
        # sorted, and not by a window, which needs all of a bundle in memory: a group has as many members as there are
        store.run(f"""
            CREATE OR REPLACE TABLE run.bundled AS
            SELECT id, left_key, requests FROM run.changes WHERE action = 'add' AND kind IN {kinds}
            ORDER BY left_key, kind DESC, key""")
        store.run(f"""
            CREATE OR REPLACE TABLE run.recounted AS
            SELECT id, ((b.rowid - f.first) % {MOST_REFERENCES} = 0)::BIGINT AS carries FROM run.bundled b
            JOIN (SELECT left_key, min(rowid) AS first FROM run.bundled GROUP BY left_key) f USING (left_key)
            WHERE carries <> requests""")
        store.run("UPDATE run.changes c SET requests = r.carries FROM run.recounted r WHERE r.id = c.id")
        for table in ("bundled", "recounted"):
            store.run(f"DROP TABLE run.{table}")


def _guessed_requests(kind: LinkKind) -> int:
    """What most links of a kind cost, so that few are to be counted anew: an UPDATE of many takes much memory."""
    return 0 if kind.bundle == "group" else 1


def name_schools(store: Store) -> None:
    """`run.change_schools (id, kind, action, key, schools)`: the keys of the schools of a change that has no `org_id`,
    which names the one school it belongs to; some belong to none."""
    store.run(f"""
        CREATE OR REPLACE TABLE run.schools_of AS
        SELECT key, org_id, NULL::TEXT[] AS several FROM (
            {_AT_SCHOOLS}
            UNION ALL SELECT 'user:' || person_id, min(school_id) FROM run.person_schools GROUP BY person_id
                      HAVING count(school_id) = 1)
        WHERE org_id IS NOT NULL""")
    # apart, for few persons have several, and lists that are gathered take ten times the memory of others
    store.run("""
        INSERT INTO run.schools_of
        SELECT 'user:' || person_id, NULL, list('school:' || school_id ORDER BY school_id) FROM run.person_schools
        WHERE person_id IN (SELECT person_id FROM run.person_schools GROUP BY person_id HAVING count(school_id) > 1)
          AND school_id IS NOT NULL
        GROUP BY person_id""")
    store.run("""
        CREATE OR REPLACE TABLE run.change_schools AS
        SELECT c.id, c.kind, c.action, c.key, coalesce(o.several, ['school:' || o.org_id]) AS schools
        FROM run.changes c
        JOIN run.schools_of o ON o.key = CASE WHEN c.kind = 'license' THEN c.left_key
                                              WHEN c.role = 'licensed' THEN c.right_key ELSE c.key END
        WHERE c.org_id IS NULL""")
    store.run("DROP TABLE run.schools_of")


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


def _with_person(key: str) -> str:
    """SQL for the key of the link `k` when its person goes by another key."""
    return f"left(k.key, len(k.key) - len(k.right_key) + len('user:')) || substr({key}, len('user:') + 1)"


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
        updates = "(SELECT id FROM run.changes WHERE kind = 'user' AND action = 'update')"
        waits.append(f"CASE WHEN {update} IN {updates} THEN {update} END")
    needs = f"list_filter([{', '.join(waits)}], lambda x: x IS NOT NULL)"
    return f"list_concat({needs}, coalesce(g.licenses, []))" if kind.name == "group_member" else needs


_GROUP_LICENSES = """
    LEFT JOIN (SELECT left_key, list(id ORDER BY id) AS licenses FROM run.changes WHERE kind = 'group_license'
               GROUP BY left_key) g ON g.left_key = n.left_key AND n.role = 'licensed'"""


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
