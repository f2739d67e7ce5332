"""Plan if there is no plan, show, ask, apply, and say what happened."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from provision.apply.approval import verify_approval
from provision.apply.run import Applied
from provision.apply.verify import verify_header
from provision.cli.road import Allowances, Run, apply_from, open_run, plan_to
from provision.cli.terminal import confirm, progress, show_plan, tell, write
from provision.errors import PartlyFailed, UsageError
from provision.plan.planfile import PlanFile
from provision.settings import Settings


def apply_command(
    settings: Settings,
    profile: Path,
    plan: Path | None,
    approval: Path | None,
    roster: Path | None,
    results: Path | None,
    allow: Allowances,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Raises `PartlyFailed` when some changes were not done, `GuardTripped` and its like before any was sent."""
    if plan is not None and roster is not None:
        raise UsageError("A plan file says what to apply; --roster is for a run that plans.", ["Leave one out."])
    if plan is not None and allow.only:
        raise UsageError("A plan file says what to apply; --only is for a run that plans.", ["Leave one out."])
    if approval is not None and plan is None:
        raise UsageError("An approval is for a plan file.", ["Name the plan, too."])
    with open_run(settings, profile) as run, tempfile.TemporaryDirectory() as scratch:
        made = PlanFile(plan) if plan else asyncio.run(plan_to(run, roster, Path(scratch) / "plan.jsonl", allow))
        if not plan and not as_json:
            show_plan(made)
        if not plan:
            verify_header(made.header, run.profile, allow.overrides, run.clock())
            verify_approval(None, made.header, run.profile)
        if not plan and not yes and made.header["counts"] and not confirm("Apply this plan?"):
            tell("Nothing was applied.")
            return
        applied = carry_out(run, made, allow, results, approval)
        say(applied, results, as_json=as_json)


def carry_out(
    run: Run, plan: PlanFile, allow: Allowances, results: Path | None, approval: Path | None = None
) -> Applied:
    """Apply, with a bar where somebody watches."""
    with progress("Applying") as bar:
        return asyncio.run(apply_from(run, plan, allow, results, bar, approval))


def say(applied: Applied, results: Path | None, *, as_json: bool) -> None:
    """The results in one line; `PartlyFailed` when something is left."""
    if as_json:
        write(json.dumps({"run": applied.run, "results": applied.counts}) + "\n")
    else:
        words = ", ".join(f"{number:,} {status}" for status, number in sorted(applied.counts.items()))
        write(f"Applied: {words or 'nothing to do'}.\n")
    if not applied.complete:
        where = f"{results} has a line per change." if results else "Add --results FILE.jsonl to see a line per change."
        raise PartlyFailed("Some changes were not done.", [where, "Plan again to see what is left."])
