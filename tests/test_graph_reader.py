"""Reading a tenant through the real SDK: every column, every page, and never a part that looks whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest

from provision.errors import DirectoryError
from provision.graph import Graph, GraphReader, connect
from provision.graph.clock import Clock
from provision.graph.reader import OBJECT_TABLES
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant, serve
from provision.store import Store
from provision.store.database import in_memory

GRAPH = "https://graph.microsoft.com"


@pytest.fixture
def store() -> Iterator[Store]:
    """A store without a roster."""
    store = in_memory()
    yield store
    store.close()


def drive(
    transport: httpx.AsyncBaseTransport,
    story: Callable[[Graph], Coroutine[Any, Any, None]],
    waits: list[float] | None = None,
) -> None:
    """Run `story` on a Graph behind `transport`; what it would have waited goes to `waits`."""

    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)
        await asyncio.sleep(0)

    async def run() -> None:
        async with connect(GRAPH, "contoso.edu", transport=transport, clock=Clock(sleep=sleep)) as graph:
            await story(graph)

    asyncio.run(run())


def read(store: Store, transport: httpx.AsyncBaseTransport, *, links: bool = True) -> None:
    async def story(graph: Graph) -> None:
        await GraphReader(graph).read_objects(store)
        if links:
            store.run("""
                CREATE OR REPLACE TABLE run.wanted AS
                SELECT unnest(['member', 'owner']) AS kind, object_id FROM current.sections
                UNION ALL SELECT 'group_member', object_id FROM current.groups WHERE NOT unified
                UNION ALL SELECT unnest(['school_user', 'school_section']), object_id FROM current.schools""")
            await GraphReader(graph).read_links(store)

    drive(transport, story)


def counts(store: Store) -> dict[str, int]:
    return {table: store.value(f"SELECT count(*) FROM current.{table}") for table in (*OBJECT_TABLES, "links")}


def school(students: int = 3) -> tuple[Tenant, dict[str, str]]:
    """A tenant with a school, a class, its teacher and students; and the ids by name."""
    tenant = Tenant.new(seats=5_000)
    ids = {
        "school": tenant.add_school(
            displayName="Hill School",
            externalId="10",
            externalSource="sis",
            schoolNumber="H10",
            phone="555-0100",
            externalPrincipalId="P1",
            principalName="Robin Marsh",
            principalEmail="robin@contoso.edu",
            lowestGrade="06",
            highestGrade="08",
            address={
                "street": "1 Hill Road",
                "city": "Redmond",
                "state": "WA",
                "postalCode": "98052",
                "countryOrRegion": "US",
            },
        ),
        "class": tenant.add_class(
            displayName="Art 1",
            mailNickname="Section_1",
            description="Drawing",
            externalId="1",
            externalName="ART-1",
            externalSource="sis",
            classCode="A1",
            grade="07",
            course={
                "externalId": "C1",
                "displayName": "Art",
                "courseNumber": "700",
                "description": "All of it",
                "subject": "Arts",
            },
            term={
                "externalId": "T1",
                "displayName": "Autumn",
                "startDate": "2026-09-01",
                "endDate": "2026-12-18",
            },
        ),
        "group": tenant.add_group(
            displayName="Students",
            mailNickname="students",
            uniqueName="provision_x",
            onPremisesSyncEnabled=True,
        ),
        "teacher": tenant.add_user(
            userPrincipalName="kim@contoso.edu",
            primaryRole="teacher",
            externalSource="sis",
            teacher={"externalId": "T7", "teacherNumber": "007"},
        ),
    }
    for n in range(students):
        ids[f"student{n}"] = tenant.add_user(
            userPrincipalName=f"s{n}@students.contoso.edu",
            primaryRole="student",
            student={"externalId": f"S{n}"},
            usageLocation="US",
        )
        tenant.add_member(ids["class"], ids[f"student{n}"])
        tenant.add_member(ids["group"], ids[f"student{n}"])
        tenant.add_member(ids["school"], ids[f"student{n}"])
    tenant.add_member(ids["class"], ids["teacher"])
    tenant.add_owner(ids["class"], ids["teacher"])
    tenant.add_member(ids["school"], ids["class"])
    return tenant, ids


def row(store: Store, table: str, object_id: str) -> dict[str, Any]:
    columns = [name for (name,) in store.rows(f"SELECT column_name FROM (DESCRIBE current.{table})")]
    (found,) = store.rows(f"SELECT * FROM current.{table} WHERE object_id = ?", [object_id])
    return dict(zip(columns, found, strict=True))


def test_every_column_of_a_user(store: Store) -> None:
    tenant, _ = school(0)
    everything = tenant.add_user(
        userPrincipalName="alex@students.contoso.edu",
        mail="alex@contoso.edu",
        mailNickname="alex",
        displayName="Alex Reed",
        givenName="Alex",
        surname="Reed",
        middleName="J",
        jobTitle="Prefect",
        employeeId="E1",
        usageLocation="US",
        ageGroup="minor",
        consentProvidedForMinor="granted",
        onPremisesSyncEnabled=True,
        primaryRole="student",
        externalSource="sis",
        student={
            "externalId": "S1",
            "grade": "09",
            "studentNumber": "1001",
            "graduationYear": "2030",
            "birthDate": "2011-02-03",
        },
    )
    teacher = tenant.add_user(teacher={"externalId": "T1", "teacherNumber": "55"})
    tenant.assign_license(everything, "STANDARDWOFFPACK_STUDENT")
    read(store, SandboxTransport(Sandbox(tenant)))
    assert row(store, "users", everything) == {
        "object_id": everything,
        "user_principal_name": "alex@students.contoso.edu",
        "mail": "alex@contoso.edu",
        "mail_nickname": "alex",
        "display_name": "Alex Reed",
        "given_name": "Alex",
        "family_name": "Reed",
        "middle_name": "J",
        "job_title": "Prefect",
        "employee_id": "E1",
        "usage_location": "US",
        "age_group": "minor",
        "consent": "granted",
        "synced": True,
        "primary_role": "student",
        "external_source": "sis",
        "student_id": "S1",
        "teacher_id": None,
        "grade": "09",
        "student_number": "1001",
        "graduation_year": "2030",
        "birth_date": "2011-02-03",
        "teacher_number": None,
    }
    found = row(store, "users", teacher)
    assert (found["teacher_id"], found["teacher_number"], found["synced"]) == ("T1", "55", False)
    sku = store.value("SELECT sku_id FROM current.skus WHERE part_number = 'STANDARDWOFFPACK_STUDENT'")
    assert store.rows("SELECT * FROM current.links WHERE kind = 'license'") == [("license", everything, sku)]


def test_every_column_of_a_section_a_school_and_a_group(store: Store) -> None:
    tenant, ids = school()
    read(store, SandboxTransport(Sandbox(tenant)))
    assert row(store, "sections", ids["class"]) == {
        "object_id": ids["class"],
        "external_id": "1",
        "display_name": "Art 1",
        "mail_nickname": "Section_1",
        "description": "Drawing",
        "external_name": "ART-1",
        "external_source": "sis",
        "class_code": "A1",
        "grade": "07",
        "course_id": "C1",
        "course_name": "Art",
        "course_number": "700",
        "course_description": "All of it",
        "course_subject": "Arts",
        "term_id": "T1",
        "term_name": "Autumn",
        "term_start": "2026-09-01",
        "term_end": "2026-12-18",
    }
    assert row(store, "schools", ids["school"]) == {
        "object_id": ids["school"],
        "external_id": "10",
        "display_name": "Hill School",
        "external_source": "sis",
        "school_number": "H10",
        "phone": "555-0100",
        "principal_id": "P1",
        "principal_name": "Robin Marsh",
        "principal_email": "robin@contoso.edu",
        "lowest_grade": "06",
        "highest_grade": "08",
        "street": "1 Hill Road",
        "city": "Redmond",
        "state": "WA",
        "postal_code": "98052",
        "country": "US",
    }
    assert row(store, "groups", ids["group"]) == {
        "object_id": ids["group"],
        "display_name": "Students",
        "mail": None,
        "mail_nickname": "students",
        "unique_name": "provision_x",
        "unified": False,
        "security": True,
        "synced": True,
    }
    assert row(store, "groups", ids["class"])["unified"] is True


def test_the_tenant_its_domains_and_its_licences(store: Store) -> None:
    tenant, _ = school()
    read(store, SandboxTransport(Sandbox(tenant)))
    assert store.rows("SELECT * FROM current.tenant") == [(tenant.id, tenant.name)]
    assert store.rows("SELECT * FROM current.domains WHERE name = 'contoso.edu'") == [("contoso.edu", True)]
    assert store.value("SELECT min(enabled) FROM current.skus") == 5_000
    plans = store.rows("""
        SELECT part_number FROM current.service_plans JOIN current.skus USING (sku_id)
        WHERE plan_name = 'INTUNE_EDU' ORDER BY 1""")
    assert plans == [("M365EDU_A3_FACULTY",), ("M365EDU_A3_STUUSEBNFT",)]


def test_links_of_all_kinds_over_many_pages(store: Store) -> None:
    tenant, ids = school(students=1_205)  # two pages of members, thirteen of a school's users
    sandbox = Sandbox(tenant)
    read(store, SandboxTransport(sandbox))
    found: dict[str, int] = dict(store.rows("SELECT kind, count(DISTINCT right_id) FROM current.links GROUP BY kind"))
    assert found == {
        "member": 1_206,
        "owner": 1,
        "group_member": 1_205,
        "school_user": 1_205,
        "school_section": 1,
    }
    assert store.value("SELECT count(*) FROM current.links") == sum(found.values())
    assert store.rows("SELECT left_id, right_id FROM current.links WHERE kind = 'owner'") == [
        (ids["class"], ids["teacher"])
    ]
    assert store.value("SELECT count(*) FROM current.users") == len(tenant.live["user"])


def test_the_links_of_many_classes_share_batches(store: Store) -> None:
    tenant = Tenant.new()
    student = tenant.add_user()
    for n in range(90):
        tenant.add_member(tenant.add_class(externalId=str(n)), student)
    sandbox = Sandbox(tenant)
    read(store, SandboxTransport(sandbox))
    assert store.value("SELECT count(*) FROM current.links WHERE kind = 'member'") == 90
    assert sandbox.batches == 1 + 9  # where the feeds of changes begin; 180 lists, 20 in a batch


def test_holders_of_roles_and_the_members_of_groups_that_hold_one(store: Store) -> None:
    tenant, ids = school()
    inner = tenant.add_group()
    outer = tenant.add_group(isAssignableToRole=True)
    tenant.add_member(outer, inner)
    tenant.add_member(inner, ids["teacher"])
    tenant.assign_role(outer)
    read(store, SandboxTransport(Sandbox(tenant)))
    names = store.rows("""
        SELECT user_principal_name FROM current.users
        WHERE object_id IN (SELECT user_id FROM current.admins) ORDER BY 1""")
    assert names == [("admin@contoso.edu",), ("breakglass@contoso.edu",), ("kim@contoso.edu",)]


def test_reading_twice_holds_everything_once(store: Store) -> None:
    tenant, _ = school()
    read(store, SandboxTransport(Sandbox(tenant)))
    before = counts(store)
    read(store, SandboxTransport(Sandbox(tenant)))
    assert counts(store) == before


def test_reading_objects_keeps_links_and_reading_links_keeps_licences(store: Store) -> None:
    tenant, ids = school()
    tenant.assign_license(ids["student0"], "STANDARDWOFFPACK_STUDENT")
    read(store, SandboxTransport(Sandbox(tenant)))
    before = counts(store)["links"]
    read(store, SandboxTransport(Sandbox(tenant)), links=False)
    assert counts(store)["links"] == before


def test_over_http(store: Store) -> None:
    tenant, _ = school()
    with serve(Sandbox(tenant)) as server:

        async def run() -> None:
            async with connect(server.url, "sandbox") as graph:
                await GraphReader(graph).read_objects(store)

        asyncio.run(run())
    assert counts(store)["users"] == len(tenant.live["user"])


def test_throttling_and_failures_lose_nothing(store: Store) -> None:
    tenant, _ = school(students=300)
    calm = in_memory()
    read(calm, SandboxTransport(Sandbox(tenant)))
    for faults in (
        Faults(fail_every=3, fail_with=(500, 502, 503, 429)),
        Faults(fail_batches=2, fail_batches_with=(429, 503)),
    ):
        read(store, SandboxTransport(Sandbox(tenant, faults)))
        assert counts(store) == counts(calm)
    calm.close()


class Failing(httpx.AsyncBaseTransport):
    """A tenant of which one thing cannot be read: `answer` is given for what matches."""

    def __init__(self, tenant: Tenant, path: str, answer: Callable[[], httpx.Response]) -> None:
        self._inner = SandboxTransport(Sandbox(tenant))
        self._path = path
        self._answer = answer
        self.hosts: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        if self._path in str(request.url):
            return self._answer()
        return await self._inner.handle_async_request(request)


DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
NEXT = "https://graph.microsoft.com/v1.0/education/classes?$skiptoken=MTAw"


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/domains", lambda: httpx.Response(403, json=DENIED), "Domain.Read.All"),
        ("/education/users", lambda: httpx.Response(503), "503"),
        ("/education/users", lambda: httpx.Response(200, text="<html>wait</html>"), "200"),
        ("/education/schools", lambda: httpx.Response(200, json={"unexpected": 1}), "no list"),
        ("/education/schools", lambda: httpx.Response(200, text='{"value": [{"id"'), "not valid JSON"),
        ("roleAssignments", lambda: httpx.Response(403, json=DENIED), "RoleManagement.Read.Directory"),
        ("$skiptoken", lambda: httpx.Response(500), "500"),
    ],
)
def test_what_cannot_be_read_whole_is_an_error_and_leaves_nothing(
    store: Store, path: str, answer: Callable[[], httpx.Response], reason: str
) -> None:
    tenant, _ = school(students=150)  # two pages of /education/users
    read(store, SandboxTransport(Sandbox(tenant)), links=False)
    store.run("DELETE FROM current.reading")  # so that everything is read anew
    with pytest.raises(DirectoryError) as caught:
        read(store, Failing(tenant, path, answer), links=False)
    assert reason in " ".join(caught.value.details)
    assert {name: n for name, n in counts(store).items() if n} == {}


def test_a_broken_connection_is_an_error(store: Store) -> None:
    def cut() -> httpx.Response:
        raise httpx.ReadError("cut")

    tenant, _ = school()
    with pytest.raises(DirectoryError):
        read(store, Failing(tenant, "/groups", cut), links=False)
    assert counts(store)["users"] == 0


def test_links_that_cannot_be_read_are_an_error_and_leave_none(store: Store) -> None:
    tenant, ids = school()
    transport = SandboxTransport(Sandbox(tenant))

    async def story(graph: Graph) -> None:
        store.run("CREATE OR REPLACE TABLE run.wanted (kind TEXT, object_id TEXT)")
        store.run("INSERT INTO run.wanted VALUES ('member', ?), ('member', 'unknown')", [ids["class"]])
        await GraphReader(graph).read_links(store)

    with pytest.raises(DirectoryError) as caught:
        drive(transport, story)
    assert "unknown" in caught.value.message
    assert counts(store)["links"] == 0


@pytest.mark.parametrize("host", ["evil.example", "graph.microsoft.com.evil.example"])
def test_a_next_link_to_another_host_is_not_followed(store: Store, host: str) -> None:
    tenant, _ = school()

    def answer() -> httpx.Response:
        link = f"https://{host}/v1.0/domains?$skiptoken=x"
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    transport = Failing(tenant, "/domains", answer)
    with pytest.raises(DirectoryError) as caught:
        read(store, transport, links=False)
    assert host in caught.value.message
    assert transport.hosts == {"graph.microsoft.com"}


def test_a_next_link_to_another_host_inside_a_batch_is_not_followed(store: Store) -> None:
    tenant, ids = school()

    def answer() -> httpx.Response:
        body = {"value": [], "@odata.nextLink": "https://evil.example/v1.0/groups"}
        return httpx.Response(200, json={"responses": [{"id": "1", "status": 200, "body": body}]})

    async def story(graph: Graph) -> None:
        store.run("CREATE OR REPLACE TABLE run.wanted AS SELECT 'member' AS kind, ? AS object_id", [ids["class"]])
        await GraphReader(graph).read_links(store)

    transport = Failing(tenant, "$batch", answer)
    with pytest.raises(DirectoryError):
        drive(transport, story)
    assert transport.hosts == {"graph.microsoft.com"}


def test_a_part_of_a_batch_waits_as_long_as_it_is_told(store: Store) -> None:
    tenant, ids = school()
    inner = SandboxTransport(Sandbox(tenant))
    asked: list[list[str]] = []

    class Throttled(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            urls = [one["url"] for one in json.loads(await request.aread())["requests"]]
            asked.append(urls)
            if len(asked) > 1:
                return await inner.handle_async_request(request)
            whole = json.loads((await inner.handle_async_request(request)).content)["responses"]
            for one in whole:
                if one["id"] != "1":
                    one |= {
                        "status": 429,
                        "headers": {"Retry-After": f"{one['id']}.5"},
                        "body": {"error": {}},
                    }
            return httpx.Response(200, json={"responses": whole})

    waits: list[float] = []

    async def story(graph: Graph) -> None:
        store.run("CREATE OR REPLACE TABLE run.wanted (kind TEXT, object_id TEXT)")
        for kind in ("member", "owner", "group_member"):
            store.run("INSERT INTO run.wanted VALUES (?, ?)", [kind, ids["class"]])
        await GraphReader(graph).read_links(store)

    drive(Throttled(), story, waits)
    assert waits == [3.5]  # together, after the longest of 2.5 and 3.5
    assert [len(urls) for urls in asked] == [3, 2]
    assert store.value("SELECT count(*) FROM current.links") == 4 + 1 + 4
