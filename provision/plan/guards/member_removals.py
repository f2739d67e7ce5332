"""Guard: a run that takes many students out of their sections."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT 'member remove', count(*),
               (SELECT count(*) FROM run.live_links WHERE kind = 'member')
        FROM run.changes WHERE kind = 'member' AND action = 'remove' HAVING count(*) > 0""")  # fmt: skip


GUARD = Guard(
    "member_removals", "memberships that end, against those of living sections that the roster has put there", _measure
)
