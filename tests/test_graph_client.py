"""Credentials go to the configured host and nowhere else; the SDK retries nothing by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from kiota_authentication_azure.azure_identity_access_token_provider import AzureIdentityAccessTokenProvider

from provision.errors import DirectoryError
from provision.graph import Graph, GraphReader, client, connect
from provision.graph.errors import explain
from provision.graph.request import Answer, Request
from provision.sandbox import Sandbox, SandboxTransport, Tenant, serve
from provision.store.database import in_memory

GRAPH = "https://graph.microsoft.com"


class Credential:
    """A tenant's credential; `scopes` notes what it was asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self.error = error

    def get_token(self, *scopes: str, **options: object) -> AccessToken:  # noqa: ARG002  # the protocol's signature
        self.scopes.append(scopes)
        if self.error is not None:
            raise self.error
        return AccessToken("real-token", 2_000_000_000)

    def close(self) -> None:
        pass


def wire(monkeypatch: pytest.MonkeyPatch, credential: Credential, answer: httpx.MockTransport) -> None:
    """Give a connection to a real cloud this credential and, in place of the internet, `answer`."""
    monkeypatch.setattr(client, "credential", lambda: credential)
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: answer)


def get(url: str, path: str = "/organization", tenant: str = "contoso.edu") -> Answer:
    async def story() -> Answer:
        async with connect(url, tenant) as graph:
            return await graph.send(Request("GET", path))

    return asyncio.run(story())


def noting(seen: list[httpx.Request], answer: Callable[[], httpx.Response]) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer()

    return httpx.MockTransport(handle)


@pytest.mark.parametrize("cloud", [GRAPH, "https://graph.microsoft.us", "https://dod-graph.microsoft.us/"])
def test_a_cloud_gets_a_token_for_its_own_scope(monkeypatch: pytest.MonkeyPatch, cloud: str) -> None:
    seen: list[httpx.Request] = []
    credential = Credential()
    wire(monkeypatch, credential, noting(seen, lambda: httpx.Response(200, json={"value": []})))
    assert get(cloud).ok
    assert credential.scopes == [(f"{cloud.rstrip('/')}/.default",)]
    assert seen[0].headers["authorization"] == "Bearer real-token"
    assert str(seen[0].url) == f"{cloud.rstrip('/')}/v1.0/organization"


def test_the_token_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    credential = Credential()
    wire(monkeypatch, credential, noting(seen, lambda: httpx.Response(200, json={"value": []})))

    async def story() -> None:
        async with connect(GRAPH, "contoso.edu") as graph:
            provider = graph.adapter._authentication_provider.access_token_provider  # whom it asks for tokens
            assert isinstance(provider, AzureIdentityAccessTokenProvider)
            for foreign in ("https://evil.example/x", "https://graph.microsoft.com.evil.example/x"):
                assert await provider.get_authorization_token(foreign) == ""
            graph.root = "https://evil.example/v1.0"
            with pytest.raises(DirectoryError):
                await graph.send(Request("GET", "/users"))

    asyncio.run(story())
    assert credential.scopes == []
    assert seen == []


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    away = httpx.Response(302, headers={"Location": "https://evil.example/"})
    wire(monkeypatch, Credential(), noting(seen, lambda: away))
    assert get(GRAPH).status == 302
    assert [request.url.host for request in seen] == ["graph.microsoft.com"]


@pytest.mark.parametrize("status", [429, 503, 504])
def test_the_sdk_does_not_retry_by_itself(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    seen: list[httpx.Request] = []
    wire(monkeypatch, Credential(), noting(seen, lambda: httpx.Response(status)))
    assert get(GRAPH).status == status
    assert len(seen) == 1


def test_without_a_token_nothing_is_sent_and_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    refused = ClientAuthenticationError("AADSTS7000215: Invalid client secret provided.\nTrace: x")
    wire(monkeypatch, Credential(refused), noting(seen, lambda: httpx.Response(200)))
    with pytest.raises(DirectoryError) as caught:
        get(GRAPH)
    assert "AADSTS7000215" in caught.value.details[0]
    assert seen == []


def test_a_sandbox_gets_the_fixed_token_and_no_credential_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Credential()
    monkeypatch.setattr(client, "credential", lambda: credential)
    with serve(Sandbox(Tenant.new())) as server:
        assert get(server.url).ok
    assert credential.scopes == []


def read_as(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, name: str) -> None:
    """Read `tenant` with a real credential, for a profile that says `name`."""
    inner = SandboxTransport(Sandbox(tenant))
    monkeypatch.setattr(client, "credential", Credential)
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: inner)
    store = in_memory()

    async def story() -> None:
        async with connect(GRAPH, name) as graph:
            await GraphReader(graph).read_objects(store)

    try:
        asyncio.run(story())
    finally:
        store.close()


def test_the_credential_must_lead_to_the_tenant_of_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = Tenant.new()
    for right in (tenant.id, tenant.id.upper(), "contoso.edu", "Students.Contoso.edu"):
        read_as(monkeypatch, tenant, right)
    with pytest.raises(DirectoryError) as caught:
        read_as(monkeypatch, tenant, "fabrikam.edu")
    assert "fabrikam.edu" in caught.value.message
    assert tenant.name in caught.value.message


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        (
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"},
            "EnvironmentCredential",
        ),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1/x", "IDENTITY_HEADER": "h"}, "ManagedIdentityCredential"),
        (
            {"AZURE_FEDERATED_TOKEN_FILE": "f", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"},
            "WorkloadIdentityCredential",
        ),
        ({}, "DefaultAzureCredential"),
    ],
)
def test_the_environment_says_who_is_acting(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], kind: str
) -> None:
    for name in (
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = client.credential()
    assert type(found).__name__ == kind
    found.close()


@pytest.mark.parametrize(
    ("status", "code", "message", "request_", "words"),
    [
        (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges.",
            ("GET", "/domains"),
            "Domain.Read.All",
        ),
        (
            403,
            "Authorization_RequestDenied",
            "No.",
            ("GET", "/groups/g/members?$top=9"),
            "Member.Read.Hidden",
        ),
        (401, "InvalidAuthenticationToken", "Expired.", ("GET", "/users"), "token was not accepted"),
        (404, "Request_ResourceNotFound", "Gone.", ("PATCH", "/users/u"), "plan again"),
        (
            400,
            "Request_BadRequest",
            "The domain portion of it.",
            ("POST", "/education/users"),
            "not verified",
        ),
        (403, "Directory_QuotaExceeded", "The directory object quota limit.", ("POST", "/x"), "is full"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(
    status: int, code: str, message: str, request_: tuple[str, str], words: str
) -> None:
    said = explain(Answer(status, {}, {"error": {"code": code, "message": message}}), Request(*request_))
    assert code in said
    assert words in said


def test_an_answer_without_json_is_told_too() -> None:
    assert "403" in explain(Answer(403, {}, "<html>proxy</html>"), Request("GET", "/nowhere"))


def test_addresses_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(graph: Graph) -> None:
        await graph.send(Request("GET", "/users/alex@contoso.edu"))

    async def run() -> None:
        transport = SandboxTransport(Sandbox(Tenant.new()))
        async with connect(GRAPH, "sandbox", transport=transport) as graph:
            await story(graph)

    asyncio.run(run())
    assert "alex" not in caplog.text
