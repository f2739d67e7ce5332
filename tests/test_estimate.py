"""The estimate of a plan is what applying it takes, by the count of the tenant and by its clock."""

from __future__ import annotations

import asyncio

import pytest
from support.world import Roster, World

from provision.apply.writer import Write
from provision.graph import GraphWriter, connect
from provision.graph.clock import Clock, run_without_waiting
from provision.plan.estimate import estimate
from provision.plan.quota import unit_quota
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant
from provision.store import Store, in_memory

TOLERANCE = 0.05
"""Of the time, by which the estimate may err."""
WRITES = 3_600


def test_what_applying_takes_is_what_was_estimated(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', school_groups='all = ["students"]')
    roster = Roster().people("S1", "S2", "S3", grade="08").person("T1", role="teacher")
    school.day(roster.section("C1", teacher="T1", students=["S1", "S2"]))
    crowded, north = school.group("Section_C1")["id"], school.tenant.dump()["schools"][0]["id"]
    for number in range(1_000):  # more than a page of accounts, of members, and of the users of a school
        account = school.tenant.add_user()
        school.tenant.add_member(crowded, account)
        if number < 150:
            school.tenant.add_member(north, account)
    later = Roster().people("S1", "S2", "S3", "S4", grade="09").person("T1", role="teacher")
    later.section("C1", teacher="T1", students=["S1", "S3", "S4"]).section("C2", teacher="T1", students=["S4"])
    planned = school.plan(later)
    assert {change["action"] for change in planned.changes} == {"create", "update", "add", "remove"}
    before = (school.tenant.requests, school.tenant.writes, school.sandbox.units)
    applied, _ = school.apply(planned)
    assert applied.complete
    after = (school.tenant.requests, school.tenant.writes, school.sandbox.units)
    said = planned.header["estimate"]
    assert tuple(now - then for now, then in zip(after, before, strict=True)) == (
        said["requests"],
        said["writes"],
        said["resource_units"],
    )
    assert said["reads"] == said["requests"] - said["writes"]
    assert said["seconds_at_quota"] == 0


# -- time


def planned_writes(number: int, accounts: int = 3) -> Store:
    """A store with so many writes planned, to a directory of so many accounts."""
    store = in_memory()
    store.run("CREATE TABLE run.changes (kind TEXT, left_id TEXT, requests BIGINT)")
    store.run(f"INSERT INTO run.changes SELECT 'user', NULL, 1 FROM range({number})")
    store.run(f"INSERT INTO current.users (object_id) SELECT i::TEXT FROM range({accounts}) t(i)")
    return store


def test_the_time_of_many_writes_is_that_of_the_quota() -> None:
    tenant = Tenant.new()
    users = [tenant.add_user() for _ in range(160)]

    async def story() -> float:
        loop = asyncio.get_running_loop()
        sandbox = Sandbox(tenant, Faults.published_quotas(unit_quota(160)), loop.time)
        wire = SandboxTransport(sandbox)
        async with connect("http://127.0.0.1:1", tenant.id, transport=wire, clock=Clock(loop.time)) as graph:
            writer = GraphWriter(graph)

            async def lane(first: int) -> None:
                for number in range(first, WRITES, 160):
                    mine = users[first : first + 20]
                    await writer.write(
                        [Write("user", "update", "user:1", user, {"grade": str(number)}) for user in mine]
                    )

            await asyncio.gather(*(lane(first) for first in range(0, 160, 20)))
        assert sandbox.answered == {("PATCH", 200): WRITES}
        return loop.time()

    seconds = run_without_waiting(story())
    said = estimate(planned_writes(WRITES, accounts=160))
    assert said["writes"] == WRITES
    assert said["seconds_at_quota"] == pytest.approx(seconds, rel=TOLERANCE)
    assert seconds > 30


def test_a_burst_costs_no_time_and_the_rest_the_rate_of_the_quota() -> None:
    assert estimate(planned_writes(2_940))["seconds_at_quota"] == 0
    assert estimate(planned_writes(2_940 + 19_899))["seconds_at_quota"] == 1_000


@pytest.mark.parametrize(
    ("accounts", "units"), [(0, 3_500), (49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000), (90_000, 8_000)]
)
def test_units_are_granted_by_the_size_of_the_tenant(accounts: int, units: int) -> None:
    assert unit_quota(accounts) == units


def test_reading_more_than_the_units_of_a_small_tenant_takes_time() -> None:
    store = planned_writes(0)
    store.run("INSERT INTO current.groups (object_id) SELECT 'G' || i FROM range(3_500) t(i)")
    store.run("INSERT INTO run.changes SELECT 'member', 'G' || i, 1 FROM range(3_500) t(i)")
    said = estimate(store)
    assert said["reads"] == 12 + 3_500  # one page of members for each group, and of the groups four
    assert said["resource_units"] == 14 + 2 * 3_500 + 3_500
    # 7,014 units of reading at 350 a second behind a bucket of 3,500, then 3,500 writes behind theirs
    assert said["seconds_at_quota"] == round((7_014 - 3_500) / 350 + (3_500 - 2_940) / 19.9 + 0.5)
