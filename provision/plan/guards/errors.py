"""Guard: a roster of which many records are in error; what they speak of is held, but so much is suspicious."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT 'records in error',
               (SELECT count(DISTINCT (file, record)) FROM roster.findings WHERE severity = 'error'),
               (SELECT coalesce(sum(records), 0) FROM roster.files)""")  # fmt: skip


GUARD = Guard("errors", "records of the roster with an error, against all records", _measure)
