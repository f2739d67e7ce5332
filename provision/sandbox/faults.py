"""What can go wrong on purpose. Every fault is off by default; the same ones strike at the same requests."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Literal

from provision.sandbox import errors


@dataclass(frozen=True)
class Faults:
    """The troubles of a tenant.

    `throttle_writes` and `throttle_units` are (refill per second, size of the bucket) of the write quota
    and of the resource units; `references_cost` counts k links as ceil(k/3) writes, as operators report.
    "Every nth" options count requests and the parts of batches one by one; 0 is never.
    """

    seed: int = 0
    throttle_writes: tuple[float, float] | None = None
    throttle_units: tuple[float, float] | None = None
    references_cost: bool = False
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
    retry_seconds: float = 1
    """What a 429 or 503 of these failures asks to wait."""
    concurrency: bool = True
    """Two writes to one object in one batch: 409 for the second."""
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


class Bucket:
    """A token bucket. A refused request drains it, so a caller that does not wait never gets through."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst, now

    def wait(self, cost: float, now: float) -> float:
        """Take `cost`; 0 if that was possible, else the seconds after which it will be."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        cost = min(cost, self.burst)
        if cost <= self.tokens:
            self.tokens -= cost
            return 0
        self.tokens = 0
        return cost / self.rate

    def used(self) -> float:
        """The share that is taken."""
        return 1 - self.tokens / self.burst


class Trouble:
    """The faults of a run: counts requests, keeps the buckets, decides what strikes."""

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.faults = faults
        self.clock = clock
        self.random = random.Random(faults.seed)  # noqa: S311  # an order of answers, no secret
        self._writes = Bucket(*faults.throttle_writes, clock()) if faults.throttle_writes else None
        self._units = Bucket(*faults.throttle_units, clock()) if faults.throttle_units else None
        self._counts = {"request": 0, "write": 0, "batch": 0}

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
                raise errors.throttled(
                    {
                        **headers,
                        "Retry-After": self._retry_after(wait),
                        "x-ms-throttle-limit-percentage": "1.0",
                        "x-ms-throttle-scope": f"Tenant_Application/{scope}/sandbox/{tenant_id}",
                        "x-ms-throttle-information": information,
                    }
                )
            if bucket.used() > 0.8:
                headers["x-ms-throttle-limit-percentage"] = f"{bucket.used():.2f}"
        return headers

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
