"""Made-up school districts in SDS V2.1, of any size; the same size gives the same bytes.

    python tests/bench/district.py FOLDER STUDENTS

A teacher for every 16 students, a section of 20 students for every six enrollments of each of them (0.3 sections
per student), one teacher per section: 6.3 enrollments per student. Rows are arithmetic on their number, written by
DuckDB as they are made, so the size costs time and no memory.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

PER_SCHOOL = 500  # students
PER_TEACHER = 16  # students
PER_SECTION = 20  # students
TAKEN = 6  # sections by a student

GIVEN = "Ada Bruno Chiara Dario Élodie Farid Greta Hana Igor Jana Karim Lena Milo Nuria Otto Pia Quinn Rosa Samir Tessa"
FAMILY = (
    "Abelson Birkwood Castellane Dunmore Eastlake Fernhill O'Garrow Hollis Ivarsen Juniper Kestrel Lindqvist Møller"
)
SUBJECTS = "Algebra Biology Chemistry Drama English French Geometry History"


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
    def enrollments(self) -> int:
        return self.students * TAKEN + self.sections


def write_district(folder: Path, size: Size) -> None:
    """Write the six files into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 1")  # so that rows have one order
    for name, rows in _files(size).items():
        connection.execute(f"COPY ({rows}) TO '{folder / name}' (FORMAT csv, HEADER true)").fetchall()
    connection.close()


def _files(size: Size) -> dict[str, str]:
    """The rows of each file, as SELECTs; `n` counts from zero."""
    people = f"""
        SELECT n, printf('S%07d', n) AS id, true AS learns FROM range({size.students}) t(n)
        UNION ALL SELECT n, printf('T%06d', n), false FROM range({size.teachers}) t(n)"""
    school = f"printf('H%05d', n % {size.schools})"
    # the k-th section of a student: every `groups` students of a school are dealt anew
    local, groups = f"(n // {size.schools})", size.groups
    place = f"(n % {size.schools}) + {size.schools} * (k * {groups} + ({local} + k * ({local} // {groups})) % {groups})"
    return {
        "orgs.csv": f"""
            SELECT 'D' AS "sourcedId", 'Harbor District' AS name, 'district' AS type, NULL AS "parentSourcedId"
            UNION ALL SELECT {school}, printf('Harbor School %d', n + 1), 'school', 'D'
            FROM range({size.schools}) t(n)""",
        "academicSessions.csv": """
            SELECT 'Y2025' AS "sourcedId", 'School year 2025' AS title, 'schoolYear' AS type, '2025' AS "schoolYear",
                '2025-08-25' AS "startDate", '2026-06-12' AS "endDate" """,
        "users.csv": f"""
            SELECT id AS "sourcedId", lower(id) AS username, {_pick(GIVEN, "n")} AS "givenName",
                {_pick(FAMILY, "n // 7")} AS "familyName", lower(id) || '@harbor.example' AS email,
                printf('+1555%07d', n) AS phone
            FROM ({people})""",
        "roles.csv": f"""
            SELECT id AS "userSourcedId", {school} AS "orgSourcedId",
                CASE WHEN learns THEN 'student' ELSE 'teacher' END AS role, 'Y2025' AS "sessionSourcedId",
                CASE WHEN learns THEN printf('%02d', 1 + n % 12) END AS grade, 'true' AS "isPrimary"
            FROM ({people})""",
        "classes.csv": f"""
            SELECT printf('C%06d', n) AS "sourcedId", {school} AS "orgSourcedId",
                {_pick(SUBJECTS, "n")} || ' ' || n AS title, 'Y2025' AS "sessionSourcedIds"
            FROM range({size.sections}) t(n)""",
        "enrollments.csv": f"""
            SELECT printf('C%06d', {place}) AS "classSourcedId", printf('S%07d', n) AS "userSourcedId",
                'student' AS role FROM range({size.students}) t(n), range({TAKEN}) r(k)
            UNION ALL SELECT printf('C%06d', n), printf('T%06d', n % {size.teachers}), 'teacher'
            FROM range({size.sections}) t(n)""",
    }


def _pick(words: str, number: str) -> str:
    listed = ", ".join("'" + word.replace("'", "''") + "'" for word in words.split())
    return f"[{listed}][1 + ({number}) % {len(words.split())}]"


if __name__ == "__main__":
    write_district(Path(sys.argv[1]), Size(int(sys.argv[2])))
