"""Writing through the real SDK onto the fake tenant: what is sent, what becomes of it, and nothing twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import httpx
import pytest

from provision.apply.writer import Outcome, Reference, Write
from provision.errors import DirectoryError
from provision.graph import Graph, GraphWriter, connect
from provision.graph.batch import Courier
from provision.graph.clock import Clock
from provision.graph.pace import Told
from provision.graph.request import Request
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant, serve

GRAPH = "https://graph.microsoft.com"
ROOT = GRAPH + "/v1.0"
Call: TypeAlias = "Sequence[Write] | Callable[[list[list[Outcome]]], Sequence[Write]]"
NOBODY = "10000000-0000-4000-8000-000000000009"
PASSWORD = "Xk7-first-password"
CREATES: dict[str, dict[str, object]] = {
    "user": {
        "display_name": "Alex Reed",
        "given_name": "Alex",
        "family_name": "Reed",
        "user_principal_name": "alex@students.contoso.edu",
        "mail_nickname": "alex",
        "usage_location": "US",
        "primary_role": "student",
        "student_id": "S1",
        "grade": "09",
        "middle_name": None,
    },
    "school": {"display_name": "Hill School", "external_id": "10", "city": "Redmond"},
    "section": {
        "display_name": "Art 1",
        "external_id": "1",
        "mail_nickname": "Section_1",
        "course_name": "Art",
        "term_start": "2026-09-01",
    },
    "school_group": {
        "display_name": "Students - Hill School",
        "mail_nickname": "provision_x_10_students",
        "unique_name": "provision_x_10_students",
    },
}


class World:
    """A fake tenant on a clock of its own, and a writer to it: waiting turns the clock."""

    def __init__(self, faults: Faults | None = None, seats: int = 500) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.tenant = Tenant.new(seats=seats)
        self.sandbox = Sandbox(self.tenant, faults, clock=lambda: self.time)
        self.removals: list[str] = []
        self.heals = False
        """Whether the faults are over at the first wait."""

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        if self.heals:
            self.sandbox.faults = Faults()
        await asyncio.sleep(0)

    def run(self, *calls: Call) -> list[list[Outcome]]:
        """The outcomes of the last of `calls`, which are made one after the other in one run.

        A call is a list of writes, or a function that makes one of the outcomes of the call before.
        """

        async def story() -> list[list[Outcome]]:
            async with self.connected() as graph:
                graph.allow_removals(self.removals)
                writer = GraphWriter(graph)
                outcomes: list[list[Outcome]] = []
                for call in calls:
                    outcomes = await writer.write(call(outcomes) if callable(call) else call)
                return outcomes

        return asyncio.run(story())

    def connected(self) -> AbstractAsyncContextManager[Graph]:
        clock = Clock(lambda: self.time, self.sleep)
        return connect(GRAPH, "sandbox", transport=SandboxTransport(self.sandbox), clock=clock)

    def sent(self) -> list[tuple[str, str, Any]]:
        return [(one.method, one.path, one.body) for one in self.sandbox.log]

    def links(self, holder: str, relation: str = "members") -> set[str]:
        record = self.tenant.any(holder)
        assert record is not None
        return set(record.ids(relation))

    def values(self, object_id: str) -> dict[str, Any]:
        record = self.tenant.any(object_id)
        assert record is not None
        return record.values


def create(kind: str, **fields: object) -> Write:
    values = {**CREATES[kind], **fields}
    return Write(kind, "create", f"{kind}:1", None, values, password=PASSWORD if kind == "user" else None)


def update(kind: str, object_id: str, **fields: object) -> Write:
    return Write(kind, "update", f"{kind}:1", object_id, fields)


def link(kind: str, action: str, holder: str, *others: str | Reference) -> Write:
    references = tuple(one if isinstance(one, Reference) else Reference(kind, one) for one in others)
    return Write(kind, action, f"{kind}:1", holder, references=references)


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def only(outcomes: list[list[Outcome]]) -> Outcome:
    ((outcome,),) = outcomes
    return outcome


# -- what each kind sends


def test_a_user_is_created_in_one_request() -> None:
    world = World()
    outcome = only(world.run([create("user")]))
    assert world.sent() == [
        (
            "POST",
            "/education/users",
            {
                "accountEnabled": True,
                "externalSource": "sis",
                "displayName": "Alex Reed",
                "givenName": "Alex",
                "surname": "Reed",
                "userPrincipalName": "alex@students.contoso.edu",
                "mailNickname": "alex",
                "usageLocation": "US",
                "primaryRole": "student",
                "student": {"externalId": "S1", "grade": "09"},
                "passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": True},
            },
        )
    ]
    assert outcome.object_id is not None
    assert outcome == Outcome("done", outcome.object_id, requests=1)
    assert world.values(outcome.object_id)["student"]["externalId"] == "S1"


def test_what_the_education_endpoint_lacks_follows_in_a_second_request() -> None:
    world = World()
    outcome = only(world.run([create("user", job_title="Prefect", age_group="minor", consent="granted")]))
    assert outcome.object_id is not None
    assert outcome.requests == 2
    method, path, body = world.sent()[1]
    assert (method, path) == ("PATCH", f"/users/{outcome.object_id}")
    assert body == {"jobTitle": "Prefect", "ageGroup": "minor", "consentProvidedForMinor": "granted"}
    assert world.values(outcome.object_id)["jobTitle"] == "Prefect"


def test_a_user_is_updated_where_the_property_lives() -> None:
    world = World()
    user = world.tenant.add_user(student={"externalId": "S1", "grade": "08"}, displayName="Old")
    outcome = only(world.run([update("user", user, grade="09", student_id="S1", display_name="New")]))
    assert outcome == Outcome("done", user, requests=2)
    assert world.sent() == [
        ("PATCH", f"/education/users/{user}", {"student": {"externalId": "S1", "grade": "09"}}),
        ("PATCH", f"/users/{user}", {"displayName": "New"}),
    ]
    assert world.values(user)["student"] == {"externalId": "S1", "grade": "09"}


def test_an_update_never_carries_a_password() -> None:
    world = World()
    user = world.tenant.add_user()
    world.run([Write("user", "update", "user:1", user, {"display_name": "New"}, password=PASSWORD)])
    assert PASSWORD not in str(world.sent())


def test_all_licences_of_a_user_go_in_one_request() -> None:
    world = World()
    user = world.tenant.add_user(usageLocation="US")
    first, second, *_ = world.tenant.skus
    plan = world.tenant.skus[first]["servicePlans"][0]["servicePlanId"]
    references = (Reference("license", first, (plan,)), Reference("license", second))
    (outcomes,) = world.run([Write("license", "add", "license:1", user, references=references)])
    assert statuses(outcomes) == ["done", "done"]
    assert sum(outcome.requests for outcome in outcomes) == 1
    added = [{"skuId": first, "disabledPlans": [plan]}, {"skuId": second, "disabledPlans": []}]
    assert world.sent() == [("POST", f"/users/{user}/assignLicense", {"addLicenses": added, "removeLicenses": []})]


def test_a_school_and_a_section_are_created_and_updated() -> None:
    world = World()
    (school,), (section,) = world.run([create("school"), create("section")])
    assert school.object_id is not None
    assert section.object_id is not None
    bodies = {path: body for _, path, body in world.sent()}
    assert bodies["/education/schools"] == {
        "externalSource": "sis",
        "displayName": "Hill School",
        "externalId": "10",
        "address": {"city": "Redmond"},
    }
    assert bodies["/education/classes"] == {
        "externalSource": "sis",
        "displayName": "Art 1",
        "externalId": "1",
        "mailNickname": "Section_1",
        "course": {"displayName": "Art"},
        "term": {"startDate": "2026-09-01"},
    }
    changes = [
        update("school", school.object_id, display_name="Hill Academy"),
        update("section", section.object_id, term_end="2026-12-18"),
    ]
    assert [statuses(one) for one in world.run(changes)] == [["done"], ["done"]]
    assert world.values(school.object_id)["displayName"] == "Hill Academy"
    assert world.values(section.object_id)["term"]["endDate"] == "2026-12-18"


def test_a_school_group_is_an_upsert_and_the_second_one_finds_the_first() -> None:
    world = World()
    first = only(world.run([create("school_group")]))
    method, path, body = world.sent()[0]
    assert (method, path) == ("PATCH", "/groups(uniqueName='provision_x_10_students')")
    assert body["securityEnabled"] is True
    assert body["mailEnabled"] is False
    assert first.requests == 1
    second = only(world.run([create("school_group")]))
    assert second == Outcome("done", first.object_id, requests=2)
    assert first.object_id is not None
    assert only(world.run([update("school_group", first.object_id, display_name="New")])).status == "done"
    assert world.values(first.object_id)["displayName"] == "New"


def test_owners_and_members_of_a_group_go_in_one_request() -> None:
    world = World()
    group = world.tenant.add_class(mailNickname="Section_1")
    users = [world.tenant.add_user() for _ in range(19)]
    members = [Reference("member", user) for user in users]
    (outcomes,) = world.run([link("member", "add", group, *members, Reference("owner", users[0]))])
    assert statuses(outcomes) == ["done"] * 20
    ((method, path, body),) = world.sent()
    assert (method, path) == ("PATCH", f"/groups/{group}")
    assert body == {
        "members@odata.bind": [f"{ROOT}/directoryObjects/{user}" for user in users],
        "owners@odata.bind": [f"{ROOT}/directoryObjects/{users[0]}"],
    }
    assert world.links(group) == set(users)
    assert world.links(group, "owners") == {users[0]}


def test_users_and_classes_of_a_school() -> None:
    world = World()
    school, section, user = world.tenant.add_school(), world.tenant.add_class(), world.tenant.add_user()
    for kind, other in (("school_user", user), ("school_section", section)):
        assert only(world.run([link(kind, "add", school, other)])).status == "done"
    assert world.links(school) == {user, section}
    assert world.sent()[0] == (
        "POST",
        f"/education/schools/{school}/users/$ref",
        {"@odata.id": f"{ROOT}/education/users/{user}"},
    )
    assert world.sent()[1][1:] == (
        f"/education/schools/{school}/classes/$ref",
        {"@odata.id": f"{ROOT}/education/classes/{section}"},
    )


@pytest.mark.parametrize("kind", ["member", "group_member", "school_user"])
def test_a_removal_takes_one_link_and_nothing_else(kind: str) -> None:
    world = World()
    holder = world.tenant.add_school() if kind == "school_user" else world.tenant.add_group()
    stays, leaves = world.tenant.add_user(), world.tenant.add_user()
    for user in (stays, leaves):
        world.tenant.add_member(holder, user)
    world.removals = [holder]
    assert only(world.run([link(kind, "remove", holder, leaves)])) == Outcome("done", requests=1)
    assert world.links(holder) == {stays}
    assert world.tenant.any(leaves) is not None
    ((method, path, _),) = world.sent()
    assert method == "DELETE"
    assert path.endswith(f"/{leaves}/$ref")


def test_a_removal_that_was_not_announced_is_not_sent() -> None:
    world = World()
    group, user = world.tenant.add_group(), world.tenant.add_user()
    world.tenant.add_member(group, user)
    with pytest.raises(DirectoryError):
        world.run([link("group_member", "remove", group, user)])
    assert world.links(group) == {user}
    assert world.sent() == []


# -- what was there already, what is refused


def test_a_link_that_was_there_does_not_stop_the_others() -> None:
    world = World()
    group = world.tenant.add_group()
    there, new, _gone = (
        world.tenant.add_user(),
        world.tenant.add_user(),
        "0" * 8 + "-0000-4000-8000-" + "0" * 12,
    )
    world.tenant.add_member(group, there)
    (outcomes,) = world.run([link("group_member", "add", group, there, new, NOBODY)])
    assert statuses(outcomes) == ["already", "done", "failed"]
    assert NOBODY in (outcomes[2].error or "")
    assert sum(outcome.requests for outcome in outcomes) == 4
    assert world.links(group) == {there, new}


def test_a_single_link_that_was_there_is_told_apart() -> None:
    world = World()
    group, user, school = world.tenant.add_group(), world.tenant.add_user(), world.tenant.add_school()
    world.tenant.add_member(group, user)
    world.tenant.add_member(school, user)
    assert only(world.run([link("group_member", "add", group, user)])).status == "already"
    assert only(world.run([link("school_user", "add", school, user)])).status == "already"


def test_a_link_that_was_gone_is_told_apart() -> None:
    world = World()
    group, user = world.tenant.add_group(), world.tenant.add_user()
    world.removals = [group]
    assert only(world.run([link("group_member", "remove", group, user)])) == Outcome("already", requests=1)
    assert world.waits == []


def test_a_group_that_is_gone_costs_one_request() -> None:
    world = World()
    users = [world.tenant.add_user() for _ in range(5)]
    (outcomes,) = world.run([link("group_member", "add", NOBODY, *users)])
    assert statuses(outcomes) == ["failed"] * 5
    assert len(world.sent()) == 1


def test_a_licence_that_has_run_out_does_not_cost_the_others() -> None:
    world = World(seats=1)
    first, second, *_ = world.tenant.skus
    world.tenant.assign_license(world.tenant.add_user(usageLocation="US"), first)
    user = world.tenant.add_user(usageLocation="US")
    (outcomes,) = world.run([link("license", "add", user, first, second)])
    assert statuses(outcomes) == ["failed", "done"]
    assert "Buy or free licences" in (outcomes[0].error or "")


def test_a_name_that_is_taken_is_a_failure_and_not_another_object() -> None:
    world = World()
    world.tenant.add_user(userPrincipalName="alex@students.contoso.edu")
    outcome = only(world.run([create("user")]))
    assert outcome.status == "failed"
    assert outcome.requests == 1
    assert "userPrincipalName" in (outcome.error or "")
    assert "Another object has this value" in (outcome.error or "")


def test_one_failure_leaves_the_rest_of_the_batch_alone() -> None:
    world = World()
    users = [world.tenant.add_user() for _ in range(3)]
    targets = (users[0], NOBODY, *users[1:])
    outcomes = world.run([update("user", user, display_name="New") for user in targets])
    assert [one.status for (one,) in outcomes] == ["done", "failed", "done", "done"]
    assert [world.values(user)["displayName"] for user in users] == ["New"] * 3


def test_no_secret_in_errors_values_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    world.tenant.add_user(userPrincipalName="alex@students.contoso.edu")
    write = create("user")
    outcome = only(world.run([write]))
    shown = f"{outcome} {write} {caplog.text}"
    assert PASSWORD not in shown


# -- batches and pace


def test_twenty_writes_share_a_batch_after_the_first_went_alone() -> None:
    world = World()
    writes = [
        create("user", user_principal_name=f"s{n}@contoso.edu", mail_nickname=f"s{n}", student_id=f"S{n}")
        for n in range(40)
    ]
    outcomes = world.run(writes[:20], writes[20:])
    assert all(one.status == "done" for (one,) in outcomes)
    sizes = [sum(one.batch == number for one in world.sandbox.log) for number in (1, 2, 3)]
    assert sizes == [1, 19, 20]
    assert len(world.tenant.live["user"]) == 42


def test_more_batches_may_be_under_way_once_the_service_bears_them_and_fewer_when_it_does_not() -> None:
    world = World(Faults(write_seconds=(0.2, 0.2)))
    users = [world.tenant.add_user() for _ in range(20)]

    async def story() -> list[int]:
        async with connect(GRAPH, "sandbox", transport=SandboxTransport(world.sandbox, sleep=world.sleep),
                           clock=Clock(lambda: world.time, world.sleep)) as graph:  # fmt: skip
            writer = GraphWriter(graph)
            found = [writer.in_flight]
            for faults in (Faults(write_seconds=(0.2, 0.2)), Faults(fail_every=30, fail_with=(503,))):
                world.sandbox.faults = faults
                for n in range(5):
                    await writer.write([update("user", user, display_name=f"New {n}") for user in users])
                found.append(writer.in_flight)
        return found

    first, calm, overloaded = asyncio.run(story())
    assert (first, calm) == (4, 8)
    assert overloaded < 8


def test_a_look_up_does_not_wait_for_the_quota_of_writes() -> None:
    world = World(Faults(throttle_writes=(20, 20), throttle_fill=0))

    async def story() -> float:
        async with world.connected() as graph:
            graph.pace.heard(await graph.pace.take(1), Told(0, 1, 300))
            courier = Courier(graph, graph.clock, graph.brake, graph.pace, graph.units)
            assert (await courier.send(Request("GET", "/organization"))).ok
            return world.time

    assert asyncio.run(story()) == 0


def test_the_published_quota_is_never_exceeded() -> None:
    world = World(Faults(throttle_writes=(20, 3_000)))
    users = [world.tenant.add_user() for _ in range(20)]
    calls = [[update("user", user, display_name=f"New {n}") for user in users] for n in range(170)]
    outcomes = world.run(*calls)
    assert all(one.status == "done" for (one,) in outcomes)
    assert len(world.sandbox.log) == 3_400
    assert {one.status for one in world.sandbox.log} == {204}
    assert world.time <= 1.1 * (3_400 - 2_900) / 20


@pytest.mark.parametrize("form", ["integer", "fraction", "date"])
def test_a_bucket_that_somebody_else_has_emptied(form: Any) -> None:
    world = World(Faults(throttle_writes=(20, 20), retry_after=form))
    users = [world.tenant.add_user() for _ in range(60)]
    calls = [[update("user", user, display_name="New") for user in users[n : n + 20]] for n in (0, 20, 40)]
    assert all(one.status == "done" for (one,) in world.run(*calls))
    assert {world.values(user)["displayName"] for user in users} == {"New"}


# -- trouble: nothing is lost, nothing is made twice

TROUBLES = {
    "every second answer lost": Faults(lose_answers=2),
    "every second connection cut": Faults(lose_answers=2, cut_connections=True),
    "every third request failed": Faults(fail_every=3, fail_with=(500, 502, 503, 504, 429)),
    "every second batch failed": Faults(fail_batches=2),
    "slow replicas": Faults(lag_seconds=20),
    "slow replicas and lost answers": Faults(lag_seconds=6, lose_answers=3),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_object_is_made_once_and_every_link_confirmed(trouble: str) -> None:
    world = World(TROUBLES[trouble])
    sku = next(iter(world.tenant.skus))
    ids: dict[str, str] = {}

    def links(created: list[list[Outcome]]) -> list[Write]:
        assert {one.status for (one,) in created} == {"done"}
        ids.update({kind: one.object_id or "" for kind, (one,) in zip(CREATES, created, strict=True)})
        return [
            link("member", "add", ids["section"], ids["user"], Reference("owner", ids["user"])),
            link("license", "add", ids["user"], sku),
            link("school_user", "add", ids["school"], ids["user"]),
            link("group_member", "add", ids["school_group"], ids["user"]),
        ]

    linked = world.run([create(kind) for kind in CREATES], links)
    assert [statuses(one) for one in linked] == [["done", "done"], ["done"], ["done"], ["done"]]
    assert len(world.tenant.live["user"]) == 3  # two administrators and ours
    assert len(list(world.tenant.educational("class"))) == 1
    assert len(list(world.tenant.educational("school"))) == 1
    assert len(world.tenant.lookup("group", "uniqueName", "provision_x_10_students")) == 1
    assert world.links(ids["section"]) == world.links(ids["school_group"]) == {ids["user"]}


def test_lag_is_waited_for_within_a_run() -> None:
    world = World(Faults(lag_seconds=45))

    def join(created: list[list[Outcome]]) -> list[Write]:
        (user,), (section,) = created
        return [link("member", "add", section.object_id or "", user.object_id or "")]

    (linked,) = world.run([create("user", job_title="Prefect"), create("section")], join)
    assert statuses(linked) == ["done"]
    assert 45 <= world.time < 120


def test_an_object_that_never_was_is_not_waited_for() -> None:
    world = World()
    outcome = only(world.run([update("user", NOBODY, display_name="New")]))
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert "plan again" in outcome.error
    assert world.waits == []


def test_an_account_of_somebody_else_is_not_taken_for_ours_after_a_lost_answer() -> None:
    world = World(Faults(fail_every=1, fail_with=(504,)))
    world.heals = True
    world.tenant.add_user(userPrincipalName="alex@students.contoso.edu", student={"externalId": "S9"})
    outcome = only(world.run([create("user")]))
    assert outcome.status == "failed"
    assert "userPrincipalName" in (outcome.error or "")


def test_removals_survive_lost_answers() -> None:
    world = World(Faults(lose_answers=1))
    group, user = world.tenant.add_group(), world.tenant.add_user()
    world.tenant.add_member(group, user)
    world.removals = [group]
    outcome = only(world.run([link("group_member", "remove", group, user)]))
    assert outcome == Outcome("done", requests=2)
    assert world.links(group) == set()


class Dead(httpx.AsyncBaseTransport):
    """A network that is not there, or a service that does not know us."""

    def __init__(self, answer: httpx.Response | None) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._answer is None:
            raise httpx.ConnectError("no route", request=request)
        return self._answer


NO_TOKEN = httpx.Response(401, json={"error": {"code": "InvalidAuthenticationToken"}})


@pytest.mark.parametrize("answer", [None, NO_TOKEN])
def test_where_nothing_can_be_sent_it_raises(answer: httpx.Response | None) -> None:
    world = World()

    async def story() -> None:
        clock = Clock(lambda: world.time, world.sleep)
        async with connect(GRAPH, "sandbox", transport=Dead(answer), clock=clock) as graph:
            await GraphWriter(graph).write([create("user"), create("school")])

    with pytest.raises(DirectoryError) as caught:
        asyncio.run(story())
    assert "does not answer" in caught.value.message


def test_over_http() -> None:
    world = World()
    with serve(world.sandbox) as server:

        async def story() -> list[list[Outcome]]:
            async with connect(server.url, "sandbox") as graph:
                return await GraphWriter(graph).write([create("user"), create("section")])

        (user,), (section,) = asyncio.run(story())
    assert (user.status, section.status) == ("done", "done")
    assert user.object_id in world.tenant.live["user"]
