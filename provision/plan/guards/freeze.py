"""Guard: any change at all, while a freeze window of the profile is open."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.profile import Bounds
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, "SELECT 'changes', count(*), count(*) FROM run.changes HAVING count(*) > 0")


def _silent(_store: Store, bounds: Bounds) -> str | None:
    return None if bounds.window else "no freeze window of the profile is open"


GUARD = Guard(
    "freeze",
    "changes of any kind, while a freeze window is open",
    _measure,
    _silent,
    advice="The profile allows no change in this time. Plans may be made and read; apply when the window is over.",
)
