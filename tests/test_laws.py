"""Laws that hold for every roster: what is applied stays applied, what is held is left alone, order does not matter.

`nox -s laws` tries many more rosters than a test run does.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.world import Roster, World, world

from provision.cli.road import Allowances, plan_to, undo_to

pytestmark = pytest.mark.once

PEOPLE = [f"S{number}" for number in range(6)]
TEACHERS = ["T0", "T1"]
SECTIONS = ["C0", "C1", "C2"]
slow = settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "3")), deadline=None, derandomize=True,
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


@slow
@given(rosters(), rosters())
def test_a_day_and_its_undo_lead_back_to_the_start(one: Roster, two: Roster) -> None:
    """But for what is never taken away: objects, which stay, and the places of teachers."""
    with fresh() as school:
        school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', schools='moves = "move"')
        school.day(one, accept_missing=ALLOWED)
        before = people_and_places(school)
        school.day(two, accept_missing=ALLOWED)
        with school.run() as opened:
            file = asyncio.run(undo_to(opened, "last", school.folder / "undo.jsonl", Allowances()))
            reverse = list(file.changes())
        applied, results = school.apply(school.planned(file))
        assert applied.complete, results
        users, sections, schools = people_and_places(school)
        assert {name: values for name, values in users.items() if name in before[0]} == before[0]
        new = [values for name, values in users.items() if name not in before[0]]
        assert not any(values["accountEnabled"] for values in new)
        assert sections == {key: before[1].get(key, set()) for key in sections}
        assert schools == {key: before[2].get(key, set()) for key in schools}
        assert all(change["action"] != "create" for change in reverse)


def people_and_places(school: World) -> tuple[dict[str, Any], dict[str, set[str]], dict[str, set[str]]]:
    """Accounts by sign-in name (without their licences, which stay), students by section and by school."""
    dump = school.tenant.dump()
    users = {user["userPrincipalName"]: {**user, "licenses": None} for user in dump["users"]}
    staff = {name for name in users if name.upper()[:2] in TEACHERS}
    sections = {made["externalId"]: {*made["members"]} - staff for made in dump["classes"]}
    return users, sections, {made["externalId"]: {*made["users"]} - staff for made in dump["schools"]}


@slow
@given(rosters(), st.integers())
def test_the_order_of_rows_does_not_matter(roster: Roster, seed: int) -> None:
    with fresh() as school:
        first = school.plan(roster, accept_missing=ALLOWED)
        shuffle = Random(seed).shuffle
        for rows in (roster.orgs, roster.users, roster.roles, roster.classes, roster.enrollments):
            shuffle(rows)
        second = school.plan(roster, accept_missing=ALLOWED)
        assert [without_cause(line) for line in first.changes] == [without_cause(line) for line in second.changes]


def without_cause(line: dict[str, Any]) -> dict[str, Any]:
    """A line without the row that it comes from."""
    return {**line, "cause": line["cause"]["rule"]}


@slow
@given(rosters())
def test_what_is_read_from_a_plan_is_what_was_planned(roster: Roster) -> None:
    with fresh() as school:
        roster.write(school.folder / "roster")
        with school.run() as opened:
            allowed = Allowances(accept_missing=frozenset(ALLOWED))
            file = asyncio.run(plan_to(opened, None, school.folder / "plan.jsonl", allowed))
            columns = "id, kind, action, key, object_id, before::TEXT, after::TEXT, rule, file, record, depends_on"
            planned = opened.store.rows(f"SELECT {columns} FROM run.changes ORDER BY id")
        read = [
            (*(line[name] for name in ("id", "kind", "action", "key", "object_id")),
             *(line[name] and json.dumps(line[name]) for name in ("before", "after")),
             *(line["cause"][name] for name in ("rule", "file", "record")), line["depends_on"])
            for line in sorted(file.changes(), key=lambda line: line["id"])
        ]  # fmt: skip
        assert [loaded(row) for row in read] == [loaded(row) for row in planned]
        assert len(read) == sum(sum(each.values()) for each in file.header["counts"].values()) > 0


def loaded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with its JSON as values."""
    return (*row[:5], *(text and json.loads(text) for text in row[5:7]), *row[7:])
