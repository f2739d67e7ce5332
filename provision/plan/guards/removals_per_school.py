"""Guard: a school whose students would lose many of their sections, or leave it."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT 'school:' || c.org_id, count(*), coalesce(any_value(k.base), 0)
        FROM run.changes c
        LEFT JOIN (SELECT coalesce(s.school_id, replace(l.left_key, 'school:', '')) AS org_id, count(*) AS base
                   FROM run.known_links l LEFT JOIN desired.sections s ON s.key = l.left_key
                   WHERE l.kind IN ('member', 'school_user') AND l.role = 'student' GROUP BY ALL) k
            ON k.org_id = c.org_id
        WHERE c.kind IN ('member', 'school_user') AND c.action = 'remove' AND c.org_id IS NOT NULL
        GROUP BY c.org_id ORDER BY c.org_id""")  # fmt: skip


GUARD = Guard("removals_per_school", "memberships at one school that end, against those it has from us", _measure)
