"""Undoing a run: what can be put back is planned, what cannot is listed, and nothing is deleted."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.world import FREE, Planned, Roster, World

from provision.apply.journal import VALUES_KEPT
from provision.cli import main
from provision.cli.road import Allowances, undo_to
from provision.errors import UsageError

pytestmark = pytest.mark.once


def monday() -> Roster:
    roster = Roster().person("T1", role="teacher").people("S1", "S2", "S3", grade="07")
    return roster.section("C1", teacher="T1", students=["S1", "S2"])


def tuesday() -> Roster:
    """S1 has another grade, S2 has left the section, S3 has joined it, and S4 and C2 are new."""
    roster = Roster().person("T1", role="teacher").people("S1", grade="08").people("S2", "S3", "S4", grade="07")
    return roster.section("C1", teacher="T1", students=["S1", "S3"]).section("C2", "Art", students=["S4"])


def undo(school: World, run: str = "last", *overrides: str) -> Planned:
    with school.run() as opened:
        allowed = Allowances(frozenset(overrides))
        file = asyncio.run(undo_to(opened, run, school.folder / "undo.jsonl", allowed))
    return school.planned(file)


def tenant(school: World) -> dict[str, Any]:
    """What the tenant holds, people by sign-in name and groups by nickname; without what every write touches."""
    dump = school.tenant.dump()
    return {
        "users": {each["userPrincipalName"]: each for each in dump["users"]},
        "members": {each["mailNickname"]: sorted(each["members"]) for each in dump["classes"]},
    }


def test_a_day_is_undone(school: World) -> None:
    school.day(monday())
    before = tenant(school)
    school.day(tuesday())
    planned = undo(school)
    assert set(planned.ids()) == {
        "update:user:S1",
        "update:user:S4",
        "remove:member:C1/S3",
        "remove:member:C2/S4",
        "add:member:C1/S2",
        "remove:school_user:10/S4",
    }
    assert planned.header["undoes"]
    assert planned.change("update:user:S1")["after"]["grade"] == "07"
    assert planned.noted("kept") == {
        ("section:C2", "undo-never-deleted"),
        ("school_section:10/C2", "undo-never-deleted"),
    }

    applied, results = school.apply(planned)
    assert applied.complete, results
    after = tenant(school)
    assert after["members"]["Section_C1"] == before["members"]["Section_C1"]
    assert after["members"]["Section_C2"] == []
    new = after["users"].pop("s4@students.contoso.edu")
    assert new["accountEnabled"] is False
    assert after["users"] == before["users"]
    # nothing but links of sections and schools was ever removed
    removed = [path for method, path in school.writes() if method == "DELETE"]
    assert removed
    assert all(re.fullmatch(r"/groups/[^/]+/members/[^/]+/\$ref|/education/schools/[^/]+/users/[^/]+/\$ref", path)
               for path in removed)  # fmt: skip


def test_what_is_put_back_costs_what_the_plan_says(school: World) -> None:
    """A link of a school is a request of its own, and one of a section or a group rides with others."""
    school.profile(schools='moves = "move"', school_groups='per_school = ["students"]')
    roster = Roster().people("S1", "S2", "S3").people("S4", org="11")
    school.day(roster)
    school.day(Roster().people("S1").people("S2", "S3", "S4", org="11"))
    planned = undo(school)
    cost = {change["id"]: change["requests"] for change in planned.changes if change["action"] == "add"}
    assert cost == {
        "add:school_user:10/S2": 1,
        "add:school_user:10/S3": 1,
        "add:group_member:10/students/S2": 1,
        "add:group_member:10/students/S3": 0,
    }
    before = len(school.writes())
    applied, results = school.apply(planned)
    assert applied.complete, results
    assert len(school.writes()) - before == planned.header["estimate"]["writes"]


def test_what_was_undone_is_planned_again_for_the_roster_says_so(school: World) -> None:
    school.day(monday())
    school.day(tuesday())
    planned = undo(school)
    school.apply(planned)
    again = school.plan(tuesday())
    assert {"update:user:S1", "add:member:C1/S3", "remove:member:C1/S2"} <= set(again.ids())
    assert "create:user:S4" not in again.ids()


def test_what_somebody_changed_since_is_left(school: World) -> None:
    school.day(monday())
    school.day(tuesday())
    user = school.user("s1@students.contoso.edu")
    school.tenant.update(user["id"], student={**user["student"], "grade": "09"})
    section = school.group("Section_C1")["id"]
    school.tenant.remove_member(section, school.user("s3@students.contoso.edu")["id"])
    school.tenant.add_member(section, school.user("s2@students.contoso.edu")["id"])
    school.tenant.delete_user(school.user("s4@students.contoso.edu")["id"])
    planned = undo(school)
    assert planned.changes == []
    assert ("user:S1", "undo-changed-since") in planned.noted("conflict")


def test_an_undo_is_guarded(school: World) -> None:
    many = [f"S{number}" for number in range(40)]
    school.day(Roster().person("T1", role="teacher").people(*many).section("C1", teacher="T1"))
    grown = Roster().person("T1", role="teacher").people(*many).section("C1", teacher="T1", students=many)
    school.day(grown)
    school.profile(guards=FREE.replace('member_removals = "100%"', 'member_removals = "5%"'))
    guards = {guard["guard"]: guard for guard in undo(school).header["guards"]}
    assert guards["member_removals"]["tripped"]
    assert guards["member_removals"]["measures"][0] == {
        "what": "member remove", "count": 40, "of": 40, "percent": 100.0,
    }  # fmt: skip
    assert "roster_shrinks" not in guards
    passed = {guard["guard"]: guard for guard in undo(school, "last", "member_removals").header["guards"]}
    assert passed["member_removals"]["overridden"]


def test_protected_accounts_are_not_blocked(school: World) -> None:
    school.day(monday())
    school.day(tuesday())
    school.tenant.assign_role(school.user("s4@students.contoso.edu")["id"])
    school.tenant.assign_role(school.user("s1@students.contoso.edu")["id"])
    planned = undo(school)
    assert not {"update:user:S4", "update:user:S1"} & set(planned.ids())
    assert planned.noted("protected") == {("user:S4", "L16"), ("user:S1", "L16")}


def test_an_older_run_by_its_name(school: World) -> None:
    school.day(monday())
    with school.run() as opened:
        (first,) = opened.store.rows("SELECT run FROM journal.runs")
    school.day(tuesday())
    planned = undo(school, first[0])
    # of Monday's memberships, that of S2 is gone already
    assert {"remove:member:C1/S1"} == set(planned.ids("member"))
    assert planned.header["undoes"] == first[0]


def test_an_undo_can_be_undone(school: World) -> None:
    school.day(monday())
    school.day(tuesday())
    after = tenant(school)
    school.apply(undo(school))
    planned = undo(school)
    applied, results = school.apply(planned)
    assert applied.complete, results
    assert tenant(school) == after


def test_values_are_kept_for_a_month(school: World) -> None:
    school.day(monday())
    school.day(tuesday())
    with school.run() as opened:
        past = timedelta(days=VALUES_KEPT + 1)
        opened.store.run("UPDATE journal.intents SET moment = moment - ?", [past])
        opened.store.run("UPDATE journal.outcomes SET moment = moment - ?", [past])
        run = opened.store.value("SELECT run FROM journal.runs ORDER BY started DESC")
    school.day(tuesday().people("S5"))
    planned = undo(school, run)
    assert "update:user:S1" not in planned.ids()
    assert ("user:S1", "undo-too-old") in planned.noted("kept")
    assert "remove:member:C1/S3" in planned.ids()


def test_a_run_that_nobody_made(school: World) -> None:
    with pytest.raises(UsageError, match="The journal has no run 'last'"):
        undo(school)
    school.day(monday())
    with pytest.raises(UsageError, match="The journal has no run 'yesterday'"):
        undo(school, "yesterday")


def test_the_measure_of_the_roster_stays(school: World) -> None:
    """An undo is no roster: the next plan is judged by the last one that was applied."""
    school.day(monday())
    with school.run() as opened:
        counts = opened.store.rows("SELECT * FROM ledger.roster_counts ORDER BY ALL")
        files = opened.store.rows("SELECT * FROM ledger.roster_files ORDER BY ALL")
    school.apply(undo(school))
    with school.run() as opened:
        assert opened.store.rows("SELECT * FROM ledger.roster_counts ORDER BY ALL") == counts
        assert opened.store.rows("SELECT * FROM ledger.roster_files ORDER BY ALL") == files
    assert counts
    assert files


def test_the_command(
    school: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    school.day(monday())
    writes = len(school.writes())
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    assert main(["undo", "last", *profile, "--out", str(tmp_path / "back.jsonl")]) == 0
    assert "Undoes" in capsys.readouterr().out
    assert len(school.writes()) == writes
    assert main(["apply", str(tmp_path / "back.jsonl"), *profile]) == 0
    assert school.user("s1@students.contoso.edu")["accountEnabled"] is False
    assert json.loads((tmp_path / "back.jsonl").read_text().splitlines()[0])["roster"]["files"] == []
