"""The one retry policy: what is tried again, how long it waits, when it gives up.

The SDK's own retry middleware is not in use: it would multiply with this one, and it resends a POST after a
504.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from email.utils import parsedate_to_datetime

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    wait_exponential_jitter,
)

from provision.graph.clock import Clock
from provision.graph.errors import error_of
from provision.graph.request import Answer

TRANSIENT = (
    0,
    408,
    424,
    429,
    500,
    502,
    503,
    504,
)  # 424: part of a throttled batch, as older services answered
CONCURRENCY = "Directory_ConcurrencyViolation"  # a 409 that asks to wait briefly and come again
ATTEMPTS = 10
PATIENCE = 15 * 60.0  # seconds of waiting in all, after which a call is given up

_SECONDS = re.compile(r"-?\d{1,9}(\.\d*)?")
_backoff = wait_exponential_jitter(initial=1, max=60, jitter=1)


def is_transient(answer: Answer) -> bool:
    """Whether the same request may be answered otherwise a little later."""
    if 200 <= answer.status < 300:
        return not answer.is_json
    return answer.status in TRANSIENT or is_concurrency(answer)


def is_concurrency(answer: Answer) -> bool:
    """Whether the object was being written by another request."""
    return answer.status == 409 and error_of(answer).code == CONCURRENCY


def retry_after(answer: Answer) -> float | None:
    """The seconds that the service asks to wait (a whole number, a fraction or an HTTP date), or None.

    A date is measured against the answer's own `Date`, so that a clock that is wrong here does no harm.
    """
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return max(0.0, float(value))
    then = _timestamp(value)
    now = _timestamp(answer.headers.get("date", "")) or time.time()
    return None if then is None else max(0.0, then - now)


async def settle(
    attempt: Callable[[], Awaitable[Answer]],
    clock: Clock,
    transient: Callable[[Answer], bool] = is_transient,
    attempts: int = ATTEMPTS,
) -> Answer:
    """The first answer of `attempt` that is not `transient`, or the last one when patience ends."""
    first: Answer | None = await attempt()
    if first is not None and not transient(first):  # almost always: the policy itself costs more than a request
        return first

    async def once() -> Answer:
        nonlocal first
        answer, first = first or await attempt(), None
        return answer

    policy = AsyncRetrying(
        retry=retry_if_result(transient),
        wait=_wait,
        stop=lambda state: state.attempt_number >= attempts or _is_impatient(state),
        sleep=clock.sleep,
        retry_error_callback=_answer,
    )
    return await policy(once)


def longest_wait(answers: Iterable[Answer]) -> Answer:
    """Of several failed sub-requests the one that asks for the longest wait: they are sent again together."""
    return max(answers, key=lambda answer: retry_after(answer) or 0.0)


def _wait(state: RetryCallState) -> float:
    asked = retry_after(_answer(state))
    return _backoff(state) if asked is None else asked


def _is_impatient(state: RetryCallState) -> bool:
    return state.idle_for + state.upcoming_sleep > PATIENCE


def _answer(state: RetryCallState) -> Answer:
    answer: Answer = state.outcome.result() if state.outcome else Answer(0)
    return answer


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
