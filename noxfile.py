"""What CI runs. `nox` alone runs everything that is quick; `nox -s bench` measures."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "imports", "types", "tests"]
CONSTRAINTS = ("-c", "constraints.txt")
KNOWN = ("3.10", "3.11", "3.12", "3.13", "3.14")


def _works(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _find(version: str) -> str | None:
    """A Python of this version that runs: on the path, or among those that pyenv keeps."""
    on_path = shutil.which(f"python{version}")
    if on_path and _works(on_path):
        return on_path
    kept = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    return str(kept[-1]) if kept else None


PRESENT = [python for python in map(_find, KNOWN) if python]
ENDS = sorted({PRESENT[0], PRESENT[-1]}, key=PRESENT.index) if os.environ.get("CI") and PRESENT else PRESENT


def _install(session: nox.Session, *what: str) -> None:
    session.install("-q", *CONSTRAINTS, *what)


@nox.session(python=ENDS)
def tests(session: nox.Session) -> None:
    """The tests, on every Python that is present. In CI: the oldest and the newest, and on the oldest not what is
    marked `once`."""
    _install(session, ".[test]")
    spared = ("-m", "not once") if os.environ.get("CI") and session.python != PRESENT[-1] else ()
    session.run("pytest", "-n", "2", *spared, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and layout."""
    _install(session, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def imports(session: nox.Session) -> None:
    """import-linter: imports go one way."""
    _install(session, "import-linter")
    _install(session, "--no-deps", "-e", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    _install(session, "-e", ".[dev]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Write anew what the docs generate from the code; the tests hold the two together."""
    _install(session, "-e", ".[dev]")
    session.run("python", "docs/generate.py")


@nox.session(python=sorted({PRESENT[0], PRESENT[-1]}, key=PRESENT.index) if PRESENT else None)
def fuzz(session: nox.Session) -> None:
    """The readers against spoiled files, on the oldest and the newest Python. A quarter of an hour each, and not part
    of CI; FUZZ_TIMES=100 looks five times as long."""
    _install(session, ".[test]")
    times = os.environ.get("FUZZ_TIMES", "20")
    session.run("pytest", "--timeout=0", "tests/test_fuzz.py", *session.posargs, env={"FUZZ_TIMES": times})
    try:
        _install(session, "atheris")
    except CommandFailed:
        session.warn(f"atheris does not install on {session.python}: nothing was driven by coverage here.")
        return
    script = Path("tests/fuzz.py").resolve()
    session.chdir(session.create_tmp())
    for target in ("csv", "zip", "roster"):
        session.run("python", str(script), target, f"-max_total_time={6 * int(times)}")


@nox.session
def laws(session: nox.Session) -> None:
    """The laws of planning and of checking on many more rosters than a test run tries. Half an hour, and not part of
    CI."""
    _install(session, ".[test]")
    laws = ("tests/test_laws.py", "tests/test_roster_holds.py")
    session.run("pytest", "-n", "2", "--timeout=0", *laws, *session.posargs, env={"LAW_EXAMPLES": "60"})


@nox.session
def kill(session: nox.Session) -> None:
    """A run that is killed a thousand times (KILLS says how often), and how it ends. Half an hour, and not part of
    CI, where it is killed some sixty times."""
    _install(session, ".[test]")
    kills = os.environ.get("KILLS", "1000")
    session.run("pytest", "-n", "2", "--timeout=0", "tests/test_kill.py", *session.posargs, env={"KILLS": kills})


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory, as ratios against yardsticks run side by side. Half an hour, and not part of CI. `-- ROW`
    measures one row (`-- --help` names them), `-- --full` also a million students."""
    _install(session, ".[test]")
    session.run("python", "tests/bench/run.py", *session.posargs)
