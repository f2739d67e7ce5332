"""SDS V2.1 as a target: ten files that are the roster tables, column by column.

Headers and their order are those of Microsoft's sample, all of them, also where they are empty: older versions of
School Data Sync insist on it. Columns that the sample lacks and later writers have stand only where they are needed.
Source: "SDS V2.1 CSV file format" and the sample of OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from provision.convert.ids import ONE_NAME_SPACE
from provision.convert.target import Target, Written
from provision.formats.sds_v2_1 import FORMAT
from provision.roster import codes
from provision.store.sql import literals

USERNAME = (
    "coalesce(persons.username, persons.secondary_email, "
    "left(regexp_replace(persons.id, '[^0-9A-Za-z._-]', '_', 'g'), 64))"
)
ONE_GRADE = "split_part({0}.grade, ',', 1)"
START = "coalesce(sessions.start_date, least((SELECT starts FROM school_year), sessions.end_date))"
END = "coalesce(sessions.end_date, greatest((SELECT ends FROM school_year), sessions.start_date))"
UNDATED = "SELECT file, record FROM roster.sessions WHERE start_date IS NULL OR end_date IS NULL"

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
        ),
        Written(
            "classes.csv",
            ("sourcedId", "orgSourcedId", "title", "sessionSourcedIds", "courseSourcedId"),
            ("code",),
            {"title": "coalesce(sections.title, sections.id)", "code": "coalesce(sections.code, sections.number)"},
        ),
        Written("enrollments.csv", ("classSourcedId", "userSourcedId", "role")),
        Written(
            "academicSessions.csv",
            ("sourcedId", "title", "type", "schoolYear", "startDate", "endDate"),
            values={
                "title": "coalesce(sessions.title, sessions.id)",
                "type": "coalesce(sessions.type, 'term')",
                "schoolYear": f"coalesce(sessions.school_year, left({START}, 4))",
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
        Written("relationships.csv", ("userSourcedId", "relationshipUserSourcedId", "relationshipRole")),
    ),
    people=(ONE_NAME_SPACE,),
    forbidden={"sessions": ","},  # a class names its sessions in a list
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
    },
    narrows={
        "persons.source_id": "an id that two persons share: the second one's has a prefix",
        "roles.grade": "the first of several",
        "sessions.id": "no comma: `_` instead",
        "courses.grade": "the first of several",
        "courses.subject": "a code of the list, no text",
        "demographics.sex": "`other` is `notSelected`",
    },
)  # fmt: skip
