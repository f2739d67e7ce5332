"""Reading Microsoft 365 into the `current` tables: a `DirectoryReader` on Graph.

The first time everything is read; afterwards what has changed since (see `feeds`), which is one round trip where
nothing has. A page of raw JSON goes to DuckDB as one parameter and becomes rows in SQL, so no Python object is made
for a person. A read ends with all of it or none: what failed half-way leaves the tables empty, or as they were known
before, and an error is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from provision.errors import DirectoryError
from provision.graph import feeds, lists, merge
from provision.graph.batch import MOST, envelope, open_envelope
from provision.graph.client import Graph
from provision.graph.errors import explain
from provision.graph.feeds import FULL_EVERY, Feed
from provision.graph.memberships import Wanted, read_batch
from provision.graph.pages import Pages, unreadable
from provision.graph.permissions import refuse_blindness
from provision.graph.request import Answer, Request
from provision.graph.retry import is_transient
from provision.graph.together import together
from provision.store import Store

SHORT_TABLES = ("tenant", "domains", "skus", "service_plans", "admins")
"""Read whole each time."""
LONG_TABLES = ("users", "groups", "sections", "schools")
OBJECT_TABLES = (*SHORT_TABLES, *LONG_TABLES)
BATCHES_AT_ONCE = 4


class _LostPlaceError(Exception):
    """The directory no longer says what has changed since: all of it must be read."""


class GraphReader:
    """Reads the tenant behind `graph`."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def read_objects(self, store: Store) -> None:
        """Fill the tables of objects; see `DirectoryReader`.

        Raises `DirectoryError` where a page cannot be read, the credential leads to another tenant, or it lacks the
        permission without which members are hidden from us.
        """
        refuse_blindness(self._graph.permissions())
        try:
            with store.transaction():
                await self._follow(store)
        except _LostPlaceError:
            await self._read_all(store)

    async def take_as_known(self, store: Store) -> None:
        """Follow this directory from now on, of which the store holds all that there is: a copy, say."""
        self._begin_to_follow(store, await self._latest_tokens())

    async def read_links(self, store: Store) -> None:
        """Fill `current.links` for what `run.wanted` names; see `DirectoryReader`.

        Raises `DirectoryError` where the links of one object cannot be read to their end.
        """
        unread = "SELECT DISTINCT kind, object_id FROM run.wanted ANTI JOIN current.linked USING (kind, object_id)"
        with store.transaction():
            store.run(
                f"DELETE FROM current.all_links WHERE (kind, left_id) IN (SELECT (kind, object_id) FROM ({unread}))"
            )
            paths = self._graph.layout.links
            wanted = (Wanted(kind, one, paths[kind].format(one)) for kind, one in store.stream(unread))
            await together(self._read_links(store, wanted) for _ in range(BATCHES_AT_ONCE))
            store.run(f"INSERT INTO current.linked {unread}")

    async def _read_links(self, store: Store, wanted: Iterator[Wanted]) -> None:
        """One of the readers that share `wanted`: further pages first, filled up to a batch."""
        pending = list(islice(wanted, MOST))
        while pending:
            pending = await read_batch(self._graph, store, pending)
            pending += islice(wanted, MOST - len(pending))

    def _is_known(self, store: Store) -> bool:
        """Whether this directory was read before, so lately that it may say what has changed since."""
        return bool(
            store.value(
                f"SELECT count(*) FROM current.reading WHERE root = ? AND read_at > now() - INTERVAL {FULL_EVERY}",
                [self._graph.root],
            )
        )

    async def _read_all(self, store: Store) -> None:
        for table in (*OBJECT_TABLES, "all_links", "bin", "linked", "tokens", "reading"):
            store.run(f"DELETE FROM current.{table}")
        with store.transaction():
            _stage(store)
            tokens = await self._latest_tokens()  # before all else: what changes meanwhile is told again
            await together(self._read(store, one) for one in (*lists.EACH_TIME, *self._graph.layout.once))
            await self._settle(store)
            if await self._is_underlain(store):
                self._begin_to_follow(store, tokens)
            _clear(store)

    def _begin_to_follow(self, store: Store, tokens: dict[str, str]) -> None:
        store.run("DELETE FROM current.reading")
        if tokens:
            _remember(store, tokens)
            store.run("INSERT INTO current.reading SELECT ?, id, now() FROM current.tenant LIMIT 1", [self._graph.root])

    async def _follow(self, store: Store) -> None:
        """Read what has changed since the last time, in one call as far as it fits one page each."""
        if not self._is_known(store):
            raise _LostPlaceError
        for table in SHORT_TABLES:
            store.run(f"DELETE FROM current.{table}")
        _stage(store)
        followed = self._graph.layout.feeds
        known: dict[str, str] = dict(store.rows("SELECT feed, link FROM current.tokens"))
        if known.keys() != {feed.start for feed in followed}:  # what is asked for may differ from version to version
            raise _LostPlaceError
        urls = [one.path for one in lists.EACH_TIME] + [known[feed.start] for feed in followed]
        answers = await self._ask(urls)
        short, long = answers[: len(lists.EACH_TIME)], answers[len(lists.EACH_TIME) :]
        await together(self._read(store, one, answer) for one, answer in zip(lists.EACH_TIME, short, strict=True))
        links = await together(self._read_on(store, feed, answer) for feed, answer in zip(followed, long, strict=True))
        await self._settle(store)
        if store.value("SELECT count(*) FROM current.reading r JOIN current.tenant t ON t.id = r.tenant") != 1:
            raise _LostPlaceError
        _remember(store, dict(zip((feed.start for feed in followed), links, strict=True)))
        _clear(store)

    async def _settle(self, store: Store) -> None:
        """What was staged becomes what is known."""
        self._check_tenant(store)
        await self._open_role_groups(store)
        tables = sorted({table for told, _ in merge.MERGED for table in told})
        filled = store.rows(f"SELECT {', '.join(f'EXISTS (FROM {table})' for table in tables)}")[0]
        some = {table for table, has in zip(tables, filled, strict=True) if has}
        for told, statements in merge.MERGED:
            for statement in statements if some.intersection(told) else ():
                store.run(statement)

    async def _latest_tokens(self) -> dict[str, str]:
        """Where each feed goes on from now; nothing where one cannot be had, as with a cloud that lacks it."""
        followed = self._graph.layout.feeds
        answers = await self._ask([feed.latest for feed in followed])
        links = [answer.fields.get("@odata.deltaLink") for answer in answers]
        if not all(answer.ok and isinstance(link, str) for answer, link in zip(answers, links, strict=True)):
            return {}
        return {feed.start: self._graph.relative(str(link)) for feed, link in zip(followed, links, strict=True)}

    async def _is_underlain(self, store: Store) -> bool:
        """Whether each school is the administrative unit of the same id, of which the feeds tell.

        Microsoft's pages say that a school has one, and not that their ids are the same.
        """
        if not self._graph.layout.twins:
            return True
        try:
            await self._read(store, lists.UNITS)
        except DirectoryError:
            return False
        return not store.value("SELECT count(*) FROM current.schools WHERE object_id NOT IN (SELECT id FROM units)")

    async def _ask(self, urls: Sequence[str]) -> list[Answer]:
        """Several answers in one call; what it did not get is asked for alone."""
        requests = [Request("GET", url) for url in urls]
        answers = open_envelope(await self._graph.settled(envelope(requests)), len(requests))
        self._graph.units.heard(answers)
        return await together(
            self._again_if_need_be(request, answer) for request, answer in zip(requests, answers, strict=True)
        )

    async def _again_if_need_be(self, request: Request, answer: Answer) -> Answer:
        return await self._graph.settled(request) if is_transient(answer) else answer

    async def _read(self, store: Store, one: lists.List, first: Answer | None = None) -> None:
        """All pages of a list; the first one may be there already."""
        pages = Pages(store, one.path, one.shape, one.rows)
        url: str | None = one.path
        answer = first
        while url is not None:
            request = Request("GET", url)
            answer = answer or await self._graph.settled(request)
            if not answer.ok:
                raise unreadable(one.path, explain(answer, request))
            link = pages.add(answer).next
            url = self._graph.relative(link) if link else None
            answer = None
        pages.take_apart()

    async def _read_on(self, store: Store, feed: Feed, answer: Answer) -> str:
        """All pages of a feed, the first of which is there; gives where it goes on the next time."""
        pages = Pages(store, feed.start, feed.shape, feed.statements(), 'WHERE o."@removed" IS NULL', at_once=0)
        for _ in range(feeds.MOST_PAGES):
            if 400 <= answer.status < 500 and not is_transient(answer):
                # expired, reset, too old: the words differ, and whatever else it is, the full read says it
                raise _LostPlaceError
            if not answer.ok:
                raise unreadable(feed.start, explain(answer, Request("GET", feed.start)))
            links = pages.add(answer)
            if links.done:
                return self._graph.relative(links.done)
            if not links.next:
                raise unreadable(feed.start, "The answer says neither that it is the last page nor which is next.")
            answer = await self._graph.settled(Request("GET", self._graph.relative(links.next)))
        raise _LostPlaceError

    async def _open_role_groups(self, store: Store) -> None:
        groups = store.rows("""
            SELECT DISTINCT id FROM role_holders
            WHERE id IN (SELECT object_id FROM current.groups UNION ALL SELECT object_id FROM seen_groups)""")
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


def _stage(store: Store) -> None:
    store.run("; ".join(merge.STAGING))


def _clear(store: Store) -> None:
    store.run("; ".join(merge.DROPPED))


def _remember(store: Store, tokens: dict[str, str]) -> None:
    store.run("DELETE FROM current.tokens")
    store.insert("current.tokens", ("feed", "link"), list(tokens.items()))
