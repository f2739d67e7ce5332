"""Why something is planned about a key, and why something is not: on a plan file and on the live state."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.world import Planned, Roster, World

from provision.apply.approval import beside
from provision.cli import main
from provision.cli.road import Allowances, draft_of, write_draft
from provision.cli.templates import templates
from provision.errors import UnknownKey
from provision.plan import standing
from provision.plan.explain import Explanation, explain
from provision.plan.planfile import PlanFile
from provision.profile import load_profile
from provision.reports import Page, explanation
from provision.reports.wording import license_lines
from provision.store import in_memory

pytestmark = pytest.mark.once

LICENSED = '["STANDARDWOFFPACK_STUDENT"]'


@dataclass(frozen=True)
class Told:
    """What is said of one subject: ids of changes, (what, key, rule) of notes, and the facts by name."""

    changes: list[str]
    notes: set[tuple[str, str, str]]
    facts: dict[str, list[dict[str, Any]]]
    text: str


def told(found: Explanation) -> dict[str, Told]:
    """Every subject of an explanation; the JSON says what the lines and facts say."""
    document = json.loads("".join(explanation.render_json(found, Page())))
    text = "".join(explanation.render(found, Page(most=None)))
    said = {}
    for subject in document["subjects"]:
        facts: dict[str, list[dict[str, Any]]] = {}
        for fact in subject["facts"]:
            facts.setdefault(fact["fact"], []).append({**fact["said"], "file": fact["file"], "record": fact["record"]})
        notes = {(note["what"], note["key"], note["cause"]["rule"]) for note in subject["notes"]}
        said[subject["key"]] = Told([change["id"] for change in subject["changes"]], notes, facts, text)
    assert list(said) == list(found.subjects)
    return said


def of_plan(plan: Planned, asked: str) -> dict[str, Told]:
    return told(explain(in_memory(), plan.file, asked))


def today(school: World, roster: Roster | Path, *asked: str, **allow: list[str]) -> dict[str, dict[str, Told]]:
    """What is said of each of these, if it is planned now."""
    if isinstance(roster, Roster):
        roster.write(school.folder / "roster")
    path = roster if isinstance(roster, Path) else None
    with school.run() as run:
        allowed = Allowances(**{name: frozenset(names) for name, names in allow.items()})
        plan = write_draft(run, *asyncio.run(draft_of(run, path, allowed)), school.folder / "anew.jsonl")
        return {each: told(explain(run.store, plan, each, run.profile)) for each in asked}


def one(school: World, roster: Roster, asked: str) -> Told:
    (said,) = today(school, roster, asked)[asked].values()
    return said


def first() -> Roster:
    roster = Roster().person("T1", role="teacher").person("T2", role="teacher").people("S1", "S2", "S3", grade="07")
    return roster.section("C1", teacher="T1", students=["S1", "S2"]).section("C2", teacher="T2", students=["S3"])


def second() -> Roster:
    """S1 has another grade, S2 has left C1, S4 is new and in C1."""
    roster = first()
    roster.roles[2]["grade"] = "08"
    del roster.enrollments[2]
    return roster.person("S4").enroll("C1", "S4")


def without(roster: Roster, person: str = "", section: str = "", org: str = "") -> Roster:
    roster.users = [row for row in roster.users if row["sourcedId"] != person]
    roster.roles = [row for row in roster.roles if row["userSourcedId"] != person]
    roster.classes = [row for row in roster.classes if row["sourcedId"] != section]
    roster.enrollments = [row for row in roster.enrollments
                          if row["userSourcedId"] != person and row["classSourcedId"] != section]  # fmt: skip
    roster.orgs = [row for row in roster.orgs if row["sourcedId"] != org]
    return roster


def scope(school: World, *schools: str) -> None:
    """Only these schools."""
    path = school.folder / "profile.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('path = "roster"', f'path = "roster"\nschools = {json.dumps(schools)}'), encoding="utf-8"
    )


# -- why it is planned


def test_a_person_by_any_name(school: World) -> None:
    """Key, id, change id, sign-in name and Microsoft's id, whatever the case: the plan has all that is about them."""
    school.profile(licenses=LICENSED)
    school.day(first())
    plan = school.plan(second())
    new = ["create:user:S4", "add:license:S4/STANDARDWOFFPACK_STUDENT", "add:member:C1/S4", "add:school_user:10/S4"]
    for name in ("user:S4", "s4", "create:user:S4", "S4@Students.Contoso.EDU", " S4 "):
        assert {key: said.changes for key, said in of_plan(plan, name).items()} == {"user:S4": new}, name
    assert of_plan(plan, "S2")["user:S2"].changes == ["remove:member:C1/S2"]
    assert of_plan(plan, school.user("s1@students.contoso.edu")["id"])["user:S1"].changes == ["update:user:S1"]
    text = of_plan(plan, "S4")["user:S4"].text
    assert "add    member:C1/S4  (L3, enrollments.csv row 6)  after create:user:S4" in text
    assert "L3: a student joins a section: member added" in text
    assert "(L2, users.csv row 4, grade)" in of_plan(plan, "S1")["user:S1"].text
    # the account that is there: by its names in Microsoft 365, which no plan repeats
    said = today(school, second(), "s1", "S1@students.contoso.edu", school.user("s1@students.contoso.edu")["id"])
    assert [list(each) for each in said.values()] == [["user:S1"]] * 3


def test_a_person_today(school: World) -> None:
    school.day(first())
    said = today(school, second(), "S1", "S3", "S4", "member:C1/S1")
    (known,), (same,), (new,), (link,) = (each.values() for each in said.values())
    assert known.changes == ["update:user:S1"]
    assert "as-wanted" not in known.facts
    assert known.facts["in-roster"] == [{"file": "users.csv", "record": 4}]
    assert known.facts["role"] == [
        {"role": "student", "org": "10", "name": "North School", "file": "roles.csv", "record": 4}
    ]
    (matched,), (ledger,) = known.facts["matched"], known.facts["ledger"]
    assert (matched["account"], matched["by"]) == ("s1@students.contoso.edu", "anchor")
    assert ledger["object_id"] == matched["object_id"] == school.user("s1@students.contoso.edu")["id"]
    assert ledger["account"] == matched["account"]
    assert (same.changes, same.notes) == ([], set())
    assert "user:S3: nothing is planned." in same.text
    assert "Its own values are as wanted already." in same.text
    assert {(each["kind"], each["number"]) for each in same.facts["links-as-wanted"]} == {
        ("member", 1),
        ("school_user", 1),
    }
    assert {"no-account", "not-in-ledger"} <= set(new.facts)
    assert link.changes == []  # that the grade of its person changes is no matter of the membership
    assert set(link.facts) == {"enrolled", "link-as-wanted", "link-ours"}


def test_a_section_has_its_people_counted_and_a_school_its_units_and_groups(school: World) -> None:
    school.profile(school_groups='per_school = ["students"]\nall = ["teachers"]')
    roster = first().people(*(f"N{number:02}" for number in range(30)))
    for number in range(30):
        roster.enroll("C1", f"N{number:02}")
    plan = school.plan(roster)
    (said,) = of_plan(plan, "c1").values()
    assert len(said.changes) == 1 + 1 + 33 + 1
    assert said.changes[0] == "create:section:C1"
    assert "  32 member to add\n  L3:" in said.text
    assert "  1 owner to add\n  L5:" in said.text
    short = "".join(explanation.render(explain(in_memory(), plan.file, "c1"), Page(most=25)))
    assert "… and 7 more; --all lists them" in short
    assert short.count("member:C1/") == 25 + 1  # and T1, by another rule
    (said,) = of_plan(plan, "10").values()
    assert {"create:school:10", "create:school_group:10/students", "add:group_member:10/students/S1",
            "add:school_user:10/T1", "add:school_section:10/C1"} <= set(said.changes)  # fmt: skip
    assert not any(change.startswith(("add:member", "add:group_member:teachers")) for change in said.changes)
    assert "All that is planned at this school" in said.text
    assert "add:group_member:teachers/T1" in of_plan(plan, "school_group:teachers")["school_group:teachers"].changes


def test_every_key_of_a_plan_is_explained_and_every_link_has_its_ends(school: World) -> None:
    """Also where ids have slashes and percent signs: each line is found by its key, and by each of its ends."""
    school.profile(licenses=LICENSED, school_groups='per_school = ["students"]')
    roster = Roster()
    roster.orgs.append({"sourcedId": "1/0%2F", "name": "Odd", "type": "school", "parentSourcedId": "D"})
    roster.person("T/1", role="teacher", org="1/0%2F", username="t1").person("S/%25", org="1/0%2F", username="s25")
    roster.section("C1", org="1/0%2F", teacher="T/1", students=["S/%25"])
    plan = school.plan(roster.person("S9").enroll("C1", "S9"))
    assert {change["kind"] for change in plan.changes} == {
        "user", "license", "school", "section", "school_group", "owner", "member", "school_user", "school_section",
        "group_member",
    }  # fmt: skip
    store = in_memory()
    for line in (*plan.changes, *plan.notes):
        ends = {value for value in (line.get("after") or {}).values() if re.match(r"[a-z_]+:", str(value))}
        for asked in {line["key"], *ends}:
            found = explain(store, plan.file, asked)
            assert found.subjects == (asked,)
            said = [each for type_ in ("change", "note") for group in found.groups(asked, type_)
                    for each in found.lines(asked, group)]  # fmt: skip
            assert {name: value for name, value in line.items() if name != "type"} in said


# -- why it is not


def test_what_is_held_says_its_record_and_finding(school: World) -> None:
    roster = first()
    roster.users[2]["givenName"] = ""
    said = today(school, roster, "S1", "member:C1/S1")
    person, link = said["S1"]["user:S1"], said["member:C1/S1"]["member:C1/S1"]
    assert (person.changes, link.changes) == ([], ["create:section:C1"])
    assert person.notes == link.notes == {("held", "user:S1", "name-missing"), ("held", "member:C1/S1", "name-missing")}
    assert person.facts["held"] == [{"rule": "name-missing", "file": "users.csv", "record": 4}]
    (finding,) = (each for each in person.facts["finding"] if each["rule"] == "name-missing")
    assert (finding["file"], finding["record"], finding["field"]) == ("users.csv", 4, "givenName")
    assert "not-in-roster" not in person.facts
    assert "name-missing: A person whose account may have to be created has no first or last name" in person.text
    assert of_plan(school.plan(roster), "S1")["user:S1"].notes == person.notes


def test_out_of_scope_in_the_roster_only_as_another_thing_and_nowhere_at_all(school: World) -> None:
    scope(school, "10")
    roster = first().person("S8", org="11").section("C8", org="11", students=["S8", "S1"]).enroll("C1", "S8")
    roster.users.append({"sourcedId": "S9", "username": "s9", "givenName": "No", "familyName": "Role"})
    said = today(school, roster, "S8", "C8", "school:11", "D", "S9", "S1", "C1")
    for asked, key in (("S8", "user:S8"), ("C8", "section:C8"), ("school:11", "school:11")):
        assert (said[asked][key].changes, said[asked][key].notes) == ([], set())
        assert [fact["schools"] for fact in said[asked][key].facts["out-of-scope"]] == [["10"]]
    assert said["D"]["school:D"].facts["no-school"][0]["type"] == "district"
    assert "no-role" in said["S9"]["user:S9"].facts
    assert [(fact["key"], fact["end"], fact["rule"]) for fact in said["S1"]["user:S1"].facts["link-left-out"]] == [
        ("member:C8/S1", "section:C8", None)
    ]
    (left_out,) = said["C1"]["section:C1"].facts["link-left-out"]
    assert (left_out["key"], left_out["end"], left_out["record"]) == ("member:C1/S8", "user:S8", 9)


def test_contacts_get_no_account(school: World) -> None:
    said = today(school, templates() / "rosters" / "oneroster-small", "u-3001")["u-3001"]["user:u-3001"]
    assert (said.changes, said.notes) == ([], set())
    assert "contact-only" in said.facts
    assert "out-of-scope" not in said.facts


def test_an_id_that_a_student_and_a_teacher_share(school: World) -> None:
    said = today(school, templates() / "rosters" / "sds-v1-small", "00100")["00100"]
    assert list(said) == ["user:student/00100", "user:teacher/00100"]
    assert "add:member:031/student/00100" in said["user:student/00100"].changes
    assert [fact["role"] for fact in said["user:teacher/00100"].facts["role"]] == ["teacher"]


def test_what_the_lifecycle_keeps(school: World) -> None:
    """L6, L7, L8, L9 and L14: gone from the roster, or put there by hand."""
    school.day(first())
    guest = school.tenant.add_user(userPrincipalName="guest@contoso.edu", displayName="Guest", mailNickname="guest")
    school.tenant.add_member(school.group("Section_C1")["id"], guest)
    roster = without(first(), person="S3", section="C2", org="11")
    roster.enrollments = [row for row in roster.enrollments if row["userSourcedId"] != "T1"]
    said = today(school, roster, "S3", "C2", "11", "T1", "owner:C1/T1", "guest@contoso.edu", "C1", "member:C2/S3")
    assert said["S3"]["user:S3"].notes == {("kept", "user:S3", "L7")}
    assert {"not-in-roster", "ledger"} <= set(said["S3"]["user:S3"].facts)
    assert said["C2"]["section:C2"].notes == {("dormant", "section:C2", "L8")}
    assert said["member:C2/S3"]["member:C2/S3"].notes == {
        ("dormant", "section:C2", "L8"),
        ("kept", "user:S3", "L7"),
    }
    assert "link-not-there" not in said["member:C2/S3"]["member:C2/S3"].facts  # a dormant section is not read
    assert said["11"]["school:11"].notes == {("kept", "school:11", "L9")}
    assert ("kept", "owner:C1/T1", "L6") in said["T1"]["user:T1"].notes
    owner = said["owner:C1/T1"]["owner:C1/T1"]
    assert owner.notes == {("kept", "owner:C1/T1", "L6")}
    assert set(owner.facts) == {"not-enrolled", "link-there", "link-ours"}
    (by_hand,) = said["guest@contoso.edu"].values()
    assert by_hand.notes == {("kept", f"member:C1/{guest}", "L14")}
    assert [fact["account"] for fact in by_hand.facts["nobody"]] == ["guest@contoso.edu"]
    assert not {"not-in-roster", "not-in-ledger"} & set(by_hand.facts)
    assert ("kept", f"member:C1/{guest}", "L14") in said["C1"]["section:C1"].notes
    assert "L6: a teacher leaves a section: no change; reported as kept" in owner.text


def test_a_student_who_moved_stays_in_the_old_school(school: World) -> None:
    school.day(first())
    roster = first()
    roster.roles[2]["orgSourcedId"] = "11"
    said = one(school, roster, "S1")
    assert said.changes == ["add:school_user:11/S1"]
    assert said.notes == {("kept", "school_user:10/S1", "L10")}


def test_before_the_start_date_and_removed_by_hand(school: World) -> None:
    later = datetime.now(timezone.utc).date() + timedelta(days=3)
    school.profile(sections=f'student_start = "{later}"')
    said = one(school, first(), "member:C1/S1")
    assert said.changes == ["create:user:S1", "create:section:C1"]
    assert said.notes == {("deferred", "member:C1/S1", "L12")}
    school.profile(sections='hand_removals = "respect"')
    school.day(first())
    school.tenant.remove_member(school.group("Section_C1")["id"], school.user("s1@students.contoso.edu")["id"])
    said = one(school, first(), "member:C1/S1")
    assert (said.changes, said.notes) == ([], {("kept", "member:C1/S1", "hand-removal")})
    assert set(said.facts) == {"enrolled", "link-not-there", "link-ours"}
    assert said.facts["enrolled"] == [{"role": "student", "file": "enrollments.csv", "record": 3}]


def test_protected_and_mastered_on_premises(school: World) -> None:
    school.profile(licenses=LICENSED, protect='users = ["s1@students.contoso.edu"]')
    school.tenant.add_user(userPrincipalName="s1@students.contoso.edu", displayName="As it was", mailNickname="s1")
    school.tenant.add_user(userPrincipalName="s2@students.contoso.edu", displayName="From AD", mailNickname="s2",
                           onPremisesSyncEnabled=True)  # fmt: skip
    said = today(school, first(), "S1", "S2")
    protected, synced = said["S1"]["user:S1"], said["S2"]["user:S2"]
    assert protected.notes == {("protected", "user:S1", "L16")}
    assert not any(change.startswith(("update:user", "add:license")) for change in protected.changes)
    assert "as-wanted" not in protected.facts
    assert protected.facts["matched"][0]["by"] == "profile"
    assert synced.notes == {("kept", "user:S2", "L15")}
    school.day(first())
    synced = one(school, first(), "S2")
    assert synced.changes == []
    assert "as-wanted" not in synced.facts  # its names differ, and stay


def test_unmatched_with_the_memberships_that_no_line_tells_of(school: World) -> None:
    school.profile(mode="existing")
    said = today(school, first(), "S1", "C1", "member:C1/S1")
    person = said["S1"]["user:S1"]
    assert person.notes == {("unmatched", "user:S1", "L1")}
    assert "no-account" in person.facts
    (left_out,) = person.facts["link-left-out"]
    assert (left_out["key"], left_out["end"], left_out["what"]) == ("member:C1/S1", "user:S1", "unmatched")
    assert "member:C1/S1 is left out, for user:S1 is: unmatched, L1." in person.text
    assert len(said["C1"]["section:C1"].facts["link-left-out"]) == 3
    assert said["member:C1/S1"]["member:C1/S1"].notes == {("unmatched", "user:S1", "L1")}
    assert said["member:C1/S1"]["member:C1/S1"].facts["link-left-out"] == [left_out]


def test_a_conflict_names_the_accounts_and_the_rivals(school: World) -> None:
    for number in ("1", "2"):
        school.tenant.add_user(
            userPrincipalName=f"other{number}@contoso.edu", displayName="Same id", mailNickname=f"other{number}",
            student={"externalId": "S1"}, primaryRole="student",
        )  # fmt: skip
    school.tenant.add_user(userPrincipalName="twin@students.contoso.edu", displayName="Twin", mailNickname="twin")
    roster = first().person("S5", username="twin").person("S6", username="TWIN")
    said = today(school, roster, "S1", "S5", "twin@students.contoso.edu")
    assert ("conflict", "user:S5", "match-claimed-twice") in said["S5"]["user:S5"].notes
    assert [fact["key"] for fact in said["S5"]["user:S5"].facts["rival"]] == ["user:S6"]
    assert "matched" not in said["S5"]["user:S5"].facts
    assert set(said["twin@students.contoso.edu"]) == {"user:S5", "user:S6"}
    assert "'twin@students.contoso.edu' may mean 2 things" in said["twin@students.contoso.edu"]["user:S5"].text
    assert ("conflict", "user:S1", "match-ambiguous") in said["S1"]["user:S1"].notes
    assert {fact["account"] for fact in said["S1"]["user:S1"].facts["claim"]} == {
        "other1@contoso.edu",
        "other2@contoso.edu",
    }


def test_no_seat_is_left(school: World) -> None:
    sku = next(iter(school.tenant.dump()["licenses"]))
    school.tenant.sku(sku)["prepaidUnits"]["enabled"] = 2
    school.profile(licenses=json.dumps([sku]))
    plan = school.plan(first())
    said = today(school, first(), "S3", sku)
    assert ("held", f"license:S3/{sku}", "no-seat") in said["S3"]["user:S3"].notes
    assert said[sku][f"sku:{sku}"].changes == [f"add:license:S1/{sku}", f"add:license:S2/{sku}"]
    (seats,) = license_lines(plan.header)
    assert f"\n  {seats}\n" in said[sku][f"sku:{sku}"].text


def test_deleted_by_hand_until_it_is_named(school: World) -> None:
    school.day(first())
    school.tenant.delete_group(school.group("Section_C2")["id"])
    said = one(school, first(), "C2")
    assert said.notes == {("held", "section:C2", "deleted-by-hand")}
    assert "ledger" not in said.facts
    assert [fact["account"] for fact in said.facts["ledger-lost"]] == [None]
    assert "which is no longer in Microsoft 365" in said.text
    assert {fact["rule"] for fact in said.facts["link-left-out"]} == {"deleted-by-hand"}
    anew = today(school, first(), "C2", recreate=["section:C2"])["C2"]["section:C2"]
    assert "create:section:C2" in anew.changes


def test_a_record_that_could_speak_of_anybody_is_told_to_everybody(school: World) -> None:
    school.day(first())
    roster = first()
    roster.enrollments[2] = {"classSourcedId": "", "userSourcedId": "", "role": "student"}
    said = today(school, roster, "S2", "C1", "10")
    for key in ("user:S2", "section:C1"):
        (each,) = said[key.partition(":")[2]].values()
        assert each.changes == []
        assert ("held", "member:*", "required-value") in each.notes
    assert said["10"]["school:10"].notes == set()


def test_what_the_profile_does_not_make(school: World) -> None:
    school.profile(school_groups='all = ["students"]')
    school.day(first())
    school.profile(sections="enabled = false", schools="administrative_units = false")
    said = today(school, first(), "C1", "10", "students")
    assert "group-not-selected" in said["students"]["school_group:students"].facts
    assert "sections-off" in said["C1"]["section:C1"].facts
    assert "schools-off" in said["10"]["school:10"].facts


def test_what_an_approver_rejected(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    school.day(first())
    plan = school.plan(second())
    monkeypatch.setenv("PROVISION_KEY", str(school.folder / "mine.key"))
    assert main(["key", "new", "--no-passphrase"]) == 0
    refused = ["--reject", "key:user:S4", "--reject", "key:user:S1", "--reason", "in January"]
    assert main(["approve", str(plan.file.path), "--by", "Head", "--ticket", "CHG1", *refused]) == 0
    school.apply(plan)
    said = today(school, second(), "S1", "S4")
    assert said["S1"]["user:S1"].notes == {("rejected", "user:S1", "rejected")}
    assert "as-wanted" not in said["S1"]["user:S1"].facts
    assert "in January" in said["S1"]["user:S1"].text
    assert ("rejected", "member:C1/S4", "rejected") in said["S4"]["user:S4"].notes


def test_a_guard_that_stops_the_plan_is_named(school: World) -> None:
    school.day(first())
    school.profile(guards='creates = "0%"\nminimum = 0')
    said = one(school, second(), "S4")
    assert "create:user:S4" in said.changes
    assert "A guard stops this plan. creates: " in said.text


# -- more than one, and none


def test_several_are_explained_each_and_none_names_what_is_alike(school: World) -> None:
    plan = school.plan(first().section("S1", teacher="T1"))
    assert list(of_plan(plan, "s1")) == ["user:S1", "section:S1"]
    with pytest.raises(UnknownKey, match="says nothing of 'user:S7'") as missing:
        of_plan(plan, "user:S7")
    assert missing.value.details[0] == "Alike: user:S1, user:S2, user:S3, user:T1, user:T2"
    with pytest.raises(
        UnknownKey, match="Neither the roster, nor Microsoft 365, nor the ledger knows 'nobody'"
    ) as none:
        today(school, first(), "nobody")
    assert none.value.details == ()
    for empty in ("", " ", "user:"):
        with pytest.raises(UnknownKey):
            of_plan(plan, empty)


def test_every_fact_has_its_sentence(school: World) -> None:
    school.profile(sections="enabled = false", schools="administrative_units = false")
    facts = [name for name, _ in standing._facts(load_profile(school.folder / "profile.toml"))]
    assert set(facts) == set(explanation.FACTS)


# -- the command


def test_the_command(school: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    school.day(first())
    plan = school.plan(second())
    path, profile = str(plan.file.path), str(school.folder / "profile.toml")
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    live = ["--profile", profile, "--state", str(school.state)]
    assert main(["explain", "S2", "--plan", path]) == 0
    assert capsys.readouterr().out.startswith("user:S2: 1 change planned.\n\nPlanned\n  1 member to remove\n  L4: ")
    assert main(["explain", "S2", *live]) == 0
    assert "The roster has it.  (users.csv row 5)" in capsys.readouterr().out
    assert main(["explain", "S2", *live, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["asked"], document["live"]) == ("S2", True)
    assert document["subjects"][0]["changes"] == [
        {name: value for name, value in plan.change("remove:member:C1/S2").items() if name != "type"}
    ]
    assert main(["explain", "S99", "--plan", path]) == 1
    assert "says nothing of 'S99'" in capsys.readouterr().err
    for wrong in ([], ["--plan", path, *live], ["--plan", path, "--state", "x"]):
        assert main(["explain", "S2", *wrong]) == 2


def test_an_approval_beside_the_plan_is_told(
    school: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.day(first())
    plan = school.plan(second())
    path = str(plan.file.path)
    monkeypatch.setenv("PROVISION_KEY", str(school.folder / "mine.key"))
    assert main(["key", "new", "--no-passphrase"]) == 0
    refused = ["--reject", "key:user:S4", "--reason", "in January"]
    assert main(["approve", path, "--by", "Head", "--ticket", "CHG1", *refused]) == 0
    capsys.readouterr()
    assert main(["explain", "S4", "--plan", path]) == 0
    text = capsys.readouterr().out
    assert "Approval by Head (CHG1), " in text
    assert "rejected (CHG1): in January" in text
    assert "it needs create:user:S4, which was not approved" in text
    assert main(["explain", "S2", "--plan", path, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["approval"]["ticket"] == "CHG1"
    (change,) = document["subjects"][0]["changes"]
    assert change == {
        **{name: value for name, value in plan.change("remove:member:C1/S2").items() if name != "type"},
        "approval": {"verdict": "approved"},
    }
    approval = beside(plan.file.path)
    approval.write_text(approval.read_text(encoding="utf-8").replace("January", "February"), encoding="utf-8")
    assert main(["explain", "S4", "--plan", path]) == 4
    assert "altered" in capsys.readouterr().err


def test_what_was_rejected_is_explained_as_if_it_were_planned_again(
    school: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.day(first())
    with school.run() as run:
        run.store.run("INSERT INTO ledger.rejections VALUES ('remove:member:C1/S2', '', 'in January', 'Head', '')")
    second().write(school.folder / "roster")
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    live = ["--profile", str(school.folder / "profile.toml"), "--state", str(school.state)]
    assert main(["explain", "S2", *live]) == 0
    assert "in January" in capsys.readouterr().out
    assert main(["explain", "S2", *live, "--reconsider", "member:C1/S2"]) == 0
    assert "1 member to remove" in capsys.readouterr().out


def test_an_altered_plan_is_refused(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = school.plan(first()).file.path
    path.write_bytes(path.read_bytes().replace(b"user:S1", b"user:S9"))
    assert main(["explain", "S1", "--plan", str(path)]) == 1
    assert "was altered" in capsys.readouterr().err


def test_explaining_keeps_nothing_and_writes_nothing(school: World) -> None:
    """What is kept for an open plan stays as it was, so that the plan can be applied as if nobody had asked."""
    school.day(first())
    plan = school.plan(second())
    before = kept(school)
    writes = len(school.writes())
    (said,) = today(school, first().people("S7", "S8"), "S7")["S7"].values()
    assert "create:user:S7" in said.changes
    assert kept(school) == before
    assert len(school.writes()) == writes
    applied, _ = school.apply(plan)
    assert applied.complete


def kept(school: World) -> dict[str, Any]:
    """What the state keeps of the plans that may still be applied."""
    with school.run() as run:
        tables = run.store.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'planned'")
        assert ("plans",) in tables
        return {
            table: run.store.rows(f"SELECT COLUMNS(*)::TEXT FROM planned.{table} ORDER BY ALL") for (table,) in tables
        }


def test_the_plan_is_the_one_that_plan_makes(school: World) -> None:
    school.day(first())
    plan = school.plan(second())
    today(school, second(), "S1")
    anew = PlanFile(school.folder / "anew.jsonl")
    assert (list(anew.changes()), list(anew.notes())) == (plan.changes, plan.notes)
