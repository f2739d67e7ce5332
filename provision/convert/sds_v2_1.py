"""SDS V2.1 as a target: ten files that are the roster tables, column by column.

Headers and their order are those of Microsoft's sample, all of them, also where they are empty: older versions of
School Data Sync insist on it. Columns that the sample lacks and later writers have stand only where they are needed.
Roles that only the other of Microsoft's two lists has become the nearest of the file's own list that has the same
rights; those that are the same then stand once.
Source: "SDS V2.1 CSV file format", its lists of values, and the sample of OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.convert.ids import ONE_NAME_SPACE
from provision.convert.target import Target, Written, word
from provision.formats.sds_v2_1 import FORMAT
from provision.roster import codes
from provision.roster.addresses import ALIAS_REFUSED
from provision.roster.checks.sense import IS_INCOMPLETE
from provision.store.sql import literals

USERNAME = (
    "coalesce(persons.username, persons.secondary_email, "
    "left(regexp_replace(persons.id, '[^0-9A-Za-z._-]', '_', 'g'), 64))"
)
ONE_GRADE = "split_part({0}.grade, ',', 1)"
START = "coalesce(sessions.start_date, least((SELECT starts FROM school_year), sessions.end_date))"
END = "coalesce(sessions.end_date, greatest((SELECT ends FROM school_year), sessions.start_date))"
ALIAS_ID = "letters, digits and `! $ ' + - = ^ _` and the grave accent: others are `_`"
UNDATED = "SELECT file, record FROM roster.sessions WHERE start_date IS NULL OR end_date IS NULL"

NO_CONTACT = f"""
    SELECT count(*) FROM roster.persons
    WHERE {IS_INCOMPLETE} AND id IN (SELECT contact_id FROM roster.relationships)"""


def _with_roles(table: str, words: Mapping[str, str], *key: str) -> tuple[str, str]:
    """The view `listed_…` of a table with roles that the file's list has. `key` and the role tell its records apart."""
    columns = ", ".join(key)
    same = " AND ".join(f"known.{column} IS NOT DISTINCT FROM odd.{column}" for column in (*key, "role"))
    become = f"""
        CREATE OR REPLACE TEMP TABLE become_{table} AS
        WITH odd AS (
            SELECT rowid AS origin, {columns}, {word("role", words, "other")} AS role, file, record
            FROM roster.{table} WHERE role IN {literals(words)}),
        known AS (SELECT {columns}, role FROM roster.{table} WHERE role IN {literals(words.values())})
        SELECT origin, role FROM odd ANTI JOIN known ON {same}
        QUALIFY row_number() OVER (PARTITION BY {columns}, role ORDER BY file, record) = 1"""
    listed = f"""
        CREATE OR REPLACE TEMP VIEW listed_{table} AS
        SELECT t.* REPLACE (coalesce(b.role, t.role) AS role)
        FROM sent_{table} t LEFT JOIN become_{table} b ON b.origin = t.origin
        WHERE b.role IS NOT NULL OR t.role NOT IN {literals(words)}"""
    return become, listed


def _become(words: Mapping[str, str]) -> str:
    return ", ".join(f"`{one}` is `{other}`" for one, other in words.items())


TARGET = Target(
    FORMAT,
    (
        Written("orgs.csv", ("sourcedId", "name", "type", "parentSourcedId")),
        Written(
            "users.csv",
            ("sourcedId", "username", "givenName", "familyName", "password", "activeDirectoryMatchId", "email",
             "phone", "sms"),
            ("middleName", "userNumber"),
            {"username": USERNAME},
        ),
        Written(
            "roles.csv",
            ("userSourcedId", "orgSourcedId", "role", "sessionSourcedId", "grade", "isPrimary", "roleStartDate",
             "roleEndDate"),
            values={"grade": ONE_GRADE.format("roles")},
            rows="listed_roles roles",
        ),
        Written(
            "classes.csv",
            ("sourcedId", "orgSourcedId", "title", "sessionSourcedIds", "courseSourcedId"),
            ("code",),
            {"title": "coalesce(sections.title, sections.id)", "code": "coalesce(sections.code, sections.number)"},
        ),
        Written(
            "enrollments.csv", ("classSourcedId", "userSourcedId", "role"), rows="listed_enrollments enrollments"
        ),
        Written(
            "academicSessions.csv",
            ("sourcedId", "title", "type", "schoolYear", "startDate", "endDate"),
            values={
                "title": "coalesce(sessions.title, sessions.id)",
                "type": "coalesce(sessions.type, 'term')",
                "schoolYear": f"coalesce(sessions.school_year, year({START})::TEXT)",
                "startDate": START,
                "endDate": END,
            },
        ),
        Written(
            "courses.csv",
            ("sourcedId", "orgSourcedId", "title", "code", "schoolYearSourcedId", "subject", "grade"),
            values={
                "title": "coalesce(courses.title, courses.code, courses.id)",
                "grade": ONE_GRADE.format("courses"),
                "subject": f"CASE WHEN courses.subject IN {literals(codes.SUBJECTS)} THEN courses.subject END",
            },
        ),
        Written(
            "demographics.csv",
            ("userSourcedId", "sex", "birthDate", "birthCity", "birthState", "birthCountry", "ethnicityCodes",
             "raceCodes"),
            values={"sex": "CASE demographics.sex WHEN 'other' THEN 'notSelected' ELSE demographics.sex END"},
        ),
        Written("userFlags.csv", ("userSourcedId", "flag")),
        Written(
            "relationships.csv",
            ("userSourcedId", "relationshipUserSourcedId", "relationshipRole"),
            values={"relationshipRole": "coalesce(relationships.role, 'other')"},
        ),
    ),
    people=(ONE_NAME_SPACE,),
    # a class names its sessions in a list, and its own id is in the address of its group
    forbidden={"sessions": ",", "sections": ALIAS_REFUSED},
    prepare=(
        *_with_roles("roles", codes.NO_ORG_ROLES, "person_id", "org_id", "session_id"),
        *_with_roles("enrollments", codes.NO_CLASS_ROLES, "section_id", "person_id"),
    ),
    doubts={
        "Contacts without a first name, a last name or an e-mail address, whom School Data Sync refuses": NO_CONTACT,
    },
    undated=UNDATED,
    made={
        "persons.username": "the e-mail address, else the id",
        "persons.source_id": "the name that tells persons apart, where the school gives none",
        "sections.title": "the id",
        "sections.code": "the number of the section",
        "sessions.title": "the id",
        "sessions.type": "`term`",
        "sessions.school_year": "the year in which the session starts",
        "sessions.start_date": "the start of the school year",
        "sessions.end_date": "the end of the school year",
        "courses.title": "the code, else the id",
        "relationships.role": "`other`",
    },
    narrows={
        "persons.source_id": "an id that two persons share: the second one's has a prefix",
        "roles": "those that become the same are one",
        "roles.role": _become(codes.NO_ORG_ROLES),
        "roles.grade": "the first of several",
        "sections.id": ALIAS_ID,
        "enrollments": "those that become the same are one",
        "enrollments.role": _become(codes.NO_CLASS_ROLES),
        "sessions.id": "no comma: `_` instead",
        "courses.grade": "the first of several",
        "courses.subject": "a code of the list, no text",
        "demographics.sex": "`other` is `notSelected`",
    },
)  # fmt: skip
