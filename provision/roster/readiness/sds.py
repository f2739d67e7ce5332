"""What School Data Sync itself needs, where that is more than the checks ask of every roster.

For schools that keep using School Data Sync beside `provision`, or go back to it. What it refuses and the checks
find as errors is held already. Sources: the pages "SDS V2.1 CSV file format", "SDS V1 CSV file format", "Validation
rules and descriptions", "Default list of values", "SDS errors and remediation", "SDS limits" and "Parent and guardian
contact sync" of Microsoft Learn. Classic and new School Data Sync differ; the stricter one counts.
"""

from __future__ import annotations

from provision.roster import codes
from provision.roster.addresses import ALIAS_LIMIT, SECTION_PREFIX
from provision.roster.checks.sense import IS_INCOMPLETE
from provision.roster.checks.text import LONGEST
from provision.roster.kinds import DATE
from provision.roster.readiness import common, judged
from provision.roster.readiness.need import Need, Product
from provision.store.sql import literal, literals

MOST_ROWS = 2_000_000
LONGEST_NAME = LONGEST["persons", "given_name"]
LONGEST_ID = ALIAS_LIMIT - len(SECTION_PREFIX) - len("Exp0826_")
"""School Data Sync puts `Exp<month><year>_` before the alias of a class that is over."""

FILES = (
    *("orgs.csv", "users.csv", "roles.csv", "classes.csv", "enrollments.csv", "academicSessions.csv", "courses.csv"),
    *("demographics.csv", "userFlags.csv", "relationships.csv"),
    *("School.csv", "Section.csv", "Student.csv", "Teacher.csv", "StudentEnrollment.csv", "TeacherRoster.csv"),
    *("school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv", "teacherroster.csv"),
    *("user.csv", "guardianrelationship.csv"),
)
"""File names of V2.1 and of V1; those of V1 are written in two ways, in the samples and in the description."""

_VALIDATION = "SDS, validation rules"
_FORMAT = "SDS V2.1 file format"
_ERRORS = "SDS, errors and remediation"
_LIMITS = "SDS, limits"
_FILES = """(
    SELECT file AS id, file, NULL::BIGINT AS record, rules FROM (SELECT DISTINCT file FROM (
        SELECT file FROM roster.files UNION ALL SELECT file FROM roster.findings WHERE rule = 'unknown-file'))
    LEFT JOIN (SELECT file, list(DISTINCT rule) AS rules FROM roster.findings GROUP BY file) USING (file))"""
"""The files, with the checks that found something in them."""


_NAMED = "(SELECT file AS id, file, NULL::BIGINT AS record, regexp_extract(file, '[^/]*$') AS name FROM roster.files)"
_DATED = f"""(
    SELECT file AS id, file, NULL::BIGINT AS record, CASE WHEN bool_or(odd) THEN 'A date has another form.'
        ELSE 'The profile lets dates be written otherwise too: ' || getvariable('other_date_forms') END AS fault
    FROM (
        SELECT file, true AS odd FROM roster.findings WHERE rule = {literal(DATE.id)}
        UNION ALL SELECT file, false FROM roster.sessions WHERE coalesce(start_date, end_date) IS NOT NULL
        UNION ALL SELECT file, false FROM roster.roles WHERE coalesce(start_date, end_date) IS NOT NULL
        UNION ALL SELECT file, false FROM roster.demographics WHERE birth_date IS NOT NULL)
    GROUP BY file)"""
"""The files with dates, and what is wrong with them. How a date is written that could be read nobody has noted; so
what the profile allows besides ISO 8601 counts."""

_ROLES = f"""(
    SELECT person_id AS id, file, record, role, 'an organisation' AS place,
        role NOT IN {literals(codes.NO_ORG_ROLES)} AS known FROM roster.roles
    UNION ALL
    SELECT person_id, file, record, role, 'a class', role NOT IN {literals(codes.NO_CLASS_ROLES)}
    FROM roster.enrollments)"""


def _not_found(rule: str) -> str:
    return f"NOT coalesce(list_contains(rules, '{rule}'), false)"


NEEDS = (
    common.readable(
        "sds-format",
        ("sds-v1", "sds-v2.1"),
        asks="The format is SDS V1 or V2.1: the new School Data Sync takes no other files.",
        source="SDS, default list of values",
    ),
    Need(
        "sds-file-names",
        "must",
        things="files",
        asks="File names are spelled exactly, upper and lower case too.",
        of=_NAMED,
        passes=f"name IN {literals(FILES)} OR lower(name) NOT IN {literals(sorted({name.lower() for name in FILES}))}",
        fault="The name has other upper and lower case.",
        mend="Name the file as the format does.",
        source=_FORMAT,
    ),
    Need(
        "sds-files",
        "must",
        things="files",
        asks="There are no files but those of the format.",
        of=_FILES,
        passes=_not_found("unknown-file"),
        fault="This file does not belong to the format.",
        mend="Remove the file: School Data Sync stops at it.",
        source=_VALIDATION,
    ),
    Need(
        "sds-header-case",
        "must",
        things="files",
        asks="Column names are spelled exactly, upper and lower case too.",
        of=_FILES,
        passes=_not_found("header-case"),
        fault="A column name has other upper and lower case.",
        mend="Spell the columns as the format does.",
        source=_FORMAT,
    ),
    Need(
        "sds-line-breaks",
        "must",
        things="files",
        asks="No value has a line break.",
        of=_FILES,
        passes=_not_found("line-break"),
        fault="A value has a line break.",
        mend="Remove the line break in the school's information system.",
        source=_FORMAT,
    ),
    common.username(
        "sds-username",
        "must",
        asks="User names have letters, digits and signs that an address may have.",
        mend="Use letters, digits and ' . - _ ! # ^ ~ only, with at most one @ before the domain.",
        source=_ERRORS,
        subject=True,
    ),
    Need(
        "sds-username-once",
        "must",
        things="people",
        asks="No two people have the same user name.",
        of="""(SELECT *, username IS NOT NULL AND count(*) OVER (PARTITION BY lower(username)) > 1 AS shared
            FROM judged_persons WHERE NOT contact)""",
        passes="NOT shared",
        fault="Somebody else has the user name too: {username}",
        mend="Give one of them another user name; upper and lower case make no difference.",
        source=_VALIDATION,
    ),
    Need(
        "sds-roles",
        "must",
        things="roles",
        asks="Roles are in the list for their place: aide only in classes; faculty, nurse, researcher and other only "
        "in organisations.",
        of=_ROLES,
        passes="known",
        fault="{role} is no role in {place}.",
        mend="Use a role of the list that comes close, such as paraprofessional or teacher.",
        source="SDS, default list of values",
    ),
    Need(
        "sds-class-id",
        "must",
        things="classes",
        asks="Ids of classes have only letters, digits, - and _.",
        of=judged.CLASSES,
        passes="regexp_full_match(id, '[A-Za-z0-9_\\-]+')",
        fault="The id has another sign.",
        mend="Use other ids: the address of the class is made of its id.",
        source=_ERRORS,
    ),
    Need(
        "sds-session-order",
        "must",
        things="terms",
        asks="Terms begin before they end.",
        of=judged.SESSIONS,
        passes="NOT reversed",
        fault="It ends before it begins.",
        mend="Correct the dates.",
        source=_VALIDATION,
    ),
    Need(
        "sds-dates",
        "must",
        things="files with dates",
        asks="Dates are written as YYYY-MM-DD or YYYYMMDD.",
        of=_DATED,
        passes="fault IS NULL",
        fault="{fault}",
        mend="Export ISO dates, and take the other forms out of date_formats in the profile: then they are judged.",
        source=_VALIDATION,
    ),
    Need(
        "sds-guardian",
        "must",
        things="contacts",
        asks="Parents and other contacts have first name, last name and e-mail address.",
        of=judged.CONTACTS,
        passes=f"NOT {IS_INCOMPLETE}",
        fault="A name or the address is missing.",
        mend="Fill it in, or leave the contact out.",
        source="SDS, parent and guardian contacts",
    ),
    common.named(
        "sds-name",
        "should",
        mend="Fill in the name: School Data Sync makes no account without it.",
        source=_FORMAT,
    ),
    Need(
        "sds-name-length",
        "should",
        things="people",
        asks=f"Names have at most {LONGEST_NAME} characters.",
        of=judged.PEOPLE,
        passes=f"coalesce(greatest(length(given_name), length(family_name)), 0) <= {LONGEST_NAME}",
        fault="A name is longer than Microsoft 365 takes.",
        mend="Shorten the name.",
        source="Graph, user",
    ),
    Need(
        "sds-username-domain",
        "should",
        things="people",
        asks="Either all user names have a domain, or none has.",
        of=judged.PEOPLE,
        passes="username LIKE '%@%' OR NOT EXISTS (FROM judged_persons WHERE NOT contact AND username LIKE '%@%')",
        fault="The user name has no domain, though others have: {username}",
        mend="Write them in one way: a domain is appended to all of a role, or to none.",
        source="SDS, identity matching",
    ),
    common.grade_form(
        "sds-grade-form",
        "should",
        mend="Export the code of the list (07, not 7 or Year 7).",
        source="SDS, default list of values",
    ),
    Need(
        "sds-class-sessions",
        "should",
        things="classes",
        asks="No class has several terms.",
        of=judged.CLASSES,
        passes="sessions <= 1",
        fault="The class has {sessions} terms.",
        mend="Name one term: only one of several is written to Microsoft 365.",
        source=_FORMAT,
    ),
    Need(
        "sds-session-dates",
        "should",
        things="terms",
        asks="Terms have their first and their last day.",
        of=judged.SESSIONS,
        passes="start_date IS NOT NULL AND end_date IS NOT NULL",
        fault="A date is missing.",
        mend="Fill in the dates.",
        source=_FORMAT,
    ),
    Need(
        "sds-subject",
        "should",
        things="courses",
        asks="Subjects of courses are codes of the list.",
        of="roster.courses",
        passes=f"subject IS NULL OR subject IN {literals(codes.SUBJECTS)}",
        fault="The subject is: {subject}",
        mend="Use the two-digit code of the subject: another value is left out.",
        source="SDS, default list of values",
    ),
    Need(
        "sds-class-id-length",
        "should",
        things="classes",
        asks=f"Ids of classes have at most {LONGEST_ID} characters.",
        of=judged.CLASSES,
        passes=f"length(id) <= {LONGEST_ID}",
        fault="The id is too long for the prefix of classes that are over.",
        mend="Use shorter ids.",
        source="SDS, expired classes",
    ),
    Need(
        "sds-rows",
        "should",
        things="files",
        asks=f"No file has more than {MOST_ROWS:,} records.",
        of="(SELECT file AS id, file, NULL::BIGINT AS record, records FROM roster.files)",
        passes=f"records <= {MOST_ROWS}",
        fault="The file has {records} records.",
        mend="Split the roster: a sync profile takes no more.",
        source=_LIMITS,
    ),
)
PRODUCT = Product("sds", "School Data Sync", NEEDS)
