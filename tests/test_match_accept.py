"""A recorded yes: what it settles, what it never outweighs, and that it stays one to one."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.world import Roster, World

from provision.cli import main
from provision.cli.templates import templates
from provision.errors import ProfileError, StalePlan
from provision.policy.matching import match_people
from provision.profile import load_profile
from provision.store import Store, in_memory

pytestmark = pytest.mark.once

Capture = pytest.CaptureFixture[str]
HEAD = "key,object_id,account,by,at,reason\n"
OTHER = {"givenName": "Somebody", "surname": "Else", "usageLocation": "US"}
NOWHERE = "00000000-0000-0000-0000-000000000000"


def account(school: World, name: str, anchor: str = "", **values: object) -> str:
    """An account that was there before us."""
    bears = {"student": {"externalId": anchor}, "primaryRole": "student"} if anchor else {}
    return school.tenant.add_user(userPrincipalName=f"{name}@students.contoso.edu", **bears, **values)


def said(school: World, *pairs: tuple[str, str]) -> Path:
    """The file, with these rows."""
    path = school.folder / "test.matches.csv"
    path.write_text(HEAD + "".join(f"{key},{id_},,Kim Clerk,,\n" for key, id_ in pairs), encoding="utf-8")
    return path


def test_a_weak_match_is_written_after_a_yes_and_needs_it_no_more_once_applied(school: World) -> None:
    there = account(school, "s1", **OTHER)
    roster = Roster().person("S1").section("C1", students=["S1"])
    planned = school.plan(roster)
    assert planned.ids("user", "member") == []
    assert planned.noted("conflict") == {("user:S1", "match-weak")}
    path = said(school, ("user:S1", there))
    planned = school.day(roster)
    assert planned.change("update:user:S1")["object_id"] == there
    assert "add:member:C1/S1" in planned.ids()
    assert planned.header["accepted_matches"]["number"] == 1
    path.unlink()
    planned = school.plan(roster)
    assert (planned.ids(), planned.notes) == ([], [])
    assert planned.header["accepted_matches"] is None


def test_a_row_that_is_taken_out_takes_the_yes_back(school: World) -> None:
    path = said(school, ("user:S1", account(school, "s1", **OTHER)))
    assert school.plan(Roster().person("S1")).ids("user") == ["update:user:S1"]
    path.write_text(HEAD)
    assert school.plan(Roster().person("S1")).noted("conflict") == {("user:S1", "match-weak")}


def test_a_yes_settles_what_is_ambiguous_claimed_twice_or_unmatched(school: World) -> None:
    account(school, "twin.a", "S1")
    right = account(school, "twin.b", "S1")
    both = account(school, "both")
    quite_another = account(school, "quite.another", **OTHER)
    said(school, ("user:S1", right), ("user:S2", both), ("user:S4", quite_another))
    planned = school.plan(
        Roster().person("S1").person("S2", username="both").person("S3", username="Both").person("S4")
    )
    assert {change["key"]: change["object_id"] for change in planned.changes if change["kind"] == "user"} == {
        "user:S1": right, "user:S2": both, "user:S4": quite_another,
    }  # fmt: skip
    assert planned.noted("conflict") == {("user:S3", "match-claimed-twice")}


def test_a_yes_for_an_account_with_the_id_of_nobody_overwrites_it_in_plain_sight(school: World) -> None:
    there = account(school, "s1", "S77")
    assert school.plan(Roster().person("S1")).noted("conflict") == {("user:S1", "match-other-anchor")}
    said(school, ("user:S1", there))
    change = school.day(Roster().person("S1")).change("update:user:S1")
    assert (change["before"]["student_id"], change["after"]["student_id"]) == ("S77", "S1")


@pytest.mark.parametrize("who", ["in scope", "held", "out of scope", "unreadable"])
def test_a_yes_never_outweighs_the_id_of_another_one_of_the_roster(school: World, who: str) -> None:
    path = school.folder / "profile.toml"
    path.write_text(path.read_text().replace('path = "roster"', 'path = "roster"\nschools = ["10"]'))
    there = account(school, "s1", "S2")
    said(school, ("user:S9", NOWHERE), ("user:S1", there))  # the first one is idle: S9 is not in the roster
    roster = Roster().person("S1").person("S2", org="11" if who == "out of scope" else "10")
    if who == "held":
        roster.users[1]["givenName"] = ""
    elif who == "unreadable":
        roster.users[1]["sourcedId"] = ""
    planned = school.plan(roster)
    note = next(note for note in planned.notes if note["key"] == "user:S1")
    assert (note["what"], note["cause"]["rule"]) == ("conflict", "match-accepted-anchor")
    assert (note["cause"]["file"], note["cause"]["record"]) == ("test.matches.csv", 3)
    assert "update:user:S1" not in planned.ids()


def test_an_account_that_is_gone_holds_its_person(school: World) -> None:
    account(school, "s1")
    said(school, ("user:S1", NOWHERE))
    planned = school.plan(Roster().person("S1"))
    (note,) = (note for note in planned.notes if note["kind"] == "user")
    assert (note["key"], note["cause"]["rule"]) == ("user:S1", "match-accepted-gone")
    assert (note["cause"]["file"], note["cause"]["record"]) == ("test.matches.csv", 2)
    assert planned.ids("user") == []


def test_a_protected_account_is_never_written_all_the_same(school: World) -> None:
    there = account(school, "s1", **OTHER)
    school.tenant.assign_role(there)
    said(school, ("user:S1", there))
    planned = school.plan(Roster().person("S1"))
    assert planned.ids("user", "license") == []
    assert planned.noted("protected") == {("user:S1", "L16")}


def test_whoever_is_held_keeps_the_account_that_was_accepted(school: World) -> None:
    said(school, ("user:S1", account(school, "both")))
    roster = Roster().person("S1", givenName="").person("S2", username="both")
    planned = school.plan(roster)
    assert planned.noted("conflict") == {("user:S2", "match-claimed-twice")}


def test_a_leaver_is_stale_and_lets_the_account_go(school: World) -> None:
    there = account(school, "s1", **OTHER)
    said(school, ("user:S1", there))
    school.day(Roster().people("S1", "S2"))
    from test_stale import found

    assert found(school, Roster().people("S2")) == {"accounts": ["user:S1"]}


def test_classes_and_schools_can_be_accepted(school: World) -> None:
    school.tenant.add_class(displayName="A", mailNickname="a", externalId="C1")
    right = school.tenant.add_class(displayName="B", mailNickname="b", externalId="C1")
    bare = school.tenant.add_school(displayName="North, made by hand")
    anothers = school.tenant.add_class(displayName="C", mailNickname="c", externalId="C3")
    said(school, ("section:C1", right), ("school:10", bare), ("section:C2", anothers))
    planned = school.plan(Roster().section("C1").section("C2").section("C3"))
    assert planned.change("update:section:C1")["object_id"] == right
    assert planned.change("update:school:10")["object_id"] == bare
    assert planned.change("update:section:C3")["object_id"] == anothers
    assert planned.noted("conflict") == {("section:C2", "match-accepted-anchor")}


def test_a_plan_is_bound_to_what_the_file_says_and_not_to_its_layout(school: World) -> None:
    there = account(school, "s1", **OTHER)
    path = said(school, ("user:S1", there))
    planned = school.plan(Roster().person("S1"))
    text = path.read_text()
    for other in ("", text.replace("Kim", "Kit"), text + f"user:S2,{NOWHERE},,Kim,,\n"):
        path.write_text(other or HEAD)
        with pytest.raises(StalePlan, match=r"other accepted matches than those in .*test\.matches\.csv"):
            school.apply(planned)
    assert school.writes() == []
    path.write_text("\ufeff" + text.replace("user:S1", '"user:S1"').replace("\n", "\r\n"), encoding="utf-8")
    applied, _ = school.apply(planned)
    assert applied.complete


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("key,object,by\n", "there is no column 'object'"),
        ("key,by\nuser:S1,Kim\n", "the column object_id is missing"),
        ("", "Row 1 has to be key,object_id"),
        (f"{HEAD}usr:S1,{NOWHERE},,Kim,,\n", "test.matches.csv row 2: 'usr:S1' is no key"),
        (f"{HEAD}\nuser:S1,kim@contoso.edu,,Kim,,\n", "row 3: 'kim@contoso.edu' is no object id"),
        (f"{HEAD}user:S1,{NOWHERE},,,,\n", "row 2: nobody's name stands under `by`"),
        (f"{HEAD}user:S1,{NOWHERE},,Kim,,,more\n", "row 2: it has 7 cells, and row 1 has 6"),
        (f"{HEAD}user:S1,{NOWHERE},,Kim,,\nuser:S2,{NOWHERE.upper()},,Kim,,\n", f"row 3: {NOWHERE} stands in row 2"),
        (f"{HEAD}user:S1,{NOWHERE},,Kim,,\nuser:S1,{NOWHERE[:-1]}1,,Kim,,\n", "row 3: user:S1 stands in row 2"),
        (f"{HEAD}user:S1,{NOWHERE},,Kim,,\n".encode("utf-16"), "not UTF-8 text"),
    ],
)
def test_a_file_that_is_in_doubt_stops_the_plan(school: World, text: str | bytes, words: str) -> None:
    (school.folder / "test.matches.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProfileError) as stopped:
        school.plan(Roster().person("S1"))
    assert words in "\n".join([stopped.value.message, *stopped.value.details])


# -- one to one, whatever is said

IDS = ["S1", "S2", "S3", "S4"]
PEOPLE = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(["a", "b", "c"])), unique_by=lambda p: p[0], max_size=4
)
ACCOUNTS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([None, *IDS])), max_size=4)
LEDGER = st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 3)), unique_by=lambda p: p[0], max_size=3)
YESES = st.permutations(range(5)).flatmap(
    lambda objects: st.lists(st.sampled_from(IDS), unique=True, max_size=4).map(lambda keys: list(zip(keys, objects)))  # noqa: B905
)


@pytest.fixture(scope="module")
def small() -> Store:
    """A store with the tables that matching reads."""
    store = in_memory()
    store.run("""
        CREATE TABLE run.accepted (
            kind TEXT, key TEXT, object_id TEXT, account TEXT, file TEXT, record BIGINT, refused TEXT)""")
    return store


def tell(store: Store, people: list[tuple[str, str]], accounts: list[tuple[str, str | None]],
         ledger: list[tuple[str, int]], yeses: list[tuple[str, int]]) -> None:  # fmt: skip
    """What the tables say; an account that a yes names may not be there."""
    for table in ("roster.persons", "current.users", "ledger.objects", "run.accepted"):
        store.run(f"DELETE FROM {table}")
    store.insert("roster.persons", ("id", "source_id", "username", "given_name"),
                 [(id_, id_, name, f"Given {id_}") for id_, name in people])  # fmt: skip
    store.run(
        "CREATE OR REPLACE TABLE run.people AS SELECT 'user:' || id AS key, true AS is_student, * FROM roster.persons"
    )
    store.insert("current.users", ("object_id", "user_principal_name", "student_id", "given_name"),
                 [(f"o{n}", f"{name}@x.example", anchor, ["Given", "Other"][n % 2])
                  for n, (name, anchor) in enumerate(accounts)])  # fmt: skip
    store.insert("ledger.objects", ("kind", "key", "object_id"), [("user", f"user:{i}", f"o{n}") for i, n in ledger])
    store.insert("run.accepted", ("kind", "key", "object_id"), [("user", f"user:{i}", f"o{n}") for i, n in yeses])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE, accounts=ACCOUNTS, ledger=LEDGER, yeses=YESES)
def test_matching_is_one_to_one_and_a_yes_is_followed_or_holds(
    small: Store, tmp_path_factory: pytest.TempPathFactory, people: list[tuple[str, str]],
    accounts: list[tuple[str, str | None]], ledger: list[tuple[str, int]], yeses: list[tuple[str, int]],
) -> None:  # fmt: skip
    path = tmp_path_factory.getbasetemp() / "profile.toml"
    path.write_text('name = "p"\n[tenant]\nid = "sandbox"\n[students]\nmatch = { append_domain = "x.example" }\n')
    tell(small, people, accounts, ledger, yeses)
    match_people(small, load_profile(path))
    matched: dict[str, str] = dict(small.rows("SELECT key, object_id FROM run.user_matches WHERE conflict IS NULL"))
    conflicts: dict[str, str] = dict(
        small.rows("SELECT key, conflict FROM run.user_matches WHERE conflict IS NOT NULL")
    )
    assert len(set(matched.values())) == len(matched)
    assert not set(matched) & set(conflicts)
    anchors = {f"o{n}": anchor for n, (_, anchor) in enumerate(accounts)}
    for id_, number in yeses:
        key, object_id = f"user:{id_}", f"o{number}"
        if id_ not in dict(people):
            assert key not in matched
        elif object_id not in anchors:
            assert conflicts[key] == "match-accepted-gone"
        elif anchors[object_id] not in (None, id_) and anchors[object_id] in dict(people):
            assert conflicts[key] == "match-accepted-anchor"
        else:
            assert matched[key] == object_id
    for key, object_id in matched.items():  # nobody gets what bears the id of another one of the roster
        assert anchors[object_id] in (None, key[5:]) or anchors[object_id] not in dict(people)


# -- the command


def test_from_report_to_apply_over_http(school: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    monkeypatch.chdir(school.folder)
    there = account(school, "s1", **OTHER)
    Roster().people("S1", "S2").section("C1", students=["S1", "S2"]).write(Path("roster"))
    common = ["--profile", "profile.toml"]
    assert main(["match", "report", *common]) == 0
    assert there in capsys.readouterr().out
    accept = ["match", "accept", "user:S1", *common, "--by", "Kim Clerk"]
    assert main([*accept, "--object", there.upper(), "--reason", "=married"]) == 0
    assert f"user:S1 is s1@students.contoso.edu ({there})" in capsys.readouterr().err
    path = Path("test.matches.csv")
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["key"], row["object_id"], row["account"]) == ("user:S1", there, "s1@students.contoso.edu")
    assert (row["by"], row["reason"], row["at"][-1]) == ("Kim Clerk", "'=married", "Z")
    assert main([*accept, "--object", there]) == 2
    assert "row 2 says already that user:S1 is" in capsys.readouterr().err
    assert school.writes() == []
    assert main(["plan", *common, "--out", "plan.jsonl"]) == 0
    assert "1 matches by a recorded yes" in capsys.readouterr().out
    assert main(["apply", "plan.jsonl", *common]) == 0
    assert school.user("s1@students.contoso.edu")["student"]["externalId"] == "S1"
    assert main(["explain", "user:S1", *common]) == 0
    assert "found by a recorded yes" in capsys.readouterr().out


@pytest.fixture
def lived_in() -> list[str]:
    """`provision match accept` on the sample roster and the built-in tenant that has been lived in."""
    assert main(["init", "my-school"]) == 0
    shutil.copytree(templates() / "rosters" / "contoso-day1", "my-school/roster")
    assert main(["sandbox", "reset", "--lived-in", "--state", "my-school/.provision"]) == 0
    return ["match", "accept", "--profile", "my-school/profile.toml", "--by", "Kim"]


def ids() -> dict[str, str]:
    from provision.sandbox import Tenant
    from provision.sandbox.seed import live_in

    tenant = Tenant.new()
    live_in(tenant)
    return {user["userPrincipalName"].split("@")[0]: user["id"] for user in tenant.dump()["users"]}


@pytest.mark.parametrize(
    ("key", "object_id", "code", "words"),
    [
        ("usr:S13002", "bsilva", 2, "did you mean 'user'?"),
        ("user:S13O02", "bsilva", 1, "did you mean 'user:S13"),
        ("user:S13002", "bsilva@students.contoso.edu", 1, "It may be {bsilva} (bsilva@students.contoso.edu)"),
        ("user:S13002", NOWHERE, 1, "It may be {bsilva} (bsilva@students.contoso.edu)"),
        ("user:S13001", "aokafor", 2, "without a yes; nothing was recorded"),
        ("user:S13001", "cbernard", 2, "bears the id of another one"),
        ("section:11001", "bsilva", 1, "Microsoft 365 has no section with the object id"),
    ],
)
def test_what_cannot_be_accepted_is_told_with_what_is_near(
    lived_in: list[str], capsys: Capture, key: str, object_id: str, code: int, words: str
) -> None:
    capsys.readouterr()
    assert main([*lived_in, key, "--object", ids().get(object_id, object_id)]) == code
    assert words.format(**ids()) in capsys.readouterr().err
    assert not list(Path("my-school").glob("*.matches.csv"))


def test_rows_are_added_to_a_file_that_people_have_edited(lived_in: list[str], capsys: Capture) -> None:
    path = Path("my-school/school.matches.csv")
    path.write_text(f"by,key,object_id\nKim,user:S13004,{ids()['dvolkov']}")
    assert main([*lived_in, "user:S13002", "--object", ids()["bsilva"]]) == 0
    assert path.read_text().splitlines() == [
        "by,key,object_id", f"Kim,user:S13004,{ids()['dvolkov']}", f"Kim,user:S13002,{ids()['bsilva']}",
    ]  # fmt: skip
    capsys.readouterr()
    assert main(["match", "report", "--profile", "my-school/profile.toml"]) == 0
    assert "Matched by a recorded yes (2)" in capsys.readouterr().out
