"""What an earlier run has just spent is known to the next one, from the journal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.world import Roster, World

from provision.apply.spent import spent_lately
from provision.cli.road import Allowances, apply_from, utc_now
from provision.store import Store, open_store

NOW = datetime(2026, 9, 1, 6, 0, 0, tzinfo=timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path, "test")
    for run, tenant in (("R1", "ours"), ("R2", "other")):
        store.run("INSERT INTO journal.runs VALUES (?, 'p', ?, ?, NULL, 0, 0, 0, 0)", [run, tenant, NOW])
    return store


def outcome(store: Store, seconds_ago: float, requests: int, run: str = "R1", change: str = "x") -> None:
    moment = NOW - timedelta(seconds=seconds_ago)
    store.run("INSERT INTO journal.outcomes VALUES (?, ?, 'done', NULL, NULL, ?, ?)", [run, change, requests, moment])


def test_nothing_was_spent(store: Store) -> None:
    assert spent_lately(store, "ours", NOW) == []


def test_the_writes_of_the_last_window_second_by_second(store: Store) -> None:
    for ago, requests in ((10, 3), (10, 4), (60, 1), (149, 2), (151, 900), (5, 0)):
        outcome(store, ago, requests)
    assert sorted(spent_lately(store, "ours", NOW)) == [(10, 7), (60, 1), (149, 2)]


def test_the_writes_of_one_second_are_as_late_as_the_last_of_them(store: Store) -> None:
    """Nothing has flown into the quota since, however late in its second that was."""
    for ago in (0.1, 0.9):
        outcome(store, ago, 5)
    ((ago, writes),) = spent_lately(store, "ours", NOW)
    assert (round(ago, 3), writes) == (0.1, 10)


def test_another_tenant_has_a_quota_of_its_own(store: Store) -> None:
    outcome(store, 10, 50, run="R2")
    outcome(store, 20, 5)
    assert spent_lately(store, "ours", NOW) == [(20, 5)]


def test_what_was_sent_and_never_answered_counts(store: Store) -> None:
    for change in ("create:user:1", "create:user:2"):
        store.run(
            "INSERT INTO journal.intents (run, change_id, kind, action, key, moment) VALUES ('R1', ?, 'user', 'create',"
            " ?, ?)",
            [change, change.partition(":")[2], NOW - timedelta(seconds=30)],
        )
    outcome(store, 29, 1, change="create:user:1")
    assert sorted(spent_lately(store, "ours", NOW)) == [(29, 1), (30, 1)]


def test_references_of_one_group_went_in_one_request(store: Store) -> None:
    for number, section in enumerate(("C1", "C1", "C1", "C2")):
        store.run(
            "INSERT INTO journal.intents (run, change_id, kind, action, key, left_key, moment) "
            "VALUES ('R1', ?, 'member', 'add', ?, ?, ?)",
            [f"add:member:{section}/{number}", f"member:{section}/{number}", f"section:{section}",
             NOW - timedelta(seconds=30)],
        )  # fmt: skip
    assert spent_lately(store, "ours", NOW) == [(30, 2)]


def test_the_next_run_starts_with_what_is_left_and_with_its_share(school: World) -> None:
    """After 3,000 writes a moment ago, 20 more take a second; with half of the quota, two."""
    roster = Roster().people(*(f"S{number}" for number in range(20)))
    planned = school.plan(roster)
    with school.run() as run:
        values = [planned.header["tenant"]["id"], utc_now()]
        run.store.run("INSERT INTO journal.runs VALUES ('R0', 'p', ?, ?, NULL, 0, 0, 0, 0)", values)
        values = [datetime.now(timezone.utc)]  # to the microsecond, as the journal has it
        run.store.run("INSERT INTO journal.outcomes VALUES ('R0', 'x', 'done', NULL, NULL, 3000, ?)", values)
        half = replace(run, settings=run.settings.model_copy(update={"max_share": 0.5}))
        started = time.monotonic()
        assert asyncio.run(apply_from(half, planned.file, Allowances(), None)).complete
    writes = len(school.writes())
    assert writes >= 20
    assert time.monotonic() - started >= 0.9 * writes / 10
