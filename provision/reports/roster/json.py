"""A checked roster as one JSON document, with every finding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from provision.reports.page import Page
from provision.reports.roster.checked import Checked
from provision.roster.readiness import Readiness, Verdict, failures
from provision.roster.summary import findings


def render(checked: Checked, page: Page) -> Iterator[str]:
    """`{"format", "summary", …, "rules": […], "findings": […], "readiness": […]}`, a finding at a time."""
    del page  # a document for machines is the same everywhere
    told = checked.told
    head = {"roster": checked.roster, "format": checked.format, "summary": told.people, "unusable": told.unusable,
            "entities": told.entities, "files": told.files, "held": told.held,
            "rules": [asdict(each) for each in told.rules]}  # fmt: skip
    yield _open(head, "findings")
    yield from _array(_dumped(asdict(each)) for each in findings(checked.store))
    yield ', "readiness": ['
    for number, answer in enumerate(checked.readiness):
        yield ("," if number else "") + "\n"
        yield from _answer(checked, answer)
    yield "]}\n"


def _answer(checked: Checked, answer: Readiness) -> Iterator[str]:
    head = {"product": answer.product.name, "ready": answer.ready, "state": answer.state,
            "left_out": answer.left_out}  # fmt: skip
    yield _open(head, "needs")
    for number, verdict in enumerate(answer.verdicts):
        yield ("," if number else "") + "\n"
        yield from _verdict(checked, verdict)
    yield "]}"


def _verdict(checked: Checked, verdict: Verdict) -> Iterator[str]:
    need = verdict.need
    head = {"need": need.id, "severity": need.severity, "asks": need.asks, "things": need.things,
            "passed": verdict.passed, "failed": verdict.failed, "mend": need.mend, "source": need.source}  # fmt: skip
    yield _open(head, "failures")
    yield from _array(
        _dumped({"file": each.file or None, "record": each.record, "id": each.value, "message": each.message})
        for each in failures(checked.store, need)
    )
    yield "}"


def _open(head: dict[str, object], array: str) -> str:
    """An object with these values, up to the array that ends it."""
    return _dumped(head)[:-1] + f', "{array}": ['


def _dumped(value: dict[str, object]) -> str:
    """JSON in which letters stand as they are and control characters are escaped, all of them."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(s if s.isprintable() else json.dumps(s)[1:-1] for s in text)


def _array(items: Iterable[str]) -> Iterator[str]:
    for number, item in enumerate(items):
        yield ("," if number else "") + "\n" + item
    yield "]"
