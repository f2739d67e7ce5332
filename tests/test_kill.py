"""Killed at any moment, and resumed: the end is that of a run that nobody disturbed, and nothing was made twice.

A short form runs in CI; `nox -s kill` kills a thousand times (`KILLS` says how often).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from support.killing import Deaths, Forks, Kill, at_random, deaths, every
from support.world import Roster

KILLS = int(os.environ.get("KILLS", "64"))
"""Of all the tests here together."""

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="processes are forked here, which Windows does not do"),
]


def first_day() -> Roster:
    """Everything is to be made; 30 requests and more."""
    ids = [f"S{number}" for number in range(8)]
    roster = Roster().people(*ids, grade="08").person("T1", role="teacher").person("T2", role="teacher", org="11")
    return roster.section("C1", teacher="T1", students=ids).section("C2", teacher="T2", org="11", students=ids[:3])


def second_day() -> Roster:
    """Accounts are renamed and made, students join and leave."""
    roster = first_day().people("S8", "S9").enroll("C1", "S8").enroll("C2", "S9").section("C3", teacher="T1")
    for row in roster.users[:4]:
        row["givenName"] = f"New{row['sourcedId']}"
    gone = {("C1", "S1"), ("C1", "S2"), ("C2", "S0")}
    roster.enrollments = [
        row for row in roster.enrollments if (row["classSourcedId"], row["userSourcedId"]) not in gone
    ]
    return roster


PROFILE = {"licenses": '["STANDARDWOFFPACK_STUDENT"]', "school_groups": 'all = ["students"]'}
DAYS = {"first": (first_day(),), "second": (first_day(), second_day())}


def systematic(carried: bool) -> Callable[[int], Iterator[Kill]]:
    """Chain by chain: each process dies at its nth write, with another n in each chain."""
    return lambda chain: every(2 + chain if carried else 4 + chain, carried=carried)


def seeded(seed: str) -> Callable[[int], Iterator[Kill]]:
    """Chain by chain: up to ten deaths at moments that the seed chooses."""
    return lambda chain: at_random(f"{seed} {chain}", 10, 0.8)


MANNERS = {
    "first, every nth write, lost": ("first", systematic(carried=False)),
    "first, every nth write, carried out": ("first", systematic(carried=True)),
    "first, at random": ("first", seeded("first")),
    "second, at random": ("second", seeded("second")),
}


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


@pytest.mark.parametrize("manner", MANNERS)
def test_killed_at_any_moment_it_ends_as_if_nothing_had_been(tmp_path: Path, forks: Forks, manner: str) -> None:
    day, kills_of = MANNERS[manner]
    with deaths(tmp_path, forks, *DAYS[day], **PROFILE) as made:
        assert made.run(str(made.planned.file.path)) == 0, made.said()
        undisturbed = made.end()
        assert [undisturbed[name] for name in ("left over", "unsettled", "not done", "other passwords")] == [[]] * 4
        assert len(made.school.writes()) >= 20
        wanted, died, chains = -(-KILLS // len(MANNERS)), 0, 0
        while died < wanted:
            died += made.live_through(islice(kills_of(chains), wanted - died))
            check(made, undisturbed, f"{manner}, chain {chains}")
            chains += 1
        print(f"{died} kills in {chains} chains")


def check(made: Deaths, undisturbed: dict[str, object], what: str) -> None:
    ended = made.end()
    for part, wanted in undisturbed.items():
        assert ended[part] == wanted, (what, part, made.said()[-2000:])
    assert made.school.plan().ids() == [], what
