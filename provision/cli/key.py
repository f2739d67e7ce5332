"""`provision key`: the key that an approver signs with."""

from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(help="The key that an approver signs with.", no_args_is_help=True)


@app.command("new")
def new(
    file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="[env: PROVISION_KEY; else ~/.provision/approval.key]", metavar="[FILE]"),
    ] = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Leave the file unprotected.")] = False,
) -> None:
    """Make a private key, and print the line for the profile that names its owner as an approver."""
    from provision.cli.approving import new_key_command
    from provision.settings import load_settings

    new_key_command(load_settings(), file, plain=no_passphrase)
