"""SDS V1: students and teachers apart, terms and courses on the sections, guardians in two files of their own."""

from __future__ import annotations

US = {
    "org": "SIS ID",
    "zip": "Zip",
    "id": "SIS ID",
    "school": "School SIS ID",
    "section": "Section SIS ID",
}
UK = {
    "org": "DfE Number",
    "zip": "Postal Code",
    "id": "ID",
    "school": "School DfE Number",
    "section": "Section ID",
}

_NAMES = """
    username AS "Username", given_name AS "First Name", family_name AS "Last Name", middle_name AS "Middle Name",
    password AS "Password", email AS "Secondary Email", state_id AS "State ID", status AS "Status" """


def files(named: dict[str, str]) -> dict[str, str]:
    """The files under American or British headers."""
    teacher = f'id AS "{named["id"]}", {_NAMES}, number AS "Teacher Number", title AS "Title", '
    teacher += 'qualification AS "Qualification" FROM teacher'
    return {
        "School.csv": f"""
            SELECT id AS "{named["org"]}", name AS "Name", number AS "School Number", nces_id AS "School NCES_ID",
                state_id AS "State ID", grade_low AS "Grade Low", grade_high AS "Grade High",
                principal_id AS "Principal SIS ID", principal_name AS "Principal Name",
                principal_email AS "Principal Secondary Email", address AS "Address", city AS "City",
                state AS "State", country AS "Country", zip AS "{named["zip"]}", phone AS "Phone", zone AS "Zone"
            FROM school""",
        "Section.csv": f"""
            SELECT s.id AS "{named["id"]}", s.org_id AS "{named["school"]}", s.title AS "Section Name",
                s.number AS "Section Number", t.id AS "Term SIS ID", t.title AS "Term Name",
                t.start_date AS "Term StartDate", t.end_date AS "Term EndDate", c.id AS "Course SIS ID",
                c.title AS "Course Name", c.code AS "Course Number", c.description AS "Course Description",
                c.subject AS "Course Subject", periods AS "Periods", status AS "Status"
            FROM section s JOIN session t ON t.id = session_ids[1] JOIN course c ON c.id = course_id ORDER BY s.n""",
        "Student.csv": f"""
            SELECT id AS "{named["id"]}", org_id AS "{named["school"]}", {_NAMES}, number AS "Student Number",
                grade AS "Grade", birth_date AS "Birthdate", graduation_year AS "Graduation Year" FROM student""",
        "Teacher.csv": f"""
            SELECT org_id AS "{named["school"]}", {teacher}
            UNION ALL SELECT other_org_id, {teacher} WHERE other_org_id IS NOT NULL""",
        "StudentEnrollment.csv": f"""
            SELECT section_id AS "{named["section"]}", person_id AS "{named["id"]}" FROM taken""",
        "TeacherRoster.csv": f"""
            SELECT section_id AS "{named["section"]}", person_id AS "{named["id"]}" FROM taught""",
        "user.csv": """
            SELECT email AS "Email", given_name AS "First Name", family_name AS "Last Name", phone AS "Phone",
                id AS "SIS ID" FROM guardian""",
        "guardianrelationship.csv": """
            SELECT person_id AS "SIS ID", g.email AS "Email", g.role AS "Role"
            FROM contact c JOIN guardian g ON g.id = c.contact_id ORDER BY place, c.n""",
    }
