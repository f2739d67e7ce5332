"""The plan for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from provision.plan.planfile import Line, PlanFile
from provision.reports.draw import drawn
from provision.reports.page import Page
from provision.reports.wording import (
    NOTE_MEANINGS,
    cause_text,
    change_text,
    facts,
    guard_lines,
    license_lines,
    printable,
    rule_lines,
    summary_line,
)

STATE_STYLES = {"passed": "green", "silent": "dim", "overridden": "yellow", "tripped": "bold red"}
ACTION_STYLES = {"create": "green", "add": "green", "update": "yellow", "remove": "bold red"}


def render(plan: PlanFile, page: Page) -> Iterator[str]:
    """Summary, removals, guards, schools, then changes and notes; `page.most` of each kind are spelled out."""
    header = plan.header
    yield drawn(page, Text(summary_line(header), "bold"))
    yield from (drawn(page, Text(f"  {label:<8} {text}")) for label, text in facts(header))
    removed = sum(actions.get("remove", 0) for actions in header["counts"].values())
    if removed:
        yield drawn(page, Text(f"\n{removed:,} removals", "bold red"))
        yield from _changes(plan, page, removals=True)
    yield drawn(page, Text("\nGuards", "bold"))
    yield from (drawn(page, Text(f"  {state:<10} {text}", STATE_STYLES[state])) for state, text in guard_lines(header))
    if header["licenses"]:
        yield drawn(page, Text("\nLicences", "bold"))
        yield from (drawn(page, Text(f"  {line}")) for line in license_lines(header))
    if header["schools"]:
        yield _schools(plan, page)
    if any(action != "remove" for actions in header["counts"].values() for action in actions):
        yield drawn(page, Text("\nChanges", "bold"))
        yield from _changes(plan, page, removals=False)
    yield from _notes(plan, page)
    if header["rules"]:
        yield drawn(page, Text("\nWhy", "bold"))
        yield from (drawn(page, Text(f"  {line}")) for line in rule_lines(header))


def _changes(plan: PlanFile, page: Page, *, removals: bool) -> Iterator[str]:
    group: tuple[str, str] | None = None
    shown = 0
    for change in plan.changes():
        if (change["action"] == "remove") != removals:
            continue
        if (change["kind"], change["action"]) != group:
            yield from _more(page, shown)
            group, shown = (change["kind"], change["action"]), 0
        shown += 1
        if page.most is None or shown <= page.most:
            yield drawn(page, _line(change))
    yield from _more(page, shown)


def _line(change: Line) -> Text:
    line = Text("  ")
    line.append(f"{change['action']:<7}", ACTION_STYLES[change["action"]])
    line.append(printable(change["key"]))
    detail = change_text(change)
    if change["action"] in ("create", "update") and detail:
        line.append(f"  {detail}")
    return line.append(f"  ({cause_text(change['cause'])})", "dim")


def _notes(plan: PlanFile, page: Page) -> Iterator[str]:
    what = None
    shown = 0
    for note in plan.notes():
        if note["what"] != what:
            yield from _more(page, shown)
            what, shown = note["what"], 0
            yield drawn(page, Text(f"\n{plan.header['notes'][what]:,} {NOTE_MEANINGS[what]}", "bold"))
        shown += 1
        if page.most is None or shown <= page.most:
            yield drawn(page, Text(f"  {printable(note['key'])}  ").append(f"({cause_text(note['cause'])})", "dim"))
    yield from _more(page, shown)


def _more(page: Page, shown: int) -> Iterator[str]:
    if page.most is not None and shown > page.most:
        yield drawn(page, Text(f"  … and {shown - page.most:,} more; `provision show PLAN --all` lists them", "dim"))


def _schools(plan: PlanFile, page: Page) -> str:
    table = Table("School", box=None, padding=(0, 2))
    for name in ACTION_STYLES:
        table.add_column(name, justify="right")
    for school in plan.header["schools"]:
        numbers = [f"{school[name]:,}" for name in ACTION_STYLES]
        table.add_row(Text(printable(school["name"] or school["key"])), *numbers)
    return "\n" + drawn(page, table)
