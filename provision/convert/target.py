"""What a target of a conversion is: the files of a roster format, written from the roster tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provision.formats.format import File, Format
from provision.roster.check import name
from provision.roster.fill import Into, Made
from provision.store import Store
from provision.store.cells import FORMULA_SIGNS
from provision.store.sql import literal

FREE_TEXT = frozenset((
    "name", "title", "description", "subject", "given_name", "family_name", "middle_name", "preferred_given_name",
    "preferred_middle_name", "preferred_family_name", "pronouns", "qualification", "principal_name", "address", "city",
    "state", "country", "zip", "zone", "location", "periods", "birth_city", "birth_country",
))  # fmt: skip
"""Columns with what people write. Ids, user names, numbers and codes are for other systems to compare."""


@dataclass(frozen=True)
class Written:
    """One file of a target.

    `headers` always stand in it, in this order; those of `extra` only where a record has a value. The value of a
    header is the roster column that the format reads from it, unless `values` has other SQL. `rows` is what follows
    FROM: the tables `sent_…` under the names of the roster tables; left out where the file is one table.
    """

    name: str
    headers: tuple[str, ...]
    extra: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""

    def write(self, store: Store, file: File, path: Path) -> tuple[int, int]:
        """Write the file, sorted; gives how many records it has, and before how many texts a blank was put."""
        rows = self.rows or f"sent_{file.into[0].table} {file.into[0].table}"
        cells = {header: self._cell(file, header) for header in (*self.headers, *self.extra)}
        formulas = [header for header in cells if _column(file, header)[1] in FREE_TEXT]
        counts = [f"count({cells[header]})" for header in self.extra]
        counts += [f"count(*) FILTER ({_is_formula(cells[header])})" for header in formulas]
        counted = store.rows(f"SELECT {', '.join(counts)} FROM {rows}")[0] if counts else ()
        for header, values in zip(self.extra, counted, strict=False):
            if not values:
                del cells[header]
        blanks = dict(zip(formulas, counted[len(self.extra) :], strict=True))
        for header in filter(blanks.get, cells):
            cells[header] = (
                f"CASE WHEN {_is_formula(cells[header])} THEN ' ' || {cells[header]} ELSE {cells[header]} END"
            )
        selected = ", ".join(f"{cell} AS {name(header)}" for header, cell in cells.items())
        records = store.value(
            f"COPY (SELECT {selected} FROM {rows} ORDER BY ALL) TO {literal(str(path))} "
            r"(FORMAT csv, HEADER true, NEW_LINE '\r\n')"
        )
        return records, sum(blanks.values())

    def _cell(self, file: File, header: str) -> str:
        """The value of a header as SQL: text without line breaks."""
        table, column, kind = _column(file, header)
        given = self.values.get(header) or f"{table}.{column}"
        if kind.startswith("list") and header not in self.values:
            given = f"nullif(array_to_string({given}, ','), '')"
        return rf"translate({given}, E'\r\n', '  ')" if kind in ("text", "list") else given


@dataclass(frozen=True)
class Target:
    """A format that a roster can be converted to.

    `people` are statements that say under which ids the format knows persons, and `forbidden` has, by roster table,
    the characters that its ids cannot have (a regular expression); see `ids.py`. `prepare` are statements that make
    what the files are written from, `undated` is a SELECT (file, record) of what needs a school year, and `attached`
    gives small files more, by name, once it is known how many records each file has. `made` says, by roster table or
    column, what stands there where the roster is silent and the format is not, and `narrows` what the format can say
    of it only in part. `doubts` count what whoever reads the format may refuse though it can be written: a SELECT by
    what is said of it.
    """

    format: Format
    files: tuple[Written, ...]
    people: tuple[str, ...]
    forbidden: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    undated: str = ""
    attached: Callable[[Mapping[str, int]], Mapping[str, str]] = lambda _files: {}
    made: Mapping[str, str] = field(default_factory=dict)
    narrows: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)

    def holds(self) -> frozenset[str]:
        """The columns of the roster that its files have a place for, as `table.column`."""
        written = {each.name for each in self.files}
        intos = (into for file in self.format.files if file.name in written for into in file.into)
        return frozenset(f"{into.table}.{column}" for into in intos for column in (*into.columns, *into.constants))


def word(column: str, words: Mapping[str, str], otherwise: str) -> str:
    """SQL: what a target says for the words of a column."""
    known = ", ".join(f"{literal(one)}: {literal(said)}" for one, said in words.items())
    return f"coalesce(MAP {{{known}}}[{column}], {literal(otherwise)})"


def _is_formula(text: str) -> str:
    """SQL: whether a spreadsheet takes the text for a formula. A blank before it changes that, and is trimmed by
    whoever reads it."""
    return f"contains({literal(FORMULA_SIGNS)}, left({text}, 1))"


def _column(file: File, header: str) -> tuple[str, str, str]:
    """The roster table, column and kind of value that the format reads from a header."""
    for into in file.into:
        for column in into.columns:
            if header in _given_by(into, column):
                return into.table, column, into.kind_of(column)
    return "", "", "text"


def _given_by(into: Into, column: str) -> tuple[str, ...]:
    """The headers that a column is read from: of several of which the first counts, the first."""
    headers = into.headers_of(column)
    return headers if isinstance(into.columns[column], Made) else headers[:1]
