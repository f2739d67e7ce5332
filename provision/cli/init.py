"""`provision init`: a profile to start from."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to put it.", metavar="[FOLDER]")] = Path(),
    name: Annotated[str, typer.Option("--name", help="The profile's name: the identity of its ledger.")] = "school",
    tenant: Annotated[str, typer.Option("--tenant", help="Tenant id or domain; 'sandbox' is built in.")] = "sandbox",
    domain: Annotated[str, typer.Option("--domain", help="The school's mail domain.")] = "contoso.edu",
) -> None:
    """Write profile.toml to start from. An existing file is never overwritten."""
    import tempfile

    from provision.cli.templates import write_template
    from provision.cli.terminal import tell
    from provision.profile import load_profile

    values = {"name": name, "tenant": tenant, "domain": domain, "roster": "roster"}
    target = folder / "profile.toml"
    with tempfile.TemporaryDirectory() as scratch:
        trial = Path(scratch) / "profile.toml"
        write_template("profiles/profile.toml", trial, values)
        load_profile(trial)
    write_template("profiles/profile.toml", target, values)
    tell(f"Wrote {target}.")
    tell(f"Next: put the roster's files into {folder / 'roster'}, then `provision plan --profile {target}`.")
