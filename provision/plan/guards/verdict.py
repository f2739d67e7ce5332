"""What a guard is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provision.profile import Bounds, Limit, Profile
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

    `silent` gives the reason why the guard does not judge this run, or None. `advice` is for those whom it stops:
    what this looks like, and what to do.
    """

    name: str
    says: str
    measure: Callable[[Store], list[Measure]]
    silent: Callable[[Store, Bounds], str | None] = lambda _store, _bounds: None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`measures` holds the worst first, those over a limit before all others, `MOST_SHOWN` at most.

    `window` is the window of the calendar whose limits these are, in words; None for the usual limits.
    """

    guard: str
    limits: tuple[Limit, ...]
    window: str | None
    tripped: bool
    overridden: bool
    silent: str | None
    measures: tuple[Measure, ...]

    @property
    def stops(self) -> bool:
        """Whether the run may not write."""
        return self.tripped and not self.overridden


def judge(guard: Guard, store: Store, profile: Profile, now: datetime, overridden: bool) -> Verdict:
    """Hold what a guard measures against what it judges by now: a count, or a share, whichever is passed."""
    bounds = profile.guards.bounds(guard.name, now)
    silent = guard.silent(store, bounds)
    measures = [] if silent else guard.measure(store)
    over = [measure for measure in measures if _over(measure, bounds)]
    shown = sorted(over or measures, key=lambda m: (-m.percent, -m.count, m.what))[:MOST_SHOWN]
    passed = overridden and bool(over)
    return Verdict(guard.name, bounds.limits, bounds.window, bool(over), passed, silent, tuple(shown))


def _over(measure: Measure, bounds: Bounds) -> bool:
    """A share speaks only where at least `minimum` objects exist."""
    for limit in bounds.limits:
        if limit.count is not None and measure.count > limit.count:
            return True
        if limit.percent is not None and measure.base >= bounds.minimum and measure.percent > limit.percent:
            return True
    return False


def measures(store: Store, sql: str) -> list[Measure]:
    """Measures from rows of (what, count, base)."""
    return [Measure(str(what), int(count), int(base)) for what, count, base in store.rows(sql)]
