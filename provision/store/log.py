"""The log of the journal: what the store does not have yet, in lines of JSON, durable when `write` has returned.

To add a line to a file takes a hundredth of the time of a row in the store, which takes the lines over by the
thousand (see `provision.apply.journal`). Each log begins with a name, by which one is known that was taken over and not
emptied any more. A last line that was cut off, by a full disk or a lost power supply, was not durable and counts as
not written: its request never left.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from provision.errors import StateError
from provision.store.sql import literal

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Log:
    """`<profile>.journal.jsonl` beside the store, mode 0600."""

    def __init__(self, path: Path) -> None:
        """Open, or begin, the log at `path`. Raises `StateError` where that cannot be."""
        self.path = path
        self.changes = 0
        """Written since it was last empty, or since it was opened."""
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            _cut(self._handle, path)
        except OSError as error:
            raise StateError(f"The journal {path} cannot be used: {error.strerror}.") from None

    def write(self, run: str, changes: Sequence[Mapping[str, object]]) -> None:
        """Add what `run` says of these changes, and return when it is on the disk.

        Raises `StateError` when it cannot be saved.
        """
        now = datetime.now(timezone.utc).isoformat()
        text = _encode({"run": run, "moment": now, "changes": changes}) + "\n"
        try:
            end = os.lseek(self._handle, 0, os.SEEK_END)
            if not end:
                text = _encode({"log": uuid.uuid4().hex}) + "\n" + text
            self._append(text.encode(), end)
        except OSError as error:
            raise StateError(
                f"The journal {self.path} cannot be written: {error.strerror}.",
                ["Nothing is sent that is not written down first. Make room and run again."],
            ) from None
        self.changes += len(changes)

    def _append(self, text: bytes, end: int) -> None:
        """All of it or, where there is no room, nothing: the next line must not be glued to a part of this one."""
        try:
            while text:
                text = text[os.write(self._handle, text) :]
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, end)
            raise

    @property
    def name(self) -> str | None:
        """What its first line calls it; None where there is nothing to take over."""
        with self.path.open("rb") as file:
            first = file.readline()
        if not first.endswith(b"\n"):
            return None
        return str(json.loads(first)["log"])

    def empty(self) -> None:
        """Begin anew: the store has all of it."""
        os.ftruncate(self._handle, 0)
        os.fsync(self._handle)
        self.changes = 0

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def _cut(handle: int, path: Path) -> None:
    """Take away a last line that was cut off."""
    with path.open("rb") as file:
        text = file.read()
    if text and not text.endswith(b"\n"):
        os.ftruncate(handle, text.rfind(b"\n") + 1)


def log_beside(state: Path) -> Path:
    """Where the log lies of the state file `state`."""
    return state.with_suffix(".journal.jsonl")


def logged(path: Path) -> str:
    """SQL for what the lines of a log say of changes, a row each: intents, and outcomes, which have a status."""
    texts = ", ".join(f"{name} VARCHAR" for name in _TEXT)
    return (
        "(SELECT run, moment, unnest(changes, recursive := true) "
        f"FROM read_json({literal(str(path))}, format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = {LONGEST_LINE}, columns = {{run: 'VARCHAR', moment: 'TIMESTAMPTZ', "
        f"changes: 'STRUCT({texts}, requests BIGINT)[]'}}))"
    )


LONGEST_LINE = 4 * 1024 * 1024  # bytes: a batch of changes has some thousands
_TEXT = ("change_id", "kind", "action", "key", "object_id", "left_key", "right_key", "left_id", "right_id", "role",
         "before", "after", "status", "error")  # fmt: skip
