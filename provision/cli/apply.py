"""`provision apply`: carry out a plan, exactly."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import (
    AcceptMissingOption,
    JsonOption,
    OnlyOption,
    OverrideOption,
    ProfileOption,
    ReconsiderOption,
    RecreateOption,
    RosterOption,
    StateOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("apply")(apply)


def apply(
    profile: ProfileOption,
    plan: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="The plan file. Without it: plan, show, ask.", metavar="[PLAN]", show_default=False),
    ] = None,
    roster: RosterOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    results: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--results", help="Write a line per change here.", metavar="FILE.jsonl"),
    ] = None,
    approval: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--approval", help="The approval [default: PLAN.approval, if there is one].", metavar="FILE"),
    ] = None,
    json: JsonOption = False,
    override: OverrideOption = [],  # noqa: B006  # typer copies it
    accept_missing: AcceptMissingOption = [],  # noqa: B006
    recreate: RecreateOption = [],  # noqa: B006
    reconsider: ReconsiderOption = [],  # noqa: B006
    only: OnlyOption = [],  # noqa: B006
    state: StateOption = None,
) -> None:
    """Carry out a plan in Microsoft 365: all of it, and nothing else."""
    from provision.cli.applying import apply_command
    from provision.cli.road import Allowances
    from provision.settings import load_settings

    names = (override, accept_missing, recreate, reconsider, only)
    allow = Allowances(*map(frozenset, names))
    apply_command(load_settings(state=state), profile, plan, approval, roster, results, allow, yes=yes, as_json=json)
