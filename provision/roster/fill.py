"""From a staged file into the roster tables: required values, kinds of value, and the hold on what is
dropped.

A file (or an answer of an SIS) is first put into the temporary table `stage`: one column per known header
with the trimmed value or NULL, `record`, and `fault`, the id of a check that the row as a whole failed. Each
`Into` maps it onto one roster table. Whatever an error drops is put into `roster.held`, for unreadable is not
empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

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

ENTITIES = (
    "orgs",
    "persons",
    "roles",
    "sections",
    "enrollments",
    "sessions",
    "courses",
    "demographics",
    "flags",
    "relationships",
)
"""The roster tables that hold records of the school."""

TABLES = (*ENTITIES, "files", "findings", "held")

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
    """What `stage` holds: the file's name, the headers that are there, those that need a value, and whether a
    row may have a `fault`."""

    file: str
    headers: frozenset[str]
    required: tuple[str, ...]
    odd: bool


def begin(store: Store) -> None:
    """Empty every roster table and forget which header a column came from."""
    for table in TABLES:
        store.run(f"DELETE FROM roster.{table}")
    store.run("CREATE OR REPLACE TEMP TABLE header_of (tbl TEXT, col TEXT, file TEXT, header TEXT)")


def fill(store: Store, staged: Staged, intos: Sequence[Into], options: RosterOptions) -> None:
    """Judge every value of `stage` and put the good records into the roster tables."""
    mapped = [each for into in intos if (each := _Mapped(into, staged, options)).says_something()]
    if staged.odd:
        _report_rows(store, staged)
    _report_blanks(store, staged)
    for each in mapped:
        each.judge(store)
    bad = store.value(  # the number of rows
        "CREATE OR REPLACE TEMP TABLE bad AS SELECT record, min(rule) AS rule FROM roster.findings "
        f"WHERE file = {literal(staged.file)} AND severity = 'error' GROUP BY record"
    )
    for each in mapped:
        each.insert(store, good="record NOT IN (SELECT record FROM bad)" if bad else "true")
        if bad:
            each.hold(store)
    store.run("DROP TABLE bad")


def _report_rows(store: Store, staged: Staged) -> None:
    found = {rule for (rule,) in store.rows("SELECT DISTINCT fault FROM stage WHERE fault IS NOT NULL")}
    for check in ROW_FAULTS:
        if check.id in found:
            report(
                store,
                check,
                f"SELECT {literal(staged.file)} AS file, record, NULL AS field, NULL AS value, "
                f"{literal(check.description)} AS message FROM stage WHERE fault = {literal(check.id)}",
            )


def _report_blanks(store: Store, staged: Staged) -> None:
    conditions = [f"{name(header)} IS NULL" for header in staged.required]
    for header, blank in zip(staged.required, _met(store, "stage", conditions), strict=True):
        if blank:
            report(
                store,
                REQUIRED,
                f"SELECT {literal(staged.file)} AS file, record, {literal(header)} AS field, NULL AS value, "
                f"'The required value is missing.' AS message FROM stage WHERE {name(header)} IS NULL",
            )


def _met(store: Store, rows: str, conditions: Sequence[str]) -> tuple[bool, ...]:
    """Which of the conditions any of the rows meets, in one pass over them."""
    if not conditions:
        return ()
    any_of = ", ".join(f"coalesce(bool_or({condition}), false)" for condition in conditions)
    return store.rows(f"SELECT {any_of} FROM {rows}")[0]


class _Mapped:
    """One `Into` over one staged file: the SQL of its raw and of its canonical rows."""

    def __init__(self, into: Into, staged: Staged, options: RosterOptions) -> None:
        self.into = into
        self.staged = staged
        self.options = options
        self.file = literal(staged.file)
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
        origins = (
            f"({literal(self.into.table)}, {literal(column)}, {self.file}, {literal(self._header(column))})"
            for column in self.columns
        )
        store.run(f"INSERT INTO header_of VALUES {', '.join(origins)}")
        said = [each for column in self.columns for each in self._sayings(column)]
        met = _met(store, f"({self._raw()})", [condition for condition, _ in said])
        for (_, say), found in zip(said, met, strict=True):
            if found:
                say(store)
        if self.into.once:
            self._report_differing(store)

    def _sayings(self, column: str) -> Iterator[tuple[str, Callable[[Store], None]]]:
        """What may be said of the values of a column: when, as SQL, and how."""
        kind, value = self._kind(column), name(column)
        if kind.fault:
            refused = f"{value} IS NOT NULL AND {kind.canonical(value, self.options)} IS NULL"
            yield refused, partial(self._report_refused, check=kind.fault, column=column, condition=refused)
        if kind.note and kind.noted:
            noted = f"{value} IS NOT NULL AND {kind.noted(value, self.options)}"
            yield noted, partial(self._report_noted, check=kind.note, column=column, condition=noted)

    def _report_refused(self, store: Store, check: Check, column: str, condition: str) -> None:
        header = self._header(column)
        message = literal(f"{header} is not {self._kind(column).expected}.")
        report(
            store,
            check,
            f"SELECT {self.file} AS file, record, {literal(header)} AS field, {name(column)} AS value, "
            f"{message} AS message FROM ({self._raw()}) WHERE {condition}",
            "error" if header in self.staged.required else "warning",
        )

    def _report_noted(self, store: Store, check: Check, column: str, condition: str) -> None:
        """One note for each value, since a whole column may deserve it."""
        canonical = self._kind(column).canonical("value", self.options)
        values = f"SELECT record, {name(column)} AS value FROM ({self._raw()}) WHERE {condition}"
        message = f"printf('Read as %s in %d record(s), this one first.', any_value({canonical}), count(*))"
        report(
            store,
            check,
            f"SELECT {self.file} AS file, {literal(self._header(column))} AS field, min(record) AS record, "
            f"value, {message} AS message FROM ({values}) GROUP BY value",
        )

    def _report_differing(self, store: Store) -> None:
        described = ", ".join(name(column) for column in self.columns if column != "id")
        rows = f"SELECT id, record, hash({described}) AS said FROM ({self._raw(every=True)})"
        message = "printf('%d record(s), this one first, differ from the first of this id.', count(*))"
        report(
            store,
            REPEATED_DIFFERS,
            f"SELECT {self.file} AS file, min(record) AS record, {literal(self._header('id'))} AS field, "
            f"id AS value, {message} AS message FROM ({rows}) "
            f"JOIN (SELECT id, arg_min(said, record) AS first FROM ({rows}) GROUP BY id) USING (id) "
            "WHERE said <> first GROUP BY id",
        )

    def insert(self, store: Store, good: str) -> None:
        """Put the canonical rows of the `good` records (a condition, as SQL) into their table."""
        values = [
            f"{self._kind(column).canonical(name(column), self.options)} AS {name(column)}" for column in self.columns
        ]
        values += [f"{literal(value)} AS {name(column)}" for column, value in self.into.constants.items()]
        store.run(f"""
            INSERT INTO roster.{self.into.table} BY NAME SELECT {", ".join(values)}, {self.file} AS file, record
            FROM ({self._raw()}) WHERE {good}""")

    def hold(self, store: Store) -> None:
        """Hold what the bad records speak of."""
        if self.into.table in _HELD:
            kind, held, other = _HELD[self.into.table]
            store.run(f"""
                INSERT INTO roster.held BY NAME
                SELECT {kind} AS kind, {held} AS id, {other} AS other_id, rule, {self.file} AS file, record
                FROM ({self._raw()}) JOIN bad USING (record) WHERE {held} IS NOT NULL""")
            self._hold_the_unknown(store, held)

    def _hold_the_unknown(self, store: Store, held: str) -> None:
        """A bad record whose id is blank, or may have slipped into another column, could speak of anything."""
        slipped = f"SELECT record FROM roster.findings WHERE file = {self.file} AND rule = {literal(EXTRA_CELLS.id)}"
        store.run(f"""
            INSERT INTO roster.held BY NAME
            SELECT 'unknown' AS kind, {literal(self.into.table)} AS id, NULL AS other_id, rule,
                   {self.file} AS file, record
            FROM ({self._raw()}) JOIN bad USING (record) WHERE {held} IS NULL OR record IN ({slipped})""")

    def _header(self, column: str) -> str:
        return self.headers[column][0]

    def _kind(self, column: str) -> Kind:
        table = self.into.table
        return KINDS[self.into.kinds.get(column, COLUMN_KINDS.get((table, column), "text"))]

    def _raw(self, *, every: bool = False) -> str:
        """The rows under roster column names, values as they were exported."""
        columns = [f"{self._expression(column)} AS {name(column)}" for column in self.columns]
        rows = f"SELECT {', '.join(columns)}, record FROM stage"
        if not self.into.needs:
            return rows
        needed = self._expression(self.into.needs)
        if self.into.once and not every:
            firsts = f"SELECT min(record) FROM stage WHERE {needed} IS NOT NULL GROUP BY {needed}"
            return f"{rows} WHERE record IN ({firsts})"
        return f"{rows} WHERE {needed} IS NOT NULL"

    def _expression(self, column: str) -> str:
        found = [name(header) for header in self.headers[column]]
        value = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        spaced = self.into.space and (column == "person_id" or (self.into.table, column) == ("persons", "id"))
        return f"{literal(self.into.space)} || {value}" if spaced else value
