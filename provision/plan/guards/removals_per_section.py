"""Guard: a section that would lose most of its students."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT c.left_key, count(*), any_value(k.base)
        FROM run.changes c
        JOIN (SELECT left_key, count(*) AS base FROM run.live_links
              WHERE kind = 'member' GROUP BY left_key) k ON k.left_key = c.left_key
        WHERE c.kind = 'member' AND c.action = 'remove' GROUP BY c.left_key ORDER BY c.left_key""")  # fmt: skip


GUARD = Guard("removals_per_section", "memberships of one section that end, against those it has from us", _measure)
