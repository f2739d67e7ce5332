"""The journal and the ledger.

Intent is durable before a request leaves, the outcome after it returned; the ledger is written from confirmed
outcomes, in the same transaction. So a run that is killed at any moment leaves at most intents without outcomes,
and those are looked up in the directory before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from provision.plan.guards.roster_shrinks import COUNTS
from provision.plan.planfile import Header
from provision.policy.kinds import LINKS, OBJECTS
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literals


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one change: `status` as in a results line."""

    id: str
    status: str
    object_id: str | None
    error: str | None
    requests: int


def start_run(store: Store, run: str, header: Header) -> None:
    """Open a run, and settle what the staleness check found done by an interrupted one."""
    store.run(
        "INSERT INTO journal.runs VALUES (?, ?, ?, ?, NULL, 0, 0, 0, 0)",
        [run, header["digest"], header["tenant"]["id"], _now()],
    )
    found = store.rows("""
        SELECT w.id, w.object_id FROM run.work w
        WHERE w.state = 'done' AND w.id NOT IN (SELECT change_id FROM journal.outcomes WHERE status = 'done')""")
    record_outcomes(store, run, [Settled(id_, "done", object_id, None, 0) for id_, object_id in found])


def record_intents(store: Store, run: str, ids: Sequence[str]) -> None:
    """Make it durable that these changes are about to be sent."""
    with store.transaction():
        store.run(
            f"""
            INSERT INTO journal.intents
            SELECT ?, w.id, w.kind, w.action, w.key, w.object_id, w.left_key, w.right_key,
                   coalesce(w.left_id, l.object_id), coalesce(w.right_id, r.object_id), w.role, ?
            FROM run.work w
            LEFT JOIN ledger.objects l ON l.key = w.left_key
            LEFT JOIN ledger.objects r ON r.key = w.right_key
            WHERE w.id IN {literals(ids)}""",
            [run, _now()],
        )


def record_outcomes(store: Store, run: str, settled: Sequence[Settled]) -> None:
    """Make the outcomes durable, and the ledger with them."""
    if not settled:
        return
    with store.transaction():
        store.run(
            "CREATE OR REPLACE TEMP TABLE settled (id TEXT, status TEXT, object_id TEXT, error TEXT, spent BIGINT)"
        )
        store.insert(
            "settled",
            ("id", "status", "object_id", "error", "spent"),
            [(s.id, s.status, s.object_id, s.error, s.requests) for s in settled],
        )
        store.run(
            "INSERT INTO journal.outcomes SELECT ?, id, status, object_id, error, spent, ? FROM settled",
            [run, _now()],
        )
        store.run("""
            UPDATE run.work w SET state = s.status, error = s.error, spent = s.spent,
                                  object_id = coalesce(w.object_id, s.object_id)
            FROM settled s WHERE s.id = w.id""")
        _write_ledger(store, run)


def _write_ledger(store: Store, run: str) -> None:
    objects = literals(kind.name for kind in OBJECTS)
    done = "FROM run.work w JOIN settled s ON s.id = w.id WHERE s.status = 'done'"
    store.run(f"DELETE FROM ledger.objects WHERE key IN (SELECT w.key {done} AND w.kind IN {objects})")
    store.run(f"INSERT INTO ledger.objects SELECT w.kind, w.key, w.object_id, ? {done} AND w.kind IN {objects}", [run])
    links = literals(kind.name for kind in LINKS)
    store.run(f"DELETE FROM ledger.links WHERE key IN (SELECT w.key {done} AND w.kind IN {links})")
    store.run(
        """
        INSERT INTO ledger.links
        SELECT w.kind, w.key, w.left_key, w.right_key, coalesce(w.left_id, l.object_id),
               coalesce(w.right_id, r.object_id), w.role, ?
        FROM run.work w JOIN settled s ON s.id = w.id
        LEFT JOIN ledger.objects l ON l.key = w.left_key
        LEFT JOIN ledger.objects r ON r.key = w.right_key
        WHERE s.status = 'done' AND w.action = 'add'""",
        [run],
    )


def finish_run(store: Store, run: str) -> dict[str, int]:
    """Close the run and count its results by status."""
    rows = store.rows("SELECT state, count(*) FROM run.work GROUP BY 1")
    counts = {str(state): int(number) for state, number in rows}
    store.run(
        "UPDATE journal.runs SET finished = ?, done = ?, failed = ?, skipped = ?, stale = ? WHERE run = ?",
        [_now(), *(counts.get(state, 0) for state in ("done", "failed", "skipped", "stale")), run],
    )
    return counts


def remember(store: Store, profile: Profile, header: Header, run: str) -> None:
    """Keep what this plan was made from: the roster's counts, its files, and the objects that were matched.

    Only while the store still holds the tables of this plan; a plan that was overtaken by a later one changes
    nothing here. What the planner adopted (`sections.adopt_members`) counts as put there by the roster from now on.
    """
    if store.value("SELECT digest FROM run.planned") != header["digest"]:
        return
    with store.transaction():
        store.run("DELETE FROM ledger.profile")
        store.run("INSERT INTO ledger.profile VALUES (?, ?)", [profile.name, header["tenant"]["id"]])
        store.run("DELETE FROM ledger.roster_counts")
        store.run(f"INSERT INTO ledger.roster_counts {COUNTS}")
        store.run("DELETE FROM ledger.roster_files")
        store.run("INSERT INTO ledger.roster_files SELECT file, records FROM roster.files")
        store.run(
            "INSERT INTO ledger.links SELECT 'member', key, left_key, right_key, left_id, right_id, role, ? "
            "FROM run.adopted WHERE key NOT IN (SELECT key FROM ledger.links WHERE kind = 'member')",
            [run],
        )
        for kind in OBJECTS:
            matched = f"FROM {kind.desired} WHERE object_id IS NOT NULL"
            store.run(f"DELETE FROM ledger.objects WHERE key IN (SELECT key {matched})")
            store.run(f"INSERT INTO ledger.objects SELECT '{kind.name}', key, object_id, ? {matched}", [run])


def _now() -> datetime:
    return datetime.now(timezone.utc)
