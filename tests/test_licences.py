"""Licence head-room: the plan counts seats, names who goes without, and says for whom the licences are not enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.world import Planned, Roster, World

from provision.errors import DirectoryError
from provision.reports import RENDERERS, Page

A1, A3 = "STANDARDWOFFPACK_STUDENT", "M365EDU_A3_STUUSEBNFT"
"""In the sandbox A1 gives Exchange and SharePoint, and A3 gives no SharePoint."""


def seats(school: World, sku: str, number: int) -> None:
    """Let the tenant own so many seats."""
    values = school.tenant.sku(sku)
    values["prepaidUnits"] = {**values["prepaidUnits"], "enabled": number}


def seat(planned: Planned, sku: str) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in planned.header["licenses"] if line["sku"] == sku)
    return found


def said(planned: Planned, form: str) -> str:
    """The report as one line of text."""
    return " ".join("".join(RENDERERS[form](planned.file, Page(width=300))).replace("\\", "").split())


def test_seats_owned_used_needed_and_short_and_who_goes_without(school: World) -> None:
    school.profile(licenses=f'["{A1}"]')
    seats(school, A1, 10)
    school.day(Roster().people("S1", "S2", "S3"))
    seats(school, A1, 4)
    planned = school.plan(Roster().people(*[f"S{number}" for number in range(1, 12)]))
    assert seat(planned, A1) == {
        "sku": A1, "enabled": 4, "consumed": 3, "planned": 1, "needed": 8, "short": 7,
        "without": ["user:S11", "user:S4", "user:S5", "user:S6", "user:S7"], "unlocated": 0,
    }  # fmt: skip
    keys = {key for key, rule in planned.noted("held") if rule == "no-seat"}
    assert keys == {f"license:S{number}/{A1}" for number in (4, 5, 6, 7, 8, 9, 11)}
    for form in ("console", "markdown"):
        text = said(planned, form)
        assert f"{A1}: 4 seats, 3 used, 8 needed; 7 short: user:S11, user:S4, user:S5" in text
        assert "user:S7 and 2 more go without" in text


def test_nobody_is_short_while_there_are_seats(school: World) -> None:
    school.profile(licenses=f'["{A1}"]')
    planned = school.plan(Roster().people("S1", "S2"))
    assert (seat(planned, A1)["needed"], seat(planned, A1)["short"], seat(planned, A1)["without"]) == (2, 0, [])
    assert "go without" not in said(planned, "console")


def test_accounts_without_a_usage_location_are_counted_and_get_one_first(school: World) -> None:
    school.profile(licenses=f'["{A1}"]')
    for name, values in (("s1", {}), ("s2", {"usageLocation": "US"})):
        school.tenant.add_user(userPrincipalName=f"{name}@students.contoso.edu", displayName=name, **values)
    planned = school.plan(Roster().people("S1", "S2", "S3"))
    assert (seat(planned, A1)["planned"], seat(planned, A1)["unlocated"]) == (3, 1)
    assert planned.change("update:user:S1")["after"]["usage_location"] == "US"
    assert planned.change(f"add:license:S1/{A1}")["depends_on"] == ["update:user:S1"]
    assert "1 account has no usage location yet" in said(planned, "markdown")
    applied, _ = school.apply(planned)
    assert applied.complete
    assert seat(school.plan(), A1)["unlocated"] == 0


def test_a_licence_that_the_tenant_lacks_is_refused_with_the_nearest_it_has(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENTS"]')
    with pytest.raises(DirectoryError) as refused:
        school.plan(Roster().person("S1"))
    assert refused.value.message == "The tenant has no licence STANDARDWOFFPACK_STUDENTS."
    assert refused.value.details[0] == (
        f"It has: M365EDU_A3_FACULTY, {A3}, STANDARDWOFFPACK_FACULTY, {A1}; did you mean '{A1}'?"
    )  # fmt: skip


def test_who_gets_no_exchange_or_sharepoint_is_named(school: World) -> None:
    school.profile(licenses=f'["{A3}"]', students=f'disabled_plans = {{ {A3} = ["EXCHANGE_S_ENTERPRISE"] }}')
    served = school.tenant.add_user(
        userPrincipalName="s2@students.contoso.edu", displayName="Two", usageLocation="US"
    )  # fmt: skip
    school.tenant.assign_license(served, A1)
    planned = school.plan(Roster().people("S1", "S2").person("T1", role="teacher"))
    assert planned.noted("lacking") == {("user:S1", "no-exchange"), ("user:S1", "no-sharepoint")}
    assert planned.header["notes"]["lacking"] == 2
    assert f"add:license:S1/{A3}" in planned.ids()
    for form in ("console", "markdown"):
        assert "none of their licences gives a mailbox (Exchange)" in said(planned, form)
    schema = json.loads((Path(__file__).parents[1] / "docs" / "plan.schema.json").read_text(encoding="utf-8"))
    for line in (planned.header, *planned.notes):
        jsonschema.validate(line, schema)


def test_nobody_lacks_anything_with_both_services_or_without_a_seat_or_where_licences_are_not_ours(
    school: World,
) -> None:
    school.profile(licenses=f'["{A1}"]')
    assert school.plan(Roster().people("S1").person("T1", role="teacher")).noted("lacking") == set()
    school.profile(licenses="[]")
    assert school.plan(Roster().people("S1")).noted("lacking") == set()
    school.profile(licenses=f'["{A3}"]')
    seats(school, A3, 1)
    planned = school.plan(Roster().people("S1", "S2"))
    assert planned.noted("lacking") == {("user:S1", "no-sharepoint")}
    assert planned.noted("held") == {(f"license:S2/{A3}", "no-seat")}


def test_one_of_two_licences_may_give_what_the_other_lacks(school: World) -> None:
    school.profile(licenses=f'["{A1}", "{A3}"]', students=f'disabled_plans = {{ {A1} = ["EXCHANGE_S_STANDARD"] }}')
    assert school.plan(Roster().people("S1")).noted("lacking") == set()


def test_without_licences_no_usage_location_is_needed(school: World) -> None:
    path = school.profile()
    path.write_text(path.read_text(encoding="utf-8").replace('usage_location = "US"\n', ""), encoding="utf-8")
    made = school.day(Roster().person("S1")).change("create:user:S1")["after"]
    assert "usage_location" not in made
    assert made["user_principal_name"] == "s1@students.contoso.edu"
