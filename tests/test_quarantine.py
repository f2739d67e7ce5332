"""What keeps failing is left alone for a while, and nothing else."""

from __future__ import annotations

import pytest
from support.world import Planned, Roster, World

from provision.apply.status import read_status
from provision.cli import main
from provision.errors import UsageError

FAILING = "create:user:S1"


def roster() -> Roster:
    return Roster().people("S1", "S2").person("T1", role="teacher").section("C1", teacher="T1", students=["S1", "S2"])


def refused(school: World) -> Planned:
    """A plan of which one account is refused: somebody in the bin or elsewhere has its name."""
    planned = school.plan(roster())
    school.tenant.add_user(userPrincipalName="s1@students.contoso.edu")
    return planned


def test_after_three_failures_it_is_skipped_with_what_needs_it_and_all_else_is_done(school: World) -> None:
    planned = refused(school)
    for _ in range(3):
        _, results = school.apply(planned)
        assert results[FAILING]["status"] == "failed"
    before = len(school.writes())
    applied, results = school.apply(planned)
    assert len(school.writes()) == before
    assert results[FAILING]["status"] == "skipped"
    assert "it failed in the last 3 runs" in results[FAILING]["error"]
    assert "--retry user:S1" in results[FAILING]["error"]
    assert results["add:member:C1/S1"]["error"] == f"it needs {FAILING}, which was not done"
    assert results["add:member:C1/S2"]["status"] == "done"
    assert not applied.complete
    with school.run() as run:
        assert read_status(run.store)["failing"] == ["user:S1"]


def test_it_is_sent_again_by_name_or_after_some_days(school: World) -> None:
    planned = refused(school)
    for _ in range(3):
        school.apply(planned)
    assert school.apply(planned, retry=["user:S1"])[1][FAILING]["status"] == "failed"
    assert school.apply(planned)[1][FAILING]["status"] == "skipped"
    with school.run() as run:
        run.store.run("UPDATE journal.outcomes SET moment = moment - INTERVAL 4 DAY")
        run.store.run("UPDATE journal.intents SET moment = moment - INTERVAL 4 DAY")
    assert school.apply(planned)[1][FAILING]["status"] == "failed"
    with pytest.raises(UsageError, match="nothing is set aside"):
        school.apply(planned, retry=["user:S2"])


def test_what_was_done_in_between_counts_from_there(school: World) -> None:
    planned = refused(school)
    for _ in range(3):
        school.apply(planned)
    with school.run() as run:
        assert read_status(run.store)["failing"] == ["user:S1"]
        run.store.run(
            "UPDATE journal.outcomes SET status = 'done' WHERE change_id = $id AND moment = "
            "(SELECT median(moment) FROM journal.outcomes WHERE change_id = $id)", {"id": FAILING},
        )  # fmt: skip
        assert read_status(run.store)["failing"] == []


def test_the_command_names_it(
    school: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    planned = refused(school)
    for _ in range(3):
        school.apply(planned)
    where = ["--profile", str(school.folder / "profile.toml"), "--state", str(school.state)]
    assert main(["status", *where]) == 0
    assert "Left alone, as it keeps failing: user:S1;" in capsys.readouterr().out
    assert main(["apply", str(planned.file.path), "--retry", "user:S1", *where]) == 5
