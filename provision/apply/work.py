"""The plan as work: `run.work`, a row per change, and `run.queue`, the units of them that go into one request each.

Up to 20 references of one group ride in one unit, all licences of one user in another; everything else is a unit
of its own. `lock` names the object that a unit writes.
"""

from __future__ import annotations

from provision.plan.planfile import PlanFile
from provision.policy.kinds import LINKS, MOST_REFERENCES, OBJECTS, READ_WITH_OBJECTS, ObjectKind, bundle_sql
from provision.store import Store
from provision.store.sql import literals

COLUMNS = (
    "{type: 'VARCHAR', id: 'VARCHAR', kind: 'VARCHAR', action: 'VARCHAR', key: 'VARCHAR', object_id: 'VARCHAR', "
    "before: 'JSON', after: 'JSON', cause: 'STRUCT(rule VARCHAR)', depends_on: 'VARCHAR[]', requests: 'BIGINT', "
    "schools: 'VARCHAR[]'}"
)


GAP = 320  # units: as many as are on their way at a time, at most
SORTED = 25_000  # units that are put into the queue at a time


def load_work(store: Store, plan: PlanFile) -> None:
    """Read the changes of the plan into `run.work`; what an earlier run of this plan did is marked so."""
    with plan.rows(COLUMNS) as rows:
        store.run(f"""
            CREATE OR REPLACE TABLE run.work AS
            SELECT row_number() OVER () AS seq, w.* EXCLUDE (type, cause), cause.rule AS rule,
                   {_end("left", "")} AS left_key,
                   {_end("left", "_id")} AS left_id, {_end("right", "")} AS right_key,
                   {_end("right", "_id")} AS right_id, coalesce(after, before) ->> 'role' AS role,
                   'waiting' AS state, NULL::TEXT AS error
            FROM {rows} w
            WHERE w.type = 'change'""")
    store.run(
        """
        CREATE OR REPLACE TABLE run.done_before AS
        SELECT DISTINCT o.change_id AS id FROM journal.outcomes o JOIN journal.runs r ON r.run = o.run
        WHERE o.status = 'done' AND r.plan_id = ?""",
        [plan.header["digest"]],
    )
    store.run("UPDATE run.work SET state = 'done' WHERE id IN (SELECT id FROM run.done_before)")
    store.run(
        "CREATE OR REPLACE TABLE run.attempted AS "
        "SELECT DISTINCT change_id AS id FROM journal.unsettled WHERE plan_id = ?",
        [plan.header["digest"]],
    )
    store.run(
        "CREATE OR REPLACE TABLE run.sent AS "
        "SELECT DISTINCT i.change_id AS id FROM journal.intents i JOIN journal.runs r ON r.run = i.run "
        "WHERE r.plan_id = ?",
        [plan.header["digest"]],
    )


def want_links(store: Store) -> None:
    """Name in `run.wanted` the objects whose links the plan changes, for the reader."""
    store.run(f"""
        CREATE OR REPLACE TABLE run.wanted AS
        SELECT DISTINCT kind, left_id AS object_id FROM run.work
        WHERE left_id IN (SELECT object_id FROM current.objects) AND kind NOT IN {READ_WITH_OBJECTS}
          AND state = 'waiting'""")


def mark_stale(store: Store) -> None:
    """Compare each change with the directory as it was just read.

    What an interrupted run of ours had sent, and the directory now shows, is done. What somebody else changed is
    stale: named, skipped, and the rest goes on.
    """
    for kind in OBJECTS:
        _mark_objects(store, kind)
    present = "(w.kind, w.left_id, w.right_id) IN (SELECT (kind, left_id, right_id) FROM current.links)"
    _settle(store, "w.action = 'add' AND w.left_id IS NOT NULL AND w.right_id IS NOT NULL AND " + present,
            "'it is there already: somebody else added it since the plan'")  # fmt: skip
    _settle(store, f"w.action = 'remove' AND NOT {present}",
            "'it is gone already: somebody else removed it since the plan'")  # fmt: skip
    alive = " UNION ALL ".join(f"SELECT object_id FROM {kind.current}" for kind in OBJECTS)
    for side in ("left", "right"):
        store.run(f"""
            UPDATE run.work w SET state = 'stale', error = w.{side}_key || ' no longer exists in the directory'
            WHERE w.state = 'waiting' AND w.{side}_id IS NOT NULL AND w.{side}_key NOT LIKE 'sku:%'
              AND w.{side}_id NOT IN ({alive})""")


def leave_to_others(store: Store) -> None:
    """What another profile has made or taken over since the plan is its own, even if we had sent it too."""
    store.run("""
        UPDATE run.work w SET state = 'stale', error = 'it belongs to the profile ' || o.profile || ' since the plan'
        FROM (SELECT name, min(profile) AS profile FROM run.others GROUP BY name) o
        WHERE o.name = coalesce(w.object_id, w.key) AND w.state <> 'unapproved'
          AND w.id NOT IN (SELECT id FROM run.done_before)""")


ANCHORS = {
    "user": ("student_id", "teacher_id"),
    "school": ("external_id",),
    "section": ("external_id",),
    "school_group": ("unique_name",),
}
"""Fields by which an object is known that was made."""


def _mark_objects(store: Store, kind: ObjectKind) -> None:
    values = ", ".join(f"{{'f': '{field}', 'v': c.{field}}}" for field in kind.updated)
    moved, missing = (
        f"list_filter([{values}], lambda x: json_exists(w.{side}, x.f) AND x.v IS DISTINCT FROM (w.{side} ->> x.f))"
        for side in ("before", "after")
    )
    # a join for each field: one for all of them would compare everybody with everybody
    found = " UNION ALL ".join(
        f"SELECT w.id, c.object_id FROM run.work w JOIN {kind.current} c ON c.{field} = (w.after ->> '{field}') "
        f"WHERE w.kind = '{kind.name}' AND w.action = 'create' AND w.state = 'waiting'"
        for field in ANCHORS[kind.name]
    )
    store.run(f"CREATE OR REPLACE TABLE run.found AS SELECT id, min(object_id) AS object_id FROM ({found}) GROUP BY id")
    # of a create that takes two requests the second one may have to follow
    store.run(f"""
        DELETE FROM run.found WHERE id IN (
            SELECT w.id FROM run.work w
            JOIN run.found f ON f.id = w.id
            JOIN {kind.current} c ON c.object_id = f.object_id
            WHERE w.requests > 1 AND w.id IN (SELECT id FROM run.attempted) AND len({missing}) > 0)""")
    _settle(
        store,
        "w.id IN (SELECT id FROM run.found)",
        "'an object with this id exists already: somebody else made it since the plan'",
        "(SELECT f.object_id FROM run.found f WHERE f.id = w.id)",
    )
    store.run(f"""
        CREATE OR REPLACE TABLE run.seen AS
        SELECT w.id, c.object_id IS NULL AS gone, {moved} AS moved, {missing} AS missing
        FROM run.work w LEFT JOIN {kind.current} c ON c.object_id = w.object_id
        WHERE w.kind = '{kind.name}' AND w.action = 'update' AND w.state = 'waiting'""")
    # what the first of two requests did is no reason not to send the second
    store.run("""
        UPDATE run.seen SET moved = list_filter(moved, lambda x: list_contains(missing, x))
        WHERE len(missing) > 0 AND id IN (SELECT id FROM run.sent)""")
    store.run("""
        UPDATE run.work w SET
            state = CASE WHEN s.reached THEN 'done' ELSE 'stale' END,
            error = CASE WHEN s.gone THEN 'the object no longer exists in the directory'
                         WHEN s.reached THEN NULL
                         ELSE 'changed since the plan: ' || array_to_string(list_transform(s.moved,
                              lambda x: x.f || ' is now ' || coalesce('''' || x.v || '''', 'empty')), ', ') END
        FROM (SELECT *, len(missing) = 0 AND id IN (SELECT id FROM run.attempted) AS reached FROM run.seen) s
        WHERE s.id = w.id AND (s.gone OR len(s.moved) > 0)""")


def _settle(store: Store, where: str, reason: str, object_id: str = "w.object_id") -> None:
    """Rows that need no request: ours from an interrupted run, or somebody else's."""
    store.run(f"""
        UPDATE run.work w SET
            state = CASE WHEN w.id IN (SELECT id FROM run.attempted) THEN 'done' ELSE 'stale' END,
            error = CASE WHEN w.id IN (SELECT id FROM run.attempted) THEN NULL ELSE {reason} END,
            object_id = {object_id}
        WHERE w.state = 'waiting' AND {where}""")


def make_queue(store: Store) -> None:
    """Bundle what waits into units and line them up in `run.queue`: a row per change, with the `place` of its unit.

    What needs nothing stands in the order of `_rank`; what needs others stands `GAP` places of those behind the last of
    them. So a section goes as soon as its members exist, new people fill the batches until then, and nothing has to
    wait for what is still on its way.
    """
    alone = literals(kind.name for kind in LINKS if kind.bundle is None)
    store.run(f"""
        CREATE OR REPLACE TABLE run.unit_of AS
        SELECT seq, id, kind, lock, shared, dense_rank() OVER (ORDER BY bundle, part) AS unit FROM (
            SELECT seq, id, kind, bundle, coalesce(left_key, key) AS lock, kind IN {alone} AS shared,
                   (row_number() OVER (PARTITION BY bundle ORDER BY kind DESC, key) - 1) // {MOST_REFERENCES} AS part
            FROM (SELECT *, {bundle_sql()} AS bundle FROM run.work WHERE state = 'waiting'))""")
    store.run("""
        CREATE OR REPLACE TABLE run.needs AS
        SELECT DISTINCT u.unit, v.unit AS needs
        FROM (SELECT id, unnest(depends_on) AS dependency FROM run.work WHERE state = 'waiting') w
        JOIN run.unit_of u ON u.id = w.id
        JOIN run.unit_of v ON v.id = w.dependency
        WHERE u.unit <> v.unit""")
    _rank(store)
    store.run("""
        CREATE OR REPLACE TABLE run.places AS
        SELECT unit, row_number() OVER (ORDER BY rank, unit) AS place FROM run.ranks""")
    store.run("""
        CREATE OR REPLACE TABLE run.lineup AS
        SELECT p.place, u.seq, u.lock, u.shared, p.unit IN (SELECT needs FROM run.needs) AS needed,
               coalesce(n.needs, []) AS needs, b.blocked_by
        FROM run.unit_of u
        JOIN run.places p ON p.unit = u.unit
        LEFT JOIN (SELECT n.unit, list(q.place) AS needs FROM run.needs n JOIN run.places q ON q.unit = n.needs
                   GROUP BY n.unit) n ON n.unit = u.unit
        LEFT JOIN (SELECT d.id, min(d.needed) AS blocked_by
                   FROM (SELECT id, unnest(depends_on) AS needed FROM run.work WHERE state = 'waiting') d
                   JOIN run.work o ON o.id = d.needed AND o.state NOT IN ('waiting', 'done')
                   GROUP BY d.id) b ON b.id = u.id""")
    store.run(f"CREATE OR REPLACE TABLE run.queue AS {_QUEUE} LIMIT 0")
    # some at a time: to sort everything that is to be written takes memory that grows with it
    for first in range(1, int(store.value("SELECT coalesce(max(place), 0) FROM run.lineup")) + 1, SORTED):
        among = f"l.place BETWEEN {first} AND {first + SORTED - 1}"
        store.run(f"INSERT INTO run.queue {_QUEUE} WHERE {among} ORDER BY l.place, l.seq")
    store.run("DROP TABLE run.lineup")


_QUEUE = """
    SELECT l.place, l.seq, l.lock, l.shared, l.needed, l.needs, w.id, w.kind, w.action, w.key, w.object_id,
           w.before::TEXT AS before, w.after::TEXT AS after, w.left_key, w.right_key, w.left_id, w.right_id, w.role,
           coalesce(w.depends_on, []) AS depends_on, l.blocked_by, w.id IN (SELECT id FROM run.attempted) AS attempted
    FROM run.lineup l JOIN run.work w USING (seq)"""


def _rank(store: Store) -> None:
    """`run.ranks (unit, rank)`: schools and groups come first, then section by section and its people, and what needs
    others after all of them."""
    store.run("""
        CREATE OR REPLACE TABLE run.ranks AS
        SELECT u.unit, row_number() OVER (
            ORDER BY u.kind IN ('user', 'section'),
                     CASE u.kind WHEN 'section' THEN u.lock ELSE s.section END NULLS LAST, u.unit) AS rank
        FROM (SELECT unit, min(lock) AS lock, min(kind) AS kind FROM run.unit_of
              WHERE unit NOT IN (SELECT unit FROM run.needs) GROUP BY unit) u
        LEFT JOIN (SELECT n.needs, min(v.lock) AS section FROM run.needs n JOIN run.unit_of v ON v.unit = n.unit
                   WHERE v.lock LIKE 'section:%' GROUP BY n.needs) s ON s.needs = u.unit""")
    ranked = -1
    while ranked != (ranked := int(store.value("SELECT count(*) FROM run.ranks"))):
        store.run(f"""
            INSERT INTO run.ranks
            SELECT n.unit, max(r.rank) + {GAP} FROM run.needs n LEFT JOIN run.ranks r ON r.unit = n.needs
            WHERE n.unit NOT IN (SELECT unit FROM run.ranks)
            GROUP BY n.unit HAVING count(*) = count(r.rank)""")


def _end(side: str, suffix: str) -> str:
    cases = " ".join(
        f"WHEN '{kind.name}' THEN coalesce(after, before) ->> '{getattr(kind, side)}{suffix}'" for kind in LINKS
    )
    return f"CASE kind {cases} END"
