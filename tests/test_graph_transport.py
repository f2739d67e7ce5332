"""The one place that sends lets no request through that could delete an object."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping

import httpx
import pytest

from provision.errors import DirectoryError
from provision.graph.transport import Guard

METHODS = ("delete", "Delete", "PUT", "PURGE", "MERGE")
BASE = "https://graph.microsoft.com/v1.0"
GROUP, CLASS, SCHOOL, USER = (f"{n}0000000-aaaa-4bbb-8ccc-00000000000{n}" for n in range(1, 5))
ALLOWED = (
    f"/groups/{GROUP}/members/{USER}/$ref",
    f"/education/classes/{CLASS}/members/{USER}/$ref",
    f"/education/schools/{SCHOOL}/users/{USER}/$ref",
    f"/directory/administrativeUnits/{SCHOOL}/members/{USER}/$ref",
)
OBJECTS = (
    f"/users/{USER}",
    "/users/alex@contoso.edu",
    f"/groups/{GROUP}",
    "/groups(uniqueName='provision_x')",
    f"/education/users/{USER}",
    f"/education/classes/{CLASS}",
    f"/education/schools/{SCHOOL}",
    f"/directory/administrativeUnits/{SCHOOL}",
    f"/directory/deletedItems/{USER}",
    f"/directoryObjects/{USER}",
    f"/groups/{GROUP}/members/{USER}",
    f"/groups/{GROUP}/members/{USER}/",
    f"/groups/{GROUP}/members/$ref",
    f"/groups/{GROUP}/members/{USER}/microsoft.graph.user/$ref",
    f"/groups/{GROUP}/owners/{USER}/$ref",
    f"/groups/{GROUP}/team",
    f"/groups/{GROUP}/photo",
    f"/education/classes/{CLASS}/teachers/{USER}/$ref",
    f"/education/classes/{CLASS}/group",
    f"/education/classes/{CLASS}/members/{USER}",
    f"/education/schools/{SCHOOL}/classes/{CLASS}/$ref",
    f"/education/schools/{SCHOOL}/users/{USER}",
    f"/education/schools/{SCHOOL}/administrativeUnit",
    f"/directory/administrativeUnits/{SCHOOL}/members/{USER}",
    f"/directory/administrativeUnits/{SCHOOL}/scopedRoleMembers/{USER}",
    f"/teams/{GROUP}",
    f"/users/{USER}/manager/$ref",
    "/",
    "/$batch",
)
TWISTED = tuple(
    twist
    for path in ALLOWED
    for twist in (
        path + "/",
        path + "?$select=id",
        path + "?",
        path.replace("/$ref", ""),
        path.replace("/$ref", "/%24ref"),
        path.replace("/$ref", "%2F$ref"),
        path.replace("/$ref", "/$REF"),
        path.replace("/members/", "/Members/").replace("/users/", "/Users/"),
        path.replace(f"/{USER}", f"/{USER}/../.."),
        path.replace(f"/{USER}", "/"),
        path.replace("/groups", "//groups").replace("/education", "//education").replace("/directory", "//directory"),
        path.replace(USER, "alex@contoso.edu"),
        path.replace("$ref", "$ref/$ref"),
        path.replace(GROUP, USER).replace(CLASS, USER).replace(SCHOOL, USER),  # an object nobody allowed
    )
)
# httpx resolves these before they leave; inside a batch nobody does
UNRESOLVED = tuple(twist for path in ALLOWED for twist in ("/beta/.." + path, path + "#x", BASE + path))


class Wire(httpx.AsyncBaseTransport):
    """Notes what would have gone out."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.url.raw_path.decode()))
        return httpx.Response(204)


def send(
    method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b"", writes: bool = True
) -> Wire:
    """Send one request through a guard that allows removals from one group, class and school."""
    wire = Wire()
    guard = Guard(BASE, wire)
    guard.allow_removals([GROUP.upper(), CLASS, SCHOOL])
    if writes:
        guard.allow_writes()

    async def run() -> None:
        async with httpx.AsyncClient(transport=guard) as client:
            await client.request(method, url, headers=headers, content=content)

    asyncio.run(run())
    return wire


def batch(*requests: Mapping[str, object]) -> bytes:
    return json.dumps({"requests": [{"id": str(n), **one} for n, one in enumerate(requests)]}).encode()


def refused(method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b"") -> str:
    with pytest.raises(DirectoryError) as caught:
        send(method, url, headers=headers, content=content)
    return caught.value.message


@pytest.mark.parametrize("path", ALLOWED)
def test_a_link_of_an_allowed_object_may_be_removed(path: str) -> None:
    assert send("DELETE", BASE + path).sent == [("DELETE", "/v1.0" + path)]
    inner = {"method": "DELETE", "url": path}
    assert send("POST", BASE + "/$batch", content=batch(inner)).sent == [("POST", "/v1.0/$batch")]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_until_a_writer_asks_nothing_but_reading_passes(method: str) -> None:
    path = ALLOWED[0] if method == "DELETE" else "/education/users"
    assert send(method, BASE + path).sent
    mixed = batch({"method": "GET", "url": "/users"}, {"method": method, "url": path})
    for url, content in ((path, b""), ("/$batch", mixed)):
        with pytest.raises(DirectoryError, match=f"must never send: {method}"):
            send(method if url == path else "POST", BASE + url, content=content, writes=False)
    reading = batch({"method": "GET", "url": "/users"})
    assert send("POST", BASE + "/$batch", content=reading, writes=False).sent == [("POST", "/v1.0/$batch")]
    assert send("GET", BASE + "/users", writes=False).sent == [("GET", "/v1.0/users")]


@pytest.mark.parametrize("path", OBJECTS + TWISTED)
def test_no_other_delete_leaves(path: str) -> None:
    refused("DELETE", BASE + path)


@pytest.mark.parametrize("path", OBJECTS + TWISTED + UNRESOLVED)
def test_no_other_delete_leaves_inside_a_batch(path: str) -> None:
    harmless = {"method": "GET", "url": "/users"}
    refused("POST", BASE + "/$batch", content=batch(harmless, {"method": "DELETE", "url": path}))


@pytest.mark.parametrize(("method", "path"), list(itertools.product(METHODS, OBJECTS)))
def test_no_other_spelling_of_a_method_leaves(method: str, path: str) -> None:
    # httpx writes methods in capitals, so the spellings arrive only in a batch
    refused("POST", BASE + "/$batch", content=batch({"method": method, "url": path}))
    if method in ("PUT", "PURGE", "MERGE"):
        refused(method, BASE + path)


@pytest.mark.parametrize("name", ["X-HTTP-Method", "x-http-method-override", "X-Method-Override"])
def test_the_method_cannot_be_overridden(name: str) -> None:
    override = {name: "DELETE"}
    refused("POST", f"{BASE}/users/{USER}", headers=override)
    inner = {"method": "POST", "url": f"/users/{USER}", "headers": override}
    refused("POST", BASE + "/$batch", content=batch(inner))


@pytest.mark.parametrize(
    "path",
    [
        f"/directory/deletedItems/{USER}/restore",
        f"/users/{USER}/microsoft.graph.permanentDelete",
        f"/groups/{GROUP}/%64elete",
        f"/groups/{GROUP}/%2564elete",
    ],
)
def test_no_action_on_what_is_deleted(path: str) -> None:
    refused("POST", BASE + path)
    refused("POST", BASE + "/$batch", content=batch({"method": "POST", "url": path, "body": {}}))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1.0" + ALLOWED[0],
        "https://graph.microsoft.com.evil.example/v1.0" + ALLOWED[0],
        "http://graph.microsoft.com/v1.0" + ALLOWED[0],
        "https://graph.microsoft.com:8443/v1.0" + ALLOWED[0],
        "https://graph.microsoft.com/beta" + ALLOWED[0],
        "https://graph.microsoft.com" + ALLOWED[0],
    ],
)
def test_nothing_goes_to_another_place(url: str) -> None:
    refused("DELETE", url)
    refused("GET", url)
    refused("POST", BASE + "/$batch", content=batch({"method": "GET", "url": url}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b'{"requests": {}, "requests": []}',
        b'{"requests": [{"id": "1", "method": "GET", "method": "DELETE", "url": "/users"}]}',
        b'{"requests": [{"id": "1", "Method": "DELETE", "method": "GET", "url": "/users"}]}',
        b'{"requests": [{"id": "1", "url": "/users"}]}',
        b'{"requests": [{"id": "1", "method": "GET"}]}',
        b'{"requests": ["DELETE /users"]}',
        batch({"method": "POST", "url": "/$batch", "body": {"requests": []}}),
        batch({"method": "POST", "url": "/%24batch", "body": {"requests": []}}),
        batch({"method": "GET", "url": "users"}),
        batch({"method": "GET", "url": "//evil.example/users"}),
    ],
)
def test_a_batch_that_cannot_be_judged_does_not_leave(content: bytes) -> None:
    refused("POST", BASE + "/$batch", content=content)


@pytest.mark.parametrize("path", ["/%24batch", "/$BATCH", "/$batch/", "/$batch?x=1", "//$batch"])
def test_a_batch_under_another_spelling_does_not_leave(path: str) -> None:
    refused("POST", BASE + path, content=batch({"method": "GET", "url": "/users"}))


def test_nothing_may_be_removed_unless_it_was_named() -> None:
    wire = Wire()

    async def run() -> None:
        async with httpx.AsyncClient(transport=Guard(BASE, wire)) as client:
            await client.delete(BASE + ALLOWED[0])

    with pytest.raises(DirectoryError):
        asyncio.run(run())
    assert wire.sent == []


def test_the_message_names_no_person() -> None:
    message = refused("DELETE", f"{BASE}/users/alex@contoso.edu")
    assert "DELETE /users/…" in message
    assert "alex" not in message


def test_what_provision_does_passes() -> None:
    for method, path in (
        ("GET", "/users?$top=999"),
        ("PATCH", f"/users/{USER}"),
        ("POST", "/education/users"),
    ):
        assert send(method, BASE + path).sent == [(method, "/v1.0" + path)]
