"""The real SDK against the sandbox, in process and over HTTP: the same code, the same answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RetryHandlerOption
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.models.education_class import EducationClass
from msgraph.generated.models.education_external_source import EducationExternalSource
from msgraph.generated.models.education_school import EducationSchool
from msgraph.generated.models.education_student import EducationStudent
from msgraph.generated.models.education_user import EducationUser
from msgraph.generated.models.education_user_role import EducationUserRole
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import (
    AssignLicensePostRequestBody,
)
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]  # it ships no types

from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant, serve

# the SDK's generated code is built on a class that its own library calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning")

SCOPES = ["https://graph.microsoft.com/.default"]
T = TypeVar("T")
Work = Callable[[GraphServiceClient], Awaitable[Any]]


def there(value: T | None) -> T:
    """The value, which the SDK types as optional throughout."""
    assert value is not None
    return value


class Credential:
    """A token for nobody."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("sandbox", int(time.time()) + 3600)


class World:
    """A sandbox and a way to reach it."""

    def __init__(self, over_http: bool) -> None:
        self.sandbox = Sandbox(Tenant.new())
        self.server = serve(self.sandbox) if over_http else None

    def run(self, work: Work) -> Any:
        return asyncio.run(self._run(work))

    async def _run(self, work: Work) -> Any:
        transport = httpx.AsyncHTTPTransport() if self.server else SandboxTransport(self.sandbox)
        root = self.server.url if self.server else "https://graph.microsoft.com"
        settings = {**options, RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0)}
        async with transport:  # the SDK wraps the client's transport and does not close it
            plain = httpx.AsyncClient(transport=transport)
            http = GraphClientFactory.create_with_default_middleware(client=plain, options=settings)
            adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(Credential(), scopes=SCOPES), client=http)
            client = GraphServiceClient(request_adapter=adapter)
            adapter.base_url = f"{root}/v1.0/"  # with the slash that the SDK's own default has: /v1.0//users
            return await work(client)


@pytest.fixture(params=[False, True], ids=["in process", "over HTTP"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(request.param)
    yield made
    if made.server:
        made.server.close()


def student(name: str = "kim") -> EducationUser:
    return EducationUser(
        account_enabled=True,
        display_name="Kim Berg",
        mail_nickname=name,
        user_principal_name=f"{name}@students.contoso.edu",
        password_profile=PasswordProfile(password="Silver-Boat-9", force_change_password_next_sign_in=True),
        primary_role=EducationUserRole.Student,
        usage_location="SE",
        external_source=EducationExternalSource.Sis,
        student=EducationStudent(external_id="S1", grade="7", birth_date=dt.date(2012, 5, 4)),
    )


def test_a_student_is_made_licensed_and_read(world: World) -> None:
    sku = world.sandbox.tenant.sku("STANDARDWOFFPACK_STUDENT")["skuId"]

    async def work(client: GraphServiceClient) -> EducationUser | None:
        made = there(await client.education.users.post(student()))
        order = AssignLicensePostRequestBody(
            add_licenses=[AssignedLicense(sku_id=sku, disabled_plans=[])], remove_licenses=[]
        )
        await client.users.by_user_id(there(made.id)).assign_license.post(order)
        return await client.education.users.by_education_user_id(there(made.id)).get()

    found = world.run(work)
    assert found.student.birth_date == dt.date(2012, 5, 4)
    assert found.primary_role == EducationUserRole.Student
    assert str(found.assigned_licenses[0].sku_id) == sku
    assert world.sandbox.tenant.dump()["licenses"]["STANDARDWOFFPACK_STUDENT"]["consumed"] == 1


def test_a_class_in_a_school_with_its_members(world: World) -> None:
    tenant = world.sandbox.tenant
    teacher, pupil = (
        tenant.add_user(userPrincipalName="t@contoso.edu"),
        tenant.add_user(userPrincipalName="p@contoso.edu"),
    )
    root = "https://graph.microsoft.com/v1.0"

    async def work(client: GraphServiceClient) -> list[str]:
        new = EducationClass(display_name="Botany", mail_nickname="Section_B1", external_id="B1")
        section = there(await client.education.classes.post(new))
        school = there(await client.education.schools.post(EducationSchool(display_name="Hill", external_id="7001")))
        links = {
            "owners@odata.bind": [f"{root}/users/{teacher}"],
            "members@odata.bind": [f"{root}/users/{teacher}", f"{root}/users/{pupil}"],
        }
        await client.groups.by_group_id(there(section.id)).patch(Group(additional_data=links))
        place = client.education.schools.by_education_school_id(there(school.id))
        await place.classes.ref.post(ReferenceCreate(odata_id=f"{root}/education/classes/{section.id}"))
        await place.users.ref.post(ReferenceCreate(odata_id=f"{root}/education/users/{pupil}"))
        members = client.groups.by_group_id(there(section.id)).members
        await members.by_directory_object_id(pupil).ref.delete()
        found = there(await members.get())
        return [there(row.id) for row in found.value or []]

    assert world.run(work) == [teacher]
    dump = tenant.dump()
    assert dump["classes"][0]["owners"] == dump["classes"][0]["members"] == ["t@contoso.edu"]
    assert (dump["schools"][0]["classes"], dump["schools"][0]["users"]) == (["Section_B1"], ["p@contoso.edu"])


def test_an_upsert_by_unique_name(world: World) -> None:
    group = Group(display_name="All", mail_enabled=False, mail_nickname="all", security_enabled=True)

    async def work(client: GraphServiceClient) -> list[bool]:
        made = []
        for _ in range(2):
            builder = client.groups_with_unique_name("all_students")
            request = builder.to_patch_request_information(group)
            request.headers.add("Prefer", "create-if-missing")
            answer = await client.request_adapter.send_async(request, Group, {"XXX": ODataError})
            made.append(answer is not None)
        return made

    assert world.run(work) == [True, False]
    assert [row["uniqueName"] for row in world.sandbox.tenant.dump()["groups"]] == ["all_students"]


def test_pages_and_filters(world: World) -> None:
    for number in range(120):
        world.sandbox.tenant.add_user(userPrincipalName=f"s{number}@contoso.edu", employeeId=str(number))

    async def work(client: GraphServiceClient) -> tuple[int, int, list[str]]:
        first = there(await client.users.get())
        second = there(await client.users.with_url(there(first.odata_next_link)).get())
        query = client.users.UsersRequestBuilderGetQueryParameters(
            filter="employeeId in ('7','9')", select=["id", "userPrincipalName"]
        )
        found = there(await client.users.get(RequestConfiguration(query_parameters=query)))
        names = [str(row.user_principal_name) for row in found.value or []]
        return len(first.value or []), len(second.value or []), names

    assert world.run(work) == (100, 22, ["s7@contoso.edu", "s9@contoso.edu"])


def test_delta(world: World) -> None:
    tenant = world.sandbox.tenant
    group = tenant.add_group(displayName="Club")

    async def work(client: GraphServiceClient) -> list[Any]:
        first = there(await client.groups.delta.get())
        tenant.add_member(group, tenant.add_user())
        second = there(await client.groups.delta.with_url(there(first.odata_delta_link)).get())
        return list(second.value or [])

    (row,) = world.run(work)
    assert row.id == group
    assert len(row.additional_data["members@delta"]) == 1


def test_errors_are_odata_errors(world: World) -> None:
    async def work(client: GraphServiceClient) -> ODataError:
        await client.education.users.post(student())
        with pytest.raises(ODataError) as caught:
            await client.education.users.post(student())
        return caught.value

    error = world.run(work)
    assert error.response_status_code == 400
    assert error.error.code == "Request_BadRequest"
    assert (error.error.details[0].code, error.error.details[0].target) == ("ObjectConflict", "userPrincipalName")
    assert error.error.inner_error.request_id


def test_the_tenant(world: World) -> None:
    async def work(client: GraphServiceClient) -> tuple[Any, ...]:
        skus = await client.subscribed_skus.get()
        domains = await client.domains.get()
        organization = await client.organization.get()
        roles = await client.role_management.directory.role_assignments.get()
        deleted = await client.directory.deleted_items.graph_user.get()
        answers: list[Any] = [skus, domains, organization, roles, deleted]
        return tuple(answer.value for answer in answers)

    skus, domains, organization, roles, deleted = world.run(work)
    assert {sku.sku_part_number: sku.prepaid_units.enabled for sku in skus}["STANDARDWOFFPACK_FACULTY"] == 500
    assert [domain.id for domain in domains if domain.is_default] == ["contoso.edu"]
    assert organization[0].verified_domains[0].name == "contoso.edu"
    assert len(roles) == 2
    assert deleted == []


def test_a_gateway_page_is_an_error_without_a_body(world: World) -> None:
    world.sandbox.faults = Faults(fail_every=1, fail_with=(502,))

    async def work(client: GraphServiceClient) -> int:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # the SDK has no narrower one for HTML
            await client.organization.get()
        return int(caught.value.response_status_code)  # type: ignore[attr-defined]

    assert world.run(work) == 502
