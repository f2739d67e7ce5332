"""The pace: what the quota grants is used, and nothing is refused of our own making. On clocks that do not wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from provision.graph.batch import Courier
from provision.graph.brake import Brake
from provision.graph.clock import Clock, run_without_waiting
from provision.graph.pace import Pace, Told
from provision.graph.request import Answer, Request
from provision.graph.retry import settle
from provision.graph.units import Units
from provision.plan.quota import QUOTA, WINDOW
from provision.sandbox.errors import GraphError
from provision.sandbox.faults import Cost, Faults, Trouble

RATE = QUOTA / WINDOW
ALL = 10_400
"""The writes of a first load of 5,000 students."""


class Service:
    """Who grants writes as the sandbox does."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self.refused = 0
        self.flying = self.most_flying = 0

    async def send(self, request: Request) -> Answer:
        assert request.body is not None
        parts = request.body["requests"]
        responses = [self.answer(part["id"]) for part in parts]
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        await asyncio.sleep(self.trouble.seconds(len(parts)))
        self.flying -= 1
        return Answer(200, content={"responses": responses})

    def answer(self, number: str) -> dict[str, Any]:
        try:
            return {"id": number, "status": 204, "headers": self.trouble.throttle(Cost(1, 1), "tenant")}
        except GraphError as error:
            self.refused += 1
            return {"id": number, "status": 429, "headers": dict(error.headers)}


@dataclass
class Load:
    """What a load took."""

    seconds: float
    refused: int
    most_flying: int
    pace: Pace

    def told(self, least: float, writes: int = ALL) -> float:
        """Its time as a multiple of the least that it could take."""
        print(f"{self.seconds:.1f} s, x {self.seconds / least:.4f}, {self.refused} refused of {writes}")
        return self.seconds / least


def load(writes: int = ALL, in_flight: int | None = 8, share: float = 1.0, **faults: Any) -> Load:
    """Send so many writes, in batches of 20 of which so many are under way; None: as many as the courier says."""

    async def story() -> Load:
        clock = Clock(asyncio.get_running_loop().time)
        service = Service(Trouble(Faults(write_seconds=(0.15, 0.3), step_seconds=0.05, **faults), clock.now))
        pace = Pace(clock, share)
        courier = Courier(service, clock, Brake(), pace, Units(clock))
        request = Request("PATCH", "/users/x", {"jobTitle": "x"})

        async def batch(size: int) -> None:
            answers = [settle(lambda: courier.send(request), clock) for _ in range(size)]
            assert {answer.status for answer in await asyncio.gather(*answers)} == {204}

        left, flying = writes, set[asyncio.Task[None]]()
        while left or flying:
            while left and len(flying) < (in_flight or courier.in_flight):
                flying.add(asyncio.create_task(batch(min(20, left))))
                left -= min(20, left)
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        return Load(clock.now(), service.refused, service.most_flying, pace)

    return run_without_waiting(story())


# -- the whole of a load, against the tenant's quota

FULL: dict[str, Any] = {"throttle_writes": (RATE, QUOTA)}
HALF: dict[str, Any] = {"throttle_writes": (RATE / 2, QUOTA / 2)}


@pytest.mark.parametrize("in_flight", [8, None])
def test_the_published_quota_is_used_and_never_exceeded(in_flight: int | None) -> None:
    found = load(in_flight=in_flight, **FULL)
    assert found.told((ALL - QUOTA) / RATE) <= 1.03
    assert found.refused == found.pace.refused_count == 0
    assert found.pace.sent == ALL
    assert found.pace.used_share > 0.9


@pytest.mark.parametrize("hints", [True, False])
def test_a_bucket_that_somebody_else_has_spent(hints: bool) -> None:
    found = load(throttle_fill=0, throttle_hints=hints, **FULL)
    assert found.told(ALL / RATE) <= 1.03
    assert found.refused <= 1


@pytest.mark.parametrize("in_flight", [8, None])
@pytest.mark.parametrize("quota", [HALF, {"throttle_writes": (RATE / 2, QUOTA)}], ids=["both", "rate"])
def test_half_of_what_is_published(quota: dict[str, Any], in_flight: int | None) -> None:
    found = load(in_flight=in_flight, **quota)
    rate, burst = quota["throttle_writes"]
    assert found.told((ALL - burst) / rate) <= 1 / 0.95
    assert found.refused <= 0.01 * ALL


def test_half_of_what_is_published_and_nothing_is_told() -> None:
    """What was on its way is refused once; from then on the rate is the one that was measured between two refusals."""
    found = load(throttle_hints=False, **HALF)
    assert found.told((ALL - QUOTA / 2) / (RATE / 2)) <= 1 / 0.95
    assert found.refused <= 0.02 * ALL


def test_a_tenant_that_counts_what_it_refuses() -> None:
    usual = load(**FULL)
    found = load(throttle_accrue=True, **FULL)
    assert found.seconds == pytest.approx(usual.seconds, rel=0.01)
    assert load(throttle_accrue=True, **HALF).seconds == pytest.approx(load(**HALF).seconds, rel=0.01)
    spent = load(throttle_accrue=True, throttle_fill=0, **FULL)
    assert spent.told(ALL / RATE) <= 1.03


@pytest.mark.parametrize("in_flight", [8, None])
def test_a_fixed_window_is_spent_at_once_in_each_turn(in_flight: int | None) -> None:
    found = load(in_flight=in_flight, throttle_window=WINDOW, **FULL)
    turns, rest = divmod(ALL, QUOTA)
    least = turns * WINDOW + rest / 20 * (0.225 + 19 * 0.05) / 8
    assert found.told(least) <= 1.05
    assert found.refused <= 0.005 * ALL


def test_a_share_of_the_quota_leaves_the_rest_to_others() -> None:
    found = load(writes=4_000, share=0.5, **FULL)
    assert (4_000 - QUOTA / 2) / (RATE / 2) <= found.seconds <= 1.04 * (4_000 - QUOTA / 2) / (RATE / 2)
    assert found.refused == 0


def test_what_is_not_bound_by_the_quota_soon_has_many_batches_under_way() -> None:
    found = load(writes=2_080, in_flight=None, **FULL)
    assert found.told(2_080 / 20 * (0.225 + 19 * 0.05) / 8, 2_080) <= 1
    assert found.most_flying >= 12


# -- one thing at a time


class Turned:
    """A clock that sleeping turns."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.clock = Clock(lambda: self.time, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def run(story: Callable[[Turned, Pace], Coroutine[Any, Any, None]], share: float = 1.0) -> None:
    turned = Turned()
    asyncio.run(story(turned, Pace(turned.clock, share)))


async def send(pace: Pace, wanted: int, **told: Any) -> int:
    """One load, and its answers."""
    size = await pace.take(wanted)
    pace.heard(pace.sent, Told(size - told.get("refused", 0), **told))
    return size


async def sent_now(turned: Turned, pace: Pace) -> int:
    """How many writes go without waiting, one by one."""
    before, sent = turned.time, 0
    while await send(pace, 1) and turned.time == before:
        sent += 1
    return sent


async def waits(turned: Turned, pace: Pace, wanted: int) -> bool:
    """Whether a load waits for somebody's answer."""
    before = turned.time
    task = asyncio.ensure_future(pace.take(wanted))
    for _ in range(5):
        await asyncio.sleep(0)
    waiting = not task.done()
    assert turned.time == before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return waiting


def test_never_more_than_the_bucket_grants() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        start, bucket, seen = turned.time, float(QUOTA), turned.time  # the service's own bucket
        while turned.time < start + 10 * WINDOW:
            sent = await send(pace, 20)
            bucket = min(QUOTA, bucket + (turned.time - seen) * RATE) - sent
            seen = turned.time
            assert bucket >= 0
        assert pace.sent >= 0.97 * (QUOTA + 10 * WINDOW * RATE)

    run(story)


def test_a_full_bucket_is_spent_without_waiting() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        assert await send(pace, 20) == 1
        assert [await send(pace, 20) for _ in range(140)] == [20] * 140
        assert turned.time == 1000.0

    run(story)


def test_the_first_write_goes_alone_and_the_others_wait_for_its_answer() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        assert await pace.take(20) == 1
        assert await waits(turned, pace, 20)
        pace.heard(pace.sent, Told(1))
        assert await pace.take(20) == 20
        assert await pace.take(20) == 20, "from now on loads overlap"

    run(story)


def test_when_the_bucket_runs_dry_one_write_goes_alone_and_then_one_load_at_a_time() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        while (size := await send(pace, 20)) == 20:
            assert turned.time == 1000.0
        assert size == 1
        assert await pace.take(20) == 20
        assert await waits(turned, pace, 20)
        pace.heard(pace.sent, Told(20))
        for _ in range(8):
            await send(pace, 20)
        assert await pace.take(20) == 20
        assert await pace.take(20) == 20

    run(story)


def test_refusals_of_one_time_are_one_event_that_lasts_as_long_as_the_longest() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        marks = []
        for _ in range(8):
            await pace.take(20)
            marks.append(pace.sent)
        for mark, hold in zip(marks, (10, 30, 5, 10, 10, 10, 10, 10), strict=True):
            pace.heard(mark, Told(0, 20, hold))
        assert pace.held == 30
        assert pace.refused_count == 160
        assert await send(pace, 20) == 1
        assert turned.time == pytest.approx(1030 + 1 / (0.995 * RATE))
        for _ in range(20):
            await send(pace, 20)
        assert turned.time == pytest.approx(1030 + 401 / (0.995 * RATE)), "the rate is as before"

    run(story)


def test_a_refusal_of_what_had_left_before_the_first_one_was_heard_of_is_no_second_event() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        marks = []
        for _ in range(4):
            await pace.take(20)
            marks.append(pace.sent)
        for mark in marks:
            pace.heard(mark, Told(0, 20, 1))
            turned.time += 3  # answers are slow
        before = turned.time
        for _ in range(20):
            await send(pace, 20)
        assert turned.time - before <= 400 / (0.9 * RATE), "the rate is as before"

    run(story)


def test_after_two_refusals_in_a_short_time_what_was_granted_in_between_is_the_rate() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        await send(pace, 20, refused=1, hold=1)
        for _ in range(20):
            await send(pace, 20)
            turned.time += 2  # 20 in about 3 seconds
        await send(pace, 20, refused=1, hold=1)
        await send(pace, 1)
        before = turned.time
        for _ in range(5):
            await send(pace, 20)
        rate = 100 / (turned.time - before)
        assert rate == pytest.approx(0.95 * 381 / (before - 1001), rel=0.1)
        turned.time += 20 * WINDOW
        await send(pace, 2_900)
        before = turned.time
        await send(pace, 200)
        assert 150 / (turned.time - before) > 0.7 * RATE, "it creeps back"

    run(story)


def test_near_the_limit_only_what_is_left_is_spent() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        await send(pace, 20, used=0.99)
        assert await sent_now(turned, pace) == 30, "of 3,000"

    run(story)


def test_what_left_after_the_writes_that_the_service_speaks_of_is_taken_off() -> None:
    async def story(_: Turned, pace: Pace) -> None:
        await send(pace, 1)
        await pace.take(20)
        early = pace.sent
        await pace.take(60)
        pace.heard(pace.sent, Told(60))
        pace.heard(early, Told(20, used=0.97))  # 90 were left, and 60 of them have left since
        assert pace.used_share == pytest.approx(1 - 30 / (0.98 * QUOTA))

    run(story)


def test_a_hint_never_gives_more_than_we_count_ourselves() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        await send(pace, 20, used=0.999)
        await send(pace, 1, used=0.8)
        assert await sent_now(turned, pace) == 2

    run(story)


def test_a_hint_as_coarse_as_a_tenth_does_not_look_like_a_smaller_quota() -> None:
    async def story(_: Turned, pace: Pace) -> None:
        for n in range(10):
            await send(pace, 20, used=0.8 if n < 5 else 0.9, grain=0.1)
        assert pace.used_share == pytest.approx(1 - 0.1 / 0.98, abs=0.07), "300 of 3,000 are left, not fewer"

    run(story)


def test_a_service_that_says_what_we_count_takes_nothing_off_for_what_is_on_its_way() -> None:
    async def story(turned: Turned, pace: Pace) -> None:
        await send(pace, 1)
        while pace.used_share < 0.89:
            await send(pace, 20)
        await pace.take(100)
        early = pace.sent
        await pace.take(100)
        late = pace.sent
        pace.heard(early, Told(100, used=(late + 15) / QUOTA))  # all of it is counted, and rounded up
        pace.heard(late, Told(100, used=late / QUOTA))
        assert pace.used_share == pytest.approx(late / (0.98 * QUOTA))
        assert await sent_now(turned, pace) == math.floor(0.98 * QUOTA) - late
        assert turned.time < 1001, "nor is a single write sent ahead when the bucket is dry"

    run(story)


def test_a_service_that_has_once_said_more_than_we_count_is_believed_to_the_digit() -> None:
    async def story(_: Turned, pace: Pace) -> None:
        await send(pace, 1)
        await send(pace, 2379)
        await send(pace, 20, used=0.85)  # 150 more than ours
        await send(pace, 20, used=0.86)
        assert pace.used_share == pytest.approx(1 - 0.14 / 0.98)

    run(story)


def test_an_earlier_run_is_remembered() -> None:
    async def story(_: Turned, pace: Pace) -> None:
        pace.recall([])
        assert pace.used_share == 0
        pace.recall([(0, 2_000)])
        assert pace.used_share == pytest.approx(1 - 940 / 2_940, abs=0.01)
        pace.recall([(149, 2_000)])
        assert pace.used_share == pytest.approx(0, abs=0.02), "the bucket has filled again since"
        pace.recall([(second, 20) for second in range(150)])
        assert pace.used_share == pytest.approx(1, abs=0.02)

    run(story)
