"""The plan as Markdown, to be attached to a change ticket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.plan.planfile import Line, PlanFile
from provision.reports.page import Page
from provision.reports.wording import (
    NOTE_MEANINGS,
    cause_text,
    change_text,
    facts,
    guard_lines,
    license_lines,
    rule_lines,
    summary_line,
)


def render(plan: PlanFile, page: Page) -> Iterator[str]:
    """Summary, removals, guards, schools, then every change and note with its cause."""
    header = plan.header
    yield f"# {summary_line(header)}\n\n"
    yield from (f"- **{label}:** {_cell(text)}\n" for label, text in facts(header))
    yield "\n## Removals\n\n"
    yield from _table(_changes(plan, page, removals=True), "None: nobody loses access.")
    yield "\n## Guards\n\n"
    yield from (f"- **{state}** {_cell(text)}\n" for state, text in guard_lines(header))
    if header["licenses"]:
        yield "\n## Licences\n\n"
        yield from (f"- {_cell(line)}\n" for line in license_lines(header))
    yield "\n## Schools\n\n| School | create | update | add | remove |\n|---|---:|---:|---:|---:|\n"
    for school in header["schools"]:
        numbers = " | ".join(f"{school[action]:,}" for action in ("create", "update", "add", "remove"))
        yield f"| {_cell(school['name'] or school['key'])} | {numbers} |\n"
    yield "\n## Changes\n\n"
    yield from _table(_changes(plan, page, removals=False), "None.")
    yield "\n## Not done, on purpose\n\n"
    yield from _notes(plan, page)
    yield "\n## Why\n\n"
    yield from (f"- {_cell(line)}\n" for line in rule_lines(header))


def _changes(plan: PlanFile, page: Page, *, removals: bool) -> Iterator[Line]:
    chosen = (change for change in plan.changes() if (change["action"] == "remove") == removals)
    for number, change in enumerate(chosen):
        if page.most is None or number < page.most:
            yield change


def _table(changes: Iterable[Line], nothing: str) -> Iterator[str]:
    first = True
    for change in changes:
        if first:
            yield "| Action | Object | What | Why |\n|---|---|---|---|\n"
            first = False
        yield (
            f"| {change['action']} | {_cell(change['key'])} | {_cell(change_text(change))} "
            f"| {_cell(cause_text(change['cause']))} |\n"
        )
    if first:
        yield nothing + "\n"


def _notes(plan: PlanFile, page: Page) -> Iterator[str]:
    what = None
    shown = 0
    for note in plan.notes():
        if note["what"] != what:
            what, shown = note["what"], 0
            yield f"\n**{plan.header['notes'][what]:,} {NOTE_MEANINGS[what]}**\n\n"
        shown += 1
        if page.most is None or shown <= page.most:
            yield f"- {_cell(note['key'])}: {_cell(cause_text(note['cause']))}\n"
    if what is None:
        yield "Nothing was left out.\n"


def _cell(text: object) -> str:
    """Text that stays text: no table break, no markup, no link, whatever a roster holds."""
    escaped = str(text).replace("\\", "\\\\").replace("\r", " ").replace("\n", " ")
    for sign in "|<>[]*_`":
        escaped = escaped.replace(sign, "\\" + sign if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return escaped
