"""A CSV file into the temporary view `stage`, which `provision/roster/fill.py` reads.

The main road is DuckDB's reader at full strictness: every column a text, nothing guessed. A file that it does
not take, or in which it does not find as many records as there are lines, is read by Python's `csv` and
written out plainly, with its row numbers and what was odd about a row. So both roads give the same rows, and
the slow one can say precisely what is wrong. `record` is the row as a spreadsheet counts it: the header is
row 1.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from provision.formats.scan import FileFault, Scan
from provision.roster.check import name
from provision.roster.fill import EXTRA_BLANKS, EXTRA_CELLS, LINE_BREAK, SHORT_ROW
from provision.store import Store
from provision.store.sql import literal

ODD_SPACES = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file to be read: `cells` is its header row, `columns` the headers to keep and the cell each is
    in."""

    path: Path
    scan: Scan
    cells: Sequence[str]
    plain_header: bool
    columns: Mapping[str, int]


def stage(store: Store, file: CsvFile, scratch: Path) -> bool:
    """Fill `stage`; gives whether a row may be odd. Raises `FileFault` where the text is not CSV."""
    if file.plain_header and _read_strictly(store, file, scratch):
        _show(store, file, "rowid + 2 AS record, NULL::TEXT AS fault")
        return False
    _read_slowly(store, file, scratch / "rewritten.csv")
    _show(store, file, "record, fault")
    return True


def clear(store: Store) -> None:
    """Let go of the staged rows and their memory."""
    store.run("DROP VIEW IF EXISTS stage")
    store.run("DROP TABLE IF EXISTS stage_rows")


def _show(store: Store, file: CsvFile, origin: str) -> None:
    values = ", ".join(name(header) for header in file.columns)
    store.run(
        f"CREATE OR REPLACE TEMP VIEW stage AS SELECT {origin}, {values} FROM stage_rows "
        f"WHERE coalesce({values}) IS NOT NULL"
    )


def _read_strictly(store: Store, file: CsvFile, scratch: Path) -> bool:
    values = [f"{_trimmed(f'c{cell}', file)} AS {name(header)}" for header, cell in file.columns.items()]
    try:
        _read(store, _without_pattern(file.path, scratch), len(file.cells), values)
    except duckdb.Error:
        return False  # whatever it was, the slow road finds and names it
    return bool(store.value("SELECT count(*) FROM stage_rows") == file.scan.lines)


def _read_slowly(store: Store, file: CsvFile, rewritten: Path) -> None:
    with rewritten.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("record", "fault", *file.columns))
        writer.writerows(_rows(file))
    values = [f"{_trimmed(f'c{cell}', file)} AS {name(header)}" for cell, header in enumerate(file.columns, start=2)]
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


def _read(store: Store, path: Path, cells: int, values: Sequence[str]) -> None:
    columns = ", ".join(f"'c{cell}': 'VARCHAR'" for cell in range(cells))
    store.run(
        f"CREATE OR REPLACE TEMP TABLE stage_rows AS SELECT {', '.join(values)} FROM "
        f"read_csv({literal(str(path))}, "
        f"columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, delim = ',', quote = '\"', "
        "escape = '\"', strict_mode = true, null_padding = false, ignore_errors = false, compression = "
        "'none', "
        "hive_partitioning = false)"
    )


def _rows(file: CsvFile) -> Iterator[list[str]]:
    """Record, fault and kept cells of every row that is not blank."""
    width = len(file.cells)
    line = record = 1
    with file.path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened, strict=True)
        try:
            next(reader)
            for record, row in enumerate(reader, start=2):
                line = reader.line_num
                if row:
                    yield [
                        str(record),
                        _fault(row, width),
                        *(_cell(row, cell) for cell in file.columns.values()),
                    ]
        except csv.Error as error:
            raise FileFault(
                f"row {record + 1}: not CSV from line {line + 1} on ({error}). "
                "Look there for a double quote that is not closed or not doubled."
            ) from None


def _fault(row: list[str], width: int) -> str:
    if any(cell.strip() for cell in row[width:]):
        return EXTRA_CELLS.id
    if len(row) > width:
        return EXTRA_BLANKS.id
    if len(row) < width:
        return SHORT_ROW.id
    return LINE_BREAK.id if any("\n" in cell or "\r" in cell for cell in row) else ""


def _cell(row: list[str], cell: int) -> str:
    return row[cell].replace("\r\n", " ").replace("\n", " ").replace("\r", " ") if cell < len(row) else ""


def _trimmed(column: str, file: CsvFile) -> str:
    return f"nullif(trim({column}{', ' + ODD_SPACES if file.scan.odd_spaces else ''}), '')"


def _without_pattern(path: Path, scratch: Path) -> Path:
    """A path that DuckDB does not take for a pattern: a copy, for the rare name with such a character."""
    if not set("*?[]{}") & set(str(path)):
        return path
    return Path(shutil.copyfile(path, scratch / "plain.csv"))
