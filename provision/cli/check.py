"""`provision check`: is the roster in order? Reads files only; nothing is kept."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import AcceptMissingOption, JsonOption


class ReportName(str, Enum):
    """The renderers of `provision.reports.roster`, by name (a test holds the two lists together)."""

    console = "console"
    csv = "csv"
    json = "json"
    html = "html"


class ProductName(str, Enum):
    """The products of `provision.roster.readiness`, by name (a test holds the two lists together)."""

    insights = "insights"
    sds = "sds"
    teams = "teams"
    intune = "intune"


class FormatName(str, Enum):
    """The roster formats of `provision.formats`, by name (a test holds the two lists together)."""

    auto = "auto"
    sds_v1 = "sds-v1"
    sds_v1_uk = "sds-v1-uk"
    sds_v2 = "sds-v2"
    sds_v2_1 = "sds-v2.1"
    clever = "clever"
    oneroster_1_1 = "oneroster-1.1"
    oneroster_1_2 = "oneroster-1.2"


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
    products: Annotated[
        list[ProductName], typer.Option("--for", help="Judge whether it is ready for this product; may be repeated.")
    ] = [],  # noqa: B006  # typer copies it
    report: Annotated[ReportName, typer.Option("--report", help="How to tell it.")] = ReportName.console,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Write the report to this file.", metavar="FILE"),
    ] = None,
    max_errors: Annotated[
        int, typer.Option("--max-errors", help="Leave with 1 only when there are more errors than this.", min=0)
    ] = 0,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    json: JsonOption = False,
) -> None:
    """Check a roster: what it holds, and every fault with its file, row and mend. Exit code 1 when there are errors,
    or when it is not ready for a product that was asked for."""
    from provision.cli.reading import options_of, refuse_within
    from provision.cli.terminal import FEW_LINES, deliver, page, tell
    from provision.errors import UsageError
    from provision.formats import load_roster
    from provision.reports import Page
    from provision.reports.roster import RENDERERS, Checked
    from provision.roster.readiness import judge
    from provision.roster.summary import summary
    from provision.store import passing_store
    from provision.store.files import check_writable

    if json and report not in (ReportName.console, ReportName.json):
        raise UsageError(f"--json and --report {report.value} ask for two reports.", ["Leave one out."])
    if json:
        report = ReportName.json
    if out:
        refuse_within(out, roster)
        check_writable(out)
    options = options_of(profile, frozenset(accept_missing))
    with passing_store() as store:
        loaded = load_roster(store, roster, options, format.value)
        answers = judge(store, [product.value for product in products], options, loaded.format)
        told = summary(store)
        checked = Checked(store, roster.resolve().name, loaded.format, told, answers)
        paper = Page(most=FEW_LINES) if out else page(FEW_LINES)
        deliver(RENDERERS[report.value](checked, paper), out)
    errors = told.count("error")
    if errors > max_errors:
        if max_errors:
            tell(f"{errors:,} errors are more than --max-errors allows ({max_errors:,}).")
        raise typer.Exit(1)
    if not all(answer.ready for answer in answers):
        raise typer.Exit(1)
