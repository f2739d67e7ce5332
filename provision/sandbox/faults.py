"""What can go wrong on purpose. Every fault is off by default; the same ones strike at the same requests."""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Literal, Protocol

from provision.sandbox import errors


@dataclass(frozen=True)
class Canned:
    """An answer, and the requests that get it: those whose "METHOD /path" matches, the first `times` of them, or all.

    The body is JSON or text that is none; one part of a batch is a request.
    """

    requests: str
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    times: float = math.inf


@dataclass(frozen=True)
class Faults:
    """The troubles of a tenant.

    `throttle_writes` and `throttle_units` are (refill per second, size of the bucket) of the write quota
    and of the resource units; `references_cost` counts k links as ceil(k/3) writes, as operators report.
    The options from `throttle_fill` to `throttle_window` are about the write quota.
    "Every nth" options count requests and the parts of batches one by one; 0 is never.
    """

    seed: int = 0
    throttle_writes: tuple[float, float] | None = None
    throttle_units: tuple[float, float] | None = None
    references_cost: bool = False
    throttle_fill: float = 1
    """How full its bucket is at first: 0 is spent."""
    throttle_accrue: bool = False
    """Refused writes are counted, too: the bucket goes into debt, by its size at most."""
    throttle_window: float = 0
    """In place of a bucket, as many writes as its size in every so many seconds, counted from the start."""
    throttle_hints: bool = True
    """Answers past 80 % of a quota, and refusals, say how much of it is used."""
    write_seconds: tuple[float, float] = (0, 0)
    """A call that writes is answered after a time between these two, drawn by `seed`."""
    step_seconds: float = 0
    """What each further part of a $batch that writes adds to it."""
    retry_after: Literal["integer", "fraction", "date"] = "integer"
    lag_seconds: float = 0
    """New objects are unknown for so long: 404 as target and as reference, missing from lists and deltas."""
    lose_answers: int = 0
    """Every nth write is carried out, and its answer is a gateway's 504 page."""
    cut_connections: bool = False
    """Lost answers are cut connections instead; a batch is lost whole."""
    fail_every: int = 0
    """Every nth request is not carried out and fails with the next of `fail_with`."""
    fail_with: tuple[int, ...] = (500, 502, 503)
    fail_batches: int = 0
    """Every nth $batch call fails whole with the next of `fail_batches_with`."""
    fail_batches_with: tuple[int, ...] = (429, 503)
    chance: float = 0
    """Beside what strikes every nth time: the probability with which a request fails, the answer to a write is lost,
    and a $batch call fails whole, drawn by `seed`."""
    answers: tuple[Canned, ...] = ()
    """What requests are answered in place of being carried out."""
    retry_seconds: float = 1
    """What a 429 or 503 of these failures asks to wait."""
    concurrency: bool = True
    """Two writes to one object in one batch: 409 for the second."""
    link_concurrency: bool = False
    """So are links that are added to one school in one batch. Whether Graph sees it so is not documented."""
    shuffle: bool = True
    """The answers of a batch come in any order."""
    delta_tokens: Literal["live", "gone", "old"] = "live"
    """Delta tokens are refused: with 410 as documented, or with the 400 that has been seen."""

    @classmethod
    def published_quotas(cls, units: int = 8000, *, chance: float = 0, seed: int = 0) -> Faults:
        """The limits of a tenant: 3,000 writes in 150 s, and in 10 s so many `units`, 8,000 in a large tenant. Whatever
        answers 429 then is one of them."""
        return cls(
            throttle_writes=(20, 3000),
            throttle_units=(units / 10, units),
            chance=chance,
            seed=seed,
            fail_batches_with=(503,),
        )


class ConnectionCut(Exception):  # an event, not an error of ours
    """The answer never reaches the caller."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request takes from the quotas."""

    units: float
    writes: float


class Quota(Protocol):
    """What is granted, and to whom it is not."""

    def wait(self, cost: float, now: float) -> float:
        """Take `cost`; 0 if that was possible, else the seconds after which it will be."""

    def used(self) -> float:
        """The share that is taken."""


class Bucket:
    """A token bucket. A refused request drains it, so a caller that does not wait never gets through; with `debt` it is
    counted as if it had been granted."""

    def __init__(self, rate: float, burst: float, now: float, *, fill: float = 1, debt: bool = False) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst * fill, now
        self.debt = debt

    def wait(self, cost: float, now: float) -> float:
        """Take `cost`; 0 if that was possible, else the seconds after which it will be."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        cost = min(cost, self.burst)
        if cost <= self.tokens:
            self.tokens -= cost
            return 0
        self.tokens = max(-self.burst, self.tokens - cost) if self.debt else 0
        return (cost - self.tokens) / self.rate

    def used(self) -> float:
        """The share that is taken."""
        return 1 - self.tokens / self.burst


class Window:
    """A number that is granted in every stretch of `seconds`, however it is spread."""

    def __init__(self, seconds: float, burst: float, now: float, *, fill: float = 1) -> None:
        self.seconds, self.burst, self.tokens = seconds, burst, burst * fill
        self.end = now + seconds

    def wait(self, cost: float, now: float) -> float:
        """Take `cost`; 0 if that was possible, else the seconds after which it will be."""
        if now >= self.end:
            self.tokens = self.burst
            self.end += self.seconds * (1 + (now - self.end) // self.seconds)
        cost = min(cost, self.burst)
        if cost <= self.tokens:
            self.tokens -= cost
            return 0
        return self.end - now

    def used(self) -> float:
        """The share that is taken."""
        return 1 - self.tokens / self.burst


class Trouble:
    """The faults of a run: counts requests, keeps the buckets, decides what strikes."""

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.faults = faults
        self.clock = clock
        self.random = random.Random(faults.seed)  # noqa: S311  # an order of answers, no secret
        self._writes = _write_quota(faults, clock())
        self._units: Quota | None = Bucket(*faults.throttle_units, clock()) if faults.throttle_units else None
        self._counts = {"request": 0, "write": 0, "batch": 0}
        self._left = [canned.times for canned in faults.answers]

    def throttle(self, cost: Cost, tenant_id: str) -> dict[str, str]:
        """The quota headers of an answer. Raises 429 when a bucket is empty."""
        headers = {"x-ms-resource-unit": str(math.ceil(cost.units))}
        quotas = (
            ("Write", "WriteLimitExceeded", self._writes, cost.writes),
            ("ReadWrite", "ResourceUnitLimitExceeded", self._units, cost.units),
        )
        for scope, information, bucket, amount in quotas:
            if bucket is None or not amount:
                continue
            wait = bucket.wait(amount, self.clock())
            if wait:
                hint = {"x-ms-throttle-limit-percentage": "1.0"} if self.faults.throttle_hints else {}
                raise errors.throttled(
                    {
                        **headers,
                        **hint,
                        "Retry-After": self._retry_after(wait),
                        "x-ms-throttle-scope": f"Tenant_Application/{scope}/sandbox/{tenant_id}",
                        "x-ms-throttle-information": information,
                    }
                )
            if bucket.used() > 0.8 and self.faults.throttle_hints:
                headers["x-ms-throttle-limit-percentage"] = f"{bucket.used():.2f}"
        return headers

    def seconds(self, parts: int) -> float:
        """How long a call with so many parts takes that writes."""
        low, high = self.faults.write_seconds
        first = self.random.uniform(low, high) if high else 0  # a draw that nobody asks for would change the others
        return first + (parts - 1) * self.faults.step_seconds

    def canned(self, method: str, path: str) -> Canned | None:
        """The answer that this request gets without being carried out."""
        for number, canned in enumerate(self.faults.answers):
            if self._left[number] > 0 and re.fullmatch(canned.requests, f"{method} {path}"):
                self._left[number] -= 1
                return canned
        return None

    def fail(self) -> int:
        """The status with which the next request fails unheard, or 0."""
        return self._strike("request", self.faults.fail_every, self.faults.fail_with)

    def fail_batch(self) -> int:
        """The status with which the next batch fails whole, or 0."""
        return self._strike("batch", self.faults.fail_batches, self.faults.fail_batches_with)

    def lose(self) -> bool:
        """Whether the answer of the write just carried out is lost."""
        return bool(self._strike("write", self.faults.lose_answers, (504,)))

    def wait_headers(self) -> Mapping[str, str]:
        """The header by which a failure asks to wait."""
        return {"Retry-After": self._retry_after(self.faults.retry_seconds)}

    def _strike(self, what: str, every: int, statuses: tuple[int, ...]) -> int:
        if self.faults.chance and self.random.random() < self.faults.chance:
            return self.random.choice(statuses)
        self._counts[what] += 1
        count = self._counts[what]
        if not every or count % every:
            return 0
        return statuses[(count // every - 1) % len(statuses)]

    def _retry_after(self, seconds: float) -> str:
        if self.faults.retry_after == "fraction":
            return f"{seconds:.3f}"
        if self.faults.retry_after == "date":
            moment = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=math.ceil(seconds))
            return format_datetime(moment, usegmt=True)
        return str(max(1, math.ceil(seconds)))


def _write_quota(faults: Faults, now: float) -> Quota | None:
    if faults.throttle_writes is None:
        return None
    rate, size = faults.throttle_writes
    if faults.throttle_window:
        return Window(faults.throttle_window, size, now, fill=faults.throttle_fill)
    return Bucket(rate, size, now, fill=faults.throttle_fill, debt=faults.throttle_accrue)
