"""The docs say what the code does: generated blocks are up to date, links lead somewhere, every command line runs."""

from __future__ import annotations

import importlib.util
import json
import os
import pkgutil
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from provision.cli import main
from provision.cli.templates import templates
from provision.errors import EXIT_CODES
from provision.plan.guards import GUARDS
from provision.profile import Match, Profile, load_profile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
INSTALLING = "python3 -m venv "
"""The two lines of README.md that install: `.ci/run` runs the one, people run the other."""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/generate.py as a module."""
    monkeypatch.setenv("COLUMNS", "80")  # it sets this itself; here only to have it put back
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return path.name


# -- what is generated


def test_generated_blocks_are_up_to_date(generate: ModuleType, capsys: Capture) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_every_generated_block_has_a_place(generate: ModuleType) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- generated: (.+?) -->", text)) == set(generate.BLOCKS)


def test_a_stale_block_is_noticed_and_mended(generate: ModuleType, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "guards.md"
    shutil.copy(DOCS / "guards.md", page)
    fresh = page.read_text(encoding="utf-8")
    stale = fresh.replace(GUARDS[0].says, "something else")
    assert stale != fresh
    page.write_text(stale, encoding="utf-8")
    assert generate.main(["--check"], tmp_path) == 1
    assert "guards.md is out of date" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == stale
    assert generate.main([], tmp_path) == 0
    assert page.read_text(encoding="utf-8") == fresh


def test_a_block_that_nobody_writes_is_an_error(generate: ModuleType) -> None:
    with pytest.raises(KeyError):
        generate.filled("<!-- generated: no such block -->\n<!-- end -->")


def test_every_meaning_belongs_to_a_name_of_the_profile() -> None:
    models: dict[str, Any] = {name: field.annotation for name, field in Profile.model_fields.items()}
    models |= {"profile": Profile, "match": Match, "people": models["students"]}
    for table, meanings in tomllib.loads((DOCS / "profile-keys.toml").read_text(encoding="utf-8")).items():
        assert set(meanings) <= set(models[table].model_fields), table


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code): meaning.replace("`", "") for code, meaning in rows} == EXIT_CODES


# -- what is pointed at


def anchors(page: Path) -> set[str]:
    """The headings of a page, as a link names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith(("https://", "mailto:")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_readme_names_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_name_of_the_program_is_one(page: Path) -> None:
    for name in re.findall(r"`(provision\.[\w.]+)`", page.read_text(encoding="utf-8")):
        assert pkgutil.resolve_name(name) is not None


# -- what is shown


def test_the_example_profile_loads_and_is_complete(tmp_path: Path) -> None:
    (example,) = blocks(DOCS / "profile.md", "toml")
    (tmp_path / "profile.toml").write_text(example, encoding="utf-8")
    profile = load_profile(tmp_path / "profile.toml")
    given = tomllib.loads(example)
    assert set(given) == set(Profile.model_fields) - {"folder"}
    for name, values in given.items():
        if isinstance(values, dict):
            assert set(values) == set(type(getattr(profile, name)).model_fields), name


def test_the_example_lines_of_a_plan_follow_the_schema() -> None:
    schema = json.loads((DOCS / "plan.schema.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for block in blocks(DOCS / "plan-format.md", "json") for line in block.splitlines()]
    assert {line["type"] for line in lines} == {"change", "note"}
    for line in lines:
        jsonschema.validate(line, schema)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_every_python_example_runs(page: Path, tmp_path: Path) -> None:
    for example in blocks(page, "python"):
        script = tmp_path / "example.py"
        script.write_text(example, encoding="utf-8")
        runpy.run_path(str(script))


# -- what is typed


def typed(page: Path) -> list[str]:
    """Every command line of a page, but for those that install."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if not line.startswith(INSTALLING)]


@contextmanager
def serving(arguments: list[str]) -> Iterator[str]:
    """`provision sandbox serve` on a free port, in a process of its own; gives its address."""
    port = arguments.index("--port") + 1
    command = [sys.executable, "-m", "provision", *arguments[:port], "0", *arguments[port + 1 :]]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(timeout=20) == 130
            finally:
                process.kill()  # else one that does not heed it is waited for without end


def prepare(page: Path, lines: list[str]) -> None:
    """What the pages take for granted: a folder with a roster and a profile, the roster of the next day, and the
    profiles that the page shows with the name of their file."""
    shutil.copytree(templates() / "rosters" / "contoso-day1", "my-school/roster")
    shutil.copytree(templates() / "rosters" / "contoso-day2", "tomorrow")
    if not any(line.startswith("provision init my-school") for line in lines):
        assert main(["init", "my-school"]) == 0
    for text in blocks(page, "toml"):
        if name := re.match(r"# (my-school/[a-z]+\.toml)\n", text):
            Path(name[1]).write_text(text, encoding="utf-8")


@pytest.mark.once
@pytest.mark.parametrize("page", [page for page in PAGES if typed(page)], ids=named)
def test_every_command_line_does_what_the_page_says(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """In order, in one folder. `# exit 3` behind a command says with what it leaves; otherwise with 0."""
    monkeypatch.setenv("HOME", str(Path.cwd()))  # nothing is written into anybody's own
    monkeypatch.setenv("PROVISION_KEY_PASSPHRASE", "correct horse battery staple")  # nobody is there to be asked
    lines = typed(page)
    prepare(page, lines)
    address = ""
    with ExitStack() as servers:
        for line in lines:
            program, *arguments = shlex.split(line, comments=True)
            if program == "export":
                name, _, value = arguments[0].partition("=")
                monkeypatch.setenv(name, address if value.startswith("http://127.0.0.1:") else value)
            elif arguments[:2] == ["sandbox", "serve"]:
                address = servers.enter_context(serving(arguments))
            else:
                assert program == "provision", line
                expected = re.search(r"# exit (\d+)$", line)
                assert main(arguments) == int(expected[1] if expected else 0), (line, capsys.readouterr().err)
    if address:  # the plan was made over HTTP, not from a tenant inside this process
        assert json.loads(Path("served/sandbox.json").read_text(encoding="utf-8"))["requests"] > 0
        assert not Path("try-1/sandbox.json").exists()


def test_the_readme_installs_in_two_lines() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    assert [line.rsplit("/", 1)[-1] for line in lines if line.startswith(INSTALLING)] == ["provision demo", "nox"]
