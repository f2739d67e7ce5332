"""The guardian files of SDS V1: user.csv and guardianrelationship.csv."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.world import World

from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.roster.summary import Finding, findings
from provision.store import in_memory

STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small

V1 = {
    "School.csv": "SIS ID,Name\n010,Ash School\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n01,010,ada,Ada,Berg\n02,010,bo,Bo,Berg\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n01,010,cy,Cy,Dahl\n",
    "user.csv": "Email,First Name,Last Name,Phone,SIS ID\nEva@home.example,Eva,Berg,+1 555 010 0100,g1\n",
    "guardianrelationship.csv": "SIS ID,Email,Role\n01,eva@home.example,Parent\n02,EVA@home.example,\n",
}
UK = {
    **V1,
    "School.csv": "DfE Number,Name\n010,Ash School\n",
    **{
        name: V1[name].replace("SIS ID,School SIS ID", "ID,School DfE Number", 1)
        for name in ("Student.csv", "Teacher.csv")
    },
}


def load(folder: Path, **changed: tuple[str, str]) -> list[Finding]:
    """Load the roster with texts replaced, by the name of the file; gives what was found."""
    for name, text in V1.items():
        old, new = changed.get(name.removesuffix(".csv"), ("", ""))
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    load_roster(STORE, folder, RosterOptions())
    return list(findings(STORE))


def relationships() -> list[tuple[Any, ...]]:
    return STORE.rows("SELECT person_id, contact_id, role FROM roster.relationships ORDER BY 1")


@pytest.mark.parametrize(("files", "form"), [(V1, "sds-v1"), (UK, "sds-v1-uk")])
def test_one_guardian_of_two_students(tmp_path: Path, files: dict[str, str], form: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_roster(STORE, tmp_path, RosterOptions()).format == form
    assert list(findings(STORE)) == []
    columns = "id, source_id, given_name, family_name, secondary_email, phone, username"
    assert STORE.rows(f"SELECT {columns} FROM roster.persons WHERE file = 'user.csv'") == [
        ("guardian/eva@home.example", "g1", "Eva", "Berg", "eva@home.example", "+15550100100", None)
    ]
    assert relationships() == [
        ("student/01", "guardian/eva@home.example", "parent"),
        ("student/02", "guardian/eva@home.example", "other"),
    ]


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    load(
        tmp_path,
        user=("Email,First Name,Last Name,Phone,SIS ID\nEva@home.example,Eva,Berg,+1 555 010 0100,g1\n",
              "Last Name,Email,First Name\nBerg,eva@home.example,Eva\n"),
        guardianrelationship=(V1["guardianrelationship.csv"], "Email,SIS ID\neva@home.example,01\n"),
    )  # fmt: skip
    assert [each.rule for each in findings(STORE)] == []
    assert relationships() == [("student/01", "guardian/eva@home.example", "other")]


@pytest.mark.parametrize(
    ("name", "old", "new", "value"),
    [
        ("guardianrelationship", "02,", "77,", "student/77"),
        ("guardianrelationship", "EVA@", "olaf@", "guardian/olaf@home.example"),
    ],
)
def test_a_relationship_with_nobody_is_dropped(tmp_path: Path, name: str, old: str, new: str, value: str) -> None:
    (found,) = [each for each in load(tmp_path, **{name: (old, new)}) if each.severity == "error"]
    assert (found.rule, found.file, found.record, found.value) == ("unknown-person", f"{name}.csv", 3, value)
    assert relationships() == [("student/01", "guardian/eva@home.example", "parent")]


@pytest.mark.parametrize("address", ["eva(at)home.example", ""])
def test_a_guardian_without_a_good_address_is_held_and_nobody_is_theirs(tmp_path: Path, address: str) -> None:
    seen = load(tmp_path, user=("Eva@home.example", address))
    rule = "email-shape" if address else "required-value"
    assert (rule, "error", "user.csv", 2, "Email") in [
        (each.rule, each.severity, each.file, each.record, each.field) for each in seen
    ]
    assert STORE.rows("SELECT * FROM roster.persons WHERE file = 'user.csv'") == []
    assert relationships() == []


def test_a_guardian_who_stands_twice_is_held(tmp_path: Path) -> None:
    seen = load(tmp_path, user=("g1\n", "g1\neva@home.example,Eva,Berg,,g2\n"))
    assert {each.rule for each in seen if each.severity == "error"} == {"duplicate-id"}
    assert STORE.rows("SELECT id FROM roster.held") == [("guardian/eva@home.example",)]
    assert relationships() == []


def test_the_words_of_a_relationship(tmp_path: Path) -> None:
    seen = load(tmp_path, guardianrelationship=("Parent", "mum"))
    assert [(each.rule, each.severity, each.value) for each in seen] == [("read-as-other", "note", "mum")]
    assert relationships()[0] == ("student/01", "guardian/eva@home.example", "other")


def test_only_a_guardian_of_nobody_is_without_a_role(tmp_path: Path) -> None:
    assert "person-without-role" not in {each.rule for each in load(tmp_path)}
    seen = load(tmp_path, user=("g1\n", "g1\nolaf@home.example,Olaf,Berg,,g2\n"))
    assert [each.value for each in seen if each.rule == "person-without-role"] == ["guardian/olaf@home.example"]


def test_a_guardian_gets_no_account(school: World, tmp_path: Path) -> None:
    folder = tmp_path / "roster"
    folder.mkdir()
    load(folder)
    planned = school.day(folder)
    assert planned.ids("user") == ["create:user:student/01", "create:user:student/02", "create:user:teacher/01"]
    assert not [note for note in planned.notes if "guardian" in note["key"]]
    assert school.plan(folder).changes == []
