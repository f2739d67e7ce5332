"""Laws that hold for every roster: what is applied stays applied, what is held is left alone, order does not matter."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.world import Roster, World, world

PEOPLE = [f"S{number}" for number in range(6)]
TEACHERS = ["T0", "T1"]
SECTIONS = ["C0", "C1", "C2"]
slow = settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A school day: some of the people and sections, in any combination, with odd texts."""
    roster = Roster()
    here = draw(st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1))
    texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=12)
    for id_ in here:
        name = draw(texts).strip() or "x"
        roster.person(
            id_,
            org=draw(st.sampled_from(["10", "11"])),
            grade=draw(st.sampled_from(["07", "9", "", "KG"])),
            givenName=name,
        )
    for id_ in TEACHERS:
        roster.person(
            id_, role=draw(st.sampled_from(["teacher", "principal"])), org=draw(st.sampled_from(["10", "11", "D"]))
        )
    for id_ in draw(st.lists(st.sampled_from(SECTIONS), unique=True)):
        members = draw(st.lists(st.sampled_from(here), unique=True))
        roster.section(id_, draw(texts).strip() or "x", org=draw(st.sampled_from(["10", "11", "D"])), students=members)
        for teacher in draw(st.lists(st.sampled_from(TEACHERS), unique=True)):
            roster.enroll(id_, teacher, draw(st.sampled_from(["teacher", "aide"])))
    return roster


def fresh() -> Any:  # a context manager of World
    return world(Path(tempfile.mkdtemp()))


def alive(school: World) -> tuple[set[str], set[str], set[str], int]:
    """Everything that may never go: accounts, groups, schools, licences."""
    dump = school.tenant.dump()
    assert dump["deleted"] == []
    return (
        {user["id"] for user in dump["users"]},
        {group["id"] for group in dump["groups"] + dump["classes"]},
        {made["id"] for made in dump["schools"]},
        sum(len(user["licenses"]) for user in dump["users"]),
    )


ALLOWED = ["classes.csv", "enrollments.csv"]


@slow
@given(st.lists(rosters(), min_size=2, max_size=3))
def test_day_after_day_the_second_plan_is_empty_and_nothing_is_ever_deleted(days: list[Roster]) -> None:
    with fresh() as school:
        school.profile(
            licenses='["STANDARDWOFFPACK_STUDENT"]',
            schools='moves = "move"',
            school_groups='per_school = ["students", "teachers"]',
        )
        before = alive(school)
        for roster in days:
            school.day(roster, accept_missing=ALLOWED)
            assert school.plan(roster, accept_missing=ALLOWED).ids() == []
            now = alive(school)
            assert before[0] <= now[0]
            assert before[1] <= now[1]
            assert before[2] <= now[2]
            assert before[3] <= now[3]
            before = now


@slow
@given(rosters(), rosters(), st.integers(1, 40))
def test_what_somebody_removed_by_hand_meanwhile_leads_to_the_same_end(one: Roster, two: Roster, cut: int) -> None:
    with fresh() as school, fresh() as other:
        for each in (school, other):
            each.day(one, accept_missing=ALLOWED)
        planned = school.plan(two, accept_missing=ALLOWED)
        partial(school, planned.changes[:cut])
        school.day(two, accept_missing=ALLOWED)
        other.day(two, accept_missing=ALLOWED)
        assert members(school) == members(other)


def partial(school: World, changes: list[dict[str, Any]]) -> None:
    """What somebody else did meanwhile: the removals and additions of existing people, by hand."""
    for change in changes:
        ends = change["after"] or change["before"]
        if change["kind"] == "member" and change["action"] == "remove":
            school.tenant.remove_member(ends["section_id"], ends["user_id"])


def members(school: World) -> dict[str, list[str]]:
    return {made["externalId"]: made["members"] for made in school.tenant.dump()["classes"]}


@slow
@given(rosters(), st.sampled_from(PEOPLE), st.sampled_from(["id", "role", "twice"]))
def test_what_is_held_is_in_no_change(roster: Roster, victim: str, how: str) -> None:
    if victim not in {row["sourcedId"] for row in roster.users}:
        roster.person(victim)
    with fresh() as school:
        school.day(roster, accept_missing=ALLOWED)
        if how == "id":
            roster.users = [{**row, "sourcedId": ""} if row["sourcedId"] == victim else row for row in roster.users]
        elif how == "role":
            roster.roles = [
                {**row, "role": "wizard"} if row["userSourcedId"] == victim else row for row in roster.roles
            ]
        else:
            roster.users.append({"sourcedId": victim, "username": "other", "givenName": "O", "familyName": "P"})
        planned = school.plan(roster, accept_missing=ALLOWED)
        touched = [change["id"] for change in planned.changes if victim in change["key"].replace(":", "/").split("/")]
        assert touched == []
