"""What earlier runs have just spent of the quota of writes, as the journal knows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from provision.plan.quota import WINDOW
from provision.policy.kinds import bundle_sql
from provision.store import Store


def spent_lately(store: Store, tenant: str, now: datetime) -> list[tuple[float, int]]:
    """The writes of the last window before `now` in the tenant of this id, as (seconds ago, number).

    Those of one second count as late as the last of them, so that no more is taken to be left than there is. What was
    sent and not answered counts as one write for each request: a run that was killed may have had that many on their
    way. Those of one moment went together, and no two of them were bundles of the same object.
    """
    rows = store.rows(
        f"""
        WITH spent AS (
            SELECT run, moment, requests FROM journal.outcomes
            UNION ALL SELECT run, moment, count(DISTINCT {bundle_sql("change_id")}) FROM journal.unsettled
            GROUP BY run, moment)
        SELECT greatest(0, epoch(?::TIMESTAMPTZ) - epoch(max(s.moment))), sum(s.requests)
        FROM spent s JOIN journal.runs r ON r.run = s.run
        WHERE s.moment > ? AND s.requests > 0 AND r.tenant = ?
        GROUP BY floor(epoch(s.moment))""",
        [now, now - timedelta(seconds=WINDOW), tenant],
    )
    return [(float(ago), int(writes)) for ago, writes in rows]
