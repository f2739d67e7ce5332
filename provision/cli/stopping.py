"""SIGINT and SIGTERM while a run writes: the first one asks it to stop, the next one ends it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from provision.cli.terminal import tell

GRACE = 8.0
"""Seconds for what is on its way. Without an answer by then it counts as sent and not answered."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)

T = TypeVar("T")


async def stoppable(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T | None:
    """The result of `work`, which is given the event that asks it to stop; None where it was asked, was not done within
    `GRACE` seconds, and was cut short."""
    stop = asyncio.Event()
    with _listening(stop):
        running, asked = asyncio.ensure_future(work(stop)), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((running,), timeout=0 if running.done() else GRACE)
            running.cancel()
            with suppress(asyncio.CancelledError):
                return await running
            return None
        finally:
            asked.cancel()


@contextmanager
def _listening(stop: asyncio.Event) -> Iterator[None]:
    """Let the first signal set `stop`, and the next one raise `KeyboardInterrupt`, whichever of the two it is."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread alone
        return
    loop = asyncio.get_running_loop()

    def announce() -> None:
        tell(f"Stopping: for what is on its way, up to {GRACE:.0f} seconds; again to stop at once.")
        stop.set()

    def hear(_number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.default_int_handler)
        loop.call_soon_threadsafe(announce)

    before = {each: signal.signal(each, hear) for each in SIGNALS}  # as add_signal_handler, which Windows lacks
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler or signal.SIG_DFL)
