"""Pacing: as many writes as the quota grants, and none that is refused of our own making.

The quota is a token bucket for an app in a tenant, see `provision.plan.quota`; every write takes a token from a copy of
it before it is sent. What the service says corrects the copy: how much of the quota is used, and every refusal. What is
not known is tried with a single write.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass

from provision.graph.bucket import Bucket
from provision.graph.clock import Clock
from provision.plan.quota import BURST_SHARE, QUOTA, RATE_SHARE, WINDOW

CAREFUL = 0.05  # of the quota: so much is sent one load at a time where it is not known what is granted
LONG = 0.1  # of the window: nobody waits so long for the next token of a bucket, so it is the rest of a fixed window
BASELINE = 1 / 3  # of the window: in a shorter time it cannot be told how much is granted
CUT = 0.95  # of what was granted is what is sent afterwards; a window later it is all of it again
SLOWEST = 0.02  # of the published rate
UNTOLD = 0.65  # of the bucket: when no more is left, and the service has not said how much is in use, …
FEWER = 10  # … only so many loads overlap: a service that grants half says so about now
SMALLER = 0.8  # of what is published: a quota that is measured to be smaller than that is one


@dataclass(frozen=True, slots=True)
class Told:
    """What the answers to one load of writes say of the quota.

    `granted` were not refused; `hold` is the longest time in seconds that a refusal asks to wait; `used` the largest
    share of the quota that is said to be in use (`x-ms-throttle-limit-percentage`, which is sent from 0.8 on), and
    `grain` the difference that its last digit makes.
    """

    granted: int
    refused: int = 0
    hold: float = 0.0
    used: float | None = None
    grain: float = 0.01


class Pace:
    """Lets writes go as the quota grants them.

    `share` is our part of the published quota: the rest is left to other software. `sent` counts the writes that were
    let go, `refused_count` those that were refused.
    """

    def __init__(self, clock: Clock, share: float = 1.0, quota: int = QUOTA, window: float = WINDOW) -> None:
        self.sent = 0
        self.refused_count = 0
        self._clock = clock
        self._quota, self._window = share * quota, window
        self._rate = _Rate(RATE_SHARE * self._quota / window, window)
        self._bucket = Bucket(clock, BURST_SHARE * self._quota, self._rate.top)
        self._line = asyncio.Lock()  # first come, first served
        self._flying: dict[int, float] = {}  # loads that wait for their answers: when each of these marks left
        self._landed = asyncio.Event()
        self._alone = True  # the next load is one write
        self._careful = 1.0  # writes to be granted before loads may overlap
        self._was_dry = False
        self._past = 0  # the loads up to this mark were on their way when the last refusal was heard
        self._hint: tuple[int, float, float] | None = None  # the first: its mark, the share in use, when it was heard
        self._agreed = True  # the service has said nothing but what we count ourselves
        self._measured = False
        self._granted = self._quota  # what the service takes for the whole
        self._held_until: float | None = None  # the end of a long hold, until it is known what comes after
        self._edge: float | None = None  # where the quota is granted in fixed windows: the end of this one

    @property
    def used_share(self) -> float:
        """The share of our quota that is in use, from 0 to 1."""
        return min(1.0, max(0.0, 1 - self._bucket.tokens / self._bucket.size))

    @property
    def held(self) -> float:
        """The seconds that the service still asks us to wait."""
        return self._bucket.held

    def recall(self, spent: Iterable[tuple[float, int]]) -> None:
        """Start with what earlier runs have left: `spent` are the writes of the last window, as (seconds ago, number).

        The bucket is taken to have been empty before.
        """
        tokens, last = 0.0, self._window
        for ago, writes in sorted(spent, reverse=True):
            tokens = max(0.0, min(self._bucket.size, tokens + (last - ago) * self._rate.top) - writes)
            last = ago
        self._bucket.tokens = tokens + last * self._rate.top

    async def take(self, wanted: int) -> int:
        """Wait until `wanted` writes may be sent, and count them as sent; `sent` is then the mark of this load.

        It may be less than `wanted`: the first write of a run goes alone, as does the first one when the bucket has run
        dry, or after a refusal, and the others wait for its answer. So an error of ours costs one refusal and not a
        whole volley.
        """
        async with self._line:
            while True:
                size = 1 if self._alone else wanted
                if len(self._flying) >= self._most_flying():
                    self._landed.clear()
                    await self._landed.wait()
                elif (delay := self._delay(size)) <= 0:
                    break
                elif self._was_dry or (self._hint and self._agreed):
                    self._was_dry = True
                    await self._clock.sleep(delay)
                else:
                    self._try_out()
            self._bucket.tokens -= size
            self._alone = False
            self.sent += size
            self._flying[self.sent] = self._clock.now()
            return size

    def heard(self, mark: int, told: Told) -> None:
        """The load of this mark was answered, or never will be."""
        left_at = self._flying.pop(mark)
        self._landed.set()
        self.refused_count += told.refused
        if mark <= self._past:
            if told.refused:  # the same event, heard of by others
                self._hold(told.hold)
            return
        self._rate.granted += told.granted
        self._careful -= told.granted
        if told.used is not None:
            self._hinted(mark, told.used, told.grain, left_at)
        if told.refused:
            self._refused(told.hold)
        elif self._held_until is not None:
            self._held_off(told)

    def _hinted(self, mark: int, used: float, grain: float, left_at: float) -> None:
        """The service says how much of its quota is in use: from then on it knows better than we do.

        Unless that was always what we count ourselves, as far as it can be known: what flew in while the load was on
        its way may not be counted yet, and what left after the load may be.
        """
        if self._hint is None:
            self._hint, self._careful = (mark, used, self._clock.now()), CAREFUL * self._quota
        elif mark - self._hint[0] >= CAREFUL * self._quota / 2 and not (self._measured or self._was_dry):
            self._measure(mark, used - grain)
        free = max(0.0, 1 - used) * self._granted
        flown = (self._clock.now() - left_at) * self._rate.top
        self._agreed = self._agreed and self._bucket.tokens <= free + grain * self._granted + flown
        if not self._agreed:
            self._bucket.tokens = min(self._bucket.tokens, free - (self.sent - mark))

    def _measure(self, mark: int, used: float) -> None:
        """How large the quota is that so many writes have made so much of, if that is less than is published."""
        self._measured = True
        first, used_then, then = self._hint or (0, 0.0, 0.0)
        now = self._clock.now()
        share = used - used_then + (now - then) / self._window  # with what has flown in meanwhile
        if (mark - first) < SMALLER * self._quota * share:
            self._granted = (mark - first) / share
            self._rate.cut(self._granted / self._window, now)

    def _refused(self, hold: float) -> None:
        """One event for the whole process, however many are on their way."""
        self._past = self.sent
        self._rate.refused(self._clock.now())
        self._edge = self._held_until = None
        self._try_out()
        self._hold(hold)

    def _hold(self, seconds: float) -> None:
        before = self.held
        self._bucket.hold(seconds)
        self._rate.pause(self.held - before)
        if self.held > LONG * self._window:
            self._held_until = self._clock.now() + self.held

    def _held_off(self, told: Told) -> None:
        """The first answer after a long hold. If nothing is in use any more, the whole quota is granted at once."""
        if self._hint and told.used is None:
            self._edge = (self._held_until or 0.0) + self._window
            self._bucket.tokens = self._bucket.size - told.granted
        self._held_until = None

    def _try_out(self) -> None:
        """It is not known what is granted from here on: one write, then one load at a time."""
        self._alone, self._careful, self._was_dry = True, CAREFUL * self._quota, True

    def _most_flying(self) -> float:
        """How many loads may overlap: those on their way cannot be called back when too much is said to be in use."""
        if self._careful > 0:
            return 1
        if self._hint is None and self._bucket.tokens < UNTOLD * self._bucket.size:
            return FEWER
        return math.inf

    def _delay(self, wanted: int) -> float:
        """The seconds until so many may go, as far as it is known."""
        now = self._clock.now()
        if self._edge is None:
            self._bucket.rate = self._rate.at(now)
            return self._bucket.wait(wanted)
        self._bucket.rate = 0.0
        if now >= self._edge:
            self._edge += self._window * (1 + (now - self._edge) // self._window)
            self._bucket.tokens = self._bucket.size
            self._alone, self._careful, self._past = True, 1.0, self.sent
        return 0.0 if self._bucket.tokens >= wanted else self._edge - now


class _Rate:
    """Writes in a second: those that are published, or fewer where the service was seen to grant fewer.

    Twice in a short time the bucket was empty: then what was granted in between is what flows into it. `granted` counts
    it. From there the rate creeps back, faster and faster.
    """

    def __init__(self, top: float, window: float) -> None:
        self.top = top
        self.granted = 0
        self._window = window
        self._counted_from: float | None = None
        self._cut, self._cut_at = top / CUT, 0.0

    def at(self, now: float) -> float:
        """What it is now."""
        passed = (now - self._cut_at) / self._window
        return min(self.top, self._cut * (CUT + (1 - CUT) * passed**2))

    def cut(self, rate: float, now: float) -> None:
        """No more than that is granted."""
        self._cut, self._cut_at = min(self.at(now), max(SLOWEST * self.top, rate)), now

    def refused(self, now: float) -> None:
        """The bucket is empty."""
        passed = now - self._counted_from if self._counted_from is not None else self._window
        if 0 < passed < self._window:
            self.cut(self.granted / passed, now)
        if passed >= BASELINE * self._window:
            self._counted_from, self.granted = now, 0

    def pause(self, seconds: float) -> None:
        """So long nothing is to be sent. What flows into the bucket meanwhile may pay for what was refused."""
        if self._counted_from is not None:
            self._counted_from += seconds
