"""The journal and the ledger.

Intent is durable before a request leaves, the outcome after it returned: both are lines of the `Log` first, which
the store takes over from time to time and whenever a run begins. The ledger is written from confirmed outcomes, in
the same transaction. So a run that is killed at any moment leaves at most intents without outcomes, and those are
looked up in the directory before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

from provision.apply.items import IN_DOUBT, NOT_SENT, Item, Settled
from provision.plan.planfile import Header
from provision.policy.kinds import LINKS, OBJECTS
from provision.profile import Profile
from provision.store import Store
from provision.store.log import Log, log_beside, logged
from provision.store.sql import literals

VALUES_KEPT = 30  # days
MOST_CHANGES = 5_000  # in the log, before the store takes it over


class Journal:
    """The journal of one run."""

    def __init__(self, store: Store, log: Log, run: str) -> None:
        self._store, self._log, self._run = store, log, run

    @classmethod
    @contextmanager
    def begin(cls, store: Store, run: str, header: Header) -> Iterator[Journal]:
        """Open the run. Raises `StateError` where the log cannot be written."""
        with closing(Log(log_of(store))) as log:
            start_run(store, run, header)
            yield cls(store, log, run)

    def intend(self, items: Iterable[Item]) -> None:
        """Make it durable that these changes are about to be sent."""
        self._log.write(self._run, [{**_about(item), "before": item.before, "after": item.after} for item in items])

    def settle(self, settled: Iterable[Settled]) -> bool:
        """Make the outcomes durable; whether the store has taken over all that there was."""
        outcomes = [
            {
                **_about(one.item),
                "status": one.status,
                "object_id": one.object_id or one.item.object_id,
                "error": one.error,
                "requests": one.requests,
            }
            for one in settled
        ]
        self._log.write(self._run, outcomes)
        if self._log.changes < MOST_CHANGES:
            return False
        take_over(self._store, self._log)
        return True

    def finish(self) -> dict[str, int]:
        """Close the run and count its results by status. What was not reached or not answered is skipped.

        `run.results (seq, id, key, status, error, requests)` has a row for each change of the plan.
        """
        store = self._store
        take_over(store, self._log)
        # a table of its own, for an UPDATE of everything that was done takes memory that grows with it
        store.run(
            f"""
            CREATE OR REPLACE TABLE run.results AS
            SELECT w.seq, w.id, w.key,
                   coalesce(o.status, CASE w.state WHEN 'waiting' THEN 'skipped' ELSE w.state END) AS status,
                   CASE WHEN o.status IS NOT NULL THEN o.error
                        WHEN w.state <> 'waiting' THEN w.error
                        WHEN w.id IN (SELECT change_id FROM journal.unsettled) THEN '{IN_DOUBT}'
                        ELSE '{NOT_SENT}' END AS error,
                   coalesce(o.requests, 0) AS requests
            FROM run.work w LEFT JOIN journal.outcomes o ON o.run = ? AND o.change_id = w.id""",
            [self._run],
        )
        rows = store.rows("SELECT status, count(*) FROM run.results GROUP BY 1")
        counts = {str(status): int(number) for status, number in rows}
        store.run(
            "UPDATE journal.runs SET finished = ?, done = ?, failed = ?, skipped = ?, stale = ? WHERE run = ?",
            [_now(), *(counts.get(status, 0) for status in ("done", "failed", "skipped", "stale")), self._run],
        )
        return counts


def _about(item: Item) -> dict[str, object]:
    return {
        "change_id": item.id,
        "kind": item.kind,
        "action": item.action,
        "key": item.key,
        "object_id": item.object_id,
        "left_key": item.left_key,
        "right_key": item.right_key,
        "left_id": item.left_id,
        "right_id": item.right_id,
        "role": item.role,
    }


def log_of(store: Store) -> Path:
    """Where the log of a store lies that has a file."""
    if store.path is None:
        raise ValueError("a store without a file has no journal")
    return log_beside(store.path)


def catch_up(store: Store) -> None:
    """Let the store take over what an earlier run, killed or cut short, left in its log."""
    path = log_of(store)
    if path.exists() and path.stat().st_size:
        with closing(Log(path)) as log:
            take_over(store, log)


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

    def record() -> None:
        store.run(
            """
            CREATE OR REPLACE TEMP TABLE settled AS
            SELECT ? AS run, w.id, w.state AS status, w.object_id, w.kind, w.action, w.key, w.left_key, w.right_key,
                   coalesce(w.left_id, l.object_id) AS left_id, coalesce(w.right_id, r.object_id) AS right_id, w.role,
                   w.error, 0::BIGINT AS requests, ?::TIMESTAMPTZ AS moment
            FROM run.work w
            LEFT JOIN ledger.objects l ON l.key = w.left_key
            LEFT JOIN ledger.objects r ON r.key = w.right_key
            WHERE w.state <> 'waiting' AND w.id NOT IN (SELECT id FROM run.done_before)""",
            [run, _now()],
        )
        _record(store)

    store.at_once(record)


def take_over(store: Store, log: Log) -> None:
    """Move what the log says to the journal and the ledger, all of it or nothing."""
    name = log.name
    if name is None:
        log.empty()
        return
    if store.value("SELECT count(*) FROM journal.taken_over WHERE log = ?", [name]) == 0:

        def move() -> None:
            store.run(f"CREATE OR REPLACE TEMP TABLE logged AS FROM {logged(log.path)}")
            store.run("""
                INSERT INTO journal.intents
                SELECT run, change_id, kind, action, key, object_id, left_key, right_key, left_id, right_id, role,
                       moment, before::JSON, after::JSON
                FROM logged WHERE status IS NULL""")
            store.run("""
                CREATE OR REPLACE TEMP TABLE settled AS
                SELECT * EXCLUDE (change_id, before, after), change_id AS id FROM logged WHERE status IS NOT NULL""")
            _record(store)
            store.run("DELETE FROM journal.taken_over")
            store.run("INSERT INTO journal.taken_over VALUES (?)", [name])

        store.at_once(move)
    log.empty()


_OBJECTS = literals(kind.name for kind in OBJECTS)
_LINKS = literals(kind.name for kind in LINKS)
_MADE = f"status = 'done' AND kind IN {_OBJECTS}"
# a removal that somebody else was quicker with leaves nothing of ours behind either
_ENDED = f"(status = 'done' OR action = 'remove' AND status = 'stale') AND kind IN {_LINKS}"


def _record(store: Store) -> None:
    """The rows of the table `settled` as outcomes, and what they say is ours from now on, or no longer."""
    store.run("""
        INSERT INTO journal.outcomes SELECT run, id, status, object_id, error, requests, moment FROM settled""")
    # somebody thought better of it
    store.run("DELETE FROM ledger.rejections WHERE id IN (SELECT id FROM settled WHERE status = 'done')")
    store.run("DELETE FROM planned.passwords WHERE key IN (SELECT key FROM settled WHERE status = 'done')")
    store.run(f"DELETE FROM ledger.objects WHERE key IN (SELECT key FROM settled WHERE {_MADE})")
    store.run(f"""
        INSERT INTO ledger.objects
        SELECT kind, key, arg_max(object_id, moment), arg_max(run, moment) FROM settled WHERE {_MADE}
        GROUP BY kind, key""")
    store.run(f"DELETE FROM ledger.links WHERE key IN (SELECT key FROM settled WHERE {_ENDED})")
    store.run(f"""
        INSERT INTO ledger.links
        SELECT kind, key, left_key, right_key, left_id, right_id, role, run
        FROM settled WHERE status = 'done' AND action = 'add' AND kind IN {_LINKS}""")


def remember(store: Store, profile: Profile, header: Header, run: str) -> None:
    """Let the ledger take over what this plan was made from: the roster's files and counts, the objects that were
    matched, the links as the plan corrected them.

    A plan that was made with another state folder left nothing here but the list of its files. One that was cut down
    to a part says nothing of the rest: the whole is measured by the last whole plan.
    """
    digest = header["digest"]

    def take() -> None:
        store.run("DELETE FROM ledger.profile")
        store.run("INSERT INTO ledger.profile VALUES (?, ?)", [profile.name, header["tenant"]["id"]])
        if header.get("only") or header.get("undoes"):
            return
        store.run("DELETE FROM ledger.roster_files")
        store.insert(
            "ledger.roster_files", ("file", "records"), [(f["file"], f["records"]) for f in header["roster"]["files"]]
        )
        if store.value("SELECT count(*) FROM planned.plans WHERE digest = ?", [digest]):
            _take_over_plan(store, digest, run)

    store.at_once(take)


def _take_over_plan(store: Store, digest: str, run: str) -> None:
    store.run("DELETE FROM ledger.roster_counts")
    store.run(
        "INSERT INTO ledger.roster_counts SELECT entity, school, records FROM planned.roster_counts WHERE digest = ?",
        [digest],
    )
    # what this run has just written is newer than what it was planned from
    ours = "(SELECT key FROM run.results WHERE status IN ('done', 'stale'))"
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
