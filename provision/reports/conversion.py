"""What `provision convert` says: what was written, and what became of the roster in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.roster.checked import counted, listed
from provision.reports.wording import printable
from provision.roster.conversion import Conversion, Difference
from provision.roster.summary import RosterSummary

SAYS = {"lost": "lost", "changed": "changed", "made": "filled in"}
MEANS = {
    "lost": "the target has no place for it",
    "changed": "the target can say it only in another way",
    "made": "the target needs it, and the roster does not say it",
}


def render(done: Conversion, read: RosterSummary, page: Page) -> Iterator[str]:
    """For people."""
    files = "1 file" if len(done.files) == 1 else f"{len(done.files)} files"
    records = counted(sum(done.files.values()), "record")
    yield paragraph(page, f"Wrote {done.out} as {done.target}: {files}, {records}.", "bold")
    yield "\n" + drawn(page, _files(done))
    missing, remarks = list(_missing(done, read)), list(_remarks(done))
    for line in missing + remarks:
        yield "\n" + paragraph(page, line)
    if done.differences:
        yield "\n" + paragraph(page, f"Read back, {done.target} gives the same roster but for this:")
        yield "\n" + drawn(page, _differences(done))
        yield "\n" + paragraph(page, "; ".join(f"{SAYS[what]}: {MEANS[what]}" for what in _kinds(done)) + ".")
    else:
        nothing = "Nothing more is lost" if missing else "Nothing is lost"
        yield "\n" + paragraph(page, f"{nothing}: read back, {done.target} gives the same roster.", "green")


def render_json(done: Conversion, read: RosterSummary, _page: Page) -> Iterator[str]:
    """The same as one JSON document."""
    told = {
        "out": str(done.out),
        "target": done.target,
        "files": dict(done.files),
        "differences": [{**asdict(one), "instead": _instead(done, one)} for one in done.differences],
        "texts_kept_from_being_formulas": done.formulas,
        "passwords_left_out": done.left_passwords,
        "left_out": read.held,
        "references_left_out": dict(done.forgotten),
        "may_be_refused": dict(done.doubts),
        "findings": [asdict(rule) for rule in read.rules],
    }
    yield json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _missing(done: Conversion, read: RosterSummary) -> Iterator[str]:
    """What was gone from the roster before it was converted, and so is not in what it is compared with."""
    if read.held:
        yield f"Left out, because of errors or because they are not active: {listed(read.held)}."
    if done.forgotten:
        references = ", ".join(f"{place} ({count:,})" for place, count in done.forgotten.items())
        yield f"Left out with them, because they refer to them: {references}."
    if faults := [rule for rule in read.rules if rule.severity != "note"]:
        rules = ", ".join(f"{rule.rule} ({rule.count:,})" for rule in faults)
        yield f"What these findings speak of may be missing: {rules}. `provision check` lists them."
    if done.left_passwords:
        yield "Left out: passwords, which are written only with --with-passwords."


def _remarks(done: Conversion) -> Iterator[str]:
    """What is worth knowing of that which was written."""
    if done.formulas == 1:
        yield "1 text that a spreadsheet would run as a formula has a blank before it."
    elif done.formulas:
        yield f"{done.formulas:,} texts that a spreadsheet would run as formulas have a blank before them."
    for said, count in done.doubts.items():
        if count:
            yield f"{said}: {count:,}."


def _files(done: Conversion) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("file")
    table.add_column("records", justify="right")
    for name, records in done.files.items():
        table.add_row(Text(name), f"{records:,}")
    return table


def _differences(done: Conversion) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for head in ("", "of the roster", "how many", "first", "instead"):
        table.add_column(head, justify="right" if head == "how many" else "left", overflow="fold")
    for one in done.differences:
        where = f"{one.file} row {one.record}" if one.file else ""
        of = one.table if one.column is None else f"{one.table}.{one.column}"
        how_many = f"{one.count:,} of {one.of:,}"
        table.add_row(SAYS[one.what], of, how_many, Text(printable(where)), Text(_instead(done, one)))
    return table


def _instead(done: Conversion, one: Difference) -> str:
    """What stands there now."""
    of = one.table if one.column is None else f"{one.table}.{one.column}"
    return done.made.get(of, "") if one.what == "made" else ", ".join(one.how)


def _kinds(done: Conversion) -> list[str]:
    there = {one.what for one in done.differences}
    return [what for what in SAYS if what in there]
