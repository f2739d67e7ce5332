"""Rehearsing: the plan on a copy of the tenant, while the tenant and the state stay as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.world import Planned, Roster, World

from provision.cli import main
from provision.cli.rehearsing import ANSWER_SECONDS, copied_run, rehearse, share_of
from provision.cli.road import Run, directory, utc_now
from provision.errors import StalePlan, UsageError
from provision.graph import GraphReader, connect
from provision.graph.clock import run_without_waiting
from provision.plan.rehearsal import Rehearsal
from provision.sandbox import Sandbox, SandboxTransport
from provision.sandbox.copy import copy_of
from provision.settings import Settings
from provision.store import Store, in_memory

pytestmark = pytest.mark.once

LICENSED = '["STANDARDWOFFPACK_STUDENT"]'
TABLES = ("tenant", "domains", "skus", "service_plans", "users", "groups", "sections", "schools", "admins", "links")


@pytest.fixture(autouse=True)
def on_its_server(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)


def district(*students: str) -> Roster:
    roster = Roster().people(*students, grade="07").person("T1", role="teacher").section("C1", teacher="T1")
    for student in students:
        roster.enroll("C1", student)
    return roster


def second_day(school: World) -> Planned:
    """A plan that creates, updates, adds and removes."""
    school.profile(licenses=LICENSED, school_groups='all = ["students"]')
    school.day(district("S1", "S2", "S3"))
    later = district("S1", "S2", "S4").people("S3", grade="08")
    planned = school.plan(later)
    assert {change["action"] for change in planned.changes} == {"create", "update", "add", "remove"}
    return planned


def told(school: World, planned: Planned, *options: str) -> int:
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    return main(["rehearse", str(planned.file.path), *profile, *options])


@contextmanager
def copied(school: World) -> Iterator[Run]:
    with copied_run(Settings(graph_url=school.server.url, state=school.state), school.folder / "profile.toml") as run:
        yield run


def summary(found: Rehearsal) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "requests": found.requests(),
        "results": found.results,
        "not done": list(found.not_done()),
    }


def rehearsed(school: World, planned: Planned, faults: float, seed: int = 0) -> dict[str, Any]:
    with copied(school) as run:
        return summary(rehearse(run, planned.file, faults, seed, None)[0])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# -- what it says, and what it leaves alone


def test_nothing_is_written_and_the_outcome_is_that_of_applying(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = second_day(school)
    state, tenant, seen = contents(school.state), school.tenant.dump(), len(school.sandbox.log)
    results = school.folder / "rehearsed.jsonl"
    assert told(school, planned, "--json", "--faults", "0%", "--results", str(results)) == 0
    said = json.loads(capsys.readouterr().out)
    assert contents(school.state) == state
    assert {entry.method for entry in school.sandbox.log[seen:]} == {"GET"}
    assert {**school.tenant.dump(), "requests": 0} == {**tenant, "requests": 0}

    estimate = planned.header["estimate"]
    assert said["requests"]["writes"] == estimate["writes"]
    assert said["requests"]["reads"] == estimate["reads"] == len(school.sandbox.log) - seen
    assert said["requests"]["failed"] == said["requests"]["lost"] == said["requests"]["throttled_writes"] == 0
    assert said["seconds"] >= 4 * ANSWER_SECONDS  # objects, links, creates, what needs those
    assert said["results"] == {"done": len(planned.changes)}
    assert said["not_done"] == said["hindrances"] == []
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    _, applied = school.apply(planned)
    assert lines == list(applied.values())


def test_a_copy_reads_as_what_it_is_a_copy_of(school: World) -> None:
    second_day(school)
    group = school.tenant.add_group(displayName="Parents", groupTypes=["Unified"])
    school.tenant.assign_role(school.tenant.add_user(givenName="Ada", onPremisesSyncEnabled=True, employeeId="E1"))
    with copied(school) as run:
        asyncio.run(read(run.store, run))
        assert run.store.value("SELECT count(*) FROM current.links WHERE left_id <> ?", [group]) > 10
        copy = copy_of(run.store, run.profile.tenant.anchor)
        again = in_memory()
        again.run("CREATE TABLE run.wanted AS SELECT NULL::TEXT AS kind, NULL::TEXT AS object_id")
        again.run("DELETE FROM run.wanted")
        again.insert("run.wanted", ("kind", "object_id"), run.store.rows("SELECT kind, object_id FROM run.wanted"))
        asyncio.run(read_copy(again, Sandbox(copy)))
        for table in TABLES:
            query = f"FROM current.{table} ORDER BY ALL"
            assert again.rows(query) == run.store.rows(query), table
    assert copy.new_id() not in {user["id"] for user in school.tenant.dump()["users"]}


async def read(store: Store, run: Run) -> None:
    async with directory(run) as graph:
        await GraphReader(graph).read_objects(store)
        store.run("""
            CREATE OR REPLACE TABLE run.wanted AS
            SELECT k.kind, object_id FROM current.sections, (VALUES ('member'), ('owner')) k(kind)
            UNION ALL SELECT 'group_member', object_id FROM current.school_groups
            UNION ALL
            SELECT k.kind, object_id FROM current.schools, (VALUES ('school_user'), ('school_section')) k(kind)""")
        await GraphReader(graph).read_links(store)


async def read_copy(store: Store, sandbox: Sandbox) -> None:
    async with connect("http://127.0.0.1:1", sandbox.tenant.id, transport=SandboxTransport(sandbox)) as graph:
        await GraphReader(graph).read_objects(store)
        await GraphReader(graph).read_links(store)


def test_what_has_changed_since_the_plan_fails_in_the_rehearsal_as_it_would(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = second_day(school)
    school.tenant.add_user(userPrincipalName="s4@students.contoso.edu")
    school.tenant.remove_member(school.group("Section_C1")["id"], school.user("s3@students.contoso.edu")["id"])
    assert told(school, planned, "--faults", "0%", "--json") == 5
    output = capsys.readouterr()
    assert "In the rehearsal some changes were not done." in output.err
    failed = {line["id"]: (line["status"], line["error"]) for line in json.loads(output.out)["not_done"]}
    assert failed["create:user:S4"][0] == "failed"
    assert failed["remove:member:C1/S3"][0] == "stale"
    assert failed["add:member:C1/S4"] == ("skipped", "it needs create:user:S4, which was not done")
    _, applied = school.apply(planned)
    assert failed == {id_: (line["status"], line["error"]) for id_, line in applied.items() if line["status"] != "done"}


def test_no_password_of_the_roster_is_used(school: World) -> None:
    school.profile(students='password = "roster"')
    roster = Roster().person("S1", password="Tr0ub4dor&3").person("S2")
    planned = school.plan(roster)
    with copied(school) as run:
        assert "Tr0ub4dor&3" not in [word for (word,) in run.store.rows("SELECT password FROM planned.passwords")]
        found = summary(rehearse(run, planned.file, 0, 0, None)[0])
        assert "Tr0ub4dor&3" not in (run.folder / "made-up.passwords.jsonl").read_text(encoding="utf-8")
        scratch = run.folder
    assert not scratch.exists()
    reasons = {id_: reason for id_, _, reason in found["not done"]}
    assert reasons["create:user:S2"] == "the roster gives no password for this person"
    assert "create:user:S1" not in reasons


# -- faults and time


def test_the_same_seed_gives_the_same_faults(school: World) -> None:
    planned = second_day(school)
    once = rehearsed(school, planned, 0.3, seed=3)
    assert once == rehearsed(school, planned, 0.3, seed=3)
    assert once != rehearsed(school, planned, 0.3, seed=8)
    assert once["requests"]["failed"] > 0
    assert rehearsed(school, planned, 0.6, seed=3)["requests"]["lost"] > 0
    assert once["results"] == {"done": len(planned.changes)}


def test_where_everything_fails_it_says_so(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = second_day(school)
    assert told(school, planned, "--faults", "100%") == 1
    assert "The directory could not be read" in capsys.readouterr().err


def test_hours_pass_at_once_and_side_by_side() -> None:
    async def story() -> tuple[float, list[float]]:
        loop = asyncio.get_running_loop()
        woke: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woke.append(loop.time())

        await asyncio.gather(sleeper(7_200), sleeper(3_600), sleeper(3_600.5))
        return loop.time(), woke

    assert run_without_waiting(story()) == (7_200, [3_600, 3_600.5, 7_200])


def test_what_goes_wrong_in_a_story_without_waiting_is_told() -> None:
    ended: list[str] = []

    async def story() -> None:
        try:
            await asyncio.sleep(60)
            raise KeyError("trouble")
        finally:
            ended.append("cleaned")

    with pytest.raises(KeyError, match="trouble"):
        run_without_waiting(story())
    assert ended == ["cleaned"]


# -- what is in the way of applying, and of rehearsing


def test_approval_expiry_and_guards_do_not_stop_a_rehearsal_but_are_told(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    school.day(district("S1", "S2", "S3"))
    path = school.profile(guards='member_removals = "1"\n')
    path.write_text(path.read_text(encoding="utf-8") + '[plan]\napproval = "required"\nexpires = "1h"\n', "utf-8")
    planned = school.plan(district("S1").people("S2", "S3", grade="07"))
    assert told(school, planned) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "A guard stops the plan (member_removals" in output
    assert "apply carries out what is approved, and nothing else" in output
    assert "Rehearsed on a copy of Contoso School District" in output
    with copied(school) as run:
        later = replace(run, clock=lambda: utc_now() + timedelta(hours=2))
        found, applied = rehearse(later, planned.file, 0, 0, None)
        assert applied.complete
        assert any(sentence.startswith("The plan expired at") for sentence in found.hindrances)


def test_a_plan_that_is_altered_or_not_for_this_profile_or_tenant_is_refused(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = school.plan(district("S1"))
    text = planned.file.path.read_bytes()
    planned.file.path.write_bytes(text.replace(b'"grade":"07"', b'"grade":"08"'))
    assert told(school, planned) == 1
    assert "was altered" in capsys.readouterr().err
    planned.file.path.write_bytes(text)
    school.tenant.id = "0d9ee3f1-6f3b-4c49-8f6f-1f2f3c1c1c1c"
    with copied(school) as run, pytest.raises(StalePlan, match="The plan is for tenant"):
        rehearse(run, planned.file, 0, 0, None)
    school.profile(licenses=LICENSED)
    with copied(school) as run, pytest.raises(StalePlan, match="another profile"):
        rehearse(run, planned.file, 0, 0, None)


def test_a_state_folder_that_is_not_there_is_not_made(school: World, tmp_path: Path) -> None:
    planned = school.plan(district("S1"))
    school.state = tmp_path / "elsewhere"
    assert told(school, planned) == 0
    assert not school.state.exists()


@pytest.mark.parametrize("text", ["1", "x%", "101%", "-1%", "", "1%%"])
def test_faults_are_a_share(text: str) -> None:
    with pytest.raises(UsageError, match="--faults"):
        share_of(text)


def test_a_share_is_read() -> None:
    assert share_of("0.5%") == 0.005
    assert share_of("100%") == 1
