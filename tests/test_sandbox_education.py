"""Education objects and their twins in the directory."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox import Sandbox, Tenant
from provision.sandbox.resources import CLASS, RESOURCES, SCHOOL
from provision.sandbox.routes import ROUTES

ROOT = "https://graph.microsoft.com/v1.0"
STUDENT = {
    "accountEnabled": True,
    "displayName": "Kim Berg",
    "mailNickname": "kim",
    "userPrincipalName": "kim@students.contoso.edu",
    "passwordProfile": {"password": "Silver-Boat-9"},
    "primaryRole": "student",
    "student": {"externalId": "S1", "grade": "7"},
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Tenant.new())


def rows(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.ask("GET", path).json()["value"]
    return found


def test_one_object_with_two_faces(sandbox: Sandbox) -> None:
    user = sandbox.ask("POST", "/education/users", STUDENT).json()["id"]
    section = sandbox.ask("POST", "/education/classes", {"displayName": "A", "mailNickname": "Section_A"}).json()["id"]
    school = sandbox.ask("POST", "/education/schools", {"displayName": "Hill"}).json()["id"]
    assert sandbox.ask("GET", f"/users/{user}").json()["displayName"] == "Kim Berg"
    sandbox.ask("PATCH", f"/users/{user}", {"displayName": "Kim B"})
    assert sandbox.ask("GET", f"/education/users/{user}").json()["displayName"] == "Kim B"
    sandbox.ask("PATCH", f"/education/classes/{section}", {"displayName": "B"})
    assert sandbox.ask("GET", f"/groups/{section}").json()["displayName"] == "B"
    sandbox.ask("PATCH", f"/directory/administrativeUnits/{school}", {"displayName": "Lake"})
    assert sandbox.ask("GET", f"/education/schools/{school}").json()["displayName"] == "Lake"


def test_the_first_student_of_a_class(sandbox: Sandbox) -> None:
    """The road of a roster: a class, its group's references, the school, and what each list then says."""
    tenant = sandbox.tenant
    student, teacher = tenant.add_user(userPrincipalName="kim@contoso.edu"), tenant.add_user()
    section = tenant.add_class(externalId="A")
    school = tenant.add_school()
    links = {
        "owners@odata.bind": [f"{ROOT}/users/{teacher}"],
        "members@odata.bind": [f"{ROOT}/users/{teacher}", f"{ROOT}/users/{student}"],
    }
    assert sandbox.ask("PATCH", f"/groups/{section}", links).status == 204
    for kind, key in (("users", student), ("users", teacher), ("classes", section)):
        reference = {"@odata.id": f"{ROOT}/education/{kind}/{key}"}
        assert sandbox.ask("POST", f"/education/schools/{school}/{kind}/$ref", reference).status == 204
    assert [row["id"] for row in rows(sandbox, f"/education/classes/{section}/members")] == [teacher, student]
    assert [row["id"] for row in rows(sandbox, f"/education/classes/{section}/teachers")] == [teacher]
    assert [row["id"] for row in rows(sandbox, f"/education/users/{student}/classes")] == [section]
    assert [row["id"] for row in rows(sandbox, f"/education/users/{teacher}/taughtClasses")] == [section]
    assert [row["id"] for row in rows(sandbox, f"/education/users/{student}/schools")] == [school]
    assert [row["id"] for row in rows(sandbox, f"/education/classes/{section}/schools")] == [school]
    assert sandbox.ask("DELETE", f"/education/classes/{section}/members/{student}/$ref").status == 204
    assert [row["id"] for row in rows(sandbox, f"/groups/{section}/members")] == [teacher]
    assert sandbox.ask("DELETE", f"/education/schools/{school}/classes/{section}/$ref").status == 204
    assert rows(sandbox, f"/education/schools/{school}/classes") == []


def test_a_teacher_is_an_owner_and_a_member(sandbox: Sandbox) -> None:
    teacher, other = sandbox.tenant.add_user(), sandbox.tenant.add_user()
    section = sandbox.tenant.add_class()
    for user in (teacher, other):
        reference = {"@odata.id": f"{ROOT}/education/users/{user}"}
        assert sandbox.ask("POST", f"/education/classes/{section}/teachers/$ref", reference).status == 204
    assert sandbox.ask("DELETE", f"/education/classes/{section}/teachers/{teacher}/$ref").status == 204
    assert [row["id"] for row in rows(sandbox, f"/groups/{section}/owners")] == [other]
    assert [row["id"] for row in rows(sandbox, f"/groups/{section}/members")] == [teacher, other]


def test_only_classes_and_schools_are_listed_as_such(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    tenant.add_group(groupTypes=["Unified"])
    unit = tenant.add_unit(displayName="West")
    section, school = tenant.add_class(), tenant.add_school()
    assert [row["id"] for row in rows(sandbox, "/education/classes")] == [section]
    assert [row["id"] for row in rows(sandbox, "/education/schools")] == [school]
    assert [row["id"] for row in rows(sandbox, "/directory/administrativeUnits")] == [unit, school]
    assert sandbox.ask("GET", f"/education/schools/{unit}").status == 404


@pytest.mark.parametrize(("detail", "source"), [("PowerSchool", "sis"), ("OneRoster", "sis"), ("By hand", "manual")])
def test_the_source_follows_from_its_detail(sandbox: Sandbox, detail: str, source: str) -> None:
    made = sandbox.ask("POST", "/education/schools", {"displayName": "Hill", "externalSourceDetail": detail})
    assert made.json()["externalSource"] == source


@pytest.mark.parametrize("name", ["createdBy", "fax", "principalMail"])
def test_a_school_refuses_what_it_does_not_take(sandbox: Sandbox, name: str) -> None:
    answer = sandbox.ask("POST", "/education/schools", {"displayName": "Hill", name: "x"})
    assert answer.status == 400
    assert f"'{name}'" in answer.json()["error"]["message"]


def test_a_role_cannot_be_taken_away(sandbox: Sandbox) -> None:
    user = sandbox.tenant.add_user()
    assert sandbox.ask("PATCH", f"/education/users/{user}", {"primaryRole": None}).status == 400
    assert sandbox.ask("GET", f"/education/users/{user}").json()["primaryRole"] == "none"


def test_a_part_of_the_education_data_is_cleared_with_null(sandbox: Sandbox) -> None:
    user = sandbox.ask("POST", "/education/users", STUDENT).json()["id"]
    answer = sandbox.ask("PATCH", f"/education/users/{user}", {"student": {"grade": None}})
    assert answer.json()["student"] == {"externalId": "S1"}
    assert sandbox.ask("PATCH", f"/education/users/{user}", {"student": None}).json()["student"] is None


def test_the_annotations_of_the_sdk_are_taken_and_not_kept(sandbox: Sandbox) -> None:
    body = {**STUDENT, "@odata.type": "#microsoft.graph.educationUser",
            "student": {"@odata.type": "#microsoft.graph.educationStudent", "grade": "7"}}  # fmt: skip
    assert sandbox.ask("POST", "/education/users", body).json()["student"] == {"grade": "7"}


def test_a_tenant_that_is_no_school_has_no_education() -> None:
    sandbox = Sandbox(Tenant.new(education=False))
    assert sandbox.ask("GET", "/education/users").status == 400
    assert sandbox.ask("GET", "/users").status == 200


def test_every_property_is_one_that_microsoft_knows() -> None:
    import msgraph.generated.models as models  # slow to import, and wanted here only

    for resource in RESOURCES:
        module = __import__(
            f"{models.__name__}.{''.join('_' + c.lower() if c.isupper() else c for c in resource.name).strip('_')}",
            fromlist=["x"],
        )
        known = getattr(module, resource.name)().get_field_deserializers()
        assert set(resource.properties) <= set(known), resource.name
        assert set(resource.shown) | set(resource.filterable) | set(resource.required) <= set(resource.properties)


def test_complex_values_have_the_parts_that_microsoft_knows() -> None:
    from msgraph.generated.models.education_course import EducationCourse  # slow to import
    from msgraph.generated.models.education_term import EducationTerm
    from msgraph.generated.models.physical_address import PhysicalAddress

    known = {"course": EducationCourse, "term": EducationTerm, "address": PhysicalAddress}
    for resource, names in ((CLASS, ("course", "term")), (SCHOOL, ("address",))):
        for name in names:
            parts = set(resource.properties[name].parts)
            assert parts == set(known[name]().get_field_deserializers()) - {"@odata.type"}


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
def test_every_route_is_reached(sandbox: Sandbox, method: str, path: str) -> None:
    unknown = "11111111-2222-4333-8444-555555555555"
    place = path.replace("{type:.*graph.*}", "graph.user").replace("{type:user|group}", "user")
    for name in ("id", "other", "unique", "operation"):
        place = place.replace("{" + name + "}", unknown)
    answer = sandbox.ask(method, place, {} if method in ("POST", "PATCH") else None)
    assert answer.status in (200, 400, 404), answer.body
    if answer.status != 200:
        assert "segment" not in answer.json()["error"]["message"]
