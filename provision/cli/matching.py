"""What `provision match` does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from provision.cli.reading import refuse_within
from provision.cli.road import Allowances, match_of, open_run
from provision.cli.terminal import MOST_LINES, deliver, page, tell
from provision.errors import UsageError
from provision.plan.accept import accept_match
from provision.plan.matches import find_matches
from provision.policy.accepted import accepted_path, record_yes
from provision.reports import Page
from provision.reports.matches import RENDERERS
from provision.settings import Settings
from provision.store.files import check_writable


def report_command(settings: Settings, profile: Path, roster: Path | None, report: str, out: Path | None,
                   everything: bool, accept_missing: Iterable[str]) -> None:  # fmt: skip
    """`provision match report`."""
    with open_run(settings, profile) as run:
        if out is not None:
            refuse_within(out, run.profile.roster_path(roster))
            check_writable(out)
        asyncio.run(match_of(run, roster, Allowances(accept_missing=frozenset(accept_missing))))
        found = find_matches(run.store, run.profile)
        paper = Page() if out else page(None if everything else MOST_LINES)
        deliver(RENDERERS[report](found, paper), out)
        if out is not None:
            tell(f"The report is in {out}.")


def accept_command(settings: Settings, profile: Path, key: str, object_id: str, by: str, reason: str,
                   roster: Path | None, accept_missing: Iterable[str]) -> None:  # fmt: skip
    """`provision match accept`. Raises `UsageError` where nobody is named, `UnknownKey` and `UsageError` where the two
    cannot belong together."""
    if not by.strip():
        raise UsageError("--by is empty; nothing was recorded.", ["Say who answers for this match."])
    with open_run(settings, profile) as run:
        asyncio.run(match_of(run, roster, Allowances(accept_missing=frozenset(accept_missing))))
        yes = accept_match(run.store, run.profile, key, object_id, by, reason, run.clock())
        record_yes(run.profile, yes)
        tell(f"{yes.key} is {yes.account} ({yes.object_id}): recorded in {accepted_path(run.profile)}.")
        tell("The next plan goes by it. Take the row out before that plan is applied, and the yes is taken back.")
        if run.store.value("SELECT count(*) FROM run.protected WHERE object_id = ?", [yes.object_id]):
            tell("The account is protected all the same: it is never written, and its memberships are handled.")
