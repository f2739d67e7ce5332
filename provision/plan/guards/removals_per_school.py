"""Guard: a school whose students would lose many of their sections, or leave it."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    """Each sort of link by itself, so that none hides behind the number of another."""
    return measures(store, """
        SELECT 'school:' || c.org_id || ' ' || c.kind, count(*), coalesce(any_value(k.base), 0)
        FROM run.changes c
        LEFT JOIN (SELECT kind, org_id, count(*) AS base FROM run.live_links GROUP BY ALL) k
            ON k.org_id = c.org_id AND k.kind = c.kind
        WHERE c.action = 'remove' AND c.org_id IS NOT NULL
        GROUP BY c.org_id, c.kind ORDER BY c.org_id, c.kind""")  # fmt: skip


GUARD = Guard("removals_per_school", "memberships at one school that end, against those it has from us", _measure)
