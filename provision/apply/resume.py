"""What `apply --resume` goes on with: the plan that was given to the last apply, until it is carried out.

It is kept from before the first request until nothing of the plan is left to do, so that a run may be killed at any
moment. What of it was done, and what was sent and never answered, is in the journal under the plan's digest.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from provision.apply.run import Applied
from provision.errors import PlanFileError
from provision.plan.planfile import PlanFile
from provision.store import Store
from provision.store.files import replace_file


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A plan that apply was given, by its digest; where it lies, and where the approval lay that said how much of it
    may be done."""

    digest: str
    path: Path
    approval: Path | None

    def plan(self) -> PlanFile:
        """The plan. Raises `PlanFileError` where it is gone or is another one by now."""
        try:
            plan = PlanFile(self.path)
        except PlanFileError as error:
            raise PlanFileError(
                "There is a run to go on with, but its plan is gone.", [error.message, ADVICE]
            ) from None
        if plan.header["digest"] != self.digest:
            raise PlanFileError(f"There is a run to go on with, but {self.path} is another plan by now.", [ADVICE])
        return plan


ADVICE = "Plan again: whatever was sent and never answered is looked up by the next run, of any plan."


def unfinished(store: Store) -> Unfinished | None:
    """What the last apply was given and did not bring to its end."""
    rows = store.rows("SELECT digest, path, approval FROM journal.unfinished")
    if not rows:
        return None
    digest, path, approval = rows[0]
    return Unfinished(digest, Path(path), Path(approval) if approval else None)


def set_unfinished(store: Store, what: Unfinished | None) -> None:
    """Make it durable, in place of what was unfinished before."""
    with store.transaction():
        store.run("DELETE FROM journal.unfinished")
        if what is not None:
            approval = str(what.approval.absolute()) if what.approval else None
            values = [what.digest, str(what.path.absolute()), approval]
            store.run("INSERT INTO journal.unfinished VALUES (?, ?, ?)", values)


def is_at_end(applied: Applied) -> bool:
    """Whether applying the plan once more would do no more."""
    return not any(applied.counts.get(status) for status in ("failed", "skipped"))


def keep_plan(plan: PlanFile, path: Path) -> PlanFile:
    """A copy, mode 0600, of a plan that lies where it will not stay."""
    kept = path.with_suffix("".join(plan.path.suffixes[-1:])) if plan.path.suffix == ".gz" else path
    with plan.path.open("rb") as source, replace_file(kept) as copy:
        shutil.copyfileobj(source, copy)
    return PlanFile(kept)
