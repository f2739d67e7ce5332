"""What is in doubt is left alone: rows that cannot be read, people who changed their id, plans that were overtaken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.world import FREE, Planned, Roster, World

from provision.apply.writer import Outcome, Write
from provision.errors import ProfileError, RosterError
from provision.graph import GraphWriter

pytestmark = pytest.mark.once


def day_one() -> Roster:
    """Two sections of one school, three students, two teachers."""
    return (
        Roster()
        .people("S1", "S2", "S3")
        .person("T1", role="teacher")
        .person("T2", role="teacher")
        .section("C1", teacher="T1", students=["S1", "S2"])
        .section("C2", teacher="T2", students=["S2", "S3"])
    )


def leaves(roster: Roster, section: str, person: str) -> Roster:
    """The person is no longer in the section."""
    roster.enrollments = [
        row for row in roster.enrollments if (row["classSourcedId"], row["userSourcedId"]) != (section, person)
    ]
    return roster


def renamed(roster: Roster, old: str, new: str) -> Roster:
    """The SIS gave the person another id."""
    for table in (roster.users, roster.roles, roster.enrollments):
        for row in table:
            for column in ("sourcedId", "userSourcedId"):
                if row.get(column) == old:
                    row[column] = new
    return roster


def removals(planned: Planned) -> list[str]:
    """The ids of what would be removed."""
    return [change["id"] for change in planned.changes if change["action"] == "remove"]


def edit(school: World, file: str, old: str, new: str) -> None:
    """Write the first day's roster with one row spoilt."""
    day_one().write(school.folder / "roster")
    path = school.folder / "roster" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("enrollments.csv", "C1,S2,student", ",,student"),
        ("enrollments.csv", "C1,S2,student", "C1,,student"),
        ("enrollments.csv", "C1,S2,student", ",S2,student"),
        ("enrollments.csv", "C1,S2,student", ",C1,S2,student"),
        ("enrollments.csv", "C1,S2,student", "C1,s2,student"),
        ("enrollments.csv", "C1,S2,student", "C1,S2,wizard"),
        ("users.csv", "S2,s2,", ",s2,"),
        ("users.csv", "S2,s2,", "S1,s2,"),
        ("roles.csv", "S2,10,student", "S2,99,student"),
    ],
)
def test_a_spoilt_row_removes_nobody(school: World, file: str, old: str, new: str) -> None:
    school.day(day_one())
    edit(school, file, old, new)
    planned = school.plan()
    assert removals(planned) == []
    assert planned.header["roster"]["findings"]


def test_a_student_with_a_new_id_keeps_every_class_even_while_the_match_is_in_doubt(school: World) -> None:
    school.day(day_one())
    planned = school.plan(renamed(day_one(), "S2", "N2"))
    assert removals(planned) == []
    assert ("user:N2", "match-other-anchor") in planned.noted("conflict")


def write_v1(folder: Path, name: str = "Given") -> None:
    """Two students and a teacher in SDS V1."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    rows = "".join(f"S{n},10,s{n},{name},Family\n" for n in (1, 2))
    for file, text in {
        "School": "SIS ID,Name\n10,North School\n11,South School\n",
        "Student": "SIS ID,School SIS ID,Username,First Name,Last Name\n" + rows,
        "Teacher": "SIS ID,School SIS ID,Username,First Name,Last Name\nT1,10,t1,Tea,Cher\n",
        "Section": "SIS ID,School SIS ID,Section Name\nC1,10,Algebra\n",
        "StudentEnrollment": "Section SIS ID,SIS ID\nC1,S1\nC1,S2\n",
        "TeacherRoster": "Section SIS ID,SIS ID\nC1,T1\n",
    }.items():
        (folder / f"{file}.csv").write_text(text, encoding="utf-8")


V1_FILES = ["School.csv", "Student.csv", "Teacher.csv", "Section.csv", "StudentEnrollment.csv", "TeacherRoster.csv"]


def test_another_format_with_other_ids_removes_nobody_and_goes_on_from_there(school: World) -> None:
    folder = school.folder / "roster"
    write_v1(folder)
    school.apply(school.plan())
    for path in folder.iterdir():
        path.unlink()
    now = Roster().people("S1", "S2").person("T1", role="teacher").section("C1", teacher="T1", students=["S1", "S2"])
    held = Roster().people("S1").person("S2", givenName="").person("T1", role="teacher")
    held.section("C1", teacher="T1", students=["S1", "S2"])
    assert removals(school.plan(held, accept_missing=V1_FILES)) == []
    planned = school.plan(now, accept_missing=V1_FILES)
    assert removals(planned) == []
    school.apply(planned)
    now = leaves(now, "C1", "S2")
    assert removals(school.plan(now)) == ["remove:member:C1/S2"]


def test_the_ledger_forgets_a_link_that_somebody_else_ended(school: World) -> None:
    school.day(day_one())
    group, user = school.group("Section_C1")["id"], school.user("s2@students.contoso.edu")["id"]
    school.tenant.remove_member(group, user)
    school.day(leaves(day_one(), "C1", "S2"))
    school.tenant.add_member(group, user)
    planned = school.plan(leaves(day_one(), "C1", "S2"))
    assert removals(planned) == []
    assert ("member:C1/S2", "L14") in planned.noted("kept")


def test_it_forgets_too_when_somebody_was_quicker_than_our_removal(school: World) -> None:
    school.day(day_one())
    group, user = school.group("Section_C1")["id"], school.user("s2@students.contoso.edu")["id"]
    planned = school.plan(leaves(day_one(), "C1", "S2"))
    school.tenant.remove_member(group, user)
    _, results = school.apply(planned)
    assert results["remove:member:C1/S2"]["status"] == "stale"
    school.tenant.add_member(group, user)
    assert removals(school.plan(leaves(day_one(), "C1", "S2"))) == []


def test_who_was_a_student_and_is_its_teacher_stays_as_teachers_do(school: World) -> None:
    school.day(day_one())
    roster = leaves(day_one(), "C1", "S2").enroll("C1", "S2", "teacher")
    school.day(roster)
    planned = school.plan(leaves(day_one(), "C1", "S2"))
    assert removals(planned) == []
    assert ("owner:C1/S2", "L6") in planned.noted("kept")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("roles.csv", "S2,11,student", ",11,student"),
        ("roles.csv", "S2,11,student", ",S2,11,student"),
        ("orgs.csv", "DEP,Science,department,11", "DEP,Science,department,99"),
    ],
)
def test_half_read_roles_and_orgs_move_nobody_out_of_a_school(school: World, file: str, old: str, new: str) -> None:
    school.profile(schools='moves = "move"', school_groups='per_school = ["students"]')
    roster = Roster().people("S1", "S2")
    roster.orgs.append({"sourcedId": "DEP", "name": "Science", "type": "department", "parentSourcedId": "11"})
    roster.roles.append({"userSourcedId": "S2", "orgSourcedId": "11", "role": "student", "grade": ""})
    roster.person("S3", org="DEP")
    roster.roles.append({"userSourcedId": "S3", "orgSourcedId": "10", "role": "student", "grade": ""})
    school.day(roster)
    path = school.folder / "roster" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert removals(school.plan()) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        "DEP,Science,department,11\nDEP,Science,department,11",
        "DEP,Science,department,E\nE,Other,department,DEP",
        "DEP,\u200e,department,11",
        "DEP,\x07,department,11",
    ],
    ids=["twice", "circle", "mark of direction", "control character"],
)
def test_a_department_that_is_held_moves_nobody_out_of_the_school_above_it(school: World, spoilt: str) -> None:
    school.profile(schools='moves = "move"')
    roster = Roster().person("S1", org="SUB")
    roster.orgs.append({"sourcedId": "DEP", "name": "Science", "type": "department", "parentSourcedId": "11"})
    roster.orgs.append({"sourcedId": "SUB", "name": "Physics", "type": "department", "parentSourcedId": "DEP"})
    roster.roles.append({"userSourcedId": "S1", "orgSourcedId": "10", "role": "student", "grade": ""})
    school.day(roster)
    path = school.folder / "roster" / "orgs.csv"
    text = path.read_text(encoding="utf-8")
    assert "DEP,Science,department,11" in text
    path.write_text(text.replace("DEP,Science,department,11", spoilt), encoding="utf-8")
    assert removals(school.plan()) == []


def test_a_plan_that_was_looked_at_again_before_it_was_applied_still_arms_the_guards(school: World) -> None:
    school.profile(guards=FREE.replace('roster_shrinks = "100%"', 'roster_shrinks = "10%"') + "minimum = 1")
    first = school.plan(day_one())
    school.plan(day_one())
    school.apply(first)
    empty = day_one()
    empty.enrollments = []
    with pytest.raises(RosterError, match="missing or empty"):
        school.plan(empty)
    fewer = leaves(leaves(day_one(), "C1", "S1"), "C2", "S3")
    guards = {guard["guard"]: guard for guard in school.plan(fewer).header["guards"]}
    assert guards["roster_shrinks"]["tripped"]


def test_a_failed_plan_in_between_leaves_the_ledger_as_it_should_be(school: World) -> None:
    planned = school.plan(day_one())
    (school.folder / "broken").mkdir()
    with pytest.raises(RosterError):
        school.plan(school.folder / "broken")
    school.apply(planned)
    empty = day_one()
    empty.enrollments = []
    with pytest.raises(RosterError, match="missing or empty"):
        school.plan(empty)


def test_a_plan_from_another_state_folder_is_applied(school: World) -> None:
    school.profile(school_groups='all = ["students"]')
    planned = school.plan(day_one())
    school.state = school.folder / "elsewhere"
    applied, _ = school.apply(planned)
    assert applied.complete
    assert school.plan(day_one()).ids() == []


def test_an_older_plan_does_not_undo_what_a_newer_one_taught_the_ledger(school: World) -> None:
    older = school.plan(day_one())
    school.day(day_one().person("S4").enroll("C1", "S4"))
    school.apply(older)
    assert removals(school.plan(day_one())) == ["remove:member:C1/S4"]


def test_an_intent_of_a_cut_run_counts_until_it_is_settled_and_no_longer(
    school: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.day(day_one())
    planned = school.plan(day_one().enroll("C1", "S3"))
    write = GraphWriter.write

    async def cut(self: GraphWriter, writes: Sequence[Write]) -> list[list[Outcome]]:
        await write(self, writes)
        raise KeyboardInterrupt  # the request was carried out, and we never heard of it

    with monkeypatch.context() as patched:
        patched.setattr(GraphWriter, "write", cut)
        with pytest.raises(KeyboardInterrupt):
            school.apply(planned)
    result = (school.folder / "results.jsonl").read_text(encoding="utf-8")
    assert "it may have been sent, and no answer is known" in result
    assert removals(school.plan(day_one())) == ["remove:member:C1/S3"], "it was our doing"
    applied, _ = school.apply(planned)
    assert applied.complete
    school.day(day_one())
    school.tenant.add_member(school.group("Section_C1")["id"], school.user("s3@students.contoso.edu")["id"])
    assert removals(school.plan(day_one())) == [], "and this was not"


def test_a_school_of_the_profile_that_does_not_exist_is_a_typing_error(school: World) -> None:
    path = school.profile()
    path.write_text(
        path.read_text(encoding="utf-8").replace('path = "roster"', 'path = "roster"\nschools = ["10", "1O"]'),
        encoding="utf-8",
    )
    with pytest.raises(ProfileError) as refused:
        school.plan(day_one())
    assert refused.value.details == ("1O: no org with this id is of a type in schools.types",)


def test_what_graph_would_refuse_is_known_in_the_plan(school: World) -> None:
    roster = Roster().person("S1", username="kim@elsewhere.example").person("S2", username="x" * 65)
    roster.person("S3", givenName="G" * 80, familyName="F" * 300).section("C1", "T" * 400, students=["S3"])
    roster.orgs.append({"sourcedId": "O" * 150, "name": "N" * 300, "type": "school", "parentSourcedId": "D"})
    school.profile(school_groups='per_school = ["students"]')
    planned = school.day(roster)
    assert {("user:S1", "username-domain"), ("user:S2", "username-characters")} <= planned.noted("held")
    assert school.plan(roster).ids() == []
