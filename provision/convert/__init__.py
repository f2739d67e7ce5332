"""A roster in another format: every file written, read back, and compared with what it came from.

To add a target, write one file with a `TARGET` and add one line to `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from provision.convert import oneroster_1_2, sds_v1, sds_v2_1
from provision.convert.bundle import put, refuse_taken, seal, workshop
from provision.convert.ids import forget_what_left, under_new_ids
from provision.convert.target import Target
from provision.errors import ProvisionError, RosterError, UsageError
from provision.formats import load_roster
from provision.roster.conversion import Conversion, compare
from provision.roster.kinds import DATE
from provision.roster.options import RosterOptions
from provision.roster.summary import findings, summary
from provision.store import Store
from provision.store.sql import literal

TARGETS: list[Target] = [
    sds_v2_1.TARGET,
    sds_v1.TARGET,
    oneroster_1_2.TARGET,
]


def reading(options: RosterOptions, accept_missing: Iterable[str] = (), *, passwords: bool = False) -> RosterOptions:
    """How a roster is read that is to be converted: what only Microsoft 365 asks for is no error."""
    return replace(
        options,
        keep_passwords=passwords,
        accept_missing=frozenset(accept_missing),
        names_required=frozenset(),
        usernames_required=frozenset(),
        replace_special_characters=True,
    )


def convert(
    store: Store,
    target: Target,
    out: Path,
    options: RosterOptions,
    *,
    school_year: str = "",
    leave_out_errors: bool = False,
    left_passwords: bool = False,
) -> Conversion:
    """Write the roster that `load_roster` left in `store` to `out`, a new folder or a new ZIP.

    `options` are those that it was read with (see `reading`), which may have left passwords; `school_year` has two
    dates (`2026-08-24/2027-06-18`) for what has none. Raises `RosterError` when the roster has errors that are not to
    be left out, or the target needs a school year that nobody knows; `UsageError` when `school_year` is none;
    `ProvisionError` when `out` is taken or cannot be written. Nothing is written then.
    """
    refuse_taken(out)
    _refuse_errors(store, leave_out=leave_out_errors)
    _know_school_year(store, school_year)
    _refuse_undated(store, target)
    forgotten = forget_what_left(store)
    under_new_ids(store, target)
    for statement in target.prepare:
        store.run(statement)
    with workshop(out) as scratch:
        folder = scratch / "roster"
        folder.mkdir(mode=0o700)
        files, blanks = _write(store, target, folder)
        sealed = seal(folder, out)
        with store.beside("again") as again:
            _read_back(again, target, sealed, options)
            differences = tuple(compare(store, "sent_", "again.roster."))
        put(sealed, out)
    doubts = {said: store.value(counted_by) for said, counted_by in target.doubts.items()}
    return Conversion(
        target.format.title, out, files, differences, blanks, target.made, forgotten, doubts, left_passwords
    )


def _refuse_errors(store: Store, *, leave_out: bool) -> None:
    errors = summary(store).count("error")
    if errors and not leave_out:
        raise RosterError(
            f"The roster has {errors:,} error{'s' if errors > 1 else ''}; nothing was written.",
            [
                "Whoever they speak of would be missing, and be taken for gone. `provision check` lists them.",
                "Mend them, or give --leave-out-errors to convert the rest.",
            ],
        )


def _know_school_year(store: Store, given: str) -> None:
    """The table `school_year` has the dates given, else those of the school year that ends last, else the first and
    the last day of all sessions, else no row."""
    store.run("CREATE OR REPLACE TEMP TABLE school_year (starts DATE, ends DATE)")
    if given:
        store.insert("school_year", ("starts", "ends"), [_two_days(given)])
        return
    store.run("""
        INSERT INTO school_year SELECT starts, ends FROM (
            SELECT 1 AS place, start_date AS starts, end_date AS ends FROM roster.sessions WHERE type = 'schoolYear'
            UNION ALL SELECT 2, min(start_date), max(end_date) FROM roster.sessions)
        WHERE starts <= ends ORDER BY place, ends DESC, starts LIMIT 1""")


def _two_days(given: str) -> tuple[str, str]:
    """The days of `2026-08-24/2027-06-18`. Raises `UsageError` for anything else."""
    first, _, last = given.partition("/")
    try:
        days = date.fromisoformat(first).isoformat(), date.fromisoformat(last).isoformat()
    except ValueError:
        days = "", ""
    if not days[0] < days[1]:
        raise UsageError(f"'{given}' is no school year.", ["Write its first and last day: 2026-08-24/2027-06-18."])
    return days


def _refuse_undated(store: Store, target: Target) -> None:
    """Raise `RosterError` when something needs the dates of a school year that is not known."""
    if not target.undated or store.value("SELECT count(*) FROM school_year"):
        return
    undated = f"SELECT count(*), min({{'file': file, 'record': record}}) FROM ({target.undated})"
    count, first = store.rows(undated)[0]
    if count:
        have = "1 record has" if count == 1 else f"{count:,} records have"
        said = [f"{have} none, the first is {first['file']} row {first['record']}."]
        if unread := store.value(f"SELECT count(*) FROM roster.findings WHERE rule = {literal(DATE.id)}"):
            dates = "1 date was" if unread == 1 else f"{unread:,} dates were"
            said.append(f"{dates} not understood: give a --profile whose date_formats has their form.")
        said.append("Or give the first and the last day of the school year: --school-year 2026-08-24/2027-06-18.")
        raise RosterError(
            f"{target.format.title} needs the dates of sessions, and not all are known; nothing was written.", said
        )


def _write(store: Store, target: Target, folder: Path) -> tuple[dict[str, int], int]:
    """Write the files: how many records each has, and before how many texts a blank was put.

    A file without records is left out, unless the format needs it.
    """
    files, blanks = {}, 0
    for written in target.files:
        file = next(file for file in target.format.files if file.name == written.name)
        files[written.name], put_before = written.write(store, file, folder / written.name)
        blanks += put_before
    needed = target.format.needed(frozenset(name.lower() for name, records in files.items() if records))
    for name in [name for name, records in files.items() if not records and name not in needed]:
        (folder / name).unlink()
        del files[name]
    for name, text in target.attached(files).items():
        (folder / name).write_bytes(text.encode())
    return files, blanks


def _read_back(again: Store, target: Target, bundle: Path, options: RosterOptions) -> None:
    """Fill the tables of `again` from what was written. Raises `ProvisionError` unless it reads without an error."""
    try:
        load_roster(again, bundle, replace(options, accept_missing=frozenset()), target.format.name)
        faults = [f"{one.rule}: {one.file} row {one.record}" for one in findings(again, 10) if one.severity == "error"]
    except RosterError as error:
        faults = [error.message, *error.details]
    if faults:
        raise ProvisionError(
            f"The roster cannot be written as {target.format.title}: reading it back failed, so nothing was kept.",
            [*faults, "This is a fault of provision; please report it."],
        )
