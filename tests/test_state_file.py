"""What the state file keeps: what the next run needs, and nothing that a run was working on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
from support.world import Roster, World

from provision.store import open_store
from provision.store.schema import MIGRATIONS

KILLED = """
import os, sys
from pathlib import Path
from provision.store import open_store

store = open_store(Path(sys.argv[1]), "killed", memory="30MB")
store.run("CREATE TABLE run.pupils AS SELECT md5(i::TEXT) AS name, md5((i + 1)::TEXT) AS id FROM range(500000) t(i)")
os._exit(1)  # nothing is closed, as when it is killed
"""
TABLES = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"


def tables(path: Path) -> set[str]:
    """The tables that stand in the file."""
    with duckdb.connect(str(path), read_only=True) as file:
        return {str(name) for (name,) in file.execute(TABLES).fetchall()}


def test_nothing_of_a_run_is_kept(school: World) -> None:
    school.day(
        Roster().people("S1", "S2").section("C1", teacher="T1", students=["S1", "S2"]).person("T1", role="teacher")
    )
    kept = tables(school.state / "test.duckdb")
    assert {"ledger.objects", "current.users", "journal.outcomes", "planned.plans"} <= kept
    assert {one for one in kept if one.partition(".")[0] in ("run", "desired", "roster")} == {"run.schema_version"}


def test_what_was_once_kept_goes(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute("CREATE SCHEMA run; CREATE TABLE run.schema_version (version INTEGER)")
        for number, script in enumerate(MIGRATIONS[:8], start=1):
            file.execute(script)
            file.execute("INSERT INTO run.schema_version VALUES (?)", [number])
        file.execute("CREATE SCHEMA desired; CREATE TABLE desired.users (key TEXT); CREATE TABLE run.people (key TEXT)")
        file.execute("INSERT INTO ledger.profile VALUES ('old', 'a tenant')")
    store = open_store(tmp_path, "old")
    assert store.value("SELECT name FROM ledger.profile") == "old"
    store.close()
    assert tables(path) & {"desired.users", "run.people", "run.schema_version"} == {"run.schema_version"}


def test_what_a_killed_run_had_spilled_goes_with_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert any((tmp_path / "killed.duckdb.tmp").iterdir())
    store = open_store(tmp_path, "killed")
    assert not (tmp_path / "killed.duckdb.tmp").exists()
    store.close()
