"""Pacing by resource units: what reading is limited by. A write takes one, and its own quota runs out long before.

Teams has limits of its own, which are not kept here: nothing is sent to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from provision.graph.bucket import Bucket
from provision.graph.clock import Clock
from provision.graph.request import Answer, Request
from provision.graph.retry import retry_after
from provision.plan.quota import BURST_SHARE, MOST_UNITS, RATE_SHARE, UNITS_WINDOW, units

SCOPE = "x-ms-throttle-scope"
"""Of a refusal: `Tenant_Application/Write/…` for the quota of writes, `…/ReadWrite/…` for units."""


class Units:
    """Lets requests go as their resource units are granted.

    `share` is our part of what is published for a large tenant. Smaller ones are granted less, and have less to read;
    a refusal is obeyed by everybody.
    """

    def __init__(self, clock: Clock, share: float = 1.0) -> None:
        granted = share * MOST_UNITS
        self._clock = clock
        self._bucket = Bucket(clock, BURST_SHARE * granted, RATE_SHARE * granted / UNITS_WINDOW)
        self._line = asyncio.Lock()

    async def take(self, request: Request) -> None:
        """Wait until `request` may be sent, which may be a `$batch`."""
        cost = sum(units(method, url) for method, url in _parts(request))
        async with self._line:
            while (delay := self._bucket.wait(cost)) > 0:
                await self._clock.sleep(delay)
            self._bucket.tokens -= cost

    def heard(self, answers: Iterable[Answer]) -> None:
        """See whether one of the answers is a refusal for units; what is refused as a write is not."""
        waits = [retry_after(answer) or 0.0 for answer in answers if is_for_units(answer)]
        if waits:
            self._bucket.hold(max(waits))


def is_for_units(answer: Answer) -> bool:
    """Whether it is a refusal that says that the units are used up."""
    return answer.status == 429 and "/ReadWrite/" in answer.headers.get(SCOPE, "")


def _parts(request: Request) -> list[tuple[str, str]]:
    parts = request.body.get("requests") if request.body is not None and request.url == "/$batch" else None
    return [(part["method"], part["url"]) for part in parts] if parts else [(request.method, request.url)]
