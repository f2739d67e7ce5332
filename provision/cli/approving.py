"""Sign a plan that is whole and still good, and say what that allows."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from getpass import getpass
from pathlib import Path

from provision.apply.approval import approve, beside, decide, write_approval
from provision.apply.keys import is_sealed, load_key, new_key, usual_key
from provision.apply.work import load_work
from provision.cli.terminal import tell, write
from provision.errors import ApprovalError
from provision.plan.planfile import PlanFile
from provision.settings import Settings
from provision.store import passing_store


def approve_command(
    settings: Settings,
    plan: Path,
    by: str,
    ticket: str,
    only: Sequence[str],
    reject: Sequence[str],
    reason: str,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Raises `PlanFileError` for an altered plan, `ApprovalError` for a key that cannot be used, `UsageError` for
    selectors that name nothing."""
    path = settings.key or usual_key()
    made = PlanFile(plan)
    made.verify()
    key = load_key(path, passphrase(settings, f"Passphrase of {path}: ") if is_sealed(path) else "")
    now = datetime.now(timezone.utc)
    said = approve(made.header, key, now, by=by, ticket=ticket, only=only, reject=reject, reason=reason)
    with passing_store() as store:
        load_work(store, made)
        counts = decide(store, said)
    target = out or beside(plan)
    write_approval(said, target)
    if as_json:
        write(json.dumps({"approval": str(target), "changes": counts, "public_key": said.public_key}) + "\n")
        return
    write(f"{counts['approved']:,} of {sum(counts.values()):,} changes approved by {by} ({ticket}).\n")
    for name, words in (
        ("rejected", "rejected: later plans leave them out, with the reason"),
        ("left out", "left out: the next plan has them again"),
        ("needs one", "cannot be done without one of those"),
    ):
        if counts[name]:
            write(f"{counts[name]:,} {words}.\n")
    tell(f"The approval is in {target}, signed with {said.public_key}.")


def new_key_command(settings: Settings, path: Path | None, *, plain: bool) -> None:
    """Make a key, and say what the profile needs. Raises `UsageError` where there is one already."""
    target = path or settings.key or usual_key()
    word = "" if plain else passphrase(settings, "A passphrase for the new key: ", again=True)
    public = new_key(target, word)
    tell(f"The private key is in {target}. Keep it to yourself; who has it approves in your name.")
    tell("For the profile, under [plan]:")
    write(f'approvers = ["{public}"]\n')


def passphrase(settings: Settings, question: str, *, again: bool = False) -> str:
    """From the environment, or asked for where somebody watches. Raises `ApprovalError` where nobody does."""
    if settings.key_passphrase is not None:
        return settings.key_passphrase.get_secret_value()
    if not sys.stdin.isatty():
        raise ApprovalError(
            "Nobody is there to ask for a passphrase.",
            ["Set PROVISION_KEY_PASSPHRASE" + (", or add --no-passphrase." if again else ".")],
        )
    word = getpass(question)
    if again and (not word or getpass("Once more: ") != word):
        raise ApprovalError("The passphrases differ or are empty; no key was made.")
    return word
