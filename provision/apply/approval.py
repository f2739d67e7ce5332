"""Approving a plan: who allows which of its changes, signed.

An approval is a small JSON file beside the plan (`plan.jsonl.approval`). It names the plan by its digest, says who
approved it and under which ticket, and which changes: all of them, or those that `only` names, without those that
`reject` names, and without what cannot be done without these. It is signed with Ed25519. What was rejected is
remembered in the ledger when the plan is applied: later plans leave it out and say so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provision.apply.keys import is_signed, public_text, sign
from provision.errors import ApprovalError, UsageError
from provision.plan.planfile import Header
from provision.plan.selection import add_dependents, selected
from provision.profile import Profile
from provision.store import Store
from provision.store.files import replace_file
from provision.store.sql import literal

FORMAT_VERSION = "1.0"
TEXTS = ("plan", "tenant", "by", "ticket", "approved_at", "reason", "public_key", "signature")


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval file says. `only` and `reject` are selectors, `reason` is why those of `reject` are refused."""

    plan: str
    tenant: str
    by: str
    ticket: str
    approved_at: str
    only: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    reason: str = ""
    public_key: str = ""
    signature: str = ""

    def text(self) -> bytes:
        """What is signed: everything but the signature."""
        said: dict[str, Any] = {"type": "approval", "format_version": FORMAT_VERSION}
        said |= {name: getattr(self, name) for name in (*TEXTS[:-1], "only", "reject")}
        return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def beside(plan: Path) -> Path:
    """Where the approval of a plan is."""
    return plan.with_name(plan.name + ".approval")


def approve(  # one argument for each thing that an approval says
    header: Header,
    key: Ed25519PrivateKey,
    now: datetime,
    *,
    by: str,
    ticket: str,
    only: Sequence[str] = (),
    reject: Sequence[str] = (),
    reason: str = "",
) -> Approval:
    """A signed approval of the plan with this header. Raises `UsageError` for a rejection without a reason."""
    if reject and not reason.strip():
        raise UsageError("A rejection needs a reason, which later plans repeat.", ["Add --reason TEXT."])
    for name, value in (("--by", by), ("--ticket", ticket)):
        if not value.strip() or not value.isprintable():
            raise UsageError(f"{name} must be a line of text.")
    said = Approval(
        plan=header["digest"],
        tenant=header["tenant"]["id"],
        by=by,
        ticket=ticket,
        approved_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        only=tuple(only),
        reject=tuple(reject),
        reason=reason,
        public_key=public_text(key),
    )
    return replace(said, signature=sign(key, said.text()))


def write_approval(said: Approval, path: Path) -> None:
    """Write it whole, mode 0600."""
    values = {**json.loads(said.text()), "signature": said.signature}
    with replace_file(path) as file:
        file.write(json.dumps(values, ensure_ascii=False, indent=2).encode() + b"\n")


def read_approval(path: Path) -> Approval:
    """The approval in a file. Raises `ApprovalError` where it is none that we can read."""
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise ApprovalError(f"The approval {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or values.get("type") != "approval":
        raise ApprovalError(f"{path} is not an approval.", ["`provision approve PLAN` writes one."])
    if values.get("format_version") != FORMAT_VERSION:
        raise ApprovalError(f"{path} is an approval of a version that this one cannot read.")
    texts = {name: values.get(name) for name in TEXTS}
    lists = {name: values.get(name) for name in ("only", "reject")}
    if not all(isinstance(text, str) for text in texts.values()) or not all(
        isinstance(each, list) and all(isinstance(item, str) for item in each) for each in lists.values()
    ):
        raise ApprovalError(f"{path} is not a whole approval.", ["Approve the plan again."])
    known = {*texts, *lists, "type", "format_version"}
    if values.keys() - known:
        raise ApprovalError(f"{path} says more than was signed.", ["Approve the plan again."])
    return Approval(**texts, **{name: tuple(each or ()) for name, each in lists.items()})  # type: ignore[arg-type]


def verify_approval(said: Approval | None, header: Header, profile: Profile) -> None:
    """Raise `ApprovalError` where the profile wants an approval and there is none, or where the one that is there is
    for another plan, was altered, or is by somebody whom the profile does not name."""
    if said is None:
        if profile.plan.approval == "required":
            raise ApprovalError(
                "The profile requires an approval, and this plan has none; nothing was written.",
                [
                    "Write it with `provision plan --out PLAN.jsonl`.",
                    "Have it signed with `provision approve PLAN.jsonl --by NAME --ticket ID`.",
                    "The approval is looked for beside the plan; --approval FILE names another place.",
                ],
            )
        return
    verify_signature(said, header)
    approvers = profile.plan.approvers
    if approvers and said.public_key not in approvers:
        raise ApprovalError(
            f"The approval was signed with {said.public_key}, which is not among the profile's approvers; "
            "nothing was written.",
            ["Have it approved by one of them, or add the key to approvers under [plan] and plan again."],
        )


def verify_signature(said: Approval, header: Header) -> None:
    """Raise `ApprovalError` where the approval is for another plan, or was altered. Who may sign is not asked."""
    if said.plan != header["digest"] or said.tenant != header["tenant"]["id"]:
        raise ApprovalError("The approval is for another plan; nothing was written.", ["Have this plan approved."])
    if not is_signed(said.public_key, said.signature, said.text()):
        raise ApprovalError(
            "The approval was altered after it was signed; nothing was written.", ["Have the plan approved again."]
        )


# -- which changes


def decide(store: Store, said: Approval) -> dict[str, int]:
    """Set the changes of `run.work` aside that are not approved, with the reason; gives how many are approved,
    rejected, left out, and left out because they need one of those.

    Raises `UsageError` for a selector that names nothing: it would approve more than was meant.
    """
    wanted = " OR ".join(_named(store, selector) for selector in said.only) or "true"
    refused = " OR ".join(_named(store, selector) for selector in said.reject) or "false"
    store.run(f"""
        CREATE OR REPLACE TABLE run.unapproved AS
        SELECT id, CASE WHEN {refused} THEN 'rejected' ELSE 'left out' END AS verdict,
               CASE WHEN {refused} THEN {literal(f"rejected ({said.ticket}): {said.reason}")}
                    ELSE 'not among what was approved' END AS reason
        FROM run.work WHERE ({refused}) OR NOT ({wanted})""")
    needing = "'needs one', 'it needs ' || min(u.id) || ', which was not approved'"
    add_dependents(store, "run.work", "run.unapproved", needing)
    counts = dict.fromkeys(("rejected", "left out", "needs one"), 0)
    for verdict, number in store.rows("SELECT verdict, count(*) FROM run.unapproved GROUP BY verdict"):
        counts[verdict] = int(number)
    return {"approved": int(store.value("SELECT count(*) FROM run.work")) - sum(counts.values())} | counts


def set_aside(store: Store, said: Approval) -> None:
    """Take what is not approved out of the work, and remember what was rejected."""
    decide(store, said)
    store.run("""
        UPDATE run.work w SET state = 'unapproved', error = u.reason
        FROM run.unapproved u WHERE u.id = w.id AND w.state = 'waiting'""")
    with store.transaction():
        store.run(
            "DELETE FROM ledger.rejections WHERE id IN (SELECT id FROM run.unapproved WHERE verdict = 'rejected')"
        )
        store.run(
            """
            INSERT INTO ledger.rejections
            SELECT w.id, CASE WHEN w.action = 'update' THEN w.after::TEXT ELSE '' END, u.reason, ?, ?
            FROM run.unapproved u JOIN run.work w ON w.id = u.id WHERE u.verdict = 'rejected'""",
            [said.by, said.approved_at],
        )


def add_verdicts(store: Store, said: Approval) -> None:
    """Give each change that `run.explained` has an `approval`: its `verdict`, and the `reason` of one that is not
    approved."""
    decide(store, said)
    store.run("""
        UPDATE run.explained e SET line = json_merge_patch(e.line, json_object('approval', v.said))
        FROM (SELECT w.id, CASE WHEN u.id IS NULL THEN json_object('verdict', 'approved')
                                ELSE json_object('verdict', u.verdict, 'reason', u.reason) END AS said
              FROM run.work w LEFT JOIN run.unapproved u ON u.id = w.id) v
        WHERE e.type = 'change' AND (e.line ->> 'id') = v.id""")


def _named(store: Store, selector: str) -> str:
    """SQL for the changes that the selector names, of which there must be some."""
    condition = selected(selector)
    if not store.value(f"SELECT count(*) FROM run.work WHERE {condition}"):
        raise UsageError(f"No change of the plan is named by '{selector}'.", ["`provision show PLAN` lists them."])
    return condition
