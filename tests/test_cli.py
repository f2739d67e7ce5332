"""The command line's contract: exit codes, streams, and one clear message for every bad input."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.world import Roster, World

from provision.cli import main
from provision.cli.check import FormatName
from provision.cli.reading import options_of
from provision.cli.show import Renderer
from provision.formats import FORMATS
from provision.reports import RENDERERS
from provision.store import open_store

Capture = pytest.CaptureFixture[str]


def small() -> Roster:
    """One class with its teacher and two students."""
    return Roster().people("S1", "S2").person("T1", role="teacher").section("C1", teacher="T1", students=["S1", "S2"])


@pytest.fixture
def ready(school: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose roster lies there, and whose server and state are in the environment."""
    small().write(school.folder / "roster")
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    monkeypatch.setenv("PROVISION_STATE", str(school.state))
    return school


def test_plan_apply_plan_and_their_exit_codes(ready: World, capsys: Capture) -> None:
    profile = str(ready.folder / "profile.toml")
    assert main(["plan", "--profile", profile, "--out", "plan.jsonl", "--detailed-exitcode"]) == 3
    shown = capsys.readouterr()
    assert shown.out.startswith("Plan: 6 to create, 0 to update, 8 to add, 0 to remove.")
    assert "The plan is in plan.jsonl." in shown.err
    assert not ready.writes()
    assert main(["apply", "plan.jsonl", "--profile", profile, "--results", "results.jsonl"]) == 0
    assert capsys.readouterr().out == "Applied: 14 done.\n"
    results = [json.loads(line) for line in Path("results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {result["status"] for result in results} == {"done"}
    assert set(results[0]) == {"id", "status", "error", "requests"}
    assert main(["plan", "--profile", profile, "--detailed-exitcode"]) == 0
    assert capsys.readouterr().out.startswith("Nothing to do")


def test_apply_without_a_plan_asks_and_nobody_there_means_no(ready: World, capsys: Capture) -> None:
    profile = str(ready.folder / "profile.toml")
    assert main(["apply", "--profile", profile]) == 2
    told = capsys.readouterr()
    assert "Add --yes" in told.err
    assert "nothing was applied" in told.err
    assert not ready.writes()
    assert main(["apply", "--profile", profile, "--yes", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["results"] == {"done": 14}
    assert ready.writes()


def test_json_plans_are_one_document_on_stdout(ready: World, capsys: Capture) -> None:
    assert main(["plan", "--profile", str(ready.folder / "profile.toml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["plan"]["type"] == "plan"
    assert len(document["changes"]) == 14


def test_show_renders_in_every_way(ready: World, capsys: Capture) -> None:
    main(["plan", "--profile", str(ready.folder / "profile.toml"), "--out", "plan.jsonl"])
    first = capsys.readouterr().out
    assert main(["show", "plan.jsonl"]) == 0
    assert capsys.readouterr().out == first
    assert main(["show", "plan.jsonl", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Plan: 6 to create")
    assert main(["show", "plan.jsonl", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []


def test_names_on_the_command_line_are_those_of_the_registries() -> None:
    assert [renderer.value for renderer in Renderer] == list(RENDERERS)
    assert [name.value for name in FormatName] == ["auto", *(form.name for form in FORMATS)]


def test_status_tells_runs_and_ledger(ready: World, capsys: Capture) -> None:
    profile = str(ready.folder / "profile.toml")
    assert main(["status", "--profile", profile]) == 0
    assert "Ledger: empty" in capsys.readouterr().out
    main(["apply", "--profile", profile, "--yes"])
    capsys.readouterr()
    assert main(["status", "--profile", profile, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["ledger"]["user"] == 3
    assert (status["runs"][0]["done"], status["runs"][0]["finished"], status["unsettled"]) == (14, True, 0)


def test_a_tripped_guard_leaves_with_4_shows_the_plan_and_its_numbers(ready: World, capsys: Capture) -> None:
    profile = ready.profile(guards="creates = 1\nminimum = 0")
    main(["apply", "--profile", str(profile), "--yes"])
    small().people("S3", "S4").write(ready.folder / "roster")
    capsys.readouterr()
    before = len(ready.writes())
    for command in (["plan", "--out", "plan.jsonl"], ["apply", "--yes"], ["apply", "plan.jsonl"]):
        assert main([*command, "--profile", str(profile)]) == 4
        told = capsys.readouterr()
        assert "creates: user create: 2 of 3 (66.7 %), limit 1" in told.err
        assert "--override creates" in told.err
    assert len(ready.writes()) == before
    assert main(["apply", "plan.jsonl", "--profile", str(profile), "--override", "creates"]) == 0
    assert len(ready.writes()) > before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Usage"),
        (["plan"], 2, "--profile"),
        (["plan", "--profile", "none.toml"], 1, "none.toml cannot be read"),
        (["plan", "--profile", "bad.toml"], 1, "not valid TOML"),
        (["plan", "--profile", "key.toml"], 1, "students.licences: there is no such name"),
        (["plan", "--profile", "value.toml"], 1, "guards.creates: '130%' is neither a count"),
        (["plan", "--profile", "later.toml"], 1, "sections.teams: 'create' is not supported by this version"),
        (["plan", "--profile", "profile.toml", "--override", "none"], 2, "There is no guard 'none'"),
        (["plan", "--profile", "profile.toml", "--roster", "nowhere"], 1, "nowhere"),
        (["plan", "--profile", "profile.toml", "--out", "no/such/folder/plan.jsonl"], 1, "cannot be written"),
        (["apply", "none.jsonl", "--profile", "profile.toml"], 1, "none.jsonl cannot be read"),
        (["apply", "profile.toml", "--profile", "profile.toml"], 1, "is not a plan"),
        (["apply", "p.jsonl", "--profile", "profile.toml", "--roster", "r"], 2, "Leave one out"),
        (["show", "other.jsonl"], 1, "is not a plan"),
        (["show", "newer.jsonl"], 1, "plan format 2.0; this version reads 1.1"),
        (["show", "profile.toml", "--format", "none"], 2, "none"),
        (["check", "nowhere"], 1, "nowhere"),
        (["check", "roster", "--format", "sds-v9"], 2, "sds-v9"),
        (["sandbox", "dump"], 1, "no embedded tenant"),
        (["sandbox", "dump", "--state", "profile.toml"], 1, "cannot be made"),
        (["sandbox", "dump", "--state", "broken"], 1, "cannot be read: JSONDecodeError"),
        (["demo", "profile.toml"], 1, "cannot be made"),
        (["plan", "--profile", "deep.toml"], 1, "not valid TOML"),
        (["plan", "--profile", "twice.toml"], 1, "owner_roles names something twice"),
        (["plan", "--profile", "profile.toml", "--roster", "r" * 5000], 1, "cannot be read"),
        (["plan", "--profile", "profile.toml", "--recreate", "user:NOBODY"], 2, "no object of ours"),
        (["show", "thin.jsonl"], 1, "its first line has no created_at"),
        (["show", "torn.jsonl.gz"], 1, "cannot be read"),
        (["apply", "--yes", "--profile", "profile.toml", "--results", "no/such/results.jsonl"], 1, "cannot be written"),
        (["init", "sub", "--name", "a b"], 1, "name: String should match"),
    ],
)
def test_bad_input_is_one_clear_message(
    ready: World, capsys: Capture, arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ready.folder)
    text = Path("profile.toml").read_text(encoding="utf-8")
    Path("bad.toml").write_text("name = ", encoding="utf-8")
    Path("key.toml").write_text(text.replace("[staff]", 'licences = ["X"]\n[staff]'), encoding="utf-8")
    Path("value.toml").write_text(text.replace('creates = "100%"', 'creates = "130%"'), encoding="utf-8")
    Path("later.toml").write_text(text.replace("[sections]", '[sections]\nteams = "create"'), encoding="utf-8")
    Path("other.jsonl").write_text('{"type": "other"}\n', encoding="utf-8")
    Path("newer.jsonl").write_text('{"type": "plan", "format_version": "2.0"}\n', encoding="utf-8")
    Path("deep.toml").write_text("x = " + "[" * 5000 + "]" * 5000, encoding="utf-8")
    Path("twice.toml").write_text(text.replace("[sections]", '[sections]\nowner_roles = ["a", "a"]'), encoding="utf-8")
    Path("thin.jsonl").write_text('{"type": "plan", "format_version": "1.0"}\n', encoding="utf-8")
    Path("torn.jsonl.gz").write_bytes(gzip.compress(b"x" * 5000)[:30] + b"torn" * 10)
    Path("broken").mkdir()
    Path("broken/sandbox.json").write_text("{", encoding="utf-8")
    assert main(arguments) == code
    told = capsys.readouterr()
    assert words in told.err + (told.out if not arguments else "")
    assert "Traceback" not in told.err
    assert not Path("sub").exists()
    assert not ready.writes()


def test_a_second_run_on_one_state_is_refused_with_6(ready: World, capsys: Capture) -> None:
    code = (
        "import sys; from pathlib import Path; from provision.store import open_store; "
        "store = open_store(Path(sys.argv[1]), 'test'); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(ready.state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert main(["plan", "--profile", str(ready.folder / "profile.toml")]) == 6
        assert "Another run is using" in capsys.readouterr().err
        holder.communicate()
    assert main(["plan", "--profile", str(ready.folder / "profile.toml")]) == 0


def test_a_broken_or_newer_state_file_is_refused(ready: World, capsys: Capture) -> None:
    ready.state.mkdir()
    (ready.state / "test.duckdb").write_bytes(b"not a database" * 1000)
    assert main(["plan", "--profile", str(ready.folder / "profile.toml")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    (ready.state / "test.duckdb").unlink()
    store = open_store(ready.state, "test")
    store.run("INSERT INTO test.run.schema_version VALUES (999)")
    store.close()
    assert main(["plan", "--profile", str(ready.folder / "profile.toml")]) == 1
    assert "newer version" in capsys.readouterr().err


def test_check_tells_faults_and_leaves_with_1_on_errors(ready: World, capsys: Capture) -> None:
    roster = ready.folder / "roster"
    assert main(["check", str(roster)]) == 0
    assert capsys.readouterr().out.startswith("roster (sds-v2.1) has 2 schools, 1 other organisation, 2 students")
    bad = small()
    bad.roles[0]["role"] = "wizard"
    bad.write(roster)
    assert main(["check", str(roster)]) == 1
    assert "wizard" in capsys.readouterr().out
    assert main(["check", str(roster), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert any(finding["value"] == "wizard" and finding["record"] == 2 for finding in document["findings"])


def test_no_report_is_written_over_the_roster_nor_among_its_files(ready: World, capsys: Capture) -> None:
    roster, profile = ready.folder / "roster", str(ready.folder / "profile.toml")
    before = {path.name: path.read_bytes() for path in roster.iterdir()}
    for arguments in (
        ["check", str(roster), "--report", "csv", "--out", str(roster / "users.csv")],
        ["check", str(roster), "--out", str(roster / "new.txt")],
        ["plan", "--profile", profile, "--out", str(roster / ".." / "roster" / "plan.jsonl")],
    ):
        assert main(arguments) == 2
        assert "lies in the roster" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in roster.iterdir()} == before


def test_check_takes_a_missing_file_as_meant_when_told_to(ready: World, capsys: Capture) -> None:
    (ready.folder / "roster" / "enrollments.csv").unlink()
    assert main(["check", str(ready.folder / "roster")]) == 1
    assert "--accept-missing enrollments.csv" in capsys.readouterr().err
    assert main(["check", str(ready.folder / "roster"), "--accept-missing", "enrollments.csv"]) == 0


@pytest.mark.parametrize("report", ["console", "csv", "html", "json"])
def test_reports_are_utf_8_whatever_the_code_page(ready: World, report: str) -> None:
    roster = small()
    roster.roles[0]["role"] = "Łucja"
    roster.write(ready.folder / "roster")
    command = [sys.executable, "-m", "provision", "check", str(ready.folder / "roster"), "--report", report]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (1, b"")
    assert "Łucja" in done.stdout.decode("utf-8")


def test_a_profile_saved_with_a_byte_order_mark_loads(ready: World) -> None:
    path = ready.folder / "profile.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert main(["status", "--profile", str(path)]) == 0


def test_init_writes_a_profile_that_loads_and_never_overwrites(tmp_path: Path, capsys: Capture) -> None:
    assert main(["init", "mine", "--tenant", "sandbox", "--domain", "contoso.edu"]) == 0
    before = (tmp_path / "mine" / "profile.toml").read_bytes()
    assert main(["init", "mine"]) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert (tmp_path / "mine" / "profile.toml").read_bytes() == before


def test_sandbox_reset_and_dump(capsys: Capture) -> None:
    assert main(["sandbox", "reset", "--state", "state"]) == 0
    capsys.readouterr()
    assert main(["sandbox", "dump", "--state", "state"]) == 0
    tenant = json.loads(capsys.readouterr().out)
    assert "contoso.edu" in tenant["tenant"]["domains"]
    assert Path("state/sandbox.json").stat().st_mode & 0o777 == 0o600


def test_files_with_names_in_them_are_private(ready: World) -> None:
    profile = str(ready.folder / "profile.toml")
    main(["plan", "--profile", profile, "--out", "plan.jsonl"])
    main(["apply", "plan.jsonl", "--profile", profile, "--results", "results.jsonl"])
    private = [Path("plan.jsonl"), Path("results.jsonl"), *ready.state.iterdir()]
    assert {path.name for path in private} >= {"test.duckdb", "test.passwords.jsonl"}
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_help_loads_no_http_azure_or_graph_module(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom provision.cli import main\nmain(['--help'])\n"
        "heavy = {'httpx', 'azure', 'msal', 'msgraph', 'kiota_http', 'duckdb', 'pydantic', 'rich', 'asyncio'}\n"
        "print('loaded:', sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "loaded: []"
    assert "4 a guard" in " ".join(done.stdout.split())


def test_module_and_version(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "provision", "--version"], capture_output=True, text=True,
                          check=True, cwd=tmp_path, env=environment)  # fmt: skip
    assert done.stdout.startswith("provision 0.")


def test_check_reads_as_the_profile_does(ready: World, capsys: Capture) -> None:
    nameless = Roster().person("S1", givenName="")
    nameless.write(ready.folder / "roster")
    assert main(["check", str(ready.folder / "roster")]) == 0
    assert main(["check", str(ready.folder / "roster"), "--profile", str(ready.folder / "profile.toml")]) == 1
    assert "givenName" in capsys.readouterr().out


def test_a_profile_may_write_roles_and_types_in_any_case(school: World) -> None:
    """The roster tables have them in one spelling, and the checks compare with that."""
    profile = school.profile(sections='owner_roles = ["Teacher", "TEACHERASSISTANT"]', schools='types = ["School"]')
    options = options_of(profile)
    assert options.owner_roles == ("teacher", "teacherAssistant")
    assert options.school_types == ("school",)
