"""What the ledger and the journal say, in a few numbers."""

from __future__ import annotations

from typing import TypedDict

from provision.apply.quarantine import failing
from provision.store import Store

LAST_RUNS = 5
MOST_FAILING = 25


class RunLine(TypedDict):
    """One run of the journal."""

    run: str
    finished: bool
    done: int
    failed: int
    skipped: int
    stale: int


class Status(TypedDict):
    """`ledger`: objects and links by kind; `runs`: the last ones first; `unsettled`: sent without an answer;
    `failing`: the keys of the first `MOST_FAILING` changes that keep failing and are left alone."""

    ledger: dict[str, int]
    runs: list[RunLine]
    unsettled: int
    failing: list[str]


def read_status(store: Store) -> Status:
    """The state of a profile."""
    ledger = store.rows("""
        SELECT kind, count(*) FROM (SELECT kind FROM ledger.objects UNION ALL SELECT kind FROM ledger.links)
        GROUP BY kind ORDER BY kind""")
    runs = store.rows(f"""
        SELECT run, finished IS NOT NULL, done, failed, skipped, stale FROM journal.runs
        ORDER BY started DESC LIMIT {LAST_RUNS}""")
    unsettled = store.value("SELECT count(*) FROM journal.unsettled")
    failing(store)
    keys = store.rows(f"SELECT DISTINCT key FROM run.failing ORDER BY key LIMIT {MOST_FAILING}")
    return {
        "ledger": {str(kind): int(number) for kind, number in ledger},
        "runs": [
            {"run": run, "finished": finished, "done": done, "failed": failed, "skipped": skipped, "stale": stale}
            for run, finished, done, failed, skipped, stale in runs
        ],
        "unsettled": int(unsettled),
        "failing": [str(key) for (key,) in keys],
    }
