"""Time as a thing that is handed in, so that a test can turn it."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` in seconds from any start, and a way to wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def run_without_waiting(story: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on a loop whose time jumps on where it would wait: hours pass in seconds.

    Inside of it `asyncio.sleep` and the loop's `time` agree; `Clock(asyncio.get_running_loop().time)` is that time. It
    is for what stays in this process: nobody outside hurries.
    """
    loop = _JumpingLoop()
    task = loop.create_task(story)
    try:
        return loop.run_until_complete(task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):  # the first trouble is the one to tell
            loop.run_until_complete(task)
        loop.close()


class _JumpingLoop(asyncio.SelectorEventLoop):
    """A loop with a time of its own, from zero."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.passed


class _Jumps(selectors.DefaultSelector):
    """A selector that does not wait for a timeout to pass: it takes it as passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        self.passed += max(0.0, timeout)
        return []
