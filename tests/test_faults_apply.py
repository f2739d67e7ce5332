"""A whole run through trouble: it ends with the right tenant, or with failures that each have a name."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.inplace import apply_in_place
from support.killing import ending
from support.world import Roster, World, world

from provision.apply import journal
from provision.errors import DirectoryError, StateError
from provision.sandbox import Canned, Faults

pytestmark = pytest.mark.once
DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}


def district(students: int) -> Roster:
    """Two schools with teachers and classes of five."""
    roster = Roster()
    for number in range(students):
        roster.person(f"S{number}", org="10" if number % 2 else "11", grade="08")
    for number in range(0, students, 5):
        roster.person(f"T{number}", role="teacher", org="10" if number % 2 else "11")
        roster.section(f"C{number}", teacher=f"T{number}", org="10" if number % 2 else "11",
                       students=[f"S{n}" for n in range(number, min(number + 5, students))])  # fmt: skip
    return roster


PROFILE = {"licenses": '["STANDARDWOFFPACK_STUDENT"]', "school_groups": 'all = ["students"]'}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """How it ends without trouble, by the number of students."""
    found = {}
    for students in (6, 60):
        with world(tmp_path_factory.mktemp("right")) as school:
            school.profile(**PROFILE)
            applied, _ = apply_in_place(school, school.plan(district(students)))
            assert applied.complete
            found[students] = ending(school)
    assert len(found[60]["tenant"]["users"]) == 2 + 60 + 12
    return found


def ends_right(school: World, right: dict[str, Any]) -> None:
    ended = ending(school)
    for part, wanted in right.items():
        assert ended[part] == wanted, part
    assert school.plan().ids() == []


WHOLE_RUN = {
    "1 % of all": Faults(chance=0.01, seed=1),
    "1 % of all, connections cut": Faults(chance=0.01, seed=2, cut_connections=True),
    "replicas five minutes behind": Faults(lag_seconds=300),
    "replicas five minutes behind, answers lost": Faults(lag_seconds=300, lose_answers=9),
}


@pytest.mark.parametrize("trouble", WHOLE_RUN)
def test_a_first_load_through_trouble(school: World, right: dict[int, Any], trouble: str) -> None:
    school.profile(**PROFILE)
    applied, results = apply_in_place(school, school.plan(district(60)), WHOLE_RUN[trouble])
    assert applied.complete, [line for line in results.values() if line["status"] != "done"][:3]
    ends_right(school, right[60])


def test_a_service_that_takes_a_minute_for_an_answer(school: World, right: dict[int, Any]) -> None:
    school.profile(**PROFILE)
    applied, _ = apply_in_place(school, school.plan(district(6)), seconds=60)
    assert applied.complete
    ends_right(school, right[6])


# -- what fails stops what depends on it, and nothing else

FAILING = {
    "a user": (r"POST /education/users", "create:user:"),
    "a school": (r"POST /education/schools", "create:school:"),
    "a class": (r"POST /education/classes", "create:section:"),
    "a group": (r"PATCH /groups\(.*\)", "create:school_group:"),
    "the members of a class": (r"PATCH /groups/[^/]+|POST /groups/.*/(members|owners)/.*", "add:"),
    "a licence": (r"POST /users/.*/assignLicense", "add:license:"),
    "a user of a school": (r"POST /education/schools/.*/users/.*", "add:school_user:"),
    "a class of a school": (r"POST /education/schools/.*/classes/.*", "add:school_section:"),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_write_that_fails_stops_what_depends_on_it_and_nothing_else(
    school: World, right: dict[int, Any], what: str
) -> None:
    """One of the kind fails, or for links of a group one request does."""
    school.profile(**PROFILE)
    planned = school.plan(district(6))
    requests, ids = FAILING[what]
    faults = Faults(answers=(Canned(requests, 403, DENIED, times=1),))
    applied, results = apply_in_place(school, planned, faults)
    failed = {id_ for id_, line in results.items() if line["status"] == "failed"}
    assert failed
    assert all(id_.startswith(ids) and "Authorization_RequestDenied" in results[id_]["error"] for id_ in failed)
    needing = dependents(planned.changes, failed)
    assert {id_ for id_, line in results.items() if line["status"] == "skipped"} == needing
    for id_ in needing:
        assert "which was not done" in results[id_]["error"]
    assert applied.counts == {"done": len(results) - len(failed) - len(needing), "failed": len(failed),
                              **({"skipped": len(needing)} if needing else {})}  # fmt: skip
    again, _ = apply_in_place(school, planned)
    assert again.complete
    ends_right(school, right[6])


def dependents(changes: list[dict[str, Any]], failed: set[str]) -> set[str]:
    """What needs one of these, at any distance."""
    found: set[str] = set()
    while more := {change["id"] for change in changes if (failed | found) & set(change["depends_on"])} - found:
        found |= more
    return found


# -- the network


class Line(httpx.AsyncBaseTransport):
    """A network that goes away at the nth call that writes, for so many calls."""

    def __init__(self, inner: httpx.AsyncBaseTransport, at: int, calls: float, error: Exception) -> None:
        self._inner, self._at, self._calls, self._error = inner, at, calls, error
        self._seen = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._seen += self._seen >= self._at or b'"method": "P' in await request.aread()
        if self._at <= self._seen < self._at + self._calls:
            raise self._error
        return await self._inner.handle_async_request(request)


GONE = {
    "the name is not known": httpx.ConnectError("[Errno -2] Name or service not known"),
    "the certificate is another": httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"),
    "no answer in time": httpx.ReadTimeout("timed out"),
}


@pytest.mark.parametrize("how", GONE)
def test_a_network_that_comes_back_and_one_that_does_not(school: World, right: dict[int, Any], how: str) -> None:
    school.profile(**PROFILE)
    planned = school.plan(district(6))
    with pytest.raises(DirectoryError) as caught:
        apply_in_place(school, planned, wire=lambda inner: Line(inner, 1, float("inf"), GONE[how]))
    told = " ".join([caught.value.message, *caught.value.details])
    assert str(GONE[how]) in told
    assert "--resume" in told
    applied, _ = apply_in_place(school, planned, wire=lambda inner: Line(inner, 2, 5, GONE[how]))
    assert applied.complete
    ends_right(school, right[6])


# -- the disk


class Disk:
    """A disk that is full from the nth write on; of that one half is written."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0
        self.real = os.write

    def write(self, handle: int, data: bytes) -> int:
        self.seen += 1
        if self.seen < self.at:
            return self.real(handle, data)
        if self.seen == self.at and len(data) > 1:
            return self.real(handle, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_at_any_write(
    tmp_path: Path, right: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent that is not written down, and the next run ends it."""
    fulls = 0
    for at in count(1, 2):
        folder = tmp_path / str(at)
        folder.mkdir()
        with world(folder) as school, monkeypatch.context() as full:
            school.profile(**PROFILE)
            planned = school.plan(district(6))
            disk = Disk(at)
            full.setattr(os, "write", disk.write)
            with suppress(StateError):
                apply_in_place(school, planned)
                fulls -= 1
            fulls += 1
            full.undo()
            if disk.seen >= at:
                applied, results = apply_in_place(school, planned)
                assert applied.complete, [line for line in results.values() if line["status"] != "done"][:3]
            ends_right(school, right[6])
            if disk.seen < at:
                break
    assert fulls >= 3


# -- the clock


def jumping() -> Iterator[datetime]:
    """The time, an hour to and fro."""
    for number in count():
        yield datetime.now(timezone.utc) + timedelta(hours=number % 3 - 1)


def test_a_clock_that_jumps_an_hour_to_and_fro(
    school: World, right: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.profile(**PROFILE)
    planned = school.plan(district(6))
    moments = jumping()
    monkeypatch.setattr(journal, "_now", lambda: next(moments))
    faults = Faults(lose_answers=5, fail_every=7, retry_after="date")
    applied, _ = apply_in_place(school, planned, faults)
    assert applied.complete
    ends_right(school, right[6])
