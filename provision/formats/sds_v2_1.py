"""SDS V2.1: up to ten files, the shape that the roster tables follow.

Required columns are those of Microsoft's description where it has them, else those that Microsoft's own
exporter insists on. `password` is read where it stands, though the newest description has no such column.
Source: "SDS V2.1 CSV file format" and the sample of OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from dataclasses import replace

from provision.formats.format import File, Format
from provision.formats.sds_v2 import ENROLLMENTS, ORGS
from provision.roster.codes import ISO_DATES
from provision.roster.fill import Into

USERS = File(
    "users.csv",
    ("sourcedId", "username"),
    (
        Into(
            "persons",
            {
                "id": "sourcedId",
                "source_id": "sourcedId",
                "username": "username",
                "given_name": "givenName",
                "family_name": "familyName",
                "middle_name": "middleName",
                "password": "password",
                "match_id": "activeDirectoryMatchId",
                "secondary_email": "email",
                "phone": "phone",
                "sms": "sms",
                "number": "userNumber",
            },
        ),
    ),
)
ROLES = File(
    "roles.csv",
    ("userSourcedId", "orgSourcedId", "role"),
    (
        Into(
            "roles",
            {
                "person_id": "userSourcedId",
                "org_id": "orgSourcedId",
                "role": "role",
                "session_id": "sessionSourcedId",
                "grade": "grade",
                "is_primary": "isPrimary",
                "start_date": "roleStartDate",
                "end_date": "roleEndDate",
            },
        ),
    ),
)
CLASSES = File(
    "classes.csv",
    ("sourcedId", "orgSourcedId", "title"),
    (
        Into(
            "sections",
            {
                "id": "sourcedId",
                "org_id": "orgSourcedId",
                "title": "title",
                "code": "code",
                "session_ids": "sessionSourcedIds",
                "course_id": (
                    "courseSourcedId",
                    "courseSouredId",
                ),  # a published export template misspells it
            },
        ),
    ),
    need="classes",
)
SESSIONS = File(
    "academicSessions.csv",
    ("sourcedId", "title", "type", "schoolYear", "startDate", "endDate"),
    (
        Into(
            "sessions",
            {
                "id": "sourcedId",
                "title": "title",
                "type": "type",
                "school_year": "schoolYear",
                "start_date": "startDate",
                "end_date": "endDate",
            },
        ),
    ),
    need="optional",
)
COURSES = File(
    "courses.csv",
    ("sourcedId", "title"),
    (
        Into(
            "courses",
            {
                "id": "sourcedId",
                "org_id": "orgSourcedId",
                "title": "title",
                "code": "code",
                "school_year_session_id": "schoolYearSourcedId",
                "subject": "subject",
                "grade": "grade",
            },
        ),
    ),
    need="optional",
)
DEMOGRAPHICS = File(
    "demographics.csv",
    ("userSourcedId",),
    (
        Into(
            "demographics",
            {
                "person_id": "userSourcedId",
                "sex": "sex",
                "birth_date": "birthDate",
                "birth_city": "birthCity",
                "birth_state": "birthState",
                "birth_country": "birthCountry",
                "ethnicity_codes": "ethnicityCodes",
                "race_codes": "raceCodes",
            },
        ),
    ),
    need="optional",
)
FLAGS = File(
    "userFlags.csv",
    ("userSourcedId", "flag"),
    (Into("flags", {"person_id": "userSourcedId", "flag": "flag"}),),
    need="optional",
)
RELATIONSHIPS = File(
    "relationships.csv",
    ("userSourcedId", "relationshipUserSourcedId", "relationshipRole"),
    (
        Into(
            "relationships",
            {
                "person_id": "userSourcedId",
                "contact_id": "relationshipUserSourcedId",
                "role": "relationshipRole",
            },
        ),
    ),
    need="optional",
)

FORMAT = Format(
    "sds-v2.1",
    "SDS V2.1",
    (
        ORGS,
        USERS,
        ROLES,
        CLASSES,
        replace(ENROLLMENTS, need="classes"),
        SESSIONS,
        COURSES,
        DEMOGRAPHICS,
        FLAGS,
        RELATIONSHIPS,
    ),
    date_formats=ISO_DATES,
)
