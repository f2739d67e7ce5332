"""The standard workload, and the fewest writes that it can be done with.

    python -m bench.standard FOLDER STUDENTS [EVERY [FROM]]

A district in which a teacher comes to every 16 students and a section to every 25, with 30 students and one teacher
in each; every student gets one licence. `FOLDER/roster` gets its files, `FOLDER/profile.toml` and `FOLDER/whole.toml`
the profiles without and with schools and school groups. Prints the fewest writes of both, counted on the district and
not on a plan. With `EVERY`, every so-many-th student has got another family name,
beginning with number `FROM`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import duckdb
from bench.district import PER_TEACHER, Size, open_district, write_district

PER_SECTION = 30  # students in a section
PER_CLASS = 25  # students for whom there is one
REFERENCES = 20  # owners and members together in one PATCH of a group (learn.microsoft.com, group-post-members)

PROFILE = """
name = "{name}"
[tenant]
id = "sandbox"
usage_location = "US"
[roster]
path = "roster"
[students]
mode = "create"
domain = "students.contoso.edu"
match = {{ source = "username", target = "userPrincipalName", append_domain = "students.contoso.edu" }}
properties = ["grade"]
licenses = ["STANDARDWOFFPACK_STUDENT"]
[staff]
mode = "create"
domain = "contoso.edu"
match = {{ source = "username", target = "userPrincipalName", append_domain = "contoso.edu" }}
[sections]
domain = "contoso.edu"
[schools]
administrative_units = {schools}
{groups}"""
GROUPS = '[school_groups]\nall = ["students", "teachers"]\nper_school = ["students", "teachers"]\n'


@dataclass(frozen=True)
class Standard(Size):
    """How many of everything the standard workload of `students` has; every `renamed`th of them has a new name."""

    renamed: int = 0
    start: int = 0

    @property
    def teachers(self) -> int:
        return max(1, round(self.students / PER_TEACHER))

    @property
    def sections(self) -> int:
        return max(1, self.students // PER_CLASS)

    def views(self) -> dict[str, str]:
        """A district whose sections are larger and fewer, and in which nobody works but teachers."""
        usual, schools = super().views(), self.schools
        pupils = f"(({self.students} - school + {schools} - 1) // {schools})"  # of a school
        place = f"school + {schools} * ((s.n // {schools} * {PER_SECTION} + k) % {pupils})"
        others = f"n >= {self.start} AND (n - {self.start}) % {self.renamed} = 0" if self.renamed else "false"
        new = f"CASE WHEN {others} THEN family_name || '-New' ELSE family_name END"
        return {
            **usual,
            "student": f"SELECT * REPLACE ({new} AS family_name) FROM ({usual['student']})",
            "section": f"SELECT * REPLACE (NULL AS co_teacher_id) FROM ({usual['section']})",
            "teacher": f"SELECT * REPLACE (NULL AS other_org_id) FROM ({usual['teacher']})",
            "staff": f"SELECT * FROM ({usual['staff']}) WHERE false",
            "taken": f"""
                SELECT s.n * {PER_SECTION} + k AS n, s.id AS section_id, s.org_id, printf('S%07d', {place}) AS person_id
                FROM section s, range({PER_SECTION}) r(k) WHERE k < {pupils}""",
        }


def fewest_writes(district: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The fewest write requests that Graph has for this district, by what they are for (graph/api/overview, v1.0).

    Each term counts the calls of the operation that does most at once among those that keep a way back to what they
    made: a lost answer to a create must be found again by an anchor.
    """

    def count(rows: str) -> int:
        return int(district.execute(f"SELECT count(*) FROM ({rows})").fetchall()[0][0])

    def patches(links: str) -> int:
        """As many PATCHes as fill up with the links of each group: `links` has (group, number)."""
        sizes = district.execute(f"SELECT number FROM ({links})").fetchall()
        return sum(ceil(number / REFERENCES) for (number,) in sizes)

    students, teachers, sections, schools = (
        count(f"FROM {name}") for name in ("student", "teacher", "section", "school")
    )
    people = "SELECT org_id, role FROM student UNION ALL SELECT org_id, role FROM teacher"
    return {
        # no call makes two users; account and education data fit one POST /education/users
        "users": students + teachers,
        # assignLicense takes all SKUs of one user, and no call takes two users
        "licenses": students,
        # POST /education/classes takes no members
        "sections": sections,
        # PATCH /groups/{id} takes 20 references: students and teachers as members, teachers as owners too
        "members": patches("""
            SELECT section_id, count(*) AS number FROM (
                SELECT section_id, person_id FROM taken
                UNION ALL SELECT section_id, person_id FROM taught UNION ALL SELECT section_id, person_id FROM taught)
            GROUP BY section_id"""),
        "schools": schools,
        # POST /education/schools/{id}/users/$ref and classes/$ref take one each
        "school links": students + teachers + sections,
        # an upsert by uniqueName, which alone may be sent twice, then 20 members a PATCH: of each school, and of all
        "school groups": 2 * schools + 2,
        "group members": patches(f"SELECT org_id, role, count(*) AS number FROM ({people}) GROUP BY ALL")
        + patches(f"SELECT role, count(*) AS number FROM ({people}) GROUP BY role"),
    }  # fmt: skip


PLAIN = ("users", "licenses", "sections", "members")  # what is left without schools and school groups


def main(folder: Path, students: int, renamed: int = 0, start: int = 0) -> None:
    size = Standard(students, renamed, start)
    write_district(folder / "roster", size)
    (folder / "profile.toml").write_text(PROFILE.format(name="bench", schools="false", groups=""), encoding="utf-8")
    (folder / "whole.toml").write_text(PROFILE.format(name="bench", schools="true", groups=GROUPS), encoding="utf-8")
    with open_district(size) as district:
        fewest = fewest_writes(district)
        # the plain script's: a call for each account, licence, group, member and owner
        calls = district.execute(
            f"""SELECT sum(number) FROM ({
                " UNION ALL ".join(
                    f"SELECT count(*) AS number FROM {name}"
                    for name in ("student", "student", "teacher", "section", "taken", "taught", "taught")
                )
            })"""
        ).fetchall()
    counted = {"profile": sum(fewest[name] for name in PLAIN), "whole": sum(fewest.values())}
    print(json.dumps({**counted, "plain_calls": int(calls[0][0])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
