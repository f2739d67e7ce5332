"""Two plans laid side by side: what is new, what is gone, what is planned otherwise."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.world import Roster, World

from provision.cli import main
from provision.errors import UsageError
from provision.plan.difference import STATES, Difference, compare
from provision.plan.planfile import PlanFile
from provision.store import in_memory

pytestmark = pytest.mark.once


def tuesday() -> Roster:
    roster = Roster().person("T1", role="teacher").people("S1", "S2", "S3", grade="07")
    return roster.section("C1", teacher="T1", students=["S1", "S2"])


def ids(found: Difference) -> dict[str, list[str]]:
    """The changes by state: of each its action and key."""
    return {
        state: [f"{line['action']}:{line['key']}" for pair in found.changes(state) if (line := pair[1] or pair[0])]
        for state in STATES
    }


def between(older: PlanFile, newer: PlanFile) -> Difference:
    return compare(in_memory(), older, newer)


def test_what_is_new_gone_and_otherwise(school: World) -> None:
    school.day(tuesday())
    older = tuesday()
    for role in older.roles[1:3]:
        role["grade"] = "08"
    first = school.plan(older.person("S4", grade="07").enroll("C1", "S4"))
    newer = tuesday()
    newer.roles[1]["grade"] = "09"
    newer.enrollments.pop()
    second = school.plan(newer.person("S4", grade="07").person("S5").enroll("C1", "S4"))

    found = between(first.file, second.file)
    assert ids(found) == {
        "new": ["create:user:S5", "remove:member:C1/S2", "add:school_user:10/S5"],
        "gone": ["update:user:S2"],
        "otherwise": ["update:user:S1"],
    }
    assert found.counts == {"new": 3, "gone": 1, "otherwise": 1}
    ((was, now),) = found.changes("otherwise")
    assert [line["after"]["grade"] for line in (was, now) if line] == ["08", "09"]
    assert found.other_files == ("enrollments.csv", "roles.csv", "users.csv")
    assert not found.other_profile


def test_a_plan_does_not_differ_from_itself_nor_from_its_twin(school: World) -> None:
    school.day(tuesday())
    roster = tuesday().person("S4").enroll("C1", "S4")
    first, second = school.plan(roster), school.plan(roster)
    for found in (between(first.file, first.file), between(first.file, second.file)):
        assert ids(found) == {"new": [], "gone": [], "otherwise": []}
        assert (set(found.notes.values()), found.other_files, found.other_profile) == ({0}, (), False)


def test_a_link_is_the_same_whether_its_ends_have_been_made_or_not(school: World) -> None:
    """The member is added in both plans; only in the newer one the account has an id."""
    school.day(tuesday())
    with_member = tuesday().person("S4").enroll("C1", "S4")
    before = school.plan(with_member)
    school.day(tuesday().person("S4"))
    after = school.plan(with_member)
    assert before.change("add:member:C1/S4")["after"] != after.change("add:member:C1/S4")["after"]
    assert ids(between(before.file, after.file)) == {
        "new": [],
        "gone": ["create:user:S4", "add:school_user:10/S4"],
        "otherwise": [],
    }


def test_notes_that_came_and_went(school: World) -> None:
    school.day(tuesday())
    without = tuesday()
    without.users.pop()
    without.roles.pop()
    first = school.plan(without)  # S3 is kept
    bad = tuesday()
    bad.users[1]["givenName"] = ""  # S1 is held
    second = school.plan(bad)
    found = between(first.file, second.file)
    told = {state: {(line["what"], line["key"]) for pair in found.noted(state) if (line := pair[1] or pair[0])}
            for state in STATES}  # fmt: skip
    assert ("held", "user:S1") in told["new"]
    assert ("kept", "user:S3") in told["gone"]


def test_plans_for_different_tenants_have_nothing_in_common(school: World, tmp_path: Path) -> None:
    first = school.plan(tuesday())
    other = tmp_path / "other.jsonl"
    header, *rest = first.file.path.read_text(encoding="utf-8").splitlines(keepends=True)
    told: dict[str, Any] = json.loads(header)
    told["tenant"]["id"] = "elsewhere"
    other.write_text(json.dumps(told) + "\n" + "".join(rest), encoding="utf-8")
    with pytest.raises(UsageError, match="different tenants"):
        between(first.file, PlanFile(other))


@pytest.fixture
def two(school: World) -> tuple[Path, Path]:
    school.day(tuesday())
    first = school.plan(tuesday().person("S4"))
    second = school.plan(tuesday().people(*(f"N{number:02}" for number in range(40))))
    packed = school.folder / "second.jsonl.gz"
    with second.file.path.open("rb") as plain, gzip.open(packed, "wb") as file:
        shutil.copyfileobj(plain, file)
    return first.file.path, packed


def test_the_command(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    older, newer = map(str, two)
    assert main(["diff", older, newer]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Changes: 80 new, 2 gone, 0 planned otherwise.\n")
    assert "Other roster files: roles.csv, users.csv" in told
    assert "create    user:N00  user_principal_name 'n00@students.contoso.edu'" in told
    assert "… and 55 more; --all lists them" in told
    assert "user:S4" in told

    assert main(["diff", older, newer, "--all"]) == 0
    assert "user:N39" in capsys.readouterr().out
    assert main(["diff", older, newer, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in document["changes"]] == ["new"] * 80 + ["gone"] * 2
    assert document["changes"][0]["older"] is None
    assert document["changes"][0]["newer"]["cause"]["file"] == "users.csv"
    assert main(["diff", older, older]) == 0
    assert capsys.readouterr().out.startswith("Both plans say the same.\n")


def test_an_altered_plan_is_refused(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    older, newer = two
    older.write_bytes(older.read_bytes().replace(b"user:S4", b"user:S9"))
    assert main(["diff", str(older), str(newer)]) == 1
    assert "was altered after it was planned" in capsys.readouterr().err
