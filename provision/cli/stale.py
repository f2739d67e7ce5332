"""`provision stale`: what is left in Microsoft 365 of whom and what the roster no longer has. A report only."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import AcceptMissingOption, JsonOption, ProfileOption, RosterOption, StateOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stale")(stale)


def stale(
    profile: ProfileOption,
    roster: RosterOption = None,
    json: JsonOption = False,
    csv: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--csv", help="Write the report to this file, for a spreadsheet.", metavar="FILE"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    state: StateOption = None,
) -> None:
    """List what the roster no longer mentions: accounts and their licences, classes, schools; also classes without an
    owner and members added by hand. Nothing is changed."""
    import asyncio

    from provision.cli.reading import refuse_within
    from provision.cli.road import Allowances, draft_of, open_run
    from provision.cli.terminal import MOST_LINES, deliver, page, tell, write_all
    from provision.errors import UsageError
    from provision.plan.stale import find_stale
    from provision.reports.stale import render, render_csv, render_json
    from provision.settings import load_settings
    from provision.store.files import check_writable

    if json and csv:
        raise UsageError("--json and --csv ask for two reports.", ["Leave one out."])
    allow = Allowances(accept_missing=frozenset(accept_missing))
    with open_run(load_settings(state=state), profile) as run:
        if csv:
            refuse_within(csv, run.profile.roster_path(roster))
            check_writable(csv)
        draft, _ = asyncio.run(draft_of(run, roster, allow))
        found = find_stale(run.store, run.profile, draft)
        if csv:
            deliver(render_csv(found), csv)
            tell(f"The report is in {csv}: {sum(found.counts.values()):,} rows.")
        else:
            write_all(render_json(found) if json else render(found, page(None if everything else MOST_LINES)))
