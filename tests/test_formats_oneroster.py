"""OneRoster CSV, all versions: what every file becomes, who is a contact, what a status means."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from support.oneroster import (
    ENROLLMENTS,
    SETS,
    STORE,
    USERS_1_1,
    V1_1,
    V1_2,
    Files,
    added,
    changed,
    found,
    held,
    load,
    manifest,
    package,
    refusal,
    table,
)
from support.world import World

from provision.formats import FORMATS
from provision.formats.format import Format
from provision.formats.recognise import recognise
from provision.roster.summary import findings

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
    assert table("section_id, person_id, role, is_primary, start_date::TEXT, end_date::TEXT", "enrollments") == [
        ("c1", "s1", "student", None, "2026-08-24", "2026-12-19"),
        ("c1", "s2", "student", None, None, None),
        ("c1", "t1", "teacher", True, None, None),
        ("c2", "s1", "student", None, None, None),
    ]
    assert table("id, title, type, school_year, start_date::TEXT, end_date::TEXT, parent_id", "sessions") == [
        ("T", "Autumn", "term", "2027", "2026-08-24", "2026-12-19", "Y"),
        ("Y", "Year", "schoolYear", "2027", "2026-08-24", "2027-06-11", None),
    ]
    assert table("id, org_id, title, code, school_year_session_id, grade, subject, subject_codes", "courses") == [
        ("K", "D", "Art for all", "ART", "Y", "04,05", "Fine arts", "05154")
    ]
    born = (
        "sex, birth_date::TEXT, race_codes, ethnicity_codes, birth_country, birth_state, birth_city, residence_status"
    )
    assert table(f"person_id, {born}", "demographics") == [
        ("s1", "female", "2016-02-03", "demographicRaceTwoOrMoreRaces,asian,white", "hispanicOrLatinoEthnicity",
         "US", "WA", "Port Lake", "01652"),
    ]  # fmt: skip


def test_1_2_column_by_column(tmp_path: Path) -> None:
    assert load(tmp_path, V1_2) == "oneroster-1.2"
    assert found() == {("grade-read-as", "note", "04,5"), ("grade-read-as", "note", "4")}
    names = "preferred_given_name, preferred_middle_name, preferred_family_name, pronouns, master_id, other_ids"
    assert table(f"id, {names}", "persons")[1] == ("s1", "Addie", "M", "B", "she/her", "M1", "{Local:1}")
    assert table(
        "person_id, org_id, role, grade, is_primary, start_date::TEXT, end_date::TEXT, profile_id", "roles"
    ) == [
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
    assert ("contact-enrolled", "note", "parent") in found()


def test_enrollments_one_after_the_other_are_one(tmp_path: Path) -> None:
    again = ("e8,,,c1,A,s1,student,,2027-01-05,2027-06-11", "e9,,,c1,A,s2,student,,2027-01-05,2027-06-11")
    load(tmp_path, added(V1_1, "enrollments.csv", *again))
    assert table("section_id, person_id, start_date::TEXT, end_date::TEXT, record", "enrollments")[:2] == [
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
    assert table("person_id, sex, birth_date::TEXT", "demographics") == [("s1", "female", "2016-02-03")]
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
