"""The journal and the ledger.

Intent is durable before a request leaves, the outcome after it returned; the ledger is written from confirmed
outcomes, in the same transaction. So a run that is killed at any moment leaves at most intents without outcomes,
and those are looked up in the directory before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from provision.plan.planfile import Header
from provision.policy.kinds import LINKS, OBJECTS
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literals

VALUES_KEPT = 30  # days


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one change: `status` as in a results line."""

    id: str
    status: str
    object_id: str | None
    error: str | None
    requests: int


def start_run(store: Store, run: str, header: Header) -> None:
    """Open a run, and record what the staleness check has settled without a request. Values that an undo would put
    back are kept for `VALUES_KEPT` days: they tell of children."""
    store.run(
        "UPDATE journal.intents SET before = NULL, after = NULL WHERE moment < ? AND after IS NOT NULL",
        [_now() - timedelta(days=VALUES_KEPT)],
    )
    store.run(
        "INSERT INTO journal.runs VALUES (?, ?, ?, ?, NULL, 0, 0, 0, 0)",
        [run, header["digest"], header["tenant"]["id"], _now()],
    )
    found = store.rows("""
        SELECT w.id, w.state, w.object_id, w.error FROM run.work w
        WHERE w.state <> 'waiting' AND w.id NOT IN (SELECT id FROM run.done_before)""")
    record_outcomes(store, run, [Settled(id_, state, object_id, error, 0) for id_, state, object_id, error in found])


def record_intents(store: Store, run: str, ids: Sequence[str]) -> None:
    """Make it durable that these changes are about to be sent."""
    with store.transaction():
        store.run(
            f"""
            INSERT INTO journal.intents
            SELECT ?, w.id, w.kind, w.action, w.key, w.object_id, w.left_key, w.right_key,
                   coalesce(w.left_id, l.object_id), coalesce(w.right_id, r.object_id), w.role, ?,
                   CASE WHEN w.action = 'update' THEN w.before END, CASE WHEN w.action = 'update' THEN w.after END
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
    lists = [[getattr(one, name) for one in settled] for name in ("id", "status", "object_id", "error", "requests")]
    with store.transaction():
        store.run(
            """
            CREATE OR REPLACE TEMP TABLE settled AS
            SELECT s.id, s.status, s.error, s.spent, coalesce(w.object_id, s.object_id) AS object_id,
                   s.object_id AS answered, w.kind, w.action, w.key, w.left_key, w.right_key, w.left_id, w.right_id,
                   w.role
            FROM (SELECT unnest(?::TEXT[]) AS id, unnest(?::TEXT[]) AS status, unnest(?::TEXT[]) AS object_id,
                         unnest(?::TEXT[]) AS error, unnest(?::BIGINT[]) AS spent) s
            LEFT JOIN run.work w ON w.id = s.id""",
            lists,
        )
        store.run(
            "INSERT INTO journal.outcomes SELECT ?, id, status, answered, error, spent, ? FROM settled",
            [run, _now()],
        )
        store.run("""
            UPDATE run.work w SET state = s.status, error = s.error, spent = s.spent, object_id = s.object_id
            FROM settled s WHERE s.id = w.id""")
        _write_ledger(store, run)


_OBJECTS = literals(kind.name for kind in OBJECTS)
_LINKS = literals(kind.name for kind in LINKS)
_MADE = f"status = 'done' AND kind IN {_OBJECTS}"
# a removal that somebody else was quicker with leaves nothing of ours behind either
_ENDED = f"(status = 'done' OR action = 'remove' AND status = 'stale') AND kind IN {_LINKS}"


def _write_ledger(store: Store, run: str) -> None:
    """What the table `settled` says is ours from now on, or no longer. What it says nothing of is not looked at."""
    made, ended, rejected, passwords = store.rows(f"""
        SELECT coalesce(bool_or({_MADE}), false), coalesce(bool_or({_ENDED}), false),
               EXISTS (FROM ledger.rejections), EXISTS (FROM planned.passwords) FROM settled""")[0]
    if rejected:  # somebody thought better of it
        store.run("DELETE FROM ledger.rejections WHERE id IN (SELECT id FROM settled WHERE status = 'done')")
    if passwords:
        store.run("DELETE FROM planned.passwords WHERE key IN (SELECT key FROM settled WHERE status = 'done')")
    if made:
        store.run(f"DELETE FROM ledger.objects WHERE key IN (SELECT key FROM settled WHERE {_MADE})")
        store.run(f"INSERT INTO ledger.objects SELECT kind, key, object_id, ? FROM settled WHERE {_MADE}", [run])
    if ended:
        store.run(f"DELETE FROM ledger.links WHERE key IN (SELECT key FROM settled WHERE {_ENDED})")
        store.run(
            f"""
            INSERT INTO ledger.links
            SELECT s.kind, s.key, s.left_key, s.right_key, coalesce(s.left_id, l.object_id),
                   coalesce(s.right_id, r.object_id), s.role, ?
            FROM settled s
            LEFT JOIN ledger.objects l ON l.key = s.left_key
            LEFT JOIN ledger.objects r ON r.key = s.right_key
            WHERE s.status = 'done' AND s.action = 'add' AND s.kind IN {_LINKS}""",
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
    """Let the ledger take over what this plan was made from: the roster's files and counts, the objects that were
    matched, the links as the plan corrected them.

    A plan that was made with another state folder left nothing here but the list of its files. One that was cut down
    to a part says nothing of the rest: the whole is measured by the last whole plan.
    """
    digest = header["digest"]
    with store.transaction():
        store.run("DELETE FROM ledger.profile")
        store.run("INSERT INTO ledger.profile VALUES (?, ?)", [profile.name, header["tenant"]["id"]])
        if header.get("only") or header.get("undoes"):
            return
        store.run("DELETE FROM ledger.roster_files")
        store.insert(
            "ledger.roster_files", ("file", "records"), [(f["file"], f["records"]) for f in header["roster"]["files"]]
        )
        if store.value("SELECT count(*) FROM planned.plans WHERE digest = ?", [digest]):
            _take_over(store, digest, run)


def _take_over(store: Store, digest: str, run: str) -> None:
    store.run("DELETE FROM ledger.roster_counts")
    store.run(
        "INSERT INTO ledger.roster_counts SELECT entity, school, records FROM planned.roster_counts WHERE digest = ?",
        [digest],
    )
    # what this run has just written is newer than what it was planned from
    ours = "(SELECT key FROM run.work WHERE state IN ('done', 'stale'))"
    others = "(SELECT name FROM run.others)"  # an account of theirs was matched, and is not ours for that
    objects = f"FROM planned.objects WHERE digest = ? AND key NOT IN {ours} AND object_id NOT IN {others}"
    store.run(f"DELETE FROM ledger.objects WHERE key IN (SELECT key {objects})", [digest])
    store.run(f"INSERT INTO ledger.objects SELECT kind, key, object_id, ? {objects}", [run, digest])
    links = f"FROM planned.links p WHERE p.digest = ? AND p.was NOT IN {ours} AND coalesce(p.key, '') NOT IN {ours}"
    store.run(f"DELETE FROM ledger.links WHERE key IN (SELECT p.was {links})", [digest])
    store.run(
        f"INSERT INTO ledger.links SELECT kind, key, left_key, right_key, left_id, right_id, role, ? {links} "
        "AND p.key IS NOT NULL AND p.key NOT IN (SELECT key FROM ledger.links)",
        [run, digest],
    )
    for table in ("roster_files", "roster_counts", "objects", "links", "plans"):
        store.run(f"DELETE FROM planned.{table} WHERE digest = ?", [digest])


def _now() -> datetime:
    return datetime.now(timezone.utc)
