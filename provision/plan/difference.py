"""What one plan has that another has not, and what both have with other values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from provision.errors import UsageError
from provision.plan.planfile import Line, PlanFile
from provision.policy.kinds import LINKS, ORDER
from provision.store import Store
from provision.store.sql import literals

State = Literal["new", "gone", "otherwise"]
Pair = tuple[Line | None, Line | None]
"""A line of the older plan and the same of the newer one; None where a plan has it not."""

STATES: tuple[State, ...] = ("new", "gone", "otherwise")
_COLUMNS = (
    "{type: 'VARCHAR', what: 'VARCHAR', id: 'VARCHAR', kind: 'VARCHAR', action: 'VARCHAR', key: 'VARCHAR', "
    "before: 'JSON', after: 'JSON', cause: 'JSON'}"
)


@dataclass(frozen=True)
class Difference:
    """Two plans for one tenant and what `compare` left in the table `run.differences` of `store`.

    `counts` has the number of changes, and `notes` that of notes, by state. `other_profile` says whether the profile
    says something else now, `other_files` are the roster files that are not those of the older plan.
    """

    store: Store
    older: PlanFile
    newer: PlanFile
    counts: Mapping[State, int]
    notes: Mapping[State, int]
    other_profile: bool
    other_files: tuple[str, ...]

    def changes(self, state: State) -> Iterator[Pair]:
        """The changes that are in this state, in the order of plans."""
        return self._pairs("change", state)

    def noted(self, state: State) -> Iterator[Pair]:
        """The notes that are in this state."""
        return self._pairs("note", state)

    def _pairs(self, of: str, state: State) -> Iterator[Pair]:
        for older, newer in self.store.stream(_PAIRS, [of, state]):
            yield json.loads(older) if older else None, json.loads(newer) if newer else None


def compare(store: Store, older: PlanFile, newer: PlanFile) -> Difference:
    """Lay two plans side by side. Raises `UsageError` when they are for different tenants."""
    if older.header["tenant"]["id"] != newer.header["tenant"]["id"]:
        tenants = [f"{plan.path}: {plan.header['tenant']['name']}" for plan in (older, newer)]
        raise UsageError("The plans are for different tenants; they have nothing in common.", tenants)
    with older.rows(_COLUMNS) as older_lines, newer.rows(_COLUMNS) as newer_lines:
        both = {"older": older_lines, "newer": newer_lines}
        for name, lines in both.items():
            store.run(_said(name, lines))
        store.make_room()
        store.run(_DIFFERENCES)
        for name, lines in both.items():
            store.run(_text(name, lines))
    rows = store.rows("SELECT type, state, count(*) FROM run.differences GROUP BY ALL")
    counted = {(of, state): number for of, state, number in rows}
    files = [{file["file"]: file["sha256"] for file in plan.header["roster"]["files"]} for plan in (older, newer)]
    return Difference(
        store,
        older,
        newer,
        {state: counted.get(("change", state), 0) for state in STATES},
        {state: counted.get(("note", state), 0) for state in STATES},
        other_profile=older.header["profile"] != newer.header["profile"],
        other_files=tuple(sorted({file for file, _ in files[0].items() ^ files[1].items()})),
    )


_NO_IDS = json.dumps({f"{end}_id": None for link in LINKS for end in (link.left, link.right)})
"""Microsoft's ids of the ends of a link: as soon as an object is there its links have one, and say no more by it."""
_SAID = f"""
    CASE WHEN kind IN {literals(kind.name for kind in LINKS)}
        THEN json_merge_patch(coalesce(after, before), '{_NO_IDS}') ELSE json_array(before, after) END"""


def _numbered(lines: str) -> str:
    return f"(SELECT row_number() OVER () AS number, * FROM {lines})"


def _said(name: str, lines: str) -> str:
    """What each line is about, and a digest of what it says: the whole of two large plans is more than memory holds."""
    return f"""
        CREATE OR REPLACE TABLE run.{name} AS
        SELECT type, coalesce(id, concat_ws(' ', what, kind, key)) AS id, min(kind) AS kind, min(action) AS action,
            min(key) AS key, min(md5({_SAID})) AS said, min(number) AS number
        FROM {_numbered(lines)} WHERE type IN ('change', 'note') GROUP BY ALL"""


_DIFFERENCES = f"""
    CREATE OR REPLACE TABLE run.differences AS
    SELECT coalesce(n.type, o.type) AS type,
        CASE WHEN o.id IS NULL THEN 'new' WHEN n.id IS NULL THEN 'gone' ELSE 'otherwise' END AS state,
        row_number() OVER (ORDER BY list_position({list(ORDER)}, coalesce(n.kind, o.kind)),
            coalesce(n.action, o.action), coalesce(n.key, o.key), coalesce(n.id, o.id)) AS place,
        o.number AS older, n.number AS newer
    FROM run.older o FULL JOIN run.newer n ON n.type = o.type AND n.id = o.id
    WHERE o.id IS NULL OR n.id IS NULL OR o.said IS DISTINCT FROM n.said"""


def _text(name: str, lines: str) -> str:
    """The lines that differ."""
    return f"""
        CREATE OR REPLACE TABLE run.{name}_lines AS
        SELECT number, json_object('what', what, 'kind', kind, 'action', action, 'key', key, 'before', before,
                                   'after', after, 'cause', cause)::TEXT AS line
        FROM {_numbered(lines)} WHERE number IN (SELECT {name} FROM run.differences)"""


_PAIRS = """
    SELECT o.line, n.line FROM run.differences d
    LEFT JOIN run.older_lines o ON o.number = d.older LEFT JOIN run.newer_lines n ON n.number = d.newer
    WHERE d.type = ? AND d.state = ? ORDER BY d.place"""
