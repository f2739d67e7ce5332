"""Reports of a plan: one file per renderer, one line here. A renderer returns text, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.plan.planfile import PlanFile
from provision.reports import console, json, markdown
from provision.reports.page import Page

RENDERERS: dict[str, Callable[[PlanFile, Page], Iterator[str]]] = {
    "console": console.render,
    "markdown": markdown.render,
    "json": json.render,
}

__all__ = ["RENDERERS", "Page"]
