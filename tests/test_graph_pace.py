"""The pace stays under the published quota, on a clock that the test turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from provision.graph.clock import Clock
from provision.graph.pace import Pace
from provision.plan.quota import QUOTA, WINDOW


class Turned:
    """A clock that sleeping turns."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.clock = Clock(lambda: self.time, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def run(story: Callable[[Turned, Pace], Coroutine[Any, Any, None]]) -> None:
    turned = Turned()
    asyncio.run(story(turned, Pace(turned.clock)))


async def opened(pace: Pace) -> None:
    assert await pace.take(20) == 1
    pace.heard()


def test_never_more_than_the_bucket_grants() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        start, sent = turned.time, 1
        await opened(pace)
        bucket, seen = float(QUOTA), start  # the service's own bucket
        while turned.time < start + 10 * WINDOW:
            sent += await pace.take(20)
            bucket = min(QUOTA, bucket + (turned.time - seen) * QUOTA / WINDOW) - 20
            seen = turned.time
            assert bucket >= 0
        fair = QUOTA + 10 * WINDOW * QUOTA / WINDOW
        assert sent >= 0.97 * fair

    run(story)


def test_a_full_bucket_is_spent_without_waiting() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        start = turned.time
        await opened(pace)
        for _ in range(140):
            assert await pace.take(20) == 20
        assert turned.time == start

    run(story)


def test_the_first_write_goes_alone_and_the_others_wait_for_its_answer() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        assert await pace.take(20) == 1
        second = asyncio.ensure_future(pace.take(20))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not second.done()
        pace.heard()
        assert await second == 20
        assert turned.time == 1000.0

    run(story)


def test_a_refusal_empties_the_bucket_and_holds_everybody_until_the_longest_wait() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await opened(pace)
        pace.refused(10)
        pace.refused(30)  # the same event, seen by another sub-request
        pace.refused(5)
        await pace.take(20)
        refill = 20 / (0.99 * QUOTA / WINDOW)
        assert turned.time == pytest.approx(1000 + 30 + refill)

    run(story)


def test_near_the_limit_only_what_is_left_is_spent() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await opened(pace)
        pace.near_limit(0.99)  # 30 of 3,000 are left
        await pace.take(20)
        assert turned.time == 1000.0
        await pace.take(20)
        assert turned.time > 1000.0
        pace.near_limit(1.6)
        before = turned.time
        await pace.take(20)
        assert turned.time - before == pytest.approx(20 / (0.99 * QUOTA / WINDOW))

    run(story)


def test_the_hint_never_gives_more_than_we_count_ourselves() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await opened(pace)
        pace.near_limit(0.999)
        pace.near_limit(0.8)
        await pace.take(20)
        assert turned.time > 1000.0

    run(story)
