"""OneRoster CSV, all versions: what every file becomes, who is a contact, what a status means, bulk and delta."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.world import World

from provision.errors import RosterError
from provision.formats import FORMATS, load_roster
from provision.formats.format import Format
from provision.formats.recognise import recognise
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small
Files = Mapping[str, str]

ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
USERS_1_1 = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n"
)
ENROLLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
)
DEMOGRAPHICS = (
    "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
    "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
    "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus\n"
)
BOTH = {
    "orgs.csv": ORGS + "D,,,Lake District,district,,\nA,,,Ash School,school,A-7,D\nB,,,Birch School,school,,D\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,"
    "schoolYear\nY,,,Year,schoolYear,2026-08-24,2027-06-11,,2027\nT,,,Autumn,term,2026-08-24,2026-12-19,Y,2027\n",
    "courses.csv": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
    'subjects,subjectCodes\nK,,,Y,Art for all,ART,"04,5",D,Fine arts,05154\n',
    "classes.csv": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
    'c1,,,Art 4,04,K,ART-4,scheduled,Room 3,A,"T, Y",Fine arts,05154,"1,2"\nc2,,,Homeroom,,,,homeroom,,A,Y,,,\n',
    "enrollments.csv": ENROLLMENTS + "e1,,,c1,A,s1,student,,2026-08-24,2026-12-19\ne2,,,c1,A,s2,student,,,\n"
    "e3,,,c1,A,t1,teacher,true,,\ne4,,,c2,A,s1,student,,,\n",
    "demographics.csv": DEMOGRAPHICS + "s1,,,2016-02-03,female,false,true,,,true,true,true,US,WA,Port Lake,01652\n",
}
V1_1 = {
    **BOTH,
    "users.csv": USERS_1_1 + "s1,,,true,A,student,ada,{Local:1},Ada,Berg,May,n1,ADA@X.ORG,+12025550101,202 555 0102,"
    '"g1,g2",04,Pw-1\ns2,,,true,"A, B",student,bo,,Bo,Cole,,,,,,,05,\nt1,,,true,A,teacher,cy,,Cy,Dahl,,,,,,,,\n'
    "g1,,,true,A,parent,gus,,Gus,Berg,,,gus@x.org,,,s1,,\ng2,,,true,A,guardian,gia,,Gia,Egg,,,gia@x.org,,,,,\n",
}
USERS_1_2 = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
    "preferredFamilyName,primaryOrgSourcedId,pronouns\n"
)
ROLES = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId\n"
)
V1_2 = {
    **BOTH,
    "users.csv": USERS_1_2
    + "s1,,,true,ada,{Local:1},Ada,Berg,May,n1,ADA@X.ORG,+12025550101,202 555 0102,g1,4,Pw-1,M1,Addie,M,B,A,she/her\n"
    "s2,,,true,bo,,Bo,Cole,,,,,,,05,,,,,,B,\nt1,,,true,cy,,Cy,Dahl,,,,,,,,,,,,,,\n"
    "g1,,,true,gus,,Gus,Berg,,,gus@x.org,,,,,,,,,,,\n",
    "roles.csv": ROLES + "r1,,,s1,primary,student,2026-08-24,2027-06-11,A,p1\nr2,,,s2,primary,student,,,A,\n"
    "r3,,,s2,primary,student,,,B,\nr4,,,t1,primary,teacher,,,A,\nr5,,,t1,secondary,counselor,,,B,\n"
    "r6,,,g1,primary,relative,,,A,\n",
    "userProfiles.csv": "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,"
    "description,credentialType,username,password\np1,,,s1,app,pond,pond-3,Reading,password,ada17,Pw-2\n",
}
SDS_V2 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nA,Ash School,school,\n",
    "users.csv": "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n"
    "s1,A,Ada,Berg,ada,,student,04\n",
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,A,Art\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\nc1,s1,student\n",
}
SDS_V2_1 = {
    **SDS_V2,
    "users.csv": "sourcedId,username,givenName,familyName\ns1,ada,Ada,Berg\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,grade\ns1,A,student,04\n",
}
SETS: dict[str, dict[str, str]] = {
    "oneroster-1.1": V1_1,
    "oneroster-1.2": V1_2,
    "sds-v2": SDS_V2,
    "sds-v2.1": SDS_V2_1,
}


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def load(folder: Path, files: Files, *, keep_passwords: bool = False) -> str:
    return load_roster(STORE, write(folder, files), RosterOptions(keep_passwords=keep_passwords)).format


def refusal(folder: Path, files: Files = {}) -> str:  # noqa: B006  # it is only read
    with pytest.raises(RosterError) as refused:
        load(folder, files)
    return "\n".join((refused.value.message, *refused.value.details))


def changed(files: Files, name: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The set with some text of one file replaced."""
    text = files[name]
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return {**files, name: text}


def added(files: Files, name: str, *rows: str) -> dict[str, str]:
    """The set with more rows in one file."""
    return {**files, name: files[name] + "".join(row + "\n" for row in rows)}


def table(columns: str, name: str) -> list[tuple[Any, ...]]:
    return STORE.rows(f"SELECT {columns} FROM roster.{name} ORDER BY ALL")


def held() -> set[tuple[str, str, str | None]]:
    return set(STORE.rows("SELECT kind, id, other_id FROM roster.held"))


def found() -> set[tuple[str, str, str | None]]:
    """Rule, severity and value of the findings that are not about classes without members and the like."""
    return {(each.rule, each.severity, each.value) for each in findings(STORE) if each.rule not in LIFE}


LIFE = {
    "several-sessions", "session-ended", "section-without-teacher", "section-without-students", "teacher-elsewhere",
    "enrollment-role-differs", "several-primary-roles",
}  # fmt: skip
"""What these small schools are, and what is not looked at here."""


# -- what becomes of the columns


def test_1_1_column_by_column(tmp_path: Path) -> None:
    assert load(tmp_path, V1_1) == "oneroster-1.1"
    assert found() == {("grade-read-as", "note", "04,5")}
    assert table("id, name, type, number, parent_id", "orgs") == [
        ("A", "Ash School", "school", "A-7", "D"),
        ("B", "Birch School", "school", None, "D"),
        ("D", "Lake District", "district", None, None),
    ]
    person = (
        "id, username, given_name, family_name, middle_name, number, secondary_email, sms, phone, other_ids, status"
    )
    assert table(person, "persons")[2:4] == [
        ("s1", "ada", "Ada", "Berg", "May", "n1", "ada@x.org", "+12025550101", "2025550102", "{Local:1}", None),
        ("s2", "bo", "Bo", "Cole", None, None, None, None, None, None, None),
    ]
    assert table("person_id, org_id, role, grade, is_primary", "roles") == [
        ("s1", "A", "student", "04", None),
        ("s2", "A", "student", "05", None),
        ("s2", "B", "student", "05", None),
        ("t1", "A", "teacher", None, None),
    ]
    assert table("person_id, contact_id, role", "relationships") == [("s1", "g1", "parent"), ("s1", "g2", "guardian")]


@pytest.mark.parametrize("files", [V1_1, V1_2], ids=["1.1", "1.2"])
def test_what_both_versions_have_column_by_column(tmp_path: Path, files: Files) -> None:
    load(tmp_path, files)
    section = "id, org_id, title, code, type, location, course_id, session_ids, grade, subject, subject_codes, periods"
    assert table(section, "sections") == [
        ("c1", "A", "Art 4", "ART-4", "scheduled", "Room 3", "K", ["T", "Y"], "04", "Fine arts", "05154", "1,2"),
        ("c2", "A", "Homeroom", None, "homeroom", None, None, ["Y"], None, None, None, None),
    ]
    assert table("section_id, person_id, role, is_primary, start_date, end_date", "enrollments") == [
        ("c1", "s1", "student", None, "2026-08-24", "2026-12-19"),
        ("c1", "s2", "student", None, None, None),
        ("c1", "t1", "teacher", True, None, None),
        ("c2", "s1", "student", None, None, None),
    ]
    assert table("id, title, type, school_year, start_date, end_date, parent_id", "sessions") == [
        ("T", "Autumn", "term", "2027", "2026-08-24", "2026-12-19", "Y"),
        ("Y", "Year", "schoolYear", "2027", "2026-08-24", "2027-06-11", None),
    ]
    assert table("id, org_id, title, code, school_year_session_id, grade, subject, subject_codes", "courses") == [
        ("K", "D", "Art for all", "ART", "Y", "04,05", "Fine arts", "05154")
    ]
    born = "sex, birth_date, race_codes, ethnicity_codes, birth_country, birth_state, birth_city, residence_status"
    assert table(f"person_id, {born}", "demographics") == [
        ("s1", "female", "2016-02-03", "demographicRaceTwoOrMoreRaces,asian,white", "hispanicOrLatinoEthnicity",
         "US", "WA", "Port Lake", "01652"),
    ]  # fmt: skip


def test_1_2_column_by_column(tmp_path: Path) -> None:
    assert load(tmp_path, V1_2) == "oneroster-1.2"
    assert found() == {("grade-read-as", "note", "04,5"), ("grade-read-as", "note", "4")}
    names = "preferred_given_name, preferred_middle_name, preferred_family_name, pronouns, master_id, other_ids"
    assert table(f"id, {names}", "persons")[1] == ("s1", "Addie", "M", "B", "she/her", "M1", "{Local:1}")
    assert table("person_id, org_id, role, grade, is_primary, start_date, end_date, profile_id", "roles") == [
        ("s1", "A", "student", "04", True, "2026-08-24", "2027-06-11", "p1"),
        ("s2", "A", "student", "05", False, None, None, None),  # its primary school is the other one
        ("s2", "B", "student", "05", True, None, None, None),
        ("t1", "A", "teacher", None, True, None, None, None),
        ("t1", "B", "advisor", None, False, None, None, None),
    ]
    assert table("person_id, contact_id, role", "relationships") == [("s1", "g1", "relative")]
    profile = "id, person_id, type, vendor_id, application_id, description, credential_type, username, password"
    assert table(profile, "user_profiles") == [
        ("p1", "s1", "app", "pond", "pond-3", "Reading", "password", "ada17", None)
    ]


@pytest.mark.parametrize("files", [V1_1, V1_2], ids=["1.1", "1.2"])
def test_passwords_are_kept_only_when_asked_for(tmp_path: Path, files: Files) -> None:
    load(tmp_path, files)
    assert STORE.rows("SELECT DISTINCT password FROM roster.persons") == [(None,)]
    load(tmp_path, files, keep_passwords=True)
    assert STORE.value("SELECT password FROM roster.persons WHERE id = 's1'") == "Pw-1"
    assert files is V1_1 or table("password", "user_profiles") == [("Pw-2",)]


@pytest.mark.parametrize(
    ("written", "role"),
    [
        ("administrator", "administrator"),
        ("aide", "aide"),
        ("Counselor", "advisor"),
        ("districtAdministrator", "administrator"),
        ("principal", "principal"),
        ("proctor", "proctor"),
        ("siteAdministrator", "administrator"),
        ("systemAdministrator", "itAdmin"),
        ("teacher", "teacher"),
        ("nurse", "nurse"),
    ],
)
def test_roles(tmp_path: Path, written: str, role: str) -> None:
    load(tmp_path, changed(V1_2, "roles.csv", ("primary,teacher", f"primary,{written}")))
    assert STORE.rows("SELECT role FROM roster.roles WHERE person_id = 't1' AND org_id = 'A'") == [(role,)]


def test_a_role_of_nobody_knows_what_holds_the_person(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_2, "roles.csv", ("secondary,counselor", "secondary,jp.clerk")))
    assert ("unknown-code", "error", "jp.clerk") in found()
    assert held() == {("person", "t1", None), ("enrollment", "c1", "t1")}


def test_a_primary_school_without_a_role_there_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_2, "users.csv", ("05,,,,,,B,", "05,,,,,,D,")))
    assert STORE.rows("SELECT DISTINCT is_primary FROM roster.roles WHERE person_id = 's2'") == [(True,)]


@pytest.mark.parametrize(
    ("written", "kept", "rule"),
    [
        ("2027", "2027", None),
        ("2026-2027", "2027", "school-year-read-as"),
        ("2026/2027", "2027", "school-year-read-as"),
        ("2026-27", "2027", "school-year-read-as"),
        ("2099-00", "2100", "school-year-read-as"),
        ("2026-2028", None, "year-value"),
        ("next", None, "year-value"),
    ],
)
def test_school_years(tmp_path: Path, written: str, kept: str | None, rule: str | None) -> None:
    load(tmp_path, changed(V1_1, "academicSessions.csv", (",Y,2027", f",Y,{written}")))
    assert STORE.value("SELECT school_year FROM roster.sessions WHERE id = 'T'") == kept
    assert [each.rule for each in findings(STORE) if each.field == "schoolYear"] == ([rule] if rule else [])


def test_a_grade_that_is_none_spoils_the_list_and_nothing_else(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_1, "courses.csv", ('"04,5"', '"04,fünf"')))
    assert ("unknown-grade", "warning", "04,fünf") in found()
    assert table("id, grade", "courses") == [("K", None)]


@pytest.mark.parametrize(
    ("written", "kept"), [("Male", "male"), ("unspecified", "notSelected"), ("other", "other"), ("x", None)]
)
def test_sexes(tmp_path: Path, written: str, kept: str | None) -> None:
    load(tmp_path, changed(V1_1, "demographics.csv", ("female", written)))
    assert table("sex", "demographics") == [(kept,)]
    assert (("unknown-code", "warning", written) in found()) is (kept is None)


def test_a_race_that_is_neither_true_nor_false_is_told(tmp_path: Path) -> None:
    load(
        tmp_path, changed(V1_1, "demographics.csv", ("female,false,true", "female,false,Y"), (",true,US", ",FALSE,US"))
    )
    assert table("race_codes, ethnicity_codes", "demographics") == [(None, None)]
    assert ("unknown-code", "warning", "demographicRaceTwoOrMoreRaces,asian = Y,white") in found()


def test_enrollments_of_parents_are_no_memberships(tmp_path: Path) -> None:
    load(tmp_path, added(V1_1, "enrollments.csv", "e9,,,c1,A,g1,parent,,,"))
    assert ("c1", "g1") not in table("section_id, person_id", "enrollments")
    assert held() == set()


def test_enrollments_one_after_the_other_are_one(tmp_path: Path) -> None:
    again = ("e8,,,c1,A,s1,student,,2027-01-05,2027-06-11", "e9,,,c1,A,s2,student,,2027-01-05,2027-06-11")
    load(tmp_path, added(V1_1, "enrollments.csv", *again))
    assert table("section_id, person_id, start_date, end_date, record", "enrollments")[:2] == [
        ("c1", "s1", "2026-08-24", "2027-06-11", 2),
        ("c1", "s2", None, None, 3),  # one of the two has no dates: it may have begun, and end, at any time
    ]
    assert not [each for each in findings(STORE) if each.rule == "repeated-record"]
    load(tmp_path, added(V1_1, "enrollments.csv", "e9,,,c1,A,s2,student,,,"))
    assert [each.record for each in findings(STORE) if each.rule == "repeated-record"] == [6]


# -- contacts


@pytest.mark.parametrize(
    ("agents", "named"),
    [
        ({"s1": "g1"}, [("s1", "g1", "parent")]),
        ({"g1": "s1"}, [("s1", "g1", "parent")]),
        ({"s1": "g1", "g1": "s1"}, [("s1", "g1", "parent")]),
        ({"g1": "s1, s2"}, [("s1", "g1", "parent"), ("s2", "g1", "parent")]),
        ({"s1": "t1"}, [("s1", "t1", "other")]),
        ({"s1": "a1"}, [("s1", "a1", "aide")]),
        ({"s1": "s2"}, [("s1", "s2", "other")]),
        ({"t1": "g1", "g1": "t1"}, []),
    ],
)
def test_agents_are_contacts_of_students(
    tmp_path: Path, agents: dict[str, str], named: list[tuple[str, str, str]]
) -> None:
    people = {"s1": "student", "s2": "student", "t1": "teacher", "a1": "aide", "g1": "parent"}
    rows = [
        f'{id_},,,true,A,{role},{id_},,Given {id_},Family {id_},,,,,,"{agents.get(id_, "")}",,\n'
        for id_, role in people.items()
    ]
    load(tmp_path, {**V1_1, "users.csv": USERS_1_1 + "".join(rows)})
    assert table("person_id, contact_id, role", "relationships") == named
    assert [who for (who,) in table("person_id", "roles")] == ["a1", "s1", "s2", "t1"]
    assert not [each for each in findings(STORE) if each.severity != "note"]


def test_the_nearest_of_several_contact_roles_counts(tmp_path: Path) -> None:
    load(tmp_path, added(V1_2, "roles.csv", "r7,,,g1,secondary,guardian,,,B,"))
    assert table("role", "relationships") == [("guardian",)]


def test_a_contact_who_teaches_keeps_that_role(tmp_path: Path) -> None:
    load(tmp_path, added(V1_2, "roles.csv", "r7,,,g1,secondary,teacher,,,B,"))
    assert STORE.rows("SELECT org_id, role FROM roster.roles WHERE person_id = 'g1'") == [("B", "teacher")]
    assert table("contact_id, role", "relationships") == [("g1", "relative")]


def test_an_agent_who_is_nobody_is_told_for_a_student_and_passed_over_for_others(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_1, "users.csv", ('"g1,g2"', "g9"), (",,,s1,,", ",,,s9,,")))
    assert [each.value for each in findings(STORE) if each.rule == "unknown-person"] == ["g9"]
    assert held() == {("person", "g9", None)}


def test_who_is_not_enabled_is_held_except_a_contact(tmp_path: Path) -> None:
    files = changed(
        V1_1, "users.csv", ("s2,,,true", "s2,,,false"), ("t1,,,true", "t1,,,n"), ("g1,,,true", "g1,,,FALSE")
    )
    load(tmp_path, files)
    assert {("inactive-record", "note", "not enabled"), ("inactive-record", "note", "enabledUser = n")} <= found()
    assert {id_ for kind, id_, _ in held() if kind == "person"} == {"s2", "t1"}
    assert ("s1", "g1", "parent") in table("person_id, contact_id, role", "relationships")


# -- status


def test_deleted_records_are_absent_and_take_along_what_speaks_of_them(tmp_path: Path) -> None:
    gone = ("g2,,,true", "g2,tobedeleted,2026-09-01T00:00:00Z,true")
    files = changed(V1_1, "users.csv", gone, ("t1,,,true", "t1,ToBeDeleted,,true"))
    files = changed(files, "classes.csv", ("c2,,,", "c2,tobedeleted,,"))
    files = changed(files, "enrollments.csv", ("e3,,,", "e3,tobedeleted,,"))
    load(tmp_path, files)
    assert [(each.file, each.message.split()[0]) for each in findings(STORE) if each.rule == "to-be-deleted"] == [
        ("classes.csv", "1"),
        ("enrollments.csv", "1"),
        ("users.csv", "2"),
    ]
    assert [id_ for (id_,) in table("id", "persons")] == ["g1", "s1", "s2"]
    assert [id_ for (id_,) in table("DISTINCT person_id", "roles")] == ["s1", "s2"]
    assert table("person_id, contact_id", "relationships") == [("s1", "g1")]
    assert table("section_id, person_id", "enrollments") == [("c1", "s1"), ("c1", "s2")]
    assert held() == set()
    assert not [each for each in findings(STORE) if each.severity != "note"]


def test_deleted_persons_of_1_2_take_their_roles_and_profiles_along(tmp_path: Path) -> None:
    files = changed(V1_2, "users.csv", ("s1,,,", "s1,tobedeleted,,"))
    files = changed(files, "enrollments.csv", ("e1,,,", "e1,tobedeleted,,"), ("e4,,,", "e4,tobedeleted,,"))
    load(tmp_path, files)
    for name in ("roles", "demographics", "relationships", "user_profiles"):
        assert "s1" not in {id_ for (id_,) in table("person_id", name)}
    assert held() == set()


def test_who_is_deleted_and_still_enrolled_leaves_no_class(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_1, "users.csv", ("s2,,,", "s2,tobedeleted,,")))
    assert ("dangling-enrollment", "error", "s2") in found()
    assert held() == {("enrollment", "c1", "s2")}


def test_an_id_that_is_deleted_and_there_again_is_there(tmp_path: Path) -> None:
    load(tmp_path, added(V1_2, "users.csv", "s2,tobedeleted,,true,bo,,Bo,Cole,,,,,,,,,,,,,,"))
    assert ("s2", "B") in table("person_id, org_id", "roles")


@pytest.mark.parametrize(
    ("name", "old", "holds"),
    [
        ("users.csv", "s2,", {("person", "s2", None), ("enrollment", "c1", "s2")}),
        ("classes.csv", "c2,", {("section", "c2", None), ("enrollment", "c2", "s1")}),
        ("enrollments.csv", "e2,", {("enrollment", "c1", "s2")}),
        ("roles.csv", "r3,", {("person", "s2", None), ("enrollment", "c1", "s2")}),
    ],
)
def test_another_status_holds_what_it_speaks_of(
    tmp_path: Path, name: str, old: str, holds: set[tuple[str, str, str | None]]
) -> None:
    load(tmp_path, changed(V1_2, name, (f"\n{old},", f"\n{old}inactive,")))
    assert ("inactive-record", "note", "inactive") in found()
    assert held() == holds
    assert not {(id_, other) for kind, id_, other in holds if kind == "enrollment"} & set(
        table("section_id, person_id", "enrollments")
    )


def test_who_came_back_to_a_class_is_in_it(tmp_path: Path) -> None:
    old = "e8,inactive,,c1,A,s2,student,,,\ne9,inactive,,c2,A,s2,student,,,\n"
    load(tmp_path, changed(V1_1, "enrollments.csv", (ENROLLMENTS, ENROLLMENTS + old)))
    assert table("section_id, status", "enrollments") == [("c1", None)] * 3 + [("c2", None)]
    assert held() == {("enrollment", "c2", "s2")}


def test_full_exports_may_fill_status_and_date(tmp_path: Path) -> None:
    filled = {
        name: "".join(
            line.replace(",,,", ",active,2026-09-01T10:00:00.000Z,", 1) for line in text.splitlines(keepends=True)
        )
        for name, text in V1_1.items()
    }
    load(tmp_path, V1_1)
    plain = [table("* EXCLUDE (status)", name) for name in ("persons", "sections", "enrollments")]
    load(tmp_path, filled)
    assert [table("* EXCLUDE (status)", name) for name in ("persons", "sections", "enrollments")] == plain
    assert found() == {("grade-read-as", "note", "04,5")}


# -- what feeds are like


def test_1_0_is_read_by_its_older_headers(tmp_path: Path) -> None:
    old = {
        "orgs.csv": V1_1["orgs.csv"],
        "users.csv": "sourcedId,status,dateLastModified,orgSourcedIds,role,username,userId,givenName,familyName,"
        "identifier,email,sms,phone,agents\ns1,active,,A,student,ada,7,Ada,Berg,,,,,g1\n"
        "s2,inactive,,A,student,bo,8,Bo,Cole,,,,,\ng1,active,,A,parent,gus,9,Gus,Berg,,,,,\n",
        "classes.csv": "sourcedId,status,dateLastModified,title,grade,courseSourcedId,classCode,classType,location,"
        "schoolSourcedId,termSourcedId,subjects\nc1,active,,Art,04,K,,scheduled,,A,T,Arts\n",
        "enrollments.csv": "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,status,dateLastModified,"
        "primary\ne1,c1,A,s1,student,active,,false\n",
        "courses.csv": "sourcedId,status,dateLastModified,schoolYearId,title,courseCode,grade,orgSourcedId,subjects\n"
        "K,active,,T,Art,ART,04,A,Arts\n",
        "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId\n"
        "T,active,,Autumn,term,2026-08-24,2026-12-19,\n",
        "demographics.csv": "userSourcedId,status,dateLastModified,birthdate,sex\ns1,active,,2016-02-03,Female\n",
    }
    assert load(tmp_path, old) == "oneroster-1.1"
    assert held() == {("person", "s2", None)}
    assert table("session_ids, grade", "sections") == [(["T"], "04")]
    assert table("school_year_session_id, grade", "courses") == [("T", "04")]
    assert table("person_id, sex, birth_date", "demographics") == [("s1", "female", "2016-02-03")]
    assert table("person_id, contact_id, role", "relationships") == [("s1", "g1", "parent")]
    older = {(each.file, each.field) for each in findings(STORE) if each.rule == "older-header"}
    assert older == {
        ("classes.csv", "termSourcedId"), ("classes.csv", "grade"), ("courses.csv", "schoolYearId"),
        ("courses.csv", "grade"), ("demographics.csv", "userSourcedId"), ("users.csv", "userId"),
        ("users.csv", "agents"),
    }  # fmt: skip
    assert {each.rule for each in findings(STORE) if each.severity != "note"} == {"header-case"}


def test_the_quirks_of_a_real_feed(tmp_path: Path) -> None:
    """More cells than headers, user names with blanks, columns of its own, no last line end, a byte order mark."""
    files = changed(V1_1, "users.csv", (",student,ada,", ",student,Ada May,"), (",04,Pw-1\n", ",04,Pw-1, ,\n"))
    files = changed(files, "orgs.csv", ("Sourced", "Sourced"), ("parentSourcedId\n", "parentSourcedId,metadata.city\n"))
    files["courses.csv"] = "\ufeff" + files["courses.csv"].rstrip("\n")
    files["manifest.csv"] = "propertyName,value\nmanifest.version,1\noneroster.version,1.1\nfile.users,bulk\n"
    assert load(tmp_path, files) == "oneroster-1.1"
    assert {(rule, severity) for rule, severity, _ in found()} == {
        ("grade-read-as", "note"),
        ("username-characters", "warning"),
        ("short-row", "note"),
    }
    assert table("id", "courses") == [("K",)]


def test_headers_in_another_case_and_unknown_ones_are_told(tmp_path: Path) -> None:
    load(tmp_path, changed(V1_1, "users.csv", ("orgSourcedIds", "OrgSourcedIDs"), ("sms,", "pager,")))
    told = {(each.rule, each.field) for each in findings(STORE) if each.file == "users.csv"}
    assert {("header-case", "OrgSourcedIDs"), ("unknown-column", "pager")} <= told
    assert ("s1", "A") in table("person_id, org_id", "roles")


@pytest.mark.parametrize("files", [V1_1, V1_2], ids=["1.1", "1.2"])
def test_gradebooks_and_resources_are_known_and_not_read(tmp_path: Path, files: Files) -> None:
    others = dict.fromkeys(("lineItems.csv", "Results.csv", "categories.csv", "scoreScales.csv"), "sourcedId\nx\n")
    load(tmp_path, {**files, **others})
    assert {each.file for each in findings(STORE) if each.rule == "file-not-read"} == set(others)


# -- recognition


@pytest.mark.parametrize("name", SETS)
def test_each_format_is_told_from_the_others(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, SETS[name]) == name


def recognised(files: Files) -> Format:
    headers = {name: text.partition("\n")[0].split(",") for name, text in files.items()}
    return recognise(FORMATS, headers, frozenset())


@pytest.mark.parametrize("small", [False, True], ids=["all columns", "required columns"])
@pytest.mark.parametrize("name", SETS)
def test_one_misspelled_header_does_not_hide_the_format(tmp_path: Path, name: str, small: bool) -> None:
    files = {key: narrowed(text, name) if small else text for key, text in SETS[name].items()}
    form = recognised(files)
    tried = [(key, header) for key in files if (file := form.file(key)) for header in file.required]
    assert len(tried) > 10
    for key, header in tried:
        head, _, rows = files[key].partition("\n")
        cells = [f"{cell}_" if cell == header else cell for cell in head.split(",")]
        misspelled = {**files, key: ",".join(cells) + "\n" + rows}
        assert recognised(misspelled).name == name, (key, header)
    assert f"{key} row 1: the header lacks '{header}'" in refusal(tmp_path, misspelled)


def narrowed(text: str, name: str) -> str:
    """A file with the columns that its standard requires."""
    optional = {"parentSourcedId", "givenName", "familyName", "password", "grade", "grades"} if "sds" in name else {
        "parentSourcedId", "identifier", "userIds", "middleName", "email", "sms", "phone", "agentSourcedIds", "grades",
        "password", "courseCode", "classCode", "location", "periods", "subjects", "subjectCodes", "primary",
        "beginDate", "endDate", "userMasterIdentifier", "preferredGivenName", "preferredMiddleName",
        "preferredFamilyName", "primaryOrgSourcedId", "pronouns", "userProfileSourcedId", "status", "dateLastModified",
        "schoolYearSourcedId",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(text)))
    head = [column for column in rows[0] if column not in optional]
    out = io.StringIO()
    writer = csv.DictWriter(out, head, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("name", SETS)
def test_one_missing_file_does_not_hide_the_format(tmp_path: Path, name: str) -> None:
    needed = [file.name for file in recognised(SETS[name]).files if file.need != "optional"]
    assert len(needed) >= 4
    for key in needed:
        rest = {other: text for other, text in SETS[name].items() if other != key}
        assert recognised(rest).name == name, key
    assert f"{key} is missing. {recognised(rest).title} needs it" in refusal(tmp_path, rest)


def test_a_set_that_is_two_whole_rosters_is_refused(tmp_path: Path) -> None:
    v1 = {
        "School.csv": "SIS ID,Name\nA,Ash School\n",
        "Student.csv": "SIS ID,School SIS ID,Username\n1,A,ada\n",
        "Teacher.csv": "SIS ID,School SIS ID,Username\n9,A,cy\n",
    }
    assert "fits several formats" in refusal(tmp_path, {**V1_1, **v1})


# -- the manifest


MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"


def manifest(version: str = "1.1", **modes: str) -> str:
    return MANIFEST.replace("1.1", version) + "".join(f"file.{name},{mode}\n" for name, mode in modes.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (manifest(users="bulk", demographics="bulk", results="bulk", lineItems="absent"), None),
        (manifest("1.0"), None),
        (manifest("1.2"), "It gives the version as '1.2', but the files are those of OneRoster 1.0 or 1.1 CSV."),
        (manifest(demographics="absent"), "It calls demographics.csv absent, but the file is there."),
        (manifest(ROLES="Bulk"), None),
    ],
)
def test_files_count_where_the_manifest_says_otherwise(tmp_path: Path, text: str, said: str | None) -> None:
    assert load(tmp_path, {**V1_1, "manifest.csv": text}) == "oneroster-1.1"
    told = [each.message for each in findings(STORE) if each.rule == "manifest-differs"]
    assert told == ([said] if said else [])
    assert table("person_id", "demographics") == [("s1",)]


def test_a_file_that_the_manifest_promises_is_missed(tmp_path: Path) -> None:
    files = {name: text for name, text in V1_1.items() if name != "demographics.csv"}
    load(tmp_path, {**files, "manifest.csv": manifest(Demographics="BULK")})
    assert [each.message for each in findings(STORE) if each.rule == "manifest-differs"] == [
        "It calls demographics.csv bulk, but the file is not there."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (manifest(users="incremental"), "manifest.csv calls users.csv 'incremental'. Write bulk, delta or absent."),
        ("name,value\nfile.users,delta\n", "manifest.csv row 1: the header lacks 'propertyName'"),
        ("propertyName,value\n" + "x,y\n" * 20_000, "manifest.csv has more than 10,000 rows"),
        ('propertyName,value\n"' + "x" * 200_000 + '",y\n', "manifest.csv "),
    ],
)
def test_an_unclear_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, {**V1_1, "manifest.csv": text})


def test_a_manifest_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(manifest().encode("utf-16"))
    assert "manifest.csv is UTF-16" in refusal(tmp_path, V1_1)


def test_a_manifest_beside_another_format_is_only_an_unknown_file(tmp_path: Path) -> None:
    assert load(tmp_path, {**SDS_V2_1, "manifest.csv": "a\n"}) == "sds-v2.1"
    assert ("unknown-file", "note", None) in found()


def test_a_manifest_alone_is_not_an_empty_roster(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"manifest.csv": manifest(users="absent")})
    assert "holds a manifest and nothing else" in told
    assert "nothing has changed" in told


# -- full exports and changes


FULL = {**V1_1, "manifest.csv": manifest(**{name.removesuffix(".csv"): "bulk" for name in V1_1})}
USER = "{id},{status},{date},true,A,student,{id},,{given},Berg,,,,,,,,\n"


def package(path: Path, files: Files) -> Path:
    """A ZIP if the name asks for one, else a folder."""
    if path.suffix != ".zip":
        return write(path, files)
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path


def changes(*rows: tuple[str, str, str, str]) -> dict[str, str]:
    """Changes of users: id, status, date, first name."""
    lines = [USER.format(id=id_, status=status, date=date, given=given) for id_, status, date, given in rows]
    return {"manifest.csv": manifest(users="delta", orgs="absent"), "users.csv": USERS_1_1 + "".join(lines)}


MONDAY = changes(("s1", "active", "2026-09-07T06:00:00Z", "Ida"), ("s8", "active", "2026-09-07T06:00:00Z", "Eva"))
TUESDAY = changes(
    ("s1", "active", "2026-09-08T06:00:00.500Z", "Ira"), ("s8", "tobedeleted", "2026-09-08T06:00:00Z", "E")
)


@pytest.mark.parametrize(
    "names",
    [("full.zip", "b.zip", "a.zip"), ("full", "b", "a"), ("full", "b.zip", "a")],
    ids=["ZIPs", "folders", "both"],
)
def test_changes_are_put_upon_the_full_export(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for name, files in zip(names, (FULL, MONDAY, TUESDAY), strict=True):
        package(tmp_path / name, files)
    loaded = load_roster(STORE, tmp_path, RosterOptions())
    assert loaded.format == "oneroster-1.1"
    assert table("id, given_name, file, record", "persons") == [
        ("g1", "Gus", f"{names[0]}/users.csv", 5),
        ("g2", "Gia", f"{names[0]}/users.csv", 6),
        ("s1", "Ira", f"{names[2]}/users.csv", 2),  # by date, not by name
        ("s2", "Bo", f"{names[0]}/users.csv", 3),
        ("t1", "Cy", f"{names[0]}/users.csv", 4),
    ]
    assert f"{names[2]}/users.csv" in loaded.sha256
    told = {(each.rule, each.file, each.message) for each in findings(STORE) if each.rule not in LIFE}
    assert told == {
        ("grade-read-as", f"{names[0]}/courses.csv", "Read as 04,05 in 1 record(s), this one first."),
        ("person-without-role", f"{names[0]}/users.csv", "This person has no role."),  # nobody's guardian any more
        ("to-be-deleted", f"{names[2]}/users.csv", "1 record(s) are marked as deleted; they count as absent."),
        ("changes-applied", f"{names[1]}/users.csv", "0 record(s) are new, or replace older ones."),
        ("changes-applied", f"{names[2]}/users.csv", "1 record(s) are new, or replace older ones."),
    }


def test_changes_alone_are_no_roster(tmp_path: Path) -> None:
    several = tmp_path / "several"
    several.mkdir()
    package(several / "a", MONDAY)
    package(several / "b.zip", TUESDAY)
    loose = write(tmp_path / "loose", MONDAY)
    for path in (loose, several, several / "b.zip"):
        with pytest.raises(RosterError, match="holds changes only") as refused:
            load_roster(STORE, path, RosterOptions())
        assert "users.csv" in refused.value.details[0]
        assert "a full export" in refused.value.details[1]


@pytest.mark.parametrize("kept", ["results.csv", "orgs.csv"])
def test_what_is_no_full_export_is_no_ground_for_changes(tmp_path: Path, kept: str) -> None:
    package(tmp_path / "full", {"manifest.csv": manifest(), kept: FULL.get(kept, "sourcedId\nx\n")})
    package(tmp_path / "b", {**MONDAY, "orgs.csv": changed(FULL, "orgs.csv", (",,,", ",,2026-09-07,"))["orgs.csv"]})
    assert "b/users.csv holds changes only, and users.csv is in no full export." in refusal(tmp_path)


def test_one_file_of_changes_among_whole_ones_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, {**V1_1, "manifest.csv": manifest(users="delta", orgs="bulk")})
    assert "holds changes only" in told


def test_changes_older_than_the_full_export_are_passed_over(tmp_path: Path) -> None:
    dated = changed(FULL, "users.csv", ("s2,,,", "s2,active,2026-09-07T18:00:00Z,"))
    for name, files in (("new", dated), ("a", MONDAY), ("b", TUESDAY)):
        package(tmp_path / name, files)
    load_roster(STORE, tmp_path, RosterOptions())
    assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "Ira"
    assert [each.file for each in findings(STORE) if each.rule == "file-passed-over"] == ["a/users.csv"]


def test_a_newer_full_export_makes_the_older_one_superfluous(tmp_path: Path) -> None:
    old, new = (
        changed(FULL, "users.csv", ("Ada", given), ("s2,,,", f"s2,active,{date},"))
        for given, date in (("Old", "2026-09-01T00:00:00Z"), ("New", "2026-09-02T00:00:00Z"))
    )
    del new["demographics.csv"]
    for name, files in (("z-old", old), ("a-new", new)):
        package(tmp_path / name, files)
    load_roster(STORE, tmp_path, RosterOptions())
    assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "New"
    assert table("*", "demographics") == []  # the newer one says that there are none
    passed = {each.file for each in findings(STORE) if each.rule == "file-passed-over"}
    assert passed == {f"z-old/{name}" for name in V1_1}


def test_packages_that_nobody_can_put_in_order_are_refused(tmp_path: Path) -> None:
    package(tmp_path / "full.zip", FULL)
    package(tmp_path / "x.zip", changes(("s1", "active", "", "Ida")))
    told = refusal(tmp_path)
    assert "x.zip: no record has a dateLastModified" in told
    package(tmp_path / "x.zip", FULL)
    assert "full.zip: no record has a dateLastModified" in refusal(tmp_path)


def test_changes_of_a_file_that_the_full_export_does_not_have(tmp_path: Path) -> None:
    full = {name: text for name, text in FULL.items() if name != "demographics.csv"}
    born = {
        "manifest.csv": manifest(demographics="delta"),
        "demographics.csv": DEMOGRAPHICS + "s2,active,2026-09-07T00:00:00Z,2016-05-05,male,,,,,,,,,,,\n",
    }
    package(tmp_path / "full", full)
    package(tmp_path / "b", born)
    load_roster(STORE, tmp_path, RosterOptions())
    assert table("person_id", "demographics") == [("s2",)]


def test_a_bad_record_among_changes_does_not_bring_the_old_one_back(tmp_path: Path) -> None:
    bad = changed(MONDAY, "users.csv", ("student,s1,,Ida", "student,,,Ida"))
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", bad)
    load_roster(STORE, tmp_path, RosterOptions())
    assert "s1" not in {id_ for (id_,) in table("id", "persons")}
    assert {("person", "s1", None), ("enrollment", "c1", "s1"), ("enrollment", "c2", "s1")} <= held()
    assert [(each.file, each.record) for each in findings(STORE) if each.rule == "required-value"] == [
        ("b/users.csv", 2)
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"s8,active,2026-09-07T06:00:00Z,true,A,student,{'x' * 100_000},,Eva,Berg,,,,,,,,", ""),
        ('s8,active,2026-09-07T06:00:00Z,true,A,student,eva,,"Eva,Berg,,,,,,,,', "b/users.csv row 4: not CSV"),
        ("s8,active,2026-09-07T06:00:00Z,true,A,student,eva", ""),
    ],
    ids=["long", "unclosed", "short"],
)
def test_odd_rows_among_changes(tmp_path: Path, row: str, said: str) -> None:
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", added(MONDAY, "users.csv", row))
    if said:
        assert said in refusal(tmp_path)
    else:
        load_roster(STORE, tmp_path, RosterOptions())
        assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "Ida"


def test_a_class_deleted_among_changes_takes_its_old_enrollments_along(tmp_path: Path) -> None:
    head = V1_1["classes.csv"].split("\n")[0]
    gone = {
        "manifest.csv": manifest(classes="delta"),
        "classes.csv": head + "\nc1,tobedeleted,2026-09-07T00:00:00Z,,,,,,,,,,,\n",
    }
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", gone)
    load_roster(STORE, tmp_path, RosterOptions())
    assert table("id", "sections") == [("c2",)]
    assert table("section_id", "enrollments") == [("c2",)]
    assert held() == set()


def test_a_class_that_comes_back_among_changes_in_error_is_held(tmp_path: Path) -> None:
    head = V1_1["classes.csv"].split("\n")[0]
    for name, row in (("b", "c1,tobedeleted,2026-09-07,,,,,,,,,,,"), ("c", "c1,active,2026-09-08,,,,,,,A,Y,,,")):
        rows = {"manifest.csv": manifest(classes="delta"), "classes.csv": f"{head}\n{row}\n"}
        package(tmp_path / name, rows)
    package(tmp_path / "full", FULL)
    load_roster(STORE, tmp_path, RosterOptions())
    assert {("section", "c1", None), ("enrollment", "c1", "s1"), ("enrollment", "c1", "t1")} <= held()


def test_a_package_of_nothing_but_its_manifest_changes_nothing(tmp_path: Path) -> None:
    package(tmp_path / "full", FULL)
    package(tmp_path / "quiet.zip", {"manifest.csv": manifest(users="absent")})
    load_roster(STORE, tmp_path, RosterOptions())
    assert len(table("id", "persons")) == 5


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["s1", "s2", "s3", "s4"]), st.one_of(st.none(), st.sampled_from("PQR"))),
        max_size=4,
    )
)
def test_changes_say_what_they_would_say_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, days: list[dict[str, str | None]]
) -> None:
    """None deletes; whoever is in the school in the end is the same as if every day had been written into one file."""
    folder = tmp_path_factory.mktemp("days")
    package(folder / "full", {**FULL, "users.csv": USERS_1_1 + USER.format(id="s1", status="", date="", given="X")})
    expected: dict[str, str | None] = {"s1": "X"}
    for number, day in enumerate(days, start=1):
        rows = [
            (id_, "active" if given else "tobedeleted", f"2026-09-{number:02}", given or "gone")
            for id_, given in day.items()
        ]
        # names against the order of the dates, and a day without changes has only its manifest
        package(folder / f"{9 - number}.zip", changes(*rows) if rows else {"manifest.csv": manifest(users="absent")})
        expected |= day
    load_roster(STORE, folder, RosterOptions())
    assert dict(STORE.rows("SELECT id, given_name FROM roster.persons")) == {
        id_: given for id_, given in expected.items() if given
    }


# -- the whole road


def test_a_zip_of_1_2_is_planned_and_applied_and_then_nothing_is_left_to_do(school: World) -> None:
    roster = package(school.folder / "roster.zip", {**V1_2, "manifest.csv": manifest("1.2", users="bulk")})
    first = school.day(roster)
    made = {"user:s1", "user:s2", "user:t1", "section:c1", "section:c2", "school:A", "school:B"}
    assert {id_ for id_ in first.ids() if id_.startswith("create:")} == {f"create:{key}" for key in made}
    assert not [id_ for id_ in first.ids() if "g1" in id_]  # a contact has no account
    assert school.user("ada@students.contoso.edu")["givenName"] == "Ada"
    assert school.group("Section_c1")["displayName"]
    second = school.plan(roster)
    assert second.changes == []
