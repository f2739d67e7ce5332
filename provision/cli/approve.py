"""`provision approve`: sign a plan, or a part of it."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import JsonOption

KeyOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--key", help="The private key [env: PROVISION_KEY; else ~/.provision/approval.key].", metavar="FILE"),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("approve")(approve)


def approve(
    plan: Annotated[Path, typer.Argument(help="The plan file.", metavar="PLAN")],
    by: Annotated[str, typer.Option("--by", help="Who approves.", metavar="NAME")],
    ticket: Annotated[str, typer.Option("--ticket", help="The change ticket.", metavar="ID")],
    only: Annotated[
        list[str],
        typer.Option("--only", help="Approve these changes only: school:10, kind:user, key:user:S1 …", metavar="WHICH"),
    ] = [],  # noqa: B006  # typer copies it
    reject: Annotated[
        list[str], typer.Option("--reject", help="All but these changes; later plans leave them out.", metavar="WHICH")
    ] = [],  # noqa: B006
    reason: Annotated[str, typer.Option("--reason", help="Why they are rejected.", metavar="TEXT")] = "",
    key: KeyOption = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Where the approval goes [default: PLAN.approval].", metavar="FILE"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Approve a plan with a signature: all of it, or some of its changes."""
    from provision.cli.approving import approve_command
    from provision.settings import load_settings

    approve_command(load_settings(key=key), plan, by, ticket, only, reject, reason, out, as_json=json)
