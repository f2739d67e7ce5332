"""The bench works: its short form prints every row, and its districts are what they say. No figure is judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.district import Size, write_district
from bench.run import FORMAT, OTHERS
from bench.written import FILES

from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.store import in_memory

pytestmark = pytest.mark.once

BENCH = Path(__file__).parent / "bench" / "run.py"
OURS = r"(\d+\.\d{3}) +\1 - \1"  # one run: median, least and most are the same
THEIRS = r"(\d+\.\d{3}) +\2 - \2"


def test_the_short_form_prints_every_row() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "--short"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for measured, yardstick in (
        ("provision --help", "python -c pass"),
        ("load 200 students", "bare DuckDB"),
        ("load 400 students", "bare DuckDB"),
        *((f"load 200 in {form}", f"the same in {FORMAT}") for form in OTHERS),
        ("plan 20 students in place", "reading the directory"),
    ):
        row = rf"^{measured} +1 +{OURS} +{yardstick} +{THEIRS} +\d+\.\d\d +\d+ +\d+$"
        assert re.search(row, done.stdout, re.MULTILINE), (measured, done.stdout)
    assert {FORMAT, *OTHERS} == set(FILES)
    assert re.search(rf"^apply 20 students +1 +{OURS} +\d+$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^ +\d+ writes in \d+ batches, [\d,]+ us of CPU a write$", done.stdout, re.MULTILINE)


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
