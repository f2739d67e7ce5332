"""Reading links: the members, owners, users and classes of many groups and schools, 20 of them in a `$batch`.

The raw answer goes to DuckDB, which takes out the links and reports in a line for each object whether they
are all there. What was throttled or failed is asked for again, alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import duckdb

from provision.errors import DirectoryError
from provision.graph.batch import envelope
from provision.graph.client import Graph
from provision.graph.errors import explain
from provision.graph.request import Answer, Request
from provision.graph.retry import is_transient, longest_wait, settle
from provision.store import Store

RESPONSES = """
WITH responses AS (
    SELECT unnest(from_json(content, '{"responses": [
        {"id": "VARCHAR", "status": "INTEGER", "headers": "JSON", "body": "JSON"}]}').responses) AS r
    FROM (SELECT unnest([$1]) AS content))
SELECT r.id, r.status, r.headers, json_type(r.body, '$.value') = 'ARRAY',
       json_extract_string(r.body, '$."@odata.nextLink"'), CASE WHEN r.status <> 200 THEN r.body END
FROM responses"""

LINKS = """
WITH responses AS (
    SELECT unnest(from_json(content, '{"responses": [
        {"id": "VARCHAR", "status": "INTEGER", "body": {"value": [{"id": "VARCHAR"}]}}]}').responses) AS r
    FROM (SELECT unnest([$1]) AS content)),
links AS (
    SELECT $2[r.id::INTEGER] AS kind, $3[r.id::INTEGER] AS left_id, unnest(r.body.value) AS o
    FROM responses WHERE r.status = 200)
INSERT INTO current.all_links SELECT kind, left_id, o.id FROM links"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of links that is still to be read."""

    kind: str
    object_id: str
    url: str


async def read_batch(graph: Graph, store: Store, pages: list[Wanted]) -> list[Wanted]:
    """Read up to 20 pages into `current.links`; returns the pages that follow them.

    Raises `DirectoryError` where one cannot be read after all retries.
    """
    following: list[Wanted] = []
    pending = pages
    failed = pages[0]

    async def attempt() -> Answer:
        nonlocal pending, failed
        outer = await graph.send(envelope([Request("GET", page.url) for page in pending]))
        if not outer.ok:
            return outer
        unread: list[tuple[Wanted, Answer]] = []
        for page, (answer, link) in zip(pending, _take_apart(store, outer, pending), strict=True):
            if not answer.ok:
                unread.append((page, answer))
            elif link:
                following.append(replace(page, url=graph.relative(link)))
        if not unread:
            return outer
        graph.units.heard(answer for _, answer in unread)
        refused = [pair for pair in unread if not is_transient(pair[1])]
        if refused:
            failed, answer = refused[0]
            return answer
        pending = [page for page, _ in unread]
        failed = pending[0]
        return longest_wait(answer for _, answer in unread)

    answer = await settle(attempt, graph.clock)
    if not answer.ok:
        raise DirectoryError(
            f"The directory could not be read: {failed.kind} links of {failed.object_id}.",
            [explain(answer, Request("GET", failed.url))],
        )
    return following


def _take_apart(store: Store, outer: Answer, pages: list[Wanted]) -> list[tuple[Answer, str | None]]:
    """Add the links of every page that was read, and say for each page how it went and what follows it.

    A page without an answer, or without a list in it, counts as lost.
    """
    try:
        responses = store.rows(RESPONSES, [outer.content])
        kinds, objects = [page.kind for page in pages], [page.object_id for page in pages]
        store.run(LINKS, [outer.content, kinds, objects])
    except duckdb.InvalidInputException:
        return [(Answer(0), None)] * len(pages)
    found = {
        number: (_answer(status, headers, has_list, body), link)
        for number, status, headers, has_list, link, body in responses
    }
    return [found.get(str(number), (Answer(0), None)) for number in range(1, len(pages) + 1)]


def _answer(status: int, headers: str | None, has_list: bool | None, body: str | None) -> Answer:
    if status == 200 and not has_list:
        return Answer(0)
    named = {name.lower(): str(value) for name, value in json.loads(headers or "{}").items()}
    return Answer(status, named, body or "")
