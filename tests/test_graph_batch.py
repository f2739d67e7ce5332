"""Batches whose answers make no sense: whoever waits gets an answer, or is told what went wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from provision.graph.batch import NEAR_LIMIT, Courier
from provision.graph.brake import Brake
from provision.graph.clock import Clock, run_without_waiting
from provision.graph.pace import Pace
from provision.graph.request import Answer, Request
from provision.graph.units import Units


@dataclass
class Service:
    """Answers every part of a batch alike, but for the id; or raises."""

    part: Any

    async def send(self, request: Request) -> Answer:
        if isinstance(self.part, Exception):
            raise self.part
        assert request.body is not None
        count = len(request.body["requests"])
        parts = [{"id": str(n), **self.part} if isinstance(self.part, dict) else self.part for n in range(1, count + 1)]
        return Answer(200, {}, {"responses": parts})


def answers(part: Any, method: str = "PATCH") -> list[Any]:
    """What three who wait are given."""

    async def story() -> list[Any]:
        clock = Clock(asyncio.get_running_loop().time)
        courier = Courier(Service(part), clock, Brake(), Pace(clock), Units(clock))
        asked = [courier.send(Request(method, "/users/x", {})) for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    async def within_an_hour() -> list[Any]:
        return await asyncio.wait_for(story(), 3600)

    return run_without_waiting(within_an_hour())


@pytest.mark.parametrize(
    ("part", "status"),
    [
        pytest.param({"status": 204, "headers": {NEAR_LIMIT: "most"}}, 204, id="a share in words"),
        pytest.param({"status": 204, "headers": {NEAR_LIMIT: "nan"}}, 204, id="a share that is no number"),
        pytest.param({"status": 204, "headers": [{"a": 1}]}, 204, id="headers in a list"),
        pytest.param({"status": "204"}, 204, id="a status as text"),
        pytest.param({"status": "fine"}, 0, id="a status in words"),
        pytest.param({}, 0, id="no status"),
        pytest.param("fine", 0, id="no object"),
        pytest.param({"status": 409, "body": {"error": "no"}}, 409, id="an error in words"),
        pytest.param({"status": 429, "body": {"error": {"code": 1, "details": 7}}}, 429, id="details as a number"),
        pytest.param({"status": 429, "headers": {"Retry-After": "inf"}}, 429, id="a wait without end"),
        pytest.param({"status": 429, "headers": {"Retry-After": "nan"}}, 429, id="a wait that is no number"),
        pytest.param({"status": 429, "headers": {"Retry-After": "-1"}}, 429, id="a wait in the past"),
        pytest.param(
            {"status": 429, "headers": {"Retry-After": "Mon, 01 Jan 0001 00:00:00 +2359"}}, 429, id="a date before time"
        ),
    ],
)
def test_whatever_a_part_of_an_answer_is_everybody_gets_one(part: Any, status: int) -> None:
    assert [answer.status for answer in answers(part)] == [status] * 3


@pytest.mark.parametrize("share", ["0.9", "0.90000000000000002", "1.25"])
def test_a_share_may_have_any_number_of_digits(share: str) -> None:
    async def story() -> float:
        clock = Clock(asyncio.get_running_loop().time)
        pace = Pace(clock)
        courier = Courier(Service({"status": 204, "headers": {NEAR_LIMIT: share}}), clock, Brake(), pace, Units(clock))
        await courier.send(Request("PATCH", "/users/x", {}))
        await asyncio.sleep(0)
        return pace.used_share

    assert run_without_waiting(story()) >= 0.89


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_goes_wrong_on_the_way_is_told_to_all_who_wait(method: str) -> None:
    trouble = RuntimeError("a fault of ours")
    assert answers(trouble, method) == [trouble] * 3
