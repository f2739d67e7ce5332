"""`provision show`: a plan file, for people or machines."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Renderer(str, Enum):
    """The renderers of `provision.reports`, by name (a test holds the two lists together)."""

    console = "console"
    markdown = "markdown"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    plan: Annotated[Path, typer.Argument(help="The plan file.", metavar="PLAN")],
    format: Annotated[Renderer, typer.Option("--format", help="How to show it.")] = Renderer.console,  # noqa: A002
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
) -> None:
    """Show a plan: the same text that `plan` shows, or Markdown for a ticket."""
    from provision.cli.terminal import MOST_LINES, show_plan
    from provision.plan.planfile import PlanFile

    made = PlanFile(plan)
    made.verify()
    show_plan(made, format.value, None if everything else MOST_LINES)
