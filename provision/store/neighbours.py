"""The ledgers of other profiles whose state lies in the same folder."""

from __future__ import annotations

from pathlib import Path

import duckdb

from provision.errors import Locked, StateError
from provision.store.database import Store
from provision.store.log import log_beside, logged
from provision.store.schema import MIGRATIONS
from provision.store.sql import literal


def read_neighbours(store: Store) -> None:
    """Make `run.others (kind, name, profile)`: what other profiles of the tenant in `current.tenant` have made or taken
    over, by object id and by key.

    Their files are read and never written. What this profile's ledger has too, from before anybody looked, is that
    profile's whose name comes first. Raises `Locked` while a run of another profile goes on, and `StateError` where a
    file cannot be read: what we cannot read is not taken for empty.
    """
    store.run("CREATE OR REPLACE TABLE run.others (kind TEXT, name TEXT, profile TEXT)")
    if store.path is not None:
        for path in sorted(store.path.parent.glob("*.duckdb")):
            if path != store.path:
                _read(store, store.path.stem, path)


def _read(store: Store, own: str, path: Path) -> None:
    try:
        store.run(f"ATTACH {literal(str(path))} AS neighbour (READ_ONLY)")
        try:
            version = store.value("SELECT coalesce(max(version), 0) FROM neighbour.run.schema_version")
            if version > len(MIGRATIONS):
                raise StateError(
                    f"The state file {path} was written by a newer version of provision (schema {version}).",
                    ["Run that version, or move the file away if its profile is no longer in use."],
                )
            store.run(_TAKE, {"own": own, "profile": path.stem})
            if log_beside(path).exists():  # of a run that was cut short, and that nobody has taken up yet
                store.run(_TAKE_LOGGED.format(logged(log_beside(path))), {"profile": path.stem})
        finally:
            store.run("DETACH neighbour")
    except duckdb.Error as error:
        if "could not set lock" in str(error).lower():
            raise Locked(
                f"A run of the profile '{path.stem}', whose state is in the same folder, goes on.",
                ["Wait for it to end: what it has made must be known, so that no two profiles write one object."],
            ) from None
        raise StateError(
            f"The state file {path} of another profile cannot be read.",
            [
                str(error).splitlines()[0],
                "What that profile has made must be known, so that no two profiles write one object.",
                "Mend the file, or move it away if its profile is no longer in use.",
            ],
        ) from None


_TAKE = """
    INSERT INTO run.others
    SELECT o.kind, unnest(CASE WHEN o.kind = 'school_group' THEN [o.object_id] ELSE [o.object_id, o.key] END), $profile
    FROM neighbour.ledger.objects o
    WHERE o.object_id IS NOT NULL
      AND coalesce((SELECT min(tenant) FROM neighbour.ledger.profile),
                   (SELECT arg_max(tenant, started) FROM neighbour.journal.runs)) IN (SELECT id FROM current.tenant)
      AND NOT ($own < $profile AND o.object_id IN (SELECT object_id FROM ledger.objects))"""
_TAKE_LOGGED = """
    INSERT INTO run.others
    SELECT kind, unnest(CASE WHEN kind = 'school_group' THEN [object_id] ELSE [object_id, key] END), $profile
    FROM {} WHERE action = 'create' AND status = 'done'"""
"""A key tells of what was deleted by hand. Every profile has school groups of its own under the same keys."""
