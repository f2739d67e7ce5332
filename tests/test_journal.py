"""The log of the journal: durable at once, taken over by the store whole and once, whatever was cut off."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.world import Roster, World

from provision.apply import journal
from provision.apply.journal import catch_up
from provision.apply.run import Standing
from provision.apply.status import read_status
from provision.apply.writer import Outcome
from provision.cli.road import Allowances, apply_from
from provision.errors import StateError
from provision.graph import GraphWriter
from provision.sandbox import Faults
from provision.store import Store, open_store
from provision.store.log import Log, log_beside

INTENT = {"change_id": "create:user:N1", "kind": "user", "action": "create", "key": "user:N1"}
OUTCOME = {**INTENT, "status": "done", "object_id": "an-id", "requests": 1}


@pytest.fixture
def store(tmp_path: Path) -> Any:  # pytest's generator
    opened = open_store(tmp_path, "test")
    yield opened
    opened.close()


def log(store: Store) -> Log:
    assert store.path is not None
    return Log(log_beside(store.path))


def unsettled(store: Store) -> int:
    return read_status(store)["unsettled"]


def roster(*ids: str) -> Roster:
    return Roster().person("T1", role="teacher").people(*ids).section("C1", teacher="T1", students=ids)


def test_what_a_killed_run_left_in_its_log_is_known_to_the_next(store: Store) -> None:
    store.run("INSERT INTO journal.runs VALUES ('r', 'p', 't', now(), NULL, 0, 0, 0, 0)")
    left = log(store)
    left.write("r", [INTENT, {**INTENT, "change_id": "create:user:N2", "key": "user:N2"}])
    left.write("r", [OUTCOME])
    left.close()
    catch_up(store)
    assert store.rows("SELECT kind, key, object_id, run FROM ledger.objects") == [("user", "user:N1", "an-id", "r")]
    assert unsettled(store) == 1
    assert log_beside(store.path or Path()).read_bytes() == b""
    catch_up(store)
    assert store.value("SELECT count(*) FROM journal.intents") == 2


@pytest.mark.parametrize(("status", "left"), [("skipped", 1), ("done", 0), ("stale", 0)])
def test_a_run_that_skips_a_change_says_nothing_of_what_an_earlier_one_sent(
    store: Store, status: str, left: int
) -> None:
    store.run("INSERT INTO journal.runs SELECT unnest(['R1', 'R2']), 'p', 't', now(), NULL, 0, 0, 0, 0")
    store.run("INSERT INTO journal.intents (run, change_id, kind, action, key, moment) "
              "SELECT unnest(['R1', 'R2']), 'add:member:C1/S1', 'member', 'add', 'member:C1/S1', now()")  # fmt: skip
    store.run("INSERT INTO journal.outcomes VALUES ('R2', 'add:member:C1/S1', ?, NULL, NULL, 0, now())", [status])
    assert unsettled(store) == left


def test_a_line_that_was_cut_off_was_not_written(store: Store) -> None:
    left = log(store)
    left.write("r", [INTENT])
    left.close()
    whole = left.path.read_bytes()
    with left.path.open("ab") as file:
        file.write(json.dumps(OUTCOME).encode()[:60])
    catch_up(store)
    assert store.value("SELECT count(*) FROM journal.intents") == 1
    assert store.value("SELECT count(*) FROM journal.outcomes") == 0
    left.path.write_bytes(whole[:20])  # not even its first line
    catch_up(store)
    assert store.value("SELECT count(*) FROM journal.intents") == 1


def test_a_log_that_was_taken_over_and_not_emptied_is_not_taken_twice(store: Store) -> None:
    left = log(store)
    left.write("r", [INTENT])
    left.write("r", [OUTCOME])
    with patch.object(Log, "empty"):
        catch_up(store)
        catch_up(store)
    assert store.value("SELECT count(*) FROM journal.outcomes") == 1
    catch_up(store)
    left.write("later", [{**OUTCOME, "object_id": "another"}])
    left.close()
    catch_up(store)
    assert store.rows("SELECT object_id, run FROM ledger.objects") == [("another", "later")]


def test_what_cannot_be_written_down_is_not_sent(school: World) -> None:
    planned = school.plan(roster("S1", "S2"))

    def full(_self: Log, _run: str, _changes: Any) -> None:
        raise StateError("The journal cannot be written.")

    with patch.object(Log, "write", full), pytest.raises(StateError):
        school.apply(planned)
    assert school.writes() == []
    assert school.apply(planned)[0].complete


def test_the_ledger_is_the_same_however_often_the_store_takes_over(
    school: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what hangs on an object that was made since: its id is known before the store has it, and afterwards."""
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', school_groups='all = ["students"]')
    monkeypatch.setattr(journal, "MOST_CHANGES", 2)
    ids = [f"S{number}" for number in range(30)]
    school.day(roster(*ids))
    assert school.plan(roster(*ids)).ids() == []
    assert school.plan(roster(*ids[1:])).ids("member") == ["remove:member:C1/S0"]


def test_results_can_be_read_while_the_run_goes_on(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = school.plan(roster(*(f"S{number}" for number in range(30))))
    path = school.folder / "results.jsonl"
    seen: list[int] = []
    write = GraphWriter.write

    async def watched(self: GraphWriter, writes: Any) -> list[list[Outcome]]:
        if path.exists():
            seen.append(len([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]))
        return await write(self, writes)

    monkeypatch.setattr(GraphWriter, "write", watched)
    school.apply(planned)
    assert 0 < seen[-1] < len(planned.changes)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_run_that_is_to_stop_sends_nothing_more_and_the_next_one_goes_on(school: World) -> None:
    planned = school.plan(roster(*(f"S{number}" for number in range(30))))
    stop = asyncio.Event()

    def enough(standing: Standing) -> None:
        if sum(standing.settled.values()) >= 20:
            stop.set()

    path = school.folder / "results.jsonl"
    with school.run() as run:
        applied = asyncio.run(apply_from(run, planned.file, Allowances(), path, enough, stop=stop))
    assert applied.stopped
    assert 20 <= applied.counts["done"] < len(planned.changes)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == planned.ids()
    assert {line["error"] for line in lines if line["status"] == "skipped"} == {
        "the run was cut short before it was sent"
    }
    again, _ = school.apply(planned)
    assert again.counts == {"done": len(planned.changes)}
    assert not again.stopped


def test_what_waits_for_the_quota_does_not_hold_up_a_stop(school: World) -> None:
    planned = school.plan(roster("S1"))
    school.sandbox.faults = Faults(throttle_writes=(0.001, 1))
    stop = asyncio.Event()

    async def story() -> Any:
        asyncio.get_running_loop().call_later(1, stop.set)
        with school.run() as run:
            return await apply_from(run, planned.file, Allowances(), None, stop=stop)

    with patch("provision.apply.run.STOPPING", 0.2):
        applied = asyncio.run(asyncio.wait_for(story(), 20))
    assert applied.stopped
    school.sandbox.faults = Faults()
    assert school.apply(planned)[0].complete


def test_a_line_for_which_there_is_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Log(tmp_path / "log")
    kept.write("1", [INTENT])
    whole = kept.path.read_bytes()
    write = os.write

    def full(handle: int, text: bytes) -> int:
        if len(text) > 5:
            return write(handle, text[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StateError):
        kept.write("2", [INTENT])
    monkeypatch.undo()
    assert kept.path.read_bytes() == whole
    with kept.path.open("ab") as file:
        file.write(b'{"run": "cut o')
    kept.close()
    again = Log(tmp_path / "log")
    assert again.path.read_bytes() == whole
    again.close()
