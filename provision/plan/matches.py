"""Whose the accounts, classes and schools of a tenant are: a report before anything is planned.

It reads the tables that `planner.match_up` has filled, which planning uses too, and makes one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from provision.policy.unique import anchor_of
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literals

What = Literal[
    "weak", "ambiguous", "claimed-twice", "other-anchor", "accepted-gone", "accepted-anchor",
    "new", "left-out", "nobodys", "idle", "key", "accepted", "ledger", "anchor",
]  # fmt: skip
WHATS: tuple[What, ...] = (
    "weak", "ambiguous", "claimed-twice", "other-anchor", "accepted-gone", "accepted-anchor",
    "new", "left-out", "nobodys", "idle", "key", "accepted", "ledger", "anchor",
)  # fmt: skip
"""The sorts: conflicts first, then what has no match in the roster and in the directory, then what is matched."""
KINDS = ("user", "section", "school")
MOST_RIVALS = 3


class Entry(NamedTuple):
    """One line of the report. `name` is what the roster calls it; `account` its sign-in name, or the alias of a class,
    and `title` the names that it bears in Microsoft 365: given and family name where there are any, else the display
    name.

    `detail` is the rule or mode by which it is left out, the keys of rivals, or the school's id on the object. `file`
    and `record` are where the roster has it, or where somebody said yes.
    """

    kind: str
    key: str | None
    name: str | None
    object_id: str | None
    account: str | None
    title: str | None
    detail: str | None
    file: str | None
    record: int | None


@dataclass(frozen=True)
class Matches:
    """What `find_matches` left in `run.matching` of `store`.

    `counts` has the lines of each sort by kind: of what is ambiguous, one for each object. `others` counts by domain
    of the profile the accounts that nobody claims and that bear nothing of a school. `held` counts persons whose
    record cannot be read: nothing is said of them.
    """

    store: Store
    tenant: str
    counts: Mapping[What, Mapping[str, int]]
    others: Mapping[str, int]
    held: int

    def total(self, what: What) -> int:
        """All lines of one sort."""
        return sum(self.counts[what].values())

    def entries(self, what: What) -> Iterator[Entry]:
        """The lines of one sort, by kind and key."""
        columns = ", ".join(Entry._fields)
        rows = self.store.stream(
            f"""SELECT {columns} FROM run.matching WHERE what = ?
                ORDER BY list_position({list(KINDS)}, kind), key, account, object_id, record""",
            [what],
        )
        return map(Entry._make, rows)


def find_matches(store: Store, profile: Profile) -> Matches:
    """Make `run.matching` from what `match_up` has left. Nothing else is written."""
    store.run("""
        CREATE OR REPLACE TABLE run.matching (
            what TEXT, kind TEXT, key TEXT, name TEXT, object_id TEXT, account TEXT, title TEXT, detail TEXT, file TEXT,
            record BIGINT)""")
    for kind in KINDS:
        for statement in (_MATCHED, _UNMATCHED, _NOBODYS, _IDLE):
            store.run(statement.format(kind=kind, **OF[kind], **_of_school(profile, kind)))
    counts: dict[What, dict[str, int]] = {what: {} for what in WHATS}
    for what, kind, number in store.rows("SELECT what, kind, count(*) FROM run.matching GROUP BY ALL ORDER BY ALL"):
        counts[what][kind] = number
    return Matches(
        store,
        str(store.value("SELECT name FROM current.tenant")),
        counts,
        dict(store.rows(_others(profile))),
        int(store.value("SELECT count(DISTINCT id) FROM roster.held WHERE kind = 'person'")),
    )


def _of_school(profile: Profile, kind: str) -> dict[str, str]:
    """SQL for whether an object is one of a school at all, and for what it bears of the school's `id`."""
    if kind == "user":
        return {"of_school": "o.anchor IS NOT NULL OR o.primary_role IN ('student', 'teacher')", "borne": "id"}
    # elsewhere any group may have a unique name, and any unit a description
    ours = f"starts_with(o.anchor, 'provision_{profile.name}_{kind}_')"
    known = "o.anchor IS NOT NULL" if profile.tenant.education else f"coalesce({ours}, false)"
    return {"of_school": known, "borne": anchor_of(profile, kind, "id")}


OF = {
    "user": {
        "wanted": "(SELECT key, concat_ws(' ', given_name, family_name) AS name, file, record FROM run.people)",
        "current": """(SELECT object_id, user_principal_name AS account,
            coalesce(nullif(concat_ws(' ', given_name, family_name), ''), display_name) AS title,
            nullif(concat_ws(' ', student_id, teacher_id), '') AS anchor,
            primary_role FROM current.users)""",
        "ids": "roster.persons",
        "held": "person",
        "source": "source_id",
        "anchors": "SELECT object_id, unnest([student_id, teacher_id]) AS id FROM current.users",
    },
    "section": {
        "wanted": "(SELECT key, title AS name, file, record FROM run.wanted_sections)",
        "current": """(SELECT object_id, mail_nickname AS account, display_name AS title, external_id AS anchor
            FROM current.sections)""",
        "ids": "roster.sections",
        "held": "section",
        "source": "id",
        "anchors": "SELECT object_id, external_id AS id FROM current.sections",
    },
    "school": {
        "wanted": "(SELECT key, name, file, record FROM run.wanted_schools)",
        "current": """(SELECT object_id, NULL::TEXT AS account, display_name AS title, external_id AS anchor
            FROM current.schools)""",
        "ids": "roster.orgs",
        "held": "org",
        "source": "id",
        "anchors": "SELECT object_id, external_id AS id FROM current.schools",
    },
}
"""What the roster wants and the directory has of each kind, in one shape."""

_MATCHED = f"""
    INSERT INTO run.matching
    WITH found AS (
        SELECT m.key, m.conflict, m.strength, coalesce(c.object_id, m.object_id) AS object_id
        FROM run.{{kind}}_matches m
        LEFT JOIN run.{{kind}}_claims c ON c.key = m.key AND c.strength = m.strength AND m.conflict = 'match-ambiguous')
    SELECT coalesce(substr(f.conflict, 7), ['accepted', 'anchor', 'ledger', 'key'][f.strength + 1]), '{{kind}}', w.key,
           w.name, f.object_id, o.account, o.title,
           CASE f.conflict
               WHEN 'match-claimed-twice' THEN (
                   SELECT array_to_string(min(r.key, {MOST_RIVALS}), ' ') FROM run.{{kind}}_claims r
                   WHERE r.object_id = f.object_id AND r.key <> f.key)
               WHEN 'match-other-anchor' THEN o.anchor WHEN 'match-accepted-anchor' THEN o.anchor END,
           coalesce(a.file, w.file), coalesce(a.record, w.record)
    FROM found f JOIN {{wanted}} w ON w.key = f.key
    LEFT JOIN {{current}} o ON o.object_id = f.object_id
    LEFT JOIN run.accepted a ON a.key = f.key AND (f.strength = 0 OR a.refused IS NOT NULL)"""
"""Whatever has a claim: a line, or where it is ambiguous one for each of the objects."""

_UNMATCHED = """
    INSERT INTO run.matching
    SELECT CASE WHEN w.key IN (SELECT key FROM desired.{kind}s) THEN 'new' ELSE 'left-out' END, '{kind}', w.key, w.name,
           NULL, NULL, NULL, (SELECT min(s.rule) FROM run.set_aside s WHERE s.kind = '{kind}' AND s.key = w.key),
           w.file, w.record
    FROM {wanted} w WHERE w.key NOT IN (SELECT key FROM run.{kind}_matches)"""

_NOBODYS = """
    INSERT INTO run.matching
    WITH named AS (
        SELECT {borne} AS id FROM (
            SELECT {source} AS id FROM {ids} UNION
            SELECT unnest([id, regexp_replace(id, '^(student|teacher|staff)/', '')]) FROM roster.held
            WHERE kind = '{held}'))
    SELECT 'nobodys', '{kind}', NULL, NULL, o.object_id, o.account, o.title, o.anchor, NULL, NULL
    FROM {current} o
    WHERE ({of_school}) AND o.object_id NOT IN (SELECT object_id FROM run.{kind}_claims)
      AND o.object_id NOT IN (SELECT object_id FROM run.accepted)
      AND o.object_id NOT IN (
          SELECT object_id FROM ({anchors}) WHERE id IN (SELECT id FROM named))"""
"""Objects of a school that nobody in the roster claims, and that none who is held or out of scope may be."""

_IDLE = """
    INSERT INTO run.matching
    SELECT 'idle', '{kind}', a.key, NULL, a.object_id, o.account, o.title, NULL, a.file, a.record
    FROM run.accepted a LEFT JOIN {current} o ON o.object_id = a.object_id
    WHERE a.kind = '{kind}' AND a.key NOT IN (SELECT key FROM {wanted})"""
"""A yes of which the key is not in the roster, or not in scope."""


def _others(profile: Profile) -> str:
    """SQL for the accounts that nobody claims and that bear nothing of a school, by domain of the profile."""
    domains = {
        domain.lower()
        for _, people in profile.people()
        for domain in (people.domain, people.match.append_domain)
        if domain
    }
    return f"""
        SELECT lower(split_part(user_principal_name, '@', 2)) AS domain, count(*) FROM current.users
        WHERE student_id IS NULL AND teacher_id IS NULL AND coalesce(primary_role, '') NOT IN ('student', 'teacher')
          AND domain IN {literals(sorted(domains))}
          AND object_id NOT IN (SELECT object_id FROM run.user_claims)
        GROUP BY 1 ORDER BY 1"""
