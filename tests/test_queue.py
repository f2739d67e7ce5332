"""The ready queue: nothing goes before what it needs, nor beside what writes the same object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from provision.apply import queue, work
from provision.apply.items import Item, Settled
from provision.apply.queue import ReadyQueue, Unit
from provision.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path, "test")
    opened.run("CREATE TABLE run.attempted (id TEXT)")
    opened.run("""
        CREATE TABLE run.work (
            seq BIGINT, id TEXT, kind TEXT, action TEXT, key TEXT, object_id TEXT, before JSON, after JSON,
            depends_on TEXT[], left_key TEXT, left_id TEXT, right_key TEXT, right_id TEXT, role TEXT, state TEXT)""")
    yield opened
    opened.close()


def change(store: Store, id_: str, *needs: str, left: str | None = None, right: str | None = None) -> None:
    action, kind, key = id_.split(":", 2)
    after = {"role": "student"} if left else {"display_name": key}
    store.run(
        """INSERT INTO run.work SELECT count(*), ?, ?, ?, ?, NULL, NULL, ?, ?, ?, NULL, ?, NULL, NULL, 'waiting'
           FROM run.work""",
        [id_, kind, action, f"{kind}:{key}", json.dumps(after), list(needs), left, right],
    )


def done(unit: Unit, status: str = "done") -> Unit:
    unit.settled = [Settled(item, status, f"id of {item.key}", None, 1) for item in unit.items]
    return unit


def school(store: Store, people: int, sections: int, random: Random) -> None:
    change(store, "create:school:10")
    for number in range(people):
        change(store, f"create:user:{number}")
        change(store, f"add:license:{number}", f"create:user:{number}", left=f"user:{number}", right="sku:x")
        change(store, f"add:school_user:{number}", f"create:user:{number}", "create:school:10",
               left="school:10", right=f"user:{number}")  # fmt: skip
    for number in range(sections):
        change(store, f"create:section:{number}")
        for person in random.sample(range(people), 25):
            change(store, f"add:member:{number}/{person}", f"create:section:{number}", f"create:user:{person}",
                   left=f"section:{number}", right=f"user:{person}")  # fmt: skip
    work.make_queue(store)


def test_everything_goes_once_after_what_it_needs_and_alone_on_its_object(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(5)
    school(store, 120, 12, random)
    monkeypatch.setattr(queue, "WINDOW", 150)
    monkeypatch.setattr(queue, "READ", 40)
    ready = ReadyQueue(store)
    flying: list[Unit] = []
    settled: set[str] = set()
    went: list[str] = []
    made: list[str] = []
    most_open = 0
    while True:
        while len(flying) < 60 and (units := ready.take(20)):
            for unit in units:
                assert all(need in settled for item in unit.items for need in item.depends_on)
                beside = [other for other in flying if other.lock == unit.lock]
                assert all(unit.shared and other.shared for other in beside), unit
                for item in unit.items:
                    assert item.left_key is None or item.left_id == f"id of {item.left_key}"
                    assert item.right_key in (None, "sku:x") or item.right_id == f"id of {item.right_key}"
                flying.append(unit)
        most_open = max(most_open, len(ready._open))
        if not flying:
            break
        unit = flying.pop(random.randrange(len(flying)))
        settled.update(item.id for item in unit.items)
        went += [item.id for item in unit.items]
        ready.settle(done(unit))
        made += [item.key for item in unit.items if item.action == "create"]
        if random.random() < 0.1:  # the store takes over
            for key in made:
                store.run("INSERT INTO ledger.objects VALUES (?, ?, ?, 'r')", [key.split(":")[0], key, f"id of {key}"])
            made.clear()
            ready.forget()
    assert sorted(went) == sorted(id_ for (id_,) in store.rows("SELECT id FROM run.work"))
    assert most_open < 150 + 40


def test_batches_are_full_whenever_there_is_work(store: Store) -> None:
    school(store, 240, 10, Random(1))
    ready = ReadyQueue(store)
    flights: list[list[Unit]] = []
    sizes = []
    while True:
        while len(flights) < 8 and (units := ready.take(20)):
            flights.append(units)
            sizes.append(len(units))
        if not flights:
            break
        for unit in flights.pop(0):
            ready.settle(done(unit))
    assert sizes.count(20) >= len(sizes) - 8, sizes


def test_a_section_goes_before_all_people_are_there(store: Store) -> None:
    school(store, 600, 8, Random(3))
    places: dict[str, int] = dict(store.rows("SELECT id, place FROM run.queue"))
    first_section_member = min(place for id_, place in places.items() if id_.startswith("add:member"))
    last_person = max(place for id_, place in places.items() if id_.startswith("create:user"))
    assert first_section_member < last_person


def test_what_needs_something_that_was_not_done_is_named_and_nothing_else(store: Store) -> None:
    for person in ("1", "2"):
        change(store, f"create:user:{person}")
    change(store, "create:section:1")
    for person in ("1", "2"):
        change(store, f"add:member:1/{person}", "create:section:1", f"create:user:{person}",
               left="section:1", right=f"user:{person}")  # fmt: skip
    work.make_queue(store)
    ready = ReadyQueue(store)
    for unit in ready.take(20):
        ready.settle(done(unit, "failed" if unit.items[0].id == "create:user:2" else "done"))
    (unit,) = ready.take(20)
    assert {item.id: item.blocked_by for item in unit.items} == {
        "add:member:1/1": None, "add:member:1/2": "create:user:2",
    }  # fmt: skip


def in_flight_at_most(store: Store, *, conflict: bool) -> list[int]:
    change(store, "create:school:10")
    for number in range(100):
        change(store, f"add:school_user:{number}", "create:school:10", left="school:10", right=f"user:{number}")
    work.make_queue(store)
    ready, rounds = ReadyQueue(store), []
    while units := [unit for _ in range(8) for unit in ready.take(20)]:
        rounds.append(len(units))
        for unit in units:
            unit.in_conflict = conflict and unit.shared
            ready.settle(done(unit))
    assert sum(rounds) == 101
    return rounds


def test_links_of_a_school_go_beside_one_another_more_and_more(store: Store) -> None:
    assert in_flight_at_most(store, conflict=False)[:4] == [1, 8, 16, 32]


def test_one_at_a_time_once_they_are_in_each_others_way(store: Store) -> None:
    assert in_flight_at_most(store, conflict=True) == [1, 8, *[1] * 92]


def test_an_item_of_a_plan_is_what_the_plan_says(store: Store) -> None:
    change(store, "update:user:1")
    store.run("""UPDATE run.work SET before = '{"grade": "07"}', after = '{"grade": "08"}', object_id = 'an-id'""")
    work.make_queue(store)
    (unit,) = ReadyQueue(store).take(20)
    (item,) = unit.items
    assert isinstance(item, Item)
    assert (item.object_id, item.values, item.before) == ("an-id", {"grade": "08"}, '{"grade": "07"}')
