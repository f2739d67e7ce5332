"""Every lifecycle rule, through the real SDK onto the tenant: what is planned, what is written, what stays."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import datetime, timedelta, timezone

import pytest
from support.world import Roster, World

from provision.plan.lifecycle import RULES

STUDENT = "s{}@students.contoso.edu"


def day_one() -> Roster:
    """Two sections of one school, three students, two teachers."""
    return (
        Roster()
        .people("S1", "S2", "S3", grade="09")
        .person("T1", role="teacher")
        .person("T2", role="teacher")
        .section("C1", "Algebra", teacher="T1", students=["S1", "S2"])
        .section("C2", "Botany", teacher="T2", students=["S2", "S3"])
    )


def test_l1_new_person_in_create_mode_is_matched_else_created_and_licensed(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]')
    known = school.tenant.add_user(
        userPrincipalName="S1@students.contoso.edu", displayName="Given S1", mailNickname="s1", usageLocation="US"
    )
    planned = school.day(day_one())
    assert planned.change("update:user:S1")["object_id"] == known
    assert "create:user:S2" in planned.ids()
    assert planned.change("create:user:S2")["cause"] == {"rule": "L1", "file": "users.csv", "record": 3, "field": None}
    assert school.user("s2@students.contoso.edu")["licenses"] == ["STANDARDWOFFPACK_STUDENT"]
    assert school.user("S1@students.contoso.edu")["licenses"] == ["STANDARDWOFFPACK_STUDENT"]
    assert school.user("S1@students.contoso.edu")["passwords"] == 0


def test_l1_new_person_in_existing_mode_is_left_out_with_the_memberships(school: World) -> None:
    school.profile(mode="existing")
    school.tenant.add_user(userPrincipalName="s1@students.contoso.edu", displayName="Ann", mailNickname="s1")
    planned = school.day(day_one())
    assert not [id_ for id_ in planned.ids("user") if id_.startswith("create")]
    assert ("user:S2", "L1") in planned.noted("unmatched")
    assert planned.ids("member") == ["add:member:C1/S1"]


def test_l2_changed_attribute_is_updated_only_if_the_profile_selects_it(school: World) -> None:
    school.day(day_one())
    roster = day_one()
    roster.roles[0]["grade"] = "10"
    roster.users[1]["givenName"] = "Bea"
    roster.users[2]["phone"] = "+15550100"
    planned = school.day(roster)
    assert planned.ids() == ["update:user:S1", "update:user:S2"]
    change = planned.change("update:user:S1")
    # the student's data is one value on the wire, so its anchor is sent along
    assert change["before"] == {"student_id": "S1", "grade": "09"}
    assert change["after"] == {"student_id": "S1", "grade": "10"}
    assert change["cause"] == {"rule": "L2", "file": "users.csv", "record": 2, "field": "grade"}
    assert school.user("s1@students.contoso.edu")["student"]["grade"] == "10"
    assert school.user("s2@students.contoso.edu")["givenName"] == "Bea"


def test_l2_a_blank_never_clears_a_value(school: World) -> None:
    school.day(day_one())
    roster = day_one()
    for role in roster.roles:
        role["grade"] = ""
    assert school.plan(roster).ids() == []


def test_l3_student_who_joins_a_section_is_added(school: World) -> None:
    school.day(day_one())
    planned = school.day(day_one().enroll("C1", "S3"))
    assert planned.ids() == ["add:member:C1/S3"]
    assert planned.changes[0]["cause"]["rule"] == "L3"
    assert "s3@students.contoso.edu" in school.group("Section_C1")["members"]


def test_l4_student_who_leaves_a_section_is_removed_if_the_roster_put_them_there(school: World) -> None:
    school.day(day_one())
    roster = day_one()
    roster.enrollments = [
        row for row in roster.enrollments if (row["classSourcedId"], row["userSourcedId"]) != ("C1", "S2")
    ]
    planned = school.day(roster)
    assert planned.ids() == ["remove:member:C1/S2"]
    assert planned.changes[0]["cause"]["rule"] == "L4"
    assert school.group("Section_C1")["members"] == ["s1@students.contoso.edu", "t1@contoso.edu"]
    assert "s2@students.contoso.edu" in school.group("Section_C2")["members"]
    deletes = [path for method, path in school.writes() if method == "DELETE"]
    assert len(deletes) == 1
    assert re.fullmatch(r"/groups/[0-9a-f-]{36}/members/[0-9a-f-]{36}/\$ref", deletes[0])


def test_l4_an_unreadable_record_holds_what_it_speaks_of(school: World) -> None:
    school.day(day_one())
    roster = day_one()
    roster.users[1]["sourcedId"] = "S1"  # S2's row now bears another's id: both are in doubt
    planned = school.plan(roster)
    assert not [change for change in planned.changes if change["action"] == "remove"]
    assert planned.header["notes"]["held"] >= 1
    roster = day_one()
    roster.enrollments[1]["userSourcedId"] = ""  # S2's row of C1 lost its student
    assert not [change for change in school.plan(roster).changes if change["action"] == "remove"]


def test_l4_without_a_ledger_nobody_is_removed(school: World) -> None:
    school.day(day_one())
    for path in school.state.glob("*.duckdb*"):
        path.unlink()
    roster = day_one()
    roster.enrollments = [row for row in roster.enrollments if row["role"] == "teacher"]
    planned = school.plan(roster)
    assert planned.ids() == []
    assert ("member:C1/S2", "L14") in planned.noted("kept")


def test_l5_teacher_who_joins_becomes_owner_and_member(school: World) -> None:
    school.day(day_one())
    planned = school.day(day_one().enroll("C1", "T2", "teacher"))
    assert planned.ids() == ["add:owner:C1/T2", "add:member:C1/T2"]
    assert {change["cause"]["rule"] for change in planned.changes} == {"L5"}
    group = school.group("Section_C1")
    assert group["owners"] == ["t1@contoso.edu", "t2@contoso.edu"]
    assert "t2@contoso.edu" in group["members"]


def test_l6_teacher_who_leaves_stays_and_is_reported(school: World) -> None:
    school.day(day_one())
    roster = day_one().enroll("C1", "T2", "teacher")
    roster.enrollments = [
        row for row in roster.enrollments if (row["classSourcedId"], row["userSourcedId"]) != ("C1", "T1")
    ]
    planned = school.day(roster)
    assert ("owner:C1/T1", "L6") in planned.noted("kept")
    assert not [change for change in planned.changes if change["action"] == "remove"]
    assert school.group("Section_C1")["owners"] == ["t1@contoso.edu", "t2@contoso.edu"]


def test_l7_person_gone_keeps_account_licence_and_school_but_leaves_living_sections(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]')
    school.day(day_one())
    roster = day_one()
    for table, column in (
        (roster.users, "sourcedId"),
        (roster.roles, "userSourcedId"),
        (roster.enrollments, "userSourcedId"),
    ):
        table[:] = [row for row in table if row[column] != "S2"]
    planned = school.day(roster)
    assert planned.ids() == ["remove:member:C1/S2", "remove:member:C2/S2"]
    assert ("user:S2", "L7") in planned.noted("kept")
    gone = school.user("s2@students.contoso.edu")
    assert gone["accountEnabled"] is True
    assert gone["licenses"] == ["STANDARDWOFFPACK_STUDENT"]
    assert "s2@students.contoso.edu" in school.tenant.dump()["schools"][0]["users"]


def test_l8_section_gone_keeps_group_and_members_and_is_dormant(school: World) -> None:
    school.day(day_one())
    before = school.group("Section_C2")
    roster = day_one()
    roster.classes = [row for row in roster.classes if row["sourcedId"] != "C2"]
    roster.enrollments = [row for row in roster.enrollments if row["classSourcedId"] != "C2"]
    planned = school.day(roster)
    assert planned.ids() == []
    assert planned.noted("dormant") == {("section:C2", "L8")}
    assert school.group("Section_C2") == before


def test_l8_section_out_of_the_profiles_scope_is_dormant_too(school: World) -> None:
    school.day(day_one().section("C9", "Art", org="11"))
    path = school.profile()
    path.write_text(
        path.read_text(encoding="utf-8").replace('path = "roster"', 'path = "roster"\nschools = ["10"]'),
        encoding="utf-8",
    )
    planned = school.plan(day_one().section("C9", "Art", org="11"))
    assert planned.noted("dormant") == {("section:C9", "L8")}
    assert planned.ids() == []


def test_l9_school_gone_is_kept(school: World) -> None:
    school.day(day_one())
    before = school.tenant.dump()["schools"]
    roster = day_one()
    roster.orgs = [row for row in roster.orgs if row["sourcedId"] != "11"]
    planned = school.day(roster)
    assert planned.ids() == []
    assert ("school:11", "L9") in planned.noted("kept")
    assert school.tenant.dump()["schools"] == before


def moved() -> Roster:
    """S1 is at the other school now."""
    roster = day_one()
    roster.roles[0]["orgSourcedId"] = "11"
    return roster


def test_l10_student_who_moves_is_added_and_stays_in_the_old_school(school: World) -> None:
    school.day(day_one())
    planned = school.day(moved())
    assert planned.ids() == ["add:school_user:11/S1"]
    assert planned.changes[0]["cause"]["rule"] == "L10"
    assert ("school_user:10/S1", "L10") in planned.noted("kept")
    schools = {made["externalId"]: made["users"] for made in school.tenant.dump()["schools"]}
    assert all("s1@students.contoso.edu" in users for users in schools.values())
    assert school.plan(moved()).ids() == []


def test_l10_a_school_that_is_in_doubt_loses_nobody(school: World) -> None:
    """Its links are known from the day before; what is set aside is not written all the same."""
    school.profile(schools='moves = "move"')
    before = Roster().people("S1", "S2").person("S3", org="11")
    school.day(before)
    assert school.plan(before).changes == []
    school.tenant.add_school(displayName="North School", externalId="10")
    planned = school.plan(Roster().people("S2").person("S1", org="11").person("S3", org="11"))
    assert ("school:10", "match-ambiguous") in planned.noted("conflict")
    assert planned.ids("school_user") == ["add:school_user:11/S1"]


def test_l10_with_move_the_student_leaves_the_old_school_and_its_group(school: World) -> None:
    school.profile(schools='moves = "move"', school_groups='per_school = ["students"]')
    school.day(day_one())
    planned = school.day(moved())
    assert sorted(planned.ids()) == [
        "add:group_member:11/students/S1",
        "add:school_user:11/S1",
        "remove:group_member:10/students/S1",
        "remove:school_user:10/S1",
    ]
    schools = {made["externalId"]: made["users"] for made in school.tenant.dump()["schools"]}
    assert "s1@students.contoso.edu" not in schools["10"]
    assert "s1@students.contoso.edu" in schools["11"]
    assert school.plan(moved()).ids() == []


def test_l10_staff_stay_in_every_school_even_with_move(school: World) -> None:
    school.profile(schools='moves = "move"')
    school.day(day_one())
    roster = day_one()
    roster.roles[3]["orgSourcedId"] = "11"
    assert school.day(roster).ids() == ["add:school_user:11/T1"]


def test_l11_renamed_section_is_renamed(school: World) -> None:
    school.day(day_one())
    roster = day_one()
    roster.classes[0]["title"] = "Algebra I"
    planned = school.day(roster)
    assert planned.ids() == ["update:section:C1"]
    assert planned.changes[0]["cause"]["rule"] == "L11"
    assert school.group("Section_C1")["displayName"] == "Algebra I"


def test_l11_teachers_own_the_name_after_the_first_sync(school: World) -> None:
    school.profile(sections="teachers_own_name = true")
    school.day(day_one())
    assert school.group("Section_C1")["displayName"] == "Algebra"
    roster = day_one()
    roster.classes[0]["title"] = "Algebra I"
    planned = school.day(roster)
    assert planned.change("update:section:C1")["after"] == {"external_name": "Algebra I"}
    assert school.group("Section_C1")["displayName"] == "Algebra"


def test_l12_before_the_start_date_students_wait(school: World) -> None:
    tomorrow = datetime.now(timezone.utc).date() + timedelta(days=2)
    school.profile(sections=f'student_start = "{tomorrow}"')
    planned = school.day(day_one())
    assert planned.ids("member") == ["add:member:C1/T1", "add:member:C2/T2"]
    assert ("member:C1/S1", "L12") in planned.noted("deferred")
    school.profile(sections=f'student_start = "{datetime.now(timezone.utc).date()}"')
    planned = school.day(day_one())
    assert "add:member:C1/S1" in planned.ids()
    school.profile(sections=f'student_start = "{tomorrow}"')
    assert school.plan(day_one()).ids() == []  # moved to later: nobody is removed


def test_l13_who_comes_back_gets_the_same_object(school: World) -> None:
    school.day(day_one())
    before = {user["userPrincipalName"]: user["id"] for user in school.tenant.dump()["users"]}
    group = school.group("Section_C2")["id"]
    roster = day_one()
    roster.users = [row for row in roster.users if row["sourcedId"] != "S3"]
    roster.roles = [row for row in roster.roles if row["userSourcedId"] != "S3"]
    roster.classes = roster.classes[:1]
    roster.enrollments = [row for row in roster.enrollments if row["classSourcedId"] == "C1"]
    school.day(roster)
    back = day_one()
    back.users[2]["username"] = "renamed"  # found by the anchor, not by the name
    planned = school.day(back)
    assert planned.ids() == []
    assert {user["userPrincipalName"]: user["id"] for user in school.tenant.dump()["users"]} == before
    assert school.group("Section_C2")["id"] == group


def test_l14_member_added_by_hand_is_never_removed(school: World) -> None:
    school.day(day_one())
    guest = school.tenant.add_user(userPrincipalName="guest@contoso.edu", displayName="Guest", mailNickname="guest")
    school.tenant.add_member(school.group("Section_C1")["id"], guest)
    planned = school.day(day_one())
    assert planned.ids() == []
    assert (f"member:C1/{guest}", "L14") in planned.noted("kept")
    assert "guest@contoso.edu" in school.group("Section_C1")["members"]


def test_l14_a_student_added_by_hand_before_us_is_not_ours(school: World) -> None:
    school.day(day_one())
    school.tenant.add_member(school.group("Section_C1")["id"], school.user("s3@students.contoso.edu")["id"])
    school.day(day_one().enroll("C1", "S3"))
    planned = school.day(day_one())
    assert planned.ids() == []
    assert ("member:C1/S3", "L14") in planned.noted("kept")


def test_l14_unless_the_profile_adopts_them(school: World) -> None:
    school.day(day_one())
    for path in school.state.glob("*.duckdb*"):
        path.unlink()
    school.profile(sections="adopt_members = true")
    school.day(day_one())
    roster = day_one()
    roster.enrollments = [
        row for row in roster.enrollments if (row["classSourcedId"], row["userSourcedId"]) != ("C1", "S2")
    ]
    assert school.day(roster).ids() == ["remove:member:C1/S2"]


def test_l15_synced_user_keeps_mastered_attributes_and_gets_memberships(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]')
    school.tenant.add_user(
        userPrincipalName="s1@students.contoso.edu", displayName="From AD", mailNickname="s1",
        givenName="GivenS1 Old", surname="Name", onPremisesSyncEnabled=True,
    )  # fmt: skip
    planned = school.day(day_one())
    after = planned.change("update:user:S1")["after"]
    assert "display_name" not in after
    assert after["student_id"] == "S1"
    kept = next(note for note in planned.notes if note["cause"]["rule"] == "L15")
    assert (kept["key"], kept["cause"]["field"]) == ("user:S1", "display_name, given_name, family_name")
    user = school.user("s1@students.contoso.edu")
    assert (user["displayName"], user["licenses"]) == ("From AD", ["STANDARDWOFFPACK_STUDENT"])
    assert "s1@students.contoso.edu" in school.group("Section_C1")["members"]


def test_l16_protected_accounts_are_never_written_but_may_teach(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', protect='users = ["s1@students.contoso.edu"]')
    for name in ("t1@contoso.edu", "s1@students.contoso.edu"):
        school.tenant.add_user(userPrincipalName=name, displayName="As it was", mailNickname=name.split("@")[0])
    school.tenant.assign_role(school.user("t1@contoso.edu")["id"])
    before = [school.user("t1@contoso.edu"), school.user("s1@students.contoso.edu")]
    planned = school.day(day_one())
    assert planned.noted("protected") == {("user:T1", "L16"), ("user:S1", "L16")}
    assert [school.user("t1@contoso.edu"), school.user("s1@students.contoso.edu")] == before
    assert school.group("Section_C1")["owners"] == ["t1@contoso.edu"]


def test_every_rule_of_the_table_has_a_test_that_names_it() -> None:
    tested = {name.split("_")[1].upper() for name in globals() if re.match(r"test_l\d+_", name)}
    assert {rule.id for rule in RULES if rule.id.startswith("L")} == tested == {f"L{n}" for n in range(1, 17)}


def test_hand_removals_are_restored_or_respected(school: World) -> None:
    school.day(day_one())
    group, user = school.group("Section_C1")["id"], school.user("s1@students.contoso.edu")["id"]
    school.tenant.remove_member(group, user)
    assert school.day(day_one()).ids() == ["add:member:C1/S1"]
    school.tenant.remove_member(group, user)
    school.profile(sections='hand_removals = "respect"')
    planned = school.plan(day_one())
    assert planned.ids() == []
    assert ("member:C1/S1", "hand-removal") in planned.noted("kept")


def test_an_id_in_another_case_in_one_section_still_names_who_sits_in_it(school: World) -> None:
    roster = Roster().people("S1", "S2").person("T1", role="teacher")
    roster.section("C1", teacher="T1", students=["S1", "S2"]).section("C2", teacher="T1", students=["S1"])
    school.profile(sections='hand_removals = "respect"')
    school.day(roster)
    school.tenant.remove_member(school.group("Section_C1")["id"], school.user("s1@students.contoso.edu")["id"])
    assert school.day(roster).ids() == []
    other = deepcopy(roster)
    for each in other.enrollments:
        if (each["classSourcedId"], each["userSourcedId"]) == ("C1", "S1"):
            each["userSourcedId"] = "s1"
    assert school.day(other).ids() == []
    planned = school.plan(roster)
    assert planned.ids() == []
    assert ("member:C1/S1", "hand-removal") in planned.noted("kept")


def test_an_object_deleted_by_hand_is_held_until_it_is_accepted_by_name(school: World) -> None:
    school.day(day_one())
    school.tenant.delete_group(school.group("Section_C2")["id"])
    school.tenant.delete_user(school.user("s3@students.contoso.edu")["id"])
    planned = school.plan(day_one())
    assert planned.ids() == []
    assert {("section:C2", "deleted-by-hand"), ("user:S3", "deleted-by-hand")} <= planned.noted("held")
    planned = school.plan(day_one(), recreate=["section:C2"])
    assert "create:section:C2" in planned.ids()
    assert "create:user:S3" not in planned.ids()


@pytest.mark.parametrize("gone", ["enrollments", "classes"])
def test_a_file_that_was_there_and_is_empty_now_stops_the_plan(school: World, gone: str) -> None:
    from provision.errors import RosterError

    school.day(day_one())
    roster = day_one()
    setattr(roster, gone, [])
    with pytest.raises(RosterError) as stopped:
        school.plan(roster)
    assert f"{gone}.csv" in json.dumps(stopped.value.details)
    planned = school.plan(roster, accept_missing=["enrollments.csv", "classes.csv"])
    assert {change["action"] for change in planned.changes} <= {"remove"}


def test_l6_an_aide_who_leaves_stays_and_is_reported(school: World) -> None:
    school.day(day_one().person("A1", role="paraprofessional").enroll("C1", "A1", "aide"))
    planned = school.day(day_one().person("A1", role="paraprofessional"))
    assert planned.ids() == []
    assert ("member:C1/A1", "L6") in planned.noted("kept")
    assert "a1@contoso.edu" in school.group("Section_C1")["members"]
