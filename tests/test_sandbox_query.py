"""Lists: filters, pages, and what is refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.sandbox import Sandbox, Tenant
from provision.sandbox.errors import GraphError
from provision.sandbox.filters import parse
from provision.sandbox.resources import USER

EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    tenant = Tenant.new()
    for number in range(1, 251):
        tenant.add_user(
            userPrincipalName=f"s{number}@students.contoso.edu",
            displayName=f"Student {number}",
            employeeId=str(number % 50),
            department=None if number % 2 else "Year 7",
            otherMails=[f"home{number}@example.org"],
        )
    tenant.add_user(userPrincipalName="o'hara@contoso.edu", displayName="Rory O'Hara")
    return Sandbox(tenant)


def names(sandbox: Sandbox, query: str, headers: dict[str, str] | None = None) -> list[str]:
    answer = sandbox.ask("GET", f"/users?$select=userPrincipalName&{query}", headers=headers)
    assert answer.status == 200, answer.body
    return [row["userPrincipalName"].partition("@")[0] for row in answer.json()["value"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$filter=userPrincipalName eq 'S7@Students.Contoso.Edu'", ["s7"]),
        ("$filter=userPrincipalName eq 'o''hara@contoso.edu'", ["o'hara"]),
        ("$filter=mailNickname in ('s9','s3','nobody')", ["s3", "s9"]),
        ("$filter=employeeId eq '0' or mailNickname eq 's3'", ["s3", "s50", "s100", "s150", "s200", "s250"]),
        ("$filter=employeeId eq '7' and startswith(displayName,'Student 1')", ["s107", "s157"]),
        ("$filter=(mailNickname eq 's7' or mailNickname eq 's8') and department eq 'Year 7'", ["s8"]),
        ("$filter=startsWith(userPrincipalName,'s24')", ["s24", *(f"s{n}" for n in range(240, 250))]),
        ("$filter=accountEnabled eq true and employeeId eq '49'", ["s49", "s99", "s149", "s199", "s249"]),
        ("$filter=otherMails/any(m:m eq 'home5@example.org')", ["s5"]),
        ("$filter=employeeId eq '5' and department eq null", ["s5", "s55", "s105", "s155", "s205"]),
        ("%24filter=userPrincipalName%20eq%20%27s7%40students.contoso.edu%27", ["s7"]),
    ],
)  # fmt: skip
def test_a_filter_finds(sandbox: Sandbox, query: str, expected: list[str]) -> None:
    assert names(sandbox, query) == expected


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("endsWith(userPrincipalName,'@students.contoso.edu')", 250),
        ("not(startswith(userPrincipalName,'s'))", 3),
        ("department ne 'Year 7'", 128),
    ],
)
def test_an_advanced_filter_needs_its_header_and_the_count(sandbox: Sandbox, condition: str, count: int) -> None:
    path = f"/users?$select=id&$top=999&$filter={condition}"
    assert sandbox.ask("GET", path).status == 400
    assert sandbox.ask("GET", path, headers=EVENTUAL).status == 400
    assert sandbox.ask("GET", f"{path}&$count=true").json()["error"]["code"] == "Request_UnsupportedQuery"
    answer = sandbox.ask("GET", f"{path}&$count=true", headers=EVENTUAL).json()
    assert (answer["@odata.count"], len(answer["value"])) == (count, count)


def test_a_count_without_the_header_is_ignored(sandbox: Sandbox) -> None:
    assert "@odata.count" not in sandbox.ask("GET", "/users?$count=true").json()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("$select=id,nonsense", "'nonsense'"),
        ("$filter=nonsense eq 'x'", "'nonsense'"),
        ("$filter=officeLocation eq 'x'", "officeLocation"),
        ("$filter=displayName eq", "Invalid filter clause"),
        ("$filter=displayName eq 'a' 'b'", "Syntax error"),
        ("$filter=displayName gt 'a'", "Unsupported"),
        ("$filter=displayName eq nonsense", "nonsense"),
        ("$filter=displayName eq 'a", "Syntax error"),
        ("$top=1000", "1000"),
        ("$top=0", "$top"),
        ("$skip=5", "$skip"),
        ("$search=\"displayName:x\"", "ConsistencyLevel"),
        ("$skiptoken=!", "token"),
        ("$expand=nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(sandbox: Sandbox, query: str, text: str) -> None:
    answer = sandbox.ask("GET", f"/users?{query}")
    assert answer.status == 400
    assert text in answer.json()["error"]["message"]


@pytest.mark.parametrize("condition", ["employeeId in ({})", " or ".join(["employeeId eq '1'"] * 16)])
def test_fifteen_alternatives_at_most(sandbox: Sandbox, condition: str) -> None:
    values = ",".join(f"'{n}'" for n in range(16))
    answer = sandbox.ask("GET", f"/users?$filter={condition.format(values)}")
    assert "Max allowed: 15." in answer.json()["error"]["message"]
    fewer = sandbox.ask("GET", f"/users?$filter=employeeId in ({values.rpartition(',')[0]})")
    assert fewer.status == 200


def pages(sandbox: Sandbox, path: str) -> list[list[dict[str, Any]]]:
    found = []
    link: str | None = path
    while link:
        body = sandbox.ask("GET", link.removeprefix("https://graph.microsoft.com/v1.0")).json()
        found.append(body["value"])
        link = body.get("@odata.nextLink")
    return found


@pytest.mark.parametrize(("top", "sizes"), [("", [100, 100, 53]), ("$top=999", [253]), ("$top=120", [120, 120, 13])])
def test_pages(sandbox: Sandbox, top: str, sizes: list[int]) -> None:
    found = pages(sandbox, f"/users?$select=id&{top}")
    assert [len(page) for page in found] == sizes
    assert len({row["id"] for page in found for row in page}) == 253
    assert all(row.keys() == {"id"} for page in found for row in page)


def test_a_filter_holds_on_every_page(sandbox: Sandbox) -> None:
    found = pages(sandbox, "/users?$select=userPrincipalName&$filter=startswith(userPrincipalName,'s1')&$top=40")
    assert [len(page) for page in found] == [40, 40, 31]


def test_pages_of_members() -> None:
    tenant = Tenant.new()
    group = tenant.add_group()
    for _ in range(130):
        tenant.add_member(group, tenant.add_user())
    found = pages(Sandbox(tenant), f"/groups/{group}/members?$select=id")
    assert [len(page) for page in found] == [100, 30]
    assert found[0][0]["@odata.type"] == "#microsoft.graph.user"


def test_expanding_shows_twenty_members_at_most() -> None:
    tenant = Tenant.new()
    group = tenant.add_group()
    for _ in range(30):
        tenant.add_member(group, tenant.add_user())
    answer = Sandbox(tenant).ask("GET", "/groups?$select=id&$expand=members&$top=999").json()
    assert len(answer["value"][0]["members"]) == 20


def test_an_order(sandbox: Sandbox) -> None:
    found = sandbox.ask("GET", "/users?$orderby=displayName&$top=2&$select=displayName").json()["value"]
    assert [row["displayName"] for row in found] == ["Emergency Access", "Rory O'Hara"]


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(max_size=30))
def test_any_name_can_be_asked_for(name: str) -> None:
    quoted = name.replace("'", "''")
    test = parse(f"displayName eq '{quoted}'", USER).test
    assert test({"displayName": name})
    assert not test({"displayName": name + "x"})


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(alphabet="()',: abeqornti/n0", max_size=20))
def test_nonsense_is_an_error_of_graph_never_of_ours(text: str) -> None:
    with contextlib.suppress(GraphError):
        parse(text, USER)


def test_a_thousand_ids_at_most(sandbox: Sandbox) -> None:
    ids = [f"{number:08d}-2222-4333-8444-555555555555" for number in range(1001)]
    refused = sandbox.ask("POST", "/directoryObjects/getByIds", {"ids": ids})
    assert refused.json()["error"]["message"] == "Number of included identifiers cannot exceed '1000'."
    assert sandbox.ask("POST", "/directoryObjects/getByIds", {"ids": ids[1:]}).json()["value"] == []
