"""Guard: a run that rewrites many objects of a kind, as a roster with shifted columns does."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.policy.kinds import OBJECTS
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    matched = " UNION ALL ".join(
        f"SELECT '{kind.name}' AS kind, count(object_id) AS base FROM {kind.desired}" for kind in OBJECTS
    )
    return measures(store, f"""
        SELECT c.kind || ' update', count(*), any_value(m.base)
        FROM run.changes c JOIN ({matched}) m ON m.kind = c.kind
        WHERE c.action = 'update' GROUP BY c.kind ORDER BY c.kind""")  # fmt: skip


GUARD = Guard("updates", "changed objects of a kind, against those that are matched", _measure)
