"""Tokens: one that runs out in mid-run, and one that hides members from us."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest
from azure.core.credentials import AccessToken
from test_graph_writer import GRAPH, create, update

from provision.apply.writer import Outcome
from provision.errors import DirectoryError
from provision.graph import Graph, GraphReader, GraphWriter, client, connect
from provision.graph.clock import Clock
from provision.sandbox import Canned, Faults, Sandbox, SandboxTransport, Tenant
from provision.store import in_memory

T = TypeVar("T")
EXPIRED = {"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime failed, the token is expired."}}


def token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


class Credential:
    """Gives the same token until it is made anew."""

    made = 0
    text = token(roles=["Member.Read.Hidden", "User.ReadWrite.All"])

    def __init__(self) -> None:
        type(self).made += 1

    def get_token(self, *scopes: str, **options: object) -> AccessToken:  # noqa: ARG002  # the protocol's signature
        return AccessToken(self.text, 2_000_000_000)

    def close(self) -> None:
        pass


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A tenant in place of the internet, and a real credential."""
    made = Sandbox(Tenant.new())
    monkeypatch.setattr(Credential, "made", 0)
    monkeypatch.setattr(client, "credential", Credential)
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: SandboxTransport(made))
    return made


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


def write(sandbox: Sandbox) -> list[list[Outcome]]:
    user = sandbox.tenant.add_user()

    async def story(graph: Graph) -> list[list[Outcome]]:
        return await GraphWriter(graph).write([create("user"), update("user", user, display_name="New")])

    return asyncio.run(connected(sandbox, story))


async def connected(sandbox: Sandbox, story: Callable[[Graph], Awaitable[T]]) -> T:
    async with connect(GRAPH, sandbox.tenant.id, clock=Clock(sleep=no_wait)) as graph:
        return await story(graph)


@pytest.mark.parametrize("requests", [r"POST /\$batch", r"PATCH /users/.*"], ids=["the call", "a part of it"])
def test_a_token_that_runs_out_in_mid_run_is_renewed(sandbox: Sandbox, requests: str) -> None:
    sandbox.faults = Faults(answers=(Canned(requests, 401, EXPIRED, times=1),))
    assert [one.status for (one,) in write(sandbox)] == ["done", "done"]
    assert Credential.made == 2


def test_a_token_that_is_never_taken_ends_the_run(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(answers=(Canned(r"POST /\$batch", 401, EXPIRED),))
    with pytest.raises(DirectoryError) as caught:
        write(sandbox)
    assert "does not accept our token" in caught.value.message
    assert any("token is expired" in line for line in caught.value.details)
    assert Credential.made < 12, "Entra is not asked for ever"


def read(sandbox: Sandbox) -> int:
    store = in_memory()

    async def story(graph: Graph) -> int:
        await GraphReader(graph).read_objects(store)
        return int(store.value("SELECT count(*) FROM current.users"))

    try:
        return asyncio.run(connected(sandbox, story))
    finally:
        store.close()


@pytest.mark.parametrize(
    "text",
    [Credential.text, token(scp="Group.ReadWrite.All"), "an opaque one", "e30.bm8gSlNPTg.c2ln"],
    ids=["granted", "somebody signed in", "opaque", "no claims"],
)
def test_a_read_goes_on_unless_the_token_says_that_members_are_hidden(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(Credential, "text", text)
    assert read(sandbox) == len(sandbox.tenant.live["user"])


@pytest.mark.parametrize("claims", [{"roles": ["User.ReadWrite.All"]}, {}], ids=["others", "none at all"])
def test_without_the_permission_nothing_is_read(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, claims: dict[str, object]
) -> None:
    monkeypatch.setattr(Credential, "text", token(**claims))
    with pytest.raises(DirectoryError) as caught:
        read(sandbox)
    assert "Member.Read.Hidden" in caught.value.message
    assert sandbox.log == []
