"""What must hold whatever bytes a roster is made of, for the property tests and for the coverage-guided fuzzer.

Each target takes raw input and gives whether it was read; it may be refused. It raises where a promise is broken.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from provision.errors import RosterError
from provision.formats import FORMATS, load_roster
from provision.formats.package import MOST_RATIO, SMALL, open_package
from provision.formats.recognise import by_name
from provision.formats.scan import BLANKS, FileFault, header, scan
from provision.formats.stage import CsvFile, clear, stage
from provision.roster.fill import ENTITIES, TABLES
from provision.roster.options import RosterOptions
from provision.store import in_memory

STORE = in_memory()  # loading empties the tables first, so one store serves every run
STORE.run("SET threads = 1")  # quicker where tables are small
Rows = list[tuple[int, list[str | None]]]
"""Records, each with its values."""


@contextmanager
def nothing_left() -> Iterator[Path]:
    """A folder to work in; the temporary files of the block go into a folder of their own, and none may be left."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
        assert list(Path(scratch).iterdir()) == []


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def check_csv(raw: bytes) -> bool:
    """Whichever road a file takes, its rows are those that Python's `csv` finds in the text as a whole."""
    with nothing_left() as folder:
        path = folder / "file.csv"
        path.write_bytes(raw)
        try:
            scanned = scan(path)
            cells, plain_header = header(path)
        except FileFault:
            return False
        file = CsvFile(path, scanned, cells, plain_header, {f"h{cell}": cell for cell in range(len(cells))})
        expected = _by_csv(raw, len(cells))
        for road in (file, replace(file, scan=replace(scanned, plain=False))):
            assert _staged(road, folder) == expected, (raw, road.scan.plain)
        return expected is not None


def _staged(file: CsvFile, scratch: Path) -> Rows | None:
    try:
        stage(STORE, file, scratch)
        values = ", ".join(f'"{column}"' for column in file.columns)
        return [(record, cells) for record, *cells in STORE.rows(f"SELECT record, {values} FROM stage ORDER BY record")]
    except FileFault:
        return None
    finally:
        clear(STORE)


def _by_csv(raw: bytes, width: int) -> Rows | None:
    rows: Rows = []
    try:
        reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True, skipinitialspace=True)
        for record, row in enumerate(reader, start=1):
            cells = [cell.replace("\r\n", " ").replace("\n", " ").replace("\r", " ").strip(BLANKS) for cell in row]
            if record > 1 and any(cells):
                rows.append((record, [cell or None for cell in (*cells, *[""] * width)[:width]]))
    except csv.Error:
        return None
    return rows


def check_zip(raw: bytes) -> bool:
    """A ZIP is unpacked into the private folder, within its bounds, or refused; nothing else is written."""
    with nothing_left() as folder:
        path = folder / "roster.zip"
        path.write_bytes(raw)
        try:
            with open_package(path) as package:
                assert all(file.parent.parent == package.scratch for file in package.files.values())
                unpacked = sum(file.stat().st_size for file in package.files.values())
                assert unpacked <= max(SMALL, MOST_RATIO * len(raw))
        except RosterError:
            return False
        finally:
            assert contents(folder) == {"roster.zip": raw}
        return True


def check_roster(files: Mapping[str, bytes]) -> bool:
    """A folder is loaded, and every record is in a table or spoken of, or it is refused, and no table has a row."""
    with nothing_left() as folder:
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        try:
            loaded = load_roster(STORE, folder, RosterOptions())
        except RosterError:
            assert [STORE.value(f"SELECT count(*) FROM roster.{table}") for table in TABLES] == [0] * len(TABLES)
            return False
        finally:
            assert contents(folder) == files
        _check_records(loaded.format)
        return True


def _check_records(form: str) -> None:
    """Nobody gets lost: each record that was counted has a row somewhere, or a finding of its own; but where the
    format itself passes over some, and where a hold has spread."""
    tables = " UNION ".join(f"SELECT file, record FROM roster.{table}" for table in ENTITIES)
    known = f"SELECT DISTINCT file, record FROM ({tables} UNION SELECT file, record FROM roster.findings) "
    read = by_name(FORMATS, form)
    files = () if read.after or STORE.value("SELECT count(*) FROM roster.held") else read.files
    whole = {file.name.lower() for file in files if any(not into.where and not into.needs for into in file.into)}
    for name, records, seen in STORE.rows(
        f"SELECT file, records, count(record) FROM roster.files LEFT JOIN ({known} WHERE record > 1) USING (file) "
        "GROUP BY ALL"
    ):
        assert seen == records or (seen < records and name.lower() not in whole), (form, name, records, seen)
