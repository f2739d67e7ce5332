"""How far a run has come: bars where somebody watches, a line a minute where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provision.cli.terminal import tell

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from provision.apply.run import Progress, Standing

EVERY = 60.0  # seconds
ALL = "in all"


@contextmanager
def progress(label: str, now: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """Whom to tell: bars on stderr for a terminal, else a line on stderr every minute."""
    if not sys.stderr.isatty():
        yield Lines(label, now)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn(f"{label} {{task.description}}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[usage]}"), TimeRemainingColumn(), console=Console(stderr=True), transient=True,
    ) as bars:  # fmt: skip
        yield Drawn(bars, Meter(now))


class Meter:
    """Writes a second, since the run began, and what else there is to say of the quota."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._began = now, now()

    @property
    def passed(self) -> float:
        """Seconds since the run began."""
        return self._now() - self._began

    def usage(self, standing: Standing) -> str:
        """What is asked of the service, in words."""
        used = standing.usage
        words = f"{used.writes / max(self.passed, 1):.1f} writes a second, {used.share:.0%} of the quota in use"
        return words + (f", waiting {used.held:.0f} s as asked" if used.held >= 1 else "")


class Drawn:
    """A bar for each kind of change, and one for all."""

    def __init__(self, bars: Bars, meter: Meter) -> None:
        self._bars, self._meter = bars, meter
        self._tasks = {ALL: bars.add_task(ALL, total=None, usage="")}

    def __call__(self, standing: Standing) -> None:
        """Move the bars."""
        for kind, total in standing.total.items():
            if kind not in self._tasks:
                self._tasks[kind] = self._bars.add_task(kind, total=total, usage="")
            self._bars.update(self._tasks[kind], completed=standing.settled.get(kind, 0), total=total)
        done, total = sum(standing.settled.values()), sum(standing.total.values())
        self._bars.update(self._tasks[ALL], completed=done, total=total, usage=self._meter.usage(standing))


class Lines:
    """A line a minute, for a log."""

    def __init__(self, label: str, now: Callable[[], float]) -> None:
        self._label, self._meter, self._next = label, Meter(now), EVERY
        self._begun: int | None = None

    def __call__(self, standing: Standing) -> None:
        """Say so if a minute has passed."""
        done, total = sum(standing.settled.values()), sum(standing.total.values())
        if self._begun is None:
            self._begun = done
        passed = self._meter.passed
        if passed < self._next:
            return
        self._next = passed + EVERY
        left = (total - done) * passed / max(done - self._begun, 1)
        tell(
            f"{self._label}: {done:,} of {total:,} changes, {self._meter.usage(standing)}, "
            f"about {left / 60:.0f} minutes left"
        )
