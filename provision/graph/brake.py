"""Stopping: once the brake is on nothing more leaves, and nobody waits any longer for his turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from provision.graph.clock import Clock

T = TypeVar("T")


class Halted(Exception):  # no error: it was asked for
    """A request never left, for nothing more is to be sent."""


class Brake:
    """What all that waits before it sends has in common."""

    def __init__(self) -> None:
        self.is_on = False
        self._waiting: set[asyncio.Task[Any] | None] = set()

    def put_on(self) -> None:
        """Send nothing more; what has left already is awaited."""
        self.is_on = True
        for waiting in filter(None, self._waiting):
            waiting.cancel()

    def check(self) -> None:
        """Raise `Halted` where the brake is on."""
        if self.is_on:
            raise Halted

    async def turn(self, wait: Callable[[], Awaitable[T]]) -> T:
        """What `wait` gives. Raises `Halted` as soon as the brake is on. Not to be called within itself."""
        self.check()
        waiting = asyncio.current_task()
        self._waiting.add(waiting)
        try:
            return await wait()
        except asyncio.CancelledError:
            self.check()
            raise
        finally:
            self._waiting.discard(waiting)

    def on(self, clock: Clock) -> Clock:
        """`clock`, whose sleepers the brake wakes with `Halted`."""

        async def sleep(seconds: float) -> None:
            await self.turn(lambda: clock.sleep(seconds))

        return Clock(clock.now, sleep)
