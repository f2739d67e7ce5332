"""How far a run has come: bars for a terminal, a line a minute for a log."""

from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter

import pytest
from support.world import Roster, World

from provision.apply.run import Standing
from provision.apply.writer import Usage
from provision.cli import road
from provision.cli.progress import progress
from provision.cli.road import Allowances

TOTAL = {"user": 200, "member": 400}


def standing(users: int, members: int, writes: int, held: float = 0.0) -> Standing:
    return Standing({"user": users, "member": members}, TOTAL, Usage(writes, 0.62, held))


def test_without_a_terminal_a_line_a_minute_says_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 0.0, 30.0, 60.0, 60.0, 90.0, 121.0, 121.0])
    with progress("Applying", lambda: next(seconds)) as tell:
        for told in (standing(0, 0, 0), standing(50, 0, 50), standing(150, 0, 300), standing(160, 0, 310),
                     standing(200, 100, 605, held=12)):  # fmt: skip
            tell(told)
    assert capsys.readouterr().err.splitlines() == [
        "Applying: 150 of 600 changes, 5.0 writes a second, 62% of the quota in use, about 3 minutes left",
        (
            "Applying: 300 of 600 changes, 5.0 writes a second, 62% of the quota in use, waiting 12 s as asked, "
            "about 2 minutes left"
        ),
    ]


def test_a_terminal_gets_a_bar_for_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("Applying") as tell:
        tell(standing(150, 20, 170))
        tell(standing(200, 20, 220))
    shown = screen.getvalue()
    for words in ("Applying user", "200/200", "Applying member", "20/400", "220/600", "62% of the quota in use"):
        assert words in shown, words


def test_a_run_tells_of_every_change_by_its_kind(school: World) -> None:
    planned = school.plan(Roster().people("S1", "S2").person("T1", role="teacher").section("C1", teacher="T1"))
    told: list[Standing] = []
    with school.run() as run:

        def tell(standing: Standing) -> None:
            told.append(Standing(dict(standing.settled), standing.total, standing.usage))

        asyncio.run(road.apply_from(run, planned.file, Allowances(), None, tell))
    kinds = Counter(change["kind"] for change in planned.changes)
    assert told[0].settled == dict.fromkeys(kinds, 0)
    assert told[-1].settled == told[-1].total == kinds
    assert told[-1].usage.writes == planned.header["estimate"]["writes"]
