"""Guards: how much one run may change, judged before the first write. One file per guard, one line here."""

from __future__ import annotations

from provision.plan.guards import (
    creates,
    errors,
    member_removals,
    removals_per_school,
    removals_per_section,
    roster_shrinks,
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
    errors.GUARD,
)


def judge_all(store: Store, profile: Profile, overrides: frozenset[str]) -> list[Verdict]:
    """Every guard's verdict on the changes of this run."""
    return [judge(guard, store, profile, guard.name in overrides) for guard in GUARDS]


__all__ = ["GUARDS", "Guard", "Measure", "Verdict", "judge_all"]
