"""Microsoft's own types guard our spelling: the SDK builds every request that we can send as well."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.serialization import Parsable
from kiota_serialization_json.json_parse_node import JsonParseNode
from msgraph.generated.groups.item.assign_license.assign_license_post_request_body import (
    AssignLicensePostRequestBody as AssignGroupLicenseBody,
)
from msgraph.generated.models.administrative_unit import AdministrativeUnit
from msgraph.generated.models.education_class import EducationClass
from msgraph.generated.models.education_school import EducationSchool
from msgraph.generated.models.education_user import EducationUser
from msgraph.generated.models.group import Group
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import (
    AssignLicensePostRequestBody,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from provision.apply.writer import Reference, Write
from provision.graph.batch import envelope
from provision.graph.layout import layout_of
from provision.graph.lists import EACH_TIME, UNITS, role_group_members
from provision.graph.permissions import CALLS, PERMISSIONS, needed
from provision.graph.request import Request
from provision.graph.writes import KINDS
from provision.store.database import in_memory

# a matter of the generated code alone, and of the class that it inherits
pytestmark = pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning")

ROOT = "https://graph.microsoft.com/v1.0"
READ_ONLY = {
    "user": {"object_id", "mail", "synced"},
    "school": {"object_id"},
    "section": {"object_id"},
    "school_group": {"object_id", "mail", "unique_name", "unified", "security", "synced"},
}
TABLES = {"user": "users", "school": "schools", "section": "sections", "school_group": "groups"}
VALUES = {
    "external_id": "provision_x_section_1",
    "external_source": "sis",
    "primary_role": "student",
    "birth_date": "2011-02-03",
    "term_start": "2026-09-01",
    "term_end": "2026-12-18",
    "age_group": "minor",
    "consent": "granted",
}


LAYOUTS = [layout_of(anchor) for anchor in ("education", "employeeId", "extensionAttribute7")]


@cache
def fields(kind: str) -> dict[str, object]:
    """A value for every column of the table of `kind` that can be written, plus the name of an upsert."""
    store = in_memory()
    columns = [name for (name,) in store.rows(f"SELECT column_name FROM (DESCRIBE current.{TABLES[kind]})")]
    store.close()
    writable: dict[str, object] = {
        name: VALUES.get(name, f"x {name}") for name in columns if name not in READ_ONLY[kind]
    }
    if kind == "school_group":
        writable["unique_name"] = "provision_x"
    return writable


@cache
def writes() -> list[Write]:
    """One write for each kind and action, with everything it can carry."""
    found = []
    for kind in TABLES:
        found.append(Write(kind, "create", "k", None, fields(kind), password="Xk7-first"))
        found.append(Write(kind, "update", "k", "o1", fields(kind)))
    linked = [(kind, "add") for kind in ("member", "group_member", "school_user", "school_section")]
    linked += [(kind, "remove") for kind in ("member", "group_member", "school_user")]
    found += [Write(kind, action, "k", "o1", references=(Reference(kind, "r1"),)) for kind, action in linked]
    for kind in ("license", "group_license"):
        found.append(Write(kind, "add", "k", "o1", references=(Reference(kind, SKU, (SKU,)),)))
    both = (Reference("member", "r1"), Reference("owner", "r2"))
    found.append(Write("member", "add", "k", "o1", references=both))
    return found


SKU = "314c4481-f395-4525-be8b-2ec4bb1e9d91"


@cache
def requests() -> list[Request]:
    """Every request that these writes can become."""
    found: list[Request] = []
    for write in writes():
        for layout in LAYOUTS:
            kind = layout.kinds[write.kind]
            found += [request.of("n1") for request in kind.requests(write, ROOT)]
            found += kind.singles(write, ROOT) if kind.singles and write.action == "add" else []
    return list({str((one.method, one.url, one.body)): one for one in found}.values())


@pytest.fixture(scope="module")
def client() -> GraphServiceClient:
    """The SDK's client; it sends nothing here."""
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=httpx.AsyncClient())
    adapter.base_url = ROOT
    return GraphServiceClient(request_adapter=adapter)


Build = Callable[[GraphServiceClient, "re.Match[str]"], Any]

# where the SDK's typed builders have the same request, and the model of its body
BUILDERS: list[tuple[str, str, Any, Build]] = [
    ("POST", "/education/users", EducationUser, lambda c, _: c.education.users),
    (
        "PATCH",
        "/education/users/(.+)",
        EducationUser,
        lambda c, m: c.education.users.by_education_user_id(m[1]),
    ),
    ("POST", "/users", User, lambda c, _: c.users),
    ("POST", "/directory/administrativeUnits", AdministrativeUnit, lambda c, _: c.directory.administrative_units),
    ("PATCH", "/directory/administrativeUnits/([^/]+)", AdministrativeUnit, lambda c, m: unit(c, m)),
    (
        "POST",
        r"/directory/administrativeUnits/(.+)/members/\$ref",
        ReferenceCreate,
        lambda c, m: unit(c, m).members.ref,
    ),
    (
        "DELETE",
        r"/directory/administrativeUnits/(.+)/members/(.+)/\$ref",
        None,
        lambda c, m: unit(c, m).members.by_directory_object_id(m[2]).ref,
    ),
    ("PATCH", "/users/(.+)", User, lambda c, m: c.users.by_user_id(m[1])),
    (
        "POST",
        "/users/(.+)/assignLicense",
        AssignLicensePostRequestBody,
        lambda c, m: c.users.by_user_id(m[1]).assign_license,
    ),
    (
        "POST",
        "/groups/(.+)/assignLicense",
        AssignGroupLicenseBody,
        lambda c, m: group(c, m).assign_license,
    ),
    ("POST", "/education/schools", EducationSchool, lambda c, _: c.education.schools),
    ("PATCH", "/education/schools/(.+)", EducationSchool, lambda c, m: school(c, m)),
    ("POST", "/education/classes", EducationClass, lambda c, _: c.education.classes),
    (
        "PATCH",
        "/education/classes/(.+)",
        EducationClass,
        lambda c, m: c.education.classes.by_education_class_id(m[1]),
    ),
    ("PATCH", r"/groups\(uniqueName='(.+)'\)", Group, lambda c, m: c.groups_with_unique_name(m[1])),
    ("PATCH", "/groups/([^/]+)", Group, lambda c, m: group(c, m)),
    ("POST", r"/groups/(.+)/members/\$ref", ReferenceCreate, lambda c, m: group(c, m).members.ref),
    ("POST", r"/groups/(.+)/owners/\$ref", ReferenceCreate, lambda c, m: group(c, m).owners.ref),
    (
        "DELETE",
        r"/groups/(.+)/members/(.+)/\$ref",
        None,
        lambda c, m: group(c, m).members.by_directory_object_id(m[2]).ref,
    ),
    ("POST", r"/education/schools/(.+)/users/\$ref", ReferenceCreate, lambda c, m: school(c, m).users.ref),
    (
        "POST",
        r"/education/schools/(.+)/classes/\$ref",
        ReferenceCreate,
        lambda c, m: school(c, m).classes.ref,
    ),
    (
        "DELETE",
        r"/education/schools/(.+)/users/(.+)/\$ref",
        None,
        lambda c, m: school(c, m).users.by_education_user_id(m[2]).ref,
    ),
]


def group(client: GraphServiceClient, match: re.Match[str]) -> Any:
    return client.groups.by_group_id(match[1])


def unit(client: GraphServiceClient, match: re.Match[str]) -> Any:
    return client.directory.administrative_units.by_administrative_unit_id(match[1])


def school(client: GraphServiceClient, match: re.Match[str]) -> Any:
    return client.education.schools.by_education_school_id(match[1])


def typed(client: GraphServiceClient, request: Request) -> tuple[RequestInformation, Parsable | None]:
    """The SDK's own form of `request`, with the body read into its model."""
    for method, path, model, build in BUILDERS:
        match = re.fullmatch(path, request.url)
        if method == request.method and match:
            body = JsonParseNode(dict(request.body)).get_object_value(model) if request.body else None
            make = getattr(build(client, match), f"to_{method.lower()}_request_information")
            information: RequestInformation = make(body) if body else make()
            information.path_parameters["baseurl"] = ROOT
            return information, body
    raise AssertionError(f"the SDK has no such request: {request.method} {request.url}")


def left_over(model: Any) -> set[str]:
    """The properties that the SDK did not recognise, in the body and in the objects inside."""
    found = set(getattr(model, "additional_data", None) or {})
    for value in vars(model).values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Parsable):
                found |= left_over(one)
    return {name for name in found if not name.endswith("@odata.bind")}


def without_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_types(one) for key, one in value.items() if key != "@odata.type"}
    return [without_types(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("request_", requests(), ids=lambda request: f"{request.method} {request.url}")
def test_the_sdk_spells_it_the_same(client: GraphServiceClient, request_: Request) -> None:
    information, body = typed(client, request_)
    assert left_over(body) == set() if body is not None else request_.body is None
    assert information.http_method is not None
    assert information.http_method.name == request_.method
    assert information.url.replace("%24", "$").replace("%27", "'") == ROOT + request_.url
    sent = json.loads(information.content) if information.content else None
    assert without_types(sent) == request_.body


@pytest.mark.parametrize("kind", TABLES)
def test_every_column_that_can_be_written_is_sent(kind: str) -> None:
    given = fields(kind)
    write = Write(kind, "update", "k", "o1", given)
    bodies = json.dumps([request.body for request in KINDS[kind].requests(write, ROOT)])
    missing = [name for name, value in given.items() if f'"{value}"' not in bodies and name != "unique_name"]
    assert missing == []


def test_a_misspelt_property_would_be_noticed(client: GraphServiceClient) -> None:
    wrong = Request("POST", "/education/users", {"displayname": "x", "student": {"externalID": "1"}})
    _, body = typed(client, wrong)
    assert left_over(body) == {"displayname", "externalID"}


def test_the_permissions_open_every_request() -> None:
    reads = [one.path for one in (*EACH_TIME, UNITS, role_group_members("g"))]
    for layout in LAYOUTS:
        reads += [one.path for one in layout.once] + [feed.start for feed in layout.feeds]
        reads += [path.format("o1") for path in layout.links.values()]
    sent = {(request.method, request.url) for request in requests()} | {("GET", url) for url in reads}
    for method, url in sent:
        assert needed(method, url), f"no permission opens {method} {url}"


@pytest.mark.parametrize("where", ["education", "elsewhere"])
def test_no_permission_can_be_spared(where: str) -> None:
    granted = {permission.name for permission in PERMISSIONS if permission.where in ("everywhere", where)}
    calls = [call for call in CALLS if call.where in ("everywhere", where)]

    def closed(names: set[str]) -> list[str]:
        return [c.path for c in calls if not names & set(c.any_of) or (c.also is not None and c.also not in names)]

    assert closed(granted) == []
    for spared in granted:
        assert closed(granted - {spared}), spared
    assert not [name for name in granted if "Delete" in name]


def test_the_first_password_is_in_no_repr() -> None:
    for request in (*requests(), envelope(requests()[:1])):
        assert "Xk7-first" not in repr(request)


def test_the_sdk_sends_what_we_hand_it() -> None:
    """The adapter is given raw JSON: a typed call through the same transport must look alike on the wire."""
    from provision.graph import connect

    seen: list[tuple[str, str, Any]] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url), without_types(json.loads(request.content))))
        return httpx.Response(204)

    async def story() -> None:
        async with connect("https://graph.microsoft.com", "x", transport=httpx.MockTransport(note)) as graph:
            graph.allow_writes()
            body = {"displayName": "New"}
            await graph.send(Request("PATCH", "/users/u1", body))
            await (
                GraphServiceClient(request_adapter=graph.adapter).users.by_user_id("u1").patch(User(display_name="New"))
            )

    asyncio.run(story())
    assert seen[0] == seen[1]
