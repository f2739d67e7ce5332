"""The guards: their numbers, their limits by count or share, and the way past them for one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.world import Roster, World

from provision.errors import GuardTripped
from provision.plan.guards import GUARDS
from provision.profile import Guards
from provision.reports import RENDERERS, Page

pytestmark = pytest.mark.once


def district(students: int = 20, classes: int = 4) -> Roster:
    """`students` at North, all of them in every class."""
    ids = [f"S{number:02}" for number in range(students)]
    roster = Roster().people(*ids, grade="08").person("T1", role="teacher")
    for number in range(classes):
        roster.section(f"C{number}", teacher="T1", students=ids)
    return roster


def guard(planned: Any, name: str) -> dict[str, Any]:  # a plan
    found: dict[str, Any] = next(line for line in planned.header["guards"] if line["guard"] == name)
    return found


def without(roster: Roster, section: str, *students: str) -> Roster:
    """Take students out of a section (of all sections: `*`)."""
    roster.enrollments = [
        row
        for row in roster.enrollments
        if row["userSourcedId"] not in students or section not in ("*", row["classSourcedId"])
    ]
    return roster


def only(school: World, name: str, limits: str, minimum: int = 10) -> None:
    """A profile with one guard set, the others wide open."""
    lines = [f'{each.name} = "100%"' for each in GUARDS if each.name not in (name, "freeze")]
    school.profile(guards="\n".join([*lines, f"{name} = {limits}", f"minimum = {minimum}"]))


def test_every_guard_of_the_profile_exists_and_is_on_by_default() -> None:
    others = ("minimum", "rollover")
    assert [each.name for each in GUARDS] == [name for name in Guards.model_fields if name not in others]
    assert all(getattr(Guards(), each.name) for each in GUARDS if each.name != "freeze")


CASES: dict[str, tuple[str, Callable[[Roster], object], str, int, int]] = {
    "roster_shrinks": ('"10%"', lambda roster: without(roster, "*", "S00", "S01", "S02"), "enrollments", 12, 84),
    "creates": ("2", lambda roster: roster.people("N1", "N2", "N3"), "user create", 3, 21),
    "updates": ('["50%", 4]', lambda roster: [row.update(givenName="New") for row in roster.users[:5]],
                "user update", 5, 21),
    "member_removals": ('["200", "5%"]', lambda roster: without(roster, "C0", "S00", "S01", "S02", "S03", "S04"),
                        "member remove", 5, 80),
    "removals_per_section": ('"50%"', lambda roster: without(roster, "C1", *[f"S{n:02}" for n in range(11)]),
                             "section:C1", 11, 20),
    "removals_per_school": ('"20%"', lambda roster: without(roster, "*", "S00", "S01", "S02", "S03", "S04", "S05"),
                            "school:10 member", 24, 80),
    "section_emptied": ('["3", "50%"]', lambda roster: without(roster, "*", *[f"S{n:02}" for n in range(18)]),
                        "sections emptied", 4, 4),
    "errors": ('"2%"', lambda roster: [row.update(role="wizard") for row in roster.roles[:4]],
               "records in error", 4, 133),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_a_guard_trips_with_its_numbers_before_anything_is_written(school: World, name: str) -> None:
    limits, spoil, what, count, base = CASES[name]
    only(school, name, limits)
    school.day(district())
    roster = district()
    spoil(roster)
    planned = school.plan(roster)
    found = guard(planned, name)
    assert found["tripped"]
    assert not found["overridden"]
    measure = next(measure for measure in found["measures"] if measure["what"] == what)
    assert (measure["count"], measure["of"]) == (count, base)
    assert [line["guard"] for line in planned.header["guards"] if line["tripped"]] == [name]
    before = len(school.writes())
    with pytest.raises(GuardTripped) as tripped:
        school.apply(planned)
    assert f"{what}: {count} of {base}" in "\n".join(tripped.value.details)
    assert len(school.writes()) == before
    passed = school.plan(roster, overrides=[name])
    assert guard(passed, name)["overridden"]
    school.apply(passed)
    assert school.plan(roster).ids() == []


def test_an_override_is_for_its_guard_and_its_run_only(school: World) -> None:
    only(school, "creates", "0")
    school.day(district(2, 1))
    planned = school.plan(district(3, 1), overrides=["updates"])
    with pytest.raises(GuardTripped):
        school.apply(planned, overrides=["updates"])
    school.apply(planned, overrides=["creates"])
    with pytest.raises(GuardTripped):
        school.apply(school.plan(district(4, 1)))


def test_creates_are_not_judged_on_a_first_run_and_it_is_said(school: World) -> None:
    only(school, "creates", "0")
    planned = school.plan(district(3, 1))
    assert not guard(planned, "creates")["tripped"]
    assert "first run" in guard(planned, "creates")["silent"]
    assert "no roster has been applied" in guard(planned, "roster_shrinks")["silent"]


@pytest.mark.parametrize(("domain", "told"), [("old.contoso.edu", True), ("students.contoso.edu", False)])
def test_a_first_run_that_makes_accounts_beside_those_of_others_says_so(school: World, domain: str, told: bool) -> None:
    """As it does where the profile looks for accounts by a wrong domain: everybody would get a second one."""
    for number in range(3):
        school.tenant.add_user(userPrincipalName=f"s0{number}@{domain}")
    said = guard(school.plan(district(3, 1)), "creates")["silent"]
    assert (
        "4 accounts would be made, and Microsoft 365 has 5 that nobody in this roster was matched with" in said
    ) is told
    assert ("would be made" in said) is told


def test_a_share_is_silent_below_the_minimum_and_a_count_is_not(school: World) -> None:
    only(school, "removals_per_section", '["50%", 8]', minimum=10)
    school.day(district(9, 1))
    most = without(district(9, 1), "C0", *[f"S{n:02}" for n in range(8)])
    assert not guard(school.plan(most), "removals_per_section")["tripped"]
    everyone = without(district(9, 1), "C0", *[f"S{n:02}" for n in range(9)])
    assert guard(school.plan(everyone), "removals_per_section")["tripped"]
    only(school, "removals_per_section", '["50%", 8]', minimum=9)
    assert guard(school.plan(most), "removals_per_section")["tripped"]


def test_a_share_that_is_reached_passes_and_one_more_trips(school: World) -> None:
    only(school, "removals_per_section", '"50%"')
    school.day(district(20, 1))
    half = without(district(20, 1), "C0", *[f"S{n:02}" for n in range(10)])
    assert not guard(school.plan(half), "removals_per_section")["tripped"]
    more = without(district(20, 1), "C0", *[f"S{n:02}" for n in range(11)])
    assert guard(school.plan(more), "removals_per_section")["tripped"]


def test_a_section_that_keeps_more_than_a_tenth_of_its_students_is_not_emptied(school: World) -> None:
    only(school, "section_emptied", "0")
    school.day(district(20, 3).section("C9", teacher="T1"))
    most = without(district(20, 3), "*", *[f"S{n:02}" for n in range(17)]).section("C9", teacher="T1")
    found = guard(school.plan(most), "section_emptied")
    assert not found["tripped"]
    assert [(each["count"], each["of"]) for each in found["measures"]] == [(0, 3)]
    one = without(district(20, 3), "C1", *[f"S{n:02}" for n in range(18)]).section("C9", teacher="T1")
    assert guard(school.plan(one), "section_emptied")["measures"][0]["count"] == 1


def test_new_students_do_not_hide_that_all_others_leave_and_a_section_that_is_gone_is_none_of_it(
    school: World,
) -> None:
    only(school, "section_emptied", "1")
    school.day(district(20, 4))
    roster = without(district(20, 4), "*", *[f"S{n:02}" for n in range(20)])
    roster.classes = [row for row in roster.classes if row["sourcedId"] in ("C0", "C1")]
    roster.enrollments = [row for row in roster.enrollments if row["classSourcedId"] in ("C0", "C1")]
    for number in range(20):
        roster.person(f"N{number}").enroll("C0", f"N{number}").enroll("C1", f"N{number}")
    found = guard(school.plan(roster), "section_emptied")
    assert found["tripped"]
    assert [(each["count"], each["of"]) for each in found["measures"]] == [(2, 2)]


def test_the_guard_says_what_it_looks_like_and_what_to_do(school: World) -> None:
    only(school, "section_emptied", "3")
    school.day(district(20, 4))
    planned = school.plan(without(district(20, 4), "*", *[f"S{n:02}" for n in range(19)]))
    with pytest.raises(GuardTripped) as tripped:
        school.apply(planned)
    numbers, looks, way = tripped.value.details
    assert numbers == "section_emptied: sections emptied: 4 of 4 (100.0 %), limit 3"
    assert "enrolment export that is empty or cut short, or like a new school year" in looks
    assert "--override section_emptied" in way
    assert looks in (Path(__file__).parents[1] / "docs" / "guards.md").read_text(encoding="utf-8")
    for name in ("console", "markdown"):
        assert "enrolment export that is empty" in " ".join("".join(RENDERERS[name](planned.file, Page())).split())


def test_the_roster_guard_compares_what_both_scopes_cover(school: World) -> None:
    only(school, "roster_shrinks", '"10%"', minimum=1)

    def two_schools() -> Roster:
        roster = district(4, 1)
        for number in range(40):
            roster.person(f"Z{number}", org="11")
        return roster

    school.day(two_schools())
    path = school.folder / "profile.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('path = "roster"', 'path = "roster"\nschools = ["10"]'),
        encoding="utf-8",
    )
    assert not guard(school.plan(two_schools()), "roster_shrinks")["tripped"]
    fewer = two_schools()
    fewer.roles = [row for row in fewer.roles if row["userSourcedId"] != "S00"]
    assert guard(school.plan(fewer), "roster_shrinks")["tripped"]
