"""Drawing for a terminal, as text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from provision.reports.page import Page
from provision.reports.wording import printable

_ROWS = 1000
"""A table is drawn after so many rows, and another one begun: none grows with the tenant."""


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


def listing(
    page: Page, title: str, number: int, heads: Sequence[str], rows: Iterable[Sequence[str]], how: str
) -> Iterator[str]:
    """A title and a table of `rows`, of which there are `number`: as many as the page takes, and `how` the rest is to
    be had. An object id is never folded, for people copy it."""
    yield "\n" + paragraph(page, f"{title} ({number:,})", "bold")
    table: Table | None = None
    for shown, row in enumerate(rows):
        if shown == page.most:
            break
        if table is None:
            table = _table(heads)
        table.add_row(*(Text(printable(cell)) for cell in row))
        if table.row_count == _ROWS:
            yield drawn(page, table)
            table = None
    if table is not None:
        yield drawn(page, table)
    if page.most is not None and number > page.most:
        yield drawn(page, Text(f"… and {number - page.most:,} more; {how}", "dim"))


def _table(heads: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head == "object id")
    return table
