"""A checked roster for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.roster.checked import (
    Checked,
    ready_line,
    rule_means,
    summary_lines,
    unjudged_line,
    verdict_line,
    verdict_state,
)
from provision.reports.wording import printable
from provision.roster.readiness import Readiness, Verdict, failures
from provision.roster.summary import Finding, RuleCount, findings

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim", "must": "bold red", "should": "yellow"}


def render(checked: Checked, page: Page) -> Iterator[str]:
    """Summary, counts by rule, then `page.most` findings of each rule; then the same for each product."""
    for number, line in enumerate(summary_lines(checked)):
        yield paragraph(page, line, "bold" if number == 0 else "")
    if checked.told.rules:
        yield "\n" + drawn(page, _rules(checked.told.rules))
    for rule in checked.told.rules:
        yield from _findings(checked, page, rule)
    for answer in checked.readiness:
        yield from _answer(checked, page, answer)


def _rules(rules: Iterable[RuleCount]) -> Table:
    table = _table("Found", ("count", "right"), "severity", "rule", "what it means")
    for each in rules:
        meaning, _ = rule_means(each)
        table.add_row(f"{each.count:,}", Text(each.severity, STYLES[each.severity]), each.rule, Text(meaning))
    return table


def _findings(checked: Checked, page: Page, rule: RuleCount) -> Iterator[str]:
    _, mend = rule_means(rule)
    yield "\n" + drawn(page, Text(f"{rule.severity} {rule.rule}: {rule.count:,}", STYLES[rule.severity]))
    yield paragraph(page, mend)
    yield drawn(page, _finds(findings(checked.store, page.most, rule)))
    yield from _more(page, rule.count)


def _answer(checked: Checked, page: Page, answer: Readiness) -> Iterator[str]:
    yield "\n" + paragraph(page, ready_line(answer), "bold green" if answer.ready else "bold red")
    if left_out := unjudged_line(checked, answer):
        yield paragraph(page, left_out)
    yield "\n" + drawn(page, _verdicts(answer.verdicts))
    for verdict in answer.verdicts:
        if verdict.failed:
            need = verdict.need
            yield "\n" + drawn(page, Text(f"{need.severity} {need.id}: {verdict.failed:,}", STYLES[need.severity]))
            yield paragraph(page, need.mend)
            yield drawn(page, _finds(failures(checked.store, need, page.most)))
            yield from _more(page, verdict.failed)


def _verdicts(verdicts: Iterable[Verdict]) -> Table:
    table = _table("Needs", "", "severity", "what is needed", "true of", ("fail", "right"))
    for each in verdicts:
        style = STYLES[each.need.severity] if each.failed else "green" if each.judged else "dim"
        state = Text(verdict_state(each), style)
        table.add_row(state, each.need.severity, Text(each.need.asks), verdict_line(each), f"{each.failed:,}")
    return table


def _finds(found: Iterator[Finding]) -> Table:
    """The few that are shown; columns in which nothing stands are left out."""
    rows = [(each.file, str(each.record or ""), each.field or "", each.value or "", each.message) for each in found]
    heads = [("file", "left"), ("row", "right"), ("column", "left"), ("value", "left"), ("what is wrong", "left")]
    used = [place for place, _ in enumerate(heads) if any(row[place] for row in rows)]
    table = _table("", *(heads[place] for place in used))
    for row in rows:
        table.add_row(*(Text(printable(row[place])) for place in used))
    return table


def _table(title: str, *heads: str | tuple[str, str]) -> Table:
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for head in heads:
        name, justify = (head, "left") if isinstance(head, str) else head
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _more(page: Page, number: int) -> Iterator[str]:
    if page.most is not None and number > page.most:
        yield drawn(page, Text(f"… and {number - page.most:,} more; --report csv or html lists them all", "dim"))
