"""The same district in every format is the same roster, but for what `support/expected.py` lists, and all of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.district import Size, views, write_district
from bench.written import FILES
from support.expected import BLANK, DIFFERENCES, TRUTH, expected

from provision.formats import FORMATS, load_roster
from provision.roster.fill import ENTITIES
from provision.roster.options import RosterOptions
from provision.store import Store, in_memory

SIZE = Size(1_234)  # two schools
PERSONS = {"id", "source_id", "person_id", "contact_id"}


def district() -> Store:
    """A store that has the district as views."""
    store = in_memory()
    for name, rows in views(SIZE).items():
        store.run(f"CREATE TEMP VIEW {name} AS {rows}")
    return store


def columns(store: Store, table: str) -> list[str]:
    named = [column for column, *_ in store.rows(f"DESCRIBE roster.{table}")]
    return [column for column in named if column not in ("file", "record")]


def without_space(column: str) -> str:
    """Ids of persons as the school knows them; formats that number students and teachers apart put a word before."""
    spaces = "student|teacher|staff|guardian|contact"
    return f"regexp_replace({column}, '^({spaces})/', '')" if column in PERSONS else column


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_the_same_district_is_the_same_roster(tmp_path: Path, form: str) -> None:
    write_district(tmp_path, SIZE, form)
    store = district()
    loaded = load_roster(store, tmp_path, RosterOptions(keep_passwords=True))
    assert loaded.format == form
    assert store.rows("SELECT * FROM roster.findings WHERE severity <> 'note'") == []
    for table in ENTITIES:
        named = columns(store, table)
        found = f"SELECT {', '.join(map(without_space, named))} FROM roster.{table}"
        wanted = expected(form, table, named)
        lost = store.rows(f"({wanted}) EXCEPT ALL ({found})")
        made = store.rows(f"({found}) EXCEPT ALL ({wanted})")
        assert (lost[:2], made[:2]) == ([], []), (table, named)


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_every_difference_is_one(form: str) -> None:
    store = district()
    for place, difference in DIFFERENCES[form].items():
        table, _, column = place.partition(".")
        rows = DIFFERENCES[form].get(table)
        told = f"FROM ({TRUTH[table]}) WHERE {rows.sql if rows and column else 'true'}"
        other = f"({difference.sql}) IS DISTINCT FROM {column}" if column else f"NOT ({difference.sql})"
        assert store.value(f"SELECT count(*) {told} AND {other}"), place


def test_the_truth_has_a_value_for_every_column() -> None:
    store = district()
    assert set(TRUTH) == set(ENTITIES)
    for table, rows in TRUTH.items():
        for column in columns(store, table):
            some = store.value(f"SELECT count({column}) FROM ({rows})")
            assert bool(some) is (f"{table}.{column}" not in BLANK), (table, column)


def test_every_format_is_written() -> None:
    assert set(FILES) == set(DIFFERENCES) == {form.name for form in FORMATS}
