"""Roster files into the roster tables: recognise the format, read every file, check what was read.

To add a format, write one file with a `FORMAT` and add one line to `FORMATS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.errors import OutOfRoom, RosterError
from provision.formats import clever, oneroster_1_1, oneroster_1_2, sds_v1, sds_v1_uk, sds_v2, sds_v2_1
from provision.formats.changes import (
    Reading,
    arrange,
    begin_changes,
    end_changes,
    left_out,
    open_packages,
    refuse_changes_alone,
)
from provision.formats.columns import choose_columns, has_passwords, note, note_columns
from provision.formats.format import File, Format, bare
from provision.formats.manifest import note_differences, read_manifests, refuse_manifest_alone
from provision.formats.package import Package
from provision.formats.recognise import by_name, missing_headers, recognise
from provision.formats.scan import CHANGED, FileFault, FileState, Scan, file_state, header, scan, shown
from provision.formats.stage import NONE, CsvFile, clear, stage
from provision.roster.checks import run_checks
from provision.roster.checks.files import EMPTY_FILE, FILE_NOT_READ, PASSED_OVER, UNKNOWN_FILE
from provision.roster.fill import Staged, begin, fill
from provision.roster.kinds import ISO, date_patterns, with_own_dates
from provision.roster.options import RosterOptions
from provision.store import Store

FORMATS: list[Format] = [
    sds_v1.FORMAT,
    sds_v1_uk.FORMAT,
    sds_v2.FORMAT,
    sds_v2_1.FORMAT,
    clever.FORMAT,
    oneroster_1_1.FORMAT,
    oneroster_1_2.FORMAT,
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read: the name of the format, the SHA-256 of each file, as in `roster.files`, and whether there was a
    column of passwords that was not to be read."""

    format: str
    sha256: dict[str, str]
    left_passwords: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that some format knows: its header cells, or why it cannot be used; `scanning` goes on meanwhile."""

    path: Path
    state: FileState
    cells: list[str]
    scanning: Future[Scan] | None
    plain_header: bool = True
    fault: str = ""

    def scan(self) -> Scan:
        """What the scan says, as soon as it has ended. Raises `FileFault`."""
        if self.scanning is None:
            raise FileFault(self.fault)
        return self.scanning.result()

    def faults(self) -> list[str]:
        """Why the file cannot be used, if so."""
        try:
            if self.scanning:
                self.scanning.result()
        except FileFault as fault:  # says more than a header can that is no text
            return [str(fault)]
        return [self.fault] if self.fault else []


def load_roster(store: Store, path: Path, options: RosterOptions, format_name: str = "auto") -> Loaded:
    """Empty the roster tables and fill them from the folder or ZIP at `path`, with findings and holds.

    Raises `RosterError` when the set of files cannot be used; `details` has every file at fault, with the row
    if there is one, and the mend. The roster tables are empty then.
    """
    begin(store)
    try:
        return _load(store, path, options, format_name)
    except RosterError:
        begin(store)
        raise
    except OutOfRoom as error:
        begin(store)
        raise RosterError(f"The roster {path} cannot be loaded.", [error.message, *error.details]) from None


def _load(store: Store, path: Path, options: RosterOptions, format_name: str) -> Loaded:
    date_patterns(options)  # refuses a wrong one before anything is read
    chosen = None if format_name == "auto" else by_name(FORMATS, format_name)
    with open_packages(path) as package, _readers() as readers:
        refuse_manifest_alone(path, package.files)
        manifests, unclear = read_manifests(package.files)
        refuse_changes_alone(path, package.files, manifests)
        known = {name: file for name, file in package.files.items() if _known(name)}
        opened = _open_all(known, readers)
        form = chosen or _recognise(path, package, opened, options)
        _refuse(path, _faults(form, package, opened, options) or [unclear[name] for name in unclear if form.file(name)])
        tables = {name: (each.path, each.cells) for name, each in opened.items()}
        reading = arrange(store, form, tables, manifests, package.scratch)
        _refuse(path, reading.faults)
        options = with_own_dates(options, form.date_formats)
        _note_others(store, form, package, reading)
        note_differences(store, form, package.files, manifests)
        begin_changes(store)
        faults = [
            fault
            for name, file in _smallest_first(reading.order, opened)
            if (fault := _load_file(store, form, name, file, opened[name], reading, package.scratch, options))
        ]
        _refuse(path, _changed(opened) or faults)
    for statement in form.after:
        store.run(statement)
    end_changes(store)
    run_checks(store, options)
    digests: dict[str, str] = dict(store.rows("SELECT file, sha256 FROM roster.files ORDER BY file"))
    passwords = any(has_passwords(file, opened[name].cells) for name, file in reading.order)
    return Loaded(form.name, digests, left_passwords=passwords and not options.keep_passwords)


def _known(name: str) -> bool:
    return _is_read(name) or any(each.leaves(name) for each in FORMATS)


def _is_read(name: str) -> bool:
    return any(each.file(name) for each in FORMATS)


@contextmanager
def _readers() -> Iterator[ThreadPoolExecutor]:
    """Who scans the files, while those that have been scanned are loaded."""
    readers = ThreadPoolExecutor(2)
    try:
        yield readers
    finally:
        readers.shutdown(cancel_futures=True)


def _open_all(known: Mapping[str, Path], readers: ThreadPoolExecutor) -> dict[str, _Opened]:
    """The small files are scanned first: what can be loaded soonest."""
    opened = {name: _open(name, known[name], readers) for name in sorted(known, key=lambda name: _bytes(known[name]))}
    return {name: opened[name] for name in known}


def _open(name: str, path: Path, readers: ThreadPoolExecutor) -> _Opened:
    """Of a file that has nothing for any format the header is enough: a gradebook may be larger than all the rest."""
    state = file_state(path)
    scanning = readers.submit(scan, path) if _is_read(name) else None
    try:
        cells, plain = header(path)
    except FileFault as fault:
        return _Opened(path, state, [], scanning, fault=str(fault))
    return _Opened(path, state, cells, scanning, plain)


def _smallest_first(order: Sequence[tuple[str, File]], opened: Mapping[str, _Opened]) -> list[tuple[str, File]]:
    """As they are scanned, so that loading does not wait; the same file of several packages stays in its order."""
    sizes: Counter[str] = Counter()
    for name, file in order:
        sizes[file.name] += _bytes(opened[name].path)
    return sorted(order, key=lambda each: sizes[each[1].name])


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # opening it says why


def _recognise(path: Path, package: Package, opened: dict[str, _Opened], options: RosterOptions) -> Format:
    cells = {name: opened[name].cells if name in opened else [] for name in package.files}
    _refuse(path, [said for name, each in cells.items() if (said := _separated(name, each))])
    try:
        return recognise(FORMATS, cells, options.accept_missing)
    except RosterError:
        # a file that cannot be read is the likelier trouble, and the one to mend first
        _refuse(path, [f"{name} {fault}" for name, each in opened.items() for fault in each.faults()])
        raise


def _faults(form: Format, package: Package, opened: dict[str, _Opened], options: RosterOptions) -> list[str]:
    """Everything that makes the set of files unusable for this format. Where the headers are good, the scans are not
    waited for: what they find is told when the file is to be loaded."""
    used = [name for name in opened if (file := form.file(name)) and not file.refused]
    faults = [f"{name} is refused: {file.refused}." for name in opened if (file := form.file(name)) and file.refused]
    there = frozenset(bare(name).lower() for name in (*opened, *options.accept_missing))
    faults += [
        f"{name} is missing. {form.title} needs it; export it again, or give --accept-missing {name}."
        for name in form.needed(there)
    ]
    strange = [name for name in package.files if name in package.zipped and not _known(name)]
    faults += [f"{shown(name)} is in the ZIP, but belongs to no roster format. Remove it." for name in strange]
    sound = {name: opened[name].cells for name in used if not opened[name].fault}
    if not faults and len(sound) == len(used) and not missing_headers(form, sound):
        return []
    sound = {name: cells for name, cells in sound.items() if not opened[name].faults()}
    lacking = [_lacks(name, missing, sound[name]) for name, missing in missing_headers(form, sound)]
    return [f"{name} {fault}" for name in used for fault in opened[name].faults()] + lacking + faults


def _changed(opened: dict[str, _Opened]) -> list[str]:
    """The files that are no longer what was opened and scanned."""
    scanned = [(name, each) for name, each in opened.items() if each.scanning and not each.faults()]
    return [
        f"{name} {CHANGED}" for name, each in scanned if not each.state == each.scan().state == file_state(each.path)
    ]


def _lacks(name: str, missing: list[str], cells: list[str]) -> str:
    columns = ", ".join(f"'{column}'" for column in missing)
    return _separated(name, cells) or f"{name} row 1: the header lacks {columns}. Export the column, or name it so."


def _separated(name: str, cells: Sequence[str]) -> str:
    """What is said of a file whose cells are not separated by commas, or nothing."""
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and separator in cells[0]:
            return f"{name} row 1: the cells are separated by {called}. Save it with commas."
    return ""


def _refuse(path: Path, faults: list[str]) -> None:
    if faults:
        raise RosterError(f"The roster {path} cannot be used.", faults)


def _note_others(store: Store, form: Format, package: Package, reading: Reading) -> None:
    for name in reading.passed_over:
        note(store, PASSED_OVER, name, f"A newer package holds the whole of what {name} is about.")
    for name in package.beside:
        note(
            store, UNKNOWN_FILE, name, f"{name} is {'a folder' if name[-1] == '/' else 'no CSV file'}; it is not read."
        )
    for name in package.files:
        if form.leaves(name):
            note(store, FILE_NOT_READ, name, f"{name} belongs to {form.title}, and nothing in it is needed.")
        elif form.file(name) is None:
            note(store, UNKNOWN_FILE, name, f"{name} is no file of {form.title}.")


def _load_file(
    store: Store,
    form: Format,
    name: str,
    file: File,
    opened: _Opened,
    reading: Reading,
    scratch: Path,
    options: RosterOptions,
) -> str:
    """Read one file into the roster tables; gives what is wrong with it if it cannot be read whole."""
    columns = choose_columns(file, opened.cells, keep_passwords=options.keep_passwords)

    def gone(filled: frozenset[str]) -> str:
        return left_out(name, file, filled, reading.changes).sql()

    try:
        scanned = opened.scan()
        marks = file.marks(with_key=bool(reading.changes))
        dates = file.dates() if ISO in options.date_formats else NONE
        csv = CsvFile(opened.path, scanned, opened.cells, opened.plain_header, columns, gone, marks, dates)
        read = stage(store, csv, scratch)
        left = left_out(name, file, read.filled, reading.changes)
        passed = left.note(store) if file.gone else 0
        records = store.value("SELECT count(*) FROM stage")
        store.insert(
            "roster.files",
            ("file", "sha256", "bytes", "records"),
            [(name, scanned.sha256, scanned.bytes, records)],
        )
        note_columns(store, name, form, file, opened.cells)
        if records == 0 and not passed:
            note(store, EMPTY_FILE, name, f"{name} holds no records.")
        fill(store, Staged(name, read.rows, read.values, file.required, read.dates, read.odd), file.into, options)
        if file.key and file.key not in marks:
            left.remember(store)
    except FileFault as fault:
        return f"{name} {fault}"
    finally:
        clear(store)
    return ""
