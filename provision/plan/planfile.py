"""The plan file: JSON Lines, one header, then a line per change, then a line per note.

The lines after the header are a function of the roster, the profile, the directory and the ledger: same input,
same bytes. Times stand in the header only. `digest` in the header is the SHA-256 of the header without it and of
every line after it, so one altered byte is refused. A name that ends in `.gz` is compressed.

The format is a contract: readers ignore members they do not know, and refuse a major version they do not know
(`docs/plan-format.md`, `docs/plan.schema.json`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

from provision.errors import PlanFileError
from provision.plan.selection import SCHOOLS
from provision.store import Row, Store
from provision.store.files import replace_file
from provision.store.sql import literal

FORMAT_VERSION = "1.1"
LONGEST_LINE = 8 * 1024 * 1024  # bytes; DuckDB's reader sets aside a small multiple of it per thread
COMPRESS_ABOVE = 64 * 1024 * 1024  # bytes of lines; larger plans get .gz added to their name
Header = dict[str, Any]
Line = dict[str, Any]

REQUIRED: dict[str, type] = {
    "created_at": str, "expires_at": str, "tenant": dict, "profile": dict, "roster": dict, "counts": dict,
    "rules": dict, "notes": dict, "guards": list, "licenses": list, "schools": list, "estimate": dict, "digest": str,
}  # fmt: skip

CHANGES = f"""
    SELECT json_object('type', 'change', 'id', id, 'kind', kind, 'action', action, 'key', key,
                       'object_id', object_id, 'before', before, 'after', after,
                       'cause', json_object('rule', rule, 'file', file, 'record', record, 'field', field),
                       'depends_on', depends_on, 'requests', requests,
                       'schools', {SCHOOLS})::TEXT
    -- as rows they are shorter than as lines
    FROM (FROM run.changes
          LEFT JOIN (SELECT id, schools FROM run.change_schools WHERE {{among}} AND {{between}}) USING (id)
          WHERE {{among}} AND {{between}} ORDER BY key)"""
NOTES = """
    SELECT json_object('type', 'note', 'what', what, 'kind', kind, 'key', key,
                       'cause', json_object('rule', rule, 'file', file, 'record', record, 'field', field))::TEXT
    FROM (FROM run.notes WHERE {among} AND {between} ORDER BY key, rule, record, file, field)"""
SORTED = 100_000
"""Lines that are sorted at a time: to sort all of them takes memory that grows with them."""


def write_plan(store: Store, header: Header, path: Path, order: tuple[str, ...]) -> Path:
    """Write the changes and notes of this run, and return the path (with `.gz` added when it grew large).

    `header` gets its `digest` here. `order` is the order of the kinds. Written beside, flushed and renamed: the
    file is whole or absent. Mode 0600, for it names children.
    """
    with tempfile.TemporaryFile() as lines:
        digest = hashlib.sha256()
        changes = _in_order(store, CHANGES, "run.changes", order, "kind", "action")
        notes = _in_order(store, NOTES, "run.notes", order, "what", "kind")
        for (text,) in chain(changes, notes):
            line = text.encode() + b"\n"
            digest.update(line)
            lines.write(line)
        header["digest"] = _seal(header, digest.hexdigest())
        if lines.tell() > COMPRESS_ABOVE and path.suffix != ".gz":
            path = path.with_name(path.name + ".gz")
        lines.seek(0)
        with replace_file(path) as raw, _packed(raw, path) as file:
            file.write(_dump(header) + b"\n")
            shutil.copyfileobj(lines, file)
    return path


def _in_order(store: Store, lines: str, table: str, order: tuple[str, ...], first: str, second: str) -> Iterator[Row]:
    """The lines of a table by its two columns `first` and `second`, then by key; kinds in the order of the plan."""

    def place(value: str) -> tuple[int, str]:
        return (order.index(value) if value in order else len(order), value)

    groups = store.rows(f"SELECT {first}, {second}, count(*) FROM {table} GROUP BY ALL")
    for one, other, number in sorted(groups, key=lambda group: (place(group[0]), place(group[1]))):
        among = f"{first} = {literal(one)} AND {second} = {literal(other)}"
        for between in _between(store, f"FROM {table} WHERE {among}", number):
            yield from store.stream(lines.format(among=among, between=between))


def _between(store: Store, rows: str, number: int) -> Iterator[str]:
    """SQL for ranges of keys, in their order, each with about `SORTED` of the rows; they have all of them."""
    if number <= SORTED:
        yield "true"
        return
    store.run(f"CREATE OR REPLACE TABLE run.in_order AS SELECT key {rows} ORDER BY key")
    bounds = store.rows(f"SELECT key FROM run.in_order WHERE rowid > 0 AND rowid % {SORTED} = 0 ORDER BY rowid")
    store.run("DROP TABLE run.in_order")
    lowest = "true"
    for (bound,) in bounds:
        if bound is not None:
            yield f"{lowest} AND key < {literal(bound)}"
            lowest = f"key >= {literal(bound)}"
    yield f"({lowest} OR key IS NULL)"


class PlanFile:
    """A plan read from disk: the header at once, the lines as a stream."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises `PlanFileError` when this is not a plan we can read."""
        self.path = path
        first = next(self._raw_lines(), b"")
        self.header: Header = _parse(first, path, 1)
        if self.header.get("type") != "plan":
            raise PlanFileError(f"{path} is not a plan.", ["`provision plan --out FILE` writes one."])
        version = str(self.header.get("format_version", ""))
        if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
            raise PlanFileError(
                f"{path} has plan format {version or 'unknown'}; this version reads {FORMAT_VERSION}.",
                ["Apply it with the version that made it, or plan again."],
            )
        missing = [name for name in REQUIRED if not isinstance(self.header.get(name), REQUIRED[name])]
        if missing:
            raise PlanFileError(f"{path} is not a plan: its first line has no {missing[0]}.")

    def verify(self) -> None:
        """Raise `PlanFileError` when the file is not, byte for byte, what was planned."""
        digest = hashlib.sha256()
        for number, line in enumerate(self._raw_lines()):
            if number:
                digest.update(line)
        rest = {name: value for name, value in self.header.items() if name != "digest"}
        if _seal(rest, digest.hexdigest()) != self.header.get("digest"):
            raise PlanFileError(
                f"{self.path} was altered after it was planned; nothing was applied.",
                ["Plan again, and have the new plan approved."],
            )

    def changes(self) -> Iterator[Line]:
        """The changes, in the plan's order."""
        return self._typed("change")

    def notes(self) -> Iterator[Line]:
        """What is deliberately not done."""
        return self._typed("note")

    def _typed(self, wanted: str) -> Iterator[Line]:
        for number, raw in enumerate(self._raw_lines(), start=1):
            if number > 1:
                line = _parse(raw, self.path, number)
                if line.get("type") == wanted:
                    yield line

    @contextmanager
    def rows(self, columns: str) -> Iterator[str]:
        """SQL for the lines of the plan as rows, good for as long as the block runs; `columns` is a struct of members
        and their types."""
        with self._text_copy() as path:
            yield (
                f"read_json({literal(str(path))}, format = 'newline_delimited', columns = {columns}, "
                f"maximum_object_size = {LONGEST_LINE})"
            )

    @contextmanager
    def _text_copy(self) -> Iterator[Path]:
        """The plan as an uncompressed file, for as long as the block runs."""
        if self.path.suffix != ".gz":
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "plan.jsonl"
            with gzip.open(self.path) as packed, copy.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield copy

    def _raw_lines(self) -> Iterator[bytes]:
        try:
            with ExitStack() as stack:
                raw = stack.enter_context(self.path.open("rb"))
                yield from stack.enter_context(gzip.open(raw)) if self.path.suffix == ".gz" else raw
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PlanFileError(f"The plan {self.path} cannot be read: {reason}.") from None


def _parse(raw: bytes, path: Path, number: int) -> Line:
    try:
        line = json.loads(raw)
    except (ValueError, UnicodeDecodeError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise PlanFileError(f"{path} is not a plan: line {number} is not a JSON object.")
    return line


def _seal(header: Header, lines: str) -> str:
    return hashlib.sha256(_dump(header) + lines.encode()).hexdigest()


def _dump(header: Header) -> bytes:
    return json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


@contextmanager
def _packed(raw: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    if path.suffix != ".gz":
        yield raw
        return
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        yield packed  # type: ignore[misc]  # binary and writable, though typed apart from IO[bytes]
