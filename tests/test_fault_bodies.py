"""Every documented refusal, on every kind of write, in a batch and in place of one: once, and then it ends right; or
always, and then each write fails by itself, says why, and has changed nothing.

The rows are the statuses and bodies that Microsoft documents or that were seen on the wire
(learn.microsoft.com/graph/errors, /graph/throttling).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
from test_graph_writer import World, create, link, update

from provision.apply.writer import Outcome, Reference, Write
from provision.errors import DirectoryError
from provision.graph import GraphReader
from provision.sandbox import Canned, Faults
from provision.store import Store, in_memory

HTML = "<html><head><title>502 Bad Gateway</title></head></html>"


@dataclass(frozen=True)
class Row:
    """A refusal. `again`: it passes, and the request is sent again; else it is final, but `there` means that the link
    is there, `gone` that it is not, and `one` that one of several references may be to blame."""

    status: int
    code: str = ""
    message: str = ""
    details: str = ""
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    again: bool = False
    there: bool = False
    gone: bool = False

    @property
    def one(self) -> bool:
        return self.status in (400, 404) or self.code == "Directory_QuotaExceeded"

    @property
    def name(self) -> str:
        words = [str(self.status), self.code or (self.text or "empty")[:12], self.message[:40], *dict(self.headers)]
        return " ".join(filter(None, words))

    def canned(self, requests: str, times: float) -> Canned:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [{"code": self.details, "message": self.message, "target": "userPrincipalName"}]
        body: object = {"error": error} if self.code else self.text
        return Canned(requests, self.status, body, dict(self.headers), times)


def bad(message: str, details: str = "", *, there: bool = False, gone: bool = False) -> Row:
    return Row(400, "Request_BadRequest", message, details, there=there, gone=gone)


def passing(status: int, code: str = "", message: str = "", text: str | None = None, **headers: str) -> Row:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Row(status, code, message, text=text, headers=named, again=True)


LATER = "Please retry again later."
GONE = "Resource '1' does not exist or one of its queried reference-property objects are not present."
ROWS = (
    bad("Another object with the same value for property userPrincipalName already exists.", "ObjectConflict",
        there=True),
    bad("One or more added object references already exist for the following modified properties: 'members'.",
        there=True),
    bad("One or more removed object references do not exist for the following modified properties: 'members'.",
        gone=True),
    Row(404, "Request_ResourceNotFound", GONE, gone=True),
    bad("The group must have at least one owner, hence this owner cannot be removed."),
    bad("A resource cannot contain more than 20 link changes"),
    Row(403, "Directory_QuotaExceeded", "Unable to perform operation as '101' would exceed the maximum quota count "
        "'100' for forward-link 'owners'."),
    Row(403, "Directory_QuotaExceeded", "The directory object quota limit for the Tenant has been exceeded."),
    bad("The domain portion of the userPrincipalName property is invalid.", "InvalidValue"),
    bad("The specified password does not comply with password complexity requirements."),
    bad("Invalid value specified for property 'mailNickname' of resource 'User'."),
    bad("A value is required for property 'mailNickname' of resource 'Group'."),
    bad("License assignment cannot be done for user with invalid usage location."),
    bad("Subscription with SKU 1 does not have any available licenses."),
    bad("Unable to update the specified properties for on-premises mastered Directory Sync objects."),
    Row(400, "Request_UnsupportedQuery", "Unsupported Query."),
    Row(400, "BadRequest", "Write requests are only supported on contained entities"),
    Row(400, "MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20."),
    Row(400, "Directory_ResultSizeLimitExceeded", "The result is too large."),
    Row(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    Row(403, "Forbidden", "Required roles claim values are not provided"),
    Row(403, text="<html>a proxy</html>"),
    Row(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
    Row(409, "Request_MultipleObjectsWithSameKeyValue", "A conflicting object with one or more of the specified "
        "property values is present in the directory.", there=True),
    Row(410, "syncStateNotFound", "The sync state generation is not found."),
    Row(501, "NotImplemented", "This operation target is not yet supported."),
    Row(507, "insufficientStorage", "The maximum storage quota has been reached."),
    passing(409, "Directory_ConcurrencyViolation", "Error due to concurrent requests."),
    passing(409, "Directory_ConcurrencyViolation", "Error due to concurrent requests.", Retry_After="7"),
    passing(424, "FailedDependency", "The request depends on another one that failed."),
    passing(429, "TooManyRequests", LATER, Retry_After="3"),
    passing(429, "TooManyRequests", LATER, Retry_After="2.128"),
    passing(429, "activityLimitReached", LATER, Retry_After="Sun, 22 Nov 2020 10:00:31 GMT"),
    passing(429, "Request_ThrottledTemporarily", LATER),
    passing(429, "UnknownError", ""),
    passing(503, "Request_ThrottledTemporarily", LATER, Retry_After="5"),
    passing(500, "Service_InternalServerError", "Encountered an internal server error."),
    passing(500, "UnknownError", ""),
    passing(500, "generalException", "General exception while processing"),
    passing(502, text=HTML),
    passing(502, "UnknownError", ""),
    passing(503, "ServiceUnavailable", "The service is temporarily unavailable."),
    passing(504, "UnknownError", ""),
    passing(504, text=HTML),
    passing(504),
    passing(408, "RequestTimeout", "The request timed out."),
    passing(200, text=HTML),
)  # fmt: skip


TORN = (passing(200, text='{"responses": [{"id": "1", "status": 20'), passing(200, text="{}"), passing(200, text=""))
"""JSON that ends too early, or is none of what was asked for: not an answer."""


def one_of_each(*rows: Row) -> list[Row]:
    """Those that pass take long where they do not: one with JSON, one without, of a few that stand for the others."""
    kinds = {
        (row.status, row.text is None): row for row in rows if row.again and row.status in (200, 409, 429, 500, 504)
    }
    return [row for row in rows if not row.again] + list(kinds.values())


class Directory(World):
    """A tenant, and one write of every kind and action for it."""

    def __init__(self) -> None:
        super().__init__(seats=9)
        tenant = self.tenant
        self.users = [tenant.add_user(displayName=f"Old {n}", usageLocation="US") for n in range(4)]
        self.school, self.other_school, third = (tenant.add_school(displayName=f"Old {n}") for n in range(3))
        self.sections = [tenant.add_class(displayName=f"Old class {n}", mailNickname=f"Section_9{n}") for n in range(4)]
        self.groups = [tenant.add_group(displayName=f"Old group {n}", mailNickname=f"g{n}") for n in range(4)]
        self.group = self.groups[0]
        self.sku = next(iter(tenant.skus))
        a, b, c, d = self.users
        for holder in (self.sections[2], self.groups[2], third):
            tenant.add_member(holder, c)
        self.removals = [self.sections[2], self.groups[2], third]
        self.writes = {
            "make a user": create("user"),
            "make a school": create("school"),
            "make a class": create("section"),
            "make a group": create("school_group"),
            "alter a user": update("user", a, display_name="New"),
            "alter a pupil": update("user", b, grade="09"),
            "alter a school": update("school", self.other_school, display_name="New"),
            "alter a class": update("section", self.sections[3], display_name="New"),
            "alter a group": update("school_group", self.groups[3], display_name="New"),
            "add to a class": link("member", "add", self.sections[0], a, Reference("owner", b)),
            "add to a group": link("group_member", "add", self.group, a, b),
            "add a user to a school": link("school_user", "add", self.school, a),
            "add a class to a school": link("school_section", "add", self.other_school, self.sections[1]),
            "license": link("license", "add", d, self.sku),
            "license a group": link("group_license", "add", self.groups[1], self.sku),
            "take from a class": link("member", "remove", self.sections[2], c),
            "take from a group": link("group_member", "remove", self.groups[2], c),
            "take from a school": link("school_user", "remove", third, c),
        }
        # two links of one school, or two writes of one object, never travel together: see the ready queue
        self.second = {"add a class to a school"}

    def refuse(self, row: Row, times: float) -> None:
        """Give every write this answer, the first `times`."""
        paths = [
            r"POST /education/users", r"POST /education/schools", r"POST /education/classes",
            r"PATCH /groups\(.*\)", rf"PATCH /users/{self.users[0]}", rf"PATCH /education/users/{self.users[1]}",
            r"PATCH /education/schools/.*", r"PATCH /education/classes/.*",
            *(rf"PATCH /groups/{group}" for group in (self.sections[0], self.groups[0], self.groups[3])),
            r"POST /education/schools/.*/users/\$ref", r"POST /education/schools/.*/classes/\$ref",
            r"POST /users/.*/assignLicense", r"POST /groups/.*/assignLicense",
            *(rf"DELETE .*/{holder}/.*" for holder in self.removals),
        ]  # fmt: skip
        if times > 1:
            paths = [r"(POST|PATCH|DELETE) .*"]
        self.sandbox.faults = Faults(answers=tuple(row.canned(path, times) for path in paths))

    def carry_out(self, *names: str) -> dict[str, list[Outcome]]:
        """The outcomes of these writes, or of all."""
        chosen = {name: write for name, write in self.writes.items() if not names or name in names}
        first = [name for name in chosen if name not in self.second]
        then = [name for name in chosen if name in self.second]
        found: dict[str, list[Outcome]] = {}
        for some in (first, then):
            if some:
                found |= dict(zip(some, self.run([chosen[name] for name in some]), strict=True))
        return found

    def looks(self) -> dict[str, Any]:
        """The tenant, without what counts requests or depends on the order in which objects are made."""
        dump = self.tenant.dump()
        made = {"Alex Reed", "Hill School", "Art 1", "Students - Hill School"}
        for kind in ("users", "groups", "classes", "schools"):
            for each in dump[kind]:
                if each.get("displayName") in made:
                    each.pop("id")
        return {name: value for name, value in dump.items() if name not in ("requests", "writes")}


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    """The tenant after all writes, without any trouble."""
    directory = Directory()
    done = directory.carry_out()
    assert {outcome.status for some in done.values() for outcome in some} == {"done"}
    return directory.looks()


def expected(row: Row, write: Write, *, always: bool) -> str:
    """What becomes of a write that gets this answer."""
    if row.again:
        return "failed" if always else "done"
    several = len(write.references) > 1
    if several and row.one and not always:
        return "done"  # each reference had a request of its own
    if (write.action == "add" and row.there) or (write.action == "remove" and row.gone):
        return "already"
    return "failed"


def say_why(row: Row, outcome: Outcome) -> bool:
    """Whether the failure names what the service said."""
    told = outcome.error or ""
    return str(row.status) in told and row.code in told and row.message.rstrip(".") in told


@pytest.mark.once
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_refusal_that_comes_once(row: Row, right: dict[str, Any]) -> None:
    directory = Directory()
    directory.refuse(row, 1)
    outcomes = directory.carry_out()
    for name, some in outcomes.items():
        wanted = expected(row, directory.writes[name], always=False)
        assert {outcome.status for outcome in some} == {wanted}, (name, some)
        assert wanted != "failed" or all(say_why(row, outcome) for outcome in some), (name, some)
    left = [name for name, some in outcomes.items() if {outcome.status for outcome in some} & {"failed", "already"}]
    if left:  # as the next run would
        again = directory.carry_out(*left)
        assert {outcome.status for some in again.values() for outcome in some} == {"done"}
    assert directory.looks() == right


@pytest.mark.once
@pytest.mark.parametrize("row", one_of_each(*ROWS), ids=lambda row: row.name)
def test_a_refusal_that_stays(row: Row, right: dict[str, Any]) -> None:
    directory = Directory()
    before = directory.looks()
    directory.refuse(row, float("inf"))
    for name, some in directory.carry_out().items():
        wanted = expected(row, directory.writes[name], always=True)
        assert {outcome.status for outcome in some} == {wanted}, (name, some)
        assert wanted != "failed" or all(say_why(row, outcome) for outcome in some), (name, some)
    assert directory.looks() == before
    assert before != right


@pytest.mark.parametrize("what", ["make a user", "make a school", "make a class", "make a group"])
def test_what_an_earlier_run_made_is_found_however_far_replicas_are_behind(what: str) -> None:
    """A run was killed before it had the answer, and the next one begins while nobody knows the object yet."""
    directory = Directory()
    directory.sandbox.faults = Faults(lag_seconds=300)
    ((made,),) = directory.carry_out(what).values()
    write = replace(directory.writes[what], attempted=True)
    ((found,),) = directory.run([write])
    assert (found.status, found.object_id) == ("done", made.object_id)
    assert 300 <= directory.time < 900


WHOLE = [row for row in one_of_each(*ROWS) if row.again or row.code in ("MaximumValueExceeded", "Forbidden")]


@pytest.mark.once
@pytest.mark.parametrize("row", [*WHOLE, *TORN], ids=lambda row: row.name)
@pytest.mark.parametrize("always", [False, True])
def test_a_batch_that_is_refused_whole(row: Row, always: bool, right: dict[str, Any]) -> None:
    directory = Directory()
    before = directory.looks()
    canned = row.canned(r"POST /\$batch", float("inf") if always else 1)
    directory.sandbox.faults = Faults(answers=(canned,))
    names = ("make a school", "make a user", "add to a group", "license", "alter a class", "take from a class")
    if always and row in TORN:
        with pytest.raises(DirectoryError):
            directory.carry_out(*names)
        assert directory.looks() == before
        return
    outcomes = directory.carry_out(*names)
    statuses = {outcome.status for some in outcomes.values() for outcome in some}
    assert statuses <= {"done", "failed", "already"}
    if always:
        assert "done" not in statuses
        assert directory.looks() == before
        return
    if row.again:
        assert statuses == {"done"}
    directory.sandbox.faults = Faults()
    left = [name for name, some in outcomes.items() if {outcome.status for outcome in some} != {"done"}]
    left += [name for name in directory.writes if name not in names]
    assert {one.status for some in directory.carry_out(*left).values() for one in some} <= {"done", "already"}
    assert directory.looks() == right


@pytest.mark.once
@pytest.mark.parametrize("row", [*WHOLE, *TORN], ids=lambda row: row.name)
def test_a_read_that_is_refused(row: Row) -> None:
    """Once and passing: nothing is missing. Otherwise an error, and nothing is known that may be half."""
    directory = Directory()
    for times in (1, float("inf")):
        store = in_memory()
        directory.sandbox.faults = Faults(answers=(row.canned("GET /education/users", times),))
        fine = row.again and times == 1 and row not in TORN
        try:
            if fine:
                read(directory, store)
                assert store.value("SELECT count(*) FROM current.users") == len(directory.tenant.live["user"])
            else:
                with pytest.raises(DirectoryError) as caught:
                    read(directory, store)
                assert "could not be read" in caught.value.message
                assert store.value("SELECT count(*) FROM current.objects") == 0
        finally:
            store.close()


def read(directory: Directory, store: Store) -> None:
    async def story() -> None:
        async with directory.connected() as graph:
            await GraphReader(graph).read_objects(store)

    asyncio.run(story())
