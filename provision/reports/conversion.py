"""What `provision convert` says: what was written, and what became of the roster in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
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
    records = sum(done.files.values())
    yield paragraph(page, f"Wrote {done.out} as {done.target}: {len(done.files)} files, {records:,} records.", "bold")
    yield "\n" + drawn(page, _files(done))
    for line in _remarks(done, read):
        yield "\n" + paragraph(page, line)
    if done.differences:
        yield "\n" + paragraph(page, f"Read back, {done.target} gives the same roster but for this:")
        yield "\n" + drawn(page, _differences(done))
        yield "\n" + paragraph(page, "; ".join(f"{SAYS[what]}: {MEANS[what]}" for what in _kinds(done)) + ".")
    else:
        yield "\n" + paragraph(page, f"Nothing is lost: read back, {done.target} gives the same roster.", "green")


def render_json(done: Conversion, read: RosterSummary, _page: Page) -> Iterator[str]:
    """The same as one JSON document."""
    told = {
        "out": str(done.out),
        "target": done.target,
        "files": dict(done.files),
        "differences": [{**asdict(one), "instead": _instead(done, one)} for one in done.differences],
        "texts_kept_from_being_formulas": done.formulas,
        "left_out": read.held,
        "findings": [asdict(rule) for rule in read.rules],
    }
    yield json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _remarks(done: Conversion, read: RosterSummary) -> Iterator[str]:
    """What was said of the roster itself before it was converted."""
    if read.held:
        held = ", ".join(f"{number:,} {kind}" for kind, number in read.held.items())
        yield f"Left out, because of errors or because they are not active: {held}."
    if faults := [rule for rule in read.rules if rule.severity != "note"]:
        rules = ", ".join(f"{rule.rule} ({rule.count:,})" for rule in faults)
        yield f"What these findings speak of may be missing: {rules}. `provision check` lists them."
    if done.formulas:
        yield f"{done.formulas:,} texts that a spreadsheet would run as formulas have a blank before them."


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
