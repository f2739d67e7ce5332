"""Resource units: what a request takes, and that no more is asked for than is granted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from provision.graph import connect
from provision.graph.batch import envelope
from provision.graph.clock import Clock, run_without_waiting
from provision.graph.request import Answer, Request
from provision.graph.units import Units
from provision.plan.quota import units
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant

GRAPH = "https://graph.microsoft.com"
ASKED = [
    ("GET", "/users?$select=id&$top=999"),
    ("GET", "/users"),
    ("GET", "/users/admin@contoso.edu"),
    ("GET", "/users/delta?$select=id"),
    ("GET", "/groups?$select=id&$top=999"),
    ("GET", "/groups/{}/members?$select=id&$top=999"),
    ("GET", "/groups/{}/members"),
    ("GET", "/groups/{}/owners?$select=id&$top=999"),
    ("GET", "/groups/{}/transitiveMembers?$select=id&$top=999"),
    ("GET", "/subscribedSkus"),
    ("GET", "/education/users?$select=id"),
    ("PATCH", "/groups/{}"),
    ("POST", "/users"),
]


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_what_a_request_takes_is_what_the_tenant_says(method: str, path: str) -> None:
    sandbox = Sandbox(Tenant.new())
    url = path.format(sandbox.tenant.add_group())
    answer = sandbox.ask(method, url, None if method == "GET" else {"description": "x"})
    assert units(method, url) == int(answer.headers["x-ms-resource-unit"])


def pages(number: int, url: str = "/groups/x/members") -> Request:
    return envelope([Request("GET", url)] * number)


def test_ten_seconds_grant_what_is_published_and_no_more() -> None:
    async def story() -> float:
        clock = Clock(asyncio.get_running_loop().time)
        paced = Units(clock)
        for _ in range(400):  # 400 batches of 20 pages at 3 units
            await paced.take(pages(20))
        return clock.now()

    least = (400 * 60 - 8_000) / 800
    assert least <= run_without_waiting(story()) <= 1.05 * least


def test_a_share_is_kept() -> None:
    async def story() -> float:
        clock = Clock(asyncio.get_running_loop().time)
        paced = Units(clock, 0.25)
        for _ in range(100):
            await paced.take(pages(20))
        return clock.now()

    assert run_without_waiting(story()) >= (100 * 60 - 2_000) / 200


def refusal(scope: str) -> Answer:
    return Answer(429, {"retry-after": "7", "x-ms-throttle-scope": f"Tenant_Application/{scope}/app/tenant"})


@pytest.mark.parametrize(("scope", "waits"), [("ReadWrite", True), ("Write", False)])
def test_a_refusal_for_units_holds_all_requests_and_one_for_writes_does_not(scope: str, waits: bool) -> None:
    async def story() -> float:
        clock = Clock(asyncio.get_running_loop().time)
        paced = Units(clock)
        paced.heard([Answer(200), refusal(scope)])
        await paced.take(Request("GET", "/organization"))
        return clock.now()

    assert (run_without_waiting(story()) >= 7) is waits


def test_a_small_tenant_is_asked_again_when_it_says_so_and_not_before() -> None:
    """It grants 3,500 units in ten seconds, of which the client does not know: one refusal, no volley of them."""

    async def story() -> Any:
        loop = asyncio.get_running_loop()
        sandbox = Sandbox(Tenant.new(), Faults(throttle_units=(350, 3_500)), loop.time)
        async with connect(GRAPH, "sandbox", transport=SandboxTransport(sandbox), clock=Clock(loop.time)) as graph:
            for _ in range(1_400):
                assert (await graph.settled(Request("GET", "/subscribedSkus"))).ok
        return sandbox.answered["GET", 429], loop.time()

    refused, seconds = run_without_waiting(story())
    assert refused <= 10
    assert (1_400 * 3 - 3_500) / 350 <= seconds <= 12
