"""The lists that make up a directory: where each is read, what its objects are, which rows they become.

Pages are handed to DuckDB as text and taken apart in SQL, see `pages`. `shape` is the structure of one object, as
`from_json` wants it; `rows` selects from a relation `page` that has one such object, `o`, a row. `$top`
stands only where the service documents it.

The rows go to tables of the one read first, see `merge`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class List:
    """One list of the directory and the tables it fills: SQL of an INSERT for each."""

    path: str
    shape: str
    rows: tuple[str, ...]


ORGANIZATION = List(
    "/organization",
    '[{"id": "VARCHAR", "displayName": "VARCHAR"}]',
    ("INSERT INTO current.tenant SELECT o.id, o.displayName FROM page",),
)

DOMAINS = List(
    "/domains",
    '[{"id": "VARCHAR", "isVerified": "BOOLEAN"}]',
    ("INSERT INTO current.domains SELECT o.id, o.isVerified FROM page",),
)

SKUS = List(
    "/subscribedSkus",
    """[{"skuId": "VARCHAR", "skuPartNumber": "VARCHAR", "prepaidUnits": {"enabled": "BIGINT"},
         "consumedUnits": "BIGINT",
         "servicePlans": [{"servicePlanId": "VARCHAR", "servicePlanName": "VARCHAR"}]}]""",
    (
        """INSERT INTO current.skus
           SELECT o.skuId, o.skuPartNumber, o.prepaidUnits.enabled, o.consumedUnits FROM page""",
        """INSERT INTO current.service_plans
           SELECT sku, p.servicePlanId, p.servicePlanName
           FROM (SELECT o.skuId AS sku, unnest(o.servicePlans) AS p FROM page)""",
    ),
)

OF_AN_ACCOUNT = (
    "id,userPrincipalName,mail,mailNickname,displayName,givenName,surname,jobTitle,employeeId,usageLocation,ageGroup,"
    "consentProvidedForMinor,onPremisesSyncEnabled,assignedLicenses"
)
OF_A_PERSON = "id,middleName,primaryRole,externalSource,student,teacher"
OF_A_GROUP = (
    "id,displayName,mail,mailNickname,uniqueName,groupTypes,securityEnabled,onPremisesSyncEnabled,assignedLicenses"
)

USERS = List(
    f"/users?$select={OF_AN_ACCOUNT}&$top=999",
    """[{"id": "VARCHAR", "userPrincipalName": "VARCHAR", "mail": "VARCHAR", "mailNickname": "VARCHAR",
         "displayName": "VARCHAR", "givenName": "VARCHAR", "surname": "VARCHAR", "jobTitle": "VARCHAR",
         "employeeId": "VARCHAR", "usageLocation": "VARCHAR", "ageGroup": "VARCHAR",
         "consentProvidedForMinor": "VARCHAR", "onPremisesSyncEnabled": "BOOLEAN",
         "assignedLicenses": [{"skuId": "VARCHAR"}]}]""",
    (
        """INSERT INTO accounts
           SELECT o.id, o.userPrincipalName, o.mail, o.mailNickname, o.displayName, o.givenName, o.surname,
                  o.jobTitle, o.employeeId, o.usageLocation, o.ageGroup, o.consentProvidedForMinor,
                  coalesce(o.onPremisesSyncEnabled, false), [l.skuId FOR l IN o.assignedLicenses]
           FROM page""",
    ),
)

EDUCATION_USERS = List(
    f"/education/users?$select={OF_A_PERSON}",
    """[{"id": "VARCHAR", "middleName": "VARCHAR", "primaryRole": "VARCHAR", "externalSource": "VARCHAR",
         "student": {"externalId": "VARCHAR", "grade": "VARCHAR", "studentNumber": "VARCHAR",
                     "graduationYear": "VARCHAR", "birthDate": "VARCHAR"},
         "teacher": {"externalId": "VARCHAR", "teacherNumber": "VARCHAR"}}]""",
    (
        """INSERT INTO pupils_and_staff
           SELECT o.id, o.middleName, o.primaryRole, o.externalSource, o.student.externalId,
                  o.teacher.externalId, o.student.grade, o.student.studentNumber, o.student.graduationYear,
                  o.student.birthDate,
                  o.teacher.teacherNumber FROM page""",
    ),
)

GROUPS = List(
    f"/groups?$select={OF_A_GROUP}&$top=999",
    """[{"id": "VARCHAR", "displayName": "VARCHAR", "mail": "VARCHAR", "mailNickname": "VARCHAR",
         "uniqueName": "VARCHAR", "groupTypes": ["VARCHAR"], "securityEnabled": "BOOLEAN",
         "onPremisesSyncEnabled": "BOOLEAN", "assignedLicenses": [{"skuId": "VARCHAR"}]}]""",
    (
        """INSERT INTO seen_groups
           SELECT o.id, o.displayName, o.mail, o.mailNickname, o.uniqueName,
                  coalesce(list_contains(o.groupTypes, 'Unified'), false), coalesce(o.securityEnabled, false),
                  coalesce(o.onPremisesSyncEnabled, false) FROM page""",
        "DELETE FROM group_licenses WHERE id IN (SELECT o.id FROM page)",
        """INSERT INTO group_licenses
           SELECT id, l.skuId FROM (
               SELECT o.id AS id, unnest(arg_max(coalesce(o.assignedLicenses, []), number)) AS l
               FROM page GROUP BY o.id)""",
    ),
)

SECTIONS = List(
    "/education/classes",
    """[{"id": "VARCHAR", "externalId": "VARCHAR", "displayName": "VARCHAR", "mailNickname": "VARCHAR",
         "description": "VARCHAR", "externalName": "VARCHAR", "externalSource": "VARCHAR",
         "classCode": "VARCHAR", "grade": "VARCHAR",
         "course": {"externalId": "VARCHAR", "displayName": "VARCHAR", "courseNumber": "VARCHAR",
                    "description": "VARCHAR", "subject": "VARCHAR"},
         "term": {"externalId": "VARCHAR", "displayName": "VARCHAR", "startDate": "VARCHAR",
                  "endDate": "VARCHAR"}}]""",
    (
        """INSERT INTO seen_sections
           SELECT o.id, o.externalId, o.displayName, o.mailNickname, o.description, o.externalName,
                  o.externalSource, o.classCode, o.grade, o.course.externalId, o.course.displayName,
                  o.course.courseNumber, o.course.description, o.course.subject, o.term.externalId,
                  o.term.displayName, o.term.startDate, o.term.endDate FROM page""",
    ),
)

SCHOOLS = List(
    "/education/schools",
    """[{"id": "VARCHAR", "externalId": "VARCHAR", "displayName": "VARCHAR", "externalSource": "VARCHAR",
         "schoolNumber": "VARCHAR", "phone": "VARCHAR", "externalPrincipalId": "VARCHAR",
         "principalName": "VARCHAR", "principalEmail": "VARCHAR", "lowestGrade": "VARCHAR",
         "highestGrade": "VARCHAR",
         "address": {"street": "VARCHAR", "city": "VARCHAR", "state": "VARCHAR", "postalCode": "VARCHAR",
                     "countryOrRegion": "VARCHAR"}}]""",
    (
        """INSERT INTO seen_schools
           SELECT o.id, o.externalId, o.displayName, o.externalSource, o.schoolNumber, o.phone,
                  o.externalPrincipalId, o.principalName, o.principalEmail, o.lowestGrade, o.highestGrade,
                  o.address.street, o.address.city, o.address.state, o.address.postalCode,
                  o.address.countryOrRegion FROM page""",
    ),
)

ROLE_HOLDERS = List(
    "/roleManagement/directory/roleAssignments?$select=principalId",
    '[{"principalId": "VARCHAR"}]',
    ("INSERT INTO role_holders SELECT o.principalId FROM page",),
)


def accounts_with(anchor: str) -> List:
    """The accounts of a tenant without education data: the school's id stands in the attribute `anchor`."""
    extended = anchor.startswith("extensionAttribute")
    shape = f', "onPremisesExtensionAttributes": {{"{anchor}": "VARCHAR"}}}}]' if extended else "}]"
    value = f"o.onPremisesExtensionAttributes.{anchor}" if extended else f"o.{anchor}"
    return List(
        f"/users?$select={OF_AN_ACCOUNT}{',onPremisesExtensionAttributes' if extended else ''}&$top=999",
        USERS.shape[:-2] + shape,
        (
            *USERS.rows,
            f"""INSERT INTO pupils_and_staff BY NAME
                SELECT o.id AS id, nullif({value}, '') AS student_id, nullif({value}, '') AS teacher_id FROM page""",
        ),
    )


GROUPS_AS_SECTIONS = List(
    f"/groups?$select={OF_A_GROUP},description&$top=999",
    GROUPS.shape[:-2] + ', "description": "VARCHAR"}]',
    (
        *GROUPS.rows,
        """INSERT INTO seen_sections BY NAME
           SELECT o.id AS object_id, o.uniqueName AS external_id, o.displayName AS display_name,
                  o.mailNickname AS mail_nickname, o.description AS description FROM page
           WHERE o.uniqueName IS NOT NULL AND coalesce(list_contains(o.groupTypes, 'Unified'), false)""",
    ),
)
"""In a tenant without education data a class is a Microsoft 365 group with a unique name."""

UNITS_AS_SCHOOLS = List(
    "/directory/administrativeUnits?$select=id,displayName,description",
    '[{"id": "VARCHAR", "displayName": "VARCHAR", "description": "VARCHAR"}]',
    (
        """INSERT INTO seen_schools BY NAME
           SELECT o.id AS object_id, o.description AS external_id, o.displayName AS display_name FROM page""",
    ),
)
"""There, a school is an administrative unit: it has no key but its description."""

UNITS = List(
    "/directory/administrativeUnits?$select=id",
    '[{"id": "VARCHAR"}]',
    ("INSERT INTO units SELECT o.id FROM page",),
)

EACH_TIME = (ORGANIZATION, DOMAINS, SKUS, ROLE_HOLDERS)
"""Short lists, read whole in every run."""
ONCE = (USERS, EDUCATION_USERS, GROUPS, SECTIONS, SCHOOLS)
"""Lists that grow with the directory."""


def role_group_members(group: str) -> List:
    """The people behind a group that holds a directory role, nested groups opened."""
    return List(
        f"/groups/{group}/transitiveMembers?$select=id&$top=999",
        '[{"id": "VARCHAR"}]',
        ("INSERT INTO role_holders SELECT o.id FROM page",),
    )
