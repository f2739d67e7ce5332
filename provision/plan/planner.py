"""Making a plan: read the directory, work out what it should hold, take the difference, judge it.

Nothing in here, or in anything it imports, can write to the directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provision.errors import StalePlan
from provision.plan import changes
from provision.plan.guards import Verdict, judge_all
from provision.plan.lifecycle import RULES
from provision.plan.reader import DirectoryReader
from provision.policy import desire
from provision.policy.kinds import GROUP_MEMBER, MEMBER, OWNER, SCHOOL_SECTION, SCHOOL_USER
from provision.profile import Profile
from provision.store import Store


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned run: the changes and notes stand in the store, the judgement here."""

    snapshot_at: datetime
    verdicts: tuple[Verdict, ...]


async def make_plan(
    store: Store,
    profile: Profile,
    reader: DirectoryReader,
    now: datetime,
    overrides: frozenset[str] = frozenset(),
    recreate: frozenset[str] = frozenset(),
) -> Draft:
    """Fill `run.changes` and `run.notes` for the roster that the store holds.

    Raises `DirectoryError` when the directory cannot be read whole or lacks what the profile asks for, and
    `StalePlan` when the ledger belongs to another tenant.
    """
    await reader.read_objects(store)
    check_tenant(store)
    store.run("CREATE OR REPLACE TABLE run.scope AS SELECT unnest(?::TEXT[]) AS id", [list(profile.roster.schools)])
    desire(store, profile, recreate)
    want_links(store)
    await reader.read_links(store)
    changes.start(store)
    _adopt_members(store, profile)
    for rule in RULES:
        if rule.step is not None:
            rule.step(store, profile, now.date())
    changes.count_requests(store)
    _note_what_is_held(store)
    verdicts = judge_all(store, profile, overrides)
    return Draft(now, tuple(verdicts))


def check_tenant(store: Store) -> None:
    """The ledger speaks of one tenant's objects; with another one it would lie."""
    known = store.value("SELECT tenant FROM ledger.profile")
    here = store.value("SELECT id FROM current.tenant")
    if known is not None and known != here:
        raise StalePlan(
            f"This profile has been applied to tenant {known}, and is now pointed at {here}.",
            ["Use another profile name (or --state folder) for another tenant."],
        )


def want_links(store: Store) -> None:
    """Name in `run.wanted` the objects whose links the difference needs."""
    store.run("CREATE OR REPLACE TABLE run.wanted (kind TEXT, object_id TEXT)")
    for kinds, objects in (
        ((MEMBER, OWNER), "SELECT object_id FROM desired.sections"),
        ((SCHOOL_USER, SCHOOL_SECTION), "SELECT object_id FROM desired.schools"),
        ((GROUP_MEMBER,), "SELECT object_id FROM desired.school_groups"),
    ):
        for kind in kinds:
            store.run(f"""
                INSERT INTO run.wanted
                SELECT DISTINCT '{kind.name}', object_id FROM ({objects}) WHERE object_id IS NOT NULL""")


def _adopt_members(store: Store, profile: Profile) -> None:
    """At first contact with a section, students who are in it already count as put there by the roster, if asked."""
    store.run("DELETE FROM run.adopted")
    if profile.sections.adopt_members:
        store.run("""
            INSERT INTO run.adopted
            SELECT d.key, d.left_key, d.right_key, d.left_id, d.right_id, d.role FROM desired.links d
            JOIN current.links c ON c.kind = d.kind AND c.left_id = d.left_id AND c.right_id = d.right_id
            WHERE d.kind = 'member' AND d.role = 'student'
              AND d.left_key NOT IN (SELECT key FROM ledger.objects WHERE kind = 'section')""")


def planned_as(store: Store, digest: str) -> None:
    """Note which plan the tables of the store belong to, for when it has been applied."""
    store.run("DELETE FROM run.planned")
    store.run("INSERT INTO run.planned VALUES (?)", [digest])


def _note_what_is_held(store: Store) -> None:
    store.run("INSERT INTO run.notes SELECT what, kind, key, rule, file, record, field FROM run.set_aside")
    store.run("""
        INSERT INTO run.notes
        SELECT DISTINCT 'held',
               CASE kind WHEN 'org' THEN 'school' WHEN 'person' THEN 'user' WHEN 'enrollment' THEN 'member'
                         ELSE kind END,
               CASE kind WHEN 'org' THEN 'school:' || coalesce(id, '*')
                         WHEN 'person' THEN 'user:' || coalesce(id, '*')
                         WHEN 'section' THEN 'section:' || coalesce(id, '*')
                         ELSE 'member:' || coalesce(run.part(id), '*') || '/' || coalesce(other_id, '*') END,
               rule, file, record, NULL
        FROM roster.held""")
