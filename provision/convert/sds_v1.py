"""SDS V1 as a target: students and teachers apart, terms and courses as columns of Section.csv.

The format knows people as `student/…`, `teacher/…` and, by their e-mail address, `guardian/…`; somebody who is two of
them has two records. Who teaches, by a role or in a class, is a teacher; other staff have no place. Of several
sessions of a class the first is its term. An organisation that is no school is written as one if somebody, or a
class, belongs to it. Source: Microsoft's "SDS V1 CSV file format" and the samples of OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from provision.convert.sds_v2_1 import ALIAS_ID, USERNAME
from provision.convert.target import Target, Written
from provision.formats.sds_v1 import FORMAT
from provision.profile import OWNER_ROLES
from provision.roster.addresses import ALIAS_REFUSED
from provision.store.sql import literals

TEACHING = literals(OWNER_ROLES)

_SPACES = f"""
    CREATE OR REPLACE TEMP TABLE v1_person AS
    WITH spoken_of AS (
        SELECT person_id AS id, CASE WHEN role = 'student' THEN 'student' ELSE 'teacher' END AS space
        FROM roster.roles WHERE role = 'student' OR role IN {TEACHING}
        UNION SELECT person_id, CASE WHEN role = 'student' THEN 'student' ELSE 'teacher' END
        FROM roster.enrollments WHERE role = 'student' OR role IN {TEACHING}),
    known AS (
        SELECT space, id, coalesce(source_id, id) AS own FROM spoken_of JOIN roster.persons USING (id))
    SELECT space, id, CASE WHEN count(*) OVER (PARTITION BY space, own) = 1
        AND (own = id OR own NOT IN (SELECT id FROM roster.persons)) THEN own ELSE id END AS bare
    FROM known
    UNION ALL SELECT DISTINCT 'guardian', contact_id, lower(secondary_email)
    FROM roster.relationships JOIN roster.persons p ON p.id = contact_id
    WHERE secondary_email IS NOT NULL AND person_id IN (SELECT id FROM known WHERE space = 'student')"""
_NEW_IDS = """
    INSERT INTO new_id SELECT 'persons', p.id, coalesce(space || '/' || bare, 'none/' || p.id)
    FROM roster.persons p LEFT JOIN v1_person USING (id)"""
_AS_THEY_WERE = "DELETE FROM new_id WHERE id = became AND id NOT IN (SELECT id FROM new_id WHERE id <> became)"

_BELONGS = f"""
    CREATE OR REPLACE TEMP TABLE v1_belongs AS
    WITH stated AS (
        SELECT person_id, org_id,
            first(grade ORDER BY coalesce(is_primary, false) DESC, session_id DESC, grade)
                FILTER (grade IS NOT NULL) AS grade
        FROM (SELECT * REPLACE (split_part(grade, ',', 1) AS grade) FROM sent_roles)
        WHERE starts_with(person_id, 'student/') AND role = 'student' GROUP BY person_id, org_id
        UNION ALL SELECT DISTINCT person_id, org_id, NULL::TEXT
        FROM sent_roles WHERE starts_with(person_id, 'teacher/') AND role <> 'student')
    FROM stated
    UNION ALL SELECT DISTINCT person_id, org_id, NULL::TEXT
    FROM sent_enrollments e JOIN (SELECT id AS section_id, org_id FROM sent_sections) USING (section_id)
    WHERE person_id NOT IN (SELECT person_id FROM stated)
        AND CASE WHEN role = 'student' THEN starts_with(person_id, 'student/')
            ELSE role IN {TEACHING} AND starts_with(person_id, 'teacher/') END"""
"""Who is at which school; whoever has a class and no role is at the school of the class."""

_PEOPLE = """
    (SELECT person_id, org_id, grade FROM v1_belongs WHERE starts_with(person_id, '{0}/')) roles
    JOIN sent_persons persons ON persons.id = roles.person_id
    LEFT JOIN sent_demographics demographics ON demographics.person_id = roles.person_id"""
_BARE = "substr(persons.id, 9)"  # without `student/` or `teacher/`
_LEARNERS = "sent_enrollments enrollments WHERE starts_with(person_id, 'student/') AND role = 'student'"
_TEACHERS = f"""
    (SELECT DISTINCT section_id, person_id FROM sent_enrollments
     WHERE starts_with(person_id, 'teacher/') AND role IN {TEACHING}) enrollments"""
_MEMBER = {"SIS ID": "substr(enrollments.person_id, 9)"}
_PERSON = {"SIS ID": _BARE, "Username": USERNAME.replace("persons.id", _BARE)}

_CONTACTS = f"""
    (SELECT id, {", ".join(f"arg_min({column}, (file, record)) AS {column}" for column in
                           ("secondary_email", "given_name", "family_name", "phone", "source_id"))}
     FROM sent_persons WHERE starts_with(id, 'guardian/') GROUP BY id) persons"""  # fmt: skip

TARGET = Target(
    FORMAT,
    (
        Written(
            "School.csv",
            ("SIS ID", "Name", "School Number", "School NCES_ID", "State ID", "Grade Low", "Grade High",
             "Principal SIS ID", "Principal Name", "Principal Secondary Email", "Address", "City", "State", "Country",
             "Zip", "Phone", "Zone"),
            rows="sent_orgs orgs WHERE type = 'school' OR id IN (SELECT org_id FROM v1_belongs) "
                 "OR id IN (SELECT org_id FROM sent_sections)",
        ),
        Written(
            "Student.csv",
            ("SIS ID", "School SIS ID", "First Name", "Last Name", "Username", "Password", "State ID",
             "Secondary Email", "Student Number", "Middle Name", "Grade", "Status", "Birthdate", "Graduation Year"),
            values=_PERSON,
            rows=_PEOPLE.format("student"),
        ),
        Written(
            "Teacher.csv",
            ("SIS ID", "School SIS ID", "First Name", "Last Name", "Username", "Password", "State ID",
             "Teacher Number", "Status", "Middle Name", "Secondary Email", "Title", "Qualification"),
            values=_PERSON,
            rows=_PEOPLE.format("teacher"),
        ),
        Written(
            "Section.csv",
            ("SIS ID", "School SIS ID", "Section Name", "Section Number", "Term SIS ID", "Term Name",
             "Term StartDate", "Term EndDate", "Course SIS ID", "Course Name", "Course Number", "Course Description",
             "Course Subject", "Periods", "Status"),
            values={
                "Section Name": "coalesce(sections.title, courses.title, sections.id)",
                "Section Number": "coalesce(sections.number, sections.code)",
                "Term SIS ID": "sessions.id",
            },
            rows="sent_sections sections LEFT JOIN sent_sessions sessions ON sessions.id = sections.session_ids[1] "
                 "LEFT JOIN sent_courses courses ON courses.id = sections.course_id",
        ),
        Written(
            "StudentEnrollment.csv",
            ("Section SIS ID", "SIS ID"),
            values=_MEMBER,
            rows=_LEARNERS,
        ),
        Written(
            "TeacherRoster.csv",
            ("Section SIS ID", "SIS ID"),
            values=_MEMBER,
            rows=_TEACHERS,
        ),
        Written(
            "user.csv",
            ("Email", "First Name", "Last Name", "Phone", "SIS ID"),
            values={
                "Email": "persons.secondary_email",
                "First Name": "coalesce(persons.given_name, persons.family_name, persons.secondary_email)",
                "Last Name": "coalesce(persons.family_name, persons.given_name, persons.secondary_email)",
            },
            rows=_CONTACTS,
        ),
        Written(
            "guardianrelationship.csv",
            ("SIS ID", "Email", "Role"),
            values={
                "SIS ID": "substr(relationships.person_id, 9)",
                "Email": "substr(relationships.contact_id, 10)",
                "Role": "relationships.role",
            },
            rows="(SELECT DISTINCT person_id, contact_id, coalesce(role, 'other') AS role "
                 "FROM sent_relationships "
                 "WHERE starts_with(person_id, 'student/') AND starts_with(contact_id, 'guardian/')) relationships",
        ),
    ),
    people=(_SPACES, _NEW_IDS, _AS_THEY_WERE),
    forbidden={"sections": ALIAS_REFUSED},
    prepare=(_BELONGS,),
    made={
        "persons.username": "the e-mail address, else the id",
        "persons.given_name": "for guardians the family name, else the e-mail address",
        "persons.family_name": "for guardians the given name, else the e-mail address",
        **dict.fromkeys(("persons.phone", "persons.source_id"), "that of a contact with the same e-mail address"),
        "roles": "the school of the class, for whoever has a class and no role",
        "sections.title": "the title of the course, else the id",
        "sections.number": "the code of the section",
        "sessions.type": "`term`",
        "relationships.role": "`other`",
    },
    narrows={
        "orgs": "schools, and what somebody or a class belongs to",
        "orgs.type": "`school`",
        "persons": "students, who teaches, contacts with an e-mail address; two contacts with one address are one",
        **dict.fromkeys(("persons.username", "persons.number", "persons.state_id", "persons.middle_name",
                         "persons.password", "persons.status"), "not of contacts"),
        **dict.fromkeys(("persons.given_name", "persons.family_name", "persons.source_id"),
                        "contacts with one e-mail address are one"),
        "persons.phone": "of contacts",
        "persons.graduation_year": "of students",
        "persons.title": "of teachers",
        "persons.qualification": "of teachers",
        "roles": "of students and teachers, one in each school",
        "roles.role": "`student` or `teacher`",
        "roles.grade": "of students, the first of several",
        "sections.id": ALIAS_ID,
        "sections.session_ids": "the first of several",
        "enrollments": "of students and teachers",
        "enrollments.role": "`student` or `teacher`",
        "sessions": "those that are the first of a class",
        "sessions.type": "`term`",
        "courses": "those that a class has",
        "demographics": "of students",
        "relationships": "of students and contacts with an e-mail address",
    },
)  # fmt: skip
