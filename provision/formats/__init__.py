"""Roster files into the roster tables: recognise the format, read every file, check what was read.

To add a format, write one file with a `FORMAT` and add one line to `FORMATS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provision.errors import RosterError
from provision.formats import sds_v1, sds_v1_uk, sds_v2, sds_v2_1
from provision.formats.columns import choose_columns, note, note_columns
from provision.formats.format import File, Format
from provision.formats.package import Package, open_package
from provision.formats.recognise import by_name, missing_headers, recognise
from provision.formats.scan import FileFault, Scan, header, scan
from provision.formats.stage import CsvFile, clear, stage
from provision.roster.checks import run_checks
from provision.roster.checks.files import EMPTY_FILE, FILE_NOT_READ, UNKNOWN_FILE
from provision.roster.fill import Staged, begin, fill
from provision.roster.kinds import date_patterns
from provision.roster.options import RosterOptions
from provision.store import Store

FORMATS: list[Format] = [
    sds_v1.FORMAT,
    sds_v1_uk.FORMAT,
    sds_v2.FORMAT,
    sds_v2_1.FORMAT,
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read: the name of the format and the SHA-256 of each file, as in `roster.files`."""

    format: str
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that some format knows: its header cells, what the scan says, or why it cannot be used."""

    path: Path
    cells: list[str]
    plain_header: bool = True
    scan: Scan | None = None
    fault: str = ""


def load_roster(store: Store, path: Path, options: RosterOptions, format_name: str = "auto") -> Loaded:
    """Empty the roster tables and fill them from the folder or ZIP at `path`, with findings and holds.

    Raises `RosterError` when the set of files cannot be used; `details` has every file at fault, with the row
    if there is one, and the mend. The roster tables are empty then.
    """
    begin(store)
    date_patterns(options)  # refuses a wrong one before anything is read
    chosen = None if format_name == "auto" else by_name(FORMATS, format_name)
    with open_package(path) as package:
        opened = {name: _open(file) for name, file in package.files.items() if _known(name)}
        form = chosen or _recognise(path, opened, options)
        _refuse(path, _faults(form, package, opened, options))
        _note_others(store, form, package)
        faults = [
            fault
            for name, file in _in_order(form, opened)
            if (fault := _load_file(store, name, file, opened[name], package.scratch, options))
        ]
        if faults:
            begin(store)
        _refuse(path, faults)
    run_checks(store, options)
    return Loaded(form.name, dict(store.rows("SELECT file, sha256 FROM roster.files ORDER BY file")))


def _known(name: str) -> bool:
    return any(each.file(name) for each in FORMATS)


def _open(path: Path) -> _Opened:
    cells: list[str] = []
    try:
        scanned = scan(path)
        cells, plain = header(path)
    except FileFault as fault:
        return _Opened(path, cells, fault=str(fault))
    return _Opened(path, cells, plain, scanned)


def _recognise(path: Path, opened: dict[str, _Opened], options: RosterOptions) -> Format:
    try:
        return recognise(FORMATS, {name: each.cells for name, each in opened.items()}, options.accept_missing)
    except RosterError:
        # a file that cannot be read is the likelier trouble, and the one to mend first
        _refuse(path, [f"{name} {each.fault}" for name, each in opened.items() if each.fault])
        raise


def _faults(form: Format, package: Package, opened: dict[str, _Opened], options: RosterOptions) -> list[str]:
    """Everything that makes the set of files unusable for this format."""
    used = dict(_in_order(form, opened))
    faults = [f"{name} {opened[name].fault}" for name in used if opened[name].fault]
    sound = {name: opened[name].cells for name in used if not opened[name].fault}
    faults += [_lacks(name, missing, sound[name]) for name, missing in missing_headers(form, sound)]
    there = frozenset(name.lower() for name in (*opened, *options.accept_missing))
    faults += [
        f"{name} is missing. {form.title} needs it; export it again, or give --accept-missing {name}."
        for name in form.needed(there)
    ]
    strange = [name for name in package.files if name in package.zipped and not _known(name)]
    return faults + [f"{name} is in the ZIP, but belongs to no roster format. Remove it." for name in strange]


def _lacks(name: str, missing: list[str], cells: list[str]) -> str:
    columns = ", ".join(f"'{column}'" for column in missing)
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and separator in cells[0]:
            return f"{name} row 1: the cells are separated by {called}. Save it with commas."
    return f"{name} row 1: the header lacks {columns}. Export the column, or name it exactly so."


def _in_order(form: Format, opened: dict[str, _Opened]) -> list[tuple[str, File]]:
    """The files that will be read, in the format's order."""
    found = [(form.file(name), name) for name in opened]
    used = [(form.files.index(file), name, file) for file, name in found if file and not file.later]
    return [(name, file) for _, name, file in sorted(used, key=lambda each: each[0])]


def _refuse(path: Path, faults: list[str]) -> None:
    if faults:
        raise RosterError(f"The roster {path} cannot be used.", faults)


def _note_others(store: Store, form: Format, package: Package) -> None:
    for name in package.files:
        file = form.file(name)
        if file is None:
            note(store, UNKNOWN_FILE, name, f"{name} is no file of {form.title}.")
        elif file.later:
            note(store, FILE_NOT_READ, name, f"{name} is not read: {file.later}.")


def _load_file(store: Store, name: str, file: File, opened: _Opened, scratch: Path, options: RosterOptions) -> str:
    """Read one file into the roster tables; gives what is wrong with it if it cannot be read whole."""
    if opened.scan is None:
        return f"{name} {opened.fault}"
    columns = choose_columns(file, opened.cells, keep_passwords=options.keep_passwords)
    read = CsvFile(opened.path, opened.scan, opened.cells, opened.plain_header, columns)
    try:
        odd = stage(store, read, scratch)
        records = store.value("SELECT count(*) FROM stage")
        store.insert(
            "roster.files",
            ("file", "sha256", "bytes", "records"),
            [(name, opened.scan.sha256, opened.scan.bytes, records)],
        )
        note_columns(store, name, file, opened.cells)
        if records == 0:
            note(store, EMPTY_FILE, name, f"{name} holds no records.")
        fill(store, Staged(name, frozenset(columns), file.required, odd), file.into, options)
    except FileFault as fault:
        return f"{name} {fault}"
    finally:
        clear(store)
    return ""
