"""Applying: exactly the plan, one result per change, whatever happens on the way."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from support.world import Planned, Roster, World, world

from provision.apply.passwords import CLASSES, PasswordFile, random_password, words_password
from provision.apply.words import WORDS
from provision.cli import main
from provision.errors import StateError
from provision.sandbox import Faults


def school_of(students: int = 30) -> Roster:
    """One class that needs two PATCHes, one that needs one."""
    ids = [f"S{number:02}" for number in range(students)]
    roster = Roster().people(*ids, grade="08").person("T1", role="teacher").person("T2", role="teacher")
    return roster.section("C1", teacher="T1", students=ids).section("C2", teacher="T2", students=ids[:5])


def statuses(results: dict[str, dict[str, object]]) -> Counter[object]:
    return Counter(result["status"] for result in results.values())


def passwords(school: World) -> list[dict[str, str]]:
    text = (school.state / "test.passwords.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_what_is_sent_is_what_was_planned_in_full_batches(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', school_groups='all = ["students"]')
    planned = school.plan(school_of())
    applied, results = school.apply(planned)
    assert applied.complete
    assert list(results) == planned.ids()
    assert sum(result["requests"] for result in results.values()) == planned.header["estimate"]["writes"]
    assert len(school.writes()) == planned.header["estimate"]["writes"]
    batches: dict[int | None, list[tuple[str, str]]] = {}
    for entry in school.sandbox.log:
        if entry.method != "GET" and not entry.path.endswith("$batch"):
            batches.setdefault(entry.batch, []).append((entry.method, entry.path))
    assert None not in batches
    assert max(len(batch) for batch in batches.values()) == 20
    for batch in batches.values():
        # links of a school have a request each, and may go beside one another
        objects = [path.split("/")[2] for _, path in batch if path.startswith("/groups/")]
        assert len(objects) == len(set(objects)), batch
    patches = [
        entry.body for entry in school.sandbox.log if entry.path.startswith("/groups/") and entry.method == "PATCH"
    ]
    references = [sum(len(refs) for refs in body.values()) for body in patches if isinstance(body, dict)]
    assert sorted(references) == [7, 10, 12, 20, 20]


def test_each_change_is_done_once_however_often_the_plan_is_applied(school: World) -> None:
    planned = school.plan(school_of(3))
    school.apply(planned)
    before, dump = len(school.writes()), school.tenant.dump()["users"]
    applied, results = school.apply(planned)
    assert applied.complete
    assert statuses(results) == {"done": len(planned.changes)}
    assert len(school.writes()) == before
    assert school.tenant.dump()["users"] == dump


def changed_since(school: World, planned: Planned, *stale: str) -> dict[str, dict[str, object]]:
    """Apply, and hold that just these changes were stale, and everything else done or skipped with them."""
    applied, results = school.apply(planned)
    assert {id_ for id_, result in results.items() if result["status"] == "stale"} == set(stale)
    assert not applied.complete
    return results


def test_stale_an_attribute_that_somebody_changed_is_named_and_left(school: World) -> None:
    school.day(school_of(3))
    roster = school_of(3)
    roster.users[0]["givenName"] = "Abe"
    roster.users[1]["givenName"] = "Bo"
    planned = school.plan(roster)
    school.tenant.update(school.user("s00@students.contoso.edu")["id"], givenName="By hand")
    results = changed_since(school, planned, "update:user:S00")
    assert results["update:user:S00"]["error"] == "changed since the plan: given_name is now 'By hand'"
    assert results["update:user:S01"]["status"] == "done"
    assert school.user("s00@students.contoso.edu")["givenName"] == "By hand"


def test_stale_links_that_somebody_made_or_ended(school: World) -> None:
    school.day(school_of(4))
    roster = school_of(4).person("S9").enroll("C2", "S9")
    roster.enrollments = [row for row in roster.enrollments if row["userSourcedId"] != "S01"]
    roster.person("S8").enroll("C2", "T1", "teacher")
    planned = school.plan(roster)
    c1, c2 = school.group("Section_C1")["id"], school.group("Section_C2")["id"]
    school.tenant.remove_member(c1, school.user("s01@students.contoso.edu")["id"])
    school.tenant.add_member(c2, school.user("t1@contoso.edu")["id"])
    changed_since(school, planned, "remove:member:C1/S01", "add:member:C2/T1")
    assert "t1@contoso.edu" in school.group("Section_C2")["owners"]
    assert "s9@students.contoso.edu" in school.group("Section_C2")["members"]
    # what somebody else added is not ours: it stays when the roster drops it
    assert not school.plan(roster).ids("member")


def test_stale_creates_and_objects_that_are_gone(school: World) -> None:
    school.day(school_of(3))
    roster = school_of(3).person("S9").enroll("C2", "S9").section("C3", teacher="T1", students=["S00"])
    roster.users[0]["givenName"] = "Abe"
    planned = school.plan(roster)
    school.tenant.delete_user(school.user("s00@students.contoso.edu")["id"])
    school.tenant.add_user(
        userPrincipalName="s9@students.contoso.edu",
        displayName="By hand",
        mailNickname="s9",
        student={"externalId": "S9"},
    )
    results = changed_since(school, planned, "update:user:S00", "add:member:C3/S00", "create:user:S9")
    assert results["add:member:C2/S9"]["status"] == "skipped"
    assert results["add:member:C2/S9"]["error"] == "it needs create:user:S9, which was not done"
    assert school.group("Section_C3")["owners"] == ["t1@contoso.edu"]
    assert school.user("s9@students.contoso.edu")["displayName"] == "By hand"


def test_a_refused_change_fails_alone_and_the_exit_code_is_5(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(school_of(3))
    school.tenant.add_user(userPrincipalName="s01@students.contoso.edu", displayName="Taken", mailNickname="x")
    arguments = ["apply", str(planned.file.path), "--profile", str(school.folder / "profile.toml")]
    os.environ.update(PROVISION_GRAPH_URL=school.server.url, PROVISION_STATE=str(school.state))
    try:
        assert main([*arguments, "--results", "results.jsonl"]) == 5
    finally:
        del os.environ["PROVISION_GRAPH_URL"], os.environ["PROVISION_STATE"]
    told = capsys.readouterr()
    assert "Some changes were not done." in told.err
    results = {
        line["id"]: line for line in map(json.loads, Path("results.jsonl").read_text(encoding="utf-8").splitlines())
    }
    assert results["create:user:S01"]["status"] == "failed"
    assert "userPrincipalName" in results["create:user:S01"]["error"]
    assert results["add:member:C1/S01"]["status"] == "skipped"
    assert results["add:member:C1/S02"]["status"] == "done"
    assert len(school.group("Section_C1")["members"]) == 3


FAULTS = {
    "throttled, integer": Faults(throttle_writes=(60, 8), retry_after="integer", retry_seconds=0.05),
    "throttled, fraction": Faults(throttle_writes=(60, 8), retry_after="fraction"),
    "answers lost": Faults(lose_answers=5),
    "connections cut": Faults(lose_answers=17, cut_connections=True),
    "server errors": Faults(fail_every=6),
    "batches refused": Faults(fail_batches=4, retry_seconds=0.05),
    "replication lag": Faults(lag_seconds=0.6),
}


@pytest.mark.once
@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
def test_trouble_on_the_way_changes_nothing_in_the_end(tmp_path: Path, faults: Faults) -> None:
    with world(tmp_path) as school:
        school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', school_groups='all = ["students"]')
        planned = school.plan(school_of(24))
        school.sandbox.faults = faults
        applied, results = school.apply(planned)
        school.sandbox.faults = Faults()
        assert applied.complete, [line for line in results.values() if line["status"] != "done"][:3]
        dump = school.tenant.dump()
        assert len(dump["users"]) == 24 + 2 + 2
        assert [made["externalId"] for made in dump["schools"]] == ["10", "11"]
        assert [made["externalId"] for made in dump["classes"]] == ["C1", "C2"]
        assert len(school.group("Section_C1")["members"]) == 25
        assert {user["passwords"] for user in dump["users"] if user["primaryRole"] == "student"} == {1}
        assert len({line["key"] for line in passwords(school)}) == 26
        assert school.plan(school_of(24)).ids() == []


def test_passwords_are_random_private_and_saved_before_the_account_is_made(school: World) -> None:
    school.day(school_of(6))
    saved = passwords(school)
    assert {line["user_principal_name"] for line in saved} >= {"s00@students.contoso.edu", "t1@contoso.edu"}
    words = [line["password"] for line in saved]
    assert len(set(words)) == len(words) == 8
    sent = [entry.body["passwordProfile"] for entry in school.sandbox.log
            if entry.path == "/education/users" and entry.method == "POST"
            and isinstance(entry.body, dict)]  # fmt: skip
    assert {profile["password"] for profile in sent} == set(words)
    assert all(profile["forceChangePasswordNextSignIn"] for profile in sent)
    for path in (*school.state.glob("*.duckdb*"), *school.folder.glob("*.jsonl")):
        assert not [word for word in words if word.encode() in path.read_bytes()], path.name


def test_no_account_is_made_when_its_password_cannot_be_saved(school: World) -> None:
    (school.state / "test.passwords.jsonl").mkdir(parents=True)
    planned = school.plan(school_of(2))
    with pytest.raises(StateError, match="passwords"):
        school.apply(planned)
    assert not [path for method, path in school.writes() if path.startswith("/education/users")]


def test_the_rosters_passwords_are_used_when_the_profile_says_so(school: World) -> None:
    school.profile(students='password = "roster"')
    roster = school_of(3)
    for row in roster.users[:2]:
        row["password"] = f"From-Roster-{row['sourcedId']}!9"
    applied, results = school.apply(school.plan(roster))
    assert not applied.complete
    assert results["create:user:S02"]["error"] == "the roster gives no password for this person"
    assert {line["password"] for line in passwords(school)} >= {"From-Roster-S00!9", "From-Roster-S01!9"}
    with school.run() as run:  # what was used is not kept
        assert run.store.value("SELECT count(*) FROM planned.passwords") == 0


def test_a_password_has_every_class_and_no_two_are_alike() -> None:
    made = {random_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 16
        assert all(set(password) & set(signs) for signs in CLASSES)


def test_a_password_of_words_can_be_typed_by_a_child_and_is_taken_by_entra() -> None:
    made = {words_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert re.fullmatch(r"([A-Z][a-z]{2,9}-){4}[2-9]{2}", password), password
    assert len(set(WORDS)) == len(WORDS) > 400


def test_the_profile_says_how_a_password_is_made(school: World) -> None:
    school.profile(students='password = "words"')
    school.day(Roster().person("S1").person("T1", "teacher"))
    made = {line["key"]: line["password"] for line in passwords(school)}
    assert re.fullmatch(r"([A-Z][a-z]+-){4}[0-9]{2}", made["user:S1"])
    assert len(made["user:T1"]) == 16
    assert school.user("s1@students.contoso.edu")["passwords"] == 1


def test_the_password_file_keeps_the_last_word_and_ignores_a_torn_line(tmp_path: Path) -> None:
    file = PasswordFile(tmp_path / "p.jsonl")
    assert file.known(frozenset({"user:S1"})) == {}
    file.save({"user:S1": ("a@b", "first"), "user:S2": ("c@d", "other")})
    file.save({"user:S1": ("a@b", "second")})
    with (tmp_path / "p.jsonl").open("a", encoding="utf-8") as torn:
        torn.write('{"key": "user:S1", "pass')
    assert file.known(frozenset({"user:S1"})) == {"user:S1": "second"}
    assert (tmp_path / "p.jsonl").stat().st_mode & 0o777 == 0o600
