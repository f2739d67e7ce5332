"""OneRoster 1.2 as a target: a full export (bulk), with a manifest, in the columns of binding 1.2.1.

What the standard demands and a roster need not say is made: a course for a class without one, a session of the
school year for a class without any, a role for a contact. Roles, types of organisation and of session are those of the
standard; whatever it has no word for becomes the word with the least rights: `aide` in a school, `proctor` in a class.
In every school one role of a person is the primary one.

Source: 1EdTech's "OneRoster CSV Binding" and "CSV Tables" 1.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.convert.ids import ONE_NAME_SPACE
from provision.convert.sds_v2_1 import END, START, UNDATED, USERNAME
from provision.convert.target import Target, Written, word
from provision.formats.oneroster_1_2 import FORMAT
from provision.profile import OWNER_ROLES
from provision.roster import codes
from provision.store.sql import literals

NOT_IN_AN_ID = r"[^0-9A-Za-z._/@-]"
BULK = ("sourcedId", "status", "dateLastModified")

ORG_TYPES = {
    **{each: each for each in ("department", "school", "district", "local", "state", "national")},
    **dict.fromkeys(("college", "university", "campus", "adultEducation"), "school"),
    **dict.fromkeys(("division", "region", "academicTrust"), "district"),
    **dict.fromkeys(("program", "researchCenter"), "department"),
    **dict.fromkeys(("localAuthority", "municipality"), "local"),
    **dict.fromkeys(("province", "departmentOfEducation"), "state"),
    "ministryOfEducation": "national",
}
SESSION_TYPES = {each: each for each in ("gradingPeriod", "semester", "schoolYear", "term")} | {"quarter": "term"}
RACES = ("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander",
         "white", "demographicRaceTwoOrMoreRaces")  # fmt: skip  # in the order of the columns
_TEACHES = (*OWNER_ROLES, "adjunct", "substitute")
CLASS_ROLES = {
    "student": "student",
    **dict.fromkeys(_TEACHES, "teacher"),
    **dict.fromkeys(("administrator", "principal"), "administrator"),
}
SCHOOL_ROLES = {
    "student": "student",
    **dict.fromkeys(_TEACHES, "teacher"),
    "principal": "principal",
    "proctor": "proctor",
    "advisor": "counselor",
    "itAdmin": "systemAdministrator",
}


# -- made before the files are written

_YEAR = """
    CREATE OR REPLACE TEMP TABLE or_year AS
    SELECT starts, ends, coalesce(
        (SELECT min(id) FROM sent_sessions WHERE type = 'schoolYear' AND start_date = starts AND end_date = ends),
        'school-year-' || starts) AS id
    FROM school_year"""
_COURSES = """
    CREATE OR REPLACE TEMP VIEW or_courses AS
    SELECT id, title, code, grade, subject, subject_codes, school_year_session_id, coalesce(org_id,
        (SELECT min(org_id) FROM sent_sections s WHERE s.course_id = c.id),
        (SELECT min(id) FROM sent_orgs WHERE parent_id IS NULL)) AS org_id
    FROM sent_courses c
    UNION ALL BY NAME
    SELECT 'class/' || id AS id, title, org_id FROM sent_sections WHERE course_id IS NULL"""
_SESSIONS = """
    CREATE OR REPLACE TEMP VIEW or_sessions AS
    SELECT id, title, type, school_year, start_date, end_date, parent_id FROM sent_sessions
    UNION ALL BY NAME
    SELECT id, 'School year ' || year(ends) AS title, 'schoolYear' AS type, starts AS start_date, ends AS end_date
    FROM or_year WHERE id NOT IN (SELECT id FROM sent_sessions)
        AND EXISTS (FROM sent_sections WHERE coalesce(len(session_ids), 0) = 0)"""
_ENROLLMENTS = f"""
    CREATE OR REPLACE TEMP VIEW or_enrollments AS
    WITH said AS (
        SELECT section_id, person_id, {word("role", CLASS_ROLES, "proctor")} AS role,
            is_primary, start_date, end_date, role AS was, file, record
        FROM sent_enrollments),
    plain AS (FROM said WHERE role = was)
    FROM plain
    UNION ALL
    FROM (FROM said WHERE role <> was) ANTI JOIN plain USING (section_id, person_id, role)
    QUALIFY row_number() OVER (PARTITION BY section_id, person_id, role ORDER BY file, record) = 1"""
_ROLES = f"""
    CREATE OR REPLACE TEMP TABLE or_roles AS
    WITH staff AS (
        SELECT r.person_id, r.org_id, CASE
            WHEN role = 'administrator' AND o.type = 'school' THEN 'siteAdministrator'
            WHEN role = 'administrator' THEN 'districtAdministrator'
            ELSE {word("role", SCHOOL_ROLES, "aide")} END AS role,
            is_primary, start_date, end_date, profile_id, r.file, r.record
        FROM sent_roles r JOIN sent_orgs o ON o.id = r.org_id),
    learners AS (SELECT DISTINCT person_id, org_id FROM staff WHERE role = 'student'),
    contacts AS (
        SELECT contact_id, arg_min(
            role, CASE role WHEN 'parent' THEN 1 WHEN 'guardian' THEN 2 WHEN 'relative' THEN 3 ELSE 4 END) AS kind
        FROM sent_relationships SEMI JOIN learners USING (person_id) GROUP BY contact_id),
    known AS (
        SELECT contact_id, CASE WHEN kind IN {literals(codes.CONTACTS)} THEN kind
            WHEN contact_id NOT IN (SELECT person_id FROM staff) THEN 'relative' END AS role
        FROM contacts),
    said AS (
        SELECT *, false AS contact FROM staff
        UNION ALL BY NAME
        SELECT DISTINCT contact_id AS person_id, org_id, known.role, true AS contact
        FROM known JOIN sent_relationships USING (contact_id) JOIN learners USING (person_id)
        WHERE known.role IS NOT NULL),
    once AS (FROM said QUALIFY row_number() OVER (
        PARTITION BY person_id, org_id, role ORDER BY contact, coalesce(is_primary, false) DESC, file, record) = 1)
    SELECT *, row_number() OVER (
        PARTITION BY person_id, org_id
        ORDER BY contact, coalesce(is_primary, false) DESC, role) = 1 AS leads
    FROM once"""
"""A contact is of one kind, whoever the student, for it is a role of theirs in a school. Whoever is none of the three
kinds is called a relative: the other roles belong to staff, and would have them taken for it."""
_OF_USERS = """
    CREATE OR REPLACE TEMP TABLE or_of_users AS
    SELECT person_id,
        CASE WHEN count(DISTINCT grade) = 1 THEN min(grade) ELSE array_to_string(list_sort(list_distinct(flatten(
            list(string_split(grade, ',')) FILTER (grade IS NOT NULL)))), ',') END AS grades,
        CASE count(DISTINCT org_id) FILTER (is_primary)
            WHEN 1 THEN min(org_id) FILTER (is_primary)
            WHEN 0 THEN CASE WHEN count(DISTINCT org_id) = 1 THEN min(org_id) END END AS org_id
    FROM sent_roles GROUP BY person_id"""
_AGENTS = """
    CREATE OR REPLACE TEMP TABLE or_agents AS
    SELECT person_id, array_to_string(list_sort(list_distinct(list(contact_id))), ',') AS agents
    FROM sent_relationships WHERE person_id IN (SELECT person_id FROM sent_roles WHERE role = 'student')
    GROUP BY person_id"""


def _race(code: str) -> str:
    said = "string_split(concat_ws(',', race_codes, ethnicity_codes), ',')"
    return f"CASE WHEN list_contains({said}, '{code}') THEN 'true' END"


def manifest(files: Mapping[str, int]) -> dict[str, str]:
    """`manifest.csv`: each file of the standard is whole (bulk) or absent."""
    known = [written.name for written in TARGET.files] + list(GRADEBOOK)
    said = {"manifest.version": "1.0", "oneroster.version": "1.2"}
    said |= {f"file.{name.removesuffix('.csv')}": "bulk" if files.get(name) else "absent" for name in sorted(known)}
    said["source.systemName"] = "provision"
    return {"manifest.csv": "".join(f"{name},{value}\r\n" for name, value in {"propertyName": "value", **said}.items())}


GRADEBOOK = (
    "categories", "classResources", "courseResources", "lineItemLearningObjectiveIds", "lineItemScoreScales",
    "lineItems", "resources", "resultLearningObjectiveIds", "resultScoreScales", "results", "scoreScales",
    "userResources",
)  # fmt: skip
"""Files of the standard that a roster says nothing of."""

_NO_STATUS = {"status": "NULL::TEXT", "dateLastModified": "NULL::TEXT"}

TARGET = Target(
    FORMAT,
    (
        Written(
            "academicSessions.csv",
            (*BULK, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
            values={
                **_NO_STATUS,
                "title": "coalesce(sessions.title, sessions.id)",
                "type": word("sessions.type", SESSION_TYPES, "term"),
                "startDate": START,
                "endDate": END,
                "schoolYear": f"coalesce(sessions.school_year, year({END})::TEXT)",
            },
            rows="or_sessions sessions",
        ),
        Written(
            "orgs.csv",
            (*BULK, "name", "type", "identifier", "parentSourcedId"),
            values={**_NO_STATUS, "type": word("orgs.type", ORG_TYPES, "department")},
        ),
        Written(
            "courses.csv",
            (*BULK, "schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
            values={**_NO_STATUS, "title": "coalesce(courses.title, courses.code, courses.id)"},
            rows="or_courses courses",
        ),
        Written(
            "classes.csv",
            (*BULK, "title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
             "termSourcedIds", "subjects", "subjectCodes", "periods"),
            values={
                **_NO_STATUS,
                "title": "coalesce(sections.title, sections.id)",
                "courseSourcedId": "coalesce(sections.course_id, 'class/' || sections.id)",
                "classCode": "coalesce(sections.code, sections.number)",
                "classType": "coalesce(sections.type, 'scheduled')",
                "termSourcedIds": "coalesce(nullif(array_to_string(sections.session_ids, ','), ''), "
                                  "(SELECT id FROM or_year))",
            },
        ),
        Written(
            "users.csv",
            (*BULK, "enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier",
             "email", "sms", "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier",
             "preferredGivenName", "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns"),
            values={
                **_NO_STATUS,
                "enabledUser": "'true'",
                "username": USERNAME,
                "givenName": f"coalesce(persons.given_name, persons.preferred_given_name, {USERNAME})",
                "familyName": f"coalesce(persons.family_name, persons.preferred_family_name, {USERNAME})",
                "agentSourcedIds": "or_agents.agents",
                "grades": "or_of_users.grades",
                "primaryOrgSourcedId": "or_of_users.org_id",
            },
            rows="sent_persons persons LEFT JOIN or_of_users ON or_of_users.person_id = persons.id "
                 "LEFT JOIN or_agents ON or_agents.person_id = persons.id",
        ),
        Written(
            "roles.csv",
            (*BULK, "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId",
             "userProfileSourcedId"),
            values={
                "sourcedId": "md5(concat_ws('|', roles.person_id, roles.org_id, roles.role))",
                **_NO_STATUS,
                "roleType": "CASE WHEN roles.leads THEN 'primary' ELSE 'secondary' END",
            },
            rows="or_roles roles",
        ),
        Written(
            "enrollments.csv",
            (*BULK, "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
            values={
                "sourcedId": "md5(concat_ws('|', enrollments.section_id, enrollments.person_id, enrollments.role))",
                **_NO_STATUS,
                "schoolSourcedId": "sections.org_id",
                "primary": "CASE WHEN enrollments.role = 'teacher' THEN enrollments.is_primary END",
            },
            rows="or_enrollments enrollments JOIN sent_sections sections ON sections.id = enrollments.section_id",
        ),
        Written(
            "demographics.csv",
            (*BULK, "birthDate", "sex", *RACES, *codes.ETHNICITIES, "countryOfBirthCode",
             "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"),
            values={
                **_NO_STATUS,
                "sex": "CASE demographics.sex WHEN 'notSelected' THEN 'unspecified' ELSE demographics.sex END",
                **{code: _race(code) for code in (*RACES, *codes.ETHNICITIES)},
            },
        ),
        Written(
            "userProfiles.csv",
            (*BULK, "userSourcedId", "profileType", "vendorId", "applicationId", "description", "credentialType",
             "username", "password"),
            values={
                **_NO_STATUS,
                "profileType": "coalesce(user_profiles.type, 'unknown')",
                "vendorId": "coalesce(user_profiles.vendor_id, 'unknown')",
                "credentialType": "coalesce(user_profiles.credential_type, 'unknown')",
                "username": "coalesce(user_profiles.username, user_profiles.person_id)",
            },
        ),
    ),
    people=(ONE_NAME_SPACE,),
    forbidden=dict.fromkeys(("orgs", "persons", "sections", "sessions", "courses", "user_profiles"), NOT_IN_AN_ID),
    prepare=(_YEAR, _COURSES, _SESSIONS, _ENROLLMENTS, _ROLES, _OF_USERS, _AGENTS),
    undated=f"{UNDATED} UNION ALL SELECT file, record FROM roster.sections WHERE coalesce(len(session_ids), 0) = 0",
    attached=manifest,
    made={
        "persons.username": "the e-mail address, else the id",
        "persons.source_id": "the name that tells persons apart, where the school gives none",
        "persons.given_name": "the preferred name, else the user name",
        "persons.family_name": "the preferred name, else the user name",
        "roles.is_primary": "in each school, one role of a person is primary",
        "roles.grade": "the grades of the person",
        "sections.title": "the id",
        "sections.code": "the number of the section",
        "sections.type": "`scheduled`",
        "sections.course_id": "a course of its own",
        "sections.session_ids": "the school year",
        "sessions": "the school year",
        "sessions.title": "the id",
        "sessions.type": "`term`",
        "sessions.school_year": "the year in which the session ends",
        "sessions.start_date": "the start of the school year",
        "sessions.end_date": "the end of the school year",
        "courses": "one for each class without a course",
        "courses.title": "the code, else the id",
        "relationships.role": "`relative`",
        "courses.org_id": "a school that has a class of it, else the topmost organisation",
        "user_profiles.type": "`unknown`",
        "user_profiles.vendor_id": "`unknown`",
        "user_profiles.credential_type": "`unknown`",
        "user_profiles.username": "the id of the person",
    },
    narrows={
        **dict.fromkeys(("orgs.id", "sections.id", "sessions.id", "courses.id", "user_profiles.id"),
                        "letters, digits and `. - _ / @`: others are `_`"),
        **dict.fromkeys(("persons.status", "roles.status", "sections.status", "enrollments.status"),
                        "blank in a full export"),
        "persons.source_id": "as other ids; one that two persons share: the second one's has a prefix",
        "orgs.type": "six types",
        "roles": "one of those that the standard has one word for",
        "roles.role": "twelve roles",
        "roles.grade": "the grades of the person",
        "roles.is_primary": "in each school, one role of a person is primary",
        **dict.fromkeys(("roles.start_date", "roles.end_date", "roles.profile_id"),
                        "of roles that become one, the first"),
        "enrollments": "one of those that the standard has one word for",
        "enrollments.role": "four roles",
        "enrollments.is_primary": "of teachers",
        "sessions.type": "four types",
        "relationships": "of students",
        "relationships.role": "one for each contact: parent, guardian or relative",
    },
)  # fmt: skip
