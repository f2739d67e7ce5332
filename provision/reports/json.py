"""The plan as one JSON document, for machines that do not read JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from provision.plan.planfile import PlanFile
from provision.reports.page import Page


def render(plan: PlanFile, page: Page) -> Iterator[str]:
    """`{"plan": header, "changes": [...], "notes": [...]}`, a line of the plan at a time."""
    del page  # a document for machines is the same everywhere
    yield '{"plan": ' + json.dumps(plan.header, ensure_ascii=False)
    for name, lines in (("changes", plan.changes()), ("notes", plan.notes())):
        yield f', "{name}": ['
        for number, line in enumerate(lines):
            yield ("," if number else "") + "\n" + json.dumps(line, ensure_ascii=False)
        yield "]"
    yield "}\n"
