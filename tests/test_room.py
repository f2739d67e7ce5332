"""Neither a memory nor a disk that is full ends in a traceback, or in a roster that looks empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bench.district import Size, write_district

from provision.errors import OutOfRoom, RosterError
from provision.formats import load_roster
from provision.roster.fill import TABLES
from provision.roster.options import RosterOptions
from provision.store import Store, open_store

MANY = "SELECT count(DISTINCT md5(i::TEXT)) FROM range(1000000) t(i)"


@pytest.fixture
def narrow(tmp_path: Path) -> Store:
    """A store with little memory that cannot spill."""
    store = open_store(tmp_path / "state", "narrow", memory="12MB")
    store.run("SET max_temp_directory_size = '0KB'")
    return store


@pytest.mark.parametrize("ask", [Store.run, Store.rows, Store.value, lambda store, sql: list(store.stream(sql))])
def test_what_takes_too_much_memory_is_told_in_words(narrow: Store, ask: Callable[[Store, str], object]) -> None:
    with pytest.raises(OutOfRoom, match="more memory than provision allows itself") as caught:
        ask(narrow, MANY)
    assert "Out of Memory" in caught.value.details[0]


def test_a_roster_that_is_too_large_leaves_the_tables_empty(tmp_path: Path, narrow: Store) -> None:
    write_district(tmp_path / "roster", Size(3_000), "sds-v2.1")
    with pytest.raises(RosterError, match="cannot be loaded"):
        load_roster(narrow, tmp_path / "roster", RosterOptions())
    assert {table: narrow.value(f"SELECT count(*) FROM roster.{table}") for table in TABLES} == dict.fromkeys(TABLES, 0)
