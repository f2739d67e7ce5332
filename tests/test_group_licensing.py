"""Licensing by group: a security group for each side carries its licences, and whoever joins it has them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.world import Planned, Roster, World

from provision.cli.road import Allowances, undo_to

pytestmark = pytest.mark.once

A1, A3, FACULTY = "STANDARDWOFFPACK_STUDENT", "M365EDU_A3_STUUSEBNFT", "STANDARDWOFFPACK_FACULTY"
GROUP = "provision_test_students_licensed"


def by_group(school: World, pupils: str = f'"{A1}"', staff: str = "", **tables: str) -> None:
    """A profile that licenses by group."""
    path = school.profile(licenses=f"[{pupils}]", **tables)
    text = path.read_text(encoding="utf-8")
    staffs = f'properties = ["title"]\nlicenses = [{staff}]'
    path.write_text(text.replace('properties = ["title"]', staffs) + '[licensing]\nmethod = "group"\n')


def seats(school: World, sku: str, number: int) -> None:
    """Let the tenant own so many seats."""
    values = school.tenant.sku(sku)
    values["prepaidUnits"] = {**values["prepaidUnits"], "enabled": number}


def seat(planned: Planned, sku: str = A1) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in planned.header["licenses"] if line["sku"] == sku)
    return found


def licenses(school: World, name: str) -> list[str]:
    found: list[str] = school.user(f"{name}@students.contoso.edu")["licenses"]
    return found


def test_members_inherit_what_one_request_has_put_on_the_group(school: World) -> None:
    by_group(school, f'"{A1}", "{A3}"', students=f'disabled_plans = {{ {A1} = ["SWAY"] }}')
    planned = school.day(Roster().people("S1", "S2"))
    assert planned.ids("license") == []
    assert planned.ids("group_license") == [
        f"add:group_license:students_licensed/{A3}", f"add:group_license:students_licensed/{A1}"
    ]  # fmt: skip
    change = planned.change("add:group_member:students_licensed/S1")
    assert change["cause"]["rule"] == "license-selected"
    assert change["depends_on"] == [
        "create:school_group:students_licensed", "create:user:S1", *planned.ids("group_license")
    ]  # fmt: skip
    assert [path for method, path in school.writes() if path.endswith("assignLicense")] == [
        f"/groups/{school.group(GROUP)['id']}/assignLicense"
    ]  # fmt: skip
    for name in ("s1", "s2"):
        assert sorted(licenses(school, name)) == [A3, A1]
    (sway,) = (plan["servicePlanId"] for plan in school.tenant.sku(A1)["servicePlans"]
               if plan["servicePlanName"] == "SWAY")  # fmt: skip
    held = next(user for user in school.tenant.live["user"].values() if user.values["mailNickname"] == "s1")
    assert {"skuId": school.tenant.sku(A1)["skuId"], "disabledPlans": [sway]} in held.values["assignedLicenses"]
    assert seat(planned)["needed"] == 2
    assert school.plan(Roster().people("S1", "S2")).ids() == []


def test_everybody_of_the_staff_is_licensed_but_no_protected_account(school: World) -> None:
    by_group(school, "", f'"{FACULTY}"', school_groups='all = ["teachers"]', protect='users = ["t2@contoso.edu"]')
    school.tenant.add_user(userPrincipalName="t2@contoso.edu", displayName="Two", mailNickname="t2",
                           primaryRole="teacher", teacher={"externalId": "T2"})  # fmt: skip
    roster = Roster().people("S1").person("T1", role="teacher").person("T2", role="teacher").person("O1", role="aide")
    planned = school.day(roster)
    assert set(planned.ids("group_member")) == {
        "add:group_member:staff_licensed/O1", "add:group_member:staff_licensed/T1",
        "add:group_member:teachers/T1", "add:group_member:teachers/T2",
    }  # fmt: skip
    assert planned.ids("group_license") == [f"add:group_license:staff_licensed/{FACULTY}"]
    assert school.user("o1@contoso.edu")["licenses"] == [FACULTY]
    assert school.user("t2@contoso.edu")["licenses"] == []


def test_whoever_is_short_of_one_licence_waits_outside_the_group(school: World) -> None:
    by_group(school, f'"{A1}", "{A3}"')
    seats(school, A3, 1)
    planned = school.day(Roster().people("S1", "S2", "S3"))
    assert (seat(planned, A3)["needed"], seat(planned, A3)["short"], seat(planned, A1)["planned"]) == (3, 2, 1)
    assert planned.noted("held") == {
        (f"license:S2/{A3}", "no-seat"), (f"license:S3/{A3}", "no-seat"),
        (f"license:S2/{A1}", "no-seat-of-another"), (f"license:S3/{A1}", "no-seat-of-another"),
    }  # fmt: skip
    assert (licenses(school, "s2"), len(licenses(school, "s1"))) == ([], 2)
    seats(school, A3, 3)
    again = school.day(Roster().people("S1", "S2", "S3"))
    assert again.ids() == ["add:group_member:students_licensed/S2", "add:group_member:students_licensed/S3"]
    assert len(licenses(school, "s3")) == 2


def test_a_usage_location_comes_before_the_group(school: World) -> None:
    by_group(school)
    school.tenant.add_user(userPrincipalName="s1@students.contoso.edu", displayName="One", mailNickname="s1",
                           primaryRole="student", student={"externalId": "S1"})  # fmt: skip
    planned = school.plan(Roster().people("S1"))
    assert "update:user:S1" in planned.change("add:group_member:students_licensed/S1")["depends_on"]
    assert seat(planned)["unlocated"] == 1


def test_a_licence_that_does_not_come_to_a_member_is_told(school: World) -> None:
    by_group(school)
    school.day(Roster().people("S1"))
    user = next(user for user in school.tenant.live["user"].values() if user.values["mailNickname"] == "s1")
    (state,) = user.values["licenseAssignmentStates"]
    waiting = {**state, "state": "Error", "error": "CountViolation"}
    school.tenant.change(user, {"licenseAssignmentStates": [waiting], "assignedLicenses": []})
    planned = school.plan(Roster().people("S1"))
    assert planned.ids() == []
    assert planned.noted("lacking") == {(f"license:S1/{A1}", "license-not-yet")}


def test_nobody_loses_a_licence_by_gone_moved_or_undone(school: World) -> None:
    by_group(school, schools='moves = "move"')
    school.day(Roster().people("S1", "S2"))
    planned = school.plan(Roster().person("S1", org="11"))
    assert [id_ for id_ in planned.ids("group_member", "group_license") if id_.startswith("remove")] == []
    with school.run() as run:
        undone = World.planned(asyncio.run(undo_to(run, "last", school.folder / "undo.jsonl", Allowances())))
    assert undone.ids("group_member", "group_license", "license") == []
    kept = {key for key, rule in undone.noted("kept") if rule == "undo-never-deleted"}
    assert {"group_member:students_licensed/S1", f"group_license:students_licensed/{A1}"} <= kept


def test_who_has_the_licence_already_needs_no_seat(school: World) -> None:
    school.profile(licenses=f'["{A1}"]')
    school.day(Roster().people("S1", "S2"))
    seats(school, A1, 2)
    by_group(school)
    planned = school.day(Roster().people("S1", "S2"))
    assert (seat(planned)["needed"], seat(planned)["short"]) == (0, 0)
    assert "add:group_member:students_licensed/S2" in planned.ids()
    assert school.tenant.consumed[school.tenant.sku(A1)["skuId"]] == 2
