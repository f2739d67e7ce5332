"""The changes of a plan on their way, and what they are for the writer and for the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.apply.writer import Outcome, Reference, Write

NOT_SENT = "the run was cut short before it was sent"
NOT_AGAIN = "the run was cut short before it was sent again; nothing was done"
IN_DOUBT = "the run was cut short: it may have been sent, and no answer is known; the next run looks"


@dataclass(slots=True)
class Item:
    """One change of the plan, with the object ids that this run learns."""

    id: str
    kind: str
    action: str
    key: str
    object_id: str | None
    values: Mapping[str, Any]
    """`after` of an object, or the two ends of a link."""
    before: str | None
    """The values that an update replaces and writes, as JSON: what an undo needs."""
    after: str | None
    left_key: str | None
    right_key: str | None
    left_id: str | None
    right_id: str | None
    role: str | None
    depends_on: tuple[str, ...]
    blocked_by: str | None
    """A dependency that was not done, so that this change cannot be."""
    attempted: bool
    """An earlier run sent it."""
    password: str | None
    """The one that the roster gives to an account that is to be made."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one change: `status` as in a results line."""

    item: Item
    status: str
    object_id: str | None
    error: str | None
    requests: int


def skip_blocked(item: Item) -> Settled:
    """The result of a change whose dependency was not done."""
    return Settled(item, "skipped", None, f"it needs {item.blocked_by}, which was not done", 0)


def to_write(items: Sequence[Item], password: str | None) -> Write:
    """The write of one unit: an object, or the references of one object."""
    first = items[0]
    if first.action in ("create", "update"):
        return Write(
            first.kind, first.action, first.key, first.object_id, first.values,
            password=password, attempted=first.attempted,
        )  # fmt: skip
    references = tuple(
        Reference(item.kind, item.right_id or "", tuple(item.values.get("disabled_plans") or ())) for item in items
    )
    return Write(first.kind, first.action, first.key, first.left_id, references=references)


def to_result(item: Item, outcome: Outcome) -> Settled | None:
    """The result of one change, if it is known. A link that was there before is somebody else's, unless we had sent
    it."""
    if outcome.status == "open":
        return None
    if outcome.status == "halted":
        return Settled(item, "skipped", None, NOT_AGAIN if outcome.requests else NOT_SENT, outcome.requests)
    if outcome.status == "already" and not item.attempted:
        told = "there" if item.action == "add" else "gone"
        return Settled(item, "stale", None, f"it was {told} already: somebody else did it", outcome.requests)
    status = "failed" if outcome.status == "failed" else "done"
    return Settled(item, status, outcome.object_id or item.object_id, outcome.error, outcome.requests)
