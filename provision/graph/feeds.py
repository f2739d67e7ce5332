"""Delta queries: what has changed in the long lists since the last run.

A changed object is told whole, as far as `$select` names its properties, so it takes the place of the one we know.
Deleted users, groups and administrative units are told; deleted education data are not, but they belong to those.
Links are told one by one. An object or a link may be told again, and on several pages: the last time counts.
Source: learn.microsoft.com/graph/delta-query-overview.
"""

from __future__ import annotations

from dataclasses import dataclass

from provision.graph import lists
from provision.graph.lists import List

FULL_EVERY = "7 days"
"""A directory that is only followed is read anew after so long; it is how long Microsoft says that tokens live."""

MOST_PAGES = 100
"""Pages of one feed, past which everything is read anew: with members, pages have been seen to hold a single group."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The changes of one list, from `start` on.

    `staged` is where its objects go, and the column with their id; `links` are the relations that are told along, with
    the word for each in `told_links`; `tells_gone` says whether it tells of what was deleted.
    """

    start: str
    objects: List
    staged: tuple[str, str]
    links: tuple[tuple[str, str], ...] = ()
    tells_gone: bool = False

    @property
    def latest(self) -> str:
        """Where a token is to be had that says: everything up to now is known."""
        return f"{self.start}{'&' if '?' in self.start else '?'}$deltatoken=latest"

    @property
    def shape(self) -> str:
        """The structure of one object, as it is told."""
        links = "".join(
            f', "{relation}@delta": [{{"id": "VARCHAR", "@odata.type": "VARCHAR", "@removed": {_REMOVED}}}]'
            for relation, _ in self.links
        )
        return f'{self.objects.shape[:-2]}, "@removed": {_REMOVED}{links}}}]'

    def statements(self) -> tuple[str, ...]:
        """What becomes of a page: SQL over `told`, all of it, and `page`, the objects that are there."""
        table, key = self.staged
        links = (
            f"""INSERT INTO told_links
                SELECT '{word}', left_id, l.id, l."@odata.type", l."@removed" IS NOT NULL
                FROM (SELECT o.id AS left_id, unnest(o."{relation}@delta") AS l FROM page)"""
            for relation, word in self.links
        )
        gone = (
            "DELETE FROM gone WHERE id IN (SELECT o.id FROM page)",
            """INSERT INTO gone SELECT o.id, coalesce(o."@removed".reason = 'deleted', false) FROM told
               WHERE o."@removed" IS NOT NULL""",
            f"""DELETE FROM {table} WHERE {key} IN (SELECT o.id FROM told WHERE o."@removed" IS NOT NULL)""",
        )
        return (*self.objects.rows, *links, *(gone if self.tells_gone else ()))


_REMOVED = '{"reason": "VARCHAR"}'


def _selected(objects: List) -> str:
    """The properties that a list asks for."""
    return objects.path.partition("$select=")[2].partition("&")[0]


def _users(objects: List) -> Feed:
    return Feed(f"/users/delta?$select={_selected(objects)}", objects, ("accounts", "id"), tells_gone=True)


def _groups(objects: List) -> Feed:
    return Feed(
        f"/groups/delta?$select={_selected(objects)},members,owners",
        objects,
        ("seen_groups", "object_id"),
        (("members", "members"), ("owners", "owners")),
        tells_gone=True,
    )


def _units(objects: List, staged: tuple[str, str]) -> Feed:
    select = "id,displayName,description,members"
    start = f"/directory/administrativeUnits/delta?$select={select}"
    return Feed(start, objects, staged, (("members", "units"),), tells_gone=True)


def plain_feeds(anchor: str) -> tuple[Feed, ...]:
    """The feeds of a tenant without education data."""
    return (
        _users(lists.accounts_with(anchor)),
        _groups(lists.GROUPS_AS_SECTIONS),
        _units(lists.UNITS_AS_SCHOOLS, ("seen_schools", "object_id")),
    )


FEEDS = (
    _users(lists.USERS),
    _groups(lists.GROUPS),
    _units(lists.UNITS, ("units", "id")),
    Feed(
        f"/education/users/delta?$select={lists.OF_A_PERSON}",
        lists.EDUCATION_USERS,
        ("pupils_and_staff", "id"),
    ),
    Feed("/education/classes/delta", lists.SECTIONS, ("seen_sections", "object_id")),
    Feed("/education/schools/delta", lists.SCHOOLS, ("seen_schools", "object_id")),
)
