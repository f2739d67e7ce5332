"""A connection to Microsoft Graph: the SDK's adapter for credentials, our own transport and retries.

Bodies and answers are raw JSON. The SDK's models cost 5 ms for an object that is parsed, so they stay in the
tests, where they guard our spelling of Microsoft's names.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure import azure_identity_authentication_provider as azure_authentication
from kiota_http.middleware.options import ResponseHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter

from provision.errors import DirectoryError
from provision.graph.brake import Brake
from provision.graph.clock import Clock
from provision.graph.layout import EDUCATION, Layout, layout_of
from provision.graph.pace import Pace
from provision.graph.permissions import roles_of
from provision.graph.recent import Recent
from provision.graph.request import Answer, Request
from provision.graph.retry import settle
from provision.graph.transport import Guard
from provision.graph.units import Units
from provision.settings import is_loopback

VERSION = "/v1.0"
SANDBOX_TOKEN = "sandbox"  # noqa: S105  # what a tenant on this machine is sent in place of a token
TIMEOUT = httpx.Timeout(120, connect=15)


class Graph:
    """One Graph tenant, reached at `root`. Every request passes the `Guard`.

    `tenant` is what the profile calls it; `is_sandbox` says that no real credential is in use; `layout` says where it
    keeps people, classes and schools; `share` is our part of its quotas. Every request waits until its resource units
    are granted; a write also has to ask the `pace`, before.
    """

    def __init__(
        self,
        root: str,
        tenant: str,
        is_sandbox: bool,
        adapter: GraphRequestAdapter,
        guard: Guard,
        clock: Clock,
        layout: Layout,
        token: Renewable,
        share: float = 1.0,
    ) -> None:
        self.root = root
        self.layout = layout
        self.tenant = tenant
        self.is_sandbox = is_sandbox
        self.adapter = adapter
        self.clock = clock
        self.pace = Pace(clock, share)
        self.units = Units(clock, share)
        self.recent = Recent(clock)
        self.brake = Brake()
        self._guard = guard
        self._token = token

    def allow_removals(self, ids: Iterable[str]) -> None:
        """Name the sections, school groups and schools that links are removed from, and no others."""
        self._guard.allow_removals(ids)

    def allow_writes(self) -> None:
        """From now on more than reading passes: for a writer, never for planning."""
        self._guard.allow_writes()

    async def send(self, request: Request) -> Answer:
        """One attempt. A broken connection is an answer with status 0.

        Of what came with a token that was refused nothing was done. A long run outlives its token, so that a fresh one
        is tried at once. Raises `DirectoryError` where no token is to be had, and `Halted` where it is not to leave.
        """
        await self.brake.turn(lambda: self.units.take(request))
        number = self._token.number
        answer = await self._sent(request)
        if answer.status == 401:
            self._token.renew(number)
            self.brake.check()
            answer = await self._sent(request)
        self.units.heard([answer])
        return answer

    def renew_token(self) -> None:
        """Let the next request ask for a fresh token: the one that we have was refused."""
        self._token.renew(self._token.number)

    def permissions(self) -> frozenset[str] | None:
        """The application permissions that our token holds; None where it does not say: somebody has signed in, or it
        is that of a sandbox. Raises `DirectoryError` where no token is to be had."""
        try:
            return roles_of(self._token.get_token(f"{self.root.removesuffix(VERSION)}/.default").token)
        except AzureError as error:
            raise _no_token(error) from None

    async def _sent(self, request: Request) -> Answer:
        information = RequestInformation()
        information.http_method = Method[request.method]
        information.url = self.root + request.url
        information.headers.add("Accept", "application/json")
        for name, value in request.headers.items():
            information.headers.add(name, value)
        if request.body is not None:
            information.headers.add("Content-Type", "application/json")
            information.content = json.dumps(request.body, ensure_ascii=False).encode()
        information.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        try:
            # with the native handler the adapter returns the response as it came, whatever its type says
            response: Any = await self.adapter.send_primitive_async(information, "bytes", {})
        except httpx.TransportError as error:
            return Answer(0, reason=str(error) or type(error).__name__)
        except AzureError as error:
            raise _no_token(error) from None
        return Answer(response.status_code, dict(response.headers), response.text)

    async def settled(self, request: Request) -> Answer:
        """The answer after as many attempts as the retry policy makes."""
        return await settle(lambda: self.send(request), self.clock)

    def relative(self, link: str) -> str:
        """A `nextLink` as a url of ours. Raises `DirectoryError` if it leads to another host."""
        if not link.lower().startswith(self.root.lower() + "/"):
            raise DirectoryError(
                f"Microsoft Graph pointed to a page on another host: {urlsplit(link).hostname}.",
                ["It was not followed, and no token was sent there."],
            )
        return link[len(self.root) :]


@asynccontextmanager
async def connect(
    url: str,
    tenant: str,
    *,
    anchor: str = EDUCATION,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    share: float = 1.0,
) -> AsyncIterator[Graph]:
    """Connect to the Graph at `url` (a cloud's root, or a sandbox on this machine) for one run. `anchor` is where the
    tenant keeps the school's id of a person; `share` is the part of its quotas that this run may use.

    A loopback `url`, or a `transport` that stays in this process, gets a fixed token instead of a credential.
    The credential of a real tenant is one of azure-identity's, see `credential`.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes addresses, which hold names
    root = url.rstrip("/") + VERSION
    local = transport is not None or is_loopback(url)
    holder = Renewable(SandboxCredential if local else credential)
    guard = Guard(root, transport or httpx.AsyncHTTPTransport(proxy=_proxy(url)))
    provider = azure_authentication.AzureIdentityAuthenticationProvider(
        holder, scopes=[f"{url.rstrip('/')}/.default"], allowed_hosts=[urlsplit(url).hostname or ""]
    )
    with closing(holder):
        async with httpx.AsyncClient(transport=guard, timeout=TIMEOUT) as client:
            # a client of our own has none of the SDK's middleware: no second retry policy, no redirects
            adapter = GraphRequestAdapter(provider, client=client)
            adapter.base_url = root
            yield Graph(root, tenant, local, adapter, guard, clock or Clock(), layout_of(anchor), holder, share)


def _no_token(error: AzureError) -> DirectoryError:
    reasons = [line for line in str(error).splitlines() if line.strip()][:3]
    return DirectoryError("Microsoft Entra gave no token for Microsoft Graph.", reasons)


class Credential(TokenCredential, Protocol):
    """Whoever gives tokens, and holds connections while doing so."""

    def close(self) -> None:
        """Let go of them."""


class Renewable(TokenCredential):
    """A credential that is made anew when its token was refused: it would give the same one again."""

    def __init__(self, make: Callable[[], Credential]) -> None:
        self._make = make
        self._held = make()
        self.number = 0
        """Of credentials that were made before this one."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401  # the protocol's signature
        """A token of the credential that is held now."""
        return self._held.get_token(*scopes, **options)

    def renew(self, number: int) -> None:
        """Make it anew, unless that was done since it was the one with this `number`."""
        if number == self.number:
            self._held.close()
            self._held = self._make()
            self.number += 1

    def close(self) -> None:
        """Let go of it."""
        self._held.close()


class SandboxCredential:
    """The fixed token of a tenant on this machine."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:  # noqa: ARG002  # the protocol's signature
        """A token that opens nothing but a sandbox."""
        return AccessToken(SANDBOX_TOKEN, int(time.time()) + 86_400)

    def close(self) -> None:
        """Nothing to close."""


def credential() -> Credential:
    """The credential that the environment configures: one, not a chain, so that it is plain who is acting.

    An app's secret or certificate (`AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH`), a federated
    token (`AZURE_FEDERATED_TOKEN_FILE`), a managed identity (`IDENTITY_ENDPOINT`, as in Azure Automation);
    otherwise what azure-identity finds by itself, e.g. an `az login`. The synchronous classes: the
    asynchronous one leaves out a header that Azure Automation demands.
    """
    from azure import identity  # late: 0.2 s that a sandbox need not pay

    if os.environ.get("AZURE_CLIENT_SECRET") or os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH"):
        return identity.EnvironmentCredential()
    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        return identity.WorkloadIdentityCredential()
    if os.environ.get("IDENTITY_ENDPOINT"):
        return identity.ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))
    return identity.DefaultAzureCredential()


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`: schools often have one."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)
