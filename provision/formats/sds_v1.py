"""SDS V1: six files, one for each kind of record, students and teachers apart.

Students and teachers have ids of their own, so a person is `student/13001` or `teacher/14001`. Terms and
courses are columns of Section.csv and become sessions (of type `term`) and courses; the first record of an id
counts. Decision: a course subject that is no code is kept as text with a note, since this format always
allowed it. Person rows repeat with another school for somebody who belongs to several. Guardians are
known by their e-mail address: `guardian/name@example.org`.

Source: Microsoft's "SDS V1 CSV file format" and the samples of OfficeDev/O365-EDU-Tools.
"""

from __future__ import annotations

from dataclasses import dataclass

from provision.formats.format import File, Format
from provision.roster.codes import ISO_DATES
from provision.roster.fill import Column, Into, Made


@dataclass(frozen=True)
class Names:
    """The headers that differ between the two spellings of V1, American and British."""

    org_id: str = "SIS ID"
    zip: str = "Zip"
    id: str = "SIS ID"
    school_id: str = "School SIS ID"
    section_id: str = "Section SIS ID"


def v1_files(names: Names) -> tuple[File, ...]:
    """The files of SDS V1 under the given headers."""
    return (
        _schools(names),
        _people("Student.csv", "student", names),
        _people("Teacher.csv", "teacher", names),
        _sections(names),
        _enrollments("StudentEnrollment.csv", "student", names),
        _enrollments("TeacherRoster.csv", "teacher", names),
        GUARDIANS,
        GUARDIAN_RELATIONSHIPS,
    )


_GUARDIAN = Made("'guardian/' || lower({Email})")
GUARDIANS = File(
    "user.csv",
    ("Email", "First Name", "Last Name"),
    (
        Into(
            "persons",
            {
                "id": _GUARDIAN,
                "source_id": "SIS ID",
                "given_name": "First Name",
                "family_name": "Last Name",
                "secondary_email": "Email",
                "phone": "Phone",
            },
        ),
    ),
    need="optional",
)
GUARDIAN_RELATIONSHIPS = File(
    "guardianrelationship.csv",
    ("SIS ID", "Email"),
    (
        Into(
            "relationships",
            {"person_id": "SIS ID", "contact_id": _GUARDIAN, "role": Made("coalesce({Role}, 'other')")},
            space="student/",
            kinds={"role": "relationship or other"},
        ),
    ),
    need="optional",
)


def _schools(names: Names) -> File:
    columns: dict[str, Column] = {
        "id": names.org_id,
        "name": "Name",
        "number": "School Number",
        "nces_id": "School NCES_ID",
        "state_id": "State ID",
        "grade_low": "Grade Low",
        "grade_high": "Grade High",
        "principal_id": "Principal SIS ID",
        "principal_name": "Principal Name",
        "principal_email": "Principal Secondary Email",
        "address": "Address",
        "city": "City",
        "state": "State",
        "country": "Country",
        "zip": names.zip,
        "phone": "Phone",
        "zone": "Zone",
    }
    return File("School.csv", (names.org_id, "Name"), (Into("orgs", columns, {"type": "school"}),))


def _people(file: str, role: str, names: Names) -> File:
    space = f"{role}/"
    columns: dict[str, Column] = {
        "id": names.id,
        "source_id": names.id,
        "username": "Username",
        "given_name": "First Name",
        "family_name": "Last Name",
        "middle_name": "Middle Name",
        "password": "Password",
        "secondary_email": "Secondary Email",
        "number": f"{role.title()} Number",
        "state_id": "State ID",
        "status": "Status",
    }
    if role == "student":
        columns["graduation_year"] = "Graduation Year"
        belongs = {"person_id": names.id, "org_id": names.school_id, "grade": "Grade"}
    else:
        columns |= {"title": "Title", "qualification": "Qualification"}
        belongs = {"person_id": names.id, "org_id": names.school_id}
    into = [Into("persons", columns, space=space), Into("roles", belongs, {"role": role}, space=space)]
    if role == "student":
        born = {"person_id": names.id, "birth_date": "Birthdate"}
        into.append(Into("demographics", born, space=space, needs="birth_date"))
    return File(file, (names.id, names.school_id, "Username"), tuple(into))


def _sections(names: Names) -> File:
    term = ("Term SIS ID", "Term Name")
    course = ("Course SIS ID", "Course Number", "Course Name")
    section = Into(
        "sections",
        {
            "id": names.id,
            "org_id": names.school_id,
            "title": "Section Name",
            "number": "Section Number",
            "session_ids": term,
            "course_id": course,
            "periods": "Periods",
            "status": "Status",
        },
        kinds={"session_ids": "list of one"},
    )
    sessions = Into(
        "sessions",
        {"id": term, "title": "Term Name", "start_date": "Term StartDate", "end_date": "Term EndDate"},
        {"type": "term"},
        needs="id",
        once=("id",),
    )
    courses = Into(
        "courses",
        {
            "id": course,
            "title": "Course Name",
            "code": "Course Number",
            "description": "Course Description",
            "subject": "Course Subject",
        },
        kinds={"subject": "free subject"},
        needs="id",
        once=("id",),
    )
    return File(
        "Section.csv",
        (names.id, names.school_id, "Section Name"),
        (section, sessions, courses),
        need="classes",
    )


def _enrollments(file: str, role: str, names: Names) -> File:
    columns = {"section_id": names.section_id, "person_id": names.id}
    into = Into("enrollments", columns, {"role": role}, space=f"{role}/")
    return File(file, (names.section_id, names.id), (into,), need="classes")


FORMAT = Format("sds-v1", "SDS V1", v1_files(Names()), date_formats=ISO_DATES)
