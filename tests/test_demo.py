"""`provision demo`: the README's first command tells the whole story, and leaves files that can be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.cli import main

pytestmark = pytest.mark.once

Capture = pytest.CaptureFixture[str]


def test_the_demo_plays_two_school_days_and_leaves_usable_files(capsys: Capture) -> None:
    assert main(["demo", "demo"]) == 0
    told = capsys.readouterr().out
    assert told.count("Nothing to do: Microsoft 365 is as the roster and the profile want it.") == 2
    assert "2 removals\n  remove member:11002/S13012" in told
    assert told.count("Applied: ") == 2
    for left in ("profile.toml", "roster", "plan-1.jsonl", "plan-3.md", "results-3.jsonl", ".provision/sandbox.json"):
        assert (Path("demo") / left).exists()
        assert left.split("/")[0] in told or left.endswith((".md", ".json", "3.jsonl"))
    assert {line["status"] for line in map(json.loads, Path("demo/results-3.jsonl").read_text().splitlines())} == {
        "done"
    }
    # what it says to try next works
    assert (
        main(["plan", "--profile", "demo/profile.toml", "--roster", "demo/roster-next-day", "--detailed-exitcode"]) == 0
    )
    assert main(["show", "demo/plan-3.jsonl", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.endswith(Path("demo/plan-3.md").read_text(encoding="utf-8"))
    assert main(["sandbox", "dump", "--state", "demo/.provision"]) == 0
    dump = json.loads(capsys.readouterr().out)
    assert sorted(made["externalId"] for made in dump["classes"]) == ["11001", "11002", "11003", "11004", "11005"]
    assert dump["deleted"] == []


def test_the_demo_never_writes_into_a_folder_that_holds_something(capsys: Capture) -> None:
    Path("mine").mkdir()
    Path("mine/precious.txt").write_text("mine", encoding="utf-8")
    assert main(["demo", "mine"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in Path("mine").iterdir()] == ["precious.txt"]
