"""Neither a memory nor a disk that is full ends in a traceback, or in a roster that looks empty."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from bench.district import Size, write_district
from support.world import Roster, World

from provision.cli.road import Allowances, draft_of, load_for
from provision.errors import OutOfRoom, RosterError
from provision.formats import load_roster
from provision.roster.fill import TABLES
from provision.roster.options import RosterOptions
from provision.store import Store, database, open_store

MANY = "SELECT count(DISTINCT md5(i::TEXT)) FROM range(1000000) t(i)"


@pytest.fixture
def narrow(tmp_path: Path) -> Store:
    """A store with little memory that cannot spill."""
    store = open_store(tmp_path / "state", "narrow", memory="12MB")
    store.run("SET max_temp_directory_size = '0KB'")
    return store


@pytest.mark.parametrize("ask", [Store.run, Store.rows, Store.value, lambda store, sql: list(store.stream(sql))])
def test_what_takes_too_much_memory_is_told_in_words(narrow: Store, ask: Callable[[Store, str], object]) -> None:
    with pytest.raises(OutOfRoom, match="more memory than provision allows itself") as caught:
        ask(narrow, MANY)
    assert "Out of Memory" in caught.value.details[0]


@pytest.mark.parametrize("most", [1, 2])
def test_many_cores_take_no_more_memory_than_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Each thread has memory of its own: on 16 cores a million students could not be loaded."""
    threads = "SELECT current_setting('threads')"
    with closing(open_store(tmp_path / "state", "cores")) as store:
        store.run("RESET threads")
        cores = store.value(threads)
    monkeypatch.setattr(database, "THREADS", most)
    store = open_store(tmp_path / "state", "cores")
    assert store.value(threads) == min(most, cores)
    with store.by_one_thread():
        assert store.value(threads) == 1
    assert store.value(threads) == min(most, cores)
    store.close()


def test_a_roster_that_is_too_large_leaves_the_tables_empty(tmp_path: Path, narrow: Store) -> None:
    write_district(tmp_path / "roster", Size(3_000), "sds-v2.1")
    with pytest.raises(RosterError, match="cannot be loaded"):
        load_roster(narrow, tmp_path / "roster", RosterOptions())
    assert {table: narrow.value(f"SELECT count(*) FROM roster.{table}") for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_what_does_not_fit_is_tried_again_with_more_memory(narrow: Store) -> None:
    before = limit(narrow)
    narrow.make_room(12)
    assert narrow.value(MANY) == 1_000_000
    assert limit(narrow) > before


def test_more_memory_is_had_by_results_that_are_streamed(narrow: Store) -> None:
    narrow.make_room(12)
    assert sum(1 for _ in narrow.stream("SELECT DISTINCT md5(i::TEXT) FROM range(1000000) t(i)")) == 1_000_000


def test_what_is_done_at_once_is_done_anew_with_more_memory_and_only_once(narrow: Store) -> None:
    narrow.run("CREATE TABLE run.found (number BIGINT)")
    tried = []

    def count() -> None:
        tried.append("once")
        narrow.run("INSERT INTO run.found VALUES (0)")
        narrow.run(f"INSERT INTO run.found {MANY}")

    narrow.make_room(12)
    narrow.at_once(count)
    assert len(tried) > 1
    assert narrow.rows("FROM run.found") == [(0,), (1_000_000,)]


def test_a_transaction_that_cannot_be_repeated_has_more_memory_at_once_and_only_for_itself(narrow: Store) -> None:
    with narrow.transaction(), pytest.raises(OutOfRoom):
        narrow.value(MANY)  # nobody has made room
    narrow.make_room(12)
    before = limit(narrow)
    with narrow.transaction():
        assert narrow.value(MANY) == 1_000_000
    assert limit(narrow) == before


def test_there_is_an_end_to_the_memory(narrow: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_MEGABYTES", 13)
    narrow.make_room(12)
    with pytest.raises(OutOfRoom, match="more memory than provision allows itself"):
        narrow.value(MANY)


def test_a_small_school_is_planned_in_little_memory(school: World) -> None:
    Roster().people("S1", "S2").write(school.folder / "roster")
    with school.run() as run:
        asyncio.run(draft_of(run, school.folder / "roster", Allowances()))
        assert limit(run.store) == pytest.approx(database.MEGABYTES, abs=1)


def test_planning_may_take_more_memory_than_loading(school: World) -> None:
    Roster().people("S1", "S2").write(school.folder / "roster")
    with school.run() as run:
        load_for(run, school.folder / "roster", Allowances())
        run.store.run("SET memory_limit = '12MB'")
        run.store.run("SET max_temp_directory_size = '0KB'")
        with pytest.raises(OutOfRoom):
            run.store.value(MANY)
    with school.run() as run:
        asyncio.run(draft_of(run, school.folder / "roster", Allowances()))
        run.store.run("SET memory_limit = '12MB'")
        run.store.run("SET max_temp_directory_size = '0KB'")
        assert run.store.value(MANY) == 1_000_000


INTERRUPTED = """
import signal, sys
from pathlib import Path
from provision.store import open_store
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is started without it
store = open_store(Path(sys.argv[1]), "test")
store.run("SET threads = 1")  # or the other one may have the work, and this one wait for it, deaf
try:
    print("ready", flush=True)
    store.value("SELECT count(DISTINCT md5(range::TEXT)) FILTER (range < 0) FROM range(100000000000)")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_query_can_be_interrupted(tmp_path: Path) -> None:
    """DuckDB raises a RuntimeError of its own, which ended in a traceback. It looks for signals between the pieces of
    a query, so that this one has many."""
    asking = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with asking as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # it is in the query then, or about to be
        process.send_signal(signal.SIGINT)
        try:
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said == "interrupted\n"
    assert asking.returncode == 0


def limit(store: Store) -> float:
    """What DuckDB may use, in megabytes."""
    number, unit = str(store.value("SELECT current_setting('memory_limit')")).split()
    return float(number) * {"MiB": 1 << 20, "GiB": 1 << 30}[unit] / 1e6
