"""Writing to people: results on stdout, everything else on stderr, animation only where somebody watches."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from provision.errors import ProvisionError, UsageError
from provision.plan.planfile import PlanFile
from provision.reports import RENDERERS, Page
from provision.store.files import replace_file

MOST_LINES = 25  # changes of one kind spelled out in a terminal
FEW_LINES = 5  # findings of one rule: there may be many rules


def write(text: str, *, now: bool = False) -> None:
    """A result. `now`: whoever reads us waits for it."""
    sys.stdout.write(text)
    if now:
        sys.stdout.flush()


def tell(text: str) -> None:
    """A message."""
    sys.stderr.write(text + "\n")


def tell_error(error: ProvisionError) -> None:
    """What went wrong, where, and what to do."""
    style = ("\x1b[31m", "\x1b[0m") if colored(sys.stderr) else ("", "")
    tell(f"{style[0]}Error:{style[1]} {error.message}")
    for line in error.details:
        tell(f"  {line}")


def colored(stream: TextIO) -> bool:
    """Whether colour is welcome (no-color.org; a pipe or a dumb terminal never is)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def page(most: int | None = MOST_LINES) -> Page:
    """The page that stdout is, with `most` lines of a kind (None: all)."""
    width = shutil.get_terminal_size((100, 24)).columns
    return Page(width=width, color=colored(sys.stdout), most=most)


def show_plan(plan: PlanFile, renderer: str = "console", most: int | None = MOST_LINES) -> None:
    """Render a plan to stdout; only a terminal's report is cut."""
    write_all(RENDERERS[renderer](plan, page(most if renderer == "console" else None)))


def write_all(parts: Iterable[str]) -> None:
    """A result in pieces."""
    for part in parts:
        write(part)


def deliver(parts: Iterable[str], out: Path | None) -> None:
    """A result in pieces, to stdout or into a private file that is whole or absent."""
    if out is None:
        write_all(parts)
        return
    with replace_file(out) as file:
        for part in parts:
            file.write(part.encode())


def confirm(question: str) -> bool:
    """Ask, and take nothing but the word `yes`. Raises `UsageError` where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to ask; nothing was applied.", ["Add --yes to apply without a question."])
    sys.stderr.write(f"{question} Type 'yes' to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"
