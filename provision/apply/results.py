"""The results file: a JSON line per change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from provision.apply.items import Settled
from provision.errors import ProvisionError
from provision.store import Store
from provision.store.files import replace_file

LINES = """
    SELECT json_object('id', id, 'status', status, 'error', error, 'requests', requests)::TEXT
    FROM run.results ORDER BY seq"""


class ResultsFile:
    """`{"id", "status": "done|failed|skipped|stale|unapproved", "error", "requests"}`, mode 0600.

    While the run goes on it grows by a line for each change that is settled; in the end it is replaced by all lines,
    in the plan's order.
    """

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path, self._file = path, file

    def add(self, settled: Iterable[Settled]) -> None:
        """The next results, for whoever watches."""
        try:
            for one in settled:
                line = {"id": one.item.id, "status": one.status, "error": one.error, "requests": one.requests}
                self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise ProvisionError(f"{self._path} cannot be written: {error.strerror or error}.") from None

    def finish(self, store: Store) -> None:
        """All of `run.results`."""
        with replace_file(self._path) as file:
            for (line,) in store.stream(LINES):
                file.write(line.encode() + b"\n")


class NoResultsFile(ResultsFile):
    """Where nobody asked for one."""

    def __init__(self) -> None: ...

    def add(self, settled: Iterable[Settled]) -> None:
        """Write nothing."""

    def finish(self, store: Store) -> None:
        """Write nothing."""


@contextmanager
def results_file(path: Path | None) -> Iterator[ResultsFile]:
    """The results file of a run. Raises `ProvisionError` where it cannot be written."""
    if path is None:
        yield NoResultsFile()
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(handle, 0o600)
    except OSError as error:
        raise ProvisionError(f"{path} cannot be written: {error.strerror or error}.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yield ResultsFile(path, file)
