"""From a staged file into the roster tables: required values, kinds of value, and the hold on what is
dropped.

A file (or an answer of an SIS) is first put into the temporary table `stage`: one column per known header
with the trimmed value or NULL, `record`, and `fault`, the id of a check that the row as a whole failed. Each
`Into` maps it onto one roster table. Whatever an error drops is put into `roster.held`, for unreadable is not
empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provision.roster.check import Check, name, report
from provision.roster.kinds import COLUMN_KINDS, KINDS, Kind
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literal

REQUIRED = Check(
    "required-value",
    "error",
    "A record has no value in a column that needs one; it is dropped, and what it speaks of is held.",
    "Fill in the value in the school's information system and export again.",
)
EXTRA_CELLS = Check(
    "extra-cells",
    "error",
    "A row has more values than the header has columns: they may have slipped into the wrong ones.",
    'Put values that contain a comma into double quotes ("Smith, Jr").',
)
EXTRA_BLANKS = Check(
    "extra-blank-cells",
    "warning",
    "A row has more cells than the header has columns, but they are blank.",
    "Remove the commas at the end of the row.",
)
SHORT_ROW = Check(
    "short-row",
    "note",
    "A row has fewer cells than the header has columns; the missing ones count as blank.",
    "Nothing to do if the values are in their columns; else look for a line break within a value.",
)
LINE_BREAK = Check(
    "line-break",
    "warning",
    "A value contains a line break; it is read as a space.",
    "Remove the line break in the school's information system.",
)
REPEATED_DIFFERS = Check(
    "repeated-differs",
    "warning",
    "Later records describe the same term or course otherwise; the first one counts.",
    "Give one id one description, or different ones an id each.",
)
ROW_FAULTS = [EXTRA_CELLS, EXTRA_BLANKS, SHORT_ROW, LINE_BREAK]
FILL_CHECKS = [REQUIRED, *ROW_FAULTS, REPEATED_DIFFERS]

_HELD = {
    "orgs": ("'org'", "id", "NULL"),
    "persons": ("'person'", "id", "NULL"),
    "roles": ("'person'", "person_id", "NULL"),
    "sections": ("'section'", "id", "NULL"),
    # half a pair cannot be held; so everything of the half that is known is
    "enrollments": (
        """CASE WHEN section_id IS NULL THEN 'person' WHEN person_id IS NULL THEN 'section'
            ELSE 'enrollment' END""",
        "coalesce(section_id, person_id)",
        "CASE WHEN section_id IS NOT NULL THEN person_id END",
    ),
}
"""What a dropped record speaks of: kind, id and other id, as SQL over the columns of its table."""


@dataclass(frozen=True)
class Into:
    """One roster table that a file fills.

    `columns` maps roster columns onto headers; of several headers the first with a value counts. `constants`
    are the same on every row. `space` is put before the ids of persons, for formats that number students and
    teachers apart. `kinds` overrule the kind of a column. Rows describe some things by the way (the term of a
    section): those without a value in the column `needs` are passed over, and with `once` the first record of
    an id counts.
    """

    table: str
    columns: Mapping[str, str | tuple[str, ...]]
    constants: Mapping[str, str] = field(default_factory=dict)
    space: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    once: bool = False

    def headers(self) -> list[str]:
        """Every header that is read."""
        return [header for column in self.columns for header in self.headers_of(column)]

    def headers_of(self, column: str) -> tuple[str, ...]:
        """The headers that may give the value of a roster column."""
        given = self.columns.get(column, ())
        return (given,) if isinstance(given, str) else given


@dataclass(frozen=True)
class Staged:
    """What `stage` holds: the file's name, the headers that are there, and those that need a value."""

    file: str
    headers: frozenset[str]
    required: tuple[str, ...]


def begin(store: Store) -> None:
    """Empty every roster table and forget which header a column came from."""
    for (table,) in store.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'roster'"):
        store.run(f"DELETE FROM roster.{name(table)}")
    store.run("CREATE OR REPLACE TEMP TABLE header_of (tbl TEXT, col TEXT, file TEXT, header TEXT)")


def fill(store: Store, staged: Staged, intos: Sequence[Into], options: RosterOptions) -> None:
    """Judge every value of `stage` and put the good records into the roster tables."""
    mapped = [each for into in intos if (each := _Mapped(into, staged, options)).says_something()]
    _report_rows(store, staged)
    for each in mapped:
        each.judge(store)
    store.run(
        "CREATE OR REPLACE TEMP TABLE bad AS SELECT record, min(rule) AS rule FROM roster.findings "
        f"WHERE file = {literal(staged.file)} AND severity = 'error' GROUP BY record"
    )
    for each in mapped:
        each.insert(store)
    store.run("DROP TABLE bad")


def _report_rows(store: Store, staged: Staged) -> None:
    origin = f"{literal(staged.file)} AS file, record"
    for check in ROW_FAULTS:
        report(
            store,
            check,
            f"SELECT {origin}, NULL AS field, NULL AS value, {literal(check.description)} AS message "
            f"FROM stage WHERE fault = {literal(check.id)}",
        )
    for header in staged.required:
        message = literal(f"'{header}' has no value.")
        report(
            store,
            REQUIRED,
            f"SELECT {origin}, {literal(header)} AS field, NULL AS value, {message} AS message "
            f"FROM stage WHERE {name(header)} IS NULL",
        )


class _Mapped:
    """One `Into` over one staged file: the SQL of its raw and of its canonical rows."""

    def __init__(self, into: Into, staged: Staged, options: RosterOptions) -> None:
        self.into = into
        self.staged = staged
        self._file = literal(staged.file)
        self.options = options
        self.headers = {
            column: [header for header in into.headers_of(column) if header in staged.headers]
            for column in into.columns
        }
        self.columns = [column for column, headers in self.headers.items() if headers]

    def says_something(self) -> bool:
        """Whether the file has what the table needs; optional columns may be absent."""
        return not self.into.needs or self.into.needs in self.columns

    def judge(self, store: Store) -> None:
        """Report the values that their kind refuses or remarks on."""
        for column in self.columns:
            header = self.headers[column][0]
            store.insert("header_of", ("tbl", "col", "file", "header"),
                         [(self.into.table, column, self.staged.file, header)])  # fmt: skip
            self._judge_column(store, column, header, self._kind(column))
        if self.into.once:
            self._report_differing(store)

    def _judge_column(self, store: Store, column: str, header: str, kind: Kind) -> None:
        canonical = kind.canonical("value", self.options)
        values = f"(SELECT {name(column)} AS value, record FROM ({self._raw()}) WHERE value IS NOT NULL)"
        shown = f"{self._file} AS file, {literal(header)} AS field"
        if kind.fault:
            message = literal(f"{header} is not {kind.expected}.")
            report(
                store,
                kind.fault,
                f"SELECT {shown}, record, value, {message} AS message FROM {values} WHERE {canonical} IS "
                "NULL",
                "error" if header in self.staged.required else "warning",
            )
        if kind.note and kind.noted:
            report(
                store,
                kind.note,
                f"SELECT {shown}, min(record) AS record, value, 'Read as ''' || any_value({canonical}) "
                f"|| ''' in ' || count(*) || ' record(s), first in this one.' AS message FROM {values} "
                f"WHERE {kind.noted('value', self.options)} GROUP BY value",
            )

    def _report_differing(self, store: Store) -> None:
        described = ", ".join(name(column) for column in self.columns if column != "id")
        rows = f"SELECT id, record, hash({described}) AS said FROM ({self._raw(every=True)})"
        report(
            store,
            REPEATED_DIFFERS,
            f"""
            SELECT {self._file} AS file, min(record) AS record, {literal(self.headers["id"][0])} AS field,
                id AS value,
                count(*) || ' record(s), this one first, differ from the first of this id.' AS message
            FROM ({rows})
            JOIN (SELECT id, arg_min(said, record) AS said_first FROM ({rows}) GROUP BY id) USING (id)
            WHERE said <> said_first GROUP BY id""",
        )

    def insert(self, store: Store) -> None:
        """Put the canonical rows into their table, and hold what the bad ones speak of."""
        table = self.into.table
        values = [
            f"{self._kind(column).canonical(name(column), self.options)} AS {name(column)}"
            for column in self.columns
        ]
        values += [f"{literal(value)} AS {name(column)}" for column, value in self.into.constants.items()]
        store.run(f"""
            INSERT INTO roster.{table} BY NAME SELECT {", ".join(values)}, {self._file} AS file, record
            FROM ({self._raw()}) WHERE record NOT IN (SELECT record FROM bad)""")
        if table in _HELD:
            kind, held, other = _HELD[table]
            store.run(f"""
                INSERT INTO roster.held BY NAME
                SELECT {kind} AS kind, {held} AS id, {other} AS other_id, rule, {self._file} AS file, record
                FROM ({self._raw()}) JOIN bad USING (record) WHERE {held} IS NOT NULL""")

    def _kind(self, column: str) -> Kind:
        table = self.into.table
        return KINDS[self.into.kinds.get(column, COLUMN_KINDS.get((table, column), "text"))]

    def _raw(self, *, every: bool = False) -> str:
        """The rows under roster column names, values as they were exported."""
        columns = [f"{self._expression(column)} AS {name(column)}" for column in self.columns]
        rows = f"SELECT {', '.join(columns)}, record FROM stage"
        if self.into.once and not every:
            key = self._expression("id")
            firsts = f"SELECT min(record) FROM stage WHERE {key} IS NOT NULL GROUP BY {key}"
            return f"{rows} WHERE record IN ({firsts})"
        return f"{rows} WHERE {self._expression(self.into.needs)} IS NOT NULL" if self.into.needs else rows

    def _expression(self, column: str) -> str:
        found = [name(header) for header in self.headers[column]]
        value = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        spaced = self.into.space and (column == "person_id" or (self.into.table, column) == ("persons", "id"))
        return f"{literal(self.into.space)} || {value}" if spaced else value
