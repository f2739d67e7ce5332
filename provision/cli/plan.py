"""`provision plan`: what would change, and why. Writes nothing but the plan file."""

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
    app.command("plan")(plan)


def plan(
    profile: ProfileOption,
    roster: RosterOption = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Write the plan here, to be approved and applied.", metavar="PLAN.jsonl"),
    ] = None,
    json: JsonOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Leave with 3 when changes are planned.")
    ] = False,
    override: OverrideOption = [],  # noqa: B006  # typer copies it
    accept_missing: AcceptMissingOption = [],  # noqa: B006
    recreate: RecreateOption = [],  # noqa: B006
    reconsider: ReconsiderOption = [],  # noqa: B006
    only: OnlyOption = [],  # noqa: B006
    state: StateOption = None,
) -> None:
    """Show what would change in Microsoft 365, and why. Nothing is written there."""
    import asyncio
    import tempfile

    from provision.apply.verify import refuse_stopped
    from provision.cli.road import Allowances, open_run, plan_to
    from provision.cli.terminal import show_plan, tell
    from provision.settings import load_settings

    names = (override, accept_missing, recreate, reconsider, only)
    allow = Allowances(*map(frozenset, names))
    with open_run(load_settings(state=state), profile) as run, tempfile.TemporaryDirectory() as scratch:
        made = asyncio.run(plan_to(run, roster, out or Path(scratch) / "plan.jsonl", allow))
        show_plan(made, "json" if json else "console")
        if out is not None:
            tell(f"The plan is in {made.path}.")
        refuse_stopped(made.header)
        if detailed_exitcode and made.header["counts"]:
            raise typer.Exit(3)
