"""Made-up school districts of any size, in every format; the same size gives the same bytes.

    python tests/bench/district.py FOLDER STUDENTS [FORMAT]

A teacher for every 16 students, a section of 20 students for every six enrollments of each of them (0.3 sections
per student): 6.3 enrollments per student. What is told of them is below: a school, a course, a person is a row of a
view with everything that any format has a place for. `written/` has a SELECT for each file of a format. Rows are
arithmetic on their number `n`, written by DuckDB as they are made, so the size costs time and no memory.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for a run as a script

from bench.written import FILES

PER_SCHOOL = 500  # students
PER_TEACHER = 16  # students
PER_SECTION = 20  # students
TAKEN = 6  # sections by a student
PER_GUARDIAN = 10  # students; every second guardian has another one

GIVEN = "Ada Bruno Chiara Dario Élodie Farid Greta Hana Igor Jana Karim Lena Milo Nuria Otto Pia Quinn Rosa Samir Tessa"
FAMILY = (
    "Abelson Birkwood Castellane Dunmore Eastlake Fernhill O'Garrow Hollis Ivarsen Juniper Kestrel Lindqvist Møller"
)
GRADES = "PK 01 02 03 04 05 06 07 08 09 10 11 12"
SEXES = "male female notSelected"
RACES = (
    "asian americanIndianOrAlaskaNative blackOrAfricanAmerican nativeHawaiianOrOtherPacificIslander white "
    "demographicRaceTwoOrMoreRaces asian,white"
)
FLAGS = "freeLunch ELL IEP reducedLunch homeless giftedOrTalented 504 LEP"
SUBJECTS = "Math Science Language Technology Music Drama Geography History"
SUBJECT_CODES = "02 03 24 10 05 05 04 04"
RELATIONS = "parent guardian relative"
YEAR = ("2026-08-24", "2027-06-11")
SEMESTERS = (("FALL", "Fall", "2026-08-24", "2027-01-22"), ("SPRING", "Spring", "2027-01-25", "2027-06-11"))


@dataclass(frozen=True)
class Size:
    """How many of everything a district of `students` has."""

    students: int

    @property
    def schools(self) -> int:
        return max(1, self.students // PER_SCHOOL)

    @property
    def teachers(self) -> int:
        return max(1, self.students // PER_TEACHER)

    @property
    def groups(self) -> int:
        """Sections of one subject in a school, so that each has about `PER_SECTION` students."""
        return max(1, round(self.students / self.schools / PER_SECTION))

    @property
    def sections(self) -> int:
        return self.schools * self.groups * TAKEN

    @property
    def guardians(self) -> int:
        return -(-self.students // PER_GUARDIAN)

    def views(self) -> dict[str, str]:
        """What the district is, as SELECTs; each may use those before it."""
        return views(self)


def write_district(folder: Path, size: Size, form: str = "sds-v2.1") -> None:
    """Write the files of a format into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = open_district(size)
    for name, rows in FILES[form].items():
        connection.execute(f"COPY ({rows}) TO '{folder / name}' (FORMAT csv, HEADER true)").fetchall()
    connection.close()


def open_district(size: Size) -> duckdb.DuckDBPyConnection:
    """A connection that has the views."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")  # so that rows have one order
    for name, rows in size.views().items():
        connection.execute(f"CREATE VIEW {name} AS {rows}").fetchall()
    return connection


def views(size: Size) -> dict[str, str]:
    """The views of a district of this size."""
    schools, teachers, groups = size.schools, size.teachers, size.groups
    # the teachers of a school are numbered by it, and so are its sections
    its_teachers = f"(({teachers} - school + {schools} - 1) // {schools})"
    # the k-th section of a student: every `groups` students of a school are dealt anew
    local = f"(n // {schools})"
    place = f"(n % {schools}) + {schools} * (k * {groups} + ({local} + k * ({local} // {groups})) % {groups})"
    return {
        "district": "SELECT 'D' AS id, 'Harbor District' AS name, 'district' AS type",
        "school": f"""
            SELECT n, {_school("n")} AS id, printf('Harbor School %d', n + 1) AS name, 'school' AS type,
                'D' AS parent_id, printf('%05d', n) AS number, printf('06%010d', n) AS nces_id,
                printf('WA-%d', n) AS state_id, 'PK' AS grade_low, '12' AS grade_high,
                {_teacher(f"n % {teachers}")} AS principal_id,
                {_pick(GIVEN, f"n % {teachers}")} || ' ' || {_family(f"n % {teachers}")} AS principal_name,
                printf('principal%05d@harbor.example', n) AS principal_email, printf('%d Quay Road', n + 1) AS address,
                'Harbor' AS city, 'WA' AS state, 'US' AS country, printf('98%03d', n % 1000) AS zip,
                printf('+1555%07d', 9000000 + n) AS phone, printf('Zone %d', n % 4) AS zone
            FROM range({schools}) t(n)""",
        "session": f"""
            SELECT 'Y2027' AS id, 'School year 2027' AS title, 'schoolYear' AS type, '2027' AS school_year,
                '{YEAR[0]}' AS start_date, '{YEAR[1]}' AS end_date, NULL AS parent_id
            UNION ALL SELECT * FROM (VALUES {", ".join(map(_semester, SEMESTERS))})""",
        "course": f"""
            SELECT n, printf('K%06d', n) AS id, {_school("n // 8")} AS org_id, {_pick(SUBJECTS, "n")} AS title,
                upper({_pick(SUBJECTS, "n")}[:3]) || printf('-%05d', n // 8) AS code,
                {_pick(SUBJECTS, "n")} || ' for all' AS description, 'Y2027' AS school_year_session_id,
                {_pick(SUBJECT_CODES, "n")} AS subject, {_pick(SUBJECTS, "n")} AS subject_name,
                {_pick(SUBJECT_CODES, "n")} AS subject_codes, {_pick(GRADES, "n")} AS grade
            FROM range({schools * 8}) t(n)""",
        "section": f"""
            SELECT *, CASE WHEN n % 20 = 0 AND count > 1
                THEN {_teacher(f"school + {schools} * ((n // {schools} + 1) % count)")} END AS co_teacher_id,
                {_teacher(f"school + {schools} * (n // {schools} % count)")} AS teacher_id
            FROM (
                SELECT n, printf('C%06d', n) AS id, n % {schools} AS school, {_school(f"n % {schools}")} AS org_id,
                    {_pick(SUBJECTS, "n")} || ' ' || n AS title, printf('%d', n) AS number,
                    printf('M%d', n % 1000) AS code, {its_teachers} AS count,
                    CASE n % 4 WHEN 0 THEN ['FALL', 'SPRING'] WHEN 1 THEN ['SPRING'] ELSE ['FALL'] END AS session_ids,
                    printf('K%06d', n % {schools} * 8 + n % 8) AS course_id, n % {schools} * 8 + n % 8 AS course,
                    printf('%d', 1 + n % 6) AS periods, 'Active' AS status,
                    CASE WHEN n % 6 = 5 THEN 'homeroom' ELSE 'scheduled' END AS type, {_pick(GRADES, "n")} AS grade,
                    {_pick(SUBJECTS, "n")} AS subject, {_pick(SUBJECT_CODES, "n")} AS subject_codes,
                    printf('Room %d', n % 40) AS location
                FROM range({size.sections}) t(n))""",
        "student": f"""
            SELECT n, 'student' AS role, {_student("n")} AS id, {_school(f"n % {schools}")} AS org_id,
                {_person("n", "s%07d", "S")}, {_every(10, f"{_pick(GIVEN, 'n + 3')}")} AS preferred_given_name,
                {_every(10, "'Jo'")} AS preferred_middle_name,
                {_every(10, _pick(FAMILY, "n // 20 + 3"))} AS preferred_family_name,
                {_every(3, "'they/them'")} AS pronouns, {_every(10, "printf('+1444%07d', n)")} AS sms,
                printf('%d', 2039 - n % 13) AS graduation_year, 'Active' AS status, {_pick(GRADES, "n")} AS grade,
                {_pick(SEXES, "n")} AS sex,
                printf('%d-%02d-%02d', 2022 - n % 13, 1 + n // 3380 % 12, 1 + n // 40560 % 28) AS birth_date,
                'Harbor' AS birth_city,
                'WA' AS birth_state, 'US' AS birth_country, {_every(4, "'hispanicOrLatinoEthnicity'")} AS ethnicity,
                {_pick(RACES, "n")} AS race, '01652' AS residence_status,
                CASE WHEN n % 8 < 2 THEN {_pick(FLAGS, "n // 8")} END AS flag,
                {_every(PER_GUARDIAN, _guardian(f"n // {PER_GUARDIAN}"))} AS guardian_id,
                CASE WHEN n % {2 * PER_GUARDIAN} = {PER_GUARDIAN}
                    THEN {_guardian(f"n // {PER_GUARDIAN} - 1")} END AS other_guardian_id
            FROM range({size.students}) t(n)""",
        "teacher": f"""
            SELECT n, 'teacher' AS role, {_teacher("n")} AS id, {_school(f"n % {schools}")} AS org_id,
                CASE WHEN n % 50 = 0 AND {schools} > 1 THEN {_school(f"(n + 1) % {schools}")} END AS other_org_id,
                {_person("n", "t%06d", "T")}, 'Teacher' AS title, 'BEd' AS qualification, 'Active' AS status,
                {_every(10, "printf('P%06d', n)")} AS profile_id
            FROM range({teachers}) t(n)""",
        "staff": f"""
            SELECT n, 'administrator' AS role, printf('A%05d', n) AS id, {_school("n")} AS org_id,
                {_person("n", "a%05d", "A")}, 'Office' AS title
            FROM range({schools}) t(n)""",
        "guardian": f"""
            SELECT n, {_pick(RELATIONS, "n")} AS role, {_guardian("n")} AS id,
                {_school(f"n * {PER_GUARDIAN} % {schools}")} AS org_id,
                printf('g%06d@home.example', n) AS username, {_pick(GIVEN, "n + 5")} AS given_name,
                {_pick(FAMILY, "n")} AS family_name, printf('g%06d@home.example', n) AS email,
                printf('+1666%07d', n) AS phone, {_every(2, "printf('+1666%07d', n)")} AS sms
            FROM range({size.guardians}) t(n)""",
        "contact": """
            SELECT s.n, s.id AS person_id, 0 AS place, guardian_id AS contact_id
            FROM student s WHERE guardian_id IS NOT NULL
            UNION ALL SELECT n, id, 1, other_guardian_id FROM student WHERE other_guardian_id IS NOT NULL""",
        "taken": f"""
            SELECT n * {TAKEN} + k AS n, printf('C%06d', {place}) AS section_id, {_school(f"n % {schools}")} AS org_id,
                {_student("n")} AS person_id
            FROM range({size.students}) t(n), range({TAKEN}) r(k)""",
        "taught": """
            SELECT 2 * n AS n, id AS section_id, org_id, teacher_id AS person_id, true AS is_primary FROM section
            UNION ALL SELECT 2 * n + 1, id, org_id, co_teacher_id, false FROM section
            WHERE co_teacher_id IS NOT NULL""",
    }


def _person(n: str, username: str, letter: str) -> str:
    """What is told of everybody who has an account."""
    name = f"printf('{username}', {n})"
    return f"""
        {name} AS username, {_pick(GIVEN, n)} AS given_name, {_family(n)} AS family_name,
        {_every(3, _pick(GIVEN, f"{n} + 9"))} AS middle_name, {_every(10, f"'Quay-' || {name} || '!'")} AS password,
        {name} || '@harbor.example' AS email, {_every(10, f"{name} || '@directory.example'")} AS match_id,
        {_every(10, f"printf('M-{letter}%d', {n})")} AS master_id,
        {_every(10, f"'{{LDAP:' || {name} || '}}'")} AS other_ids, printf('+1555%07d', {n}) AS phone,
        printf('{letter}-%d', {n}) AS number, printf('WA-{letter}%d', {n}) AS state_id"""


def _family(number: str) -> str:
    """Two names: with the first name and the birth date, no two of a million students are alike."""
    return f"{_pick(FAMILY, f'({number}) // 20')} || '-' || {_pick(FAMILY, f'({number}) // 260')}"


def _semester(semester: tuple[str, ...]) -> str:
    name, title, start, end = semester
    return f"('{name}', '{title}', 'semester', '2027', '{start}', '{end}', 'Y2027')"


def _every(number: int, value: str) -> str:
    """The value, in every so-many-th row."""
    return f"CASE WHEN n % {number} = 0 THEN {value} END"


def _school(number: str) -> str:
    return f"printf('H%05d', {number})"


def _student(number: str) -> str:
    return f"printf('S%07d', {number})"


def _teacher(number: str) -> str:
    return f"printf('T%06d', {number})"


def _guardian(number: str) -> str:
    return f"printf('G%06d', {number})"


def _pick(words: str, number: str) -> str:
    listed = ", ".join("'" + word.replace("'", "''") + "'" for word in words.split())
    return f"[{listed}][1 + ({number}) % {len(words.split())}]"


if __name__ == "__main__":
    write_district(Path(sys.argv[1]), Size(int(sys.argv[2])), *sys.argv[3:])
