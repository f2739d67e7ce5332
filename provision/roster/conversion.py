"""What became of a roster in another format: measured, by comparing its tables with those read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from provision.roster.fill import ENTITIES
from provision.store import Store

KEYS: dict[str, tuple[str, ...]] = {
    "orgs": ("id",),
    "persons": ("id",),
    "roles": ("person_id", "org_id"),
    "sections": ("id",),
    "enrollments": ("section_id", "person_id"),
    "sessions": ("id",),
    "courses": ("id",),
    "demographics": ("person_id",),
    "flags": ("person_id", "flag"),
    "relationships": ("person_id", "contact_id"),
    "user_profiles": ("id",),
}
"""By what a record is found again."""

ORIGIN = ("file", "record")
CODED = {
    ("orgs", "type"),
    ("roles", "role"),
    ("enrollments", "role"),
    ("sessions", "type"),
    ("relationships", "role"),
    ("demographics", "sex"),
}
"""Columns of which one may say what became what: their values are of a list and nobody's own."""

SETS = {("demographics", "race_codes"), ("demographics", "ethnicity_codes")}
"""Columns with codes joined by commas, in no order."""

What = Literal["lost", "changed", "made"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What befell `count` of the `of` records of a table, or values of a column.

    *lost*: not there any more; *changed*: another value; *made*: there now, and not before. `file` and `record` say
    where the first of them stands in the roster (in the bundle, for records that were made).
    """

    table: str
    column: str | None
    what: What
    count: int
    of: int
    file: str | None
    record: int | None
    how: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written: the title of the target, where, records by file, what differs from the roster, before how
    many texts stands a blank because a spreadsheet would take them for formulas, and what the target does where the
    roster is silent (by `table` or `table.column`).

    `forgotten` counts, by `table.column`, references to what an error had taken out of the roster: they were taken
    out before it was compared. `doubts` counts what was written and may be refused, by what is said of it.
    `left_passwords` says whether there are passwords that were not to be written."""

    target: str
    out: Path
    files: Mapping[str, int]
    differences: tuple[Difference, ...]
    formulas: int
    made: Mapping[str, str]
    forgotten: Mapping[str, int]
    doubts: Mapping[str, int]
    left_passwords: bool


def compare(store: Store, was: str, now: str) -> Iterator[Difference]:
    """How the tables `now…` differ from `was…`, views of the roster tables whose rows have their `origin` in them.

    A record is found again by its key; where several have the same, those with the same role first. No record stands
    for two.
    """
    for table in ENTITIES:
        yield from _of_ids(store, table, was + table)
        yield from _of_records(store, table, was + table, now + table)


def _of_ids(store: Store, table: str, before: str) -> Iterator[Difference]:
    """Ids that the target cannot hold as they are. Those of persons are names of ours: `source_id` is the school's."""
    if KEYS[table] == ("id",) and table != "persons":
        renamed = f"FROM {before} b JOIN roster.{table} r ON r.rowid = b.origin WHERE r.id <> b.id"
        count, first = store.rows(f"SELECT count(*), min({{'file': r.file, 'record': r.record}}) {renamed}")[0]
        if count:
            total = store.value(f"SELECT count(*) FROM roster.{table}")
            yield Difference(table, "id", "changed", count, total, first["file"], first["record"])


def _of_records(store: Store, table: str, before: str, after: str) -> Iterator[Difference]:
    """Records and values that are lost, changed or made."""
    own, now = (store.value(f"SELECT count(*) FROM {rows}") for rows in (f"roster.{table}", after))
    if not own and not now:
        return
    columns = _columns_with_values(store, table, before, after)
    states: list[tuple[str | None, What, str]] = [(None, "lost", "found IS NULL"), (None, "made", "origin IS NULL")]
    for each, several in columns.items():
        conditions = _list_states(each) if several else _states(each)
        states += [(each, what, f"origin + found IS NOT NULL AND {said}") for what, said in conditions.items()]
    counts = ", ".join(
        f"count(*) FILTER ({state}), min({{'file': file, 'record': record}}) FILTER ({state}), "
        f"{_how(table, column, what, state)}"
        for column, what, state in states
    )
    pairs = _pairs(store, table, list(columns), before, after)
    found = store.rows(f"SELECT {counts} FROM ({pairs})")[0]
    for (column, what, _), count, first, how in zip(states, found[::3], found[1::3], found[2::3], strict=True):
        if count:
            of = now if (column, what) == (None, "made") else own
            yield Difference(table, column, what, count, of, first["file"], first["record"], tuple(sorted(how or ())))


def _how(table: str, column: str | None, what: What, state: str) -> str:
    """SQL: what became what, if that may be said."""
    if what != "changed" or (table, column) not in CODED:
        return "NULL"
    return f"list(DISTINCT {column} || ' → ' || now_{column}) FILTER ({state})"


def _columns_with_values(store: Store, table: str, before: str, after: str) -> dict[str, bool]:
    """The columns in which anything stands before or after, but for the key, and whether they hold lists."""
    kinds = store.rows(f"SELECT column_name, column_type FROM (DESCRIBE roster.{table})")
    columns = {column: kind.endswith("[]") for column, kind in kinds if column not in (*KEYS[table], *ORIGIN)}
    if not columns:
        return {}
    counts = ", ".join(f"count({column})" for column in columns)
    filled = (store.rows(f"SELECT {counts} FROM {rows}")[0] for rows in (before, after))
    with_values = [any(counted) for counted in zip(*filled, strict=True)]
    return {column: columns[column] for column, some in zip(columns, with_values, strict=True) if some}


def _pairs(store: Store, table: str, columns: Sequence[str], before: str, after: str) -> str:
    """SQL: each record before (`origin`) with the one after (`found`) that it is, values as `x` and `now_x`; where it
    stood, or stands if it is new."""
    keys = KEYS[table]
    same = " AND ".join(f"b.{key} = a.{key}" for key in keys)
    was = [f"{_value(table, f'b.{column}')} AS {column}" for column in columns]
    now = [f"{_value(table, f'a.{column}')} AS now_{column}" for column in columns]
    place = [f"CASE WHEN origin IS NULL THEN a.{each} ELSE b.{each} END AS {each}" for each in ORIGIN]
    pairs = f"SELECT {', '.join(('b.origin', 'a.found', *place, *was, *now))} FROM"
    found = f"(SELECT *, rowid AS found FROM {after})"
    if _unique(store, before, *keys) and _unique(store, before, "origin") and _unique(store, after, *keys):
        return f"{pairs} {before} b FULL JOIN {found} a ON {same}"
    alike = (*keys, "role") if "role" in columns else keys
    return f"""
        WITH old AS (SELECT *, {_nth(alike)} FROM {before}),
        new AS (SELECT *, {_nth(alike)} FROM {found}),
        alike AS ({pairs} old b JOIN new a USING ({", ".join(alike)}, nth)),
        old_rest AS (
            SELECT * EXCLUDE (nth), {_nth(keys)} FROM old WHERE origin NOT IN (SELECT origin FROM alike)),
        new_rest AS (
            SELECT * EXCLUDE (nth), {_nth(keys)} FROM new WHERE found NOT IN (SELECT found FROM alike))
        FROM (FROM alike UNION ALL {pairs} old_rest b FULL JOIN new_rest a ON {same} AND b.nth = a.nth)
        QUALIFY row_number() OVER (
            PARTITION BY coalesce(origin, -1 - found) ORDER BY found IS NULL, file, record) = 1"""


def _unique(store: Store, rows: str, *columns: str) -> bool:
    return bool(store.value(f"SELECT count(*) = count(DISTINCT hash({', '.join(columns)})) FROM {rows}"))


def _nth(columns: Sequence[str]) -> str:
    """Of those that have the same in `columns`, the first goes with the first, the second with the second."""
    return f"row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY file, record) AS nth"


def _value(table: str, column: str) -> str:
    return f"list_sort(string_split({column}, ','))" if (table, column.partition(".")[2]) in SETS else column


def _states(column: str) -> dict[What, str]:
    return {
        "lost": f"{column} IS NOT NULL AND now_{column} IS NULL",
        "changed": f"{column} <> now_{column}",
        "made": f"{column} IS NULL AND now_{column} IS NOT NULL",
    }


def _list_states(column: str) -> dict[What, str]:
    """Of a list, a part may be lost."""
    was, now = f"coalesce({column}, [])", f"coalesce(now_{column}, [])"
    kept, no_more = f"list_has_all({now}, {was})", f"list_has_all({was}, {now})"
    return {"lost": f"NOT {kept}", "changed": f"{kept} AND {no_more} AND {was} <> {now}", "made": f"NOT {no_more}"}
