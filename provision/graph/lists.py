"""The lists that make up a directory: where each is read, what its objects are, which rows they become.

A page is handed to DuckDB as one text and taken apart in SQL. `shape` is the structure of one object, as
`from_json` wants it; `rows` selects from a relation `page` that has one such object, `o`, a row. `$top`
stands only where the service documents it.
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

USERS = List(
    "/users?$select=id,userPrincipalName,mail,mailNickname,displayName,givenName,surname,jobTitle,employeeId,"
    "usageLocation,ageGroup,consentProvidedForMinor,onPremisesSyncEnabled,assignedLicenses&$top=999",
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
    "/education/users?$select=id,middleName,primaryRole,externalSource,student,teacher",
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
    "/groups?$select=id,displayName,mail,mailNickname,uniqueName,groupTypes,securityEnabled,onPremisesSyncEnabled,"
    "assignedLicenses&$top=999",
    """[{"id": "VARCHAR", "displayName": "VARCHAR", "mail": "VARCHAR", "mailNickname": "VARCHAR",
         "uniqueName": "VARCHAR", "groupTypes": ["VARCHAR"], "securityEnabled": "BOOLEAN",
         "onPremisesSyncEnabled": "BOOLEAN", "assignedLicenses": [{"skuId": "VARCHAR"}]}]""",
    (
        """INSERT INTO current.groups
           SELECT o.id, o.displayName, o.mail, o.mailNickname, o.uniqueName,
                  coalesce(list_contains(o.groupTypes, 'Unified'), false), coalesce(o.securityEnabled, false),
                  coalesce(o.onPremisesSyncEnabled, false) FROM page""",
        """INSERT INTO current.links
           SELECT 'group_license', id, l.skuId FROM (SELECT o.id AS id, unnest(o.assignedLicenses) AS l FROM page)""",
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
        """INSERT INTO current.sections
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
        """INSERT INTO current.schools
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

LISTS = (ORGANIZATION, DOMAINS, SKUS, USERS, EDUCATION_USERS, GROUPS, SECTIONS, SCHOOLS, ROLE_HOLDERS)


def role_group_members(group: str) -> List:
    """The people behind a group that holds a directory role, nested groups opened."""
    return List(
        f"/groups/{group}/transitiveMembers?$select=id&$top=999",
        '[{"id": "VARCHAR"}]',
        ("INSERT INTO role_holders SELECT o.id FROM page",),
    )


STAGING = (
    """CREATE OR REPLACE TEMP TABLE accounts (
           id TEXT, upn TEXT, mail TEXT, nickname TEXT, display_name TEXT, given_name TEXT, family_name TEXT,
           job_title TEXT, employee_id TEXT, usage_location TEXT, age_group TEXT, consent TEXT,
           synced BOOLEAN, licenses TEXT[])""",
    """CREATE OR REPLACE TEMP TABLE pupils_and_staff (
           id TEXT, middle_name TEXT, primary_role TEXT, external_source TEXT, student_id TEXT,
           teacher_id TEXT, grade TEXT, student_number TEXT, graduation_year TEXT, birth_date TEXT,
           teacher_number TEXT)""",
    "CREATE OR REPLACE TEMP TABLE role_holders (id TEXT)",
)
"""Tables of one read: an account and its education data come from two lists and end in one row."""

JOINED = (
    # a directory that changes while it is read can show an object on two pages: one row of it is kept
    """INSERT INTO current.users
       SELECT DISTINCT ON (a.id) a.id, a.upn, a.mail, a.nickname, a.display_name, a.given_name, a.family_name,
              e.middle_name, a.job_title, a.employee_id, a.usage_location, a.age_group, a.consent, a.synced,
              e.primary_role, e.external_source, e.student_id, e.teacher_id, e.grade, e.student_number,
              e.graduation_year, e.birth_date, e.teacher_number
       FROM accounts a LEFT JOIN pupils_and_staff e ON e.id = a.id""",
    "INSERT INTO current.links SELECT DISTINCT 'license', id, unnest(licenses) FROM accounts",
    """INSERT INTO current.admins
       SELECT DISTINCT id FROM role_holders WHERE id IN (SELECT object_id FROM current.users)""",
    "DROP TABLE accounts",
    "DROP TABLE pupils_and_staff",
    "DROP TABLE role_holders",
)
