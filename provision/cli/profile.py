"""`provision profile`: what a profile says, before anything is done with it."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.options import JsonOption

app = typer.Typer(
    help="The sync profile: is it in order, and what will it do?",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Keep `check` a word of its own: typer runs the only command of a group without one."""


@app.command()
def check(
    profile: Annotated[Path, typer.Argument(help="The sync profile (TOML).", metavar="FILE")],
    json: JsonOption = False,
) -> None:
    """Explain in plain words what a profile will do, and warn of what may surprise. Reads this file and nothing else.
    Exit code 1 when a name or value is wrong, or two contradict each other."""
    from datetime import datetime, timezone

    from provision.cli.reading import roster_options
    from provision.cli.terminal import page, write, write_all
    from provision.policy.surprises import surprises
    from provision.profile import load_profile
    from provision.reports.profile import render, render_json

    checked = load_profile(profile)
    roster_options(checked)
    found = surprises(checked, datetime.now(timezone.utc))
    if json:
        write(render_json(checked, found))
    else:
        write_all(render(checked, found, page()))
