"""A run that is asked to stop: nothing leaves any more, nobody is waited for who only waits himself, and what is known
by then is kept, so that the next run neither repeats it nor takes for ours what is not."""

from __future__ import annotations

import asyncio
import json
import math
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from support.inplace import apply_in_place
from support.world import Planned, Roster, World

from provision.apply.items import NOT_AGAIN, NOT_SENT
from provision.apply.run import Applied
from provision.apply.spent import spent_lately
from provision.apply.status import read_status
from provision.sandbox import Canned, Faults

Results = dict[str, dict[str, Any]]


@dataclass
class Stopper(httpx.AsyncBaseTransport):
    """Lets everything through, and sets `stop` so many `seconds` after the first write to an address with `word` in it
    has left. `late` are the writes that leave after that."""

    word: str
    seconds: float = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    late: list[str] = field(default_factory=list)
    seen: bool = False
    inner: httpx.AsyncBaseTransport | None = None

    def between(self, inner: httpx.AsyncBaseTransport) -> Stopper:
        self.inner = inner
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        parts = json.loads(request.content)["requests"] if request.url.path.endswith("$batch") else []
        writes = [f"{part['method']} {part['url']}" for part in parts if part["method"] != "GET"]
        if self.stop.is_set():
            self.late += writes
        elif not self.seen and any(self.word in write for write in writes):
            self.seen = True
            asyncio.get_running_loop().call_later(self.seconds, self.stop.set)
        assert self.inner is not None
        return await self.inner.handle_async_request(request)


def stopped(
    school: World, planned: Planned, at: Stopper, faults: Faults | None = None, seconds: float = 0.2
) -> tuple[Applied, Results]:
    """Apply, and stop as `at` says; nothing may leave after that."""
    applied, results = apply_in_place(school, planned, faults, seconds, wire=at.between, stop=at.stop)
    assert at.stop.is_set(), "it was over before"
    assert at.late == []
    return applied, results


def refused(pattern: str, status: int, headers: dict[str, str], times: float = math.inf) -> Faults:
    body = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    return Faults(answers=(Canned(pattern, status, body, headers, times=times),))


def made_by(results: Results) -> set[str]:
    """The usernames of those whom a run has made."""
    made = [id_ for id_, line in results.items() if id_.startswith("create:user:") and line["status"] == "done"]
    return {id_.removeprefix("create:user:").lower() for id_ in made}


# -- nothing leaves, and nobody is waited for


def test_a_batch_that_waits_for_resource_units_does_not_leave(school: World) -> None:
    planned = school.plan(Roster().people(*(f"S{number}" for number in range(10))))
    scope = {"Retry-After": "3", "x-ms-throttle-scope": "Tenant_Application/ReadWrite/app/tenant"}
    at = Stopper("/education/schools", seconds=1)
    applied, _ = stopped(school, planned, at, refused("POST /education/schools", 429, scope, times=1))
    assert applied.stopped
    assert school.apply(planned)[0].complete


def test_who_waits_before_another_attempt_holds_up_neither_the_stop_nor_what_is_known_of_the_others(
    school: World,
) -> None:
    planned = school.plan(Roster().people(*(f"S{number}" for number in range(10))))
    slow = refused("POST /education/users", 429, {"Retry-After": "60"}, times=1)
    at = Stopper("/education/users", seconds=0.5)
    applied, results = stopped(school, planned, at, slow)
    assert applied.stopped
    made = {user["userPrincipalName"] for user in school.tenant.dump()["users"]}
    students = {f"{number}@students.contoso.edu" for number in made_by(results)}
    assert students, "some of that batch were made"
    assert students == {name for name in made if name.startswith("s")}
    told = {line["requests"]: line["error"] for line in results.values() if line["status"] == "skipped"}
    assert told == {0: NOT_SENT, 1: NOT_AGAIN}


def test_what_was_never_sent_is_neither_in_doubt_nor_spent(school: World) -> None:
    sections = [f"C{number}" for number in range(20)]
    roster = Roster().person("T1", role="teacher").people(*(f"S{number}" for number in range(40)))
    for section in sections:
        roster.section(section, teacher="T1")
    school.day(roster)
    fuller = deepcopy(roster)
    for section in sections:
        for number in range(40):
            fuller.enroll(section, f"S{number}")
    planned = school.plan(fuller)
    before, tenant = len(school.writes()), planned.header["tenant"]["id"]
    with school.run() as run:
        earlier = sum(writes for _, writes in spent_lately(run.store, tenant, datetime.now(timezone.utc)))
    applied, _ = stopped(school, planned, Stopper("/groups/", seconds=3), Faults(throttle_writes=(0.001, 5)))
    assert applied.stopped
    with school.run() as run:
        spent = sum(writes for _, writes in spent_lately(run.store, tenant, datetime.now(timezone.utc)))
        assert spent - earlier == len(school.writes()) - before
        assert read_status(run.store)["unsettled"] == 0


def test_a_stop_that_comes_when_all_has_left_is_none(school: World) -> None:
    roster = Roster().people("S1").person("T1", role="teacher").section("C1", teacher="T1", students=["S1"])
    school.day(roster)
    renamed = deepcopy(roster)
    renamed.users[0]["familyName"] = "Other"
    planned = school.plan(renamed)
    applied, _ = stopped(school, planned, Stopper("/users/"))
    assert applied.complete
    assert not applied.stopped
    with school.run() as run:
        assert run.store.value("SELECT count(*) FROM planned.plans") == 0, "what it was made from is remembered"


# -- what is half done


def changed(school: World) -> Planned:
    """A plan with one update that takes two requests: the name and the grade of S1."""
    roster = Roster().people("S1", "S2", grade="08").person("T1", role="teacher")
    school.day(roster.section("C1", teacher="T1", students=["S1", "S2"]))
    later = deepcopy(roster)
    later.users[0]["familyName"] = "Other"
    later.roles[0]["grade"] = "09"
    planned = school.plan(later)
    assert [(one["id"], one["requests"]) for one in planned.changes] == [("update:user:S1", 2)]
    return planned


def is_changed(school: World) -> bool:
    user = school.user("s1@students.contoso.edu")
    return (user["surname"], user["student"]["grade"]) == ("Other", "09")


def test_an_update_that_was_stopped_between_its_requests_is_carried_out_by_the_next_run(school: World) -> None:
    planned = changed(school)
    before = len(school.writes())
    applied, _ = stopped(school, planned, Stopper("/users/"))
    assert applied.stopped
    assert len(school.writes()) == before + 1
    assert not is_changed(school)
    assert school.apply(planned)[0].complete
    assert is_changed(school)


def test_an_update_that_was_refused_between_its_requests_too(school: World) -> None:
    planned = changed(school)
    before = len(school.writes())
    school.sandbox.faults = refused("PATCH /users/.*", 403, {})
    assert school.apply(planned)[0].counts == {"failed": 1}
    assert [path.split("/")[1] for _, path in school.writes()[before:]] == ["education", "users"]
    school.sandbox.faults = Faults()
    assert not is_changed(school)
    applied, results = school.apply(planned)
    assert applied.complete, results
    assert is_changed(school)


def test_what_somebody_else_changed_meanwhile_is_stale_all_the_same(school: World) -> None:
    planned = changed(school)
    stopped(school, planned, Stopper("/users/"))
    user = school.user("s1@students.contoso.edu")["id"]
    record = school.tenant.any(user)
    assert record is not None
    record.values["surname"] = "Third"
    applied, results = school.apply(planned)
    assert applied.counts == {"stale": 1}
    assert "family_name is now 'Third'" in results["update:user:S1"]["error"]


def test_a_create_that_was_stopped_between_its_requests_is_carried_out_by_the_next_run(school: World) -> None:
    school.profile(students="minors = true")
    planned = school.plan(Roster().people("S1", grade="08"))
    assert planned.change("create:user:S1")["requests"] == 2
    applied, _ = stopped(school, planned, Stopper("/education/users"))
    assert applied.stopped
    half = school.user("s1@students.contoso.edu")
    assert not half.get("ageGroup")
    before = len(school.writes())
    assert school.apply(planned)[0].complete
    whole = school.user("s1@students.contoso.edu")
    assert whole["id"] == half["id"]
    assert whole["ageGroup"] == "minor"
    assert ("POST", "/education/users") not in school.writes()[before:]
    assert school.plan().ids() == []


# -- whose a link is


@pytest.mark.parametrize("word", ["/members/$ref", "PATCH /groups/"])
def test_a_member_added_by_hand_is_not_ours_after_a_stop(school: World, word: str) -> None:
    """Stopped at the first of the single requests, or at the one for all that was refused for his sake."""
    roster = Roster().people("S1", "S2", "S3").person("T1", role="teacher")
    school.day(roster.section("C1", teacher="T1", students=["S1"]))
    fuller = deepcopy(roster).enroll("C1", "S2").enroll("C1", "S3")
    planned = school.plan(fuller)
    at = Stopper(word)

    class ByHand(httpx.AsyncBaseTransport):
        """A teacher is quicker than our first write."""

        done = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if not self.done and request.url.path.endswith("$batch") and b"PATCH" in request.content:
                self.done = True
                student = school.user("s2@students.contoso.edu")["id"]
                school.tenant.add_member(school.group("Section_C1")["id"], student)
            assert at.inner is not None
            return await at.handle_async_request(request)

    def wire(inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        at.between(inner)
        return ByHand()

    applied, _ = apply_in_place(school, planned, wire=wire, stop=at.stop)
    assert applied.stopped
    assert at.late == []
    applied, results = school.apply(planned)
    assert results["add:member:C1/S3"]["status"] == "done"
    left = deepcopy(fuller)
    left.enrollments = [row for row in left.enrollments if row["userSourcedId"] != "S2"]
    assert school.plan(left).ids("member") == [], "he was not added by us, so it is not ours to take him out"
