"""Guards: how much one run may change, judged before the first write. One file per guard, one line here."""

from __future__ import annotations

from datetime import datetime

from provision.plan.guards import (
    creates,
    errors,
    freeze,
    member_removals,
    removals_per_school,
    removals_per_section,
    roster_shrinks,
    section_emptied,
    updates,
)
from provision.plan.guards.verdict import Guard, Measure, Verdict, judge
from provision.profile import Profile
from provision.store import Store

GUARDS: tuple[Guard, ...] = (
    roster_shrinks.GUARD,
    creates.GUARD,
    updates.GUARD,
    member_removals.GUARD,
    removals_per_section.GUARD,
    removals_per_school.GUARD,
    section_emptied.GUARD,
    errors.GUARD,
    freeze.GUARD,
)

OF_THE_ROSTER = frozenset({roster_shrinks.GUARD.name, errors.GUARD.name})
"""Those that doubt the roster itself, and so whoever it does not mention."""


def judge_all(store: Store, profile: Profile, now: datetime, overrides: frozenset[str]) -> list[Verdict]:
    """Every guard's verdict on the changes of this run, by the limits that hold now."""
    return [judge(guard, store, profile, now, guard.name in overrides) for guard in GUARDS]


def advice(name: str) -> list[str]:
    """What to tell those whom this guard stops, none or one sentence."""
    return [guard.advice for guard in GUARDS if guard.name == name and guard.advice]


__all__ = ["GUARDS", "OF_THE_ROSTER", "Guard", "Measure", "Verdict", "advice", "judge_all"]
