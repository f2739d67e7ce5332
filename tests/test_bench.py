"""The bench works: its short form prints every row, and its districts are what they say. No figure is judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.applying import fastest, fastest_by_windows
from bench.district import Size, write_district
from bench.run import FORMAT, OTHERS, OWN
from bench.written import FILES

from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.store import in_memory

pytestmark = pytest.mark.once

BENCH = Path(__file__).parent / "bench" / "run.py"
OURS = r"([\d,]+\.\d{3}) +\1 - \1"  # one run: median, least and most are the same
THEIRS = r"(\d+\.\d{3}) +\2 - \2"


def short(*rows: str) -> str:
    """What the short form of the bench prints of these rows."""
    command = [sys.executable, str(BENCH), "--short", *rows]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(printed: str, what: str, rows: str) -> tuple[float, str]:
    """The median of a row that is to reach something, and what stands beside it; its command is that of `rows`."""
    found = re.search(
        rf"^{re.escape(what)} +1 +{OURS}   .{{16}} (.*)\n    nox -s bench -- {rows}$", printed, re.MULTILINE
    )
    assert found, (what, printed)
    return float(found[1].replace(",", "")), found[2]


def test_the_bounds_are_those_of_the_quota_the_latency_and_the_trips() -> None:
    assert fastest(10_400) == (10_400 - 3_000) / 20  # the quota
    assert fastest(2_080) == 104 * (0.225 + 19 * 0.05) / 8  # batches on their way
    assert fastest(20) == 3 * 0.225  # writes that wait for each other
    assert fastest(10_400, burst=0) == 520
    assert fastest_by_windows(10_400) == 3 * 150 + 70 * (0.225 + 19 * 0.05) / 8
    assert fastest_by_windows(3_000) == fastest(3_000)


def test_the_rows_of_applying_are_computed() -> None:
    printed = short("writes", "first", "plain", "cpu", "memory")
    ratio, beside = figures(printed, "writes of 40 students / fewest", "writes")
    assert ratio == 1
    assert "139 sent, 139 is least" in beside
    slowdown, beside = figures(printed, "first load of 40 / bound", "first")
    assert slowdown > 1
    assert "refused 0; 85 writes" in beside
    assert len(re.findall(r"^plain script / ours, 40 students", printed, re.MULTILINE)) == 2
    assert "115 calls" in figures(printed, "plain script / ours, 40 students", "plain")[1]
    assert figures(printed, "CPU a write, us", "cpu")[0] > 0
    assert 20 < figures(printed, "peak MB of apply, 40 students", "memory")[0] < 1_000


def test_the_rows_of_places_are_computed() -> None:
    printed = short("user", "night", "changed", "pupil", "snapshot")
    assert figures(printed, "CPU to read a user, us, of 44", "user")[0] > 0
    _, beside = figures(printed, "night, nothing changed, 40: s", "night")
    assert "0 writes (0)" in beside
    requests, beside = figures(printed, "0.5 % of 40 changed: requests", "changed")
    assert f"1 changes, 1 writes: {requests - 1:.0f} requests besides" in beside
    assert "1 writes" in figures(printed, "one pupil of 40: s", "pupil")[1]
    assert "changes" in figures(printed, "plan of 40 / bare DuckDB", "--full snapshot")[1]


def test_the_short_form_prints_every_row() -> None:
    printed = short(*OWN)
    for measured, yardstick in (
        ("provision --help", "python -c pass"),
        ("load 200 students", "bare DuckDB"),
        ("load 400 students", "bare DuckDB"),
        *((f"load 200 in {form}", f"the same in {FORMAT}") for form in OTHERS),
        ("plan 20 students in place", "reading the directory"),
    ):
        row = rf"^{measured} +1 +{OURS} +{yardstick} +{THEIRS} +\d+\.\d\d +\d+ +\d+$"
        assert re.search(row, printed, re.MULTILINE), (measured, printed)
    assert {FORMAT, *OTHERS} == set(FILES)
    assert re.search(rf"^apply 20 students +1 +{OURS} +\d+$", printed, re.MULTILINE), printed
    assert re.search(r"^ +\d+ writes in \d+ batches, [\d,]+ us of CPU a write$", printed, re.MULTILINE)


@pytest.mark.parametrize("students", [1, 30, 1_234])
def test_a_district_is_sound_and_as_large_as_it_says(tmp_path: Path, students: int) -> None:
    size = Size(students)
    write_district(tmp_path, size)
    store = in_memory()
    load_roster(store, tmp_path, RosterOptions())
    assert store.rows("SELECT DISTINCT rule FROM roster.findings WHERE severity <> 'note'") == []
    assert store.rows("SELECT role, count(DISTINCT person_id) FROM roster.roles GROUP BY role ORDER BY role") == [
        ("administrator", size.schools),
        ("student", size.students),
        ("teacher", size.teachers),
    ]
    assert store.value("SELECT count(*) FROM roster.sections") == size.sections
    enrolled: dict[str, int] = dict(store.rows("SELECT role, count(*) FROM roster.enrollments GROUP BY role"))
    assert enrolled["student"] == 6 * size.students
    assert size.sections <= enrolled["teacher"] <= 1.06 * size.sections


@pytest.mark.parametrize("form", FILES)
def test_the_same_district_is_the_same_bytes(tmp_path: Path, form: str) -> None:
    for folder in ("one", "two"):
        write_district(tmp_path / folder, Size(150), form)
    assert {file.name for file in (tmp_path / "one").iterdir()} == set(FILES[form])
    for name in FILES[form]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
