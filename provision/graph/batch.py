"""Raw `$batch`: up to 20 requests in one call, each judged and answered alone.

The SDK's own batch helper is not used: with it the bodies of the answers are lost, and with them the ids of
what was made and the reasons of what failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from provision.graph.pace import Pace
from provision.graph.request import Answer, Request
from provision.graph.retry import retry_after

MOST = 20  # sub-requests (learn.microsoft.com/graph/json-batching)
PATH = "/$batch"
NEAR_LIMIT = "x-ms-throttle-limit-percentage"


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

    Whoever has a request just awaits `send`; requests of one turn of the event loop travel together. That no
    two of them write to one object is for the caller to see to.
    """

    def __init__(self, sender: Sender, pace: Pace) -> None:
        self._sender = sender
        self._pace = pace
        self._ready: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, request: Request) -> Answer:
        """The answer to one attempt at `request`. Raises `DirectoryError` where nothing can be sent."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        if not self._ready:
            loop.call_soon(self._leave)
        self._ready.append((request, answer))
        return await answer

    def _leave(self) -> None:
        ready, self._ready = self._ready, []
        for start in range(0, len(ready), MOST):
            task = asyncio.get_running_loop().create_task(self._carry(ready[start : start + MOST]))
            self._under_way.add(task)  # the loop itself holds a task weakly
            task.add_done_callback(self._under_way.discard)

    async def _carry(self, load: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        while load:
            granted = await self._pace.take(len(load))
            now, load = load[:granted], load[granted:]
            try:
                outer = await self._sender.send(envelope([request for request, _ in now]))
            except Exception as error:  # noqa: BLE001  # it is handed to those who wait, who raise it
                for _, waiting in now:
                    if not waiting.done():
                        waiting.set_exception(error)
                continue
            finally:
                self._pace.heard()
            for (_, waiting), answer in zip(now, open_envelope(outer, len(now)), strict=True):
                self._heed(answer)
                if not waiting.done():
                    waiting.set_result(answer)

    def _heed(self, answer: Answer) -> None:
        if answer.status == 429:
            self._pace.refused(retry_after(answer) or 0.0)
        elif share := answer.headers.get(NEAR_LIMIT):
            self._pace.near_limit(float(share))
