"""Stopping a run, and going on with it: signals, the plan that is remembered, and what is refused."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.killing import Deaths, Forks, Kill, deaths
from support.world import Roster, World

from provision.cli import main
from provision.sandbox import Canned, Faults

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.once
unix = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked here, which Windows does not do")


def small(students: int = 3) -> Roster:
    ids = [f"S{number}" for number in range(students)]
    return Roster().people(*ids, grade="08").person("T1", role="teacher").section("C1", teacher="T1", students=ids)


# -- signals


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


@pytest.fixture
def made(tmp_path: Path, forks: Forks) -> Iterator[Deaths]:
    """A run of many batches, each of which takes a moment."""
    with deaths(tmp_path, forks, small(45)) as ready:
        ready.sandbox.faults = Faults(write_seconds=(0.3, 0.4))
        yield ready


def until(made: Deaths, writes: int) -> None:
    """Wait until so many writes were carried out."""
    for _ in range(1500):
        if len(made.school.writes()) >= writes:
            return
        time.sleep(0.01)
    raise AssertionError(made.said())


@unix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_resume_goes_on(made: Deaths, number: signal.Signals) -> None:
    asked = made.start(str(made.planned.file.path))
    until(made, 2)
    began = time.monotonic()
    os.kill(asked, number)
    assert made.forks.wait() == 5
    assert time.monotonic() - began < 8
    said = made.said()
    assert "Stopping" in said
    assert "Go on with `provision apply --resume`." in said
    before = len(made.school.writes())
    assert before < made.planned.header["estimate"]["writes"]
    made.sandbox.faults = Faults()
    assert made.run("--resume") == 0
    assert len(made.school.writes()) == made.planned.header["estimate"]["writes"], "nothing was sent twice"
    assert made.school.plan().ids() == []
    assert made.run("--resume") == 0
    assert made.said().startswith("Nothing to resume")


@unix
def test_what_waits_for_the_quota_is_not_sent_after_a_signal(made: Deaths) -> None:
    made.sandbox.faults = Faults()
    asked = made.start(str(made.planned.file.path), "--max-share", "1%")  # a write in five seconds
    until(made, 1)
    time.sleep(1)
    before, began = len(made.school.writes()), time.monotonic()
    os.kill(asked, signal.SIGINT)
    assert made.forks.wait() == 5
    assert time.monotonic() - began < 3, "it is not waited for, either"
    assert len(made.school.writes()) == before
    assert made.run("--resume") == 0
    assert len(made.school.writes()) == made.planned.header["estimate"]["writes"]
    assert made.end()["other passwords"] == []


@unix
def test_the_second_signal_ends_it_at_once(made: Deaths) -> None:
    made.sandbox.faults = Faults(write_seconds=(5, 5))
    asked = made.start(str(made.planned.file.path))
    until(made, 1)
    os.kill(asked, signal.SIGINT)
    time.sleep(0.2)
    began = time.monotonic()
    os.kill(asked, signal.SIGINT)
    assert made.forks.wait() == 130
    assert time.monotonic() - began < 4
    made.sandbox.faults = Faults()
    time.sleep(0.1)
    assert made.run("--resume") == 0
    assert made.school.plan().ids() == []
    assert made.end()["other passwords"] == []


# -- the plan that is remembered


@pytest.fixture
def ready(school: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in the environment, of which one class cannot be made."""
    small().write(school.folder / "roster")
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    monkeypatch.setenv("PROVISION_STATE", str(school.state))
    school.sandbox.faults = REFUSED
    return school


REFUSED = Faults(
    answers=(
        Canned("POST /education/classes", 403, {"error": {"code": "Authorization_RequestDenied", "message": "No"}}),
    )
)


def apply(school: World, *arguments: str) -> int:
    return main(["apply", "--profile", str(school.folder / "profile.toml"), *arguments])


def test_nothing_to_resume(ready: World, capsys: Capture) -> None:
    assert apply(ready, "--resume") == 0
    assert "Nothing to resume" in capsys.readouterr().err
    ready.sandbox.faults = Faults()
    assert apply(ready, "--yes") == 0
    assert apply(ready, "--resume") == 0
    assert "Nothing to resume" in capsys.readouterr().err


def test_a_plan_that_apply_made_itself_is_kept_until_it_is_done(ready: World) -> None:
    assert apply(ready, "--yes") == 5
    (kept,) = ready.state.glob("*.plan.jsonl")
    assert kept.stat().st_mode & 0o777 == 0o600
    ready.sandbox.faults = Faults()
    before = len(ready.writes())
    assert apply(ready, "--resume", "--results", "r.jsonl") == 0
    assert 0 < len(ready.writes()) - before < before, "only what was left"
    assert ready.plan().ids() == []
    assert not list(ready.state.glob("*.plan.jsonl"))


def test_a_plan_that_is_gone_or_altered_is_refused(ready: World, capsys: Capture) -> None:
    plan = ready.plan().file.path
    other = shutil.copy(plan, ready.folder / "other.jsonl")
    assert apply(ready, str(plan)) == 5
    kept = plan.rename(plan.with_suffix(".away"))
    assert apply(ready, "--resume") == 1
    assert "its plan is gone" in (told := capsys.readouterr().err)
    assert "Plan again" in told
    lines = Path(other).read_bytes().splitlines(keepends=True)
    plan.write_bytes(b"".join(lines[:-1]))
    assert apply(ready, "--resume") == 1
    assert "was altered" in capsys.readouterr().err
    ready.plan(small(4))
    shutil.copy(ready.folder / f"plan-{ready.plans}.jsonl", plan)
    assert apply(ready, "--resume") == 1
    assert "another plan by now" in capsys.readouterr().err
    kept.rename(plan)
    ready.sandbox.faults = Faults()
    assert apply(ready, "--resume") == 0


def test_a_plan_that_is_refused_does_not_take_the_place_of_one_that_was_begun(ready: World) -> None:
    first = ready.plan().file.path
    assert apply(ready, str(first)) == 5
    altered = Path(shutil.copy(first, ready.folder / "altered.jsonl"))
    altered.write_bytes(altered.read_bytes() + b"{}\n")
    assert apply(ready, str(altered)) == 1
    ready.sandbox.faults = Faults()
    assert apply(ready, "--resume") == 0
    assert ready.plan().ids() == []


def test_what_was_approved_is_what_is_resumed(ready: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("PROVISION_KEY", str(ready.folder / "me.key"))
    monkeypatch.setenv("PROVISION_KEY_PASSPHRASE", "correct horse battery staple")
    assert main(["key", "new", str(ready.folder / "me.key")]) == 0
    plan = ready.plan().file.path
    arguments = ["--by", "A. Reed", "--ticket", "C1", "--reject", "person:S0", "--reason", "left"]
    assert main(["approve", str(plan), *arguments]) == 0
    approval = plan.with_name(plan.name + ".approval").rename(ready.folder / "elsewhere.approval")
    assert apply(ready, str(plan), "--approval", str(approval)) == 5
    ready.sandbox.faults = Faults()
    kept = approval.rename(ready.folder / "away")
    assert apply(ready, "--resume") == 4, "without what was allowed nothing is"
    kept.rename(approval)
    assert apply(ready, "--resume") == 0
    names = [user["userPrincipalName"] for user in ready.tenant.dump()["users"]]
    assert "s1@students.contoso.edu" in names
    assert "s0@students.contoso.edu" not in names
    assert "another" not in capsys.readouterr().err


@pytest.mark.parametrize("extra", [["plan.jsonl"], ["--roster", "x"], ["--only", "person:S1"]])
def test_what_does_not_go_with_resume(ready: World, capsys: Capture, extra: list[str]) -> None:
    assert apply(ready, "--resume", *extra) == 2
    assert "resume" in capsys.readouterr().err


@unix
def test_killed_before_the_first_request_it_can_be_resumed(tmp_path: Path, forks: Forks) -> None:
    with deaths(tmp_path, forks, small()) as made:
        assert made.run(str(made.planned.file.path), kill=Kill(read=1)) == -signal.SIGKILL
        assert made.school.writes() == []
        assert made.run("--resume") == 0
        assert made.end()["not done"] == []
