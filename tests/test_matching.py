"""Identity: one to one or nobody is written, and names decided in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.world import Roster, World


def account(school: World, upn: str, **values: object) -> str:
    """An account that was there before us."""
    return school.tenant.add_user(
        **{
            "userPrincipalName": upn,
            "displayName": upn,
            "mailNickname": upn.split("@")[0],
            "usageLocation": "US",
            **values,
        }
    )


def students(school: World, text: str, mode: str = "create") -> None:
    """Replace the students' match or username lines."""
    path = school.profile(mode=mode)
    lines = path.read_text(encoding="utf-8")
    head, rest = lines.split("[students]", 1)
    body, tail = rest.split("[staff]", 1)
    body = "\n".join(line for line in body.splitlines() if not line.startswith("match"))
    path.write_text(f"{head}[students]{body}\n{text}\n[staff]{tail}", encoding="utf-8")


@pytest.mark.parametrize(
    ("match", "person", "there"),
    [
        ('match = { source = "secondary_email", target = "mail" }', {"email": "Kim@old.example"},
         {"mail": "kim@OLD.example"}),
        ('match = { source = "source_id", target = "mailNickname" }', {}, {"mailNickname": "s1"}),
        ('match = { source = "username", target = "userPrincipalName", append_domain = "contoso.edu" }',
         {"username": "KIM"}, {}),
        ('match = { source = "username", target = "userPrincipalName", append_domain = "x.example" }',
         {"username": "kim@contoso.edu"}, {}),
    ],
)  # fmt: skip
def test_every_source_finds_its_target_without_regard_to_case(
    school: World, match: str, person: dict[str, str], there: dict[str, str]
) -> None:
    students(school, match, mode="existing")
    known = account(school, "kim@contoso.edu", **there)
    roster = Roster().person("S1", **{"username": "s1", **person})
    planned = school.plan(roster)
    assert planned.change("update:user:S1")["object_id"] == known


def test_an_anchor_wins_over_a_key(school: World) -> None:
    anchored = account(school, "old.name@contoso.edu", student={"externalId": "S1"}, primaryRole="student")
    account(school, "s1@students.contoso.edu")
    planned = school.day(Roster().person("S1"))
    assert planned.change("update:user:S1")["object_id"] == anchored


def test_two_accounts_with_one_anchor_are_a_conflict_and_nobody_is_written(school: World) -> None:
    for name in ("a@contoso.edu", "b@contoso.edu"):
        account(school, name, student={"externalId": "S1"}, primaryRole="student")
    planned = school.plan(Roster().person("S1").section("C1", students=["S1"]))
    assert planned.ids("user", "member") == []
    assert planned.noted("conflict") == {("user:S1", "match-ambiguous")}


def test_one_account_claimed_twice_is_a_conflict_for_both(school: World) -> None:
    account(school, "kim@students.contoso.edu")
    planned = school.plan(Roster().person("S1", username="kim").person("S2", username="KIM"))
    assert planned.ids("user") == []
    assert planned.noted("conflict") == {("user:S1", "match-claimed-twice"), ("user:S2", "match-claimed-twice")}


def test_an_account_with_somebody_elses_anchor_is_a_conflict(school: World) -> None:
    account(school, "s1@students.contoso.edu", student={"externalId": "S77"}, primaryRole="student")
    planned = school.plan(Roster().person("S1"))
    assert planned.ids("user") == []
    assert planned.noted("conflict") == {("user:S1", "match-other-anchor")}


def write_v1(folder: Path) -> None:
    """An SDS V1 roster in which everything bears the number 7."""
    folder.mkdir()
    for name, text in {
        "School": "SIS ID,Name\n10,North\n",
        "Student": "SIS ID,School SIS ID,Username,First Name,Last Name,Student Number\n7,10,kid,Kid,One,0042\n",
        "Teacher": "SIS ID,School SIS ID,Username,First Name,Last Name\n7,10,prof,Prof,One\n",
        "Section": "SIS ID,School SIS ID,Section Name\n7,10,Seven\n",
        "StudentEnrollment": "Section SIS ID,SIS ID\n7,7\n",
        "TeacherRoster": "Section SIS ID,SIS ID\n7,7\n",
    }.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def test_a_number_is_matched_as_text_with_its_zeros(school: World) -> None:
    students(school, 'match = { source = "number", target = "employeeId" }', mode="existing")
    known = account(school, "somebody@contoso.edu", employeeId="0042")
    account(school, "other@contoso.edu", employeeId="42")
    write_v1(school.folder / "roster")
    assert school.plan().change("update:user:student/7")["object_id"] == known


def test_v1_keeps_students_and_teachers_apart(school: World) -> None:
    write_v1(school.folder / "roster")
    planned = school.plan()
    assert planned.ids("user") == ["create:user:student/7", "create:user:teacher/7"]
    school.apply(planned)
    assert school.group("Section_7")["owners"] == ["prof@contoso.edu"]
    assert school.plan().ids() == []


def test_a_sign_in_name_that_somebody_else_has_is_held_not_guessed(school: World) -> None:
    students(school, 'match = { source = "source_id", target = "employeeId" }')
    account(school, "s1@students.contoso.edu")
    planned = school.plan(Roster().person("S1").person("S2", username="twin").person("S3", username="Twin"))
    assert planned.ids("user") == []
    assert planned.noted("held") >= {
        ("user:S1", "username-taken"),
        ("user:S2", "username-taken"),
        ("user:S3", "username-taken"),
    }


def test_alternatives_are_tried_in_order_and_counters_count(school: World) -> None:
    students(school, 'username = ["{given:1}{family}", "{given}.{family}{counter:2}"]')
    account(school, "alee@students.contoso.edu")
    roster = Roster()
    for id_, given in (("S1", "Ann"), ("S2", "Ann"), ("S3", "Ánne"), ("S4", "Bo")):
        roster.person(id_, username=f"x{id_}", givenName=given, familyName="Lee")
    planned = school.plan(roster)
    names = {
        change["key"]: change["after"]["user_principal_name"] for change in planned.changes if change["kind"] == "user"
    }
    assert names == {
        "user:S1": "ann.lee01@students.contoso.edu",
        "user:S2": "ann.lee02@students.contoso.edu",
        "user:S3": "anne.lee01@students.contoso.edu",
        "user:S4": "blee@students.contoso.edu",
    }


def test_sections_and_schools_are_found_by_their_anchor_alone(school: World) -> None:
    group = school.tenant.add_class(displayName="Old", mailNickname="whatever", externalId="C1")
    there = school.tenant.add_school(displayName="Old", externalId="10")
    school.tenant.add_group(displayName="Taken", mailNickname="Section_C2", groupTypes=["Unified"], mailEnabled=True)
    planned = school.plan(Roster().section("C1").section("C2"))
    assert planned.change("update:section:C1")["object_id"] == group
    assert planned.change("update:school:10")["object_id"] == there
    assert "create:section:C2" not in planned.ids()
    assert ("section:C2", "alias-taken") in planned.noted("held")


def test_licences_stop_at_the_last_seat_and_name_who_goes_without(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]')
    sku = school.tenant.sku("STANDARDWOFFPACK_STUDENT")
    sku["prepaidUnits"] = {**sku["prepaidUnits"], "enabled": 2}
    planned = school.plan(Roster().people("S1", "S2", "S3"))
    assert planned.ids("license") == [
        "add:license:S1/STANDARDWOFFPACK_STUDENT",
        "add:license:S2/STANDARDWOFFPACK_STUDENT",
    ]
    assert planned.noted("held") == {("license:S3/STANDARDWOFFPACK_STUDENT", "no-seat")}
    assert planned.header["licenses"][0]["short"] == 1


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"licenses": '["NO_SUCH_SKU"]'}, "no licence NO_SUCH_SKU"),
        ({"licenses": '["STANDARDWOFFPACK_STUDENT"]',
          "students": 'disabled_plans = { STANDARDWOFFPACK_STUDENT = ["NO_PLAN"] }'}, "no service plan NO_PLAN"),
    ],
)  # fmt: skip
def test_what_the_tenant_does_not_have_stops_the_plan(school: World, profile: dict[str, str], words: str) -> None:
    from provision.errors import DirectoryError

    school.profile(**profile)
    with pytest.raises(DirectoryError, match=words):
        school.plan(Roster().person("S1"))


def test_a_domain_that_is_not_verified_stops_the_plan(school: World) -> None:
    from provision.errors import DirectoryError

    path = school.profile()
    path.write_text(
        path.read_text(encoding="utf-8").replace('domain = "contoso.edu"', 'domain = "other.example"'), encoding="utf-8"
    )
    with pytest.raises(DirectoryError) as stopped:
        school.plan(Roster().person("S1"))
    assert 'staff.domain = "other.example"' in stopped.value.details


def test_a_display_name_that_cannot_be_made_is_held_in_the_plan(school: World) -> None:
    students(school, 'display_name = "{given} {number}"')
    planned = school.plan(Roster().person("S1").section("C1", students=["S1"]))
    assert planned.ids("user", "member") == []
    assert planned.noted("held") == {("user:S1", "display-name-missing")}
