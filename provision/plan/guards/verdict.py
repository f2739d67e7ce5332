"""What a guard is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provision.profile import Limit, Limits, Profile
from provision.store import Store

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """`count` of what would change, of `base` that exist. `what` says of which kind, section or school."""

    what: str
    count: int
    base: int

    @property
    def percent(self) -> float:
        """The share in percent; without anything to compare with, zero."""
        return 100 * self.count / self.base if self.base else 0.0


@dataclass(frozen=True, slots=True)
class Guard:
    """`measure` looks at the run's tables; `says` is the guard in one line, for reports and docs.

    `silent` gives the reason why the guard does not judge this run, or None.
    """

    name: str
    says: str
    measure: Callable[[Store], list[Measure]]
    silent: Callable[[Store], str | None] = lambda _store: None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`measures` holds the worst first, those over a limit before all others, `MOST_SHOWN` at most."""

    guard: str
    limits: tuple[Limit, ...]
    tripped: bool
    overridden: bool
    silent: str | None
    measures: tuple[Measure, ...]

    @property
    def stops(self) -> bool:
        """Whether the run may not write."""
        return self.tripped and not self.overridden


def judge(guard: Guard, store: Store, profile: Profile, overridden: bool) -> Verdict:
    """Hold what a guard measures against the limits of the profile: a count, or a share, whichever is passed."""
    limits: Limits = getattr(profile.guards, guard.name)
    silent = guard.silent(store)
    measures = [] if silent else guard.measure(store)
    over = [measure for measure in measures if _over(measure, limits, profile.guards.minimum)]
    shown = sorted(over or measures, key=lambda m: (-m.percent, -m.count, m.what))[:MOST_SHOWN]
    return Verdict(guard.name, limits, bool(over), overridden and bool(over), silent, tuple(shown))


def _over(measure: Measure, limits: Limits, minimum: int) -> bool:
    """A share speaks only where at least `minimum` objects exist."""
    for limit in limits:
        if limit.count is not None and measure.count > limit.count:
            return True
        if limit.percent is not None and measure.base >= minimum and measure.percent > limit.percent:
            return True
    return False


def measures(store: Store, sql: str) -> list[Measure]:
    """Measures from rows of (what, count, base)."""
    return [Measure(str(what), int(count), int(base)) for what, count, base in store.rows(sql)]
