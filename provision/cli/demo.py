"""`provision demo`: the whole road on a made-up district and the built-in tenant, in one command."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="A new folder for the files it makes.", metavar="[FOLDER]")] = Path(
        "provision-demo"
    ),
) -> None:
    """Check, plan and apply a sample roster on the built-in tenant, then the next school day. Touches nothing real."""
    from provision.cli.demonstration import demonstrate

    demonstrate(folder)
