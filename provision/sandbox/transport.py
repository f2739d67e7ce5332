"""The fake in process: an httpx transport, to go under the real SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from provision.sandbox.app import Sandbox
from provision.sandbox.faults import ConnectionCut


class SandboxTransport(httpx.AsyncBaseTransport):
    """Hands every request to a sandbox, whatever its host. A cut connection raises `httpx.ReadError`."""

    def __init__(
        self, sandbox: Sandbox, seconds: float = 0, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """A request takes `seconds` to arrive; `sleep` is how they pass, and those that the answer takes."""
        self.sandbox = sandbox
        self._seconds = seconds
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = await request.aread()
        if self._seconds:
            await self._sleep(self._seconds)
        try:
            answer = self.sandbox.handle(request.method, str(request.url), dict(request.headers), body)
        except ConnectionCut:
            raise httpx.ReadError("The sandbox cut the connection.", request=request) from None
        if answer.seconds:
            await self._sleep(answer.seconds)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)
