"""What is left in Microsoft 365 of whom and what the roster no longer mentions, and what nobody looks after.

A report only. It reads the tables that `planner.make_plan` has filled, and makes one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from provision.plan.guards import OF_THE_ROSTER, Verdict
from provision.plan.planner import Draft
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literals

What = Literal["accounts", "licenses", "sections", "schools", "ownerless", "by_hand"]
WHATS: tuple[What, ...] = ("accounts", "licenses", "sections", "schools", "ownerless", "by_hand")


class Entry(NamedTuple):
    """One line of the report. `name` is a sign-in name or alias where there is one, `title` a display name.

    `detail` is the SKU of a licence, or who could own a class (`planned`, `held`, `nobody`). `last` is the day (UTC,
    ISO 8601) of the last run that was applied with it in the roster.
    """

    kind: str
    key: str
    object_id: str
    name: str | None
    title: str | None
    detail: str | None
    last: str | None


@dataclass(frozen=True)
class Stale:
    """What `find_stale` left in `run.stale` of `store`.

    `counts` has the entries of each sort. `unjudged` counts, by sort, what the roster does not mention as far as it can
    be read: unreadable is not gone, so these are no entries. `doubts` are the tripped guards that judge the roster
    itself. `first_run` says that the ledger is empty, so nothing is known to have been in the roster.
    """

    store: Store
    tenant: str
    counts: Mapping[What, int]
    unjudged: Mapping[What, int]
    doubts: tuple[Verdict, ...]
    first_run: bool

    def entries(self, what: What) -> Iterator[Entry]:
        """The entries of one sort, by key."""
        columns = ", ".join(Entry._fields)
        rows = self.store.stream(
            f"SELECT {columns} FROM run.stale WHERE what = ? AND judged ORDER BY key, kind, object_id", [what]
        )
        return map(Entry._make, rows)


def find_stale(store: Store, profile: Profile, draft: Draft) -> Stale:
    """Make `run.stale` from what a plan has just been made of. Nothing but this table is written."""
    store.run("""
        CREATE OR REPLACE TABLE run.stale (
            what TEXT, kind TEXT, key TEXT, object_id TEXT, name TEXT, title TEXT, detail TEXT, last TEXT,
            judged BOOLEAN)""")
    for statement in (_ACCOUNTS, _SECTIONS, _SCHOOLS, _SCHOOL_GROUPS, _OWNERLESS, _BY_HAND):
        store.run(statement)
    _licenses_of_leavers(store, profile)
    counts: dict[What, int] = dict.fromkeys(WHATS, 0)
    unjudged = dict(counts)
    for what, judged, number in store.rows("SELECT what, judged, count(*) FROM run.stale GROUP BY ALL"):
        (counts if judged else unjudged)[what] = number
    return Stale(
        store,
        str(store.value("SELECT name FROM current.tenant")),
        counts,
        unjudged,
        tuple(verdict for verdict in draft.verdicts if verdict.tripped and verdict.guard in OF_THE_ROSTER),
        first_run=not store.value("SELECT count(*) FROM ledger.objects"),
    )


def _gone(
    what: What, kind: str, of: str, table: str, mentioned: str, claimed: str, current: str, also: str = "true"
) -> str:
    """Objects of the ledger that are still there, that the roster does not mention, and that nobody in it claims.

    `of` is SQL for the id in the roster, over the ledger's `l`; `table` is the one that lists such ids, `mentioned`
    gives those of which any other row speaks, held or not; `claimed` gives objects that are somebody's; `current` gives
    object_id, name and title of those that are there; `also` is a further condition for saying that they are gone.
    """
    return f"""
        INSERT INTO run.stale
        WITH unlisted AS MATERIALIZED (
            SELECT l.*, lower({of}) AS id FROM ledger.objects l
            WHERE l.kind = '{kind}' AND lower({of}) NOT IN (SELECT lower({_PART.get(kind, "id")}) FROM roster.{table})),
        mentioned AS (SELECT lower(id) AS id FROM ({mentioned}) WHERE lower(id) IN (SELECT id FROM unlisted))
        SELECT '{what}', l.kind, l.key, l.object_id, c.name, c.title, NULL, strftime(r.started, '%Y-%m-%d'),
               NOT EXISTS (FROM roster.held h WHERE h.kind = 'unknown' AND h.id = '{table}') AND {also}
        FROM unlisted l
        JOIN ({current}) c ON c.object_id = l.object_id
        LEFT JOIN journal.runs r ON r.run = l.run
        WHERE l.id NOT IN (SELECT id FROM mentioned)
          AND l.object_id NOT IN (SELECT object_id FROM ({claimed}) WHERE object_id IS NOT NULL)"""


_PART = {"school_group": "run.part(id)"}
"""An id as it stands in a key, where that is not the id itself."""


def _mentioned(*places: str) -> str:
    """Ids out of columns of the roster tables (`enrollments.person_id`)."""
    parts = (place.partition(".") for place in places)
    return " UNION ALL ".join(f"SELECT {column} AS id FROM roster.{table}" for table, _, column in parts)


def _held(column: str, *kinds: str) -> str:
    return f" UNION ALL SELECT {column} FROM roster.held WHERE kind IN {literals(kinds)}"


_ACCOUNTS = _gone(
    "accounts",
    "user",
    "l.key[6:]",
    "persons",
    _mentioned("roles.person_id", "enrollments.person_id") + _held("id", "person") + _held("other_id", "enrollment"),
    "SELECT object_id FROM desired.users UNION ALL SELECT object_id FROM run.user_claims",
    "SELECT object_id, user_principal_name AS name, display_name AS title FROM current.users",
    # after a change of format the roster names everybody in another way than the ledger does
    """(l.key LIKE 'user:student/%' OR l.key LIKE 'user:teacher/%') = (
           SELECT coalesce(bool_or(p.id <> p.source_id), false) FROM roster.persons p)""",
)
_SECTIONS = _gone(
    "sections",
    "section",
    "l.key[9:]",
    "sections",
    _mentioned("enrollments.section_id") + _held("id", "section", "enrollment"),
    "SELECT object_id FROM desired.sections UNION ALL SELECT object_id FROM run.section_claims",
    "SELECT object_id, mail_nickname AS name, display_name AS title FROM current.sections",
)
_AT_ORGS = _mentioned("roles.org_id", "sections.org_id") + _held("id", "org")
_SCHOOLS = _gone(
    "schools",
    "school",
    "l.key[8:]",
    "orgs",
    _AT_ORGS,
    "SELECT object_id FROM desired.schools UNION ALL SELECT object_id FROM run.school_claims",
    "SELECT object_id, NULL::TEXT AS name, display_name AS title FROM current.schools",
)
_SCHOOL_GROUPS = _gone(
    "schools",
    "school_group",
    "split_part(l.key[14:], '/', 1)",
    "orgs",
    f"SELECT run.part(id) AS id FROM ({_AT_ORGS}) UNION ALL "
    "VALUES ('students'), ('teachers'), ('students_licensed'), ('staff_licensed')",
    "SELECT object_id FROM desired.school_groups UNION ALL SELECT object_id FROM run.school_group_claims",
    "SELECT object_id, mail_nickname AS name, display_name AS title FROM current.school_groups",
)
_OWNERLESS = """
    INSERT INTO run.stale
    SELECT 'ownerless', 'section', s.key, s.object_id, c.mail_nickname, c.display_name,
           CASE WHEN s.key IN (SELECT left_key FROM run.changes WHERE kind = 'owner' AND action = 'add') THEN 'planned'
                WHEN s.section_id IN (SELECT section_id FROM run.enrolled WHERE owns
                                      UNION ALL SELECT id FROM roster.held WHERE kind = 'enrollment') THEN 'held'
                ELSE 'nobody' END, NULL, true
    FROM desired.sections s JOIN current.sections c ON c.object_id = s.object_id
    WHERE s.object_id NOT IN (SELECT left_id FROM current.links WHERE kind = 'owner')"""
_BY_HAND = """
    INSERT INTO run.stale
    WITH parts AS (
        SELECT kind, key, split_part(key, '/', 1) AS head, key[len(split_part(key, '/', 1)) + 2:] AS tail
        FROM run.notes WHERE what = 'kept' AND rule = 'L14'),
    hand AS MATERIALIZED (
        SELECT p.kind, p.key, s.key AS left_key, s.object_id AS left_id, coalesce(u.object_id, p.tail) AS right_id
        FROM parts p
        JOIN desired.sections s ON run.part(s.section_id) = p.head[len(p.kind) + 2:]
        LEFT JOIN desired.users u ON u.person_id = p.tail),
    spoken AS (
        SELECT left_key, right_id FROM run.named WHERE (left_key, right_id) IN (SELECT (left_key, right_id) FROM hand))
    SELECT 'by_hand', h.kind, h.key, h.right_id, u.user_principal_name, u.display_name, c.display_name, NULL, true
    FROM hand h
    JOIN current.sections c ON c.object_id = h.left_id
    LEFT JOIN current.users u ON u.object_id = h.right_id
    WHERE (h.left_key, h.right_id) NOT IN (SELECT (left_key, right_id) FROM spoken)"""
"""The notes of L14, but for pairs that the roster does name and that are held."""


def _licenses_of_leavers(store: Store, profile: Profile) -> None:
    """Of the SKUs that the profile names, on accounts of whom the roster no longer has."""
    parts = literals(sku for _, people in profile.people() for sku in people.licenses)
    store.run(f"""
        INSERT INTO run.stale
        SELECT 'licenses', 'license', 'license:' || s.key[6:] || '/' || k.part_number, s.object_id, s.name, s.title,
               k.part_number, s.last, true
        FROM run.stale s
        JOIN current.links c ON c.kind = 'license' AND c.left_id = s.object_id
        JOIN current.skus k ON k.sku_id = c.right_id
        WHERE s.what = 'accounts' AND s.judged AND k.part_number IN {parts}""")
