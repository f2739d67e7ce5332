"""The story that `provision demo` tells: two school days, five plans."""

from __future__ import annotations

import asyncio
from pathlib import Path

from provision.cli.applying import carry_out, say
from provision.cli.reading import roster_options
from provision.cli.road import Allowances, Run, open_run, plan_to
from provision.cli.templates import copy_roster, write_template
from provision.cli.terminal import page, show_plan, write, write_all
from provision.errors import UsageError
from provision.formats import load_roster
from provision.plan.planfile import PlanFile
from provision.reports import RENDERERS
from provision.reports.roster import Checked
from provision.reports.roster.console import render
from provision.roster.summary import summary
from provision.settings import Settings
from provision.store.files import make_folder, replace_file

ALLOW = Allowances()
FEW_LINES = 6


def demonstrate(folder: Path) -> None:
    """Raises `UsageError` when `folder` holds something already."""
    make_folder(folder)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", ["Give a new folder: `provision demo FOLDER`."])
    write_template("profiles/demo.toml", folder / "profile.toml", {})
    copy_roster("contoso-day1", folder / "roster")
    copy_roster("contoso-day2", folder / "roster-next-day")
    settings = Settings(state=folder / ".provision")
    with open_run(settings, folder / "profile.toml") as run:
        _title("The roster is checked")
        profile = run.profile
        loaded = load_roster(run.store, folder / "roster", roster_options(profile), profile.roster.format)
        write_all(render(Checked(run.store, "roster", loaded.format, summary(run.store)), page(FEW_LINES)))
        _title("First day: what would change")
        _day(run, folder, folder / "roster", "1")
        _title("Planned again")
        _plan(run, folder, folder / "roster", "2")
        _title("The next school day: a student left a class, one joined, a teacher was replaced, a class is gone")
        _day(run, folder, folder / "roster-next-day", "3")
        _title("Planned once more")
        _plan(run, folder, folder / "roster-next-day", "4")
    _title("Yours to look at")
    write(_NEXT.format(folder=folder))


def _day(run: Run, folder: Path, roster: Path, number: str) -> None:
    plan = _plan(run, folder, roster, number)
    results = folder / f"results-{number}.jsonl"
    say(carry_out(run, plan, ALLOW, results), results, as_json=False)


def _plan(run: Run, folder: Path, roster: Path, number: str) -> PlanFile:
    plan = asyncio.run(plan_to(run, roster, folder / f"plan-{number}.jsonl", ALLOW))
    show_plan(plan, most=FEW_LINES)
    with replace_file(folder / f"plan-{number}.md") as file:
        for part in RENDERERS["markdown"](plan, page(None)):
            file.write(part.encode())
    return plan


def _title(text: str) -> None:
    write(f"\n== {text} ==\n\n")


_NEXT = """\
{folder}/profile.toml      the sync profile: what a run may do
{folder}/roster            the first day's roster (SDS V2.1), and roster-next-day
{folder}/plan-1.jsonl      a plan: what would change and why; plan-1.md is the same for a ticket
{folder}/results-1.jsonl   what became of each change

Try next:
  provision plan --profile {folder}/profile.toml --roster {folder}/roster-next-day
  provision show {folder}/plan-3.jsonl --format markdown
  provision sandbox dump --state {folder}/.provision
  provision init my-school     (a profile for your own tenant)
"""
