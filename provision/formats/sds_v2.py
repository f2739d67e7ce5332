"""SDS V2: four files; a row of users.csv carries one role and one school, or several, so people may repeat.

The sample of this format uses `aide` as a role of a user and `faculty` in a class; both are accepted, see
`provision/roster/codes.py`. Source: Microsoft's "SDS V2 CSV file format" and the sample of
OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from provision.formats.format import File, Format
from provision.roster.fill import Into

ORGS = File(
    "orgs.csv",
    ("sourcedId", "name", "type"),
    (Into("orgs", {"id": "sourcedId", "name": "name", "type": "type", "parent_id": "parentSourcedId"}),),
)
USERS = File(
    "users.csv",
    ("sourcedId", "orgSourcedIds", "username", "role"),
    (
        Into(
            "persons",
            {
                "id": "sourcedId",
                "source_id": "sourcedId",
                "username": "username",
                "given_name": "givenName",
                "family_name": "familyName",
                "password": "password",
            },
        ),
        Into(
            "roles",
            {"person_id": "sourcedId", "org_id": "orgSourcedIds", "role": "role", "grade": "grade"},
            each="org_id",
        ),
    ),
)
CLASSES = File(
    "classes.csv",
    ("sourcedId", "orgSourcedId", "title"),
    (Into("sections", {"id": "sourcedId", "org_id": "orgSourcedId", "title": "title"}),),
)
ENROLLMENTS = File(
    "enrollments.csv",
    ("classSourcedId", "userSourcedId", "role"),
    (Into("enrollments", {"section_id": "classSourcedId", "person_id": "userSourcedId", "role": "role"}),),
)

FORMAT = Format("sds-v2", "SDS V2", (ORGS, USERS, CLASSES, ENROLLMENTS))
