"""`provision check`: is the roster in order? Reads files only; nothing is kept."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import JsonOption


class FormatName(str, Enum):
    """The roster formats of `provision.formats`, by name (a test holds the two lists together)."""

    auto = "auto"
    sds_v1 = "sds-v1"
    sds_v1_uk = "sds-v1-uk"
    sds_v2 = "sds-v2"
    sds_v2_1 = "sds-v2.1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    roster: Annotated[Path, typer.Argument(help="Folder or ZIP.", metavar="ROSTER")],
    format: Annotated[FormatName, typer.Option("--format", help="The roster's format.")] = FormatName.auto,  # noqa: A002
    profile: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--profile", help="Check as this profile reads it (dates, grades, names).", metavar="FILE"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a roster: what it holds, and every fault with its file, row and mend. Exit code 1 when there are errors."""
    import tempfile

    from provision.cli.road import Allowances, roster_options
    from provision.cli.terminal import page, write_all
    from provision.formats import load_roster
    from provision.profile import load_profile
    from provision.reports import roster_check
    from provision.roster.options import RosterOptions
    from provision.roster.summary import summary
    from provision.store import open_store

    with tempfile.TemporaryDirectory(prefix="provision-") as scratch:
        store = open_store(Path(scratch), "check")
        try:
            options = roster_options(load_profile(profile), Allowances()) if profile else RosterOptions()
            loaded = load_roster(store, roster, options, format.value)
            render = roster_check.render_json if json else roster_check.render
            write_all(render(store, loaded.format, page(None) if json else page()))
            errors = summary(store).count("error")
        finally:
            store.close()
    if errors:
        raise typer.Exit(1)
