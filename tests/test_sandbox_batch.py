"""$batch: each part by itself, in any order, and the rules of the whole."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from provision.sandbox import Faults, Sandbox, Tenant

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Tenant.new())


def run(sandbox: Sandbox, *parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = sandbox.ask("POST", "/$batch", {"requests": list(parts)})
    assert answer.status == 200, answer.body
    return {part["id"]: part for part in answer.json()["responses"]}


def get(number: int, url: str, **more: object) -> dict[str, Any]:
    return {"id": str(number), "method": "GET", "url": url, **more}


def patch(number: int, url: str, body: object, **more: object) -> dict[str, Any]:
    return {"id": str(number), "method": "PATCH", "url": url, "headers": JSON, "body": body, **more}


def test_parts_succeed_and_fail_alone(sandbox: Sandbox) -> None:
    user = sandbox.tenant.add_user(displayName="Kim")
    found = run(sandbox, get(1, "users/nobody"), patch(2, f"/users/{user}", {"jobTitle": "x"}), get(3, "/organization"))
    assert {key: part["status"] for key, part in found.items()} == {"1": 404, "2": 204, "3": 200}
    assert "body" not in found["2"]
    assert found["1"]["body"]["error"]["code"] == "Request_ResourceNotFound"


def test_answers_come_in_another_order_and_the_same_one_every_time() -> None:
    orders = []
    for _ in range(2):
        sandbox = Sandbox(Tenant.new(), Faults(seed=5))
        body: dict[str, Any] = {"requests": [get(n, "/organization") for n in range(20)]}
        orders.append([part["id"] for part in sandbox.ask("POST", "/$batch", body).json()["responses"]])
    assert orders[0] == orders[1]
    assert orders[0] != [str(n) for n in range(20)]
    assert sorted(orders[0], key=int) == [str(n) for n in range(20)]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [get(n, "/organization") for n in range(21)],
        [get(1, "/organization"), get(1, "/domains")],
        [{"id": "1", "method": "GET"}],
        [{"id": "1", "method": "POST", "url": "/users/x/assignLicense"}],
        [{"id": "1", "method": "PATCH", "url": "/users/x", "body": {}}],
        [{"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": {"requests": []}}],
        [get(1, "/domains", dependsOn=["2"]), get(2, "/organization")],
        [get(1, "/domains"), get(2, "/domains"), get(3, "/domains", dependsOn=["1", "2"])],
        [get(1, "/a"), get(2, "/b", dependsOn=["1"]), get(3, "/c"), get(4, "/d", dependsOn=["3"])],
    ],
)  # fmt: skip
def test_a_batch_that_breaks_a_rule_is_refused_whole(sandbox: Sandbox, parts: list[dict[str, Any]]) -> None:
    assert sandbox.ask("POST", "/$batch", {"requests": parts}).status == 400
    assert sandbox.tenant.requests == 0


def test_a_chain_runs_in_order_and_breaks_where_it_fails(sandbox: Sandbox) -> None:
    user = sandbox.tenant.add_user()
    found = run(
        sandbox,
        patch(1, f"/users/{user}", {"jobTitle": "first"}),
        patch(2, f"/users/{user}", {"jobTitle": "second"}, dependsOn=["1"]),
        get(3, "/users/nobody", dependsOn=["2"]),
        patch(4, f"/users/{user}", {"jobTitle": "never"}, dependsOn=["3"]),
    )
    assert [found[str(n)]["status"] for n in (1, 2, 3, 4)] == [204, 204, 404, 424]
    assert sandbox.tenant.live["user"][user].values["jobTitle"] == "second"


def test_two_writes_to_one_object_collide_whatever_its_name(sandbox: Sandbox) -> None:
    user = sandbox.tenant.add_user(userPrincipalName="kim@contoso.edu", usageLocation="SE")
    body: dict[str, list[str]] = {"addLicenses": [], "removeLicenses": []}
    parts = (
        patch(1, f"/users/{user}", {"jobTitle": "x"}),
        {"id": "2", "method": "POST", "url": "/users/kim@contoso.edu/assignLicense", "headers": JSON, "body": body},
        get(3, f"/users/{user}"),
        patch(4, f"/education/users/{user}", {"primaryRole": "student"}),
    )
    assert [run(sandbox, *parts)[str(n)]["status"] for n in (1, 2, 3, 4)] == [204, 409, 200, 409]
    sandbox.faults = Faults(concurrency=False)
    assert [run(sandbox, *parts)[str(n)]["status"] for n in (1, 2, 3, 4)] == [204, 200, 200, 200]


def test_creations_never_collide(sandbox: Sandbox) -> None:
    parts = [
        {"id": str(n), "method": "POST", "url": "/education/classes", "headers": JSON,
         "body": {"displayName": "A", "mailNickname": f"Section_{n}"}}
        for n in range(20)
    ]  # fmt: skip
    assert {part["status"] for part in run(sandbox, *parts).values()} == {201}


def test_the_log_tells_the_parts_of_a_batch(sandbox: Sandbox) -> None:
    run(sandbox, get(1, "/domains"), patch(2, "/users/admin@contoso.edu", {"displayName": "A"}))
    sandbox.ask("GET", "/organization?$select=id")
    run(sandbox, get(1, "/subscribedSkus"))
    assert [(line.method, line.path, line.batch, line.status) for line in sandbox.log] == [
        ("GET", "/domains", 1, 200),
        ("PATCH", "/users/admin@contoso.edu", 1, 204),
        ("GET", "/organization?$select=id", None, 200),
        ("GET", "/subscribedSkus", 2, 200),
    ]
    assert sandbox.log[1].body == {"displayName": "A"}
    assert (sandbox.tenant.requests, sandbox.tenant.writes) == (4, 1)


def test_a_bounded_log_forgets_the_oldest() -> None:
    sandbox = Sandbox(Tenant.new(), keep=5)
    for number in range(30):
        sandbox.ask("GET", f"/users/{number}")
    assert 5 <= len(sandbox.log) <= 10
    assert sandbox.log[-1].path == "/users/29"


def test_a_body_that_is_not_json_comes_in_base64() -> None:
    sandbox = Sandbox(Tenant.new(), Faults(fail_every=1, fail_with=(502,)))
    part = run(sandbox, get(1, "/organization"))["1"]
    assert part["status"] == 502
    assert b"<html>" in base64.urlsafe_b64decode(part["body"])
