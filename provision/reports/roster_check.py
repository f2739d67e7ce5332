"""What `provision check` says: what the roster holds, and every fault with its mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from provision.reports.page import Page
from provision.reports.wording import printable
from provision.roster.summary import Finding, findings, summary
from provision.store import Store


def render(store: Store, format_name: str, page: Page) -> Iterator[str]:
    """For people: counts, findings by rule, then the findings themselves, gravest first."""
    told = summary(store)
    entities = ", ".join(f"{number:,} {entity}" for entity, number in told.entities.items() if number)
    errors, warnings = told.count("error"), told.count("warning")
    yield f"{format_name}: {entities or 'no records'}.\n"
    yield f"{errors:,} errors, {warnings:,} warnings, {told.count('note'):,} notes.\n"
    for each in told.rules:
        yield f"  {each.severity:<8} {each.count:>8,}  {each.rule}\n"
    shown = 0
    for finding in findings(store, page.most):
        yield ("\n" if not shown else "") + _line(finding)
        shown += 1
    rest = sum(each.count for each in told.rules) - shown
    if rest > 0:
        yield f"… and {rest:,} more; --json lists them all.\n"
    if told.held:
        held = ", ".join(f"{number:,} {kind}" for kind, number in told.held.items())
        yield f"\nHeld, so that nothing is done to them until the records are mended: {held}.\n"
    elif not errors:
        yield "\nThe roster can be planned with.\n"


def render_json(store: Store, format_name: str, page: Page) -> Iterator[str]:
    """One JSON document with every finding."""
    told = summary(store)
    head = {"format": format_name, "entities": told.entities, "files": told.files, "held": told.held,
            "rules": [asdict(each) for each in told.rules]}  # fmt: skip
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "findings": ['
    for number, finding in enumerate(findings(store, page.most)):
        yield ("," if number else "") + "\n" + json.dumps(asdict(finding), ensure_ascii=False)
    yield "]}\n"


def _line(finding: Finding) -> str:
    place = finding.file + (f" row {finding.record}" if finding.record else "")
    column = f", {finding.field}" if finding.field else ""
    value = f" ({printable(repr(finding.value))})" if finding.value is not None else ""
    return f"{finding.severity:<8} {place}{column}{value}: {printable(finding.message)} {finding.mend}\n"
