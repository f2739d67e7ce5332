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
    """Where a first run makes more accounts than it finds, beside half as many of nobody, `match` may look for the
    wrong ones."""
    if store.value("SELECT count(*) FROM ledger.objects"):
        return None
    [(made, found, there)] = store.rows("""
        SELECT (SELECT count(*) FROM run.changes WHERE kind = 'user' AND action = 'create'),
               (SELECT count(object_id) FROM desired.users),
               (SELECT count(*) FROM current.users)""")
    others = there - found  # one to one
    said = "the ledger is empty, so this is a first run: creates are not judged"
    if made <= found or 2 * others < made:
        return said
    return (
        f"{said}. {made:,} accounts would be made, and Microsoft 365 has {others:,} that nobody in this roster was "
        "matched with: see `provision match report` before you apply"
    )


GUARD = Guard("creates", "new objects of a kind, against those we know", _measure, _silent)
