"""Raw `$batch`: up to 20 requests in one call, each judged and answered alone.

The SDK's own batch helper is not used: with it the bodies of the answers are lost, and with them the ids of
what was made and the reasons of what failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeAlias

from provision.graph.clock import Clock
from provision.graph.crowd import Crowd
from provision.graph.pace import Pace, Told
from provision.graph.request import Answer, Request
from provision.graph.retry import is_concurrency, retry_after
from provision.graph.units import Units, is_for_units

MOST = 20  # sub-requests (learn.microsoft.com/graph/json-batching)
PATH = "/$batch"
NEAR_LIMIT = "x-ms-throttle-limit-percentage"
BRIEFLY = 1.0  # seconds to wait after a refusal that does not say how long
Load: TypeAlias = "list[tuple[Request, asyncio.Future[Answer]]]"
"""Requests, and those who wait for the answers."""


class Halted(Exception):  # no error: it was asked for
    """A request never left, for nothing more is to be sent."""


class Sender(Protocol):
    """Whoever can make one call."""

    async def send(self, request: Request) -> Answer:
        """One attempt; a broken connection is an answer with status 0."""


def envelope(requests: Sequence[Request]) -> Request:
    """The `$batch` of `requests`; their ids are their places, counted from 1."""
    return Request("POST", PATH, {"requests": [_part(n, one) for n, one in enumerate(requests, start=1)]})


def open_envelope(outer: Answer, count: int) -> list[Answer]:
    """The answers in the order of the requests. Where the call as a whole failed, that is everyone's answer.

    Answers arrive in any order and are matched by id; one that is missing counts as lost.
    """
    responses = outer.fields.get("responses")
    if not outer.ok or not isinstance(responses, list):
        return [outer if not outer.ok else Answer(0)] * count
    found = {str(one.get("id")): _answer(one) for one in responses}
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
    headers = {str(name).lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    body = response.get("body")
    content = body if isinstance(body, dict) else "" if body is None else str(body)
    return Answer(int(response.get("status") or 0), headers, content)


class Courier:
    """Puts the requests that are ready at the same moment into one `$batch`, at the pace of the quota.

    Whoever has a request just awaits `send`; requests of one turn of the event loop travel together, reads apart from
    writes, which may have to wait. That no two of them write to one object is for the caller to see to.
    """

    def __init__(self, sender: Sender, clock: Clock, pace: Pace, units: Units) -> None:
        self._sender = sender
        self._clock = clock
        self._pace = pace
        self._units = units
        self._crowd = Crowd(MOST // 2)
        self._ready: Load = []
        self._under_way: set[asyncio.Task[object]] = set()
        self._waiting: set[asyncio.Task[object] | None] = set()  # for the quota
        self._halted = False

    @property
    def in_flight(self) -> int:
        """How many batches the service bears at once, as far as it is known."""
        return self._crowd.size

    async def send(self, request: Request) -> Answer:
        """The answer to one attempt at `request`. Raises `DirectoryError` where nothing can be sent, and `Halted`."""
        if self._halted:
            raise Halted
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        if not self._ready:
            loop.call_soon(self._leave)
        self._ready.append((request, answer))
        return await answer

    def halt(self) -> None:
        """Send nothing more; what has left already is awaited."""
        self._halted = True
        for waiting in filter(None, self._waiting):
            waiting.cancel()

    def _leave(self) -> None:
        ready, self._ready = self._ready, []
        reads = [one for one in ready if one[0].method == "GET"]
        writes = [one for one in ready if one[0].method != "GET"]
        for start in range(0, len(reads), MOST):
            self._start(self._carry(reads[start : start + MOST]))
        for start in range(0, len(writes), MOST):
            self._start(self._carry_writes(writes[start : start + MOST]))

    def _start(self, errand: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._under_way.add(task)  # the loop itself holds a task weakly
        task.add_done_callback(self._under_way.discard)

    async def _carry_writes(self, load: Load) -> None:
        while load:
            try:
                granted = await self._granted(len(load))
            except Halted as halted:
                _hand_on(halted, load)
                return
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

    async def _granted(self, wanted: int) -> int:
        """How many of the writes may leave, as soon as any may. Raises `Halted` where they are to stay."""
        if self._halted:
            raise Halted
        waiting = asyncio.current_task()
        self._waiting.add(waiting)
        try:
            return await self._pace.take(wanted)
        except asyncio.CancelledError:
            if self._halted:
                raise Halted from None
            raise
        finally:
            self._waiting.discard(waiting)

    async def _carry(self, load: Load) -> list[Answer]:
        """Send the load, and hand everybody his answer; the answers in their order."""
        try:
            outer = await self._sender.send(envelope([request for request, _ in load]))
        except Exception as error:  # noqa: BLE001  # it is handed to those who wait, who raise it
            _hand_on(error, load)
            return []
        answers = open_envelope(outer, len(load))
        self._units.heard(answers)
        for (_, waiting), answer in zip(load, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)
        return answers


def _hand_on(error: Exception, load: Load) -> None:
    """To those who wait for an answer."""
    for _, waiting in load:
        if not waiting.done():
            waiting.set_exception(error)


def _told(answers: Sequence[Answer]) -> Told:
    """What the answers to a load of writes say of their quota."""
    refused = [answer for answer in answers if answer.status == 429 and not is_for_units(answer)]
    hints = [answer.headers[NEAR_LIMIT] for answer in answers if NEAR_LIMIT in answer.headers]
    used = max(map(float, hints), default=None)
    grain = min((10.0 ** -len(hint.partition(".")[2]) for hint in hints), default=0.0)
    waits = [retry_after(answer) for answer in refused]
    hold = max((BRIEFLY if wait is None else wait for wait in waits), default=0.0)
    return Told(len(answers) - len(refused), len(refused), hold, used, grain)
