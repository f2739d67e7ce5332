"""Full exports and changes: which files of several packages are read, in which order, and what they leave out.

A OneRoster package may hold changes only (delta), which alone are no roster: whoever they do not name is not gone.
So a folder may hold several packages, each a ZIP or a folder with a manifest of its own: one full export and the
changes since. They are read from the newest to the oldest, and a record counts in the newest package that has its
id; one that is marked deleted there is gone. A package is as old as the newest `dateLastModified` in it; a full
export need not have one, and is then the oldest. A newer full export makes the older files superfluous.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from provision.errors import RosterError
from provision.formats.columns import note
from provision.formats.format import File, Format, bare
from provision.formats.manifest import MANIFEST, Manifest
from provision.formats.package import ZIP_ERRORS, Package, open_package, open_zip, refuse_size
from provision.formats.scan import shown
from provision.formats.stage import without_pattern
from provision.roster.check import name as quoted
from provision.roster.checks.files import CHANGES_APPLIED, TO_BE_DELETED
from provision.store import Store
from provision.store.sql import literal

CHANGED = "dateLastModified"
Tables = Mapping[str, tuple[Path, Sequence[str]]]
"""File name -> where it lies, and its header cells."""


@contextmanager
def open_packages(path: Path) -> Iterator[Package]:
    """The CSV files at `path`; those of several packages under names such as `changes.zip/users.csv`.

    Raises `RosterError` like `open_package`, and where the packages together are too large.
    """
    with ExitStack() as stack:
        several: dict[str, Package] = {}
        size = 0
        for number, part in enumerate(_packages(path), start=1):
            several[_label(number, part)] = package = stack.enter_context(open_package(part))
            size += package.size()
            refuse_size(path, size)
        if not several:
            yield stack.enter_context(open_package(path))
            return
        files = {f"{part}/{name}": file for part, one in several.items() for name, file in one.files.items()}
        zipped = frozenset(f"{part}/{name}" for part, one in several.items() for name in one.zipped)
        beside = tuple(f"{part}/{name}" for part, one in several.items() for name in one.beside)
        yield Package(files, zipped, next(iter(several.values())).scratch, beside)


def _packages(path: Path) -> list[Path]:
    """The ZIPs and folders in the folder `path` that have a manifest of their own; none if it holds CSV files or a
    ZIP without one, for then it is one package, and `open_package` judges it.

    Raises `RosterError` for a folder among packages that may be one, and cannot be told to be: what is left out of
    changes looks as if it had never happened.
    """
    try:
        inside = [each for each in sorted(path.iterdir()) if each.name[0] != "."] if path.is_dir() else []
        zips = [each for each in inside if each.suffix.lower() == ".zip"]
        if not all(map(_has_manifest, zips)) or any(each.suffix.lower() == ".csv" for each in inside):
            return []
        judged = [(each, *_judge_folder(each)) for each in inside if each not in zips and each.is_dir()]
    except OSError:
        return []
    folders = [each for each, has_manifest, _ in judged if has_manifest]
    odd = [f"{shown(each.name)}: {why}." for each, _, why in judged if why]
    if odd and (zips or folders):
        raise RosterError(f"The roster {path} cannot be used.", odd)
    return [*zips, *folders] if folders or len(zips) > 1 else []


def _judge_folder(path: Path) -> tuple[bool, str]:
    """Whether a folder has a manifest, and why it can neither be a package nor be left out, if so."""
    try:
        names = [each.name for each in path.iterdir()]
    except OSError as error:
        return False, f"it cannot be read: {error.strerror or error}"
    if _lists_manifest(names):
        return True, "it is a link; put the folder itself there" if path.is_symlink() else ""
    if any(name.lower().endswith(".csv") for name in names):
        return (
            False,
            "it has CSV files and no manifest.csv, so nobody can tell what it is. Complete it, or move it away",
        )
    return False, ""


def _has_manifest(path: Path) -> bool:
    """Whether a ZIP has one; of a bad one `open_package` says what is wrong with it."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with open_zip(path) as archive:
            return _lists_manifest(archive.namelist())
    except ZIP_ERRORS:
        return False


def _lists_manifest(names: Iterable[str]) -> bool:
    return any(bare(name.replace("\\", "/")).lower() == MANIFEST.name for name in names)


def _label(number: int, package: Path) -> str:
    """How a package is called in findings: by its name, if that can be printed."""
    return package.name if package.name.isprintable() and len(package.name) <= 100 else f"package {number}"


@dataclass
class Reading:
    """What is to be read: the files in order, those of them that hold changes, those that are passed over because
    a newer full export holds the same, and what is wrong with the set."""

    order: list[tuple[str, File]] = field(default_factory=list)
    changes: set[str] = field(default_factory=set)
    passed_over: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def refuse_changes_alone(path: Path, names: Iterable[str], manifests: Mapping[str, Manifest]) -> None:
    """Raise `RosterError` where files hold changes and no package is a full export. `manifests` has those of the
    packages by name, "" if there is only one."""
    tables = [name for name in names if bare(name).lower() != MANIFEST.name]
    changes = [name for name in tables if _mode(manifests, name) == "delta"]
    if changes and not {_package(name) for name in tables} - {_package(name) for name in changes}:
        raise RosterError(
            f"The roster {path} holds changes only; whom they do not name is not gone.",
            [
                f"Changes (delta in the manifest): {', '.join(changes)}.",
                "Give a full export (bulk), or put the last full one and the changes since into one folder.",
                "Each must be a ZIP or a folder of its own in it, with its manifest.csv.",
            ],
        )


def arrange(store: Store, form: Format, tables: Tables, manifests: Mapping[str, Manifest], scratch: Path) -> Reading:
    """Decide which files are read. Whatever is needed must be there whole; what is not may be absent from the full
    export, and then the changes begin with nothing."""
    reading = Reading()
    used = {name: file for name in tables if (file := form.file(name)) and file.into and not file.refused}
    reading.changes = {name for name in used if _mode(manifests, name) == "delta"}
    partial = {_package(name) for name in reading.changes}
    dates, unread = _dates(store, {name: (file, *tables[name]) for name, file in used.items()}, scratch)
    reading.faults += _undated(dates, partial) + unread
    packages = sorted(dates, key=lambda package: (dates[package], package), reverse=True)
    for file in form.files:
        found = {_package(name): name for name in used if used[name] is file}
        for package in packages:
            name = found.pop(package, None)
            reading.order += [(name, file)] if name else []
            if name not in reading.changes and (name or (file.need == "optional" and package not in partial)):
                break
        else:
            alone = [name for name, read in reading.order if read is file]
            reading.faults += [f"{name} holds changes only, and {file.name} is in no full export." for name in alone]
        reading.passed_over += found.values()
    return reading


def _package(name: str) -> str:
    return name.rpartition("/")[0]


def _mode(manifests: Mapping[str, Manifest], name: str) -> str:
    manifest = manifests.get(_package(name))
    return manifest.modes.get(bare(name).lower(), "") if manifest else ""


def _dates(
    store: Store, tables: Mapping[str, tuple[File, Path, Sequence[str]]], scratch: Path
) -> tuple[dict[str, str], list[str]]:
    """The newest change in each package, blank where none is told, and what is said of files in which none can be read
    though some are told; of a single package nobody asks."""
    dates, unread = dict.fromkeys(map(_package, tables), ""), []
    for name, (file, path, cells) in tables.items() if len(dates) > 1 else ():
        cell = file.cell_of(CHANGED, cells)
        if cell is not None:
            newest, told = _newest(store, without_pattern(path, scratch), len(cells), cell)
            dates[_package(name)] = max(newest, dates[_package(name)])
            if told and not newest:
                unread.append(f"{name}: no {CHANGED} in it can be read. Export them as 2026-08-30T10:00:00Z.")
    return dates, unread


def _undated(dates: Mapping[str, str], partial: Container[str]) -> list[str]:
    undated = [package for package in dates if not dates[package]]
    if len(dates) < 2 or (len(undated) < 2 and not any(package in partial for package in undated)):
        return []
    return [
        f"{package}: no record has a {CHANGED}, so nobody can tell which package is the newer one. "
        "Have these dates exported, or take the package away."
        for package in undated
    ]


def _newest(store: Store, path: Path, cells: int, cell: int) -> tuple[str, bool]:
    """The newest change in a file, as text that can be compared, and whether any is told; rows that are no good CSV do
    not count here."""
    columns = ", ".join(f"'c{each}': 'VARCHAR'" for each in range(cells))
    sql = (
        "SELECT (max(said) FILTER (isfinite(said)))::TEXT, count(told) > 0 FROM ("
        f"SELECT try_cast(told AS TIMESTAMP) AS said, told FROM (SELECT nullif(trim(c{cell}), '') AS told "
        f"FROM read_csv({literal(str(path))}, "
        f"columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, delim = ',', quote = '\"', "
        "escape = '\"', strict_mode = false, ignore_errors = true, compression = 'none', hive_partitioning = false)))"
    )
    try:
        [(newest, told)] = store.rows(sql)
    except duckdb.Error:
        return "", False  # whatever is wrong with the file, reading it says so
    return newest or "", told


# -- what the newer packages leave of the older ones


def begin_changes(store: Store) -> None:
    """Forget which records were spoken of."""
    store.run("CREATE OR REPLACE TEMP TABLE spoken_of (file TEXT, id TEXT, gone BOOLEAN)")


def end_changes(store: Store) -> None:
    """Let go of the memory."""
    store.run("DROP TABLE spoken_of")


@dataclass(frozen=True)
class LeftOut:
    """Staged rows that do not count, as SQL: those marked as deleted, and those that a newer package replaces."""

    file: File
    name: str
    gone: str
    replaced: str
    changes: bool

    def sql(self) -> str:
        """True for both."""
        return f"({self.gone} OR {self.replaced})"

    def note(self, store: Store) -> int:
        """Report them; gives how many there are."""
        gone, replaced, kept = store.rows(f"""
            SELECT count(*) FILTER ({self.gone} AND NOT {self.replaced}), count(*) FILTER ({self.replaced}),
                count(*) FILTER ({self.sql()} IS NOT TRUE) FROM stage_rows""")[0]
        if gone:
            note(store, TO_BE_DELETED, self.name, f"{gone:,} record(s) are marked as deleted; they count as absent.")
        if self.changes:
            note(store, CHANGES_APPLIED, self.name, f"{kept:,} record(s) are new, or replace older ones.")
        return int(gone + replaced)

    def remember(self, store: Store) -> None:
        """Once the file is read: its deleted records, and of a file of changes all records, were spoken of.

        What is gone is there for the statements of the format's `after`, too.
        """
        id_ = quoted(self.file.key)
        store.run(f"""
            INSERT INTO spoken_of SELECT {literal(self.file.name)}, {id_}, bool_or(coalesce({self.gone}, false))
            FROM stage_rows WHERE {id_} IS NOT NULL AND ({self.gone} OR {self.changes}) AND NOT {self.replaced}
            GROUP BY {id_}""")


def left_out(name: str, file: File, filled: Container[str], changes: Container[str]) -> LeftOut:
    """What is left out of the file called `name`, which has values in the columns `filled`; `changes` are the files of
    changes."""
    gone = file.gone.expression(filled) if file.gone else "false"
    replaced = f"{quoted(file.key)} IN (SELECT id FROM spoken_of WHERE file = {literal(file.name)})"
    return LeftOut(file, name, gone, replaced if changes else "false", name in changes)
