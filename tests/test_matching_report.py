"""The matching report: who is whose in a lived-in tenant, before anything is planned."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.world import Roster, World

from provision.cli import main
from provision.cli.match import ReportName
from provision.cli.road import Allowances, match_of
from provision.cli.templates import templates
from provision.plan.matches import WHATS, Entry, Matches, What, find_matches
from provision.reports.matches import RENDERERS, TITLES
from provision.sandbox import Tenant
from provision.sandbox.seed import live_in

pytestmark = pytest.mark.once

Capture = pytest.CaptureFixture[str]


@contextmanager
def looked(school: World, roster: Roster) -> Iterator[Matches]:
    """The report on this roster."""
    roster.write(school.folder / "roster")
    with school.run() as run:
        asyncio.run(match_of(run, None, Allowances()))
        yield find_matches(run.store, run.profile)


def found(school: World, roster: Roster) -> dict[What, list[str | None]]:
    """The keys of each sort, or what the object is called where it has none; those with lines."""
    with looked(school, roster) as matches:
        keys = {what: [entry.key or entry.account or entry.title for entry in matches.entries(what)] for what in WHATS}
        assert {what: matches.total(what) for what in WHATS} == {what: len(each) for what, each in keys.items()}
    return {what: each for what, each in keys.items() if each}


def account(school: World, name: str, anchor: str = "", **values: object) -> str:
    """An account that was there before us."""
    bears = {"student": {"externalId": anchor}, "primaryRole": "student"} if anchor else {}
    return school.tenant.add_user(userPrincipalName=f"{name}@students.contoso.edu", **bears, **values)


def names(given: str, family: str) -> dict[str, Any]:
    return {"givenName": given, "surname": family, "displayName": f"{given} {family}"}


def test_each_person_is_of_one_sort_and_nothing_is_written(school: World) -> None:
    for name, anchor in (("byid", "S1"), ("s4", "S77"), ("twin.a", "S5"), ("twin.b", "S5"), ("gone", "S99")):
        account(school, name, anchor)
    account(school, "s2", **names("GivenS2", "Somebody"))
    weak = account(school, "s3", **names("Another", "Pupil"))
    account(school, "both")
    account(school, "club")
    roster = Roster().people("S1", "S2", "S3", "S4", "S5", "S8")
    roster.person("S6", username="both").person("S7", username="BOTH")
    with looked(school, roster) as matches:
        entries = {what: list(matches.entries(what)) for what in WHATS}
        assert matches.others == {"contoso.edu": 2, "students.contoso.edu": 1}  # two administrators, and the club
        assert matches.counts["ambiguous"] == {"user": 2}
    assert entries["weak"] == [
        Entry("user", "user:S3", "GivenS3 FamilyS3", weak, "s3@students.contoso.edu", "Another Pupil", None,
              "users.csv", 4)
    ]  # fmt: skip
    assert [(each.key, each.detail) for each in entries["claimed-twice"]] == [
        ("user:S6", "user:S7"), ("user:S7", "user:S6"),
    ]  # fmt: skip
    assert [(each.key, each.detail) for each in entries["other-anchor"]] == [("user:S4", "S77")]
    assert [(each.key, each.account) for each in entries["ambiguous"]] == [
        ("user:S5", "twin.a@students.contoso.edu"), ("user:S5", "twin.b@students.contoso.edu"),
    ]  # fmt: skip
    assert [each.key for each in entries["anchor"]] == ["user:S1"]
    assert [each.key for each in entries["key"]] == ["user:S2"]
    assert [each.key for each in entries["new"]] == ["user:S8", "school:10", "school:11"]
    assert [(each.account, each.detail) for each in entries["nobodys"]] == [("gone@students.contoso.edu", "S99")]
    assert school.writes() == []


def test_what_only_the_roster_has_is_left_out_where_nothing_is_made(school: World) -> None:
    school.profile(mode="existing")
    with looked(school, Roster().person("S1")) as matches:
        assert [(each.key, each.detail) for each in matches.entries("left-out")] == [("user:S1", "L1")]
        assert matches.counts["new"] == {"school": 2}


def test_the_ledger_remembers_whom_nothing_else_shows(school: World) -> None:
    school.day(Roster().people("S1", "S2").section("C1"))
    made = school.user("s1@students.contoso.edu")["id"]
    school.tenant.change(school.tenant.live["user"][made], {"student": None, "userPrincipalName": "x@contoso.edu"})
    assert found(school, Roster().people("S1", "S2").section("C1")) == {
        "ledger": ["user:S1"],
        "anchor": ["user:S2", "section:C1", "school:10", "school:11"],
    }


def test_nobody_is_nobodys_while_the_roster_may_speak_of_them(school: World) -> None:
    """Unreadable is not gone, and neither is out of scope."""
    for anchor in ("S1", "S8", "S9"):
        account(school, f"was.{anchor}", anchor)
    school.profile()
    path = school.folder / "profile.toml"
    path.write_text(path.read_text().replace('path = "roster"', 'path = "roster"\nschools = ["10"]'))
    roster = Roster().person("S1").person("S8", org="11").person("S7", givenName="")
    roster.users[0]["givenName"] = ""  # S1 is held
    assert found(school, roster) == {"new": ["school:10"], "nobodys": ["was.S9@students.contoso.edu"]}
    with looked(school, roster) as matches:
        assert matches.held == 2


def test_classes_and_schools_are_matched_by_their_ids(school: World) -> None:
    school.tenant.add_school(displayName="Old", externalId="10")
    for name, id_ in (("One", "C1"), ("Two", "C2"), ("Two again", "C2"), ("Over", "C9"), ("Made by hand", None)):
        school.tenant.add_class(displayName=name, mailNickname=name.replace(" ", ""), externalId=id_)
    assert found(school, Roster().section("C1").section("C2").section("C3")) == {
        "ambiguous": ["section:C2", "section:C2"],
        "new": ["section:C3", "school:11"],
        "nobodys": ["Over"],
        "anchor": ["section:C1", "school:10"],
    }


def test_a_match_is_weak_where_not_one_name_agrees(school: World) -> None:
    """Order, case, accents and further names do not matter; where there is no name, nothing speaks against it."""
    people: dict[str, tuple[str, str, dict[str, Any], bool]] = {
        "order": ("Ada", "Lovelace", names("LOVELACE", "ada b."), False),
        "accents": ("Zoë", "Müller", names("ZOE", "Schmidt"), False),
        "further": ("Ana", "García López", names("Anita", "Lopez"), False),
        "hyphen": ("Ana", "García-López", names("Anita", "Lopez"), False),
        "none": ("Ada", "Lovelace", {"displayName": "Pupil 12"}, False),
        "others": ("Ada", "Lovelace", names("Grace", "Hopper"), True),
        "single": ("Ada", "Lovelace", {"surname": "Hopper"}, True),
        "part": ("Ann", "Lee", names("Anna", "Leeson"), True),
    }
    roster = Roster()
    for name, (given, family, there, _) in people.items():
        account(school, name, **there)
        roster.person(name, givenName=given, familyName=family)
    weak = {f"user:{name}" for name, (*_, is_weak) in people.items() if is_weak}
    planned = school.plan(roster)
    assert planned.noted("conflict") == {(key, "match-weak") for key in weak}
    assert set(planned.ids("user")) == {f"update:user:{name}" for name in people} - {f"update:{key}" for key in weak}


def test_an_open_plan_can_still_be_applied_after_the_report(school: World) -> None:
    roster = Roster().people("S1").section("C1", students=["S1"])
    planned = school.plan(roster)
    assert found(school, Roster().people("S2"))["new"] == ["user:S2", "school:10", "school:11"]
    applied, _ = school.apply(planned)
    assert applied.complete


# -- the command


@pytest.fixture
def lived_in() -> list[str]:
    """`provision match report` on the sample roster and the built-in tenant that has been lived in."""
    assert main(["init", "my-school"]) == 0
    shutil.copytree(templates() / "rosters" / "contoso-day1", "my-school/roster")
    assert main(["sandbox", "reset", "--lived-in", "--state", "my-school/.provision"]) == 0
    return ["match", "report", "--profile", "my-school/profile.toml"]


def test_console(lived_in: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    capsys.readouterr()
    assert main(lived_in) == 0
    told = capsys.readouterr().out
    for what in ("weak", "ambiguous", "other-anchor", "nobodys", "key"):
        assert f"\n{TITLES[what]} (" in told
    assert "user:S13002  Bruno Silva" in told
    assert "Beatriz Silveira" in told
    assert "4 lines are in doubt" in told
    assert "Accounts of students.contoso.edu that nobody" in told
    assert "more; --all lists them" in told
    assert main([*lived_in, "--all"]) == 0
    assert "more; --all" not in capsys.readouterr().out


def test_json_and_csv_files_are_private_and_hold_every_line(lived_in: list[str]) -> None:
    assert main([*lived_in, "--report", "json", "--out", "m.json"]) == 0
    assert main([*lived_in, "--report", "csv", "--out", "m.csv"]) == 0
    document = json.loads(Path("m.json").read_text(encoding="utf-8"))
    with Path("m.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["what", *Entry._fields]
    assert [(row["what"], row["key"], row["object_id"]) for row in rows] == [
        (line["what"], line["key"] or "", line["object_id"] or "") for line in document["matches"]
    ]
    assert len(rows) == sum(sum(kinds.values()) for kinds in document["counts"].values()) > 30
    assert [Path(name).stat().st_mode & 0o777 for name in ("m.json", "m.csv")] == [0o600, 0o600]


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [("no/such/folder/x.csv", 1, "cannot be written"), ("my-school/roster/x.csv", 2, "lies in the roster")],
)
def test_a_place_that_cannot_be(lived_in: list[str], capsys: Capture, out: str, code: int, words: str) -> None:
    assert main([*lived_in, "--out", out]) == code
    assert words in capsys.readouterr().err
    assert not list(Path().rglob("x.csv"))


def test_the_command_has_every_renderer() -> None:
    assert [name.value for name in ReportName] == list(RENDERERS)


def test_a_lived_in_tenant_is_the_same_every_time() -> None:
    ids = []
    for _ in range(2):
        tenant = Tenant.new()
        live_in(tenant)
        ids.append([user["id"] for user in tenant.dump()["users"]])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 9
