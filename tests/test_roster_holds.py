"""Unreadable is not empty, record by record: whatever stood in a roster stands in it still, or is held, when cells of
it are damaged."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.store import Row, in_memory
from provision.store.sql import literal, literals

pytestmark = pytest.mark.once

STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small
GROUPS = frozenset({"students", "staff"})
CREATE = RosterOptions(names_required=GROUPS, usernames_required=GROUPS)

V1 = {
    "School.csv": "SIS ID,Name,Grade Low,Principal SIS ID,Phone\n10,Ash,KG,1,5550100\n20,Elm,09,,\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Status,Birthdate,Secondary Email\n"
    "1,10,ada,Ada,Berg,04,Active,2016-02-03,a@x.org\n2,10,bo,Bo,Cole,05,,,\n2,20,bo,Bo,Cole,05,,,\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n1,10,cy,Cy,Dahl\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Term SIS ID,Term StartDate,Term EndDate,Course SIS ID,Status\n"
    "c1,10,Art,T,2026-08-24,2027-06-11,K,Active\nc2,10,Music,T,2026-08-24,2027-06-11,K,\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\nc1,1\nc1,2\nc2,1\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\nc1,1\n",
    "user.csv": "Email,First Name,Last Name,Phone,SIS ID\neva@x.org,Eva,Berg,+15550100,\n",
    "guardianrelationship.csv": "SIS ID,Email,Role\n1,eva@x.org,parent\n",
}
V2 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,Lake,district,\nA,Ash,school,D\nB,Birch,school,D\n",
    "users.csv": "sourcedId,orgSourcedIds,givenName,familyName,username,role,grade\n"
    's1,"A,B",Ada,Berg,ada,student,04\ns2,B,Bo,Cole,bo,student,05\nt1,A,Cy,Dahl,cy,teacher,\n',
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,A,Art\nc2,B,Music\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n"
    "c1,s1,student\nc2,s1,student\nc2,s2,student\nc1,t1,teacher\n",
}
V2_1 = {
    "orgs.csv": V2["orgs.csv"],
    "users.csv": "sourcedId,username,givenName,familyName,email,phone\n"
    "s1,ada,Ada,Berg,ada@x.org,\ns2,bo,Bo,Cole,,\nt1,cy,Cy,Dahl,,+15550100\ng1,eva,Eva,Berg,eva@x.org,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\n"
    "s1,A,student,Y,04,true,2026-08-24,2027-06-11\ns1,B,student,Y,04,false,,\ns2,B,student,Y,04,true,,\n"
    "t1,A,teacher,Y,,,,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\nc1,A,Art,Y,K\nc2,B,Music,Y,K\n",
    "enrollments.csv": V2["enrollments.csv"],
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "Y,Year,schoolYear,2026,2026-08-24,2027-06-11\n",
    "courses.csv": "sourcedId,title,orgSourcedId,subject\nK,Arts,A,05\n",
    "demographics.csv": "userSourcedId,sex,birthDate\ns1,female,2016-02-03\n",
    "userFlags.csv": "userSourcedId,flag\ns1,ELL\n",
    "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\ns1,g1,parent\n",
}
CLEVER = {
    "schools.csv": "School_id,School_name,School_number,School_phone\n10,Ash,1,5550100100\n20,Elm,2,\n",
    "students.csv": "School_id,Student_id,First_name,Last_name,Grade,Username,DOB,Contact_name,Contact_type,"
    "Contact_email\n10,1,Ada,Berg,4,ada,02/03/2016,Eva Berg,Parent,eva@x.org\n10,2,Bo,Cole,5,bo,,,,\n",
    "teachers.csv": "School_id,Teacher_id,First_name,Last_name,Teacher_email,Username\n10,1,Cy,Dahl,cy@x.org,cy\n"
    "20,2,Di,Egg,,di\n",
    "staff.csv": "School_id,Staff_id,First_name,Last_name,Staff_email,Username\n20,9,Flo,Fox,flo@x.org,flo\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Teacher_2_id,Name,Term_name,Term_start,Term_end\n"
    "10,7,1,2,Art,Year,08/24/2026,06/11/2027\n20,8,2,,Music,Year,08/24/2026,06/11/2027\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n10,7,1\n10,7,2\n20,8,1\n",
}
_STAMP = "sourcedId,status,dateLastModified"
ONEROSTER = {
    "orgs.csv": f"{_STAMP},name,type,identifier,parentSourcedId\nD,,,Lake,district,,\nA,,,Ash,school,,D\n"
    "B,active,,Birch,school,,D\n",
    "users.csv": f"{_STAMP},enabledUser,username,givenName,familyName,email,primaryOrgSourcedId,agentSourcedIds\n"
    "s1,,,true,ada,Ada,Berg,,A,g1\ns2,active,,true,bo,Bo,Cole,,B,\nt1,,,true,cy,Cy,Dahl,cy@x.org,A,\n"
    "g1,,,true,eva,Eva,Berg,eva@x.org,A,\n",
    "roles.csv": f"{_STAMP},userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n"
    "r1,,,s1,primary,student,2026-08-24,2027-06-11,A,p1\nr2,,,s2,primary,student,,,B,\nr3,,,t1,primary,teacher,,,A,\n"
    "r4,,,g1,primary,parent,,,A,\n",
    "userProfiles.csv": f"{_STAMP},userSourcedId,profileType,vendorId\np1,,,s1,app,v\n",
    "classes.csv": f"{_STAMP},title,classType,schoolSourcedId,termSourcedIds\nc1,,,Art,scheduled,A,T\n"
    "c2,,,Music,,B,T\n",
    "enrollments.csv": f"{_STAMP},classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,endDate\n"
    "e1,,,c1,A,s1,student,2026-08-24,2026-12-19\ne2,,,c1,A,t1,teacher,,\ne3,active,,c2,B,s2,student,,\n",
    "academicSessions.csv": f"{_STAMP},title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "T,,,Autumn,term,2026-08-24,2026-12-19,,2027\n",
}
ROSTERS = {"sds-v1": V1, "sds-v2": V2, "sds-v2.1": V2_1, "clever": CLEVER, "oneroster-1.2": ONEROSTER}

# A blank in these is no damage: it says that there is nobody.
OPTIONAL_PEOPLE = ("Contact_name", "Contact_type", "Contact_email", "agentSourcedIds", "Teacher_2_id")
GARBAGE = ("zz", "\x02", "N/A", "0000-00-00", "x" * 300, "a b", "Ã©")
COVERED = {
    "org": ("SELECT id FROM roster.orgs", "kind = 'org' AND id = {0}", "orgs"),
    "person": ("SELECT id FROM roster.persons", "kind = 'person' AND id = {0}", "persons"),
    "section": ("SELECT id FROM roster.sections", "kind = 'section' AND id = {0}", "sections"),
    "role": ("SELECT DISTINCT person_id, org_id FROM roster.roles", "kind = 'person' AND id = {0}", "roles"),
    "enrollment": (
        "SELECT section_id, person_id FROM roster.enrollments",
        "(kind, id, other_id) = ('enrollment', {0}, {1}) OR (kind, id) IN (('section', {0}), ('person', {1}))",
        "enrollments",
    ),
    "relationship": (
        "SELECT person_id, contact_id FROM roster.relationships",
        "(kind, id, coalesce(other_id, {1})) = ('relationship', {0}, {1}) OR (kind = 'person' AND id IN ({0}, {1}))",
        "relationships roles",  # in OneRoster the roles say who is a contact
    ),
}
"""What stands in a roster, as a SELECT; the holds that cover one of it; the tables whose `unknown` covers all."""


@dataclass(frozen=True)
class Damage:
    """What happens to a cell, or to its whole row ("extra", "twice")."""

    file: str
    row: int
    column: str
    text: str


def cells(files: dict[str, str]) -> list[tuple[str, int, str]]:
    """File, row and column of every cell."""
    return [
        (file, row, column)
        for file, text in files.items()
        for header, *rows in [list(csv.reader(io.StringIO(text)))]
        for row in range(1, len(rows) + 1)
        for column in header
    ]


def damages(files: dict[str, str]) -> st.SearchStrategy[Damage]:
    """One damage. An id is never made another one, for that says something else and says it well."""

    def of(cell: tuple[str, int, str]) -> st.SearchStrategy[Damage]:
        file, row, column = cell
        kinds = ["extra", "twice"]
        if column not in OPTIONAL_PEOPLE:
            kinds.append("")
            if column != "Email" and not column.lower().endswith(("id", "ids")):
                kinds += GARBAGE
        return st.sampled_from(kinds).map(lambda text: Damage(file, row, column, text))

    return st.sampled_from(cells(files)).flatmap(of)


def damaged(files: dict[str, str], done: list[Damage]) -> dict[str, str]:
    tables = {file: list(csv.reader(io.StringIO(text))) for file, text in files.items()}
    for damage in done:
        rows = tables[damage.file]
        if damage.text == "extra":
            rows[damage.row].insert(rows[0].index(damage.column), "slipped")
            rows[damage.row][-1] = rows[damage.row][-1] or "surplus"  # a blank would be a comma at the end of the row
        elif damage.text == "twice":
            rows.append(rows[damage.row])
        else:
            rows[damage.row][rows[0].index(damage.column)] = damage.text
    texts = {}
    for file, rows in tables.items():
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        texts[file] = out.getvalue()
    return texts


def load(files: dict[str, str], form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        assert load_roster(STORE, Path(folder), CREATE, form).format == form


@cache
def stood(form: str) -> dict[str, list[Row]]:
    load(ROSTERS[form], form)
    assert STORE.rows("FROM roster.held") == []
    return {what: STORE.rows(rows) for what, (rows, _, _) in COVERED.items()}


@pytest.mark.parametrize("form", ROSTERS)
@settings(max_examples=2 * int(os.environ.get("LAW_EXAMPLES", "3")), deadline=None)
@given(data=st.data())
def test_what_stood_is_there_or_held(form: str, data: st.DataObject) -> None:
    before = stood(form)
    done = data.draw(st.lists(damages(ROSTERS[form]), min_size=1, max_size=4))
    load(damaged(ROSTERS[form], done), form)
    for what, (rows, held, unknown) in COVERED.items():
        still = set(STORE.rows(rows))
        for each in before[what]:
            if each not in still:
                values = [literal(str(value)) for value in each]
                covered = f"({held.format(*values)}) OR (kind = 'unknown' AND id IN {literals(unknown.split())})"
                assert STORE.rows(f"FROM roster.held WHERE {covered}"), f"{what} {each} is gone"
