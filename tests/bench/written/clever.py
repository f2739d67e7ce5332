"""Clever CSV: dates as MM/DD/YYYY, grades without a zero, a row of students.csv for each contact of a student."""

from __future__ import annotations


def _date(column: str) -> str:
    return f"strftime({column}::DATE, '%m/%d/%Y')"


def _grade(column: str) -> str:
    return f"CASE {column} WHEN 'PK' THEN 'PreKindergarten' ELSE ltrim({column}, '0') END"


def _yes(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 'Y' ELSE 'N' END"


_RACES = """
    CASE race WHEN 'asian' THEN 'A' WHEN 'blackOrAfricanAmerican' THEN 'B' WHEN 'americanIndianOrAlaskaNative' THEN 'I'
        WHEN 'nativeHawaiianOrOtherPacificIslander' THEN 'P' WHEN 'white' THEN 'W' ELSE 'M' END"""
_TEACHER = """
    id AS "Teacher_id", number AS "Teacher_number", state_id AS "State_teacher_id", email AS "Teacher_email",
    given_name AS "First_name", middle_name AS "Middle_name", family_name AS "Last_name", title AS "Title",
    username AS "Username", password AS "Password" FROM teacher"""

FILES = {
    "schools.csv": f"""
        SELECT id AS "School_id", name AS "School_name", number AS "School_number", nces_id AS "Nces_id",
            state_id AS "State_id", {_grade("grade_low")} AS "Low_grade", {_grade("grade_high")} AS "High_grade",
            principal_name AS "Principal", principal_email AS "Principal_email", address AS "School_address",
            city AS "School_city", state AS "School_state", zip AS "School_zip", phone[3:] AS "School_phone"
        FROM school""",
    "students.csv": f"""
        SELECT s.org_id AS "School_id", s.id AS "Student_id", s.number AS "Student_number", s.state_id AS "State_id",
            s.family_name AS "Last_name", s.middle_name AS "Middle_name", s.given_name AS "First_name",
            {_grade("s.grade")} AS "Grade", s.graduation_year AS "Graduation_year",
            CASE s.sex WHEN 'male' THEN 'M' WHEN 'female' THEN 'F' ELSE 'X' END AS "Gender",
            {_date("s.birth_date")} AS "DOB", {_RACES} AS "Race", {_yes("ethnicity IS NOT NULL")} AS "Hispanic_Latino",
            {_yes("coalesce(flag = 'ELL', false)")} AS "Ell_status",
            CASE flag WHEN 'freeLunch' THEN 'F' WHEN 'reducedLunch' THEN 'R' ELSE 'N' END AS "Frl_status",
            {_yes("coalesce(flag = 'IEP', false)")} AS "IEP_status", s.email AS "Student_email",
            s.username AS "Username", s.password AS "Password",
            CASE g.role WHEN 'parent' THEN 'Parent' WHEN 'guardian' THEN 'Guardian' WHEN 'relative' THEN 'Grandparent'
                END AS "Contact_relationship",
            CASE WHEN g.id IS NOT NULL THEN 'primary' END AS "Contact_type",
            g.given_name || ' ' || g.family_name AS "Contact_name", g.phone[3:] AS "Contact_phone",
            CASE WHEN g.id IS NOT NULL THEN CASE WHEN g.sms IS NULL THEN 'Home' ELSE 'Cell' END
                END AS "Contact_phone_type",
            g.email AS "Contact_email", g.id AS "Contact_sis_id"
        FROM student s LEFT JOIN contact c ON c.n = s.n LEFT JOIN guardian g ON g.id = c.contact_id
        ORDER BY place NULLS FIRST, s.n""",
    "teachers.csv": f"""
        SELECT org_id AS "School_id", {_TEACHER}
        UNION ALL SELECT other_org_id, {_TEACHER} WHERE other_org_id IS NOT NULL""",
    "staff.csv": """
        SELECT org_id AS "School_id", id AS "Staff_id", email AS "Staff_email", given_name AS "First_name",
            family_name AS "Last_name", title AS "Title", username AS "Username", password AS "Password" FROM staff""",
    "sections.csv": f"""
        SELECT s.org_id AS "School_id", s.id AS "Section_id", teacher_id AS "Teacher_id",
            co_teacher_id AS "Teacher_2_id", s.title AS "Name", s.number AS "Section_number",
            {_grade("s.grade")} AS "Grade", c.title AS "Course_name", c.code AS "Course_number",
            c.description AS "Course_description", periods AS "Period", s.subject AS "Subject",
            t.title AS "Term_name", {_date("t.start_date")} AS "Term_start", {_date("t.end_date")} AS "Term_end"
        FROM section s JOIN session t ON t.id = session_ids[1] JOIN course c ON c.id = course_id ORDER BY s.n""",
    "enrollments.csv": """
        SELECT org_id AS "School_id", section_id AS "Section_id", person_id AS "Student_id" FROM taken""",
}
