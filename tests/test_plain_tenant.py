"""Tenants that are not for education: the same road, with plain accounts, groups and administrative units."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.world import Roster, World

from provision.cli.road import Allowances, match_of, undo_to
from provision.errors import ProfileError
from provision.plan.matches import find_matches
from provision.profile import load_profile
from provision.sandbox import Faults, Sandbox, Tenant, serve

pytestmark = pytest.mark.once


@contextmanager
def plain_world(folder: Path, anchor: str) -> Iterator[World]:
    sandbox = Sandbox(Tenant.new(education=False))
    with serve(sandbox) as server:
        school = World(folder, server, sandbox)
        anchored(school, anchor)
        yield school


def anchored(school: World, anchor: str, **tables: str) -> None:
    """The usual profile, for a tenant without education data."""
    path = school.profile(**tables)
    text = path.read_text(encoding="utf-8").replace('properties = ["grade"]', "properties = []")
    path.write_text(text.replace("[roster]", f'anchor = "{anchor}"\n[roster]', 1), encoding="utf-8")


@pytest.fixture(params=["employeeId", "extensionAttribute7"])
def plain(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A tenant without the education endpoints."""
    with plain_world(tmp_path, request.param) as school:
        yield school


def a_class() -> Roster:
    return Roster().person("T1", "teacher").people("S1", "S2").section("M1", "Maths", "10", "T1", ("S1", "S2"))


def account(school: World, upn: str, id_: str | None) -> None:
    """An account of the first student, with this id in the profile's anchor."""
    anchor = _anchor(school)
    values = {anchor: id_} if anchor == "employeeId" else {"onPremisesExtensionAttributes": {anchor: id_}}
    names = {"displayName": "GivenS1 FamilyS1", "givenName": "GivenS1", "surname": "FamilyS1", "usageLocation": "US"}
    school.tenant.add_user(userPrincipalName=upn, **names, **(values if id_ else {}))


def anchor_of(school: World, upn: str) -> object:
    (key,) = school.tenant.lookup("user", "userPrincipalName", upn)
    record = school.tenant.find("user", key)
    assert record
    values = record.values
    return values.get("employeeId") or (values.get("onPremisesExtensionAttributes") or {}).get("extensionAttribute7")


def test_a_first_day_and_a_second_one_without_any_education_endpoint(plain: World) -> None:
    roster = a_class()
    plain.day(roster)
    assert not [path for _, path in plain.writes() if "/education/" in path]
    assert [anchor_of(plain, f"s{n}@students.contoso.edu") for n in (1, 2)] == ["S1", "S2"]
    assert anchor_of(plain, "t1@contoso.edu") == "T1"
    group = plain.group("Section_M1")
    assert (group["displayName"], group["owners"]) == ("Maths", ["t1@contoso.edu"])
    assert group["members"] == ["s1@students.contoso.edu", "s2@students.contoso.edu", "t1@contoso.edu"]
    assert plain.plan(roster).changes == []


def test_what_is_hidden_is_hidden_from_the_start(plain: World) -> None:
    plain.day(a_class())
    (key,) = plain.tenant.lookup("group", "mailNickname", "Section_M1")
    record = plain.tenant.find("group", key)
    assert record
    assert (record.values["visibility"], record.values["uniqueName"]) == (
        "HiddenMembership",
        record.values["uniqueName"],
    )
    units = [each.values for each in plain.tenant.live["administrativeUnit"].values()]
    assert {unit["displayName"]: unit["visibility"] for unit in units} == {
        "North School": "HiddenMembership",
        "South School": "HiddenMembership",
    }


def test_the_number_of_requests_is_the_one_that_was_planned(plain: World) -> None:
    planned = plain.plan(a_class())
    plain.apply(planned)
    assert len(plain.writes()) == planned.header["estimate"]["writes"]


def test_a_student_leaves_and_one_moves(plain: World) -> None:
    anchored(plain, _anchor(plain), schools='moves = "move"')
    plain.day(a_class())
    later = a_class()
    later.enrollments = [row for row in later.enrollments if row["userSourcedId"] != "S2"]
    later.roles = [{**row, "orgSourcedId": "11"} if row["userSourcedId"] == "S1" else row for row in later.roles]
    planned = plain.day(later)
    assert [change["id"] for change in planned.changes if change["action"] == "remove"] == [
        "remove:member:M1/S2",
        "remove:school_user:10/S1",
    ]
    assert plain.group("Section_M1")["members"] == ["s1@students.contoso.edu", "t1@contoso.edu"]
    assert ("DELETE", "/directory/administrativeUnits") in {
        (method, path.rpartition("/members")[0].rpartition("/")[0]) for method, path in plain.writes()
    }


def _anchor(school: World) -> str:
    return load_profile(school.folder / "profile.toml").tenant.anchor


def test_an_account_is_found_by_its_id_and_one_with_another_id_is_nobody_s(plain: World) -> None:
    account(plain, "other.name@contoso.edu", "S1")
    account(plain, "s2@students.contoso.edu", "9999")
    planned = plain.plan(a_class())
    assert "create:user:S1" not in planned.ids("user")
    assert ("user:S2", "match-other-anchor") in planned.noted("conflict")


def test_an_account_without_an_id_gets_it(plain: World) -> None:
    account(plain, "s1@students.contoso.edu", None)
    planned = plain.day(a_class())
    assert planned.change("update:user:S1")["after"] == {"student_id": "S1"}
    assert anchor_of(plain, "s1@students.contoso.edu") == "S1"


def test_a_class_and_a_school_follow_their_names_and_come_back(plain: World) -> None:
    plain.day(a_class())
    later = a_class()
    later.classes[0]["title"] = "Mathematics"
    later.orgs[1]["name"] = "Northern School"
    plain.day(later)
    assert plain.group("Section_M1")["displayName"] == "Mathematics"
    (plain.state / "test.duckdb").unlink()  # the ledger is lost: found by unique name, description and id
    assert plain.plan(later).changes == []


def test_a_yes_does_not_outweigh_the_class_that_a_group_is(plain: World) -> None:
    plain.day(a_class())
    (group,) = plain.tenant.lookup("group", "mailNickname", "Section_M1")
    yes = f"key,object_id,by\nsection:M2,{group},Kim\n"
    (plain.folder / "test.matches.csv").write_text(yes, encoding="utf-8")
    planned = plain.plan(a_class().section("M2", "Music"))
    assert planned.noted("conflict") == {("section:M2", "match-accepted-anchor")}


def test_the_report_calls_nobody_s_only_what_is_of_the_school(plain: World) -> None:
    plain.day(a_class())
    plain.tenant.add_group(displayName="Choir", groupTypes=["Unified"], uniqueName="choir", mailNickname="choir")
    plain.tenant.add_unit(displayName="Buildings", description="All of them")
    later = Roster().person("T1", "teacher").people("S1", "S2").section("N1", "Chess", "10", "T1", ("S1", "S2"))
    later.write(plain.folder / "roster")
    with plain.run() as run:
        asyncio.run(match_of(run, None, Allowances()))
        found = find_matches(run.store, run.profile)
        assert [(entry.kind, entry.title) for entry in found.entries("nobodys")] == [("section", "Maths")]


def test_an_undo_turns_it_round(plain: World) -> None:
    plain.day(a_class())
    with plain.run() as run:
        undo = plain.planned(asyncio.run(undo_to(run, "last", plain.folder / "undo.jsonl", Allowances())))
    applied, _ = plain.apply(undo)
    assert applied.complete
    assert plain.user("s1@students.contoso.edu")["accountEnabled"] is False


def test_an_id_that_the_attribute_cannot_hold_is_held(tmp_path: Path) -> None:
    with plain_world(tmp_path, "employeeId") as school:
        planned = school.plan(Roster().person("S" * 17).person("S1"))
        assert planned.noted("held") == {("user:" + "S" * 17, "anchor-too-long")}
        assert planned.ids("user") == ["create:user:S1"]


def test_lost_answers_make_nothing_twice(tmp_path: Path) -> None:
    with plain_world(tmp_path, "extensionAttribute7") as school:
        planned = school.plan(a_class())
        school.sandbox.faults = Faults(lose_answers=3, retry_seconds=0)
        school.apply(planned)
        school.sandbox.faults = Faults()
        again = school.plan(a_class())
        school.apply(again)
        assert school.plan(a_class()).changes == []
        dump = school.tenant.dump()
        assert len([user for user in dump["users"] if user["userPrincipalName"].startswith(("s", "t"))]) == 3
        assert len(school.tenant.live["administrativeUnit"]) == 2
        assert len(school.tenant.live["group"]) == 1


def test_properties_of_education_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text('name = "x"\n[tenant]\nid = "sandbox"\nanchor = "employeeid"\n', encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert "did you mean 'employeeId'?" in caught.value.details[0]
    path.write_text(
        'name = "x"\n[tenant]\nid = "sandbox"\nanchor = "employeeId"\n[students]\nproperties = ["grade"]\n'
        '[sections]\nproperties = ["term"]\n',
        encoding="utf-8",
    )
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert "students.properties names grade" in caught.value.details[0]
    assert "sections.properties names term" in caught.value.details[0]
