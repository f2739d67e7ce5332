"""The pages of a list on their way into DuckDB: raw JSON, taken apart in SQL, several pages in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from provision.errors import DirectoryError
from provision.graph.request import Answer
from provision.store import Store

AT_ONCE = 1_000_000  # characters; pages of 100 people have 50,000, and a statement takes as long as they do


_OUTLINE = """
    SELECT json_type(content, '$.value'),
           json_extract_string(content, ['$.value[0]', '$."@odata.nextLink"', '$."@odata.deltaLink"'])
    FROM (SELECT unnest([$1]) AS content)"""


class Links(NamedTuple):
    """Where the next page is, and where the next round of changes begins, if the page says so."""

    next: str | None
    done: str | None


class Pages:
    """The pages of one list at `path`, which become rows by `statements`: SQL over the relations `told`, their objects,
    one a row, and `page`, those of them that are `there`. Each is an object `o` of this `shape`, on a page `number`.

    Pages wait until there are `at_once` characters of them; `take_apart` says that no more will come.
    """

    def __init__(
        self, store: Store, path: str, shape: str, statements: Sequence[str], there: str = "", at_once: int = AT_ONCE
    ) -> None:
        self._store, self._path, self._at_once = store, path, at_once
        self._statements = [_with_page(shape, statement, there) for statement in statements]
        self._waiting: list[str] = []
        self._size = 0

    def add(self, answer: Answer) -> Links:
        """Take the next page. Raises `DirectoryError` for what is none."""
        text = answer.content if isinstance(answer.content, str) else json.dumps(answer.content)
        try:
            kind, (any_object, *links) = self._store.rows(_OUTLINE, [text])[0]
        except duckdb.InvalidInputException:
            raise unreadable(self._path, "The answer is not valid JSON.") from None
        if kind != "ARRAY":
            raise unreadable(self._path, "The answer holds no list.")
        if any_object is not None:
            self._waiting.append(text)
            self._size += len(text)
        if self._size > self._at_once:
            self.take_apart()
        return Links(*links)

    def take_apart(self) -> None:
        """Add the rows of the pages that wait."""
        for statement in self._statements if self._waiting else ():
            self._store.run(statement, [self._waiting])
        self._waiting, self._size = [], 0


def _with_page(shape: str, statement: str, there: str) -> str:
    """`statement` with the relations that it reads. The text comes out of an `unnest`: a plain parameter is a constant,
    which DuckDB would work out twice."""
    objects = f"""unnest(from_json(content, '{{"value": {shape}}}').value)"""
    return f"""
        WITH told AS (
            SELECT number, {objects} AS o FROM (SELECT unnest($1) AS content, generate_subscripts($1, 1) AS number)),
        page AS (FROM told {there})
        {statement}"""


def unreadable(path: str, reason: str) -> DirectoryError:
    """The list at `path` could not be read."""
    return DirectoryError(
        f"The directory could not be read: {path.partition('?')[0]}.", [reason, "Nothing was planned from it."]
    )
