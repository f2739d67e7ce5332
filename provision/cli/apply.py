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
    RetryOption,
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last run, where it was stopped or cut short.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    results: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--results", help="Write a line per change here.", metavar="FILE.jsonl"),
    ] = None,
    approval: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--approval", help="The approval [default: PLAN.approval, if there is one].", metavar="FILE"),
    ] = None,
    max_share: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--max-share",
            help="Use no more than this part of the tenant's quotas [env: PROVISION_MAX_SHARE; else 100%].",
            metavar="50%",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    override: OverrideOption = [],  # noqa: B006  # typer copies it
    accept_missing: AcceptMissingOption = [],  # noqa: B006
    recreate: RecreateOption = [],  # noqa: B006
    reconsider: ReconsiderOption = [],  # noqa: B006
    only: OnlyOption = [],  # noqa: B006
    retry: RetryOption = [],  # noqa: B006
    state: StateOption = None,
) -> None:
    """Carry out a plan in Microsoft 365: all of it, and nothing else."""
    from provision.cli.applying import apply_command, share_given
    from provision.cli.road import Allowances
    from provision.settings import load_settings

    names = (override, accept_missing, recreate, reconsider, only, retry)
    allow = Allowances(*map(frozenset, names))
    settings = load_settings(state=state, max_share=share_given(max_share))
    apply_command(settings, profile, plan, approval, roster, results, allow, resume=resume, yes=yes, as_json=json)
