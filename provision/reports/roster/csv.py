"""A checked roster as CSV, for a spreadsheet: one row per finding, and per thing that a product needs otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from provision.reports.page import Page
from provision.reports.roster.checked import Checked, ready_line, unjudged_line, verdict_line
from provision.reports.spreadsheet import BOM, line
from provision.roster.readiness import failures
from provision.roster.summary import Finding, findings

COLUMNS = ("rule", "severity", "file", "record", "column", "value", "message", "mend")


def render(checked: Checked, page: Page) -> Iterator[str]:
    """The findings, gravest first; then a row for each product, and for each of its needs a row with the numbers and
    a row per failure.

    No cell is a formula, and none has a control character.
    """
    del page  # a document for machines is the same everywhere
    yield BOM + line(*COLUMNS)
    yield from map(_row, findings(checked.store))
    for answer in checked.readiness:
        verdict_on_all = f"{ready_line(answer)} {unjudged_line(checked, answer)}".strip()
        yield line(answer.product.name, None, None, None, None, None, verdict_on_all, None)
        for verdict in answer.verdicts:
            need = verdict.need
            numbers = f"{need.asks} True of {verdict_line(verdict)}."
            yield line(need.id, need.severity, None, None, None, None, numbers, None)
            yield from map(_row, failures(checked.store, need))


def _row(finding: Finding) -> str:
    return line(finding.rule, finding.severity, finding.file, finding.record, finding.field, finding.value,
                 finding.message, finding.mend)  # fmt: skip
