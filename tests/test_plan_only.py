"""A plan cut down to one person, section or school: that, what it needs, and nothing else."""

from __future__ import annotations

import pytest
from support.world import Roster, World

from provision.cli import main
from provision.errors import UsageError

pytestmark = pytest.mark.once

GUARDED = 'roster_shrinks = "10%"\n'


def district() -> Roster:
    roster = Roster().person("T1", role="teacher").people("S1", "S2", grade="07").people("S3", org="11")
    return roster.section("C1", teacher="T1", students=["S1", "S2"]).section("C2", org="11", students=["S3"])


def test_one_pupil_at_the_office_door(school: World) -> None:
    school.day(district())
    grown = district().people("S4", "S5").enroll("C1", "S4").enroll("C1", "S5")
    grown.roles[1]["grade"] = "09"
    one = school.plan(grown, only=["person:S4"])
    assert one.ids() == ["create:user:S4", "add:member:C1/S4", "add:school_user:10/S4"]
    assert one.header["only"] == ["person:S4"]
    assert one.header["counts"]["user"] == {"create": 1}
    assert sum(change["requests"] for change in one.changes) == one.header["estimate"]["writes"] == 3
    school.apply(one)
    assert "s4@students.contoso.edu" in school.group("Section_C1")["members"]
    assert "create:user:S4" not in school.plan(grown).ids()
    assert {"create:user:S5", "update:user:S1"} <= set(school.plan(grown).ids())


def test_what_it_needs_comes_along(school: World) -> None:
    one = school.plan(district(), only=["person:s3"])  # by user name or id, of any case
    assert set(one.ids()) == {
        "create:user:S3",
        "create:section:C2",
        "create:school:11",
        "add:member:C2/S3",
        "add:school_user:11/S3",
    }
    applied, _ = school.apply(one)
    assert applied.complete


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("section:C1", {"add:member:C1/S2", "create:section:C1", "create:user:S2", "add:owner:C1/T1"}),
        ("school:10", {"create:school:10", "create:user:S1", "add:member:C1/S1", "add:school_section:10/C1"}),
        ("kind:school", {"create:school:10", "create:school:11"}),
        ("key:user:S2", {"create:user:S2"}),
    ],
)
def test_parts(school: World, only: str, expected: set[str]) -> None:
    ids = set(school.plan(district(), only=[only]).ids())
    assert expected <= ids
    assert not ids & {"create:user:S3", "add:member:C2/S3"}


def test_who_is_at_two_schools_belongs_to_both(school: World) -> None:
    roster = Roster().person("T1", role="teacher", org="11").person("S1")
    roster.roles.append({"userSourcedId": "T1", "orgSourcedId": "10", "role": "teacher", "grade": ""})
    assert school.plan(roster).change("create:user:T1")["schools"] == ["school:10", "school:11"]
    for one in ("10", "11"):
        assert "create:user:T1" in school.plan(roster, only=[f"school:{one}"]).ids()
    assert "create:user:S1" not in school.plan(roster, only=["school:11"]).ids()


def test_several_parts(school: World) -> None:
    found = school.plan(district(), only=["key:user:S1", "key:user:S3"])
    assert found.ids() == ["create:user:S1", "create:user:S3"]


def test_notes_about_it_and_no_others(school: World) -> None:
    start = 'student_start = "2999-01-01"'
    school.profile(sections=start)
    assert len(school.plan(district()).noted("deferred")) == 3
    one = school.plan(district(), only=["person:S1"])
    assert one.noted("deferred") == {("member:C1/S1", "L12")}
    section = school.plan(district(), only=["section:C1"])
    assert section.noted("deferred") == {("member:C1/S1", "L12"), ("member:C1/S2", "L12")}


def test_who_is_as_wanted_gives_an_empty_plan(school: World) -> None:
    school.day(district())
    assert school.plan(district(), only=["person:S1"]).changes == []


def test_nobody_of_that_name(school: World) -> None:
    with pytest.raises(UsageError, match="Neither the roster nor the ledger has the person 'S99'"):
        school.plan(district(), only=["person:S99"])
    with pytest.raises(UsageError, match="did you mean person:"):
        school.plan(district(), only=["persn:S1"])


def test_a_part_is_no_measure_of_the_whole(school: World) -> None:
    """Half of the roster goes missing, one pupil is planned past the guard, and the guard still speaks of the rest."""
    many = Roster().person("T1", role="teacher")
    many.people(*(f"S{number}" for number in range(40))).section("C1", teacher="T1", students=["S1"])
    school.day(many)
    school.profile(guards=GUARDED)
    few = Roster().person("T1", role="teacher").people(*(f"S{number}" for number in range(20)), "S99")
    few.section("C1", teacher="T1", students=["S1", "S99"])
    one = school.plan(few, only=["person:S99"], overrides=["roster_shrinks"])
    applied, _ = school.apply(one)
    assert applied.complete
    whole = school.plan(few)
    assert [guard["guard"] for guard in whole.header["guards"] if guard["tripped"]] == ["roster_shrinks"]


def test_of_a_part_nothing_is_kept_but_its_passwords(school: World) -> None:
    school.profile(students='password = "roster"')
    roster = Roster().people("S1", "S2", "S3")
    for row in roster.users:
        row["password"] = f"From-Roster-{row['sourcedId']}!9"
    one = school.plan(roster, only=["person:S2"])
    with school.run() as run:
        assert run.store.rows("SELECT * FROM planned.passwords") == [("user:S2", "From-Roster-S2!9")]
        assert run.store.rows("SELECT digest FROM planned.plans") == [(one.header["digest"],)]
        kept = ("objects", "links", "roster_files", "roster_counts")
        assert sum(run.store.value(f"SELECT count(*) FROM planned.{table}") for table in kept) == 0
    applied, _ = school.apply(one)
    assert applied.complete
    school.apply(school.plan(roster))
    with school.run() as run:
        keys = {key for (key,) in run.store.rows("SELECT key FROM ledger.objects WHERE kind = 'user'")}
    assert {"user:S1", "user:S2", "user:S3"} <= keys


@pytest.mark.parametrize("waiting", [[], ["person:S1", "person:S3"]])
def test_a_plan_that_waits_keeps_its_passwords(school: World, waiting: list[str]) -> None:
    school.profile(students='password = "roster"')
    roster = Roster().people("S1", "S2", "S3")
    for row in roster.users:
        row["password"] = f"From-Roster-{row['sourcedId']}!9"
    earlier = school.plan(roster, only=waiting)
    school.apply(school.plan(roster, only=["person:S2"]))
    _, results = school.apply(earlier)
    assert {results[f"create:user:{id_}"]["status"] for id_ in ("S1", "S3")} == {"done"}


def test_a_plan_file_is_applied_as_it_is(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(district())
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    assert main(["apply", str(planned.file.path), *profile, "--only", "person:S1"]) == 2
    assert "--only is for a run that plans" in capsys.readouterr().err
