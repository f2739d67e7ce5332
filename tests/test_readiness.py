"""Every need of every product has a roster that meets it and one that fails it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.roster.readiness import PRODUCTS, Readiness, failures, judge
from provision.store import Store, in_memory

SOUND = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,District,district,\n"
    "A,Ash School,school,D\nB,Birch School,school,D\n",
    "users.csv": "sourcedId,username,givenName,familyName,email\n"
    "s1,ada@x.edu,Ada,Berg,\ns2,bo@x.edu,Bo,Cole,\ns3,di@x.edu,Di,Ek,\n"
    "t1,cy@x.edu,Cy,Dahl,\nt2,flo@x.edu,Flo,Gray,\nh1,gus@x.edu,Gus,Holm,\np1,pat@home.net,Pat,Berg,pat@home.net\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,grade\ns1,A,student,04\ns2,A,student,KG\ns3,B,student,05\n"
    "t1,A,teacher,\nt2,B,teacher,\nh1,D,administrator,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\n"
    "c1,A,Art,Y,K\nc2,A,Music,Y,K\nc3,B,Art,Y,K\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n"
    "c1,s1,student\nc1,t1,teacher\nc2,s2,student\nc2,t1,teacher\nc3,s3,student\nc3,t2,teacher\n",
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "Y,Year,schoolYear,2027,2026-08-24,2027-06-11\nZ,Term,term,2027,2026-08-24,2026-12-18\n",
    "courses.csv": "sourcedId,title,orgSourcedId,subject\nK,Arts,A,05\n",
    "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\ns1,p1,parent\n",
}
V1 = {
    "School.csv": "SIS ID,Name\n10,Ash School\n",
    "Student.csv": "SIS ID,School SIS ID,Username,Grade\n1,10,ada,04\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username\n1,10,cy\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Term SIS ID,Term Name,Term StartDate,"
    "Course SIS ID,Course Name,Course Subject\nc1,10,Art,T,Autumn,2026-08-24,K,Arts,05\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\nc1,1\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\nc1,1\n",
}
OPTIONS = RosterOptions(today=date(2026, 9, 1))


@dataclass(frozen=True)
class Case:
    """A sound roster with texts replaced (in a file, or in all), and who fails then: (file, row, id) each."""

    need: str
    edits: Mapping[str, tuple[str, str]]
    fails: tuple[tuple[str, int | None, str | None], ...]
    base: Mapping[str, str] = field(default_factory=lambda: SOUND)
    options: RosterOptions = OPTIONS
    grown: str = ""
    """SQL that makes the tables larger than a test would write them."""

    said: str = ""


ROLES, USERS, CLASSES, ENROLLED = "roles.csv", "users.csv", "classes.csv", "enrollments.csv"
SESSIONS = "academicSessions.csv"


def many(role: str, number: int) -> str:
    """SQL that puts more people of a role into class c1."""
    return f"""
        INSERT INTO roster.enrollments BY NAME
        SELECT 'c1' AS section_id, 'x' || n AS person_id, '{role}' AS role, '{ENROLLED}' AS file, 90 + n AS record
        FROM range({number}) r(n)"""


CASES = [
    Case("insights-listed", {ROLES: ("s1,A,student,04\ns2,A,student,KG\ns3,B,student,05\n", "")},
         (("", None, "students"),), said="The roster lists no students."),
    Case("insights-role", {USERS: ("t1,", "n1,nat@x.edu,Nat,Orr,\nn2,noa@x.edu,Noa,Orr,\nt1,")},
         ((USERS, 5, "n1"), (USERS, 6, "n2"))),
    Case("insights-org", {USERS: ("t1,", "n1,nat@x.edu,Nat,Orr,\nt1,")}, ((USERS, 5, "n1"),)),
    Case("insights-grade", {ROLES: ("s2,A,student,KG", "s2,A,student,")}, ((ROLES, 3, "s2"),)),
    Case("insights-grade-form", {ROLES: ("s1,A,student,04", "s1,A,student,4")}, ((ROLES, 2, "4"),),
         said="Read as 04 in 1 record(s)"),
    Case("insights-name", {USERS: ("Bo,Cole", ",Cole")}, ((USERS, 3, "s2"),)),
    Case("insights-role-other", {ROLES: ("administrator", "other")}, ((ROLES, 7, "h1"),)),
    Case("insights-hierarchy", {"orgs.csv": ("school,D\nB,Birch School,school,D", "school,D\nB,Birch School,school,")},
         (("orgs.csv", 4, "B"),)),
    Case("insights-org-used", {"orgs.csv": ("B,Birch", "E,Elm School,school,D\nB,Birch")}, (("orgs.csv", 4, "E"),)),
    Case("insights-lowest", {ROLES: ("s3,B", "s3,D")}, ((ROLES, 4, "s3"),)),
    Case("insights-staff-level",
         {"orgs.csv": ("B,Birch", "E,Elm School,school,D\nB,Birch"), ROLES: ("h1,D", "h1,E")}, ((ROLES, 7, "h1"),)),
    Case("insights-teaching-level", {ROLES: ("t1,A", "t1,B")}, ((ENROLLED, 3, "t1"), (ENROLLED, 5, "t1")),
         said="This person teaches c1, which is at an organisation they have no role in."),
    Case("insights-class-teacher", {ENROLLED: ("c3,t2,teacher\n", "")}, ((CLASSES, 4, "c3"),)),
    Case("insights-class-students", {ENROLLED: ("c3,s3,student\n", "")}, ((CLASSES, 4, "c3"),)),
    Case("sds-files", {"Readme.csv": ("", "hello\n")}, (("Readme.csv", None, "Readme.csv"),)),
    Case("sds-header-case", {USERS: ("givenName", "givenname")}, ((USERS, None, USERS),)),
    Case("sds-line-breaks", {USERS: ("Ada,", '"Ada\nMay",')}, ((USERS, None, USERS),)),
    Case("sds-username", {USERS: ("ada@x.edu", "ada b@x.edu")}, ((USERS, 2, "s1"),),
         said="The user name is: ada b@x.edu"),
    Case("sds-username-once", {USERS: ("bo@x.edu", "ADA@x.edu")}, ((USERS, 2, "s1"), (USERS, 3, "s2"))),
    Case("sds-class-id", {CLASSES: ("c2,", "c 2,"), ENROLLED: ("c2,s2,student\nc2,", "c 2,s2,student\nc 2,")},
         ((CLASSES, 3, "c 2"),), options=replace(OPTIONS, replace_special_characters=True)),
    Case("sds-session-order", {SESSIONS: ("2026-12-18", "2026-08-23")}, ((SESSIONS, 3, "Z"),),
         said="It ends before it begins."),
    Case("sds-guardian", {USERS: ("Berg,pat@home.net", "Berg,")}, ((USERS, 8, "p1"),)),
    Case("sds-name", {USERS: ("Bo,Cole", "Bo,")}, ((USERS, 3, "s2"),)),
    Case("sds-name-length", {USERS: ("Cole", "C" * 65)}, ((USERS, 3, "s2"),)),
    Case("sds-username-domain", {USERS: ("bo@x.edu", "bo")}, ((USERS, 3, "s2"),)),
    Case("sds-grade-form", {ROLES: ("s2,A,student,KG", "s2,A,student,Kindergarten")}, ((ROLES, 3, "Kindergarten"),),
         said="Read as KG"),
    Case("sds-class-sessions", {CLASSES: ("c2,A,Music,Y", 'c2,A,Music,"Y,Z"')}, ((CLASSES, 3, "c2"),),
         said="The class has 2 terms."),
    Case("sds-session-dates", {}, (("Section.csv", 2, "T"),), base=V1),
    Case("sds-subject", {"Section.csv": ("Arts,05", "Arts,Painting")}, (("Section.csv", 2, "K"),), base=V1),
    Case("sds-class-id-length", {CLASSES: ("c2,", "c" * 49 + ","), ENROLLED: ("c2,s2,student\nc2,t1,teacher\n", "")},
         ((CLASSES, 3, "c" * 49),)),
    Case("sds-rows", {}, ((USERS, None, USERS),),
         grown="UPDATE roster.files SET records = 2000001 WHERE file = 'users.csv'"),
    Case("teams-owner", {ENROLLED: ("c3,t2,teacher\n", "")}, ((CLASSES, 4, "c3"),)),
    Case("teams-owners-most", {}, ((CLASSES, 2, "c1"),), grown=many("teacher", 100),
         said="The class has 101 teachers."),
    Case("teams-members-most", {}, ((CLASSES, 2, "c1"),), grown=many("student", 9_999)),
    Case("teams-person-classes", {}, ((ENROLLED, 2, "s1"),),
         grown=many("student", 1000).replace("'c1'", "'m' || n").replace("'x' || n", "'s1'")),
    Case("teams-students", {ENROLLED: ("c3,s3,student\n", "")}, ((CLASSES, 4, "c3"),)),
    Case("teams-assignments", {}, ((CLASSES, 2, "c1"),), grown=many("student", 299), said="The class has 301 members."),
    Case("teams-title-length", {CLASSES: ("Music", "M" * 257)}, ((CLASSES, 3, "c2"),)),
    Case("teams-title-signs", {CLASSES: ("Music", "Music/Dance")}, ((CLASSES, 3, "c2"),),
         said="The title is: Music/Dance"),
    Case("teams-title-twice", {CLASSES: ("Music", "ART")}, ((CLASSES, 2, "c1"), (CLASSES, 3, "c2")),
         said="2 classes of this school are called: Art"),
    Case("teams-term", {CLASSES: ("c2,A,Music,Y", "c2,A,Music,Z")}, ((CLASSES, 3, "c2"),),
         options=replace(OPTIONS, today=date(2026, 12, 19)),
         said="Its last term ended on 2026-12-18."),
    Case("intune-school", {ROLES: ("s3,B", "s3,D")}, ((ROLES, 4, "s3"),)),
    Case("intune-username", {USERS: ("ada@x.edu", "ada b@x.edu")}, ((USERS, 2, "s1"),)),
    Case("intune-grade", {ROLES: ("s2,A,student,KG", "s2,A,student,")}, ((ROLES, 3, "s2"),)),
    Case("intune-one-grade", {ROLES: ("s2,A,student,KG", "s2,A,student,KG\ns2,B,student,01")}, ((USERS, 3, "s2"),)),
    Case("intune-school-students", {ROLES: ("s3,B", "s3,A")}, (("orgs.csv", 4, "B"),)),
    Case("intune-school-staff", {ROLES: ("t2,B", "t2,A")}, (("orgs.csv", 4, "B"),)),
    Case("intune-school-name", {"orgs.csv": ("Birch School", "ash school")},
         (("orgs.csv", 3, "A"), ("orgs.csv", 4, "B"))),
]  # fmt: skip
NEEDS = {need.id: need for product in PRODUCTS.values() for need in product.needs}


@pytest.fixture
def store() -> Iterator[Store]:
    store = in_memory()
    yield store
    store.close()


def written(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


def edited(case: Case) -> dict[str, str]:
    files = dict(case.base)
    for name, (old, new) in case.edits.items():
        assert old in files.get(name, ""), (name, old)
        files[name] = files.get(name, "").replace(old, new, 1)
    return files


def judged(store: Store, case: Case, folder: Path, products: Sequence[str]) -> tuple[Readiness, ...]:
    load_roster(store, written(folder, edited(case)), case.options)
    if case.grown:
        store.run(case.grown)
    return judge(store, products, case.options)


def test_a_sound_roster_is_ready_for_everything_and_everything_was_asked(store: Store, tmp_path: Path) -> None:
    answers = judged(store, Case("", {}, ()), tmp_path / "roster", list(PRODUCTS))
    assert [answer.product.name for answer in answers] == list(PRODUCTS)
    assert {each.need.id: each.failed for answer in answers for each in answer.verdicts} == dict.fromkeys(NEEDS, 0)
    assert [each.need.id for answer in answers for each in answer.verdicts if not each.judged] == []
    assert all(answer.ready for answer in answers)


@pytest.mark.parametrize("case", CASES, ids=[case.need for case in CASES])
def test_who_fails_a_need_is_counted_and_named(store: Store, case: Case, tmp_path: Path) -> None:
    need = NEEDS[case.need]
    (answer,) = judged(store, case, tmp_path / "roster", [case.need.partition("-")[0]])
    found = list(failures(store, need))
    assert [(each.file, each.record, each.value) for each in found] == list(case.fails)
    assert {(each.rule, each.severity, each.mend) for each in found} == {(need.id, need.severity, need.mend)}
    assert case.said in found[0].message
    (verdict,) = [each for each in answer.verdicts if each.need is need]
    assert verdict.failed == len(case.fails) <= verdict.judged
    assert verdict.passed == verdict.judged - len(case.fails)
    assert list(failures(store, need, limit=1)) == found[:1]
    if need.severity == "must":
        assert not answer.ready


def test_every_need_has_a_case_and_the_name_of_its_product() -> None:
    assert {case.need for case in CASES} == set(NEEDS)
    for product in PRODUCTS.values():
        for need in product.needs:
            assert need.id.startswith(f"{product.name}-")
            assert all((need.things, need.asks, need.fault, need.mend, need.source))
    assert sum(len(product.needs) for product in PRODUCTS.values()) == len(NEEDS)


def test_what_only_should_be_leaves_a_roster_ready(store: Store, tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.need == "teams-students"]
    (answer,) = judged(store, case, tmp_path / "roster", ["teams"])
    assert answer.ready
    assert sum(each.failed for each in answer.verdicts) == 1


def test_a_product_is_judged_once_in_the_order_it_was_asked_for(store: Store, tmp_path: Path) -> None:
    answers = judged(store, Case("", {}, ()), tmp_path / "roster", ["teams", "insights", "teams"])
    assert [answer.product.name for answer in answers] == ["teams", "insights"]
    assert judge(store, [], OPTIONS) == ()


def test_what_is_held_is_not_judged(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, ROLES: SOUND[ROLES].replace("s1,A,student", "s1,A,pupil")}
    load_roster(store, written(tmp_path / "roster", files), OPTIONS)
    (answer,) = judge(store, ["insights"], OPTIONS)
    people = next(each for each in answer.verdicts if each.need.id == "insights-role")
    assert (people.judged, people.failed) == (5, 0)  # the parent of a held student is no person without a role


def test_the_profile_says_who_owns_a_class_and_what_a_school_is(store: Store, tmp_path: Path) -> None:
    files = {name: text.replace(",teacher", ",coach").replace(",school,", ",campus,") for name, text in SOUND.items()}
    load_roster(store, written(tmp_path / "roster", files), OPTIONS)
    ours = replace(OPTIONS, owner_roles=("coach",), school_types=("campus",))
    theirs = replace(OPTIONS, owner_roles=("teacher",), school_types=("school",))
    for options, ready in ((ours, True), (theirs, False)):
        teams, intune = judge(store, ["teams", "intune"], options)
        assert (teams.ready, intune.ready) == (ready, ready)


def test_a_school_of_its_own_needs_no_tree(store: Store, tmp_path: Path) -> None:
    load_roster(store, written(tmp_path / "roster", V1), OPTIONS)
    (answer,) = judge(store, ["insights"], OPTIONS)
    tree = next(each for each in answer.verdicts if each.need.id == "insights-hierarchy")
    assert (tree.judged, tree.failed) == (1, 0)


def test_a_roster_read_after_another_is_judged_anew(store: Store, tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.need == "teams-owner"]
    judged(store, case, tmp_path / "first", ["teams"])
    (answer,) = judged(store, Case("", {}, ()), tmp_path / "second", ["teams"])
    assert not any(each.failed for each in answer.verdicts)
    assert [each for need in answer.product.needs for each in failures(store, need)] == []
