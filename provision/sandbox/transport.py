"""The fake in process: an httpx transport, to go under the real SDK."""

from __future__ import annotations

import asyncio

import httpx

from provision.sandbox.app import Sandbox
from provision.sandbox.faults import ConnectionCut


class SandboxTransport(httpx.AsyncBaseTransport):
    """Hands every request to a sandbox, whatever its host. A cut connection raises `httpx.ReadError`."""

    def __init__(self, sandbox: Sandbox, seconds: float = 0) -> None:
        """An answer takes `seconds`."""
        self.sandbox = sandbox
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = await request.aread()
        if self._seconds:
            await asyncio.sleep(self._seconds)
        try:
            answer = self.sandbox.handle(request.method, str(request.url), dict(request.headers), body)
        except ConnectionCut:
            raise httpx.ReadError("The sandbox cut the connection.", request=request) from None
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)
