"""A checked roster as one HTML page, to be read, printed and sent to whoever mends the records.

The page holds everything: no script, no font, no image, nothing that is fetched. A rule of its own forbids the
browser all of these, should a value ever slip through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from provision.reports.page import Page
from provision.reports.roster.checked import (
    Checked,
    counted,
    ready_line,
    rule_means,
    severity_means,
    summary_lines,
    unjudged_line,
    verdict_line,
    verdict_state,
)
from provision.reports.wording import printable
from provision.roster.readiness import Readiness, Verdict, failures
from provision.roster.summary import Finding, RuleCount, findings

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
caption { text-align: left; padding: .25rem 0; }
th, td { border: 1px solid #767676; padding: .25rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
.value { white-space: pre-wrap; font-family: ui-monospace, monospace; }
section { margin-top: 2.5rem; }
@media print {
  body { max-width: none; margin: 0; font-size: 9pt; }
  a { color: inherit; text-decoration: none; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(checked: Checked, page: Page) -> Iterator[str]:
    """Summary, one section per rule with all its findings, one per product with its needs and all who fail them."""
    del page  # a page of paper is not a terminal
    title = f"Roster check: {checked.roster}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{_text(title)}</h1>\n"
    )
    yield from (f"<p>{_text(line)}</p>\n" for line in summary_lines(checked))
    yield from (f"<p>{_text(ready_line(answer))}</p>\n" for answer in checked.readiness)
    rules = checked.told.rules
    if rules:
        yield "<h2>What was found</h2>\n"
        yield from _table("Findings by rule, gravest first", _RULE_HEADS, map(_rule_cells, rules))
    for rule in rules:
        yield from _rule(checked, rule)
    for answer in checked.readiness:
        yield from _answer(checked, answer)
    yield "</main>\n</body>\n</html>\n"


def _rule(checked: Checked, rule: RuleCount) -> Iterator[str]:
    meaning, mend = rule_means(rule)
    yield f'<section id="{_anchor(rule)}">\n<h2>{_text(rule.rule)}: {counted(rule.count, rule.severity)}</h2>\n'
    yield f"<p>{_text(meaning)}</p>\n<p><strong>What to do:</strong> {_text(mend)}</p>\n"
    found = findings(checked.store, only=rule)
    yield from _table(f"{rule.rule}, by file and row", _FIND_HEADS, map(_find_cells, found))
    yield "</section>\n"


def _answer(checked: Checked, answer: Readiness) -> Iterator[str]:
    name = answer.product.name
    yield f'<section id="{name}">\n<h2>{_text(answer.product.title)}</h2>\n<p>{_text(ready_line(answer))}</p>\n'
    if left_out := unjudged_line(checked, answer):
        yield f"<p>{_text(left_out)}</p>\n"
    yield from _table(f"What {answer.product.title} needs", _NEED_HEADS, map(_need_cells, answer.verdicts))
    for verdict in answer.verdicts:
        if verdict.failed:
            need = verdict.need
            yield f'<section id="{need.id}">\n<h3>{need.id}: {verdict.failed:,} fail</h3>\n'
            yield f"<p>{_text(need.asks)}</p>\n<p><strong>What to do:</strong> {_text(need.mend)}</p>\n"
            failing = failures(checked.store, need)
            yield from _table(f"{need.id}, by file and row", _FAIL_HEADS, map(_fail_cells, failing))
            yield "</section>\n"
    yield "</section>\n"


_RULE_HEADS = ("Number", "Severity", "Rule", "What it means")
_FIND_HEADS = ("File", "Row", "Column", "Value", "What is wrong")
_NEED_HEADS = ("Result", "Severity", "What is needed", "True of", "Fail", "Source")
_FAIL_HEADS = ("File", "Row", "Id", "What is wrong")


def _rule_cells(rule: RuleCount) -> str:
    meaning, _ = rule_means(rule)
    link = f'<a href="#{_anchor(rule)}">{_text(rule.rule)}</a>'
    severity = f"{rule.severity}: {severity_means(rule.severity)}"
    return _number(rule.count) + _cell(severity) + f"<td>{link}</td>" + _cell(meaning)


def _find_cells(finding: Finding) -> str:
    return _cell(finding.file) + _row(finding) + _cell(finding.field) + _value(finding.value) + _cell(finding.message)


def _need_cells(verdict: Verdict) -> str:
    need = verdict.need
    state = verdict_state(verdict)
    result = f'<td><a href="#{need.id}">{state}</a></td>' if verdict.failed else _cell(state)
    return (result + _cell(need.severity) + _cell(need.asks) + _cell(verdict_line(verdict)) + _number(verdict.failed)
            + _cell(need.source))  # fmt: skip


def _fail_cells(finding: Finding) -> str:
    return _cell(finding.file) + _row(finding) + _value(finding.value) + _cell(finding.message)


def _table(caption: str, heads: Iterable[str], rows: Iterable[str]) -> Iterator[str]:
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield f"<table>\n<caption>{_text(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n"
    yield from (f"<tr>{row}</tr>\n" for row in rows)
    yield "</tbody>\n</table>\n"


def _anchor(rule: RuleCount) -> str:
    return f"{rule.rule}-{rule.severity}"


def _cell(text: str | None) -> str:
    return f"<td>{_text(text or '')}</td>"


def _number(number: int) -> str:
    return f'<td class="number">{number:,}</td>'


def _row(finding: Finding) -> str:
    return f'<td class="number">{finding.record or ""}</td>'


def _value(value: str | None) -> str:
    return f'<td class="value"><bdi>{_text(value or "")}</bdi></td>'


def _text(text: str) -> str:
    """Text that stays text: no tag, no attribute, no control character, whatever a roster holds."""
    return escape(printable(text))
