"""Guard: the roster holds far less than the last one that was applied, as a half-written export does."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.profile import Bounds
from provision.store import Store

COUNTS = """
    SELECT 'schools' AS entity, id AS school, 1 AS records FROM run.org_school JOIN roster.orgs ON org_id = id
        WHERE org_id = school_id
    UNION ALL SELECT CASE WHEN as_student THEN 'students' ELSE 'staff' END, school_id, count(DISTINCT person_id)
        FROM (SELECT r.person_id, o.school_id, lower(r.role) = 'student' AS as_student
              FROM roster.roles r JOIN run.org_school o ON o.org_id = r.org_id) GROUP BY ALL
    UNION ALL SELECT 'sections', coalesce(o.school_id, ''), count(*)
        FROM roster.sections s LEFT JOIN run.org_school o ON o.org_id = s.org_id GROUP BY ALL
    UNION ALL SELECT 'enrollments', coalesce(o.school_id, ''), count(*)
        FROM roster.enrollments e JOIN roster.sections s ON s.id = e.section_id
        LEFT JOIN run.org_school o ON o.org_id = s.org_id GROUP BY ALL"""
"""(entity, school, records) of the whole roster, whatever the profile's scope."""


def _measure(store: Store) -> list[Measure]:
    """Per entity, over the schools that are in scope now: what was there last time and is not now."""
    scope = "school IN (SELECT id FROM run.scope) OR (SELECT count(*) FROM run.scope) = 0"
    return measures(store, f"""
        SELECT entity, greatest(l.records - coalesce(n.records, 0), 0), l.records
        FROM (SELECT entity, sum(records) AS records FROM ledger.roster_counts WHERE {scope} GROUP BY entity) l
        LEFT JOIN (SELECT entity, sum(records) AS records FROM ({COUNTS}) WHERE {scope} GROUP BY entity) n
            USING (entity)""")  # fmt: skip


def _silent(store: Store, _bounds: Bounds) -> str | None:
    known = store.value("SELECT count(*) FROM ledger.roster_counts")
    return None if known else "no roster has been applied yet, so there is nothing to compare with"


GUARD = Guard("roster_shrinks", "an entity of the roster shrank against the last one applied", _measure, _silent)
