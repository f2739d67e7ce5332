"""Following a directory: what has changed since the last read gives the same tables as reading everything anew."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import DirectoryError
from provision.graph import GraphReader, connect
from provision.graph.clock import Clock
from provision.graph.reader import OBJECT_TABLES
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant
from provision.store import Store
from provision.store.database import in_memory

WANTED = """
    CREATE OR REPLACE TABLE run.wanted AS
    SELECT unnest(['member', 'owner']) AS kind, object_id FROM current.sections
    UNION ALL SELECT 'group_member', object_id FROM current.groups WHERE NOT unified
    UNION ALL SELECT unnest(['school_user', 'school_section']), object_id FROM current.schools"""


class Told(httpx.AsyncBaseTransport):
    """A tenant whose requests are noted; `spoil` may put another answer in the place of one."""

    def __init__(self, tenant: Tenant, faults: Faults | None = None, spoil: Callable[[str], Any] | None = None) -> None:
        self._inner = SandboxTransport(Sandbox(tenant, faults or Faults()))
        self._spoil = spoil or (lambda _: None)
        self.calls: list[str] = []
        self.parts: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.calls.append(path)
        if not path.endswith("$batch"):
            return self._spoil(path) or await self._inner.handle_async_request(request)
        urls = {one["id"]: one["url"] for one in json.loads(await request.aread())["requests"]}
        self.parts += urls.values()
        answer = await self._inner.handle_async_request(request)
        body = json.loads(answer.content)
        for one in body["responses"]:
            if spoiled := self._spoil(urls[one["id"]]):
                one |= {"status": spoiled.status_code, "body": json.loads(spoiled.content)}
        return httpx.Response(answer.status_code, json=body)


def instead(part: str, answer: httpx.Response) -> Callable[[str], httpx.Response | None]:
    """The answer to whatever has `part` in its address."""
    return lambda url: answer if part in url else None


@contextmanager
def a_store() -> Iterator[Store]:
    with closing(in_memory()) as store:
        yield store


@pytest.fixture
def store() -> Iterator[Store]:
    """A store that has read nothing yet."""
    with a_store() as made:
        yield made


def read(store: Store, tenant: Tenant, faults: Faults | None = None, spoil: Callable[[str], Any] | None = None) -> Told:
    """Read objects and links; gives what was asked."""
    told = Told(tenant, faults, spoil)

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    async def run() -> None:
        url = "https://graph.microsoft.com"
        async with connect(url, "contoso.edu", transport=told, clock=Clock(sleep=sleep)) as graph:
            await GraphReader(graph).read_objects(store)
            store.run(WANTED)
            await GraphReader(graph).read_links(store)

    asyncio.run(run())
    return told


def directory(store: Store) -> dict[str, list[Any]]:
    """Everything that is known, in order."""
    found = {table: sorted(store.rows(f"SELECT * FROM current.{table}"), key=str) for table in OBJECT_TABLES}
    wanted = "kind = 'license' OR (kind, left_id) IN (SELECT (kind, object_id) FROM run.wanted)"
    return {**found, "links": sorted(store.rows(f"SELECT * FROM current.links WHERE {wanted}"))}


def anew(tenant: Tenant) -> dict[str, list[Any]]:
    """What a first read finds."""
    with a_store() as store:
        read(store, tenant)
        return directory(store)


def small_school() -> Tenant:
    tenant = Tenant.new()
    school = tenant.add_school(displayName="Hill School", externalId="10")
    section = tenant.add_class(displayName="Art", mailNickname="Section_1", externalId="1")
    group = tenant.add_group(displayName="Students", mailNickname="students", uniqueName="provision_x")
    tenant.add_member(school, section)
    for n in range(4):
        user = tenant.add_user(userPrincipalName=f"s{n}@contoso.edu", student={"externalId": f"S{n}"})
        for holder in (school, section, group):
            tenant.add_member(holder, user)
    tenant.add_owner(section, tenant.add_user(userPrincipalName="kim@contoso.edu", teacher={"externalId": "T1"}))
    return tenant


def first(tenant: Tenant, kind: str, education: str = "") -> str:
    return next(key for key, record in tenant.live[kind].items() if not education or record.education == education)


def student(tenant: Tenant, n: int) -> str:
    (found,) = tenant.lookup("user", "userPrincipalName", f"s{n}@contoso.edu")
    return found


def test_nothing_has_changed_in_one_round_trip_of_ten(store: Store) -> None:
    tenant = small_school()
    read(store, tenant)
    before = directory(store)
    told = read(store, tenant)
    assert (told.calls, len(told.parts)) == (["/v1.0/$batch"], 10)
    assert directory(store) == before


def test_what_changed_is_all_that_is_told(store: Store) -> None:
    tenant = small_school()
    read(store, tenant)
    tenant.update(student(tenant, 0), displayName="Another Name")
    tenant.remove_member(first(tenant, "group", "class"), student(tenant, 1))
    told = read(store, tenant)
    assert told.calls == ["/v1.0/$batch"]
    assert directory(store) == anew(tenant)
    assert store.value("SELECT display_name FROM current.users WHERE object_id = ?", [student(tenant, 0)]) == (
        "Another Name"
    )


def test_more_changes_than_a_page_holds(store: Store) -> None:
    tenant = small_school()
    read(store, tenant)
    section = first(tenant, "group", "class")
    for n in range(450):
        tenant.add_member(
            section, tenant.add_user(userPrincipalName=f"n{n}@contoso.edu", student={"externalId": f"{n}"})
        )
    told = read(store, tenant)
    assert sum("skiptoken" in call for call in told.calls) == 4  # two further pages of users, two of education users
    assert directory(store) == anew(tenant)


def test_very_many_changes_are_not_told_one_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = small_school()
    read(store, tenant)
    monkeypatch.setattr("provision.graph.feeds.MOST_PAGES", 2)
    for n in range(401):
        tenant.add_user(userPrincipalName=f"n{n}@contoso.edu")
    told = read(store, tenant)
    assert [call for call in told.calls if call.startswith("/v1.0/users?")]
    assert directory(store) == anew(tenant)


def _made(tenant: Tenant, random: Random) -> None:
    user = tenant.add_user(userPrincipalName=f"x{tenant.sequence}@contoso.edu", jobTitle=str(random.random()))
    if random.random() < 0.7:
        tenant.update(user, student={"externalId": f"X{tenant.sequence}"})


def _any(tenant: Tenant, random: Random, kind: str, education: str = "") -> str:
    known = [key for key, each in tenant.live[kind].items() if not education or each.education == education]
    return random.choice(known or [""])


def _renamed(tenant: Tenant, random: Random) -> None:
    kind = random.choice(["user", "group", "administrativeUnit"])
    if one := _any(tenant, random, kind):
        tenant.update(one, displayName=f"name {random.random()}")


def _emptied(tenant: Tenant, random: Random) -> None:
    if one := _any(tenant, random, "user"):
        tenant.update(one, jobTitle=None, student=None)


def _joined(tenant: Tenant, random: Random) -> None:
    holder = _any(tenant, random, random.choice(["group", "administrativeUnit"]))
    if holder:
        tenant.add_member(holder, _any(tenant, random, "user"))


def _left(tenant: Tenant, random: Random) -> None:
    holder = _any(tenant, random, random.choice(["group", "administrativeUnit"]))
    record = tenant.any(holder)
    members = list(record.ids("members")) if record else []
    if members:
        tenant.remove_member(holder, random.choice(members))


def _owned(tenant: Tenant, random: Random) -> None:
    tenant.add_owner(_any(tenant, random, "group"), _any(tenant, random, "user"))


def _licensed(tenant: Tenant, random: Random) -> None:
    tenant.assign_license(_any(tenant, random, "user"), "STANDARDWOFFPACK_STUDENT")


def _binned(tenant: Tenant, random: Random) -> None:
    if (one := _any(tenant, random, "user")) and not tenant.roles_of(one):
        tenant.delete_user(one)


def _group_binned(tenant: Tenant, random: Random) -> None:
    if len(tenant.live["group"]) > 1:
        tenant.delete_group(_any(tenant, random, "group"))


def _back(tenant: Tenant, random: Random) -> None:
    if tenant.deleted:
        tenant.restore(random.choice(list(tenant.deleted.values())))


def _purged(tenant: Tenant, random: Random) -> None:
    if tenant.deleted:
        tenant.purge(random.choice(list(tenant.deleted.values())))


def _opened(tenant: Tenant, random: Random) -> None:
    number = tenant.sequence
    made = tenant.add_class(displayName="New", mailNickname=f"Section_{number}", externalId=str(number))
    if random.random() < 0.5:
        tenant.add_member(_any(tenant, random, "administrativeUnit"), made)


DEEDS = (_made, _renamed, _emptied, _joined, _left, _owned, _licensed, _binned, _group_binned, _back, _purged, _opened)


@settings(max_examples=2 * int(os.environ.get("LAW_EXAMPLES", "3")), deadline=None, derandomize=True)
@given(st.lists(st.lists(st.sampled_from(DEEDS), max_size=8), min_size=1, max_size=4), st.integers(0, 1_000))
def test_following_day_after_day_is_reading_anew(days: list[list[Any]], seed: int) -> None:
    tenant, random = small_school(), Random(seed)
    with a_store() as store:
        read(store, tenant)
        for deeds in days:
            for deed in deeds:
                deed(tenant, random)
            told = read(store, tenant)
            assert not [call for call in told.calls if call.startswith("/v1.0/users?")]  # it was followed
            assert directory(store) == anew(tenant)


ERROR = {"error": {"code": "", "message": "", "innerError": {}}}


def _refusing(status: int, code: str) -> Callable[[str], Any]:
    def spoil(url: str) -> Any:
        if "/users/delta?" in url and "latest" not in url:
            return httpx.Response(status, json={"error": {"code": code, "message": "Start anew."}})
        return None

    return spoil


@pytest.mark.parametrize(
    ("faults", "spoil"),
    [
        (Faults(delta_tokens="gone"), None),
        (Faults(delta_tokens="old"), None),
        (None, _refusing(400, "syncStateNotFound")),
        (None, _refusing(410, "resyncRequired")),
    ],
)
def test_a_token_that_is_not_good_any_more_leads_to_reading_anew(
    store: Store, faults: Faults | None, spoil: Callable[[str], Any] | None
) -> None:
    tenant = small_school()
    read(store, tenant)
    tenant.update(student(tenant, 0), displayName="Another Name")
    told = read(store, tenant, faults, spoil)
    assert [call for call in told.calls if call.startswith("/v1.0/users?")]
    assert directory(store) == anew(tenant)
    assert read(store, tenant).calls == ["/v1.0/$batch"]  # and is followed again


@pytest.mark.parametrize(
    "mend",
    [
        "UPDATE current.reading SET read_at = now() - INTERVAL 8 DAYS",
        "UPDATE current.reading SET tenant = 'another'",
        "UPDATE current.reading SET root = 'https://another'",
        "DELETE FROM current.tokens WHERE feed LIKE '/education/classes%'",
    ],
)
def test_what_was_read_too_long_ago_or_elsewhere_is_read_anew(store: Store, mend: str) -> None:
    tenant = small_school()
    read(store, tenant)
    store.run(mend)
    assert "/v1.0/education/classes" in read(store, tenant).calls


def test_a_page_that_fails_in_the_middle_fails_the_read_and_changes_nothing(store: Store) -> None:
    tenant = small_school()
    read(store, tenant)
    before = directory(store)
    for n in range(250):
        tenant.add_user(userPrincipalName=f"n{n}@contoso.edu")
    broken = instead("skiptoken", httpx.Response(503))
    with pytest.raises(DirectoryError, match="/users/delta"):
        read(store, tenant, spoil=broken)
    assert directory(store) == before
    assert read(store, tenant).calls[0] == "/v1.0/$batch"
    assert directory(store) == anew(tenant)


def test_a_last_page_without_a_token_is_no_end(store: Store) -> None:
    tenant = small_school()
    read(store, tenant)
    cut = instead("/groups/delta", httpx.Response(200, json={"value": []}))
    with pytest.raises(DirectoryError, match="/groups/delta"):
        read(store, tenant, spoil=cut)


def test_where_there_are_no_feeds_everything_is_read_each_time(store: Store) -> None:
    tenant = small_school()
    none = instead("/education/schools/delta", httpx.Response(404, json=ERROR))
    read(store, tenant, spoil=none)
    assert "/v1.0/education/classes" in read(store, tenant, spoil=none).calls


def test_where_a_school_is_no_administrative_unit_of_the_same_id_everything_is_read_each_time(store: Store) -> None:
    tenant = small_school()
    other = instead("Units?", httpx.Response(200, json={"value": [{"id": "x"}]}))
    read(store, tenant, spoil=other)
    assert "/v1.0/education/classes" in read(store, tenant).calls


def test_who_comes_back_from_the_bin_still_sits_in_the_class(store: Store) -> None:
    tenant = small_school()
    who, section = student(tenant, 0), first(tenant, "group", "class")
    read(store, tenant)
    record = tenant.find("user", who)
    assert record
    seat = "SELECT count(*) FROM current.links WHERE kind = 'member' AND left_id = ? AND right_id = ?"
    tenant.delete(record)
    read(store, tenant)
    assert store.value("SELECT count(*) FROM current.users WHERE object_id = ?", [who]) == 0
    assert store.value(seat, [section, who]) == 0
    tenant.restore(tenant.deleted[who])
    read(store, tenant)
    assert store.value(seat, [section, who]) == 1
