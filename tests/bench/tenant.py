"""A fake tenant over HTTP in a process of its own, with the quota and the slowness of the real one.

    python -m bench.tenant SPEED [FAULTS] [STATE.json]

`SPEED` is how many times as fast its clock runs: quota, waits and latencies go by that clock. `FAULTS` is JSON, the
options of `provision.sandbox.Faults`. It prints its address, and for every line on standard input a line of JSON: what
was asked of it since the last one; with the next request its faults begin anew, and the buckets are as they are at
first. It ends when standard input does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provision.sandbox import Faults, Sandbox, Tenant, serve
from provision.sandbox.app import Answer

SEATS = 10_000_000


class Counting(Sandbox):
    """A sandbox that counts round trips; the log of single requests is cut short."""

    trips = 0
    anew = False
    guard = threading.Lock()

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        with self.guard:
            self.trips += 1
            if self.anew:
                self.faults, self.anew = self.faults, False
        return super().handle(method, url, headers, body)

    def counts(self) -> Counter[str]:
        refused = sum(number for (_, status), number in self.answered.items() if status == 429)
        failed = sum(number for (_, status), number in self.answered.items() if status >= 400) - refused
        return Counter(
            writes=self.tenant.writes, requests=self.tenant.requests, trips=self.trips, batches=self.batches,
            refused=refused, failed=failed, cpu=int(time.process_time() * 1000), units=int(self.units),
        )  # fmt: skip


def main(speed: float, faults: Faults, state: Path | None) -> None:
    tenant = Tenant.load(state) if state else Tenant.new(seats=SEATS)
    sandbox = Counting(tenant, faults, lambda: time.monotonic() * speed, keep=100)
    with serve(sandbox) as server:
        print(server.url, flush=True)
        before = sandbox.counts()
        for _ in sys.stdin:
            now = sandbox.counts()
            sandbox.anew = True
            print(json.dumps({name: now[name] - before[name] for name in now}), flush=True)
            before = now


def faults_of(given: str, speed: float) -> Faults:
    """The faults that the JSON names. What is slept is slept by the wall clock, so it is shortened here."""
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(given).items()
    }
    faults = Faults(**options)
    low, high = faults.write_seconds
    return replace(faults, write_seconds=(low / speed, high / speed), step_seconds=faults.step_seconds / speed)


if __name__ == "__main__":
    fast = float(sys.argv[1])
    given = sys.argv[2] if len(sys.argv) > 2 else "{}"
    main(fast, faults_of(given, fast), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
