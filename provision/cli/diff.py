"""`provision diff`: what is new since the plan that was approved on Tuesday."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    older: Annotated[Path, typer.Argument(help="The older plan file.", metavar="OLDER")],
    newer: Annotated[Path, typer.Argument(help="The newer plan file.", metavar="NEWER")],
    json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
) -> None:
    """Compare two plans: which changes are new, which are gone, which have other values."""
    from provision.cli.terminal import MOST_LINES, page, write_all
    from provision.plan.difference import compare
    from provision.plan.planfile import PlanFile
    from provision.reports import difference
    from provision.store import passing_store

    plans = PlanFile(older), PlanFile(newer)
    for plan in plans:
        plan.verify()
    with passing_store() as store:
        render = difference.render_json if json else difference.render
        write_all(render(compare(store, *plans), page(None if everything else MOST_LINES)))
