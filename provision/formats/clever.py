"""Clever CSV: five files, and staff.csv, with whatever belongs together in one row.

Students, teachers and staff have ids of their own, so a person is `student/13001`, `teacher/14001` or `staff/7`.
A student stands in a row for each contact; rows that say the same count once. Contacts become persons and
relationships, terms and courses become sessions and courses, the flags of a student become user flags.

Decisions:

- A term is known by its name and its dates, since several terms may share a name.
- A contact without an id of the school is known by e-mail address and name, or else as the student's own, by name
  or telephone number. So two parents who share an address stay two, as they do in Clever. The id is a digest: it
  stands in plans and reports, and names and addresses of parents should not.
- The last word of a contact's name is the family name.
- A class is called by its Name, or else by its course and period; without both it is called as in Clever, by the
  teacher's last name and the period.
- A blank user name is the whole e-mail address.
- The district office, which is in no schools.csv, is made up when somebody works there.
- The number that we write on the account of staff is `staff/7` too: it must not be taken for teacher 7's.

Source: "Clever SFTP Instructions" 2.1.1 and Clever's help pages on contacts and on staff.
"""

from __future__ import annotations

from provision.formats.format import File, Format
from provision.roster.fill import Column, Into, Made
from provision.roster.kinds import date_in

DATES = ("M/D/YYYY", "M/D/YY", "YYYY-MM-DD")
DISTRICT_OFFICE = "DEFAULT_DISTRICT_OFFICE"
STUDENT, TEACHER, STAFF_MEMBER = "student/", "teacher/", "staff/"
CO_TEACHERS = tuple(f"Teacher_{number}_id" for number in range(2, 11))


def _name_for_signing_in(*emails: str) -> Made:
    """The user name, or else the e-mail address if it is one."""
    given = ", ".join(f"CASE WHEN contains({{{email}}}, '@') THEN {{{email}}} END" for email in emails)
    return Made(f"coalesce({{Username}}, {given})")


def _unless_no(header: str) -> Made:
    """A yes or something wrong; a no says nothing."""
    return Made(f"CASE WHEN lower({{{header}}}) NOT IN ('n', 'no') THEN {{{header}}} END")


def _date(header: str) -> str:
    """SQL of a date however it is written, so that an id made of it stays the same."""
    return f"coalesce({date_in(f'{{{header}}}', DATES)}::TEXT, {{{header}}})"


SCHOOLS = File(
    "schools.csv",
    ("School_id", "School_name"),
    (
        Into(
            "orgs",
            {
                "id": "School_id",
                "name": "School_name",
                "number": "School_number",  # Clever wants one, but known exporters leave it out
                "nces_id": "Nces_id",  # no longer described, still exported
                "state_id": "State_id",
                "grade_low": "Low_grade",
                "grade_high": "High_grade",
                "principal_name": "Principal",
                "principal_email": "Principal_email",
                "address": "School_address",
                "city": "School_city",
                "state": "School_state",
                "zip": "School_zip",
                "phone": "School_phone",
            },
            {"type": "school"},
            kinds={"grade_low": "clever grade or range", "grade_high": "clever grade or range"},
        ),
    ),
)

_PERSON: dict[str, Column] = {
    "given_name": "First_name",
    "family_name": "Last_name",
    "middle_name": "Middle_name",
    "password": "Password",
}
_CONTACT = Made(
    "'contact/' || coalesce({Contact_sis_id}, "
    "md5(lower(CASE WHEN contains({Contact_email}, '@') THEN concat_ws('/', {Contact_email}, {Contact_name}) "
    "ELSE {Student_id} || '/' || coalesce({Contact_name}, {Contact_phone}) END)))"
)


def _flag(header: str, kind: str) -> Into:
    return Into(
        "flags",
        {"person_id": "Student_id", "flag": _unless_no(header)},
        space=STUDENT,
        kinds={"flag": kind},
        needs="flag",
        once=("person_id",),
    )


STUDENTS = File(
    "students.csv",
    ("School_id", "Student_id", "First_name", "Last_name"),
    (
        Into(
            "persons",
            {
                "id": "Student_id",
                "source_id": "Student_id",
                "username": _name_for_signing_in("Student_email", "Email_address"),
                **_PERSON,
                "secondary_email": ("Student_email", "Email_address"),
                "number": "Student_number",
                "state_id": "State_id",
                "graduation_year": "Graduation_year",
            },
            space=STUDENT,
            once=("id", "username", "given_name", "family_name"),  # other names with one id are another person
        ),
        Into(
            "roles",
            {"person_id": "Student_id", "org_id": "School_id", "grade": "Grade"},
            {"role": "student"},
            space=STUDENT,
            kinds={"grade": "clever grade"},
            once=("person_id", "org_id"),
        ),
        Into(
            "demographics",
            {
                "person_id": "Student_id",
                "sex": "Gender",
                "birth_date": "DOB",
                "race_codes": "Race",
                "ethnicity_codes": _unless_no("Hispanic_Latino"),
            },
            space=STUDENT,
            kinds={
                "sex": "clever sex",
                "race_codes": "clever race",
                "ethnicity_codes": "Y for hispanicOrLatinoEthnicity",
            },
            where=Made("coalesce({Gender}, {DOB}, {Race}, {Hispanic_Latino}) IS NOT NULL"),
            once=("person_id",),
        ),
        _flag("Ell_status", "Y for ELL"),
        _flag("IEP_status", "Y for IEP"),
        _flag("Frl_status", "clever lunch"),
        Into(
            "persons",
            {
                "id": _CONTACT,
                "source_id": "Contact_sis_id",
                "given_name": Made(r"nullif(regexp_replace({Contact_name}, '\s*\S+$', ''), '')"),
                "family_name": Made(r"regexp_extract({Contact_name}, '\S+$')"),
                "secondary_email": "Contact_email",
                "phone": "Contact_phone",
                "sms": Made("CASE WHEN lower({Contact_phone_type}) = 'cell' THEN {Contact_phone} END"),
            },
            needs="id",
            once=("id",),
        ),
        Into(
            "relationships",
            {
                "person_id": "Student_id",
                "contact_id": _CONTACT,
                "role": Made("coalesce({Contact_relationship}, {Contact_type}, 'other')"),
            },
            space=STUDENT,
            kinds={"role": "clever relationship"},
            needs="contact_id",
            once=("person_id", "contact_id"),
        ),
    ),
    ignored=(
        "Student_street",
        "Student_city",
        "Student_state",
        "Student_zip",
        "Unweighted_gpa",
        "Weighted_gpa",
        "Home_language",
    ),
)

TEACHERS = File(
    "teachers.csv",
    ("School_id", "Teacher_id", "First_name", "Last_name"),
    (
        Into(
            "persons",
            {
                "id": "Teacher_id",
                "source_id": "Teacher_id",
                "username": _name_for_signing_in("Teacher_email", "Email_address"),
                **_PERSON,
                "secondary_email": ("Teacher_email", "Email_address"),
                "number": "Teacher_number",
                "state_id": "State_teacher_id",
                "title": "Title",
            },
            space=TEACHER,
        ),
        Into("roles", {"person_id": "Teacher_id", "org_id": "School_id"}, {"role": "teacher"}, space=TEACHER),
    ),
)

STAFF = File(
    "staff.csv",
    ("School_id", "Staff_id", "Staff_email", "First_name", "Last_name"),
    (
        Into(
            "persons",
            {
                "id": "Staff_id",
                "source_id": Made(f"'{STAFF_MEMBER}' || {{Staff_id}}"),
                "username": _name_for_signing_in("Staff_email"),
                **_PERSON,
                "secondary_email": "Staff_email",
                "number": "Staff_id",
                "title": "Title",
            },
            space=STAFF_MEMBER,
        ),
        Into(
            "roles",
            {"person_id": "Staff_id", "org_id": "School_id", "role": Made("coalesce({Role}, 'staff')")},
            space=STAFF_MEMBER,
            kinds={"role": "clever staff role"},
        ),
    ),
    need="optional",
    ignored=("Department",),
)

_TERM = Made(f"nullif(concat_ws('/', {{Term_name}}, {_date('Term_start')}, {_date('Term_end')}), '')")
_COURSE = ("Course_number", "Course_name")


def _taught_by(header: str, primary: str) -> Into:
    return Into(
        "enrollments",
        {"section_id": "Section_id", "person_id": header},
        {"role": "teacher", "is_primary": primary},
        space=TEACHER,
        needs="person_id",
    )


SECTIONS = File(
    "sections.csv",
    ("School_id", "Section_id", "Teacher_id"),
    (
        Into(
            "sections",
            {
                "id": "Section_id",
                "org_id": "School_id",
                "title": Made("coalesce({Name}, {Course_name} || coalesce(' - ' || {Period}, ''))"),
                "number": "Section_number",
                "session_ids": _TERM,
                "course_id": _COURSE,
                "periods": "Period",
                "grade": "Grade",
                "subject": "Subject",
            },
            kinds={"session_ids": "list of one", "grade": "clever grade or range"},
        ),
        Into(
            "sessions",
            {
                "id": _TERM,
                "title": Made("coalesce({Term_name}, concat_ws(' - ', {Term_start}, {Term_end}))"),
                "start_date": "Term_start",
                "end_date": "Term_end",
            },
            {"type": "term"},
            needs="id",
            once=("id",),
        ),
        Into(
            "courses",
            {
                "id": _COURSE,
                "title": "Course_name",
                "code": "Course_number",
                "description": "Course_description",
            },
            needs="id",
            once=("id",),
        ),
        _taught_by("Teacher_id", "true"),
        *(_taught_by(header, "false") for header in CO_TEACHERS),
    ),
)

ENROLLMENTS = File(
    "enrollments.csv",
    ("School_id", "Section_id", "Student_id"),
    (
        Into(
            "enrollments",
            {"section_id": "Section_id", "person_id": "Student_id"},
            {"role": "student"},
            space=STUDENT,
        ),
    ),
)

ADMINS = File(
    "admins.csv",
    (),
    need="optional",
    refused="Clever has given it up for staff.csv. Write its people into staff.csv (Staff_email for Admin_email), "
    "or remove it",
)

NAME_AFTER_TEACHERS = """
    UPDATE roster.sections SET title = teacher.name || coalesce(' - ' || periods, '')
    FROM (SELECT e.section_id, min(p.family_name) AS name
          FROM (FROM roster.enrollments WHERE is_primary) e
          SEMI JOIN (SELECT id FROM roster.sections WHERE title IS NULL) untitled ON untitled.id = e.section_id
          JOIN roster.persons p ON p.id = e.person_id
          GROUP BY e.section_id HAVING min(p.family_name) = max(p.family_name)) teacher
    WHERE title IS NULL AND teacher.section_id = sections.id"""
OPEN_THE_DISTRICT_OFFICE = f"""
    INSERT INTO roster.orgs BY NAME
    SELECT '{DISTRICT_OFFICE}' AS id, 'District office' AS name, 'district' AS type,
           arg_min(file, record) AS file, min(record) AS record
    FROM roster.roles WHERE org_id = '{DISTRICT_OFFICE}'
    HAVING count(*) > 0 AND '{DISTRICT_OFFICE}' NOT IN (SELECT id FROM roster.orgs)"""

FORMAT = Format(
    "clever",
    "Clever CSV",
    (SCHOOLS, STUDENTS, TEACHERS, STAFF, SECTIONS, ENROLLMENTS, ADMINS),
    date_formats=DATES,
    any_case=True,
    own_columns="ext.",
    after=(NAME_AFTER_TEACHERS, OPEN_THE_DISTRICT_OFFICE),
)
