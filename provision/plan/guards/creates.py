"""Guard: a run that makes many new objects of a kind, as a roster with changed ids does."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.profile import Bounds
from provision.store import Store


def _measure(store: Store) -> list[Measure]:
    return measures(store, """
        SELECT kind || ' create', count(*), (SELECT count(*) FROM ledger.objects l WHERE l.kind = c.kind)
        FROM run.changes c WHERE action = 'create' GROUP BY kind ORDER BY kind""")  # fmt: skip


def _silent(store: Store, _bounds: Bounds) -> str | None:
    known = store.value("SELECT count(*) FROM ledger.objects")
    return None if known else "the ledger is empty, so this is a first run: creates are not judged"


GUARD = Guard("creates", "new objects of a kind, against those we know", _measure, _silent)
