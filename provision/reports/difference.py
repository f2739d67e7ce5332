"""What `provision diff` says: what one plan has that another has not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from rich.text import Text

from provision.plan.difference import STATES, Difference, Pair, State
from provision.plan.planfile import Line
from provision.reports.console import ACTION_STYLES
from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.wording import cause_text, change_text, printable

SAYS: Mapping[State, str] = {"new": "new", "gone": "gone", "otherwise": "planned otherwise"}
MEANS: Mapping[State, str] = {
    "new": "only the newer plan has them",
    "gone": "only the older plan had them: done since, or no longer wanted",
    "otherwise": "both plans have them, with other values",
}


def render(found: Difference, page: Page) -> Iterator[str]:
    """For people: the changes by state, `page.most` of each spelled out, then the notes."""
    yield paragraph(page, summary(found), "bold")
    for line in _facts(found):
        yield drawn(page, Text(f"  {printable(line)}"))
    for state in STATES:
        yield from _part(page, f"{SAYS[state].capitalize()}: {MEANS[state]}", found.counts[state], found.changes(state))
    for state in STATES:
        yield from _part(page, f"Not done on purpose, {SAYS[state]}", found.notes[state], found.noted(state))


def render_json(found: Difference, _page: Page) -> Iterator[str]:
    """The same as one JSON document, a line at a time."""
    told = {
        "older": found.older.header["digest"],
        "newer": found.newer.header["digest"],
        "other_profile": found.other_profile,
        "other_files": list(found.other_files),
    }
    yield json.dumps(told, ensure_ascii=False)[:-1]
    for of, lines in (("changes", found.changes), ("notes", found.noted)):
        yield f', "{of}": ['
        first = True
        for state in STATES:
            for older, newer in lines(state):
                line = json.dumps({"state": state, "older": older, "newer": newer}, ensure_ascii=False)
                yield ("" if first else ",") + "\n" + line
                first = False
        yield "]"
    yield "}\n"


def summary(found: Difference) -> str:
    """The difference in one sentence."""
    if not any(found.counts.values()) and not any(found.notes.values()):
        return "Both plans say the same."
    told = [f"{found.counts[state]:,} {SAYS[state]}" for state in STATES]
    return f"Changes: {', '.join(told)}."


def _facts(found: Difference) -> Iterator[str]:
    for name, plan in (("Older", found.older), ("Newer", found.newer)):
        yield f"{name}: {plan.path}, planned {plan.header['created_at']}"
    if found.other_profile:
        yield "The profile says something else now."
    if found.other_files:
        yield f"Other roster files: {', '.join(found.other_files)}"


def _part(page: Page, title: str, number: int, pairs: Iterator[Pair]) -> Iterator[str]:
    if not number:
        return
    yield "\n" + paragraph(page, f"{title} ({number:,})", "bold")
    for shown, pair in enumerate(pairs):
        if page.most is not None and shown == page.most:
            yield drawn(page, Text(f"  … and {number - shown:,} more; --all lists them", "dim"))
            return
        yield drawn(page, _line(*pair))


def _line(older: Line | None, newer: Line | None) -> Text:
    line = newer or older or {}
    action = str(line["action"] or line["what"])
    text = Text("  ").append(f"{action:<10}", ACTION_STYLES.get(action, "")).append(printable(str(line["key"])))
    if line["action"] in ("create", "update"):
        text.append(f"  {change_text(line)}")
    if older and newer:
        text.append(f"  was: {change_text(older)}", "dim")
    return text.append(f"  ({cause_text(line['cause'])})", "dim")
