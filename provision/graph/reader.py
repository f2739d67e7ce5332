"""Reading Microsoft 365 into the `current` tables: a `DirectoryReader` on Graph.

A page of raw JSON goes to DuckDB as one parameter and becomes rows in SQL, so no Python object is made for a
person. Both reads empty their tables for good before they begin and commit at the end: what failed half-way
is empty, and an error was raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import duckdb

from provision.errors import DirectoryError
from provision.graph import lists
from provision.graph.batch import MOST
from provision.graph.client import Graph
from provision.graph.errors import explain
from provision.graph.memberships import Wanted, read_batch
from provision.graph.request import Answer, Request
from provision.graph.together import together
from provision.policy.kinds import READ_WITH_OBJECTS
from provision.store import Store

OBJECT_TABLES = (
    "tenant",
    "domains",
    "skus",
    "service_plans",
    "users",
    "groups",
    "sections",
    "schools",
    "admins",
)
BATCHES_AT_ONCE = 4


class GraphReader:
    """Reads the tenant behind `graph`."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def read_objects(self, store: Store) -> None:
        """Fill the tables of objects; see `DirectoryReader`.

        Raises `DirectoryError` where a page cannot be read, or the credential leads to another tenant.
        """
        for table in OBJECT_TABLES:
            store.run(f"DELETE FROM current.{table}")
        store.run(f"DELETE FROM current.links WHERE kind IN {READ_WITH_OBJECTS}")
        with store.transaction():
            for statement in lists.STAGING:
                store.run(statement)
            await together(self._read(store, one) for one in lists.LISTS)
            self._check_tenant(store)
            await self._open_role_groups(store)
            for statement in lists.JOINED:
                store.run(statement)

    async def read_links(self, store: Store) -> None:
        """Fill `current.links` for what `run.wanted` names; see `DirectoryReader`.

        Raises `DirectoryError` where the links of one object cannot be read to their end.
        """
        store.run(f"DELETE FROM current.links WHERE kind NOT IN {READ_WITH_OBJECTS}")
        rows = store.stream("SELECT kind, object_id FROM run.wanted")
        wanted = (Wanted.first(kind, object_id) for kind, object_id in rows)
        with store.transaction():
            await together(self._read_links(store, wanted) for _ in range(BATCHES_AT_ONCE))

    async def _read_links(self, store: Store, wanted: Iterator[Wanted]) -> None:
        """One of the readers that share `wanted`: further pages first, filled up to a batch."""
        pending = list(islice(wanted, MOST))
        while pending:
            pending = await read_batch(self._graph, store, pending)
            pending += islice(wanted, MOST - len(pending))

    async def _read(self, store: Store, one: lists.List) -> None:
        url: str | None = one.path
        while url is not None:
            request = Request("GET", url)
            answer = await self._graph.settled(request)
            if not answer.ok:
                raise _unreadable(one, explain(answer, request))
            link = _take_apart(store, one, answer)
            url = self._graph.relative(link) if link else None

    async def _open_role_groups(self, store: Store) -> None:
        groups = store.rows("SELECT DISTINCT id FROM role_holders WHERE id IN (SELECT object_id FROM current.groups)")
        await together(self._read(store, lists.role_group_members(group)) for (group,) in groups)

    def _check_tenant(self, store: Store) -> None:
        """The credential must lead where the profile points; a sandbox is any tenant one likes."""
        wanted = self._graph.tenant
        if self._graph.is_sandbox:
            return
        known = "SELECT id FROM current.tenant UNION ALL SELECT name FROM current.domains WHERE verified"
        if not store.value(f"SELECT count(*) FROM ({known}) t(name) WHERE lower(name) = lower(?)", [wanted]):
            name = store.value("SELECT name FROM current.tenant")
            raise DirectoryError(
                f"The credential leads to the tenant '{name}', but the profile is for '{wanted}'.",
                ["Use that tenant's application, or correct [tenant] id."],
            )


def _take_apart(store: Store, one: lists.List, answer: Answer) -> str | None:
    """Add the rows of a page; the link to the next page, or None on the last."""
    page = answer.content
    try:
        kind, link = store.rows(
            """SELECT json_type($1, '$.value'), json_extract_string($1, '$."@odata.nextLink"')""", [page]
        )[0]
        if kind != "ARRAY":
            raise _unreadable(one, "The answer holds no list.")
        for rows in one.rows:
            store.run(_with_page(one, rows), [page])
    except duckdb.InvalidInputException:
        raise _unreadable(one, "The answer is not valid JSON.") from None
    return str(link) if link else None


def _with_page(one: lists.List, insert: str) -> str:
    """`insert` with the relation `page` that its SELECT reads: the objects of the page, one a row.

    The text comes out of an `unnest`: a plain parameter is a constant, which DuckDB would work out twice.
    """
    objects = f"""unnest(from_json(content, '{{"value": {one.shape}}}').value)"""
    return f"WITH page AS (SELECT {objects} AS o FROM (SELECT unnest([$1]) AS content)) {insert}"


def _unreadable(one: lists.List, reason: str) -> DirectoryError:
    path = one.path.partition("?")[0]
    return DirectoryError(f"The directory could not be read: {path}.", [reason, "Nothing was planned from it."])
