"""The results file: a JSON line per change, in the plan's order."""

from __future__ import annotations

from pathlib import Path

from provision.store import Store
from provision.store.files import replace_file

LINES = """
    SELECT json_object('id', id, 'status', state, 'error', error, 'requests', spent)::TEXT
    FROM run.work ORDER BY seq"""


def write_results(store: Store, path: Path) -> None:
    """Write `path` whole, mode 0600: `{"id", "status": "done|failed|skipped|stale", "error", "requests"}`."""
    with replace_file(path) as file:
        for (line,) in store.stream(LINES):
            file.write(line.encode() + b"\n")
