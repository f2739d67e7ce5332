"""The calendar of the guards: windows in which nothing is changed, and windows with limits of their own."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from support.world import FREE, Planned, Roster, World

from provision.errors import GuardTripped, ProfileError
from provision.profile import Guards, Profile, Rollover, load_profile
from provision.reports import RENDERERS, Page

pytestmark = pytest.mark.once

HOLIDAYS = """
[[guards.freeze]]
from = "2030-12-18"
to = "2031-01-04"
reason = "Holidays"
"""
SUMMER = """
[[guards.rollover]]
from = "2030-08-10"
to = "2030-08-20T18:00:00-07:00"
member_removals = "100%"
creates = 7
"""
PROFILE = 'name = "test"\n[tenant]\nid = "sandbox"\n[guards]\n'


def profile(folder: Path, guards: str) -> Profile:
    """A profile with these lines under [guards]."""
    path = folder / "windows.toml"
    path.write_text(PROFILE + guards, encoding="utf-8")
    return load_profile(path)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def at(school: World, text: str) -> None:
    """Let it be this time, UTC."""
    school.clock = lambda: utc(text)


def guard(planned: Planned, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in planned.header["guards"] if line["guard"] == name)
    return found


def students(number: int) -> Roster:
    """A class of so many."""
    ids = [f"S{each}" for each in range(number)]
    return Roster().people(*ids).person("T1", role="teacher").section("C", teacher="T1", students=ids)


# -- what the profile may say


@pytest.mark.parametrize(("moment", "inside"), [
    ("2030-12-17T23:59:59", False), ("2030-12-18T00:00:00", True),
    ("2031-01-04T23:59:59", True), ("2031-01-05T00:00:00", False),
])  # fmt: skip
def test_a_window_of_days_holds_the_last_one(tmp_path: Path, moment: str, inside: bool) -> None:
    (window,) = profile(tmp_path, HOLIDAYS).guards.freeze
    assert window.holds(utc(moment)) is inside


@pytest.mark.parametrize(("moment", "inside"), [
    ("2030-08-09T23:59:59", False), ("2030-08-10T00:00:00", True),
    ("2030-08-21T00:59:59", True), ("2030-08-21T01:00:00", False),
])  # fmt: skip
def test_a_window_of_times_ends_at_its_time_in_its_zone(tmp_path: Path, moment: str, inside: bool) -> None:
    (window,) = profile(tmp_path, SUMMER).guards.rollover
    assert window.holds(utc(moment)) is inside


def test_a_date_of_tomls_own_is_the_same_as_text(tmp_path: Path) -> None:
    bare = profile(tmp_path, HOLIDAYS.replace('"2030-12-18"', "2030-12-18").replace('"2031-01-04"', "2031-01-04"))
    text = profile(tmp_path, HOLIDAYS)
    assert bare.digest == text.digest
    timed = profile(tmp_path, HOLIDAYS.replace('"2031-01-04"', "2031-01-04T10:00:00+01:00"))
    assert timed.guards.freeze[0].ends == utc("2031-01-04T09:00:00")


FREEZE = '[[guards.freeze]]\nfrom = {}\nto = {}\nreason = "r"\n'
TWO = """
[[guards.rollover]]
from = "2030-08-10"
to = "{}"
creates = 1
[[guards.rollover]]
from = "2030-08-20"
to = "2030-08-30"
creates = 1
"""


@pytest.mark.parametrize(("lines", "fault"), [
    (FREEZE.format('"2030-12-18"', '"2030-12-17"'), "guards.freeze.0: from 2030-12-18 is not before to 2030-12-17"),
    (FREEZE.format('"2030-12-18T10:00:00Z"', '"2030-12-18T11:00:00+01:00"'), "is not before"),
    (FREEZE.format('"2030-12-18T10:00:00"', '"2030-12-20"'), "guards.freeze.0.from: '2030-12-18T10:00:00' is neither"),
    (FREEZE.format("2030-12-18T10:00:00", "2030-12-20"), "guards.freeze.0.from: '2030-12-18T10:00:00' is neither"),
    (FREEZE.format('"18.12.2030"', '"2030-12-20"'), "guards.freeze.0.from: '18.12.2030' is neither"),
    (FREEZE.format('"2030-02-30"', '"2030-12-20"'), "guards.freeze.0.from: "),
    (FREEZE.format("1", '"2030-12-20"'), "guards.freeze.0.from: '1' is neither"),
    (HOLIDAYS.replace('reason = "Holidays"', ""), "guards.freeze.0.reason: "),
    (HOLIDAYS.replace('"Holidays"', '" "'), "guards.freeze.0.reason: "),
    (HOLIDAYS.replace("reason", "because"), "guards.freeze.0.because: there is no"),
    (HOLIDAYS.replace("from", "start"), "guards.freeze.0.start: there is no"),
    (HOLIDAYS + HOLIDAYS, "guards: freeze names something twice"),
    (SUMMER.replace("creates", "created"), "guards.rollover.0.created: there is no"),
    (SUMMER.replace("creates = 7", "creates = true"), "guards.rollover.0.creates: 'True' is neither a count"),
    (SUMMER.replace("creates", "freeze"), "guards.rollover.0.freeze: there is no"),
    (SUMMER.replace('member_removals = "100%"', "").replace("creates = 7", ""), "guards.rollover.0: names no limit"),
    (TWO.format("2030-08-20"), "guards: rollover: 2030-08-10 to 2030-08-20 and 2030-08-20 to 2030-08-30 overlap"),
])  # fmt: skip
def test_a_window_that_is_wrong_is_refused_with_its_place(tmp_path: Path, lines: str, fault: str) -> None:
    with pytest.raises(ProfileError) as refused:
        profile(tmp_path, lines)
    assert fault in "\n".join(refused.value.details)


def test_rollovers_may_follow_one_another_and_freezes_may_overlap(tmp_path: Path) -> None:
    assert len(profile(tmp_path, TWO.format("2030-08-19")).guards.rollover) == 2
    assert len(profile(tmp_path, HOLIDAYS + HOLIDAYS.replace("Holidays", "Works")).guards.freeze) == 2


def test_a_rollover_may_name_every_limit_of_the_guards() -> None:
    calendar = {"freeze", "rollover"}
    assert set(Rollover.model_fields) - {"start", "end"} == set(Guards.model_fields) - calendar


def test_the_example_of_the_page_is_a_profile(tmp_path: Path) -> None:
    page = Path(__file__).parents[1] / "docs" / "guards.md"
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    guards = profile(tmp_path, example).guards
    assert guards.bounds("freeze", utc("2027-01-04T12:00:00")).window is not None
    assert str(guards.bounds("member_removals", utc("2026-08-21T12:00:00")).limits[0]) == "100%"


# -- freeze


def frozen(school: World, windows: str = HOLIDAYS) -> None:
    """A profile with windows of the calendar, and every guard wide open."""
    school.profile(guards=FREE + windows)


def test_nothing_is_applied_in_a_freeze(school: World) -> None:
    frozen(school)
    at(school, "2030-12-20T08:00:00")
    planned = school.plan(students(2))
    found = guard(planned, "freeze")
    assert found["tripped"]
    assert found["window"] == "2030-12-18 to 2031-01-04: Holidays"
    assert found["measures"] == [{"what": "changes", "count": len(planned.changes), "of": len(planned.changes),
                                  "percent": 100.0}]  # fmt: skip
    with pytest.raises(GuardTripped) as tripped:
        school.apply(planned)
    said = "\n".join(tripped.value.details)
    assert "(2030-12-18 to 2031-01-04: Holidays)" in said
    assert "--override freeze" in said
    assert school.writes() == []
    school.apply(planned, overrides=["freeze"])
    assert school.plan(students(2)).changes == []


def test_a_plan_without_changes_passes_a_freeze(school: World) -> None:
    frozen(school)
    at(school, "2030-12-01T08:00:00")
    school.day(students(2))
    at(school, "2030-12-20T08:00:00")
    planned = school.plan(students(2))
    assert not guard(planned, "freeze")["tripped"]
    school.apply(planned)


def test_a_plan_of_the_day_before_is_not_applied_in_a_freeze(school: World) -> None:
    frozen(school)
    at(school, "2030-12-17T23:00:00")
    planned = school.plan(students(2))
    assert guard(planned, "freeze")["silent"] == "no freeze window of the profile is open"
    at(school, "2030-12-18T00:00:00")
    with pytest.raises(GuardTripped, match="nothing was written"):
        school.apply(planned)
    assert school.writes() == []
    at(school, "2030-12-17T23:59:59")
    applied, _ = school.apply(planned)
    assert applied.complete


def test_a_plan_made_in_a_freeze_is_applied_when_it_is_over(school: World) -> None:
    frozen(school)
    at(school, "2031-01-04T20:00:00")
    planned = school.plan(students(2))
    assert guard(planned, "freeze")["tripped"]
    at(school, "2031-01-05T00:00:00")
    applied, _ = school.apply(planned)
    assert applied.complete


def test_an_override_given_to_the_plan_holds_for_its_window_only(school: World) -> None:
    frozen(school, HOLIDAYS + '[[guards.freeze]]\nfrom = "2031-01-05"\nto = "2031-01-06"\nreason = "Move"\n')
    at(school, "2031-01-04T20:00:00")
    planned = school.plan(students(2), overrides=["freeze"])
    assert guard(planned, "freeze")["overridden"]
    at(school, "2031-01-05T08:00:00")
    with pytest.raises(GuardTripped):
        school.apply(planned)
    assert school.writes() == []
    at(school, "2031-01-04T21:00:00")
    applied, _ = school.apply(planned)
    assert applied.complete


def test_an_override_given_before_a_freeze_is_none_for_it(school: World) -> None:
    frozen(school)
    at(school, "2030-12-17T23:00:00")
    planned = school.plan(students(2), overrides=["freeze"])
    at(school, "2030-12-18T08:00:00")
    with pytest.raises(GuardTripped):
        school.apply(planned)


# -- roll-over


def test_an_open_rollover_judges_by_its_own_limits_and_says_so(school: World) -> None:
    school.profile(guards=FREE.replace('member_removals = "100%"', "member_removals = 3") + SUMMER)
    at(school, "2030-08-01T08:00:00")
    school.day(students(8))
    before = school.plan(students(2))
    assert guard(before, "member_removals")["tripped"]
    assert (guard(before, "member_removals")["limits"], guard(before, "member_removals")["window"]) == (["3"], None)
    at(school, "2030-08-15T08:00:00")
    within = school.plan(students(2))
    judged = guard(within, "member_removals")
    assert not judged["tripped"]
    assert judged["limits"] == ["100%"]
    assert judged["window"] == "roll-over 2030-08-10 to 2030-08-20T18:00:00-07:00"
    assert [line["guard"] for line in within.header["guards"] if line["window"]] == ["creates", "member_removals"]
    for name in ("console", "markdown"):
        text = " ".join("".join(RENDERERS[name](within.file, Page(width=200))).replace("\\", "").split())
        assert "limit 100% (roll-over 2030-08-10 to 2030-08-20T18:00:00-07:00)" in text
    at(school, "2030-08-16T08:00:00")
    applied, _ = school.apply(within)
    assert applied.complete


def test_a_rollover_may_be_stricter_and_set_the_minimum(school: World) -> None:
    window = SUMMER.replace("creates = 7", 'creates = "10%"\nminimum = 1')
    school.profile(guards=FREE + window)
    at(school, "2030-08-01T08:00:00")
    school.day(students(4))
    assert not guard(school.plan(students(6)), "creates")["tripped"]
    at(school, "2030-08-15T08:00:00")
    planned = school.plan(students(6))
    assert guard(planned, "creates")["tripped"]
    assert all(line["window"] for line in planned.header["guards"] if line["guard"] != "freeze")
