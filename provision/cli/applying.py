"""Plan if there is no plan, show, ask, apply, and say what happened."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from provision.apply.approval import beside, verify_approval
from provision.apply.resume import Unfinished, is_at_end, keep_plan, set_unfinished, unfinished
from provision.apply.run import Applied
from provision.apply.verify import verify_header
from provision.cli.progress import progress
from provision.cli.road import Allowances, Run, apply_from, open_run, plan_to
from provision.cli.stopping import stoppable
from provision.cli.terminal import confirm, show_plan, tell, write
from provision.errors import ApprovalError, GuardTripped, PartlyFailed, PlanFileError, StalePlan, UsageError
from provision.plan.planfile import PlanFile
from provision.settings import Settings, share_of

REFUSALS = (PlanFileError, StalePlan, GuardTripped, ApprovalError)
"""With these a plan is refused as a whole, before anything is written."""


def apply_command(
    settings: Settings,
    profile: Path,
    plan: Path | None,
    approval: Path | None,
    roster: Path | None,
    results: Path | None,
    allow: Allowances,
    *,
    resume: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Raises `PartlyFailed` when some changes were not done, `GuardTripped` and its like before any was sent."""
    _check_usage(plan, approval, roster, allow, resume=resume)
    with open_run(settings, profile) as run, tempfile.TemporaryDirectory() as scratch:
        if resume:
            left = unfinished(run.store)
            if left is None:
                tell("Nothing to resume: the last apply of this profile was carried out to its end.")
                return
            made, approval = left.plan(), approval or left.approval
        elif plan:
            made = PlanFile(plan)
        else:
            made = asyncio.run(plan_to(run, roster, Path(scratch) / "plan.jsonl", allow))
            if not as_json:
                show_plan(made)
            verify_header(made.header, run.profile, allow.overrides, run.clock())
            verify_approval(None, made.header, run.profile)
            if not yes and made.header["counts"] and not confirm("Apply this plan?"):
                tell("Nothing was applied.")
                return
            made = keep_plan(made, _own_plan(run))
        say(carry_out(run, made, allow, results, approval), results, as_json=as_json)


def _check_usage(
    plan: Path | None, approval: Path | None, roster: Path | None, allow: Allowances, *, resume: bool
) -> None:
    """Raise `UsageError` for what does not fit together."""
    if resume and plan is not None:
        raise UsageError("--resume goes on with the plan of the last run; it takes no plan.", ["Leave one out."])
    named = "A plan file says" if plan is not None else "The plan of the run that is resumed says" if resume else ""
    for option, given in (("--roster", roster is not None), ("--only", bool(allow.only))):
        if named and given:
            raise UsageError(f"{named} what to apply; {option} is for a run that plans.", ["Leave one out."])
    if approval is not None and not named:
        raise UsageError("An approval is for a plan file.", ["Name the plan, too."])


def carry_out(
    run: Run, plan: PlanFile, allow: Allowances, results: Path | None, approval: Path | None = None
) -> Applied:
    """Apply, with a bar where somebody watches; what it takes to go on with it is kept until it is done.

    Raises `PartlyFailed` where it had to be cut short after it was asked to stop.
    """
    before, said = unfinished(run.store), approval or beside(plan.path)
    here = Unfinished(plan.header["digest"], plan.path, said if approval or said.exists() else None)
    set_unfinished(run.store, here)
    try:
        with progress("Applying") as bar:
            applied = asyncio.run(
                stoppable(lambda stop: apply_from(run, plan, allow, results, bar, here.approval, stop))
            )
    except REFUSALS:
        set_unfinished(run.store, before)
        raise
    if applied is None:
        raise PartlyFailed(
            "The run was stopped. Some changes may have been sent and were not answered: they are looked up before "
            "anything is sent again.",
            [RESUME],
        )
    if is_at_end(applied) and not applied.stopped:
        set_unfinished(run.store, None)
        for copy in (_own_plan(run), _own_plan(run).with_suffix(".jsonl.gz")):
            copy.unlink(missing_ok=True)
    return applied


RESUME = "Go on with `provision apply --resume`."


def _own_plan(run: Run) -> Path:
    """Where a plan is kept that apply has made itself."""
    return run.folder / f"{run.profile.name}.plan.jsonl"


def say(applied: Applied, results: Path | None, *, as_json: bool) -> None:
    """The results in one line; `PartlyFailed` when something is left."""
    if as_json:
        write(json.dumps({"run": applied.run, "results": applied.counts}) + "\n")
    else:
        words = ", ".join(f"{number:,} {status}" for status, number in sorted(applied.counts.items()))
        write(f"Applied: {words or 'nothing to do'}.\n")
    if not applied.complete:
        where = f"{results} has a line per change." if results else "Add --results FILE.jsonl to see a line per change."
        if applied.stopped:
            raise PartlyFailed("The run was stopped before all changes were sent.", [where, RESUME])
        raise PartlyFailed("Some changes were not done.", [where, "Plan again to see what is left."])


def share_given(text: str | None) -> float | None:
    """The share of `--max-share`. Raises `UsageError` for what is none."""
    try:
        return None if text is None else share_of(text)
    except ValueError as error:
        raise UsageError(f"--max-share: {error}.") from None
