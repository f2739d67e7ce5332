"""Pacing: never more writes than the published quota grants, so that nothing is refused of our own making.

The quota is a token bucket for an app in a tenant: see `provision.plan.quota`.
"""

from __future__ import annotations

import asyncio

from provision.graph.clock import Clock
from provision.plan.quota import BURST_SHARE, QUOTA, RATE_SHARE, WINDOW

ROUNDING = 1e-6  # of a token: what floating point leaves over


class Pace:
    """A local copy of the service's bucket, corrected by what the service says."""

    def __init__(self, clock: Clock, quota: int = QUOTA, window: float = WINDOW) -> None:
        self._clock = clock
        self._quota = quota
        self._size = BURST_SHARE * quota
        self._rate = RATE_SHARE * quota / window
        self._tokens = self._size
        self._since = clock.now()  # tokens flow in from here on; later than now while the service holds us
        self._line = asyncio.Lock()  # first come, first served
        self._first_sent = False
        self._first_heard = asyncio.Event()

    async def take(self, wanted: int) -> int:
        """Wait until `wanted` requests may be sent, and count them as sent.

        The first write of a run goes alone, and the others wait for `heard`: if somebody else has emptied the
        bucket, that costs one refusal and not a whole volley. So the answer may be less than `wanted`.
        """
        async with self._line:
            if self._first_sent:
                await self._first_heard.wait()
            else:
                self._first_sent = True
                wanted = 1
            while (delay := self._delay(wanted)) > 0:
                await self._clock.sleep(delay)
            self._tokens -= wanted
            return wanted

    def heard(self) -> None:
        """The first write was answered, or will never be."""
        self._first_heard.set()

    def near_limit(self, share: float) -> None:
        """The service says which share of its limit is used (`x-ms-throttle-limit-percentage`)."""
        self._refill()
        self._tokens = min(self._tokens, max(0.0, (1 - share) * self._quota))

    def refused(self, seconds: float) -> None:
        """A 429: the bucket is empty and stays so for `seconds`; several refusals at once are one event."""
        self._refill()
        self._tokens = 0.0
        self._since = max(self._since, self._clock.now() + seconds)

    def _delay(self, wanted: int) -> float:
        self._refill()
        held = max(0.0, self._since - self._clock.now())
        missing = wanted - self._tokens
        return held + (missing / self._rate if missing > ROUNDING else 0.0)

    def _refill(self) -> None:
        now = self._clock.now()
        if now > self._since:
            self._tokens = min(self._size, self._tokens + (now - self._since) * self._rate)
            self._since = now
