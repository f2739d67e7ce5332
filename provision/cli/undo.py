"""`provision undo`: the reverse of a run, as a plan."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.options import JsonOption, OverrideOption, ProfileOption, StateOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("undo")(undo)


def undo(
    run: Annotated[str, typer.Argument(help="The run, as `provision status` names it, or 'last'.", metavar="RUN")],
    profile: ProfileOption,
    out: Annotated[
        Path, typer.Option("--out", help="Write the plan here, to be approved and applied.", metavar="PLAN.jsonl")
    ],
    json: JsonOption = False,
    override: OverrideOption = [],  # noqa: B006  # typer copies it
    state: StateOption = None,
) -> None:
    """Plan the reverse of a run: what can be put back. Nothing is written to Microsoft 365."""
    import asyncio

    from provision.apply.verify import refuse_stopped
    from provision.cli.road import Allowances, open_run, undo_to
    from provision.cli.terminal import show_plan, tell
    from provision.settings import load_settings

    with open_run(load_settings(state=state), profile) as opened:
        made = asyncio.run(undo_to(opened, run, out, Allowances(frozenset(override))))
        show_plan(made, "json" if json else "console")
        tell(f"The plan is in {made.path}. Apply it with `provision apply {made.path} --profile {profile}`.")
        refuse_stopped(made.header)
