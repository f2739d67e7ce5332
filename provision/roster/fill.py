"""From a staged file into the roster tables: required values, kinds of value, and the hold on what is
dropped.

A file (or an answer of an SIS) is first put into the temporary table `stage`: one column per known header
with the trimmed value or NULL, `record`, and `fault`, the id of a check that the row as a whole failed. Each
`Into` maps it onto one roster table. Whatever an error drops is put into `roster.held`, for unreadable is not
empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import itemgetter

from provision.roster.check import Check, name, report
from provision.roster.dropped import dropping
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
    "Later records describe the same thing (a term, a course, a student, a contact) otherwise; the first one counts.",
    "Give one id one description, or different ones an id each.",
)
ROW_FAULTS = [EXTRA_CELLS, SHORT_ROW, LINE_BREAK]
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
    "user_profiles",
)
"""The roster tables that hold records of the school."""

TABLES = (*ENTITIES, "files", "findings", "held", "dropped")

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
    "relationships": ("'relationship'", "person_id", "contact_id"),
}
"""What a dropped record speaks of: kind, id and other id, as SQL over the columns of its table.

The other tables hold values and nothing else, and a value that is not there changes nothing in Microsoft 365."""


_HEADER = re.compile(r"\{([A-Za-z][^{}]*)\}")


@dataclass(frozen=True)
class Made:
    """A value made of others: SQL that names each header in braces; a header that is not there counts as blank."""

    sql: str

    def headers(self) -> tuple[str, ...]:
        """The headers in the SQL."""
        return tuple(_HEADER.findall(self.sql))

    def expression(self, present: Container[str]) -> str:
        """The SQL over `stage`, given the headers that are there."""
        return "(" + _HEADER.sub(lambda found: name(found[1]) if found[1] in present else "NULL", self.sql) + ")"


@dataclass(frozen=True)
class Into:
    """One roster table that a file fills.

    `columns` maps roster columns onto headers; of several headers the first with a value counts, and a value may
    be `Made` of several. `where` picks the rows that say something for this table. `each` is a column with ids
    joined by commas: it makes a row of each. `constants` are the same on every row. `space` is put before the ids
    of persons, for formats that number students and teachers apart. `kinds` overrule the kind of a column. Rows
    describe some things by the way (the term of a section): those without a usable value in the column `needs` are
    passed over, and of those that agree in the columns `once` the first record counts.
    """

    table: str
    columns: Mapping[str, Column]
    constants: Mapping[str, str] = field(default_factory=dict)
    space: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    once: tuple[str, ...] = ()
    where: Made | None = None
    each: str = ""

    def headers(self) -> list[str]:
        """Every header that is read."""
        read = [header for column in self.columns for header in self.headers_of(column)]
        return read + list(self.where.headers() if self.where else ())

    def headers_of(self, column: str) -> tuple[str, ...]:
        """The headers that may give the value of a roster column."""
        given = self.columns.get(column, ())
        if isinstance(given, Made):
            return given.headers()
        return (given,) if isinstance(given, str) else given

    def kind_of(self, column: str) -> str:
        """The kind of value that a roster column has (see `KINDS`)."""
        return self.kinds.get(column, COLUMN_KINDS.get((self.table, column), "text"))

    def dates(self) -> set[str]:
        """The headers that give a date, and nothing else of this table."""
        plain = {column for column, given in self.columns.items() if isinstance(given, str)}
        dated = {column for column in plain if self.kind_of(column) == "date"}
        others = {header for column in set(self.columns) - dated for header in self.headers_of(column)}
        others.update(self.where.headers() if self.where else ())
        return {header for column in dated for header in self.headers_of(column)} - others


Column = str | tuple[str, ...] | Made
"""Where the value of a roster column comes from: a header, the first of several that has a value, or SQL."""


@dataclass(frozen=True)
class Staged:
    """What `stage` holds: the file's name, how many rows were read, under each header that is there how many of them
    have a value, the headers that need one, those of which all values were dates as we write them (and are DATE, not
    TEXT), and whether a row may have a `fault`."""

    file: str
    rows: int
    values: Mapping[str, int]
    required: tuple[str, ...]
    dates: frozenset[str]
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
    _report_blanks(store, staged, [header for into in intos for header in into.headers_of(into.each)])
    _gather_bad(store, staged)
    for number, each in enumerate(mapped):
        if each.into.once:
            each.find_firsts(store, f"firsts_{number}")
        each.judge(store)
    bad = _gather_bad(store, staged)
    for each in mapped:
        each.insert(store, good="record NOT IN (SELECT record FROM bad)" if bad else "true")
        if bad:
            each.hold(store)
        if each.firsts:
            store.run(f"DROP TABLE {each.firsts}")
    store.run("DROP TABLE bad")


def _gather_bad(store: Store, staged: Staged) -> int:
    """Make the table `bad` of the records that an error was found in; gives their number."""
    return int(
        store.value(
            "CREATE OR REPLACE TEMP TABLE bad AS SELECT record, min(rule) AS rule FROM roster.findings "
            f"WHERE file = {literal(staged.file)} AND severity = 'error' GROUP BY record"
        )
    )


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


def _report_blanks(store: Store, staged: Staged, lists: Container[str]) -> None:
    """Of `lists` the commas alone are no value."""
    values = {
        header: f"nullif(trim({name(header)}, ', '), '')" if header in lists else name(header)
        for header in staged.required
        if header in lists or staged.values[header] < staged.rows
    }
    # counting takes a tenth of the time of looking at each
    asked = [f"count(*) > count({value})" for value in values.values()]
    met = store.rows(f"SELECT {', '.join(asked)} FROM stage")[0] if asked else ()
    for (header, value), some in zip(values.items(), met, strict=True):
        if some:
            report(
                store,
                REQUIRED,
                f"SELECT {literal(staged.file)} AS file, record, {literal(header)} AS field, NULL AS value, "
                f"'The required value is missing.' AS message FROM stage WHERE {value} IS NULL",
            )


def some_meets(store: Store, rows: str, conditions: Sequence[str]) -> tuple[bool, ...]:
    """Which of the conditions any of the rows meets, in one pass over them."""
    if not conditions:
        return ()
    any_of = ", ".join(f"coalesce(bool_or({condition}), false)" for condition in conditions)
    return store.rows(f"SELECT {any_of} FROM {rows}")[0]


class _Mapped:
    """One `Into` over one staged file: the SQL of its raw and of its canonical rows."""

    def __init__(self, into: Into, staged: Staged, options: RosterOptions) -> None:
        self.into = into
        self.firsts = ""  # the table of the records that count, where several say the same
        self.staged = staged
        self.options = options
        self.file = literal(staged.file)
        self.headers = {
            column: [header for header in into.headers_of(column) if header in staged.values] for column in into.columns
        }
        # a column that is blank throughout is not looked at again, unless rows are picked or held by it
        filled = {header for header, number in staged.values.items() if number}
        looked_at = filled.union(staged.required, *map(into.headers_of, (into.needs, into.each, *into.once)))
        self.columns = [
            column
            for column, headers in self.headers.items()
            # a made value may be there without any header
            if not looked_at.isdisjoint(headers) or isinstance(into.columns[column], Made)
        ]
        # the columns of which every value is in its one form already
        self.in_form = {column for column, headers in self.headers.items() if headers and staged.dates >= {*headers}}

    def says_something(self) -> bool:
        """Whether the file has what the table needs; optional columns may be absent."""
        return not self.into.needs or bool(self.headers[self.into.needs])

    def judge(self, store: Store) -> None:
        """Report the values that their kind refuses or remarks on."""
        origins = (
            f"({literal(self.into.table)}, {literal(column)}, {self.file}, {literal(header)})"
            for column, headers in self.headers.items()
            for header in headers
        )
        store.run(f"INSERT INTO header_of VALUES {', '.join(origins)}")
        judged = [
            column
            for column in self.columns
            if self._kind(column).fault and column != self.into.each and column not in self.in_form
        ]
        differs = [f"{name(column)} IS DISTINCT FROM {self._canonical(column)}::TEXT" for column in judged]
        odd = self._met(store, f"SELECT {self._values()} FROM stage", list(zip(judged, differs, strict=True)))
        self.in_form |= {column for column, some in zip(judged, odd, strict=True) if not some}
        said = [(column, each) for column in self.columns if column not in self.in_form
                for each in self._sayings(column)]  # fmt: skip
        met = self._met(store, self._raw(every=True), [(column, condition) for column, (condition, _) in said])
        for (_, (_, say)), found in zip(said, met, strict=True):
            if found:
                say(store)

    def _met(self, store: Store, rows: str, asked: Sequence[tuple[str, str]]) -> list[bool]:
        """Which of the conditions, each on one column, any value of the rows meets. Judging is dear, so each value is
        looked at once, but not where that would be dearer: in columns that have about as many values as rows."""
        answers = [
            f"(SELECT [{', '.join(f'coalesce(bool_or({condition}), false)' for _, condition in conditions)}] FROM "
            f"(SELECT {'' if self._kind(column).various else 'DISTINCT '}{name(column)} FROM ({rows})))"
            for column, conditions in groupby(asked, key=itemgetter(0))
        ]
        found = store.rows(f"SELECT {', '.join(answers)}")[0] if answers else ()
        return [met for column in found for met in column]

    def find_firsts(self, store: Store, table: str) -> None:
        """Where rows agree in the columns `once`, the first good one counts; report those that say otherwise."""
        key, rest = self._key()
        said = f"hash({', '.join(map(name, self._described())) or '0'})"
        good = "record NOT IN (SELECT record FROM bad)"
        store.run(
            f"CREATE OR REPLACE TEMP TABLE {table} AS "
            f"SELECT coalesce(min(record) FILTER ({good}), min(record)) AS record, count(*) AS records, "
            f"min({said}) <> max({said}) AS differ FROM ({self._raw()}) GROUP BY {key}, {rest}"
        )
        repeated, differ = store.rows(f"SELECT max(records) > 1, bool_or(differ) FROM {table}")[0]
        if differ:
            self._report_differing(store)
        if repeated:
            self.firsts = table
        else:
            store.run(f"DROP TABLE {table}")

    def _key(self) -> tuple[str, str]:
        """What tells things apart: the first column, and a hash of the others."""
        first, *others = (name(column) for column in self.into.once)
        return first, f"hash({', '.join(others) or '0'})"

    def _described(self) -> list[str]:
        """What a row says of its thing."""
        return [column for column in self.columns if column not in self.into.once]

    def _sayings(self, column: str) -> Iterator[tuple[str, Callable[[Store], None]]]:
        """What may be said of the values of a column: when, as SQL, and how."""
        kind, value = self._kind(column), name(column)
        if kind.fault:
            refused = f"{value} IS NOT NULL AND {self._canonical(column)} IS NULL"
            yield refused, partial(self._report_refused, check=kind.fault, column=column, condition=refused)
        if kind.note and kind.noted:
            noted = f"{value} IS NOT NULL AND {kind.noted(value, self.options)}"
            yield noted, partial(self._report_noted, check=kind.note, column=column, condition=noted)

    def _report_refused(self, store: Store, check: Check, column: str, condition: str) -> None:
        message = literal(f" is not {self._kind(column).expected}.")
        refused = f"FROM ({self._raw(told=column)}) WHERE {condition}"
        needed = self._header(column) in self.staged.required
        report(
            store,
            check,
            f"SELECT {self.file} AS file, record, field, {name(column)} AS value, field || {message} AS message "
            f"{refused}",
            "error" if needed else "warning",
        )
        if not needed:  # else the whole record goes
            store.run(dropping(self.into.table, column, f"SELECT {self.file} AS file, record {refused}"))

    def _report_noted(self, store: Store, check: Check, column: str, condition: str) -> None:
        """One note for each value, since a whole column may deserve it."""
        canonical = self._kind(column).canonical("value", self.options)
        values = f"SELECT record, field, {name(column)} AS value FROM ({self._raw(told=column)}) WHERE {condition}"
        message = f"printf('Read as %s in %d record(s), this one first.', any_value({canonical}), count(*))"
        report(
            store,
            check,
            f"SELECT {self.file} AS file, field, min(record) AS record, value, {message} AS message "
            f"FROM ({values}) GROUP BY field, value",
        )

    def _report_differing(self, store: Store) -> None:
        key, rest = self._key()
        said = ", ".join(map(self._canonical, self._described()))
        rows = f"SELECT {key} AS value, {rest} AS rest, record, hash({said}) AS said FROM ({self._raw()})"
        message = "printf('%d record(s), this one first, differ from the first.', count(*))"
        report(
            store,
            REPEATED_DIFFERS,
            f"SELECT {self.file} AS file, min(record) AS record, {literal(self._header(self.into.once[0]))} AS field, "
            f"value, {message} AS message FROM ({rows}) "
            f"JOIN (SELECT value, rest, arg_min(said, record) AS first FROM ({rows}) GROUP BY value, rest) "
            "USING (value, rest) WHERE said <> first GROUP BY value, rest",
        )

    def insert(self, store: Store, good: str) -> None:
        """Put the canonical rows of the `good` records (a condition, as SQL) into their table."""
        values = [f"{self._canonical(column)} AS {name(column)}" for column in self.columns]
        values += [f"{literal(value)} AS {name(column)}" for column, value in self.into.constants.items()]
        needs = self.into.needs
        usable = f" AND {self._canonical(needs)} IS NOT NULL" if needs and self._kind(needs).fault else ""
        with store.in_any_order():
            store.run(f"""
                INSERT INTO roster.{self.into.table} BY NAME SELECT {", ".join(values)}, {self.file} AS file, record
                FROM ({self._raw()}) WHERE {good}{usable}""")

    def hold(self, store: Store) -> None:
        """Hold what the bad records speak of, be they the first to do so or not."""
        if self.into.table in _HELD:
            kind, held, other = _HELD[self.into.table]
            store.run(f"""
                INSERT INTO roster.held BY NAME
                SELECT {kind} AS kind, {held} AS id, {other} AS other_id, rule, {self.file} AS file, record
                FROM ({self._raw(every=True)}) JOIN bad USING (record) WHERE {held} IS NOT NULL""")
            self._hold_the_unknown(store, held)

    def _hold_the_unknown(self, store: Store, held: str) -> None:
        """A bad record whose id is blank, or may have slipped into another column, could speak of anything."""
        slipped = f"SELECT record FROM roster.findings WHERE file = {self.file} AND rule = {literal(EXTRA_CELLS.id)}"
        store.run(f"""
            INSERT INTO roster.held BY NAME
            SELECT 'unknown' AS kind, {literal(self.into.table)} AS id, NULL AS other_id, rule,
                   {self.file} AS file, record
            FROM ({self._raw(every=True)}) JOIN bad USING (record) WHERE {held} IS NULL OR record IN ({slipped})""")

    def _header(self, column: str) -> str:
        """The header that a column comes from, also where it is not there and a made value stands in."""
        return (*self.headers[column], *self.into.headers_of(column), column)[0]

    def _origin(self, column: str) -> str:
        """SQL over `stage`: the header that gives a column its value."""
        if isinstance(self.into.columns[column], Made):
            return literal(self._header(column))
        first = [f"WHEN {name(header)} IS NOT NULL THEN {literal(header)}" for header in self.headers[column]]
        return f"CASE {' '.join(first)} END"

    def _kind(self, column: str) -> Kind:
        return KINDS[self.into.kind_of(column)]

    def _canonical(self, column: str) -> str:
        if column in self.in_form:
            return name(column)
        return self._kind(column).canonical(name(column), self.options)

    def _values(self) -> str:
        return ", ".join(f"{self._expression(column)} AS {name(column)}" for column in self.columns)

    def _raw(self, *, every: bool = False, told: str = "") -> str:
        """The rows under roster column names, values as they were exported; `every` one, or those that count. Where
        the values of a column are `told`, `field` is the header that each comes from."""
        field = f", {self._origin(told)} AS field" if told else ""
        rows = f"SELECT {self._values()}, record{field} FROM stage"
        picked = [self.into.where.expression(self.staged.values)] if self.into.where else []
        if self.into.needs:
            picked.append(f"{self._expression(self.into.needs)} IS NOT NULL")
        if self.firsts and not every:
            picked = [f"record IN (SELECT record FROM {self.firsts})"]
        if picked:
            rows = f"{rows} WHERE {' AND '.join(picked)}"
        return self._one_each(rows, every=every) if self.into.each in self.columns else rows

    def _one_each(self, rows: str, *, every: bool) -> str:
        """A row for each of the different ids in the column `each`; of `every` row, one also where it has none."""
        each = name(self.into.each)
        ids = f"list_distinct({KINDS['list'].canonical(each, self.options)})"
        if every:
            ids = f"CASE WHEN len({ids}) > 0 THEN {ids} ELSE [NULL] END"
        return f"SELECT * REPLACE (unnest({ids}) AS {each}) FROM ({rows})"

    def _expression(self, column: str) -> str:
        given = self.into.columns[column]
        if isinstance(given, Made):
            return given.expression(self.staged.values)
        found = [name(header) for header in self.headers[column]]
        value = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        spaced = self.into.space and (column == "person_id" or (self.into.table, column) == ("persons", "id"))
        return f"{literal(self.into.space)} || {value}" if spaced else value
