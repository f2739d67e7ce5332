"""`provision explain`: why something is planned about a person, a class or a school, and why something is not."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.options import (
    AcceptMissingOption,
    JsonOption,
    ReconsiderOption,
    RecreateOption,
    RosterOption,
    StateOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    key: Annotated[str, typer.Argument(help="A key, an id, a user name, a sign-in name.", metavar="KEY")],
    plan: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--plan", help="Explain what this plan says, and read nothing else.", metavar="PLAN"),
    ] = None,
    profile: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--profile", help="Plan anew with this profile, and explain that.", metavar="FILE"),
    ] = None,
    roster: RosterOption = None,
    json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Every line, however many.")] = False,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    recreate: RecreateOption = [],  # noqa: B006
    reconsider: ReconsiderOption = [],  # noqa: B006
    state: StateOption = None,
) -> None:
    """Say why something is planned about a person, a class or a school, and why something is not."""
    import asyncio
    import tempfile

    from provision.apply.approval import add_verdicts, beside, read_approval, verify_signature
    from provision.apply.work import load_work
    from provision.cli.road import Allowances, draft_of, open_run, write_draft
    from provision.cli.terminal import MOST_LINES, page, write_all
    from provision.errors import UsageError
    from provision.plan.explain import explain as explained
    from provision.plan.planfile import PlanFile
    from provision.reports import explanation
    from provision.settings import load_settings
    from provision.store import passing_store

    render = explanation.render_json if json else explanation.render
    paper = page(None if everything else MOST_LINES)
    if plan is not None and profile is None:
        if roster or state or accept_missing or recreate or reconsider:
            raise UsageError("A plan is explained by itself: --roster, --state and the like belong to --profile.")
        made = PlanFile(plan)
        made.verify()
        with passing_store() as store:
            found = explained(store, made, key)
            approval = None
            if beside(plan).exists():
                said = read_approval(beside(plan))
                verify_signature(said, made.header)
                load_work(store, made)
                add_verdicts(store, said)
                approval = {name: getattr(said, name) for name in ("by", "ticket", "approved_at", "public_key")}
            write_all(render(found, paper, approval))
    elif profile is not None and plan is None:
        allow = Allowances(
            accept_missing=frozenset(accept_missing), recreate=frozenset(recreate), reconsider=frozenset(reconsider)
        )
        with open_run(load_settings(state=state), profile) as run, tempfile.TemporaryDirectory() as scratch:
            # nobody is to apply this plan, so what the state keeps for an open one stays
            made = write_draft(run, *asyncio.run(draft_of(run, roster, allow)), Path(scratch) / "plan.jsonl")
            write_all(render(explained(run.store, made, key, run.profile), paper))
    else:
        raise UsageError("Explain either a plan or the state of today.", ["Give --plan PLAN, or --profile FILE."])
