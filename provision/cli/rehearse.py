"""`provision rehearse`: a plan carried out on a copy of the tenant, to see how long it takes and what comes of it."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import JsonOption, ProfileOption, StateOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rehearse")(rehearse)


def rehearse(
    profile: ProfileOption,
    plan: Annotated[Path, typer.Argument(help="The plan file, approved or not.", metavar="PLAN", show_default=False)],
    faults: Annotated[str, typer.Option("--faults", help="How often each fault strikes.", metavar="PERCENT")] = "1%",
    seed: Annotated[int, typer.Option("--seed", help="The same number, the same faults.", min=0)] = 0,
    results: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--results", help="Write a line per change here.", metavar="FILE.jsonl"),
    ] = None,
    json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
    state: StateOption = None,
) -> None:
    """Carry out a plan on a copy of the tenant, with the published quotas and random faults. Nothing is written to
    Microsoft 365."""
    from provision.cli.progress import progress
    from provision.cli.rehearsing import copied_run, share_of
    from provision.cli.rehearsing import rehearse as rehearsed
    from provision.cli.terminal import MOST_LINES, page, write_all
    from provision.errors import PartlyFailed
    from provision.plan.planfile import PlanFile
    from provision.reports import rehearsal
    from provision.settings import load_settings

    share = share_of(faults)
    with copied_run(load_settings(state=state), profile) as run:
        with progress("Rehearsing") as bar:
            found, applied = rehearsed(run, PlanFile(plan), share, seed, results, bar)
        render = rehearsal.render_json if json else rehearsal.render
        write_all(render(found, page(None if everything else MOST_LINES)))
        if not applied.complete:
            raise PartlyFailed(
                "In the rehearsal some changes were not done.", ["Nothing was written to Microsoft 365."]
            )
