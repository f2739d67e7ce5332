"""What goes wrong on purpose: quotas, lag, lost answers, failures; each the same way every time."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from provision.graph.clock import run_without_waiting
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant, serve
from provision.sandbox.faults import ConnectionCut

JSON = {"Content-Type": "application/json"}
ACCOUNT = {
    "accountEnabled": True,
    "displayName": "Kim Berg",
    "mailNickname": "kim",
    "userPrincipalName": "kim@contoso.edu",
    "passwordProfile": {"password": "Silver-Boat-9"},
    "usageLocation": "SE",
}


class Clock:
    """A clock that the test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sandbox_with(clock: Clock, **faults: Any) -> Sandbox:
    return Sandbox(Tenant.new(), Faults(**faults), clock)


def rename(sandbox: Sandbox) -> Any:
    return sandbox.ask("PATCH", "/users/breakglass@contoso.edu", {"displayName": "x"})


def test_writes_are_throttled_and_reads_are_not(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(2, 4))
    answers = [rename(sandbox) for _ in range(5)]
    assert [answer.status for answer in answers] == [204] * 4 + [429]
    assert "x-ms-throttle-limit-percentage" not in answers[0].headers
    assert answers[3].headers["x-ms-throttle-limit-percentage"] == "1.00"
    refused = answers[4]
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["x-ms-throttle-scope"].startswith("Tenant_Application/Write/")
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert sandbox.ask("GET", "/organization").status == 200
    clock.now += 0.5
    assert rename(sandbox).status == 204


def test_asking_again_without_waiting_never_helps(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(1, 1))
    rename(sandbox)
    for _ in range(20):
        clock.now += 0.9
        assert rename(sandbox).status == 429
    clock.now += 1
    assert rename(sandbox).status == 204


def test_units_follow_the_published_table(clock: Clock) -> None:
    sandbox = sandbox_with(clock)
    group = sandbox.tenant.add_group()
    costs = {
        "/users": 2,
        "/users?$select=id": 1,
        "/users?$select=id&$top=5": 1,
        f"/groups/{group}/members": 3,
        f"/groups/{group}/members?$select=id": 2,
        f"/groups/{group}/transitiveMembers": 5,
        "/groups?$expand=members": 2,
        "/subscribedSkus": 3,
        "/users/admin@contoso.edu": 1,
    }
    for path, units in costs.items():
        assert sandbox.ask("GET", path).headers["x-ms-resource-unit"] == str(units), path
    assert sandbox.ask("POST", "/directoryObjects/getByIds", {"ids": []}).headers["x-ms-resource-unit"] == "5"


def test_units_run_out(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_units=(1, 6))
    assert [sandbox.ask("GET", "/subscribedSkus").status for _ in range(3)] == [200, 200, 429]


def test_references_can_cost_a_third_each(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(1, 10), references_cost=True)
    group = sandbox.tenant.add_group()
    for first in (0, 10):
        users = [sandbox.tenant.add_user(userPrincipalName=f"s{first + n}@contoso.edu") for n in range(10)]
        body = {"members@odata.bind": [f"https://graph.microsoft.com/v1.0/users/{user}" for user in users]}
        assert sandbox.ask("PATCH", f"/groups/{group}", body).status == 204
    body = {"members@odata.bind": ["https://graph.microsoft.com/v1.0/users/admin@contoso.edu"] * 20}
    assert sandbox.ask("PATCH", f"/groups/{group}", body).status == 429


@pytest.mark.parametrize(("style", "text"), [("integer", "4"), ("fraction", "4.000")])
def test_how_long_to_wait_as_a_number(clock: Clock, style: str, text: str) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(0.25, 1), retry_after=style)
    rename(sandbox)
    assert rename(sandbox).headers["Retry-After"] == text


def test_how_long_to_wait_as_a_date(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(0.25, 1), retry_after="date")
    rename(sandbox)
    until = parsedate_to_datetime(rename(sandbox).headers["Retry-After"])
    assert dt.timedelta(0) < until - dt.datetime.now(dt.timezone.utc) < dt.timedelta(seconds=6)


def test_parts_of_a_batch_are_throttled_one_by_one(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(1, 3))
    users = [sandbox.tenant.add_user() for _ in range(5)]
    parts = [
        {"id": user, "method": "PATCH", "url": f"/users/{user}", "headers": JSON, "body": {"jobTitle": "x"}}
        for user in users
    ]
    answer = sandbox.ask("POST", "/$batch", {"requests": parts})
    assert answer.status == 200
    found = {part["id"]: part for part in answer.json()["responses"]}
    assert [found[user]["status"] for user in users] == [204, 204, 204, 429, 429]
    assert found[users[4]]["headers"]["Retry-After"] == "1"


def test_a_new_object_is_unknown_for_a_while(clock: Clock) -> None:
    sandbox = sandbox_with(clock, lag_seconds=30)
    group = sandbox.tenant.add_group()
    user = sandbox.ask("POST", "/users", ACCOUNT).json()["id"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{user}"}
    bound = {"members@odata.bind": [reference["@odata.id"]]}

    def statuses() -> list[int]:
        return [
            sandbox.ask("GET", f"/users/{user}").status,
            sandbox.ask("PATCH", f"/users/{user}", {"jobTitle": "x"}).status,
            sandbox.ask("POST", f"/groups/{group}/members/$ref", reference).status,
            sandbox.ask("PATCH", f"/groups/{group}", bound).status,
        ]

    assert statuses() == [404] * 4
    for path in ("/users?$filter=userPrincipalName eq 'kim@contoso.edu'", f"/groups/{group}/members"):
        assert sandbox.ask("GET", path).json()["value"] == []
    found = sandbox.ask("POST", "/directoryObjects/getByIds", {"ids": [user]}).json()["value"]
    assert found == []
    clock.now = 31
    assert statuses() == [200, 204, 204, 400], "the last one is there already"
    assert sandbox.ask("POST", "/users", ACCOUNT).status == 400, "its name was taken all the while"


def test_a_name_is_taken_even_while_its_owner_lags(clock: Clock) -> None:
    sandbox = sandbox_with(clock, lag_seconds=30)
    sandbox.ask("POST", "/users", ACCOUNT)
    assert sandbox.ask("POST", "/users", ACCOUNT).json()["error"]["details"][0]["code"] == "ObjectConflict"


def test_an_answer_is_lost_after_the_write(clock: Clock) -> None:
    sandbox = sandbox_with(clock, lose_answers=2)
    assert rename(sandbox).status == 204
    answer = sandbox.ask("POST", "/users", ACCOUNT)
    assert answer.status == 504
    assert answer.headers["Content-Type"] == "text/html"
    assert sandbox.ask("GET", "/users/kim@contoso.edu").status == 200


def test_a_connection_is_cut_after_the_write(clock: Clock) -> None:
    sandbox = sandbox_with(clock, lose_answers=1, cut_connections=True)
    part = {"id": "1", "method": "POST", "url": "/users", "headers": JSON, "body": ACCOUNT}
    with pytest.raises(ConnectionCut):
        sandbox.ask("POST", "/$batch", {"requests": [part]})
    assert [(line.path, line.status, line.batch) for line in sandbox.log] == [("/users", 0, 1)]
    assert sandbox.ask("GET", "/users/kim@contoso.edu").status == 200


def test_failures_come_in_turn_and_change_nothing(clock: Clock) -> None:
    sandbox = sandbox_with(clock, fail_every=2, fail_with=(500, 502, 503))
    answers = [rename(sandbox) for _ in range(6)]
    assert [answer.status for answer in answers] == [204, 500, 204, 502, 204, 503]
    assert answers[1].json()["error"]["code"] == "Service_InternalServerError"
    assert answers[3].body.startswith(b"<html>")
    assert answers[5].headers["Retry-After"] == "1"
    assert sandbox.tenant.writes == 3


def test_a_failing_write_is_not_carried_out(clock: Clock) -> None:
    sandbox = sandbox_with(clock, fail_every=1)
    assert sandbox.ask("POST", "/users", ACCOUNT).status == 500
    sandbox.faults = Faults()
    assert sandbox.ask("GET", "/users/kim@contoso.edu").status == 404


def test_a_batch_fails_whole(clock: Clock) -> None:
    sandbox = sandbox_with(clock, fail_batches=2, retry_seconds=3)
    body = {"requests": [{"id": "1", "method": "GET", "url": "/organization"}]}
    answers = [sandbox.ask("POST", "/$batch", body) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 429, 200, 503]
    assert answers[1].headers["Retry-After"] == answers[3].headers["Retry-After"] == "3"
    assert sandbox.tenant.requests == 2


def test_the_published_quotas(clock: Clock) -> None:
    sandbox = Sandbox(Tenant.new(), Faults.published_quotas(), clock)
    assert sum(rename(sandbox).status == 204 for _ in range(3010)) == 3000
    clock.now += 1
    assert sum(rename(sandbox).status == 204 for _ in range(30)) == 20


def test_a_bucket_that_is_spent_at_first(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(2, 10), throttle_fill=0.2)
    assert [rename(sandbox).status for _ in range(3)] == [204, 204, 429]
    clock.now += 1
    assert [rename(sandbox).status for _ in range(3)] == [204, 204, 429]


def test_refused_writes_can_be_counted_too(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(1, 10), throttle_fill=0, throttle_accrue=True)
    waits = [rename(sandbox).headers["Retry-After"] for _ in range(3)]
    assert waits == ["2", "3", "4"]
    clock.now += 3.9
    assert rename(sandbox).status == 429
    clock.now += 1.2
    assert rename(sandbox).status == 204
    for _ in range(30):
        last = rename(sandbox)
    assert last.headers["Retry-After"] == "11", "the debt has an end"


def test_a_fixed_window_in_place_of_a_bucket(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(2, 10), throttle_window=5)
    clock.now = 4
    answers = [rename(sandbox) for _ in range(12)]
    assert [answer.status for answer in answers] == [204] * 10 + [429] * 2
    assert answers[8].headers["x-ms-throttle-limit-percentage"] == "0.90"
    assert answers[10].headers["Retry-After"] == "1"
    clock.now = 5
    assert sum(rename(sandbox).status == 204 for _ in range(12)) == 10
    clock.now = 17
    assert sum(rename(sandbox).status == 204 for _ in range(12)) == 10
    assert rename(sandbox).headers["Retry-After"] == "3"


def test_a_quota_of_which_nothing_is_told(clock: Clock) -> None:
    sandbox = sandbox_with(clock, throttle_writes=(1, 5), throttle_hints=False)
    answers = [rename(sandbox) for _ in range(6)]
    assert [answer.status for answer in answers] == [204] * 5 + [429]
    assert not any("x-ms-throttle-limit-percentage" in answer.headers for answer in answers)


def renames(users: list[str]) -> dict[str, Any]:
    body = {"jobTitle": "x"}
    parts = [{"id": u, "method": "PATCH", "url": f"/users/{u}", "headers": JSON, "body": body} for u in users]
    return {"requests": parts}


def test_a_write_takes_its_time_and_a_batch_more(clock: Clock) -> None:
    slow = {"write_seconds": (0.2, 0.3), "step_seconds": 0.05}
    sandbox = sandbox_with(clock, **slow)
    alone = [rename(sandbox).seconds for _ in range(20)]
    assert all(0.2 <= seconds <= 0.3 for seconds in alone)
    assert len(set(alone)) > 10
    assert alone == [rename(again).seconds for again in [sandbox_with(clock, **slow)] for _ in range(20)]
    users = [sandbox.tenant.add_user() for _ in range(20)]
    assert 0.2 + 19 * 0.05 <= sandbox.ask("POST", "/$batch", renames(users)).seconds <= 0.3 + 19 * 0.05
    reading = {"requests": [{"id": "1", "method": "GET", "url": "/organization"}]}
    assert sandbox.ask("POST", "/$batch", reading).seconds == sandbox.ask("GET", "/organization").seconds == 0
    assert rename(sandbox_with(clock)).seconds == 0


def test_slow_answers_pass_each_other_over_http() -> None:
    sandbox = Sandbox(Tenant.new(), Faults(write_seconds=(0.2, 0.2)))
    with serve(sandbox) as server, httpx.Client() as client, ThreadPoolExecutor(8) as pool:

        def patch(_: int) -> int:
            url = f"{server.url}/v1.0/users/breakglass@contoso.edu"
            return client.patch(url, json={"jobTitle": "x"}, headers={"Authorization": "Bearer any"}).status_code

        started = time.monotonic()
        assert set(pool.map(patch, range(8))) == {204}
        assert 0.2 <= time.monotonic() - started < 1.2, "one after the other they would take 1.6 s"


def test_slow_answers_pass_each_other_in_process() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        sandbox = Sandbox(Tenant.new(), Faults(write_seconds=(0.2, 0.3), step_seconds=0.05), loop.time)
        users = [sandbox.tenant.add_user() for _ in range(60)]
        headers = {"Authorization": "Bearer any"}
        async with httpx.AsyncClient(transport=SandboxTransport(sandbox)) as client:
            url = "https://graph.microsoft.com/v1.0/$batch"
            calls = [client.post(url, json=renames(users[n : n + 20]), headers=headers) for n in (0, 20, 40)]
            assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}
        return loop.time()

    assert 0.2 + 19 * 0.05 < run_without_waiting(story()) <= 0.3 + 19 * 0.05
