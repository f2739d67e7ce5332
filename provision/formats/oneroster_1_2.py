"""OneRoster 1.2 CSV: a user may have several roles, in roles.csv, and accounts in other systems, in userProfiles.csv.

Its roles are those of 1.1 and counselor (read as advisor), principal, siteAdministrator and districtAdministrator
(administrator) and systemAdministrator (itAdmin). Profiles of the standard may add others: one that is in no list
holds the person. A primary role is primary in its school; where users.csv has a primary school in which the person
has a role, only that role stays primary. Grades stand in users.csv and belong to all roles of the user.
"""

from __future__ import annotations

from provision.formats import oneroster
from provision.formats.format import Format
from provision.formats.manifest import MANIFEST
from provision.roster.fill import Into, Made

USERS = oneroster.table(
    "users.csv",
    ("username",),
    Into(
        "persons",
        {
            **oneroster.PERSON,
            "master_id": "userMasterIdentifier",
            "preferred_given_name": "preferredGivenName",
            "preferred_middle_name": "preferredMiddleName",
            "preferred_family_name": "preferredFamilyName",
            "pronouns": "pronouns",
        },
    ),
    # a row without a role, which `GRADES_AND_PRIMARY` gives to the roles of roles.csv
    Into(
        "roles",
        {"person_id": "sourcedId", "org_id": "primaryOrgSourcedId", "grade": "grades"},
        kinds={"grade": "grades"},
        where=Made("coalesce({grades}, {primaryOrgSourcedId}) IS NOT NULL"),
    ),
    oneroster.AGENTS,
    need="always",
    ignored=("resourceSourcedIds",),
)
ROLES = oneroster.table(
    "roles.csv",
    ("userSourcedId", "orgSourcedId", "role"),
    Into(
        "roles",
        {
            "person_id": "userSourcedId",
            "org_id": "orgSourcedId",
            "role": "role",
            "is_primary": Made(
                "CASE lower({roleType}) WHEN 'primary' THEN 'true' WHEN 'secondary' THEN 'false' ELSE {roleType} END"
            ),
            "start_date": "beginDate",
            "end_date": "endDate",
            "profile_id": "userProfileSourcedId",
            "status": "status",
        },
        kinds={"role": "oneroster role"},
    ),
    need="always",
)
PROFILES = oneroster.table(
    "userProfiles.csv",
    ("userSourcedId",),
    Into(
        "user_profiles",
        {
            "id": "sourcedId",
            "person_id": "userSourcedId",
            "type": "profileType",
            "vendor_id": "vendorId",
            "application_id": "applicationId",
            "description": "description",
            "credential_type": "credentialType",
            "username": "username",
            "password": "password",
        },
    ),
)

GRADES_AND_PRIMARY = (
    """UPDATE roster.roles SET grade = known.grade
        FROM (SELECT person_id AS id, grade FROM roster.roles WHERE role IS NULL AND grade IS NOT NULL) known
        WHERE role IS NOT NULL AND person_id = known.id""",
    """UPDATE roster.roles SET is_primary = false WHERE rowid IN (
        SELECT elsewhere
        FROM (SELECT r.rowid AS elsewhere, person_id, u.org_id
            FROM roster.roles r JOIN roster.roles u USING (person_id)
            WHERE r.role IS NOT NULL AND u.role IS NULL AND r.is_primary AND r.org_id <> u.org_id)
        SEMI JOIN (FROM roster.roles WHERE role IS NOT NULL) USING (person_id, org_id))""",
    "DELETE FROM roster.roles WHERE role IS NULL",
)
"""What users.csv says goes to the roles; its rows without a role go away."""

FORMAT = Format(
    "oneroster-1.2",
    "OneRoster 1.2 CSV",
    (
        oneroster.ORGS,
        USERS,
        ROLES,
        oneroster.CLASSES,
        oneroster.ENROLLMENTS,
        oneroster.SESSIONS,
        oneroster.COURSES,
        oneroster.DEMOGRAPHICS,
        PROFILES,
        MANIFEST,
    ),
    date_formats=oneroster.DATES,
    own_columns=oneroster.OWN_COLUMNS,
    unread=oneroster.UNREAD,
    after=(*GRADES_AND_PRIMARY, *oneroster.AFTER),
)
