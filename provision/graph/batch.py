"""Raw `$batch`: up to 20 requests in one call, each judged and answered alone.

The SDK's own batch helper is not used: with it the bodies of the answers are lost, and with them the ids of
what was made and the reasons of what failed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

from provision.graph.brake import Brake
from provision.graph.clock import Clock
from provision.graph.crowd import Crowd
from provision.graph.pace import Pace, Told
from provision.graph.request import Answer, Request
from provision.graph.retry import is_concurrency, retry_after
from provision.graph.units import Units, is_for_units

MOST = 20  # sub-requests (learn.microsoft.com/graph/json-batching)
PATH = "/$batch"
NEAR_LIMIT = "x-ms-throttle-limit-percentage"
_SHARE = re.compile(r"\d{1,3}(\.\d+)?")
BRIEFLY = 1.0  # seconds to wait after a refusal that does not say how long
Load: TypeAlias = "list[tuple[Request, asyncio.Future[Answer]]]"
"""Requests, and those who wait for the answers."""


class Sender(Protocol):
    """Whoever can make one call."""

    async def send(self, request: Request) -> Answer:
        """One attempt; a broken connection is an answer with status 0."""


def envelope(requests: Sequence[Request]) -> Request:
    """The `$batch` of `requests`; their ids are their places, counted from 1."""
    return Request("POST", PATH, {"requests": [_part(n, one) for n, one in enumerate(requests, start=1)]})


def open_envelope(outer: Answer, count: int) -> list[Answer]:
    """The answers in the order of the requests. Where the call as a whole failed, that is everyone's answer.

    Answers arrive in any order and are matched by id; one that is missing, or cannot be read, counts as lost.
    """
    responses = outer.fields.get("responses")
    if not outer.ok or not isinstance(responses, list):
        return [outer if not outer.ok else Answer(0)] * count
    found = {str(one.get("id")): _answer(one) for one in responses if isinstance(one, dict)}
    return [found.get(str(n), Answer(0)) for n in range(1, count + 1)]


def _part(number: int, request: Request) -> dict[str, Any]:
    part: dict[str, Any] = {"id": str(number), "method": request.method, "url": request.url}
    headers = dict(request.headers)
    if request.body is not None:
        part["body"] = request.body
        headers["Content-Type"] = "application/json"
    if headers:
        part["headers"] = headers
    return part


def _answer(response: dict[str, Any]) -> Answer:
    given, status, body = response.get("headers"), response.get("status"), response.get("body")
    headers = {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    content = body if isinstance(body, dict) else "" if body is None else str(body)
    return Answer(int(str(status)) if str(status).isdecimal() else 0, headers, content)


class Courier:
    """Puts the requests that are ready at the same moment into one `$batch`, at the pace of the quota.

    Whoever has a request just awaits `send`; requests of one turn of the event loop travel together, reads apart from
    writes, which may have to wait. That no two of them write to one object is for the caller to see to.
    """

    def __init__(self, sender: Sender, clock: Clock, brake: Brake, pace: Pace, units: Units) -> None:
        self._sender = sender
        self._clock = clock
        self._brake = brake
        self._pace = pace
        self._units = units
        self._crowd = Crowd(MOST // 2)
        self._ready: Load = []
        self._under_way: set[asyncio.Task[object]] = set()

    @property
    def in_flight(self) -> int:
        """How many batches the service bears at once, as far as it is known."""
        return self._crowd.size

    async def send(self, request: Request) -> Answer:
        """The answer to one attempt at `request`. Raises `DirectoryError` where nothing can be sent, and `Halted`."""
        self._brake.check()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        if not self._ready:
            loop.call_soon(self._leave)
        self._ready.append((request, answer))
        return await answer

    def _leave(self) -> None:
        ready, self._ready = self._ready, []
        reads = [one for one in ready if one[0].method == "GET"]
        writes = [one for one in ready if one[0].method != "GET"]
        for start in range(0, len(reads), MOST):
            self._start(self._carry, reads[start : start + MOST])
        for start in range(0, len(writes), MOST):
            self._start(self._carry_writes, writes[start : start + MOST])

    def _start(self, carry: Callable[[Load], Awaitable[object]], load: Load) -> None:
        task = asyncio.get_running_loop().create_task(_carried(carry, load))
        self._under_way.add(task)  # the loop itself holds a task weakly
        task.add_done_callback(self._under_way.discard)

    async def _carry_writes(self, load: Load) -> None:
        while load:
            granted = await self._brake.turn(partial(self._pace.take, len(load)))
            mark, number, left_at = self._pace.sent, self._crowd.leaves(), self._clock.now()
            told = Told(granted)
            try:
                answers = await self._carry(load[:granted])
                told = _told(answers)
                overloaded = any(answer.status in (503, 504) or is_concurrency(answer) for answer in answers)
                self._crowd.lands(number, len(answers), self._clock.now() - left_at, overloaded=overloaded)
            finally:
                self._pace.heard(mark, told)
            load = load[granted:]

    async def _carry(self, load: Load) -> list[Answer]:
        """Send the load, and hand everybody his answer; the answers in their order."""
        outer = await self._sender.send(envelope([request for request, _ in load]))
        answers = open_envelope(outer, len(load))
        self._units.heard(answers)
        for (_, waiting), answer in zip(load, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)
        return answers


async def _carried(carry: Callable[[Load], Awaitable[object]], load: Load) -> None:
    """Let `carry` do it. Whatever it raises is for those who wait for an answer: they would wait for ever."""
    try:
        await carry(load)
    except Exception as error:  # noqa: BLE001  # they raise it
        for _, waiting in load:
            if not waiting.done():
                waiting.set_exception(error)


def _told(answers: Sequence[Answer]) -> Told:
    """What the answers to a load of writes say of their quota."""
    refused = [answer for answer in answers if answer.status == 429 and not is_for_units(answer)]
    hints = [hint for answer in answers if _SHARE.fullmatch(hint := answer.headers.get(NEAR_LIMIT, ""))]
    used = max(map(float, hints), default=None)
    grain = min((10.0 ** -len(hint.partition(".")[2]) for hint in hints), default=0.0)
    waits = [retry_after(answer) for answer in refused]
    hold = max((BRIEFLY if wait is None else wait for wait in waits), default=0.0)
    return Told(len(answers) - len(refused), len(refused), hold, used, grain)
