"""Every check has a roster that trips it, and what it holds leaves the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provision.formats import load_roster
from provision.roster.checks import CHECKS
from provision.roster.options import RosterOptions
from provision.roster.summary import Finding, findings, summary
from provision.store import Store, in_memory

V2_1 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,District,district,\nA,Ash School,school,D\n",
    "users.csv": "sourcedId,username,givenName,familyName,email,phone\n"
    "s1,ada,Ada,Berg,,\ns2,bo,Bo,Cole,,\nt1,cy,Cy,Dahl,,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate\n"
    "s1,A,student,Y,04,true,2026-08-24\ns2,A,student,Y,04,true,\nt1,A,teacher,Y,,,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\nc1,A,Art,Y,K\nc2,A,Music,Y,K\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n"
    "c1,s1,student\nc1,s2,student\nc2,s1,student\nc1,t1,teacher\n",
}
V2_1_WHOLE = {
    **V2_1,
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "Y,Year,schoolYear,2026,2026-08-24,2027-06-11\n",
    "courses.csv": "sourcedId,title,orgSourcedId,subject\nK,Arts,A,05\n",
    "demographics.csv": "userSourcedId,sex,birthDate\ns1,female,2016-02-03\n",
    "userFlags.csv": "userSourcedId,flag\n",
    "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\n",
}
V1 = {
    "School.csv": "SIS ID,Name,Principal SIS ID\n10,Ash School,\n20,Elm School,\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Status\n"
    "1,10,ada,Ada,Berg,04,Active\n2,10,bo,Bo,Cole,04,\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n1,10,cy,Cy,Dahl\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Term SIS ID,Term Name,Course SIS ID,Course Name,Course Subject,"
    "Status\nc1,10,Art,T,Autumn,K,Arts,05,Active\nc2,10,Music,T,Autumn,K,Arts,05,\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\nc1,1\nc1,2\nc2,1\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\nc1,1\n",
}
MATCH = RosterOptions()
CREATE = RosterOptions(names_required=frozenset({"students", "staff"}))
REPLACE = RosterOptions(replace_special_characters=True)


@dataclass(frozen=True)
class Case:
    """A sound roster with one text replaced (or rows added), and the finding that this deserves."""

    rule: str
    severity: str
    file: str
    record: int | None
    column: str | None
    value: str | None
    old: str = ""
    new: str = ""
    base: dict[str, str] = field(default_factory=lambda: V2_1)
    options: RosterOptions = MATCH
    held: tuple[tuple[str, str, str | None], ...] = ()


PAIRS_OF_S1 = (("enrollment", "c1", "s1"), ("enrollment", "c2", "s1"), ("person", "s1", None))
PAIRS_OF_C1 = (("enrollment", "c1", "s1"), ("enrollment", "c1", "s2"), ("enrollment", "c1", "t1"))
CASES = [
    Case("header-case", "warning", "orgs.csv", 1, "NAME", None, ",name,", ",NAME,"),
    Case("unknown-column", "note", "users.csv", 1, "shoe size", None, "phone\n", "phone,shoe size\n"),
    Case("unknown-file", "note", "School.csv", None, None, None, "", "SIS ID,Name\n"),
    Case("file-not-read", "note", "user.csv", None, None, None, "", "Email\n", base=V1),
    Case("empty-file", "note", "userFlags.csv", None, None, None, base=V2_1_WHOLE),
    Case("required-value", "error", "users.csv", 2, "username", None, "s1,ada", "s1,", held=PAIRS_OF_S1),
    Case("required-value", "error", "enrollments.csv", 2, "userSourcedId", None, "c1,s1", "c1,",
         held=(*PAIRS_OF_C1[1:], ("section", "c1", None))),
    Case("required-value", "error", "enrollments.csv", 4, "classSourcedId", None, "c2,s1", ",s1",
         held=(PAIRS_OF_S1[0], PAIRS_OF_S1[2])),
    Case("required-value", "error", "enrollments.csv", 4, "role", None, "c2,s1,student", "c2,s1,",
         held=(("enrollment", "c2", "s1"),)),
    Case("extra-cells", "error", "users.csv", 2, None, None, "Ada,Berg,,", "Ada,Berg, Jr,,,7", held=PAIRS_OF_S1),
    Case("extra-blank-cells", "warning", "users.csv", 2, None, None, "Ada,Berg,,", "Ada,Berg,,, ,"),
    Case("short-row", "note", "users.csv", 2, None, None, "Ada,Berg,,", "Ada,Berg"),
    Case("line-break", "warning", "users.csv", 2, None, None, "Ada,Berg", '"Ada\nMay",Berg'),
    Case("repeated-differs", "warning", "Section.csv", 3, "Term SIS ID", "T", "Music,T,Autumn",
         "Music,T,Fall", base=V1),
    Case("unknown-code", "warning", "demographics.csv", 2, "sex", "f", "female", "f", base=V2_1_WHOLE),
    Case("unknown-code", "error", "roles.csv", 2, "role", "pupil", "A,student,Y,04,true,2026",
         "A,pupil,Y,04,true,2026",
         held=PAIRS_OF_S1),
    Case("unknown-grade", "warning", "roles.csv", 2, "grade", "99", "04,true,2", "99,true,2"),
    Case("grade-read-as", "note", "roles.csv", 2, "grade", "4", "04,true,2", "4,true,2"),
    Case("date-format", "warning", "demographics.csv", 2, "birthDate", "2/3/2016", "2016-02-03", "2/3/2016",
         base=V2_1_WHOLE),
    Case("date-format", "error", "academicSessions.csv", 2, "startDate", "24.8.", "2026-08-24,2027",
         "24.8.,2027", base=V2_1_WHOLE),
    Case("email-shape", "warning", "users.csv", 2, "email", "ada(at)home", "Berg,,", "Berg,ada(at)home,"),
    Case("phone-shape", "warning", "users.csv", 2, "phone", "555 0100 ext 3", "Berg,,", "Berg,,555 0100 ext 3"),
    Case("boolean-value", "warning", "roles.csv", 2, "isPrimary", "ja", "true,2", "ja,2"),
    Case("year-value", "error", "academicSessions.csv", 2, "schoolYear", "26/27", "2026,2026", "26/27,2026",
         base=V2_1_WHOLE),
    Case("subject-free-text", "note", "Section.csv", 2, "Course Subject", "Painting", "Arts,05,Active",
         "Arts,Painting,Active", base=V1),
    Case("duplicate-id", "error", "users.csv", 3, "sourcedId", "s1", "s2,bo", "s1,bo", held=PAIRS_OF_S1),
    Case("duplicate-id", "error", "Student.csv", 3, "SIS ID", "student/1", "2,10,bo,Bo,Cole", "1,20,bo,Bo,Cole",
         base=V1, held=(("enrollment", "c1", "student/1"), ("person", "student/1", None))),
    Case("duplicate-id", "error", "classes.csv", 3, "sourcedId", "c1", "c2,A", "c1,A",
         held=(*PAIRS_OF_C1, ("section", "c1", None))),
    Case("duplicate-id", "error", "orgs.csv", 3, "sourcedId", "A", "D,District", "A,District",
         held=(("org", "A", None), ("section", "c1", None), ("person", "t1", None), *PAIRS_OF_S1)),
    Case("repeated-record", "warning", "enrollments.csv", 3, "userSourcedId", "s1", "c1,s2", "c1,s1"),
    Case("repeated-record", "warning", "roles.csv", 3, "userSourcedId", "s1", "s2,A", "s1,A"),
    Case("repeated-record", "warning", "courses.csv", 3, "sourcedId", "K", "A,05\n", "A,05\nK,Crafts,,\n",
         base=V2_1_WHOLE),
    Case("id-case-collision", "warning", "users.csv", 5, "sourcedId", "S1", "Cy,Dahl,,\n",
         "Cy,Dahl,,\nS1,eve,Eve,Fox,,\n"),
    Case("username-shared", "warning", "users.csv", 3, "username", "ADA", "s2,bo", "s2,ADA"),
    Case("unknown-org", "error", "classes.csv", 2, "orgSourcedId", "Q", "c1,A", "c1,Q",
         held=(*PAIRS_OF_C1, ("section", "c1", None))),
    Case("unknown-org", "error", "roles.csv", 2, "orgSourcedId", "Q", "s1,A", "s1,Q", held=PAIRS_OF_S1),
    Case("unknown-person", "error", "roles.csv", 3, "userSourcedId", "s9", "s2,A", "s9,A",
         held=(("person", "s9", None),)),
    Case("unknown-person", "error", "relationships.csv", 2, "relationshipUserSourcedId", "s9", "relationshipRole\n",
         "relationshipRole\ns1,s9,parent\n", held=(("person", "s9", None),), base=V2_1_WHOLE),
    Case("dangling-enrollment", "error", "enrollments.csv", 2, "userSourcedId", "s9", "c1,s1", "c1,s9",
         held=(("enrollment", "c1", "s9"),)),
    Case("dangling-enrollment", "error", "enrollments.csv", 2, "classSourcedId", "c9", "c1,s1", "c9,s1",
         held=(("enrollment", "c9", "s1"),)),
    Case("unknown-reference", "warning", "classes.csv", 2, "courseSourcedId", "Z", "Art,Y,K", "Art,Y,Z",
         base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "classes.csv", 2, "sessionSourcedIds", "Z",
         "Art,Y,K", 'Art,"Y, Z",K', base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "roles.csv", 2, "sessionSourcedId", "Z", "Y,04,true,2",
         "Z,04,true,2", base=V2_1_WHOLE),
    Case("org-cycle", "error", "orgs.csv", 2, "parentSourcedId", "A", "district,\n", "district,A\n",
         held=(("org", "A", None), ("org", "D", None))),
    Case("unknown-principal", "note", "School.csv", 2, "Principal SIS ID", "77", "10,Ash School,", "10,Ash School,77",
         base=V1),
    Case("person-without-role", "note", "users.csv", 5, "sourcedId", "g1", "Cy,Dahl,,\n",
         "Cy,Dahl,,\ng1,gus,Gus,Egg,,\n"),
    Case("name-missing", "error", "users.csv", 2, "familyName", None, "Ada,Berg", "Ada,", options=CREATE,
         held=PAIRS_OF_S1),
    Case("username-characters", "error", "users.csv", 2, "username", "a da", "s1,ada", "s1,a da", options=CREATE,
         held=PAIRS_OF_S1),
    Case("username-characters", "warning", "users.csv", 2, "username", "a da", "s1,ada", "s1,a da"),
    Case("section-id-characters", "error", "classes.csv", 4, "sourcedId", "c:9", "Music,Y,K\n",
         "Music,Y,K\nc:9,A,Dance,,\n",
         held=(("section", "c:9", None),)),
    Case("section-id-characters", "note", "classes.csv", 4, "sourcedId", "c:9", "Music,Y,K\n",
         "Music,Y,K\nc:9,A,Dance,,\n", options=REPLACE),
    Case("section-id-length", "error", "classes.csv", 3, "sourcedId", "c" * 57, "c2,A", f"{'c' * 57},A",
         held=(("section", "c" * 57, None),)),
    Case("inactive-record", "note", "Student.csv", 2, "Status", "Inactive", "04,Active", "04,Inactive", base=V1,
         held=(("person", "student/1", None), ("enrollment", "c2", "student/1"))),
    Case("inactive-record", "note", "Section.csv", 2, "Status", "Expired", "05,Active", "05,Expired", base=V1,
         held=(("section", "c1", None), ("enrollment", "c1", "teacher/1"))),
]  # fmt: skip


_STORE = in_memory()  # loading empties the tables first, so one store serves every test
_STORE.run("SET threads = 1")  # quicker where tables are small


def load(folder: Path, files: dict[str, str], options: RosterOptions = MATCH) -> Store:
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    load_roster(_STORE, folder, options)
    return _STORE


def held(store: Store) -> set[tuple[str, str, str | None]]:
    return set(store.rows("SELECT kind, id, other_id FROM roster.held"))


@pytest.mark.parametrize("base", [V1, V2_1_WHOLE], ids=["v1", "v2.1"])
def test_a_sound_roster_has_no_error_and_no_warning(tmp_path: Path, base: dict[str, str]) -> None:
    store = load(tmp_path, base, CREATE)
    assert [each for each in findings(store) if each.severity != "note"] == []
    assert summary(store).entities["enrollments"] == 4
    assert held(store) == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.severity}-{case.file}")
def test_check(tmp_path: Path, case: Case) -> None:
    text = case.base.get(case.file, "")
    assert case.old in text
    store = load(tmp_path, {**case.base, case.file: text.replace(case.old, case.new, 1)}, case.options)
    seen = [(each.rule, each.severity, each.file, each.record, each.field, each.value) for each in findings(store)]
    assert (case.rule, case.severity, case.file, case.record, case.column, case.value) in seen
    assert set(case.held) <= held(store)
    if not case.held:
        assert held(store) == set()
    for kind, table in (("person", "persons"), ("section", "sections"), ("org", "orgs")):
        assert not store.rows(
            f"SELECT id FROM roster.{table} WHERE id IN (SELECT id FROM roster.held WHERE kind = ?)", [kind]
        )
    assert not store.rows(
        "SELECT * FROM roster.enrollments e JOIN roster.held h ON kind = 'enrollment' "
        "AND section_id = id AND person_id = other_id"
    )


def test_every_check_has_a_case() -> None:
    assert {case.rule for case in CASES} == {check.id for check in CHECKS}
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_a_warning_drops_the_value_and_keeps_the_record(tmp_path: Path) -> None:
    users = V2_1["users.csv"].replace("Berg,,", "Berg,nonsense,(555) 010-01.00").replace("Cole,,", "Cole,BO@X.ORG,")
    store = load(tmp_path, {**V2_1, "users.csv": users})
    assert store.rows("SELECT secondary_email, phone FROM roster.persons ORDER BY id LIMIT 2") == [
        (None, "5550100100"),
        ("bo@x.org", None),
    ]


def test_an_unknown_session_leaves_the_known_ones(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1_WHOLE, "classes.csv": V2_1["classes.csv"].replace("Art,Y", 'Art,"Z,Y"')})
    assert store.rows("SELECT id, session_ids FROM roster.sections ORDER BY id") == [
        ("c1", ["Y"]),
        ("c2", ["Y"]),
    ]


def test_a_person_at_two_schools_is_one_person_with_two_roles(tmp_path: Path) -> None:
    students = (
        "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Birthdate\n"
        "1,10,ada,Ada,Berg,04,2016-02-03\n2,10,bo,Bo,Cole,04,\n1,20,ADA,Ada,Berg,05,2016-02-03\n"
    )
    store = load(tmp_path, {**V1, "Student.csv": students})
    assert store.rows("SELECT id, username, record FROM roster.persons WHERE source_id = '1' ORDER BY id") == [
        ("student/1", "ada", 2),
        ("teacher/1", "cy", 2),
    ]
    assert store.rows("SELECT org_id, grade FROM roster.roles WHERE person_id = 'student/1' ORDER BY 1") == [
        ("10", "04"),
        ("20", "05"),
    ]
    assert store.value("SELECT count(*) FROM roster.demographics") == 1
    assert not [each for each in findings(store) if each.severity != "note"]


def test_the_pairs_of_a_held_person_get_no_finding_of_their_own(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1, "users.csv": V2_1["users.csv"].replace("s1,ada", "s1,")})
    assert [each.rule for each in findings(store) if each.severity == "error"] == ["required-value"]


@pytest.mark.parametrize(
    ("labels", "written", "kept"),
    [
        ("us", "ninth grade", "09"),
        ("us", "kg", "KG"),
        ("us", "Year 9", None),
        ("uk", "Year 9", "09"),
        ("uk", "Reception", "PK"),
        ("uk", "KG", None),
        ("us", "ps1", "PS1"),
        ("uk", "13", "13"),
    ],
)
def test_grade_labels(tmp_path: Path, labels: str, written: str, kept: str | None) -> None:
    roles = V2_1["roles.csv"].replace("04,true,2", f"{written},true,2")
    options = RosterOptions(grade_labels="uk" if labels == "uk" else "us")
    store = load(tmp_path, {**V2_1, "roles.csv": roles}, options)
    assert store.value("SELECT grade FROM roster.roles WHERE person_id = 's1'") == kept


@pytest.mark.parametrize(
    ("form", "written", "kept"),
    [
        ("M/D/YYYY", "4/2/2010", "2010-04-02"),
        ("M/D/YYYY", "13/2/2010", None),
        ("M/D/YYYY", "4/2/10", None),
        ("DD.MM.YYYY", "02.04.2010", "2010-04-02"),
        ("YYYYMMDD", "20100402", "2010-04-02"),
    ],
)
def test_date_formats(tmp_path: Path, form: str, written: str, kept: str | None) -> None:
    text = V2_1_WHOLE["demographics.csv"].replace("2016-02-03", written)
    store = load(tmp_path, {**V2_1_WHOLE, "demographics.csv": text}, RosterOptions(date_formats=("YYYY-MM-DD", form)))
    assert store.value("SELECT birth_date FROM roster.demographics") == kept


def test_codes_are_kept_in_their_own_spelling(tmp_path: Path) -> None:
    orgs = V2_1["orgs.csv"].replace(",district,", ",MINISTRYofeducation,")
    flags = "userSourcedId,flag\ns1,FREELUNCH\ns2,iep\n"
    store = load(tmp_path, {**V2_1_WHOLE, "orgs.csv": orgs, "userFlags.csv": flags})
    assert store.value("SELECT type FROM roster.orgs WHERE id = 'D'") == "ministryOfEducation"
    assert store.rows("SELECT flag FROM roster.flags ORDER BY record") == [("freeLunch",), ("IEP",)]


def test_findings_come_gravest_first_and_can_be_limited(tmp_path: Path) -> None:
    users = V2_1["users.csv"].replace("Berg,,", "Berg,x,y").replace("s2,bo", "s2,")
    store = load(tmp_path, {**V2_1, "users.csv": users})
    seen = list(findings(store))
    rank = {"error": 0, "warning": 1, "note": 2}
    keys = [(rank[each.severity], each.file, each.record or 0, each.rule) for each in seen]
    assert keys == sorted(keys)
    assert list(findings(store, limit=2)) == seen[:2]
    assert seen[0] == Finding(
        "required-value",
        "error",
        "users.csv",
        3,
        "username",
        None,
        "The required value is missing.",
        seen[0].mend,
    )


def test_summary_counts_what_was_read_found_and_held(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1, "users.csv": V2_1["users.csv"].replace("s1,ada", "s1,")})
    counted = summary(store)
    assert counted.entities["persons"] == 2
    assert counted.files["users.csv"] == 3
    assert counted.held == {"enrollment": 2, "person": 1}
    assert counted.count("error") == 1
    assert [(each.rule, each.count) for each in counted.rules if each.severity == "error"] == [("required-value", 1)]
