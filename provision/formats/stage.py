"""A CSV file into the temporary view `stage`, which `provision/roster/fill.py` reads.

The main road is DuckDB's reader at full strictness: every column a text, nothing guessed. A file that it does
not take, in which it does not find as many records as there are lines, or which has what it is known to read
otherwise than others (`Scan.plain`), is read by Python's `csv` and written out plainly, with its row numbers and
what was odd about a row. So both roads give the same rows, and the slow one can say precisely what is wrong.
`record` is the row as a spreadsheet counts it: the header is row 1.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb

from provision.formats.scan import BLANKS, LONGEST, FileFault, Scan, records
from provision.roster.check import name
from provision.roster.fill import EXTRA_CELLS, LINE_BREAK, SHORT_ROW
from provision.roster.kinds import FIRST_YEAR, LAST_YEAR
from provision.store import Store
from provision.store.sql import literal

WIDE = 9
"""Columns, past which two threads insert a million rows more slowly than one does (measured; see the bench)."""

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CsvFile:
    """A CSV file to be read: `cells` is its header row, `columns` the headers to keep and the cell each is in, of
    `marks` only whether there is a value. `gone` gives SQL that is true for rows to be left out, told the headers
    under which there is any value. `dates` are kept as dates, if every one of them is written as YYYY-MM-DD: of a
    large roster that takes a third of the memory, and no value need be judged again."""

    path: Path
    scan: Scan
    cells: Sequence[str]
    plain_header: bool
    columns: Mapping[str, int]
    gone: Callable[[frozenset[str]], str] | None = None
    marks: frozenset[str] = NONE
    dates: frozenset[str] = NONE


@dataclass(frozen=True)
class Read:
    """What was read: whether a row may be odd, which headers have dates, how many rows there are, and how many have a
    value under each header."""

    odd: bool
    dates: frozenset[str]
    rows: int
    values: Mapping[str, int]

    @property
    def filled(self) -> frozenset[str]:
        """The headers under which any row has a value."""
        return frozenset(header for header, number in self.values.items() if number)


def stage(store: Store, file: CsvFile, scratch: Path) -> Read:
    """Fill `stage`. Raises `FileFault` where the text is not CSV."""
    try:
        # of a single column DuckDB takes blank lines for records, so that their number says nothing
        several = len(file.cells) > 1
        simple = several and file.plain_header and file.scan.plain
        # another form of date stops the first reading, as a rule in the first row
        tried = dict.fromkeys((file.dates.intersection(file.columns), NONE)) if simple else ()
        dates = next((dates for dates in tried if _read_strictly(store, file, scratch, dates)), None)
        if dates is None or store.value("SELECT count(*) FROM stage_rows") != file.scan.lines:
            dates = None
            _read_slowly(store, file, scratch / "rewritten.csv")
    except OSError as error:  # it went away, or the disk is full
        raise FileFault(f"cannot be read: {error.strerror or error}.") from None
    read = _count(store, file, dates or NONE, odd=dates is None)
    _show(store, file, read)
    return read


def clear(store: Store) -> None:
    """Let go of the staged rows and their memory."""
    store.run("DROP VIEW IF EXISTS stage")
    store.run("DROP TABLE IF EXISTS stage_rows")


def _count(store: Store, file: CsvFile, dates: frozenset[str], *, odd: bool) -> Read:
    counts = ["count(*)", *(f"count({name(header)})" for header in file.columns)]
    rows, *values = store.rows(f"SELECT {', '.join(counts)} FROM stage_rows")[0]
    return Read(odd, dates, rows, dict(zip(file.columns, values, strict=True)))


def _show(store: Store, file: CsvFile, read: Read) -> None:
    """`stage` has the rows that have a value, or too many of them."""
    headers = [name(header) for header in file.columns]
    origin = "record, fault" if read.odd else "rowid + 2 AS record, NULL::TEXT AS fault"
    some = [f"{header} IS NOT NULL" for header in headers]
    some += [f"fault = {literal(EXTRA_CELLS.id)}"] if read.odd else []
    gone = file.gone(read.filled) if file.gone else "false"
    # as a rule the first column has a value in every row, and no row is left out; then nothing need be asked of each
    full = next(iter(read.values.values()), None) == read.rows
    picked = [] if full else [f"({' OR '.join(some) or 'false'})"]
    picked += [f"{gone} IS NOT TRUE"] if store.value(f"SELECT coalesce(bool_or({gone}), false) FROM stage_rows") else []
    store.run(
        f"CREATE OR REPLACE TEMP VIEW stage AS SELECT {', '.join([origin, *headers])} FROM stage_rows "
        f"WHERE {' AND '.join(picked) or 'true'}"
    )


def _read_strictly(store: Store, file: CsvFile, scratch: Path, dates: frozenset[str]) -> bool:
    trimmed = {header: _trimmed(f"c{cell}", file) for header, cell in file.columns.items()}
    values = [_kept(file, header, _dated(value) if header in dates else value) for header, value in trimmed.items()]
    try:
        _read(store, without_pattern(file.path, scratch), len(file.cells), values, f"max_line_size = {LONGEST}, ")
    except duckdb.Error:
        return False  # whatever it was, a slower road finds and names it
    return True


def _read_slowly(store: Store, file: CsvFile, rewritten: Path) -> None:
    with rewritten.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("record", "fault", *file.columns))
        writer.writerows(_rows(file))
    values = [_kept(file, header, f"c{cell}") for cell, header in enumerate(file.columns, start=2)]
    try:
        _read(
            store,
            rewritten,
            len(file.columns) + 2,
            ["c0::BIGINT AS record", "nullif(c1, '') AS fault", *values],
        )
    except duckdb.Error as error:
        raise FileFault(f"cannot be read as CSV: {str(error).splitlines()[0]}") from None
    finally:
        rewritten.unlink()


def _read(store: Store, path: Path, cells: int, values: Sequence[str], limits: str = "") -> None:
    columns = ", ".join(f"'c{cell}': 'VARCHAR'" for cell in range(cells))
    with store.by_one_thread() if len(values) > WIDE else nullcontext():
        store.run(
            f"CREATE OR REPLACE TEMP TABLE stage_rows AS SELECT {', '.join(values)} FROM "
            f"read_csv({literal(str(path))}, {limits}"
            f"columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, delim = ',', quote = '\"', "
            "escape = '\"', strict_mode = true, null_padding = false, ignore_errors = false, "
            "compression = 'none', hive_partitioning = false)"
        )


def _rows(file: CsvFile) -> Iterator[list[str]]:
    """Record, fault and kept cells of every row that is not blank."""
    width = len(file.cells)
    for record, (_, row) in enumerate(records(file.path), start=1):
        if row and record > 1:
            yield [str(record), _fault(row, width), *(_cell(row, cell) for cell in file.columns.values())]


def _fault(row: list[str], width: int) -> str:
    if any(cell.strip(BLANKS) for cell in row[width:]):
        return EXTRA_CELLS.id  # blank ones say nothing: they are commas at the end of the row
    if len(row) < width:
        return SHORT_ROW.id
    return LINE_BREAK.id if any("\n" in cell or "\r" in cell for cell in row) else ""


def _cell(row: list[str], cell: int) -> str:
    if cell >= len(row):
        return ""
    return row[cell].replace("\r\n", " ").replace("\n", " ").replace("\r", " ").strip(BLANKS)


def _kept(file: CsvFile, header: str, value: str) -> str:
    """The value under the name of its header; of a mark a single byte, TRUE or NULL."""
    return f"{f'nullif({value} IS NOT NULL, false)' if header in file.marks else value} AS {name(header)}"


def _trimmed(column: str, file: CsvFile) -> str:
    """The value without white space around it; the reader gives NULL for one that is empty from the start."""
    if file.scan.odd_spaces:
        return f"nullif(trim({column}, {literal(BLANKS)}), '')"
    if not file.scan.spaces:
        return column
    # trimming is dear, and few values need it
    return f"CASE WHEN {column} LIKE ' %' OR {column} LIKE '% ' THEN nullif(trim({column}), '') ELSE {column} END"


def _dated(value: str) -> str:
    """The date that a text is; an error where it is written otherwise than we write it."""
    day = f"({value})::DATE"
    years = f"DATE '{FIRST_YEAR}-01-01' AND DATE '{LAST_YEAR}-12-31'"
    as_written = f"{day}::TEXT = {value} AND {day} BETWEEN {years}"
    return f"CASE WHEN {as_written} THEN {day} WHEN {value} IS NOT NULL THEN error('another form of date') END"


def without_pattern(path: Path, scratch: Path) -> Path:
    """A path that DuckDB takes as it stands: of a rare name (a pattern, an address, no UTF-8) a copy."""
    whole = path.absolute()
    if set("*?[]{}") & set(str(whole)) or not _is_utf_8(str(whole)):
        return Path(shutil.copyfile(path, scratch / "plain.csv"))
    return whole


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
