"""The stale report: what is left of whom and what the roster no longer mentions, and never what it may mention."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support.world import Roster, World

from provision.cli import main
from provision.cli.road import Allowances, draft_of
from provision.plan.stale import WHATS, Entry, Stale, What, find_stale

pytestmark = pytest.mark.once

LICENSED = '["STANDARDWOFFPACK_STUDENT"]'
GROUPS = 'per_school = ["students"]\nall = ["students"]'
Capture = pytest.CaptureFixture[str]


def last_year() -> Roster:
    """Two schools, a class in each."""
    return (
        Roster()
        .people("S1", "S2", "S3")
        .person("S8", org="11")
        .person("T1", role="teacher")
        .person("T2", role="teacher", org="11")
        .section("C1", "Algebra", teacher="T1", students=["S1", "S2"])
        .section("C8", "Botany", org="11", teacher="T2", students=["S8"])
    )


def without(roster: Roster, *ids: str) -> Roster:
    """The roster without any row that speaks of these."""
    for name in ("orgs", "users", "roles", "classes", "enrollments"):
        rows = getattr(roster, name)
        rows[:] = [row for row in rows if not set(ids) & {value for key, value in row.items() if "ourcedId" in key}]
    return roster


@contextmanager
def looked(school: World, roster: Roster | None, *accept_missing: str) -> Iterator[Stale]:
    """What the report finds with this roster, or with the one that lies there."""
    if roster is not None:
        roster.write(school.folder / "roster")
    with school.run() as run:
        draft, _ = asyncio.run(draft_of(run, None, Allowances(accept_missing=frozenset(accept_missing))))
        yield find_stale(run.store, run.profile, draft)


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def found(school: World, roster: Roster) -> dict[What, list[str]]:
    """The keys of each sort, those with entries."""
    with looked(school, roster) as stale:
        keys = {what: [entry.key for entry in stale.entries(what)] for what in WHATS}
        assert {what: len(each) for what, each in keys.items()} == stale.counts
    return {what: each for what, each in keys.items() if each}


def test_who_and_what_is_gone_is_told_with_its_licences(school: World) -> None:
    school.profile(licenses=LICENSED, school_groups=GROUPS)
    days = {today()}
    school.day(last_year())
    days.add(today())  # the test may run at midnight
    school.tenant.assign_license(school.user("s3@students.contoso.edu")["id"], "STANDARDWOFFPACK_FACULTY")  # not ours
    writes = school.writes()
    with looked(school, without(last_year(), "11", "S8", "T2", "C8", "S3")) as stale:
        first = next(stale.entries("accounts"))
        assert first[:-1] == ("user", "user:S3", school.user("s3@students.contoso.edu")["id"],
                              "s3@students.contoso.edu", "GivenS3 FamilyS3", None)  # fmt: skip
        assert first.last in days
        assert [entry.key for entry in stale.entries("accounts")] == ["user:S3", "user:S8", "user:T2"]
        assert [(entry.key, entry.detail) for entry in stale.entries("licenses")] == [
            ("license:S3/STANDARDWOFFPACK_STUDENT", "STANDARDWOFFPACK_STUDENT"),
            ("license:S8/STANDARDWOFFPACK_STUDENT", "STANDARDWOFFPACK_STUDENT"),
        ]
        (section,) = stale.entries("sections")
        assert (section.key, section.name, section.title) == ("section:C8", "Section_C8", "Botany")
        assert [entry.key for entry in stale.entries("schools")] == ["school:11", "school_group:11/students"]
        assert stale.counts["ownerless"] == stale.counts["by_hand"] == 0
        assert set(stale.unjudged.values()) == {0}
        assert not stale.first_run
    assert school.writes() == writes


def test_nobody_is_stale_while_the_roster_mentions_them(school: World) -> None:
    school.day(last_year())
    assert found(school, last_year()) == {}


@pytest.mark.parametrize("table", ["users", "roles", "classes"])
def test_a_row_that_is_missing_while_others_still_speak_of_it_is_no_leaver(school: World, table: str) -> None:
    """The export of one file is behind that of another."""
    school.day(last_year())
    roster = last_year()
    key = {"users": "sourcedId", "roles": "userSourcedId", "classes": "sourcedId"}[table]
    rows = getattr(roster, table)
    rows[:] = [row for row in rows if row[key] not in ("S1", "C1")]
    assert found(school, roster) == {}


def test_whoever_is_held_is_not_stale(school: World) -> None:
    school.day(last_year().people("S9"))
    roster = last_year()
    roster.users[0]["givenName"] = ""  # S1 is held, who is in a class
    roster.users[2]["givenName"] = ""  # and S3, of whom nothing else speaks
    roster.classes[1]["title"] = ""  # C8 is held
    roster.orgs[2]["name"] = ""  # the South School is held
    assert found(school, roster) == {"accounts": ["user:S9"]}


def test_where_a_record_may_speak_of_anybody_nobody_is_called_stale(school: World) -> None:
    school.profile(licenses=LICENSED)
    school.day(last_year())
    roster = without(last_year(), "S3", "C8", "11")
    roster.users[0]["sourcedId"] = ""
    with looked(school, roster) as stale:
        assert (stale.counts["accounts"], stale.counts["licenses"], stale.unjudged["accounts"]) == (0, 0, 1)
        assert [entry.key for entry in stale.entries("sections")] == ["section:C8"]
    roster = without(last_year(), "S3", "C8")
    roster.classes[0]["sourcedId"] = ""
    with looked(school, roster) as stale:
        assert (stale.counts["sections"], stale.unjudged["sections"], stale.counts["accounts"]) == (0, 1, 1)


def test_an_account_that_another_id_claims_is_somebodys(school: World) -> None:
    """The school gave its pupil a new id; the sign-in name leads to the same account, be it in doubt."""
    school.day(last_year())
    roster = without(last_year(), "S3").person("S33", username="s3")
    with looked(school, roster) as stale:
        assert stale.counts["accounts"] == 0


def test_after_a_change_of_format_nobody_is_called_gone_who_was_not_matched(school: World) -> None:
    """SDS V1 names pupils in another way than V2.1; the ledger remembers the old way."""
    folder = school.folder / "roster"
    folder.mkdir()
    files = {
        "School": "SIS ID,Name\n10,North School\n",
        "Student": "SIS ID,School SIS ID,Username,First Name,Last Name\nS1,10,s1,Given,One\nS2,10,s2,Given,Two\n",
        "Teacher": "SIS ID,School SIS ID,Username,First Name,Last Name\nT1,10,t1,Tea,Cher\n",
        "Section": "SIS ID,School SIS ID,Section Name\nC1,10,Algebra\n",
        "StudentEnrollment": "Section SIS ID,SIS ID\nC1,S1\nC1,S2\n",
        "TeacherRoster": "Section SIS ID,SIS ID\nC1,T1\n",
    }
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    applied, _ = school.apply(school.plan())
    assert applied.complete
    (folder / "Student.csv").write_text(files["Student"].replace("S2,10,s2,Given,Two\n", ""), encoding="utf-8")
    (folder / "StudentEnrollment.csv").write_text(files["StudentEnrollment"].replace("C1,S2\n", ""), encoding="utf-8")
    with looked(school, None) as stale:
        assert [entry.key for entry in stale.entries("accounts")] == ["user:student/S2"]
    for name in files:
        (folder / f"{name}.csv").unlink()
    now = Roster().people("S1").person("T1", role="teacher").section("C1", teacher="T1", students=["S1"])
    with looked(school, now, *(f"{name}.csv" for name in files)) as stale:
        assert (stale.counts["accounts"], stale.unjudged["accounts"]) == (0, 1)


def test_what_is_no_longer_in_the_tenant_is_not_told(school: World) -> None:
    school.day(last_year())
    school.tenant.delete_user(school.user("s3@students.contoso.edu")["id"])
    school.tenant.delete_group(school.group("Section_C8")["id"])
    assert found(school, without(last_year(), "S3", "C8")) == {}


def test_out_of_scope_is_not_gone(school: World) -> None:
    school.day(last_year())
    path = school.profile()
    text = path.read_text(encoding="utf-8").replace('path = "roster"', 'path = "roster"\nschools = ["10"]')
    path.write_text(text, encoding="utf-8")
    assert found(school, last_year()) == {}


def test_classes_without_an_owner(school: World) -> None:
    roster = last_year().section("C2", students=["S1"]).section("C3", students=["S1"])
    school.day(roster)
    roster.person("T3", role="teacher").enroll("C3", "T3", "teacher")
    with looked(school, roster) as stale:
        assert [(entry.key, entry.detail) for entry in stale.entries("ownerless")] == [
            ("section:C2", "nobody"), ("section:C3", "planned"),
        ]  # fmt: skip
    school.profile(mode="existing")  # nobody is made for T3
    with looked(school, roster) as stale:
        assert [entry.detail for entry in stale.entries("ownerless")] == ["nobody", "held"]


def test_members_added_by_hand(school: World) -> None:
    school.day(last_year())
    algebra = school.group("Section_C1")["id"]
    guest = school.tenant.add_user(userPrincipalName="guest@contoso.edu", displayName="Guest", mailNickname="guest")
    school.tenant.add_member(algebra, guest)
    school.tenant.add_owner(algebra, guest)
    school.tenant.add_member(algebra, school.user("s3@students.contoso.edu")["id"])
    with looked(school, last_year()) as stale:
        by_hand = sorted((entry.key, entry.name or "", entry.detail or "") for entry in stale.entries("by_hand"))
    assert by_hand == sorted([
        ("member:C1/S3", "s3@students.contoso.edu", "Algebra"),
        (f"member:C1/{guest}", "guest@contoso.edu", "Algebra"),
        (f"owner:C1/{guest}", "guest@contoso.edu", "Algebra"),
    ])  # fmt: skip


def test_a_member_whose_enrollment_is_held_was_not_added_by_hand(school: World) -> None:
    school.day(last_year())
    school.tenant.add_member(school.group("Section_C1")["id"], school.user("s3@students.contoso.edu")["id"])
    roster = last_year().enroll("C1", "S3", "no such role")
    with looked(school, roster) as stale:
        assert stale.counts["by_hand"] == 0


def test_without_a_ledger_nobody_is_stale_and_that_is_said(school: World, capsys: Capture) -> None:
    command = command_on(school)
    last_year().write(school.folder / "roster")
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "nothing is known to have been in the roster" in " ".join(told.split())
    assert not [entry for entry in school.writes() if entry]


def command_on(school: World) -> list[str]:
    """The command line for this world, whose server is in the environment."""
    return ["stale", "--profile", str(school.folder / "profile.toml"), "--state", str(school.state)]


@pytest.fixture
def served(school: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A year that is over: two pupils are gone, one of them called like a formula."""
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    school.profile(guards="minimum = 0")
    roster = Roster().people("S1").section("C1", students=["S1"]).people("L1").person("L2", givenName="=HYPERLINK(1)")
    school.day(roster)
    without(roster, "L1", "L2").write(school.folder / "roster")
    return school


def test_the_command(served: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.cli.terminal.MOST_LINES", 1)
    writes = served.writes()
    assert main(command_on(served)) == 0
    told = capsys.readouterr().out
    assert "2  Accounts of persons whom the roster no longer mentions" in told
    assert "1  Classes without an owner" in told
    assert "user:L1  l1@students.contoso.edu  GivenL1 FamilyL1" in told
    assert "user:L2" not in told
    assert "… and 1 more; --all lists them" in told
    assert "section:C1  Section_C1  Class C1      the roster names none" in told
    assert "The guard roster_shrinks doubts this roster (students: 2 of 3)" in told
    assert main([*command_on(served), "--all"]) == 0
    assert "user:L2  l2@students.contoso.edu  =HYPERLINK(1) FamilyL2" in capsys.readouterr().out
    assert served.writes() == writes


def test_json(served: World, capsys: Capture) -> None:
    assert main([*command_on(served), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {**dict.fromkeys(WHATS, 0), "accounts": 2, "ownerless": 1}
    assert [(entry["what"], entry["key"]) for entry in document["stale"]] == [
        ("accounts", "user:L1"), ("accounts", "user:L2"), ("ownerless", "section:C1"),
    ]  # fmt: skip
    assert document["doubts"][0].startswith("The guard roster_shrinks doubts this roster")


def test_csv_is_private_and_holds_no_formula(served: World, capsys: Capture) -> None:
    assert main([*command_on(served), "--csv", "stale.csv"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "The report is in stale.csv: 3 rows.\n")
    path = Path("stale.csv")
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["what", *Entry._fields]
    assert (rows[1]["key"], rows[1]["title"]) == ("user:L2", "'=HYPERLINK(1) FamilyL2")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--json", "--csv", "x.csv"], 2, "Leave one out"),
        (["--csv", "no/such/folder/x.csv"], 1, "cannot be written"),
        (["--csv", "roster/x.csv"], 2, "lies in the roster"),
    ],
)
def test_bad_input(served: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int,
                   words: str) -> None:  # fmt: skip
    monkeypatch.chdir(served.folder)
    assert main([*command_on(served), *arguments]) == code
    assert words in capsys.readouterr().err
    assert not list(served.folder.rglob("x.csv"))


def test_a_file_that_is_missing_makes_nobody_stale(served: World, capsys: Capture) -> None:
    (served.folder / "roster" / "enrollments.csv").unlink()
    assert main(command_on(served)) == 1
    assert "--accept-missing enrollments.csv" in capsys.readouterr().err
    assert main([*command_on(served), "--accept-missing", "enrollments.csv"]) == 0


def test_an_open_plan_can_still_be_applied_after_the_report(school: World) -> None:
    """The report leaves alone what is kept for the plan."""
    school.day(last_year())
    planned = school.plan(last_year().person("S4").enroll("C1", "S4"))
    with looked(school, without(last_year(), "S3")) as stale:
        assert stale.counts["accounts"] == 1
    applied, _ = school.apply(planned)
    assert applied.complete
    assert found(school, without(last_year(), "S4")) == {"accounts": ["user:S4"]}
