"""The plan as work: `run.work`, a row per change, and `run.units`, what goes into one request.

Up to 20 references of one group ride in one unit, all licences of one user in another; everything else is a unit
of its own. `lock` names the object that a unit writes: two units with one lock are never in flight together.
"""

from __future__ import annotations

from provision.plan.planfile import PlanFile
from provision.policy.kinds import LINKS, MOST_REFERENCES, OBJECTS, READ_WITH_OBJECTS, ObjectKind, bundle_sql
from provision.store import Store

COLUMNS = (
    "{type: 'VARCHAR', id: 'VARCHAR', kind: 'VARCHAR', action: 'VARCHAR', key: 'VARCHAR', object_id: 'VARCHAR', "
    "before: 'JSON', after: 'JSON', cause: 'STRUCT(rule VARCHAR)', depends_on: 'VARCHAR[]', requests: 'BIGINT', "
    "schools: 'VARCHAR[]'}"
)


def load_work(store: Store, plan: PlanFile) -> None:
    """Read the changes of the plan into `run.work`; what an earlier run of this plan did is marked so."""
    with plan.rows(COLUMNS) as rows:
        store.run(f"""
            CREATE OR REPLACE TABLE run.work AS
            SELECT row_number() OVER () AS seq, w.* EXCLUDE (type, cause), cause.rule AS rule,
                   {_end("left", "")} AS left_key,
                   {_end("left", "_id")} AS left_id, {_end("right", "")} AS right_key,
                   {_end("right", "_id")} AS right_id, coalesce(after, before) ->> 'role' AS role,
                   'waiting' AS state, NULL::TEXT AS error, 0::BIGINT AS spent
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
    "user": "c.student_id = (w.after ->> 'student_id') OR c.teacher_id = (w.after ->> 'teacher_id')",
    "school": "c.external_id = (w.after ->> 'external_id')",
    "section": "c.external_id = (w.after ->> 'external_id')",
    "school_group": "c.unique_name = (w.after ->> 'unique_name')",
}


def _mark_objects(store: Store, kind: ObjectKind) -> None:
    values = ", ".join(f"{{'f': '{field}', 'v': c.{field}}}" for field in kind.updated)
    _settle(
        store,
        f"w.kind = '{kind.name}' AND w.action = 'create' AND EXISTS "
        f"(SELECT 1 FROM {kind.current} c WHERE {ANCHORS[kind.name]})",
        "'an object with this id exists already: somebody else made it since the plan'",
        f"(SELECT min(c.object_id) FROM {kind.current} c WHERE {ANCHORS[kind.name]})",
    )
    store.run(f"""
        CREATE OR REPLACE TABLE run.seen AS
        SELECT w.id, c.object_id IS NULL AS gone,
               list_filter([{values}], lambda x: json_exists(w.before, x.f)
                   AND x.v IS DISTINCT FROM (w.before ->> x.f)) AS moved,
               len(list_filter([{values}], lambda x: json_exists(w.after, x.f)
                   AND x.v IS DISTINCT FROM (w.after ->> x.f))) = 0 AS reached
        FROM run.work w LEFT JOIN {kind.current} c ON c.object_id = w.object_id
        WHERE w.kind = '{kind.name}' AND w.action = 'update' AND w.state = 'waiting'""")
    store.run("""
        UPDATE run.work w SET
            state = CASE WHEN s.reached AND w.id IN (SELECT id FROM run.attempted) THEN 'done' ELSE 'stale' END,
            error = CASE WHEN s.gone THEN 'the object no longer exists in the directory'
                         WHEN s.reached AND w.id IN (SELECT id FROM run.attempted) THEN NULL
                         ELSE 'changed since the plan: ' || array_to_string(list_transform(s.moved,
                              lambda x: x.f || ' is now ' || coalesce('''' || x.v || '''', 'empty')), ', ') END
        FROM run.seen s WHERE s.id = w.id AND (s.gone OR len(s.moved) > 0)""")


def _settle(store: Store, where: str, reason: str, object_id: str = "w.object_id") -> None:
    """Rows that need no request: ours from an interrupted run, or somebody else's."""
    store.run(f"""
        UPDATE run.work w SET
            state = CASE WHEN w.id IN (SELECT id FROM run.attempted) THEN 'done' ELSE 'stale' END,
            error = CASE WHEN w.id IN (SELECT id FROM run.attempted) THEN NULL ELSE {reason} END,
            object_id = {object_id}
        WHERE w.state = 'waiting' AND {where}""")


def make_units(store: Store) -> None:
    """Bundle what waits into `run.units`, with what each unit needs first and how many others it blocks."""
    store.run(f"""
        CREATE OR REPLACE TABLE run.unit_of AS
        SELECT id, lock, dense_rank() OVER (ORDER BY bundle, part) AS unit FROM (
            SELECT id, bundle, coalesce(left_key, key) AS lock,
                   (row_number() OVER (PARTITION BY bundle ORDER BY kind DESC, key) - 1) // {MOST_REFERENCES} AS part
            FROM (SELECT *, {bundle_sql()} AS bundle FROM run.work WHERE state = 'waiting'))""")
    store.run("""
        CREATE OR REPLACE TABLE run.needs AS
        SELECT DISTINCT u.unit, v.unit AS needs
        FROM (SELECT id, unnest(depends_on) AS dependency FROM run.work WHERE state = 'waiting') w
        JOIN run.unit_of u ON u.id = w.id
        JOIN run.unit_of v ON v.id = w.dependency""")
    store.run("""
        CREATE OR REPLACE TABLE run.units AS
        SELECT u.unit, any_value(u.lock) AS lock, coalesce(any_value(n.blocks), 0) AS blocks, 'waiting' AS state
        FROM run.unit_of u
        LEFT JOIN (SELECT needs, count(*) AS blocks FROM run.needs GROUP BY needs) n ON n.needs = u.unit
        GROUP BY u.unit""")


def _end(side: str, suffix: str) -> str:
    cases = " ".join(
        f"WHEN '{kind.name}' THEN coalesce(after, before) ->> '{getattr(kind, side)}{suffix}'" for kind in LINKS
    )
    return f"CASE kind {cases} END"
