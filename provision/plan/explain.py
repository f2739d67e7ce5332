"""Why a plan does something about a key, and why it does not: its lines that speak of it.

A *subject* is whatever has a key: a person, class, school or school group, a licence of the tenant, or a link of two of
them. With the run that has just made the plan in the store, `standing` adds what the roster, the directory and the
ledger say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import UnknownKey
from provision.plan import standing
from provision.plan.planfile import Line, PlanFile
from provision.policy.kinds import LINKS, ORDER
from provision.profile import Profile
from provision.store import Store

MOST_ALIKE = 5
_COLUMNS = (
    "{type: 'VARCHAR', what: 'VARCHAR', id: 'VARCHAR', kind: 'VARCHAR', action: 'VARCHAR', key: 'VARCHAR', "
    "object_id: 'VARCHAR', before: 'JSON', after: 'JSON', cause: 'JSON', depends_on: 'VARCHAR[]', requests: 'BIGINT', "
    "schools: 'VARCHAR[]'}"
)


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one subject that say the same: `does` is their action, or the sort of note; `number` is how many."""

    type: str
    kind: str
    does: str
    rule: str
    number: int


@dataclass(frozen=True, slots=True)
class Fact:
    """What the live state says of a subject: a word of `standing`, its values, and where the roster says so."""

    name: str
    said: Mapping[str, Any]
    file: str | None
    record: int | None


@dataclass(frozen=True)
class Explanation:
    """What `explain` left in `run.subjects`, `run.explained` and `run.facts` of `store`.

    `subjects` are the keys that were meant by `asked`; `live` says whether there are facts.
    """

    store: Store
    plan: PlanFile
    asked: str
    subjects: tuple[str, ...]
    live: bool

    def counts(self, subject: str) -> Mapping[str, int]:
        """How many changes and notes speak of it, by `change` and `note`."""
        rows = self.store.rows("SELECT type, count(*) FROM run.explained WHERE subject = ? GROUP BY 1", [subject])
        return {"change": 0, "note": 0, **dict(rows)}

    def at_school(self, subject: str) -> Mapping[str, Any] | None:
        """What the plan does at a school in all, by action; None for what is no school, and where it does nothing."""
        return next((school for school in self.plan.header["schools"] if school["key"] == subject), None)

    def seats(self, subject: str) -> Mapping[str, Any] | None:
        """The seats of a licence, as the plan's header has them; None for what is none that the profile names."""
        return next((seat for seat in self.plan.header["licenses"] if f"sku:{seat['sku']}" == subject), None)

    def groups(self, subject: str, type_: str) -> list[Group]:
        """Its changes (`change`) or what is not done (`note`), grouped; what is about the subject itself first."""
        rows = self.store.rows(
            """
            SELECT type, kind, does, rule, count(*) FROM run.explained WHERE subject = ? AND type = ?
            GROUP BY ALL ORDER BY min(place)""",
            [subject, type_],
        )
        return [Group(*row) for row in rows]

    def lines(self, subject: str, group: Group) -> Iterator[Line]:
        """The lines of a group, in the plan's order."""
        lines = """
            SELECT line::TEXT FROM run.explained
            WHERE subject = ? AND type = ? AND kind = ? AND does = ? AND rule = ? ORDER BY place"""
        for (line,) in self.store.stream(lines, [subject, group.type, group.kind, group.does, group.rule]):
            yield json.loads(line)

    def facts(self, subject: str) -> Iterator[Fact]:
        """What the live state says of it, in the order of `standing`; nothing for a plan alone."""
        if self.live:
            facts = """
                SELECT fact, said::TEXT, file, record FROM run.facts WHERE subject = ?
                ORDER BY place, record, file, said::TEXT"""
            for name, said, file, record in self.store.stream(facts, [subject]):
                yield Fact(name, json.loads(said), file, record)


def explain(store: Store, plan: PlanFile, asked: str, profile: Profile | None = None) -> Explanation:
    """Find what is meant by `asked`, and all that the plan says of it.

    `asked` is a key, the id of a change, or without regard to case an id, a user name, a sign-in name, an alias or an
    id of Microsoft's. Give `profile` where the store holds the run that has just made this plan. Raises `UnknownKey`
    where nothing is meant, with the keys that are alike.
    """
    wanted = re.sub(r"^(create|update|add|remove):(?=[a-z_]+:)", "", asked.strip())
    with plan.rows(_COLUMNS) as rows:
        lines = _lines(rows)
        names = f"SELECT unnest({_NAMES}, recursive := true) FROM ({lines})"
        if profile is not None:
            names += f" UNION ALL {standing.names(links='/' in wanted)}"
        _find(store, names, wanted)
        subjects = tuple(key for (key,) in store.rows("SELECT key FROM run.subjects ORDER BY place"))
        if not subjects:
            raise _unknown(store, names, wanted, plan, live=profile is not None)
        store.run(_EXPLAINED.format(lines=lines))
    if profile is not None:
        standing.gather(store, profile)
    return Explanation(store, plan, asked, subjects, live=profile is not None)


def _find(store: Store, names: str, wanted: str) -> None:
    """`run.subjects`: the keys that somebody calls so."""
    store.run(
        f"""
        CREATE OR REPLACE TABLE run.subjects AS
        SELECT key, kind, {_REST} AS id, {_end("left")} AS left_key, {_end("right")} AS right_key,
               row_number() OVER (ORDER BY list_position({list(ORDER)}, kind), key) AS place
        FROM (SELECT DISTINCT k AS key, split_part(k, ':', 1) AS kind FROM ({names})
              WHERE k IS NOT NULL AND list_contains({_CALLED}, lower($wanted)))""",
        {"wanted": wanted},
    )


def _unknown(store: Store, names: str, wanted: str, plan: PlanFile, *, live: bool) -> UnknownKey:
    far = max(1, min(2, len(wanted) // 3))  # slips of the fingers; a short id is soon like any other
    alike = store.rows(
        f"""
        SELECT k FROM (
            SELECT k, list_min(list_transform(
                list_filter({_CALLED}, lambda x: abs(len(x) - len($wanted)) <= {far}),
                lambda x: damerau_levenshtein(x, lower($wanted)))) AS far
            FROM (SELECT DISTINCT k, n FROM ({names})))
        WHERE far <= {far} GROUP BY k ORDER BY min(far), k LIMIT {MOST_ALIKE}""",
        {"wanted": wanted},
    )
    printable = [key for (key,) in alike if key.isprintable()]  # no roster is to steer a terminal
    details = [f"Alike: {', '.join(printable)}"] if printable else []
    if live:
        return UnknownKey(f"Neither the roster, nor Microsoft 365, nor the ledger knows '{wanted}'.", details)
    if part := plan.header.get("only"):
        details.append(f"This is a plan of a part: {', '.join(part)}.")
    details.append(
        "Either there is nothing to do about it, or nobody knows it: --profile FILE instead of --plan tells."
    )
    return UnknownKey(f"{plan.path} says nothing of '{wanted}'.", details)


_REST = "substr(key, strpos(key, ':') + 1)"
_ENDS = {**{kind.name: (kind.left, kind.right) for kind in LINKS}, "contact": ("user", "user")}
_SHAPES = {
    "license": "(?s)^(.*)/([^/]*)$",
    "group_license": "(?s)^(.*)/([^/]*)$",
    "group_member": "(?s)^((?:students|staff)_licensed|(?:[^/]*/)?(?:students|teachers))/(.*)$",
}
"""How the key of a link falls into its ends, where that is not at the first slash."""


def _end(side: str) -> str:
    """SQL for the key of one end of a link, out of the link's own `key` and `kind`."""
    number = 1 if side == "left" else 2
    cases = []
    for kind, ends in _ENDS.items():
        part = f"nullif(regexp_extract({_REST}, '{_SHAPES.get(kind, '(?s)^([^/]*)/(.*)$')}', {number}), '')"
        if side == "left" and kind not in _SHAPES:
            part = f"replace(replace({part}, '%2F', '/'), '%25', '%')"
        cases.append(f"WHEN '{kind}' THEN '{ends[number - 1]}:' || {part}")
    return f"CASE kind {' '.join(cases)} END"


_RIGHT_ID = " ".join(f"WHEN '{kind.name}' THEN '{kind.right}_id'" for kind in LINKS)


def _lines(rows: str) -> str:
    return f"""
        SELECT *, coalesce(action, what) AS does, (cause ->> 'rule') AS rule, coalesce(after, before) AS said,
               {_end("left")} AS left_key, {_end("right")} AS right_key
        FROM {rows} WHERE type IN ('change', 'note')"""


_NAMES = f"""[
    {{'k': key, 'n': CASE WHEN left_key IS NULL THEN object_id END}}, {{'k': left_key, 'n': object_id}},
    {{'k': right_key, 'n': json_extract_string(said, CASE kind {_RIGHT_ID} ELSE '-' END)}},
    {{'k': key, 'n': (said ->> 'user_principal_name')}}, {{'k': key, 'n': (said ->> 'mail_nickname')}},
    {{'k': key, 'n': (said ->> 'unique_name')}}]"""
"""Keys `k` that a line speaks of, and what else they are called by, `n`."""

_CALLED = """[lower(n), lower(k), lower(substr(k, strpos(k, ':') + 1)),
    lower(nullif(regexp_extract(k, '(?s)^user:(?:student|teacher|staff)/(.*)$', 1), ''))]"""
"""All that a key is called by: V1 and Clever put a word before the ids of persons."""

_EXPLAINED = f"""
    CREATE OR REPLACE TABLE run.explained AS
    SELECT s.key AS subject, l.type, l.kind, l.does, l.rule,
           row_number() OVER (PARTITION BY s.key, l.type ORDER BY l.key <> s.key, list_position({list(ORDER)}, l.kind),
                              l.does, l.rule, l.key) AS place,
           CASE l.type
               WHEN 'change' THEN json_object(
                   'id', l.id, 'kind', l.kind, 'action', l.action, 'key', l.key, 'object_id', l.object_id,
                   'before', l.before, 'after', l.after, 'cause', l.cause, 'depends_on', l.depends_on,
                   'requests', l.requests, 'schools', l.schools)
               ELSE json_object('what', l.what, 'kind', l.kind, 'key', l.key, 'cause', l.cause) END AS line
    FROM ({{lines}}) l JOIN run.subjects s
      ON s.key IN (l.key, l.left_key, l.right_key)
      OR (l.key IN (s.left_key, s.right_key) AND l.does <> 'update')
      OR (s.kind = 'school' AND starts_with(
          CASE l.kind WHEN 'school_group' THEN l.key ELSE l.left_key END,
          'school_group:' || replace(replace(s.id, '%', '%25'), '/', '%2F') || '/'))
      OR (l.key = l.kind || ':*' AND (l.kind = s.kind OR (l.kind = 'member' AND s.kind IN ('user', 'section'))))"""
"""What speaks of a subject: its own lines, its links, whether the ends of a link are there, the groups of a school, and
records that could speak of anything of its kind (written with a star)."""
