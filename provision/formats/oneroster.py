"""What the versions of OneRoster have in common: files, who is a contact of whom, what a deleted record takes along.

Read by the names of the columns, never by their places, since feeds and corrections of the standard differ in
them. Feeds fill `status` and `dateLastModified` in full exports too, where they should be blank; that is accepted.
A record marked `tobedeleted` counts as absent, and the roles, relations and classes' enrollments that speak of it go
along. An enrollment of a deleted person that is itself not deleted says the contrary, and is held as one that names
nobody. Any other status than `active` holds what it speaks of.

Parents, guardians and relatives are contacts: they have no role in the school, and each of their students is a
relation, whichever of the two names the other in `agentSourcedIds`. Other persons named there are contacts too, of
the kind `aide` or `other`, as Microsoft's own mapping has it. A user who is not enabled is held as not active,
except a contact, who needs no account.

`endDate` is the first day that does not belong to a session or enrollment any more; it is kept as it stands, and
the dates of an enrollment do not end it by themselves. Sources: 1EdTech's "OneRoster CSV Binding" and "CSV Tables",
versions 1.1.1 and 1.2.1; Microsoft's notebooks that bring OneRoster into SDS V2.1 (OfficeDev/O365-EDU-Tools).
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.formats.format import File, Need
from provision.roster import codes
from provision.roster.fill import Column, Into, Made
from provision.store.sql import literals

OWN_COLUMNS = "metadata."
DATES = ("YYYY-MM-DD",)
UNREAD = frozenset(
    (
        "categories.csv",
        "lineitems.csv",
        "results.csv",
        "resources.csv",
        "classresources.csv",
        "courseresources.csv",
        "userresources.csv",
        "scorescales.csv",
        "lineitemscorescales.csv",
        "resultscorescales.csv",
        "lineitemlearningobjectiveids.csv",
        "resultlearningobjectiveids.csv",
    )
)
"""Gradebooks and learning resources."""

CONTACTS = literals(codes.CONTACTS)


def _flag(code: str) -> str:
    """A column of true and false as the code that it is named after; any other value spoils the list of codes."""
    return f"CASE lower({{{code}}}) WHEN 'true' THEN '{code}' WHEN 'false' THEN NULL ELSE '{code} = ' || {{{code}}} END"


RACES = ", ".join(map(_flag, codes.RACES))
ETHNICITIES = ", ".join(map(_flag, codes.ETHNICITIES))


def table(
    name: str,
    required: tuple[str, ...],
    *into: Into,
    need: Need = "optional",
    ignored: tuple[str, ...] = (),
    older: Mapping[str, str] | None = None,
) -> File:
    """A file of OneRoster: every one has an id, a status and the date of its last change."""
    return File(
        name,
        ("sourcedId", *required),
        into,
        need,
        gone=Made("lower({status}) = 'tobedeleted'"),
        ignored=("dateLastModified", *ignored),
        older=older or {},
        key="sourcedId",
    )


ORGS = table(
    "orgs.csv",
    ("name", "type"),
    Into(
        "orgs",
        {"id": "sourcedId", "name": "name", "type": "type", "number": "identifier", "parent_id": "parentSourcedId"},
    ),
    need="always",
)
SESSIONS = table(
    "academicSessions.csv",
    ("title", "startDate", "endDate"),
    Into(
        "sessions",
        {
            "id": "sourcedId",
            "title": "title",
            "type": "type",
            "start_date": "startDate",
            "end_date": "endDate",
            "parent_id": "parentSourcedId",
            "school_year": "schoolYear",
        },
        kinds={"school_year": "school year"},
    ),
)
COURSES = table(
    "courses.csv",
    ("title",),
    Into(
        "courses",
        {
            "id": "sourcedId",
            "title": "title",
            "code": "courseCode",
            "org_id": "orgSourcedId",
            "school_year_session_id": "schoolYearSourcedId",
            "grade": "grades",
            "subject": "subjects",
            "subject_codes": "subjectCodes",
        },
        kinds={"grade": "grades", "subject": "text"},
    ),
    older={"schoolYearId": "schoolYearSourcedId", "grade": "grades"},
)
CLASSES = table(
    "classes.csv",
    ("title", "schoolSourcedId"),
    Into(
        "sections",
        {
            "id": "sourcedId",
            "title": "title",
            "org_id": "schoolSourcedId",
            "code": "classCode",
            "type": "classType",
            "location": "location",
            "course_id": "courseSourcedId",
            "session_ids": "termSourcedIds",
            "grade": "grades",
            "subject": "subjects",
            "subject_codes": "subjectCodes",
            "periods": "periods",
            "status": "status",
        },
        kinds={"type": "class type", "grade": "grades"},
    ),
    need="classes",
    older={"termSourcedId": "termSourcedIds", "grade": "grades"},
)
ENROLLMENTS = table(
    "enrollments.csv",
    ("classSourcedId", "userSourcedId", "role"),
    Into(
        "enrollments",
        {
            "section_id": "classSourcedId",
            "person_id": "userSourcedId",
            "role": "role",
            "is_primary": "primary",
            "start_date": "beginDate",
            "end_date": "endDate",
            "status": "status",
        },
        kinds={"role": "oneroster role"},
    ),
    need="classes",
    ignored=("schoolSourcedId",),
)
DEMOGRAPHICS = table(
    "demographics.csv",
    (),
    Into(
        "demographics",
        {
            "person_id": "sourcedId",
            "sex": "sex",
            "birth_date": "birthDate",
            "race_codes": Made(f"nullif(concat_ws(',', {RACES}), '')"),
            "ethnicity_codes": Made(f"nullif(concat_ws(',', {ETHNICITIES}), '')"),
            "birth_country": "countryOfBirthCode",
            "birth_state": "stateOfBirthAbbreviation",
            "birth_city": "cityOfBirth",
            "residence_status": "publicSchoolResidenceStatus",
        },
        kinds={"sex": "oneroster sex"},
    ),
    older={"userSourcedId": "sourcedId"},
)

PERSON: dict[str, Column] = {
    "id": "sourcedId",
    "source_id": "sourcedId",
    "username": "username",
    "given_name": "givenName",
    "family_name": "familyName",
    "middle_name": "middleName",
    "number": "identifier",
    "secondary_email": "email",
    "sms": "sms",
    "phone": "phone",
    "other_ids": "userIds",
    "password": "password",
    "status": Made(
        "CASE lower({enabledUser}) WHEN 'true' THEN {status} WHEN 'false' THEN 'not enabled' "
        "ELSE coalesce('enabledUser = ' || {enabledUser}, {status}) END"
    ),
}
AGENTS = Into(
    "relationships",
    {"person_id": "sourcedId", "contact_id": "agentSourcedIds"},
    {"role": "other"},
    needs="contact_id",
    each="contact_id",
)

# -- once every file is in the tables

# anti joins, for these begin with the few that are gone; NOT IN would begin with everybody
_GONE = "(SELECT s.id FROM spoken_of s ANTI JOIN roster.{1} USING (id) WHERE gone AND s.file = '{0}')"
_GONE_USERS, _GONE_CLASSES = _GONE.format("users.csv", "persons"), _GONE.format("classes.csv", "sections")
_STUDENTS = "(SELECT person_id FROM roster.roles WHERE role = 'student')"
_NOT_OF_A_STUDENT = f"""(
    SELECT relation FROM (SELECT rowid AS relation, person_id FROM roster.relationships)
    ANTI JOIN {_STUDENTS} USING (person_id))"""
GO_ALONG = (
    f"DELETE FROM roster.roles WHERE person_id IN {_GONE_USERS}",
    f"DELETE FROM roster.demographics WHERE person_id IN {_GONE_USERS}",
    f"DELETE FROM roster.relationships WHERE person_id IN {_GONE_USERS} OR contact_id IN {_GONE_USERS}",
    f"DELETE FROM roster.user_profiles WHERE person_id IN {_GONE_USERS}",
    f"DELETE FROM roster.enrollments WHERE section_id IN {_GONE_CLASSES}",
)
"""What speaks of a record that the school has deleted."""
ONE_OF_A_PAIR = """
    DELETE FROM roster.enrollments WHERE lower(status) <> 'active' AND (section_id, person_id) IN (
        SELECT (section_id, person_id) FROM roster.enrollments WHERE coalesce(lower(status) = 'active', true)
            AND section_id IN (SELECT section_id FROM roster.enrollments WHERE lower(status) <> 'active'))"""
"""Who came back to a class has an old enrollment, which is not active, and a new one."""
_SAME = "section_id, person_id, role"
_DATES = "hash(start_date, end_date)"
ONE_OF_ITS_PARTS = (
    f"""CREATE OR REPLACE TEMP TABLE parts AS
        SELECT {_SAME}, arg_min(rowid, (file, record)) AS kept,
            CASE WHEN count(*) = count(start_date) THEN min(start_date) END AS starts,
            CASE WHEN count(*) = count(end_date) THEN max(end_date) END AS ends
        FROM roster.enrollments WHERE hash({_SAME}) IN (
            SELECT hash({_SAME}) FROM roster.enrollments GROUP BY hash({_SAME}) HAVING min({_DATES}) <> max({_DATES}))
        GROUP BY {_SAME} HAVING min({_DATES}) <> max({_DATES})""",
    f"""DELETE FROM roster.enrollments WHERE rowid IN (
        SELECT e.rowid FROM roster.enrollments e JOIN parts USING ({_SAME}) WHERE e.rowid <> kept)""",
    """UPDATE roster.enrollments SET start_date = starts, end_date = ends FROM parts
        WHERE enrollments.rowid = kept""",
    "DROP TABLE parts",
)
"""Enrollments that follow one another, one for each term, are one from the first day to the last."""
RELATE = (
    # from the student's side, whoever named whom
    f"""UPDATE roster.relationships SET person_id = contact_id, contact_id = person_id
        WHERE rowid IN {_NOT_OF_A_STUDENT} AND contact_id IN {_STUDENTS}""",
    f"DELETE FROM roster.relationships WHERE rowid IN {_NOT_OF_A_STUDENT}",
    """DELETE FROM roster.relationships WHERE rowid NOT IN (
        SELECT arg_min(rowid, (file, record)) FROM roster.relationships GROUP BY person_id, contact_id)""",
    f"""UPDATE roster.relationships SET role = known.role FROM (
            SELECT person_id AS id, arg_min(role, CASE role WHEN 'parent' THEN 1 WHEN 'guardian' THEN 2
                WHEN 'relative' THEN 3 ELSE 4 END) AS role
            FROM roster.roles WHERE role IN {CONTACTS} OR role = 'aide' GROUP BY person_id) known
        WHERE known.id = contact_id""",
    f"""UPDATE roster.persons SET status = NULL WHERE status = 'not enabled' AND id IN (
        SELECT person_id FROM (SELECT person_id FROM roster.roles WHERE role IN {CONTACTS})
        ANTI JOIN (SELECT person_id FROM roster.roles WHERE role NOT IN {CONTACTS}) USING (person_id))""",
    f"DELETE FROM roster.roles WHERE role IN {CONTACTS}",
)
"""Contacts of students: relations with the role that the contact has, and no role in the school."""
AFTER = (*GO_ALONG, ONE_OF_A_PAIR, *ONE_OF_ITS_PARTS, *RELATE)
