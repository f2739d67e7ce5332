"""Rows fall into the roster tables in any order: a large file is inserted by several threads at once. Nothing that is
found, held, written or told may depend on it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from bench.district import Size, write_district

from provision.convert import TARGETS, convert, reading
from provision.convert.target import Target
from provision.formats import FORMATS, load_roster
from provision.roster.conversion import Difference
from provision.roster.fill import TABLES
from provision.roster.options import RosterOptions
from provision.store import Row, Store, in_memory

GROUPS = frozenset({"students", "staff"})
OPTIONS = RosterOptions(names_required=GROUPS, usernames_required=GROUPS)


@contextmanager
def inserted(order: str) -> Iterator[None]:
    """Rows for which any order is good are inserted in this one."""
    run = Store.run

    @contextmanager
    def in_this_order(self: Store) -> Iterator[None]:
        with patch.object(self, "run", lambda sql: run(self, f"{sql} ORDER BY {order}")):
            yield

    with patch.object(Store, "in_any_order", in_this_order):
        yield


def muddle(folder: Path) -> None:
    """Say things twice, otherwise the second time, of whom nobody knows, and of nobody."""
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if path.name == "manifest.csv" or len(rows) < 3:
            continue
        for number in range(0, min(len(rows), 60), 4):
            again = list(rows[number])
            again[number % len(again)] = rows[(number + 1) % len(rows)][number % len(again)]
            rows.append(again)
        rows += rows[:6]
        rows += [[cell.replace("2026-", "2025-") for cell in row] for row in rows[:12]]
        rows[7][0] = ""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])


def loaded(folder: Path, options: RosterOptions) -> Store:
    store = in_memory()
    store.run("SET threads = 1")  # quicker where tables are small
    load_roster(store, folder, options)
    return store


def tables(folder: Path) -> dict[str, list[Row]]:
    store = loaded(folder, OPTIONS)
    return {table: store.rows(f"FROM roster.{table} ORDER BY ALL") for table in TABLES}


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_rows_in_any_order_make_the_same_roster(tmp_path: Path, form: str) -> None:
    write_district(tmp_path, Size(60), form)
    muddle(tmp_path)
    with inserted("record"):
        first = tables(tmp_path)
    with inserted("record DESC"):
        again = tables(tmp_path)
    assert len({rule for rule, *_ in first["findings"]}) > 1
    for table in TABLES:
        assert again[table] == first[table]


def converted(folder: Path, target: Target, out: Path) -> tuple[tuple[Difference, ...], dict[str, bytes]]:
    store = loaded(folder, reading(OPTIONS))
    done = convert(store, target, out, reading(OPTIONS), school_year="2026-08-24/2027-06-18", leave_out_errors=True)
    return done.differences, {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.format.name)
@pytest.mark.parametrize("form", ["sds-v2.1", "oneroster-1.1"])
def test_rows_in_any_order_are_written_alike(tmp_path: Path, form: str, target: Target) -> None:
    roster = tmp_path / "roster"
    write_district(roster, Size(60), form)
    muddle(roster)
    with inserted("record"):
        first = converted(roster, target, tmp_path / "first")
    with inserted("record DESC"):
        assert converted(roster, target, tmp_path / "again") == first
