"""`provision match`: whose the accounts of a tenant are, and the yes of somebody who knows."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import AcceptMissingOption, ProfileOption, RosterOption, StateOption

app = typer.Typer(
    help="Whose the accounts of a lived-in tenant are, before anything is planned.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


class ReportName(str, Enum):
    """The renderers of `provision.reports.matches`, by name (a test holds the two lists together)."""

    console = "console"
    csv = "csv"
    json = "json"


@app.command()
def report(
    profile: ProfileOption,
    roster: RosterOption = None,
    report: Annotated[ReportName, typer.Option("--report", help="How to tell it.")] = ReportName.console,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Write the report to this file.", metavar="FILE"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    state: StateOption = None,
) -> None:
    """Say who and what is matched, and by what; what is weak, ambiguous or claimed twice; and what only the roster or
    only Microsoft 365 has. Nothing is planned or changed."""
    from provision.cli.matching import report_command
    from provision.settings import load_settings

    report_command(load_settings(state=state), profile, roster, report.value, out, everything, accept_missing)


@app.command()
def accept(
    key: Annotated[str, typer.Argument(help="The key of the roster: user:S1, section:C1, school:10.", metavar="KEY")],
    profile: ProfileOption,
    object_id: Annotated[str, typer.Option("--object", help="The object's id in Microsoft 365.", metavar="OBJECT-ID")],
    by: Annotated[str, typer.Option("--by", help="Who says so.", metavar="NAME")],
    reason: Annotated[str, typer.Option("--reason", help="Why.", metavar="TEXT")] = "",
    roster: RosterOption = None,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    state: StateOption = None,
) -> None:
    """Record that an account, class or school is the one of this key, in the file of accepted matches beside the
    profile. Nothing is changed in Microsoft 365; the next plan goes by it."""
    from provision.cli.matching import accept_command
    from provision.settings import load_settings

    accept_command(load_settings(state=state), profile, key, object_id, by, reason, roster, accept_missing)
