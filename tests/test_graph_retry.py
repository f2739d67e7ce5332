"""What is tried again, after how long, and when it is given up: on a clock that the test turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from provision.graph.clock import Clock
from provision.graph.request import Answer
from provision.graph.retry import ATTEMPTS, PATIENCE, is_transient, retry_after, settle

OK = Answer(200, content={"value": []})


def error(status: int, code: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, {"error": {"code": code, "message": ""}})


def play(answers: Iterable[Answer]) -> tuple[Answer, list[float]]:
    """Settle on what a service answers in turn; returns the last answer and the waits between."""
    waits: list[float] = []
    script = iter(answers)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> Answer:
        return next(script)

    return asyncio.run(settle(attempt, Clock(sleep=sleep))), waits


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("2.128", 2.128), ("0", 0.0), ("Sun, 22 Nov 2026 10:00:31 GMT", 31.0), ("-3", 0.0)],
)
def test_retry_after_is_obeyed_to_the_second(value: str, seconds: float) -> None:
    refused = error(429, retry_after=value, date="Sun, 22 Nov 2026 10:00:00 GMT")
    settled, waits = play([refused, refused, OK])
    assert settled is OK
    assert waits == [seconds, seconds]


def test_a_retry_after_that_nobody_understands_is_none() -> None:
    assert retry_after(error(429, retry_after="soon")) is None
    assert retry_after(error(503)) is None


def test_a_wait_of_several_minutes_is_obeyed() -> None:
    assert play([error(503, retry_after="400"), OK])[1] == [400.0]


def test_without_retry_after_the_waits_grow() -> None:
    settled, waits = play([*[Answer(0)] * 5, OK])
    assert settled is OK
    assert all(2**n <= wait <= 2**n + 1 for n, wait in enumerate(waits))
    assert len(waits) == 5


def test_it_gives_up_after_some_attempts_and_tells_the_last_answer() -> None:
    last = error(503, "ServiceUnavailable")
    settled, waits = play([Answer(0)] * (ATTEMPTS - 1) + [last, OK])
    assert settled is last
    assert len(waits) == ATTEMPTS - 1


def test_it_gives_up_rather_than_wait_beyond_its_patience() -> None:
    settled, waits = play([error(429, retry_after="600"), error(429, retry_after="600"), OK])
    assert settled.status == 429
    assert sum(waits) <= PATIENCE


@pytest.mark.parametrize(
    "answer",
    [
        Answer(0),
        Answer(408),
        Answer(429),
        Answer(500),
        Answer(502, content="<html>Bad Gateway</html>"),
        Answer(503),
        Answer(504),
        Answer(200, content="<html>Please wait</html>"),
        error(409, "Directory_ConcurrencyViolation"),
    ],
)
def test_transient(answer: Answer) -> None:
    assert is_transient(answer)


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        Answer(204),
        Answer(200, content='{"value": []}'),
        error(400, "Request_BadRequest"),
        error(401, "InvalidAuthenticationToken"),
        error(403, "Authorization_RequestDenied"),
        error(404, "Request_ResourceNotFound"),
        error(409, "Request_MultipleObjectsWithSameKeyValue"),
        error(501, "NotImplemented"),
    ],
)
def test_final(answer: Answer) -> None:
    assert not is_transient(answer)
