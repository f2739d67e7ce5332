"""OneRoster 1.1 CSV, and 1.0, which has older names for some columns: a user has one role, in one school or several.

1.1 knows the roles administrator, aide, guardian, parent, proctor, relative, student and teacher, in users.csv and,
in older lists, for enrollments too; a role that Microsoft's lists know is good as well.
"""

from __future__ import annotations

from provision.formats import oneroster
from provision.formats.format import Format
from provision.formats.manifest import MANIFEST
from provision.roster.fill import Into

USERS = oneroster.table(
    "users.csv",
    ("orgSourcedIds", "role", "username"),
    Into("persons", oneroster.PERSON),
    Into(
        "roles",
        {"person_id": "sourcedId", "org_id": "orgSourcedIds", "role": "role", "grade": "grades"},
        kinds={"role": "oneroster role", "grade": "grades"},
        each="org_id",
    ),
    oneroster.AGENTS,
    need="always",
    older={"orgSourcedId": "orgSourcedIds", "userId": "userIds", "agents": "agentSourcedIds", "grade": "grades"},
)

FORMAT = Format(
    "oneroster-1.1",
    "OneRoster 1.0 or 1.1 CSV",
    (
        oneroster.ORGS,
        USERS,
        oneroster.CLASSES,
        oneroster.ENROLLMENTS,
        oneroster.SESSIONS,
        oneroster.COURSES,
        oneroster.DEMOGRAPHICS,
        MANIFEST,
    ),
    date_formats=oneroster.DATES,
    own_columns=oneroster.OWN_COLUMNS,
    unread=oneroster.UNREAD,
    after=oneroster.AFTER,
)
