"""Drawing for a terminal, as text."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from provision.reports.page import Page
from provision.reports.wording import printable


def drawn(page: Page, renderable: Text | Table, *, wrap: bool = False) -> str:
    """What rich makes of it on this page. A table is folded into the width, text with `wrap` only."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=page.width, force_terminal=page.color, no_color=not page.color,
                      highlight=False, soft_wrap=isinstance(renderable, Text) and not wrap)  # fmt: skip
    console.print(renderable)
    return buffer.getvalue()


def paragraph(page: Page, text: str, style: str = "") -> str:
    """A sentence or two, folded into the width."""
    return drawn(page, Text(printable(text), style), wrap=True)
