"""From rows of work to writes, and from the writer's outcomes back to results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.apply.journal import Settled
from provision.apply.queue import Unit
from provision.apply.writer import Outcome, Reference, Write
from provision.store import Store
from provision.store.sql import literals


@dataclass(frozen=True, slots=True)
class Item:
    """One change of the plan, with the object ids that this run has learnt."""

    id: str
    kind: str
    action: str
    key: str
    object_id: str | None
    values: Mapping[str, Any]
    """`after` of an object, or the two ends of a link."""
    left_id: str | None
    right_id: str | None
    blocked_by: str | None
    """A dependency that was not done, so that this change cannot be."""
    attempted: bool
    """An earlier run sent it."""


def items_of(store: Store, units: Sequence[Unit]) -> dict[int, list[Item]]:
    """The waiting changes of these units, by unit."""
    numbers = ", ".join(str(unit.number) for unit in units)
    rows = store.rows(f"""
        SELECT u.unit, w.id, w.kind, w.action, w.key, w.object_id, coalesce(w.after, w.before)::TEXT,
               coalesce(w.left_id, l.object_id), coalesce(w.right_id, r.object_id), b.id,
               w.id IN (SELECT id FROM run.attempted)
        FROM run.unit_of u
        JOIN run.work w ON w.id = u.id
        LEFT JOIN ledger.objects l ON l.key = w.left_key
        LEFT JOIN ledger.objects r ON r.key = w.right_key
        LEFT JOIN (SELECT d.item, min(d.needed) AS id
                   FROM (SELECT id AS item, unnest(depends_on) AS needed FROM run.work
                         WHERE id IN (SELECT id FROM run.unit_of WHERE unit IN ({numbers}))) d
                   JOIN run.work n ON n.id = d.needed AND n.state <> 'done'
                   GROUP BY d.item) b ON b.item = w.id
        WHERE u.unit IN ({numbers}) AND w.state = 'waiting'
        ORDER BY u.unit, w.seq""")
    items: dict[int, list[Item]] = {}
    for unit, id_, kind, action, key, object_id, values, left, right, blocked, attempted in rows:
        item = Item(id_, kind, action, key, object_id, json.loads(values), left, right, blocked, attempted)
        items.setdefault(int(unit), []).append(item)
    return items


def skip_blocked(item: Item) -> Settled:
    """The result of a change whose dependency was not done."""
    return Settled(item.id, "skipped", None, f"it needs {item.blocked_by}, which was not done", 0)


def to_write(items: Sequence[Item], password: str | None) -> Write:
    """The write of one unit: an object, or the references of one object."""
    first = items[0]
    if first.action in ("create", "update"):
        return Write(first.kind, first.action, first.key, first.object_id, first.values, password=password)
    references = tuple(
        Reference(item.kind, item.right_id or "", tuple(item.values.get("disabled_plans") or ())) for item in items
    )
    return Write(first.kind, first.action, first.key, first.left_id, references=references)


def to_result(item: Item, outcome: Outcome) -> Settled:
    """The result of one change. A link that was there before is somebody else's, unless we had sent it."""
    if outcome.status == "already" and not item.attempted:
        told = "there" if item.action == "add" else "gone"
        return Settled(item.id, "stale", None, f"it was {told} already: somebody else did it", outcome.requests)
    status = "failed" if outcome.status == "failed" else "done"
    return Settled(item.id, status, outcome.object_id or item.object_id, outcome.error, outcome.requests)


def roster_passwords(store: Store, keys: Sequence[str]) -> dict[str, str]:
    """The Password column of the roster, for these users."""
    if not keys:
        return {}
    rows = store.rows(f"SELECT key, password FROM planned.passwords WHERE key IN {literals(keys)}")
    return {str(key): str(password) for key, password in rows}
