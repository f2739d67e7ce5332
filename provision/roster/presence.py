"""Unreadable is not empty: a file that had records last time and has none now stops the run."""

from __future__ import annotations

from provision.errors import RosterError
from provision.store import Store

# packages of changes come and go: monday.zip/users.csv is a users.csv
_BY_NAME = "SELECT regexp_replace(file, '^.*/', '') AS file, sum(records)::BIGINT AS records FROM {} GROUP BY 1"
_GONE = f"""
    SELECT l.file, l.records, f.file IS NULL
    FROM ({_BY_NAME.format("ledger.roster_files")}) l
    LEFT JOIN ({_BY_NAME.format("roster.files")}) f ON lower(f.file) = lower(l.file)
    WHERE l.records > 0 AND coalesce(f.records, 0) = 0 ORDER BY l.file"""


def missing_files(store: Store, accept: frozenset[str]) -> list[str]:
    """The files that had records at the last good run and are missing or empty now, all of them accepted by
    name.

    Raises `RosterError` naming every such file that is not in `accept`, with the flag that would accept it.
    """
    accepted = {name.lower() for name in accept}
    gone = store.rows(_GONE)
    refused = [row for row in gone if row[0].lower() not in accepted]
    if refused:
        raise RosterError(
            "Files that the roster had last time are missing or empty now; nobody is taken for gone because of that.",
            [
                f"{file} {'is missing' if missing else 'has no records'} and had {records:,} last time. "
                f"Export it again, or give --accept-missing {file} if that is right."
                for file, records, missing in refused
            ],
        )
    return [row[0] for row in gone]
