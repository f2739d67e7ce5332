"""The lists that make up a directory: where each is read, what its objects are, which rows they become.

A page is handed to DuckDB as one text and taken apart in SQL. `shape` is the structure of one object, as
`from_json` wants it; `rows` selects from a relation `page` that has one such object, `o`, a row. `$top`
stands only where the service documents it.

What is read goes to tables of the one read first (`STAGING`), and from there to the `current` tables (`MERGED`): in
the same way when everything is read anew and when only the changes are (see `feeds`).
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
           SELECT id, l.skuId FROM (SELECT o.id AS id, unnest(o.assignedLicenses) AS l FROM page)""",
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


STAGING = (
    """CREATE OR REPLACE TEMP TABLE accounts (
           id TEXT, upn TEXT, mail TEXT, nickname TEXT, display_name TEXT, given_name TEXT, family_name TEXT,
           job_title TEXT, employee_id TEXT, usage_location TEXT, age_group TEXT, consent TEXT,
           synced BOOLEAN, licenses TEXT[])""",
    """CREATE OR REPLACE TEMP TABLE pupils_and_staff (
           id TEXT, middle_name TEXT, primary_role TEXT, external_source TEXT, student_id TEXT,
           teacher_id TEXT, grade TEXT, student_number TEXT, graduation_year TEXT, birth_date TEXT,
           teacher_number TEXT)""",
    "CREATE OR REPLACE TEMP TABLE seen_groups AS FROM current.groups LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE group_licenses (id TEXT, sku_id TEXT)",
    "CREATE OR REPLACE TEMP TABLE seen_sections AS FROM current.sections LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE seen_schools AS FROM current.schools LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE units (id TEXT)",
    "CREATE OR REPLACE TEMP TABLE role_holders (id TEXT)",
    "CREATE OR REPLACE TEMP TABLE gone (id TEXT, for_good BOOLEAN)",
    "CREATE OR REPLACE TEMP TABLE told_links (relation TEXT, left_id TEXT, right_id TEXT, type TEXT, gone BOOLEAN)",
)
"""Tables of one read: an account and its education data come from two lists and end in one row."""


def _last_of(table: str, key: str) -> str:
    """A directory that changes while it is read shows an object on two pages: the later one counts."""
    last = f"SELECT max(rowid) FROM {table} GROUP BY {key}"
    return f"""
        DELETE FROM {table} WHERE rowid NOT IN ({last} HAVING count(*) > 1)
            AND {key} IN (SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1)"""


def _either(told: str, names: dict[str, str]) -> str:
    """The columns as they were told, or as they were where nothing was told of them."""
    return ", ".join(f"CASE WHEN {told}.id IS NULL THEN c.{known} ELSE {told}.{name} END AS {known}"
                     for known, name in names.items())  # fmt: skip


_ACCOUNT = {
    "user_principal_name": "upn",
    "mail": "mail",
    "mail_nickname": "nickname",
    "display_name": "display_name",
    "given_name": "given_name",
    "family_name": "family_name",
    "job_title": "job_title",
    "employee_id": "employee_id",
    "usage_location": "usage_location",
    "age_group": "age_group",
    "consent": "consent",
    "synced": "synced",
}
_EDUCATION = {
    name: name
    for name in (
        "middle_name",
        "primary_role",
        "external_source",
        "student_id",
        "teacher_id",
        "grade",
        "student_number",
        "graduation_year",
        "birth_date",
        "teacher_number",
    )
}
_LINKS = """
    SELECT l.kind, t.left_id, t.right_id, arg_max(t.gone, t.rowid) AS gone
    FROM told_links t JOIN current.linked l ON l.object_id = t.left_id
    WHERE CASE l.kind WHEN 'owner' THEN t.relation = 'owners'
                      WHEN 'school_user' THEN t.relation = 'units' AND t.type = '#microsoft.graph.user'
                      WHEN 'school_section' THEN t.relation = 'units' AND t.type = '#microsoft.graph.group'
                      ELSE t.relation = 'members' END
    GROUP BY ALL"""

MERGED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("accounts", "pupils_and_staff", "gone"),
        (
            _last_of("accounts", "id"),
            _last_of("pupils_and_staff", "id"),
            f"""CREATE OR REPLACE TEMP TABLE told_users AS
                SELECT coalesce(a.id, e.id) AS object_id, {_either("a", _ACCOUNT)}, {_either("e", _EDUCATION)}
                FROM accounts a FULL JOIN pupils_and_staff e ON e.id = a.id
                LEFT JOIN current.users c ON c.object_id = coalesce(a.id, e.id)
                WHERE coalesce(a.id, c.object_id) IS NOT NULL""",
            """DELETE FROM current.users
               WHERE object_id IN (SELECT object_id FROM told_users UNION ALL SELECT id FROM gone)""",
            "INSERT INTO current.users BY NAME FROM told_users WHERE object_id NOT IN (SELECT id FROM gone)",
            """DELETE FROM current.links WHERE kind = 'license'
                   AND left_id IN (SELECT id FROM accounts UNION ALL SELECT id FROM gone)""",
            """INSERT INTO current.links SELECT DISTINCT 'license', id, unnest(licenses) FROM accounts
                   WHERE id NOT IN (SELECT id FROM gone)""",
        ),
    ),
    *(
        (
            (f"seen_{table}", "gone"),
            (
                _last_of(f"seen_{table}", "object_id"),
                f"""DELETE FROM current.{table}
                    WHERE object_id IN (SELECT object_id FROM seen_{table} UNION ALL SELECT id FROM gone)""",
                f"INSERT INTO current.{table} FROM seen_{table} WHERE object_id NOT IN (SELECT id FROM gone)",
            ),
        )
        for table in ("groups", "sections", "schools")
    ),
    (
        ("seen_groups",),
        (
            """DELETE FROM current.links
               WHERE kind = 'group_license' AND left_id IN (SELECT object_id FROM seen_groups)""",
            "INSERT INTO current.links SELECT DISTINCT 'group_license', id, sku_id FROM group_licenses",
        ),
    ),
    (
        ("told_links",),
        (
            f"CREATE OR REPLACE TEMP TABLE new_links AS {_LINKS}",
            """DELETE FROM current.links
               WHERE (kind, left_id, right_id) IN (SELECT (kind, left_id, right_id) FROM new_links)""",
            "INSERT INTO current.links SELECT kind, left_id, right_id FROM new_links WHERE NOT gone",
        ),
    ),
    (
        ("gone",),
        (
            # who is only in the bin sits in his classes again when he comes back, and nothing tells of it then
            "DELETE FROM current.links WHERE right_id IN (SELECT id FROM gone WHERE for_good)",
            "DELETE FROM current.links WHERE left_id IN (SELECT id FROM gone)",
            "DELETE FROM current.linked WHERE object_id IN (SELECT id FROM gone)",
        ),
    ),
    (
        ("role_holders",),
        (
            """INSERT INTO current.admins
               SELECT DISTINCT id FROM role_holders WHERE id IN (SELECT object_id FROM current.users)""",
        ),
    ),
)
"""From the tables of one read to the `current` ones, of which those that are read whole each time are empty: steps, and
the tables that say whether there is anything to do in each."""

DROPPED = tuple(
    f"DROP TABLE IF EXISTS {table}"
    for table in (
        "accounts", "pupils_and_staff", "seen_groups", "group_licenses", "seen_sections", "seen_schools", "units",
        "role_holders", "gone",
        "told_links", "told_users", "new_links",
    )
)  # fmt: skip
