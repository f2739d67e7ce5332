"""What `provision stale` says: what is left of whom and what the roster no longer has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from rich.table import Table

from provision.plan.stale import WHATS, Entry, Stale, What
from provision.reports.draw import drawn, listing, paragraph
from provision.reports.page import Page
from provision.reports.spreadsheet import BOM, line

TITLES: Mapping[What, str] = {
    "accounts": "Accounts of persons whom the roster no longer mentions",
    "licenses": "Licences of this profile on those accounts",
    "sections": "Classes that the roster no longer mentions",
    "schools": "Schools that the roster no longer mentions, and their groups",
    "ownerless": "Classes without an owner",
    "by_hand": "Owners and members of classes, added by hand",
}
OWNERS = {
    "planned": "the plan adds one",
    "held": "the roster may name one who is held or has no account",
    "nobody": "the roster names none",
}
HEADS: Mapping[What, tuple[str, ...]] = {
    "accounts": ("key", "sign-in name", "display name", "last run with it"),
    "licenses": ("key", "sign-in name", "display name", "last run with it"),
    "sections": ("key", "alias", "display name", "last run with it"),
    "schools": ("key", "alias", "display name", "last run with it"),
    "ownerless": ("key", "alias", "display name", "owner"),
    "by_hand": ("key", "sign-in name", "display name", "class"),
}


def render(found: Stale, page: Page) -> Iterator[str]:
    """For people: the counts, what is in doubt, then `page.most` entries of each sort."""
    yield paragraph(page, f"What the roster no longer mentions, in {found.tenant}. Nothing was changed.", "bold")
    counts = Table(box=None, show_header=False, pad_edge=False)
    counts.add_column(justify="right")
    counts.add_column()
    for what in WHATS:
        counts.add_row(f"{found.counts[what]:,}", TITLES[what])
    yield drawn(page, counts)
    for doubt in doubts(found):
        yield paragraph(page, doubt, "yellow")
    for what in WHATS:
        if found.counts[what]:
            rows = (_cells(what, entry) for entry in found.entries(what))
            how = "--all lists them, --csv FILE writes a spreadsheet"
            yield from listing(page, TITLES[what], found.counts[what], HEADS[what], rows, how)


def _cells(what: What, entry: Entry) -> tuple[str, ...]:
    last = {"ownerless": OWNERS.get(entry.detail or ""), "by_hand": entry.detail}.get(what, entry.last)
    return entry.key, entry.name or "", entry.title or "", last or ""


def render_json(found: Stale) -> Iterator[str]:
    """The same as one JSON document, an entry a line."""
    told = {"tenant": found.tenant, "counts": found.counts, "unjudged": found.unjudged, "doubts": list(doubts(found))}
    yield json.dumps(told, ensure_ascii=False)[:-1] + ', "stale": ['
    before = "\n"
    for what in WHATS:
        for entry in found.entries(what):
            yield before + json.dumps({"what": what, **entry._asdict()}, ensure_ascii=False)
            before = ",\n"
    yield "]}\n"


def render_csv(found: Stale) -> Iterator[str]:
    """For a spreadsheet: an entry a row. No cell is a formula."""
    yield BOM + line("what", *Entry._fields)
    for what in WHATS:
        for entry in found.entries(what):
            yield line(what, *entry)


def doubts(found: Stale) -> Iterator[str]:
    """Why the numbers may not be the whole truth."""
    if found.first_run:
        yield (
            "No plan has been applied with this profile and state folder: nothing is known to have been in the roster, "
            "and whoever is in a class counts as added by hand."
        )
    for verdict in found.doubts:
        worst = verdict.measures[0]
        yield (
            f"The guard {verdict.guard} doubts this roster ({worst.what}: {worst.count:,} of {worst.base:,}): look at "
            "it before you take anybody for gone."
        )
    for what, number in found.unjudged.items():
        if number:
            yield (
                f"{TITLES[what]}: {number:,} more may be gone. A record that cannot be read may speak of them, or the "
                "roster names persons in another way than before. `provision check` lists the records."
            )
