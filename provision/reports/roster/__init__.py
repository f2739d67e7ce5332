"""Reports of a roster that was checked: one file per renderer, one line here. A renderer returns text, a piece at a
time, in memory that does not grow with the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.reports.page import Page
from provision.reports.roster import console, csv, html, json
from provision.reports.roster.checked import Checked

RENDERERS: dict[str, Callable[[Checked, Page], Iterator[str]]] = {
    "console": console.render,
    "csv": csv.render,
    "json": json.render,
    "html": html.render,
}

__all__ = ["RENDERERS", "Checked"]
