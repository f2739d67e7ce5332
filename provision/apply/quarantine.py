"""Changes that fail again and again are left alone for a while, and said so: nobody reads a list that is always there.

A change that failed in each of the last `FAILURES` runs that sent it is not sent for `REST`, unless it is asked for by
name. What needs it is skipped with it; all else goes on.
"""

from __future__ import annotations

from collections.abc import Collection

from provision.errors import UsageError
from provision.store import Store
from provision.store.sql import literals

FAILURES = 3  # runs
REST = "3 days"


def failing(store: Store) -> None:
    """Make `run.failing (id, key, error, until)`: what is left alone now."""
    store.run(f"""
        CREATE OR REPLACE TABLE run.failing AS
        WITH per_run AS (
            SELECT change_id, run, arg_max(status, moment) AS status, arg_max(error, moment) AS error,
                   max(moment) AS moment
            FROM journal.outcomes WHERE status IN ('done', 'failed') GROUP BY change_id, run
        ), lately AS (
            SELECT * FROM per_run
            WHERE change_id IN (SELECT change_id FROM per_run WHERE status = 'failed')
            QUALIFY row_number() OVER (PARTITION BY change_id ORDER BY moment DESC) <= {FAILURES}
        )
        SELECT change_id AS id, substr(change_id, instr(change_id, ':') + 1) AS key,
               arg_max(error, moment) AS error, max(moment) + INTERVAL {REST} AS until
        FROM lately GROUP BY change_id
        HAVING count(*) = {FAILURES} AND bool_and(status = 'failed') AND until > now()""")


def set_failing_aside(store: Store, retry: Collection[str]) -> None:
    """Take what keeps failing out of the work. `retry` has the keys (or ids) to send all the same.

    Raises `UsageError` for one that is not set aside.
    """
    failing(store)
    for key in sorted(retry):
        if not store.value("SELECT count(*) FROM run.failing WHERE id = ?1 OR key = ?1", [key]):
            raise UsageError(f"--retry {key}: nothing is set aside by this key.", ["`provision status` has the keys."])
    store.run(f"""
        UPDATE run.work w SET state = 'skipped',
            error = 'it failed in the last {FAILURES} runs and is left alone until ' || strftime(f.until, '%Y-%m-%d')
                    || ' (--retry ' || f.key || ' sends it now): ' || f.error
        FROM run.failing f
        WHERE f.id = w.id AND w.state = 'waiting'
          AND f.id NOT IN {literals(sorted(retry))} AND f.key NOT IN {literals(sorted(retry))}""")
