"""The log of the journal: what the store does not have yet, a JSON line each, durable when `write` has returned.

To add a line to a file takes a hundredth of the time of a row in the store, which takes the lines over by the
thousand (see `provision.apply.journal`). Each log begins with a name, by which one is known that was taken over and not
emptied any more. A last line that was cut off, by a full disk or a lost power supply, was not durable and counts as
not written: its request never left.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from provision.errors import StateError
from provision.store.sql import literal

Line = Mapping[str, object]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Log:
    """`<profile>.journal.jsonl` beside the store, mode 0600."""

    def __init__(self, path: Path) -> None:
        """Open, or begin, the log at `path`. Raises `StateError` where that cannot be."""
        self.path = path
        self.lines = 0
        """Written since it was last empty, or since it was opened."""
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            _cut(self._handle, path)
        except OSError as error:
            raise StateError(f"The journal {path} cannot be used: {error.strerror}.") from None

    def write(self, lines: Iterable[Line]) -> None:
        """Add lines, and return when they are on the disk. Raises `StateError` when they cannot be saved."""
        texts = [_encode(line) + "\n" for line in lines]
        try:
            end = os.lseek(self._handle, 0, os.SEEK_END)
            if not end:
                texts.insert(0, json.dumps({"log": uuid.uuid4().hex}) + "\n")
            self._append("".join(texts).encode(), end)
        except OSError as error:
            raise StateError(
                f"The journal {self.path} cannot be written: {error.strerror}.",
                ["Nothing is sent that is not written down first. Make room and run again."],
            ) from None
        self.lines += len(texts)

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
        self.lines = 0

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
    """SQL for the lines of a log as rows, intents and outcomes: these have a status."""
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in _TEXT)
    return (
        f"(SELECT * EXCLUDE (log) FROM read_json({literal(str(path))}, format = 'newline_delimited', "
        f"ignore_errors = true, columns = {{{columns}, requests: 'BIGINT', moment: 'TIMESTAMPTZ'}}) "
        "WHERE run IS NOT NULL)"
    )


_TEXT = ("log", "run", "change_id", "kind", "action", "key", "object_id", "left_key", "right_key", "left_id",
         "right_id", "role", "before", "after", "status", "error")  # fmt: skip
