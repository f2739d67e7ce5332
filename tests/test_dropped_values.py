"""A value that cannot be read is not a blank: nothing else is put in its place, and nobody is taken for new by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.world import Roster, World

from provision.errors import RosterError

NEXT_IN_LINE = 'display_name = "{course} {term} {title} {school}"\nproperties = ["grade", "course", "term"]'
SESSIONS = {
    "T1": "T1,Autumn,term,2026,2026-08-24,2026-12-18",
    "T2": "T2,Spring,term,2026,2027-01-11,2027-06-11",
}


@dataclass
class Whole(Roster):
    """A roster with terms and a course too."""

    sessions: dict[str, str] = field(default_factory=lambda: dict(SESSIONS))
    course: str = "K,Arts,10,05"
    above: str = "10"

    def write(self, folder: Path) -> None:
        """Write seven files."""
        super().write(folder)
        sessions = ["sourcedId,title,type,schoolYear,startDate,endDate", *self.sessions.values(), ""]
        (folder / "academicSessions.csv").write_text("\n".join(sessions), encoding="utf-8")
        courses = f"sourcedId,title,orgSourcedId,subject\n{self.course}\n"
        (folder / "courses.csv").write_text(courses, encoding="utf-8")


def classes(**values: Any) -> Whole:  # fields of the roster
    """One class of two terms at a department of a school, with a course."""
    roster = Whole(**values)
    roster.person("T1", role="teacher").section("C1", "Algebra", org="M", teacher="T1")
    roster.orgs.append({"sourcedId": "M", "name": "Maths", "type": "department", "parentSourcedId": roster.above})
    roster.classes[0] |= {"sessionSourcedIds": "T1,T2", "courseSourcedId": "K"}
    return roster


def test_a_class_has_the_values_that_its_records_give(school: World) -> None:
    school.profile(sections=NEXT_IN_LINE)
    made = school.day(classes()).change("create:section:C1")["after"]
    assert made["display_name"] == "Arts Autumn Algebra North School"
    assert (made["term_id"], made["course_id"], made["course_subject"]) == ("T1", "K", "05")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"sessions": SESSIONS | {"T1": "T1,Autumn,term,2026,24.8.2026,2026-12-18"}}, id="term"),
        pytest.param({"sessions": {"T2": SESSIONS["T2"]}}, id="term-not-there"),
        pytest.param({"course": ",Arts,10,05"}, id="course"),
        pytest.param({"course": "K,Arts,10,five"}, id="subject"),
        pytest.param({"above": "1O"}, id="school"),
    ],
)
def test_what_cannot_be_read_about_a_class_changes_nothing_in_it(school: World, damage: dict[str, Any]) -> None:
    school.profile(sections=NEXT_IN_LINE)
    school.day(classes())
    assert school.plan(classes(**damage)).ids() == []


def test_a_class_without_a_term_loses_it_from_its_name(school: World) -> None:
    """A blank is no damage: the name is made of what is there."""
    school.profile(sections=NEXT_IN_LINE)
    school.day(classes())
    roster = classes()
    roster.classes[0]["sessionSourcedIds"] = ""
    assert school.plan(roster).change("update:section:C1")["after"] == {"display_name": "Algebra"}


def test_a_grade_that_cannot_be_read_does_not_give_way_to_that_of_another_role(school: World) -> None:
    school.profile(students='display_name = "{given} {family} {grade}"')
    roster = Roster().person("S1", grade="04")
    roster.roles.append({"userSourcedId": "S1", "orgSourcedId": "11", "role": "student", "grade": "05"})
    assert school.day(roster).change("create:user:S1")["after"]["grade"] == "04"
    roster.roles[0]["grade"] = "4x"
    planned = school.plan(roster)
    assert planned.ids() == []
    assert planned.header["roster"]["findings"]["warning"] == 1
    roster.roles[0]["grade"] = ""
    after = school.plan(roster).change("update:user:S1")["after"]
    assert (after["grade"], after["display_name"]) == ("05", "GivenS1 FamilyS1 05")


MATCH = 'source = "secondary_email", target = "mail"'


def by_mail(world: World) -> None:
    """Students are found by their secondary e-mail, and one of them has an account."""
    path = world.profile()
    text = path.read_text(encoding="utf-8")
    default = 'source = "username", target = "userPrincipalName", append_domain = "students.contoso.edu"'
    path.write_text(text.replace(default, MATCH), encoding="utf-8")
    world.tenant.add_user(
        userPrincipalName="ann@students.contoso.edu", displayName="GivenS1 FamilyS1", mailNickname="ann",
        mail="ann@contoso.edu",
    )  # fmt: skip


def test_who_is_found_by_the_value_that_the_profile_names_is_not_made_again(school: World) -> None:
    by_mail(school)
    assert school.plan(Roster().person("S1", email="ann@contoso.edu")).ids("user") == ["update:user:S1"]


@pytest.mark.parametrize(
    "value", ["ann@contoso.edu;ann@example.org", "mailto:ann@contoso.edu", "ann\u00a0@contoso.edu"]
)
def test_whose_account_cannot_be_looked_for_gets_no_second_one(school: World, value: str) -> None:
    by_mail(school)
    planned = school.plan(Roster().person("S1", email=value).person("S2", email="s2@contoso.edu"))
    assert planned.ids("user") == ["create:user:S2"]
    assert ("user:S1", "match-unread") in planned.noted("held")


def test_whose_account_is_known_otherwise_goes_on(school: World) -> None:
    by_mail(school)
    school.day(Roster().person("S1", email="ann@contoso.edu"))
    roster = Roster().person("S1", email="ann@contoso.edu;ann@example.org", givenName="Ann")
    assert school.plan(roster).change("update:user:S1")["after"] == {
        "display_name": "Ann FamilyS1",
        "given_name": "Ann",
    }


def test_a_roster_without_the_column_that_finds_accounts_stops_the_plan(school: World) -> None:
    by_mail(school)
    Roster().person("S1", email="ann@contoso.edu").write(school.folder / "roster")
    users = school.folder / "roster" / "users.csv"
    users.write_text(users.read_text(encoding="utf-8").replace(",email,", ",e-mail,"), encoding="utf-8")
    with pytest.raises(RosterError) as stopped:
        school.plan()
    assert "users.csv has no column for the secondary_email of a person" in stopped.value.details[0]


def test_a_username_that_fits_no_account_is_held_where_it_is_what_finds_them(school: World) -> None:
    school.profile(students='username = "{given}.{family}"')
    planned = school.plan(Roster().person("S1", username="a nn").person("S2"))
    assert planned.ids("user") == ["create:user:S2"]
    assert ("user:S1", "match-unread") in planned.noted("held")
