"""Every need of every product has a roster that meets it and one that fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from provision.formats import load_roster
from provision.reports.roster.checked import Checked, ready_line, unjudged_line, verdict_line
from provision.roster.options import RosterOptions
from provision.roster.readiness import PRODUCTS, Readiness, Verdict, failures, judge
from provision.roster.summary import summary
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
    named: Mapping[str, str] = field(default_factory=dict)
    """Files under another name than the format gives them."""


ONEROSTER = {
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "D,,,District,district,,\nA,,,Ash School,school,,D\n",
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,grades\n"
    "s1,,,true,ada,Ada,Berg,07\ns2,,,true,bo,Bo,Cole,10\nt1,,,true,cy,Cy,Dahl,\n",
    "roles.csv": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
    "r1,,,s1,primary,student,,,A\nr2,,,s2,primary,student,,,A\nr3,,,t1,primary,teacher,,,A\n",
    "classes.csv": "sourcedId,status,dateLastModified,title,courseSourcedId,classType,schoolSourcedId,termSourcedIds\n"
    "c1,,,Art,K,scheduled,A,Y\n",
    "enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\n"
    "e1,,,c1,A,s1,student\ne2,,,c1,A,s2,student\ne3,,,c1,A,t1,teacher\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,schoolYear\n"
    "Y,,,Year,schoolYear,2026-08-24,2027-06-11,2027\n",
    "courses.csv": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,orgSourcedId\n"
    "K,,,Y,Arts,,A\n",
}
CLEVER = {
    "schools.csv": "School_id,School_name,School_number\nA,Ash School,1\n",
    "students.csv": "School_id,Student_id,Student_number,Last_name,First_name,Grade,Student_email\n"
    "A,1,1,Berg,Ada,7,ada@x.edu\n",
    "teachers.csv": "School_id,Teacher_id,Teacher_number,Last_name,First_name,Teacher_email\nA,9,9,Dahl,Cy,cy@x.edu\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Name,Term_name,Term_start,Term_end\n"
    "A,c1,9,Art,Autumn,8/1/2026,12/20/2026\n",
    "enrollments.csv": "School_id,Section_id,Student_id\nA,c1,1\n",
}
ROLES, USERS, CLASSES, ENROLLED = "roles.csv", "users.csv", "classes.csv", "enrollments.csv"
SESSIONS = "academicSessions.csv"


def many(role: str, number: int) -> str:
    """SQL that puts more people of a role into class c1."""
    return f"""
        INSERT INTO roster.enrollments BY NAME
        SELECT 'c1' AS section_id, 'x' || n AS person_id, '{role}' AS role, '{ENROLLED}' AS file, 90 + n AS record
        FROM range({number}) r(n)"""


CASES = [
    Case("insights-format", {}, (("", None, "oneroster-1.2"),), base=ONEROSTER, said="oneroster-1.2"),
    Case("insights-listed", {ROLES: ("s1,A,student,04\ns2,A,student,KG\ns3,B,student,05\n", "")},
         (("", None, "students"),), said="The roster lists no students."),
    Case("insights-role", {USERS: ("t1,", "n1,nat@x.edu,Nat,Orr,\nn2,noa@x.edu,Noa,Orr,\nt1,")},
         ((USERS, 5, "n1"), (USERS, 6, "n2"))),
    Case("insights-org", {USERS: ("t1,", "n1,nat@x.edu,Nat,Orr,\nt1,")}, ((USERS, 5, "n1"),)),
    Case("insights-grade", {ROLES: ("s2,A,student,KG", "s2,A,student,")}, ((ROLES, 3, "s2"),)),
    Case("insights-grade-form", {ROLES: ("s1,A,student,04", "s1,A,student,4")}, ((ROLES, 2, "4"),),
         said="Read as 04 in 1 record(s)"),
    # in OneRoster 1.2 grades stand in another file than roles
    Case("insights-grade-form", {USERS: ("Berg,07", "Berg,7")}, ((USERS, 2, "7"),), base=ONEROSTER),
    Case("insights-grade-form", {USERS: ("Berg,07", 'Berg,"09,10"')}, ((USERS, 2, "09,10"),), base=ONEROSTER,
         said="Several grades"),
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
    Case("sds-format", {}, (("", None, "clever"),), base=CLEVER),
    Case("sds-file-names", {}, (("USERS.CSV", None, "USERS.CSV"),), named={USERS: "USERS.CSV"}),
    Case("sds-files", {"Readme.csv": ("", "hello\n")}, (("Readme.csv", None, "Readme.csv"),)),
    Case("sds-header-case", {USERS: ("givenName", "givenname")}, ((USERS, None, USERS),)),
    Case("sds-line-breaks", {USERS: ("Ada,", '"Ada\nMay",')}, ((USERS, None, USERS),)),
    Case("sds-username", {USERS: ("ada@x.edu", "ada b@x.edu")}, ((USERS, 2, "s1"),),
         said="The user name is: ada b@x.edu"),
    Case("sds-username-once", {USERS: ("bo@x.edu", "ADA@x.edu")}, ((USERS, 2, "s1"), (USERS, 3, "s2"))),
    Case("sds-roles", {ROLES: ("h1,D,administrator", "h1,D,aide"), ENROLLED: ("c3,t2,teacher", "c3,t2,faculty")},
         ((ENROLLED, 7, "t2"), (ROLES, 7, "h1")), said="faculty is no role in a class"),
    Case("sds-class-id", {CLASSES: ("c2,", "c 2,"), ENROLLED: ("c2,s2,student\nc2,", "c 2,s2,student\nc 2,")},
         ((CLASSES, 3, "c 2"),), options=replace(OPTIONS, replace_special_characters=True)),
    Case("sds-session-order", {SESSIONS: ("2026-12-18", "2026-08-23")}, ((SESSIONS, 3, "Z"),),
         said="It ends before it begins."),
    Case("sds-dates", {"Section.csv": ("2026-08-24", "8/24/2026")}, (("Section.csv", None, "Section.csv"),), base=V1,
         options=replace(OPTIONS, date_formats=("M/D/YYYY",)), said="M/D/YYYY"),
    Case("sds-dates", {"Section.csv": ("2026-08-24", "8/24/2026")}, (("Section.csv", None, "Section.csv"),), base=V1,
         said="A date has another form."),
    Case("sds-guardian", {USERS: ("Berg,pat@home.net", "Berg,")}, ((USERS, 8, "p1"),)),
    Case("sds-name", {USERS: ("Bo,Cole", "Bo,")}, ((USERS, 3, "s2"),)),
    Case("sds-name-length", {USERS: ("Cole", "C" * 65)}, ((USERS, 3, "s2"),)),
    Case("sds-username-domain", {USERS: ("bo@x.edu", "bo")}, ((USERS, 3, "s2"),)),
    Case("sds-grade-form", {ROLES: ("s2,A,student,KG", "s2,A,student,Kindergarten")}, ((ROLES, 3, "Kindergarten"),),
         said="Read as KG"),
    Case("sds-grade-form", {USERS: ("Berg,07", 'Berg,"09,10"')}, ((USERS, 2, "09,10"),), base=ONEROSTER),
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
    Case("intune-one-grade", {USERS: ("Berg,07", 'Berg,"09,10"')}, ((USERS, 2, "s1"),), base=ONEROSTER),
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
    return {case.named.get(name, name): text for name, text in files.items()}


def judged(store: Store, case: Case, folder: Path, products: Sequence[str]) -> tuple[Readiness, ...]:
    loaded = load_roster(store, written(folder, edited(case)), case.options)
    if case.grown:
        store.run(case.grown)
    return judge(store, products, case.options, loaded.format)


def asked(store: Store, folder: Path, files: Mapping[str, str], product: str) -> Readiness:
    """What is answered of a roster about one product."""
    loaded = load_roster(store, written(folder, files), OPTIONS)
    (answer,) = judge(store, [product], OPTIONS, loaded.format)
    return answer


def verdict_of(answer: Readiness, need: str) -> Verdict:
    (verdict,) = [each for each in answer.verdicts if each.need.id == need]
    return verdict


def test_a_sound_roster_is_ready_for_everything_and_everything_was_asked(store: Store, tmp_path: Path) -> None:
    answers = judged(store, Case("", {}, ()), tmp_path / "roster", list(PRODUCTS))
    assert [answer.product.name for answer in answers] == list(PRODUCTS)
    assert {each.need.id: each.failed for answer in answers for each in answer.verdicts} == dict.fromkeys(NEEDS, 0)
    assert [each.need.id for answer in answers for each in answer.verdicts if not each.judged] == []
    assert all(answer.ready for answer in answers)


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.need}" for number, case in enumerate(CASES)])
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


# -- what cannot be judged


WITHOUT_CLASSES = {name: text for name, text in SOUND.items() if name not in (CLASSES, ENROLLED)}


@pytest.mark.parametrize("product", list(PRODUCTS))
def test_nothing_is_ready_while_everything_is_held(store: Store, tmp_path: Path, product: str) -> None:
    circles = (
        SOUND["orgs.csv"].replace("district,", "district,A").replace("Birch School,school,D", "Birch School,school,B")
    )
    answer = asked(store, tmp_path / "roster", {**SOUND, "orgs.csv": circles}, product)
    assert (answer.ready, answer.state) == (False, "not judged whole")
    assert answer.left_out["person"] == 6
    assert [each.need.id for each in answer.verdicts if each.failed and each.need.severity == "must"] == []


def test_a_class_that_is_held_for_the_very_fault_leaves_the_roster_unjudged(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, CLASSES: SOUND[CLASSES].replace("c2,", "c 2,"), ENROLLED: SOUND[ENROLLED].replace("c2,", "c 2,")}
    answer = asked(store, tmp_path / "roster", files, "sds")
    assert (answer.ready, answer.state) == (False, "not judged whole")
    assert answer.left_out == {"section": 1, "enrollment": 2}


def test_an_error_that_holds_nothing_leaves_its_record_unjudged(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, SESSIONS: SOUND[SESSIONS].replace("Z,Term,term,2027", "Z,Term,term,")}
    answer = asked(store, tmp_path / "roster", files, "sds")
    assert (answer.ready, answer.left_out) == (False, {"record": 1})


def test_a_must_that_fails_counts_for_more_than_what_is_left_out(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, USERS: SOUND[USERS].replace("ada@x.edu", "ada b@x.edu"),
             ROLES: SOUND[ROLES].replace("s2,A,student", "s2,A,pupil")}  # fmt: skip
    answer = asked(store, tmp_path / "roster", files, "sds")
    assert (answer.state, answer.left_out["person"]) == ("not ready", 1)


def test_without_classes_nothing_is_said_of_class_teams(store: Store, tmp_path: Path) -> None:
    answer = asked(store, tmp_path / "teams", WITHOUT_CLASSES, "teams")
    assert (answer.ready, answer.state, answer.left_out) == (False, "not judged whole", {})
    assert [each.need.id for each in answer.unasked] == ["teams-owner"]
    for product in ("sds", "intune"):  # which a school may use for people alone
        assert asked(store, tmp_path / product, WITHOUT_CLASSES, product).state == "ready"


@pytest.mark.parametrize("product", list(PRODUCTS))
def test_every_product_has_a_subject(product: str) -> None:
    subjects = [need for need in PRODUCTS[product].needs if need.subject]
    assert subjects
    assert {need.severity for need in subjects} == {"must"}


def test_a_held_enrollment_does_not_make_a_class_teacherless(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, ENROLLED: SOUND[ENROLLED].replace("c3,t2,teacher", "c3,t9,teacher")}
    answer = asked(store, tmp_path / "roster", files, "teams")
    owned = verdict_of(answer, "teams-owner")
    assert (owned.judged, owned.failed) == (2, 0)
    assert (answer.state, answer.left_out) == ("not judged whole", {"enrollment": 1})


def test_people_who_are_not_active_leave_a_roster_ready(store: Store, tmp_path: Path) -> None:
    files = {**V1, "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Status\n"
             "1,10,ada,Ada,Berg,04,Active\n2,10,bo,Bo,Cole,05,Inactive\n"}  # fmt: skip
    for product in PRODUCTS:
        answer = asked(store, tmp_path / product, files, product)
        assert (answer.state, answer.left_out) == ("ready", {})
    assert store.value("SELECT count(*) FROM roster.held WHERE kind = 'person'") == 1


def test_the_answer_says_in_a_sentence_what_was_left_out_and_why(store: Store, tmp_path: Path) -> None:
    def said(folder: str, files: Mapping[str, str], product: str) -> tuple[str, str]:
        loaded = load_roster(store, written(tmp_path / folder, files), OPTIONS)
        answers = judge(store, [product], OPTIONS, loaded.format)
        checked = Checked(store, folder, loaded.format, summary(store), answers)
        return ready_line(answers[0]), unjudged_line(checked, answers[0])

    unsure = "It cannot be judged whole whether this is ready for class teams in Microsoft Teams."
    enrolled = {**SOUND, ENROLLED: SOUND[ENROLLED].replace("c3,t2,teacher", "c3,t9,teacher")}
    assert said("errors", enrolled, "teams") == (
        unsure, "Left out because of errors: 1 enrollment. Mend these first.",
    )  # fmt: skip
    assert said("classless", WITHOUT_CLASSES, "teams") == (unsure, "There are no classes to judge.")
    inactive = {**V1, "Student.csv": "SIS ID,School SIS ID,Username,Grade,Status\n1,10,ada,04,Active\n"
                "2,10,bo,05,Inactive\n"}  # fmt: skip
    assert said("inactive", inactive, "teams") == (
        "Ready for class teams in Microsoft Teams.", "Held as not active, and so not judged: 1 person.",
    )  # fmt: skip
    assert said("sound", SOUND, "sds") == ("Ready for School Data Sync.", "")


def test_one_thing_is_named_in_the_singular() -> None:
    named = {need.things: verdict_line(Verdict(need, 1, 0)).removeprefix("1 of 1 ") for need in NEEDS.values()}
    odd = {"people": "person", "classes": "class", "staff": "member of staff", "groups of people": "group of people",
           "ways of writing a grade": "way of writing a grade", "files with dates": "file with dates",
           "assignments of teachers": "assignment of teachers"}  # fmt: skip
    assert named == {things: odd.get(things, things[:-1]) for things in named}
    assert verdict_line(Verdict(NEEDS["teams-owner"], 2, 1)) == "1 of 2 classes"


# -- formats and what they write


@pytest.mark.parametrize(("base", "product", "ready"), [
    (SOUND, "sds", True), (V1, "sds", True), (ONEROSTER, "sds", False), (CLEVER, "sds", False),
    (SOUND, "insights", True), (V1, "insights", True), (ONEROSTER, "insights", False), (CLEVER, "insights", False),
    (ONEROSTER, "teams", True), (CLEVER, "teams", True), (CLEVER, "intune", True),
])  # fmt: skip
def test_a_product_is_ready_only_for_the_formats_that_it_reads(
    store: Store, tmp_path: Path, base: Mapping[str, str], product: str, ready: bool
) -> None:
    answer = asked(store, tmp_path / "roster", base, product)
    failed = [each.need.id for each in answer.verdicts if each.failed and each.need.severity == "must"]
    assert (answer.ready, failed) == (ready, [] if ready else [f"{product}-format"])


def test_grades_as_clever_has_them_are_not_called_those_of_the_list(store: Store, tmp_path: Path) -> None:
    answer = asked(store, tmp_path / "roster", CLEVER, "insights")
    assert verdict_of(answer, "insights-grade-form").judged == 0


def test_grades_of_classes_and_courses_are_not_those_of_students(store: Store, tmp_path: Path) -> None:
    courses = "sourcedId,title,orgSourcedId,subject,grade\nK,Arts,A,05,4\n"
    answer = asked(store, tmp_path / "roster", {**SOUND, "courses.csv": courses}, "insights")
    assert verdict_of(answer, "insights-grade-form").failed == 0
    assert store.value("SELECT count(*) FROM roster.findings WHERE rule = 'grade-read-as'") == 1


@pytest.mark.parametrize(("spelled", "failed"), [(str.lower, 0), (str, 0), (str.upper, 6)])
def test_v1_files_may_be_named_as_in_the_samples_or_as_in_the_description(
    store: Store, tmp_path: Path, spelled: Callable[[str], str], failed: int
) -> None:
    answer = asked(store, tmp_path / "roster", {spelled(name): text for name, text in V1.items()}, "sds")
    assert verdict_of(answer, "sds-file-names").failed == failed


def test_roles_that_both_lists_of_school_data_sync_have_pass(store: Store, tmp_path: Path) -> None:
    files = {**SOUND, ROLES: SOUND[ROLES].replace("h1,D,administrator", "h1,D,faculty"),
             ENROLLED: SOUND[ENROLLED].replace("c3,t2,teacher", "c3,t2,teacher\nc3,h1,aide")}  # fmt: skip
    roles = verdict_of(asked(store, tmp_path / "roster", files, "sds"), "sds-roles")
    assert (roles.judged, roles.failed) == (13, 0)
