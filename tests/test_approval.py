"""Approvals: who signed what, and that nothing else is applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.world import Planned, Roster, World

from provision.apply.approval import beside
from provision.apply.keys import KIND
from provision.cli import main

NAME = ("--by", "Head of IT", "--ticket", "CHG0042")


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A key without a passphrase, and its public text."""
    path = tmp_path / "keys" / "mine.key"
    monkeypatch.setenv("PROVISION_KEY", str(path))
    assert main(["key", "new", "--no-passphrase"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    line = capsys.readouterr().out
    assert line.startswith('approvers = ["' + KIND)
    return line.split('"')[1]


def roster() -> Roster:
    grown = Roster().person("T1", role="teacher").people("S1", "S2", grade="07").people("S3", org="11", grade="08")
    return grown.section("C1", teacher="T1", students=["S1", "S2"]).section("C2", org="11", students=["S3"])


def sign(planned: Planned, *options: str) -> int:
    return main(["approve", str(planned.file.path), *NAME, *options])


def require(school: World, approvers: str = "") -> None:
    """The profile as it is, with approvals required."""
    path = school.folder / "profile.toml"
    path.write_text(path.read_text() + f'[plan]\napproval = "required"\n{approvers}\n')


def apply(school: World, planned: Planned, *options: str) -> int:
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    return main(["apply", str(planned.file.path), *profile, *options])


def statuses(school: World, planned: Planned) -> dict[str, tuple[str, str | None]]:
    """Apply; the results by id."""
    return {id_: (line["status"], line["error"]) for id_, line in school.apply(planned)[1].items()}


@pytest.fixture(autouse=True)
def on_its_server(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)


def test_what_is_required_is_asked_for(school: World, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    require(school, f'approvers = ["{key}"]')
    planned = school.plan(roster())
    assert apply(school, planned) == 4
    assert "provision approve" in capsys.readouterr().err
    assert school.writes() == []

    assert sign(planned) == 0
    said = capsys.readouterr()
    assert f"{len(planned.changes)} of {len(planned.changes)} changes approved by Head of IT (CHG0042)" in said.out
    assert apply(school, planned) == 0
    assert school.user("s1@students.contoso.edu")
    assert school.plan().changes == []


def test_what_a_run_plans_by_itself_cannot_have_been_approved(school: World) -> None:
    require(school)
    roster().write(school.folder / "roster")
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    assert main(["apply", "--yes", *profile]) == 4
    assert school.writes() == []


def test_somebody_elses_signature_does_not_count(
    school: World, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(school, f'approvers = ["{key}"]')
    planned = school.plan(roster())
    assert main(["key", "new", str(tmp_path / "other.key"), "--no-passphrase"]) == 0
    other = capsys.readouterr().out.split('"')[1]
    assert sign(planned, "--key", str(tmp_path / "other.key")) == 0
    assert apply(school, planned) == 4
    assert f"signed with {other}, which is not among" in capsys.readouterr().err
    assert school.writes() == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("by", "Somebody else"),
        ("ticket", "CHG0043"),
        ("only", []),
        ("reject", []),
        ("reason", "no reason"),
        ("approved_at", "2026-01-01T00:00:00Z"),
        ("signature", "AAAA"),
        ("signature", "ä"),
        ("public_key", "ed25519:short"),
    ],
)
def test_an_altered_approval_is_refused(
    school: World, member: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = school.plan(roster())
    assert sign(planned, "--only", "school:10", "--reject", "key:user:S2", "--reason", "left") == 0
    path = beside(planned.file.path)
    said = json.loads(path.read_text())
    assert said[member] != value
    path.write_text(json.dumps({**said, member: value}))
    assert apply(school, planned) == 4
    assert "altered" in capsys.readouterr().err
    assert school.writes() == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"type": "approval"}', '{"type": "approval", "format_version": "2.0"}', '{"type": "plan"}'],
)
def test_what_is_no_approval_is_refused(school: World, text: str) -> None:
    planned = school.plan(roster())
    beside(planned.file.path).write_text(text)
    assert apply(school, planned) == 4
    assert school.writes() == []


def test_an_approval_says_no_more_than_was_signed(school: World) -> None:
    planned = school.plan(roster())
    assert sign(planned) == 0
    path = beside(planned.file.path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "everything": True}))
    assert apply(school, planned) == 4


def test_an_approval_is_for_one_plan(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = school.plan(roster())
    assert sign(first) == 0
    second = school.plan(roster().person("S9"))
    assert apply(school, second, "--approval", str(beside(first.file.path))) == 4
    assert "for another plan" in capsys.readouterr().err
    assert apply(school, second, "--approval", str(school.folder / "nowhere")) == 4
    assert school.writes() == []


def test_an_altered_plan_is_not_signed(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(roster())
    path = planned.file.path
    path.write_bytes(path.read_bytes().replace(b"GivenS1", b"GivenS7"))
    assert sign(planned) == 1
    assert "altered" in capsys.readouterr().err
    assert not beside(path).exists()


def test_a_part_is_applied_and_the_rest_waits(school: World) -> None:
    planned = school.plan(roster())
    assert sign(planned, "--only", "school:10") == 0
    found = statuses(school, planned)
    at_ten = {change["id"] for change in planned.changes if "school:10" in change["schools"]}
    assert {id_ for id_, (status, _) in found.items() if status == "done"} == at_ten
    assert {"create:user:S1", "create:section:C1", "add:member:C1/S1", "create:school:10"} <= at_ten
    assert found["create:user:S3"] == ("unapproved", "not among what was approved")

    # the rest of the same plan, approved on another day
    assert sign(planned, "--only", "school:11") == 0
    found = statuses(school, planned)
    assert {status for status, _ in found.values()} == {"done"}
    assert school.plan().changes == []


def test_nothing_goes_without_what_it_needs(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(roster())
    assert sign(planned, "--only", "kind:member") == 0
    assert f"0 of {len(planned.changes)} changes approved" in capsys.readouterr().out
    found = statuses(school, planned)
    assert found["add:member:C1/S1"][0] == "unapproved"
    assert "which was not approved" in str(found["add:member:C1/S1"][1])
    assert school.writes() == []


def test_what_was_rejected_stays_out_until_somebody_reconsiders(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    school.day(roster())
    grown = roster().person("S4", grade="07").enroll("C1", "S4")
    grown.roles[1]["grade"] = "09"
    planned = school.plan(grown)
    refused = ("--reject", "key:user:S4", "--reject", "id:update:user:S1", "--reason", "expected in January")
    assert sign(planned, *refused) == 0
    said = capsys.readouterr().out
    assert "2 rejected" in said
    assert "cannot be done without one of those" in said
    applied, results = school.apply(planned)
    assert applied.complete
    assert results["create:user:S4"]["error"] == "rejected (CHG0042): expected in January"
    assert school.writes()[-1][1]

    again = school.plan(grown)
    assert again.changes == []
    assert ("user:S4", "rejected") in again.noted("rejected")
    assert ("member:C1/S4", "rejected") in again.noted("rejected")
    reasons = {note["key"]: note["cause"]["field"] for note in again.notes if note["what"] == "rejected"}
    assert reasons["user:S1"] == "rejected (CHG0042): expected in January"
    assert reasons["member:C1/S4"] == "needs create:user:S4"

    # another value is another matter
    grown.roles[1]["grade"] = "10"
    assert school.plan(grown).ids() == ["update:user:S1"]

    # and somebody may think better of it
    grown.roles[1]["grade"] = "09"
    thought = school.plan(grown, reconsider=["user:S4"])
    assert "create:user:S4" in thought.ids()
    assert "update:user:S1" not in thought.ids()
    applied, _ = school.apply(thought)
    assert applied.complete
    assert {note["key"] for note in school.plan(grown).notes if note["what"] == "rejected"} == {"user:S1"}


def test_nobody_reconsiders_what_nobody_rejected(school: World, capsys: pytest.CaptureFixture[str]) -> None:
    roster().write(school.folder / "roster")
    profile = ("--profile", str(school.folder / "profile.toml"), "--state", str(school.state))
    assert main(["plan", *profile, "--reconsider", "user:S1"]) == 2
    assert "nobody rejected this" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "shcool:10"), "did you mean school:"),
        (("--only", "school"), "names no changes"),
        (("--only", "school:99"), "No change of the plan is named by 'school:99'"),
        (("--reject", "key:user:nobody", "--reason", "x"), "No change of the plan is named"),
        (("--reject", "key:user:S1"), "needs a reason"),
        (("--by", " "), "--by must be"),
        (("--ticket", "a\nb"), "--ticket must be"),
    ],
)
def test_what_names_nothing_is_refused(
    school: World, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = school.plan(roster())
    assert sign(planned, *options) == 2
    assert said in capsys.readouterr().err
    assert not beside(planned.file.path).exists()


def test_a_key_with_a_passphrase(
    school: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = school.plan(roster())
    sealed = tmp_path / "sealed.key"
    assert main(["key", "new", str(sealed)]) == 4
    assert "PROVISION_KEY_PASSPHRASE" in capsys.readouterr().err
    monkeypatch.setenv("PROVISION_KEY_PASSPHRASE", "correct horse")
    assert main(["key", "new", str(sealed)]) == 0
    assert b"ENCRYPTED" in sealed.read_bytes()
    assert main(["key", "new", str(sealed)]) == 2  # never over an old one
    assert sign(planned, "--key", str(sealed)) == 0
    monkeypatch.setenv("PROVISION_KEY_PASSPHRASE", "battery staple")
    assert sign(planned, "--key", str(sealed)) == 4
    assert "passphrase" in capsys.readouterr().err
    assert "battery" not in capsys.readouterr().err
    monkeypatch.delenv("PROVISION_KEY_PASSPHRASE")
    assert sign(planned, "--key", str(sealed)) == 4


def test_keys_that_cannot_be_used(school: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(roster())
    elliptic = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content, mode, said in (
        (b"not a key", 0o600, "cannot be used"),
        (elliptic, 0o600, "another kind"),
        ((tmp_path / "keys" / "mine.key").read_bytes(), 0o644, "Others than you can read"),
    ):
        path = tmp_path / "some.key"
        path.write_bytes(content)
        path.chmod(mode)
        assert sign(planned, "--key", str(path)) == 4
        assert said in capsys.readouterr().err
    assert sign(planned, "--key", str(tmp_path / "none.key")) == 4
    assert "provision key new" in capsys.readouterr().err


def test_json_says_what_was_approved(school: World, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    planned = school.plan(roster())
    capsys.readouterr()
    assert sign(planned, "--only", "person:S1", "--json") == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["public_key"] == key
    assert said["changes"]["approved"] + said["changes"]["left out"] + said["changes"]["needs one"] == len(
        planned.changes
    )
    found = statuses(school, planned)
    assert [id_ for id_, (status, _) in found.items() if status == "done"] == ["create:user:S1"]
