"""The yardstick of `apply` and of reading: a plain script on msgraph-sdk, one awaited call at a time.

    python -m bench.plain load STUDENTS URL
    python -m bench.plain parse URL

`load` makes the standard workload of so many students, without schools and school groups, as such scripts do: an
account, a licence, a group, a member, an owner, each by a call of its own. `parse` reads a page of users and makes
models of it, again and again. Both print what they took, and of how many calls or users.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
from azure.core.credentials import AccessToken
from bench.cost import measured
from bench.district import open_district
from bench.standard import Standard
from kiota_abstractions.serialization import ParseNodeFactoryRegistry
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.models.group import Group
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.models.user_collection_response import UserCollectionResponse
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import AssignLicensePostRequestBody
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

SKU = "STANDARDWOFFPACK_STUDENT"
PARSED = 200  # users, at least
FIELDS = "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,usageLocation,assignedLicenses"


T = TypeVar("T")


def there(value: T | None) -> T:
    """The value, which the SDK types as optional throughout."""
    if value is None:
        raise SystemExit("The tenant left something out.")
    return value


class Script:
    """What such a script is: a client, and calls that are counted."""

    def __init__(self, client: GraphServiceClient, root: str) -> None:
        self.client, self.root = client, root
        self.calls = 0

    async def load(self, students: int) -> None:
        """Everybody, then every class."""
        size = Standard(students)
        with open_district(size) as district:
            pupils = district.execute("SELECT id, username, given_name, family_name FROM student").fetchall()
            staff = district.execute("SELECT id, username, given_name, family_name FROM teacher").fetchall()
            classes = district.execute("SELECT id, title FROM section").fetchall()
            taken = district.execute("SELECT section_id, person_id FROM taken").fetchall()
            taught = district.execute("SELECT section_id, person_id FROM taught").fetchall()
        skus = await self.client.subscribed_skus.get()
        (sku,) = [one for one in there(there(skus).value) if one.sku_part_number == SKU]
        ids = {key: await self.account("students.contoso.edu", *names) for key, *names in pupils}
        for pupil in list(ids.values()):
            await self.license(pupil, there(sku.sku_id))
        ids |= {key: await self.account("contoso.edu", *names) for key, *names in staff}
        groups = {key: await self.group(key, title) for key, title in classes}
        for section, person in taken:
            await self.member(groups[section], ids[person])
        for section, person in taught:
            await self.member(groups[section], ids[person])
            await self.owner(groups[section], ids[person])

    async def account(self, domain: str, username: str, given: str, family: str) -> str:
        """The id of a new account."""
        self.calls += 1
        made = await self.client.users.post(
            User(
                account_enabled=True, display_name=f"{given} {family}", given_name=given, surname=family,
                mail_nickname=username, user_principal_name=f"{username}@{domain}", usage_location="US",
                password_profile=PasswordProfile(password=str(uuid.uuid4()), force_change_password_next_sign_in=True),
            )
        )  # fmt: skip
        return str(there(made).id)

    async def license(self, user: str, sku: uuid.UUID) -> None:
        """A seat for a user."""
        self.calls += 1
        body = AssignLicensePostRequestBody(add_licenses=[AssignedLicense(sku_id=sku)], remove_licenses=[])
        await self.client.users.by_user_id(user).assign_license.post(body)

    async def group(self, key: str, title: str) -> str:
        """The id of a new group."""
        self.calls += 1
        made = await self.client.groups.post(
            Group(
                display_name=title, mail_nickname=key, mail_enabled=True, security_enabled=False,
                group_types=["Unified"], visibility="HiddenMembership",
            )
        )  # fmt: skip
        return str(there(made).id)

    async def member(self, group: str, user: str) -> None:
        """A user into a group."""
        self.calls += 1
        await self.client.groups.by_group_id(group).members.ref.post(self._reference(user))

    async def owner(self, group: str, user: str) -> None:
        """A user over a group."""
        self.calls += 1
        await self.client.groups.by_group_id(group).owners.ref.post(self._reference(user))

    def _reference(self, user: str) -> ReferenceCreate:
        return ReferenceCreate(odata_id=f"{self.root}/directoryObjects/{user}")


class Credential:
    """A token for nobody."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("sandbox", int(time.time()) + 86_400)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[GraphServiceClient]:
    """The SDK's client, with a plain connection under it."""
    provider = AzureIdentityAuthenticationProvider(
        Credential(), scopes=[f"{url}/.default"], allowed_hosts=["127.0.0.1"]
    )
    async with httpx.AsyncClient(timeout=60) as http:
        adapter = GraphRequestAdapter(provider, client=http)
        client = GraphServiceClient(request_adapter=adapter)
        adapter.base_url = f"{url}/v1.0/"
        yield client


async def load(students: int, url: str) -> None:
    async with connected(url) as client:
        script = Script(client, f"{url}/v1.0")
        await script.account("contoso.edu", "warm", "Up", "Before")  # the SDK's models take seconds to load, once
        script.calls = 0
        with measured() as counts:
            await script.load(students)
            counts["calls"] = script.calls


async def parse(url: str) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        headers = {"Authorization": "Bearer sandbox"}
        page = (await http.get(f"{url}/v1.0/users?$top=100&$select={FIELDS}", headers=headers)).content
    factory = ParseNodeFactoryRegistry()
    async with connected(url):  # it registers the SDK's parsers
        _models(factory, page)
        with measured() as counts:
            counts["users"] = 0
            while counts["users"] < PARSED:
                counts["users"] += _models(factory, page)


def _models(factory: ParseNodeFactoryRegistry, page: bytes) -> int:
    node = factory.get_root_parse_node("application/json", page)
    return len(there(node.get_object_value(UserCollectionResponse).value))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    asyncio.run(parse(*rest) if what == "parse" else load(int(rest[0]), rest[1]))
