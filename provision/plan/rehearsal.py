"""What a rehearsal found: the plan was carried out on a copy, and this is how it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provision.plan.planfile import PlanFile
from provision.store import Store

LOST = (0, 504)  # statuses of writes that were carried out, and whose answer never came
FAILED = (500, 502, 503)


@dataclass(frozen=True)
class Rehearsal:
    """A plan that was carried out on a copy of its tenant. `run.results` of `store` has what became of each change.

    `results` counts that by status. `hindrances` are the sentences why `apply` would refuse the plan. `seconds` is the
    time it took on the clock of the copy, where each call lasts `answer_seconds`. `answered` counts the requests by
    method and status; `faults` is the probability of each fault, drawn by `seed`.
    """

    store: Store
    plan: PlanFile
    results: Mapping[str, int]
    hindrances: tuple[str, ...]
    seconds: float
    answered: Mapping[tuple[str, int], int]
    faults: float
    seed: int
    answer_seconds: float

    def requests(self) -> dict[str, int]:
        """How many requests were sent, and how many of them had to be sent again, by what was in the way."""
        counts = dict.fromkeys(("reads", "writes", "throttled_reads", "throttled_writes", "failed", "lost"), 0)
        for (method, status), number in self.answered.items():
            sort = "reads" if method == "GET" else "writes"
            counts[sort] += number
            if status == 429:
                counts[f"throttled_{sort}"] += number
            elif status in FAILED or status in LOST:
                counts["failed" if status in FAILED else "lost"] += number
        return counts

    def not_done(self) -> Iterator[tuple[str, str, str]]:
        """Id, status and reason of every change that was not done, in the plan's order."""
        yield from self.store.stream("""
            SELECT id, status, coalesce(error, '') FROM run.results
            WHERE status NOT IN ('done', 'unapproved') ORDER BY seq""")
