"""Guard: a run that takes many students out of their sections."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT 'member remove', count(*),
               (SELECT count(*) FROM run.known_links WHERE kind = 'member' AND role = 'student')
        FROM run.changes WHERE kind = 'member' AND action = 'remove' HAVING count(*) > 0""")  # fmt: skip


GUARD = Guard("member_removals", "memberships that end, against all that the roster has put there", _measure)
