"""What `provision match report` says: whose the accounts, classes and schools of a tenant are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from rich.table import Table

from provision.plan.matches import KINDS, WHATS, Entry, Matches, What
from provision.reports.draw import drawn, listing, paragraph
from provision.reports.page import Page
from provision.reports.spreadsheet import BOM, line
from provision.reports.wording import rule_meaning

TITLES: Mapping[What, str] = {
    "weak": "Weak: only the profile's key finds it, and it bears other names",
    "ambiguous": "Ambiguous: more than one fits (a line for each)",
    "claimed-twice": "Claimed twice: another one has as good a claim, or a better one",
    "other-anchor": "Found by the profile's key, but with another school id on it",
    "accepted-gone": "A recorded yes names what is not there",
    "accepted-anchor": "A recorded yes names what bears the id of another one of the roster",
    "new": "In the roster alone: would be made",
    "left-out": "In the roster alone: left out",
    "nobodys": "In Microsoft 365 alone: of a school, and nobody in the roster claims it",
    "idle": "A recorded yes of which the key is not in the roster, or not in scope",
    "key": "Matched by the profile's key",
    "accepted": "Matched by a recorded yes",
    "ledger": "Matched by what the ledger remembers",
    "anchor": "Matched by the school's id on it",
}
IN_DOUBT: tuple[What, ...] = WHATS[: WHATS.index("new")]
"""What is not written until somebody has said yes, or has mended the roster or the directory."""
CERTAIN: tuple[What, ...] = ("ledger", "anchor")
"""What no terminal lists: there is nothing to look at, and there may be very many."""
_KINDS = {"user": "persons", "section": "classes", "school": "schools"}


def render(found: Matches, page: Page) -> Iterator[str]:
    """For people: the counts, then `page.most` lines of each sort, but none of what is certain."""
    yield paragraph(page, f"Whose accounts, classes and schools are in {found.tenant}. Nothing was changed.", "bold")
    counts = Table(box=None, pad_edge=False)
    for kind in KINDS:
        counts.add_column(_KINDS[kind], justify="right")
    counts.add_column("")
    for what in WHATS:
        counts.add_row(*(f"{found.counts[what].get(kind, 0):,}" for kind in KINDS), TITLES[what])
    yield drawn(page, counts)
    for remark in remarks(found):
        yield paragraph(page, remark, "yellow")
    for what in WHATS:
        if what not in CERTAIN and found.total(what):
            rows = (_cells(what, entry) for entry in found.entries(what))
            how = "--all lists them, --report csv --out FILE writes them"
            yield from listing(page, TITLES[what], found.total(what), _heads(what), rows, how)


def _heads(what: What) -> tuple[str, ...]:
    there = ("in Microsoft 365", "object id")
    if what == "nobodys":
        return ("kind", *there, "school's id")
    known = ("key", "in the roster")
    if what in ("new", "left-out"):
        return (*known, "why" if what == "left-out" else "row")
    last = "school's id" if what.endswith("anchor") else "the other" if what == "claimed-twice" else "row"
    return (*known, *there, last)


_CELLS: Mapping[str, Callable[[Entry], str | None]] = {
    "kind": lambda entry: entry.kind,
    "key": lambda entry: entry.key,
    "in the roster": lambda entry: entry.name,
    "in Microsoft 365": lambda entry: " ".join(filter(None, (entry.title, entry.account and f"({entry.account})"))),
    "object id": lambda entry: entry.object_id,
    "school's id": lambda entry: entry.detail,
    "the other": lambda entry: entry.detail,
    "why": lambda entry: rule_meaning(entry.detail or "") or entry.detail,
    "row": lambda entry: f"{entry.file} row {entry.record}",
}


def _cells(what: What, entry: Entry) -> tuple[str, ...]:
    return tuple(_CELLS[head](entry) or "" for head in _heads(what))


def remarks(found: Matches) -> Iterator[str]:
    """What the lists do not say."""
    doubtful = sum(found.total(what) for what in IN_DOUBT)
    if doubtful:
        yield (
            f"{doubtful:,} {'line is' if doubtful == 1 else 'lines are'} in doubt, and none of them is written. Mend "
            "the roster or the directory, or say whose it is: "
            "`provision match accept KEY --object ID --by NAME --profile FILE`."
        )
    for domain, number in found.others.items():
        yield (
            f"Accounts of {domain} that nobody in the roster claims and that bear nothing of a school: {number:,} "
            "more, never touched and not listed."
        )
    if found.held:
        yield (
            f"{found.held:,} {'person is' if found.held == 1 else 'persons are'} held by a finding, and nothing is "
            "said of them here. `provision check` lists the records."
        )


def render_json(found: Matches, _page: Page) -> Iterator[str]:
    """The same as one JSON document with every line."""
    told = {"tenant": found.tenant, "counts": found.counts, "others": found.others, "held": found.held}
    yield json.dumps(told, ensure_ascii=False)[:-1] + ', "matches": ['
    before = "\n"
    for what in WHATS:
        for entry in found.entries(what):
            yield before + json.dumps({"what": what, **entry._asdict()}, ensure_ascii=False)
            before = ",\n"
    yield "]}\n"


def render_csv(found: Matches, _page: Page) -> Iterator[str]:
    """For a spreadsheet: every line a row. No cell is a formula."""
    yield BOM + line("what", *Entry._fields)
    for what in WHATS:
        for entry in found.entries(what):
            yield line(what, *entry)


RENDERERS: Mapping[str, Callable[[Matches, Page], Iterator[str]]] = {
    "console": render,
    "csv": render_csv,
    "json": render_json,
}
