"""Loading and checking a roster, as every command does it first.

python -m bench.load ROSTER STATE
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cost import measured

from provision.formats import load_roster
from provision.roster.fill import ENTITIES
from provision.roster.options import RosterOptions
from provision.store import open_store

GROUPS = frozenset({"students", "staff"})
OPTIONS = RosterOptions(names_required=GROUPS, usernames_required=GROUPS)


def main(folder: Path, state: Path) -> None:
    with measured() as counts:
        store = open_store(state, "bench")
        load_roster(store, folder, OPTIONS)
        counts["faults"] = store.value("SELECT count(*) FROM roster.findings WHERE severity = 'error'")
        counts["rows"] = sum(store.value(f"SELECT count(*) FROM roster.{table}") for table in ENTITIES)
        store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
