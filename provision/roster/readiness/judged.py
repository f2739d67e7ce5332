"""The tables that needs are asked of: what the roster says, brought together once for all products."""

from __future__ import annotations

from provision.roster import codes
from provision.roster.checks.dates import REVERSED
from provision.roster.checks.references import NO_ROLE
from provision.roster.kinds import GRADE_READ_AS
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literal, literals

PERSONS = "judged_persons"
"""Everybody, and what their roles are together (`grades`: none, one, or 2 for several). A contact is whoever is only
there for a student's sake: the check has told them from people without a role while the relationships of held students
were still there."""

PEOPLE = "(FROM judged_persons WHERE NOT contact)"
"""Everybody who should have a role."""

CONTACTS = "(FROM judged_persons WHERE contact)"
STUDENTS = "(SELECT *, person_id AS id FROM roster.roles WHERE role = 'student')"
"""Students, once for each organisation that they are in: each of these rows has a grade of its own."""

WRITTEN_GRADES = f"""(
    SELECT value AS id, file, record, message AS read_as FROM roster.findings
    WHERE rule = {literal(GRADE_READ_AS.id)} AND lower(field) IN ('grade', 'grades') AND NOT contains(value, ',')
        AND file IN (SELECT file FROM roster.persons UNION SELECT file FROM roster.roles)
    UNION ALL
    SELECT grade, min_by(p.file, p.record), min(p.record), 'Several grades are written in one place.'
    FROM roster.roles r JOIN roster.persons p ON p.id = r.person_id
    WHERE r.role = 'student' AND contains(grade, ',') GROUP BY grade
    UNION ALL
    SELECT DISTINCT grade, NULL, NULL::BIGINT, NULL FROM roster.roles
    WHERE role = 'student' AND NOT contains(grade, ',') AND getvariable('roster_format') IS DISTINCT FROM 'clever')"""
"""The grades of students, and the other ways in which the files write them, each with its first record. They stand
with people or with roles, as the format has it. Of Clever's grades none is called in form, for its own list has
other codes."""

STAFF = "(SELECT *, person_id AS id FROM roster.roles WHERE role <> 'student')"
CLASSES = "judged_sections"
FORMAT = """(
    FROM (SELECT getvariable('roster_format') AS id, NULL::TEXT AS file, NULL::BIGINT AS record)
    WHERE id IS NOT NULL)"""
"""The format, where it is known."""

ORGS = "judged_orgs"
SESSIONS = f"""(
    SELECT s.*, f.record IS NOT NULL AS reversed FROM roster.sessions s
    LEFT JOIN (SELECT DISTINCT file, record FROM roster.findings WHERE rule = {literal(REVERSED.id)}) f
    USING (file, record))"""
"""Terms; of those that end before they start the check has dropped the dates."""

TEACHING = """(
    SELECT e.person_id AS id, e.person_id AS teacher, e.section_id, s.org_id AS school, e.file, e.record
    FROM roster.enrollments e JOIN roster.sections s ON s.id = e.section_id WHERE e.role <> 'student')"""
"""Who is in a class as anything but a student."""

_PERSONS = """
    CREATE OR REPLACE TEMP TABLE judged_persons AS
    SELECT p.id, p.username, p.given_name, p.family_name, p.secondary_email, p.file, p.record,
        r.id IS NOT NULL AS has_role, coalesce(r.in_org, false) AS in_org, coalesce(r.grades, 0) AS grades,
        coalesce(r.student, false) AS student, coalesce(r.staff, false) AS staff,
        r.id IS NULL AND n.record IS NULL AS contact
    FROM roster.persons p
    LEFT JOIN (
        SELECT person_id AS id, bool_or(o.id IS NOT NULL) AS in_org, bool_or(role = 'student') AS student,
            bool_or(role <> 'student') AS staff,
            CASE WHEN min(grade) < max(grade) OR bool_or(contains(grade, ',')) THEN 2
                WHEN min(grade) IS NULL THEN 0 ELSE 1 END AS grades
        FROM roster.roles LEFT JOIN (SELECT DISTINCT id FROM roster.orgs) o ON o.id = org_id
        GROUP BY person_id) r ON r.id = p.id
    LEFT JOIN (SELECT DISTINCT file, record FROM roster.findings WHERE rule = {no_role}) n USING (file, record)"""

_UNDER = """
    CREATE OR REPLACE TEMP TABLE judged_under AS
    WITH RECURSIVE under(above, id) AS (
        SELECT id, id FROM roster.orgs
        UNION
        SELECT under.above, o.id FROM under JOIN roster.orgs o ON o.parent_id = under.id)
    FROM under"""
"""Each organisation with itself and everything beneath it."""

_ORGS = """
    CREATE OR REPLACE TEMP TABLE judged_orgs AS
    WITH has AS (
        SELECT org_id AS id, role = 'student' AS students, role <> 'student' AS staff, false AS classes
        FROM (SELECT DISTINCT org_id, role FROM roster.roles)
        UNION ALL
        SELECT DISTINCT org_id, false, false, true FROM roster.sections),
    below AS (
        SELECT above AS id, bool_or(students) AS students, bool_or(staff) AS staff, bool_or(classes) AS classes
        FROM judged_under JOIN has USING (id) GROUP BY above),
    named AS (SELECT lower(name) AS known, count(*) AS namesakes FROM roster.orgs GROUP BY known)
    SELECT o.id, o.name, o.parent_id, o.file, o.record, o.type IN {types} AS school,
        o.id IN (SELECT parent_id FROM roster.orgs WHERE parent_id IS NOT NULL) AS has_children,
        coalesce(b.students, false) AS students, coalesce(b.staff, false) AS staff,
        coalesce(b.classes, false) AS classes, coalesce(n.namesakes, 0) AS namesakes
    FROM roster.orgs o LEFT JOIN below b ON b.id = o.id LEFT JOIN named n ON n.known = lower(o.name)"""

_SECTIONS = """
    CREATE OR REPLACE TEMP TABLE judged_sections AS
    WITH sizes AS (
        SELECT section_id AS id, count(*) AS members, count(*) FILTER (role = 'student') AS students,
            count(*) FILTER (role IN {owners}) AS owners
        FROM roster.enrollments GROUP BY section_id),
    ends AS (
        SELECT s.id, max(t.end_date) AS last_day
        FROM (SELECT id, unnest(session_ids) AS session_id FROM roster.sections) s
        JOIN roster.sessions t ON t.id = s.session_id GROUP BY s.id),
    named AS (SELECT org_id, lower(title) AS known, count(*) AS namesakes FROM roster.sections GROUP BY ALL)
    SELECT s.id, s.title, s.org_id, s.file, s.record, coalesce(len(s.session_ids), 0) AS sessions, ends.last_day,
        coalesce(members, 0) AS members, coalesce(students, 0) AS students, coalesce(owners, 0) AS owners, namesakes,
        s.id IN (SELECT id FROM roster.held WHERE kind = 'enrollment') AS unsure
    FROM roster.sections s LEFT JOIN sizes USING (id) LEFT JOIN ends USING (id)
    LEFT JOIN named n ON n.org_id = s.org_id AND n.known = lower(s.title)"""

_LEFT_OUT = """
    CREATE OR REPLACE TEMP TABLE judged_left_out AS
    SELECT kind, count(*) AS number FROM roster.held
    WHERE rule IN (SELECT rule FROM roster.findings WHERE severity = 'error') GROUP BY kind"""
"""What is held because of errors; whoever is held as not active was not left out by mistake."""


def classes_sure_of(whom: str) -> str:
    """The classes that are known to have `whom` (owners or students) or none; an enrollment that is held may be the
    one that is missing."""
    return f"(FROM {CLASSES} WHERE {whom} > 0 OR NOT unsure)"


def prepare(store: Store, options: RosterOptions, format_name: str) -> None:
    """Make the tables of the roster as it stands."""
    other_forms = ", ".join(form for form in options.date_formats if form not in codes.ISO_DATES)
    for variable, value in (
        ("today", options.today.isoformat()),
        ("roster_format", format_name),
        ("other_date_forms", other_forms),
    ):
        store.run(f"SET VARIABLE {variable} = nullif({literal(value)}, '')")
    store.run(_LEFT_OUT)
    store.run(_PERSONS.format(no_role=literal(NO_ROLE.id)))
    store.run(_UNDER)
    store.run(_ORGS.format(types=literals(options.school_types)))
    store.run(_SECTIONS.format(owners=literals(options.owner_roles)))


def left_out(store: Store) -> dict[str, int]:
    """The numbers of what is held because of errors, by kind; or else of the records that have errors."""
    held: dict[str, int] = dict(store.rows("FROM judged_left_out ORDER BY kind"))
    records = store.value("SELECT count(DISTINCT (file, record)) FROM roster.findings WHERE severity = 'error'")
    return held or ({"record": records} if records else {})


def clear(store: Store) -> None:
    """Give the room back."""
    for table in (PERSONS, "judged_under", ORGS, CLASSES, "judged_left_out"):
        store.run(f"DROP TABLE {table}")
