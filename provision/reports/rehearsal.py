"""How a rehearsal went, for a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import ceil

from rich.text import Text

from provision.plan.rehearsal import Rehearsal
from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.wording import duration, printable


def render(found: Rehearsal, page: Page) -> Iterator[str]:
    """What it took and what came of it, then `page.most` of the changes that were not done."""
    header, sent = found.plan.header, found.requests()
    changes = sum(found.results.values())
    tenant = header["tenant"]
    yield drawn(page, Text(f"Rehearsed on a copy of {printable(str(tenant['name']))} ({tenant['id']}).", "bold"))
    facts = {
        "Plan": f"{changes:,} changes ({header['digest'][:12]})",
        "Time": f"{duration(ceil(found.seconds))}, if each call takes {found.answer_seconds:g} s",
        "Estimate": f"{duration(header['estimate']['seconds_at_quota'])} for Graph's quotas alone",
        "Requests": f"{sent['reads'] + sent['writes']:,} ({sent['reads']:,} reads, {sent['writes']:,} writes)",
        "Throttled": f"{sent['throttled_writes']:,} writes, {sent['throttled_reads']:,} reads (429)",
        "Faults": f"{sent['failed']:,} failures (5xx), {sent['lost']:,} answers to writes lost; "
        f"{100 * found.faults:g} % of each, seed {found.seed}",
        "Results": ", ".join(f"{number:,} {status}" for status, number in sorted(found.results.items()))
        or "nothing to do",
    }
    yield from (drawn(page, Text(f"  {label:<9} {text}")) for label, text in facts.items())
    yield from _not_done(found, page)
    for sentence in found.hindrances:
        yield "\n" + paragraph(page, sentence, "yellow")


def _not_done(found: Rehearsal, page: Page) -> Iterator[str]:
    number = 0
    for id_, status, reason in found.not_done():
        if not number:
            yield drawn(page, Text("\nNot done", "bold"))
        number += 1
        if page.most is None or number <= page.most:
            yield drawn(page, Text(f"  {status:<8}{printable(id_)}: {printable(reason)}"))
    if page.most is not None and number > page.most:
        yield drawn(page, Text(f"  … and {number - page.most:,} more; --all or --results FILE.jsonl has them", "dim"))


def render_json(found: Rehearsal, page: Page) -> Iterator[str]:
    """One document; every change that was not done, a line each."""
    del page  # a document for machines is the same everywhere
    header = found.plan.header
    head = {
        "plan": {"digest": header["digest"], "created_at": header["created_at"]},
        "tenant": header["tenant"],
        "faults": found.faults,
        "seed": found.seed,
        "answer_seconds": found.answer_seconds,
        "seconds": round(found.seconds, 3),
        "seconds_at_quota": header["estimate"]["seconds_at_quota"],
        "requests": found.requests(),
        "results": found.results,
        "hindrances": list(found.hindrances),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "not_done": ['
    for number, (id_, status, reason) in enumerate(found.not_done()):
        line = json.dumps({"id": id_, "status": status, "error": reason}, ensure_ascii=False)
        yield ("," if number else "") + "\n" + line
    yield "]}\n"
