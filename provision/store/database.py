"""Opening, locking and migrating the store."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias, TypeVar

import duckdb

from provision.errors import Locked, OutOfRoom, StateError
from provision.store.files import make_folder
from provision.store.schema import MIGRATIONS, PASSING
from provision.store.sql import literal

Row: TypeAlias = tuple[Any, ...]
_T = TypeVar("_T")
MEGABYTES = 160
MEMORY_LIMIT = f"{MEGABYTES}MB"
"""Past it DuckDB spills to disk. What DuckDB does not count, and Python, come to up to 150 MB more (see the bench),
and an Azure Automation sandbox has 400 MB for everything."""
UNREPEATED_MEGABYTES = 640  # for a transaction that cannot be done anew
MOST_MEGABYTES = 4_000
"""How far planning and applying may go: a first plan of 1,000,000 students takes 300."""
THREADS = 2
"""At most, whatever the machine has. Each of DuckDB's threads takes memory of its own: with 16 of them, as it would
take by itself on 16 cores, a million students do not go into `MEMORY_LIMIT`."""
FETCH = 2_000  # rows per fetch when a result is streamed
IN_MEMORY = '"this run"'
"""The catalog of what is not kept, beside that of the file; no profile can have a blank in its name."""


@dataclass(slots=True)
class _Room:
    """The memory that DuckDB is allowed, and how far that may grow."""

    megabytes: int = MEGABYTES
    most: int = MEGABYTES


class Store:
    """A connection to the tables. SQL goes in, rows come out; a result is always read to its end.

    DuckDB 2 refuses new work on a connection while a result is unread, so a streamed result has a cursor of
    its own.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path | None,
        passing: str = IN_MEMORY,
        room: _Room | None = None,
    ) -> None:
        """Migrate the tables of the connection's own catalog, and begin with empty ones in the catalog `passing`."""
        self._connection = connection
        self._room = room or _Room()
        self._in_transaction = False
        self.path = path
        _migrate(self)
        own = self.value("SELECT current_database()")
        self.run(f"ATTACH ':memory:' AS {passing}; USE {passing}; {PASSING}")
        schemas = (f'"{own}".main', *(f"{passing}.{schema}" for schema in ("roster", "desired", "run")))
        self._search = ",".join(schemas)
        self._look_there(connection)

    def _look_there(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the connection, or a cursor of it, find the tables of both catalogs."""
        connection.execute(f"SET search_path = {literal(self._search)}")

    def run(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> None:
        """Carry out one statement and drop its result."""
        self.rows(sql, values)

    def rows(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> list[Row]:
        """A small result, whole."""
        return self._with_room(lambda: self._connection.execute(sql, values or None).fetchall())

    def value(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Any:  # noqa: ANN401  # any column
        """The first column of the first row, or None."""
        found = self.rows(sql, values)
        return found[0][0] if found else None

    def stream(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Iterator[Row]:
        """A result of any size, a block at a time, in memory that does not grow with it."""
        cursor = self._connection.cursor()
        try:
            self._look_there(cursor)
            block = self._with_room(lambda: cursor.execute(sql, values or None).fetchmany(FETCH))
            while block:
                yield from block
                with _told():
                    block = cursor.fetchmany(FETCH)
        finally:
            cursor.close()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add rows column by column: one statement, whatever their number."""
        if rows:
            lists = [list(column) for column in zip(*rows, strict=True)]
            marks = ", ".join("unnest(?)" for _ in columns)
            self.run(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {marks}", lists)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or none of it; durable when the block has ended.

        It cannot be tried again with more memory, so it has `UNREPEATED_MEGABYTES` at once where there may be more.
        """
        before, more = self._room.megabytes, min(self._room.most, UNREPEATED_MEGABYTES)
        if more > before:
            self._begin_with(more)
        try:
            with self._transaction():
                yield
        finally:
            if more > before:
                self._begin_with(before)

    def at_once(self, work: Callable[[], None]) -> None:
        """A transaction of work that may be done anew from its start, where it needs more memory than there was."""

        def whole() -> None:
            with self._transaction():
                work()

        self._with_room(whole)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            with _told():
                self._connection.execute("COMMIT")
        finally:
            self._in_transaction = False

    @contextmanager
    def in_any_order(self) -> Iterator[None]:
        """Let inserted rows fall where they may, which is faster. Nothing may ask for the order of such a table's rows,
        nor for the first of them by `rowid`."""
        self.run("SET preserve_insertion_order = false")
        try:
            yield
        finally:
            self.run("SET preserve_insertion_order = true")

    @contextmanager
    def by_one_thread(self) -> Iterator[None]:
        """Let no second thread take part. It hinders the first one where there is little to do, and where rows are
        inserted in their order that are so wide that memory is short."""
        self.run("SET threads = 1")
        try:
            yield
        finally:
            _bound_threads(self._connection)

    @contextmanager
    def beside(self, catalog: str) -> Iterator[Store]:
        """The passing tables once more, empty: for this store they are `catalog.roster.orgs` and so on, until the block
        ends."""
        cursor = self._connection.cursor()
        try:
            yield Store(cursor, None, catalog, self._room)
        finally:
            cursor.close()
            self.run(f"DETACH {catalog}")

    def make_room(self, begin: int = MEGABYTES) -> None:
        """From now on, let a statement that does not fit take more memory, an eighth at a time, from `begin` MB on.

        Nobody can tell beforehand how much it needs, for DuckDB spills most of it. What reads foreign files has no
        business with more than `MEMORY_LIMIT`.
        """
        self._room.most = MOST_MEGABYTES
        self._begin_with(begin)

    def _begin_with(self, megabytes: int) -> None:
        with suppress(OutOfRoom), _told():  # what cannot be let go of may be more
            self._connection.execute(f"SET memory_limit = '{megabytes}MB'")
            self._room.megabytes = megabytes

    def _with_room(self, work: Callable[[], _T]) -> _T:
        try:
            with _told():
                return work()
        except _OutOfMemory:
            room = self._room
            if self._in_transaction or room.megabytes >= room.most:
                raise
            room.megabytes = min(room.megabytes * 9 // 8, room.most)
            self._connection.execute(f"SET memory_limit = '{room.megabytes}MB'")
        return self._with_room(work)

    def close(self) -> None:
        """Write what is pending and let go of the file."""
        self._connection.close()


class _OutOfMemory(OutOfRoom):
    """Of the two, it is the memory; more of it may help."""


@contextmanager
def _told() -> Iterator[None]:
    """Raise `OutOfRoom` where DuckDB has none left, and `KeyboardInterrupt` where it was interrupted."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # DuckDB's own word for Ctrl-C
            raise KeyboardInterrupt from None
        raise
    except duckdb.OutOfMemoryException as error:
        raise _OutOfMemory(
            "This takes more memory than provision allows itself.",
            [
                str(error).splitlines()[0],
                "Look for roster files that repeat themselves. If none does, report this: no district is too large.",
            ],
        ) from None
    except duckdb.IOException as error:
        if "No space left" in str(error):
            raise OutOfRoom("The disk is full.", [str(error).splitlines()[0], "Make room and run again."]) from None
        raise


def open_store(folder: Path, name: str, memory: str = MEMORY_LIMIT) -> Store:
    """The store of profile `name` in the state folder, made and migrated as needed.

    Raises `Locked` while another process has it, `StateError` where the folder or the file cannot be used.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise StateError(f"'{name}' cannot name a state file: letters, digits, '.', '_' and '-' only.")
    path = folder / f"{name}.duckdb"
    make_folder(folder)
    try:
        connection = _connect(path, memory)
        path.chmod(0o600)
        # what a killed run had spilled, which nobody else clears
        shutil.rmtree(f"{path}.tmp", ignore_errors=True)
    except OSError as error:
        raise StateError(f"The state folder {folder} cannot be used: {error.strerror or error}.") from None
    return Store(connection, path)


@contextmanager
def passing_store(memory: str = MEMORY_LIMIT) -> Iterator[Store]:
    """A store for one command, of which nothing is kept."""
    with TemporaryDirectory(prefix="provision-") as scratch:
        store = open_store(Path(scratch), "passing", memory)
        try:
            yield store
        finally:
            store.close()


def in_memory() -> Store:
    """A store without a file, which cannot spill to the disk: for what is small."""
    return Store(_configured(duckdb.connect(":memory:"), MEMORY_LIMIT), None)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Hold a state file for reading, so that nobody writes to it. Raises `Locked` and `StateError` as `open_store`."""
    connection = _connect(path, MEMORY_LIMIT, read_only=True)
    try:
        yield
    finally:
        connection.close()


def _connect(path: Path, memory: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    before = os.umask(0o077)  # the file is private from its first byte
    try:
        return _configured(duckdb.connect(str(path), read_only=read_only), memory)
    except duckdb.IOException as error:
        if "could not set lock" in str(error).lower():
            raise Locked(
                f"Another run is using {path}.", ["Wait for it to end, or give this run another --state folder."]
            ) from None
        raise StateError(f"The state file {path} cannot be read.", _advice(error)) from None
    except duckdb.Error as error:
        raise StateError(f"The state file {path} cannot be read.", _advice(error)) from None
    finally:
        os.umask(before)


def _advice(error: duckdb.Error) -> list[str]:
    return [
        str(error).splitlines()[0],
        "Move the file away to start afresh: nothing is removed from any class until a new ledger has grown.",
    ]


def _configured(connection: duckdb.DuckDBPyConnection, memory: str) -> duckdb.DuckDBPyConnection:
    connection.execute("SET autoload_known_extensions = false")
    connection.execute(f"SET memory_limit = {literal(memory)}")
    _bound_threads(connection)
    # at every 16 MB, as it is else, DuckDB would pack the tables in memory too, which takes longer than to fill them
    connection.execute("SET checkpoint_threshold = '1GB'")
    connection.execute("SET allocator_background_threads = true")  # freed memory goes back to the system at once
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")  # nothing is ever downloaded
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _bound_threads(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("RESET threads")  # as many as there are cores
    (cores,) = connection.execute("SELECT current_setting('threads')").fetchall()[0]
    connection.execute(f"SET threads = {min(cores, THREADS)}")


def _migrate(store: Store) -> None:
    store.run("CREATE SCHEMA IF NOT EXISTS run")
    store.run("CREATE TABLE IF NOT EXISTS run.schema_version (version INTEGER)")
    version = store.value("SELECT coalesce(max(version), 0) FROM run.schema_version")
    if version > len(MIGRATIONS):
        raise StateError(
            f"The state file {store.path} was written by a newer version of provision (schema {version}).",
            ["Install that version, or give another --state folder."],
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        with store.transaction():
            for statement in script.split(";"):
                if statement.strip():
                    store.run(statement)
            store.run("INSERT INTO run.schema_version VALUES (?)", [number])
