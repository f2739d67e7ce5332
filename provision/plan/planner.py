"""Making a plan: read the directory, work out what it should hold, take the difference, judge it.

Nothing in here, or in anything it imports, can write to the directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from provision.errors import StalePlan
from provision.plan import changes
from provision.plan.guards import Verdict, judge_all
from provision.plan.guards.roster_shrinks import COUNTS
from provision.plan.lifecycle import RULES
from provision.plan.reader import DirectoryReader
from provision.plan.selection import keep_only
from provision.policy import desire
from provision.policy.kinds import GROUP_MEMBER, MEMBER, OBJECTS, OWNER, SCHOOL_SECTION, SCHOOL_USER
from provision.profile import Profile
from provision.store import Store


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned run: the changes and notes stand in the store, the judgement here."""

    snapshot_at: datetime
    verdicts: tuple[Verdict, ...]
    only: tuple[str, ...] = ()
    """What it was cut down to; nothing for the whole."""
    undoes: str | None = None
    """The run that it undoes, if it does."""


async def make_plan(
    store: Store,
    profile: Profile,
    reader: DirectoryReader,
    now: datetime,
    overrides: frozenset[str] = frozenset(),
    recreate: frozenset[str] = frozenset(),
    reconsider: frozenset[str] = frozenset(),
    only: frozenset[str] = frozenset(),
) -> Draft:
    """Fill `run.changes` and `run.notes` for the roster that the store holds, or for that part which `only` names.

    Raises `DirectoryError` when the directory cannot be read whole or lacks what the profile asks for, and
    `StalePlan` when the ledger belongs to another tenant.
    """
    await match_up(store, profile, reader, recreate)
    want_links(store)
    await reader.read_links(store)
    changes.start(store)
    _name_pairs(store)
    for rule in RULES:
        if rule.step is not None:
            rule.step(store, profile, now.date())
    changes.leave_out_rejected(store, reconsider)
    changes.name_schools(store)
    _note_what_is_held(store)
    if only:
        keep_only(store, sorted(only))
    changes.count_requests(store)
    verdicts = judge_all(store, profile, now, overrides)
    return Draft(now, tuple(verdicts), tuple(sorted(only)))


async def match_up(
    store: Store, profile: Profile, reader: DirectoryReader, recreate: frozenset[str] = frozenset()
) -> None:
    """Read the directory's objects, find whose they are, and work out what they should be: `desired.*`.

    Raises what `make_plan` raises.
    """
    await reader.read_objects(store)
    check_tenant(store)
    store.make_room()
    store.run("CREATE OR REPLACE TABLE run.scope AS SELECT unnest(?::TEXT[]) AS id", [list(profile.roster.schools)])
    desire(store, profile, recreate)


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
                SELECT DISTINCT '{kind.name}', object_id FROM ({objects})
                WHERE object_id IN (SELECT object_id FROM current.objects)""")


def _name_pairs(store: Store) -> None:
    """`run.named`: every membership that the roster speaks of, whether we can act on it or not. `run.named_in`: the
    file that speaks of those of a section.

    By the ids of the roster, and by every account that the person has a claim to or had by the ledger: a person who got
    another id, or whose match is in doubt, is still the one who sits in that class.
    """
    store.run("""
        CREATE OR REPLACE TABLE run.pairs AS
        SELECT 'section:' || section_id AS left_key, 'user:' || person_id AS right_key, min(file) AS file FROM (
            SELECT section_id, person_id, file FROM roster.enrollments
            UNION ALL SELECT id, other_id, file FROM roster.held WHERE kind = 'enrollment')
        GROUP BY ALL""")
    store.run("""
        CREATE OR REPLACE TABLE run.accounts AS
        SELECT key, object_id FROM run.user_claims
        UNION SELECT key, object_id FROM ledger.objects WHERE kind = 'user'""")
    # as the roster spells them here, and then as we do where that is not the same, which is seldom
    store.run("""
        CREATE OR REPLACE TABLE run.named AS
        SELECT p.left_key, p.right_key, a.object_id AS right_id, p.file FROM run.pairs p
        LEFT JOIN (SELECT lower(key) AS folded, object_id FROM run.accounts) a ON a.folded = lower(p.right_key)""")
    store.run("""
        INSERT INTO run.named
        SELECT p.left_key, a.key, a.object_id, p.file FROM run.pairs p
        JOIN (SELECT lower(key) AS folded, * FROM run.accounts) a
            ON a.folded = lower(p.right_key) AND a.key <> p.right_key""")
    store.run("""
        CREATE OR REPLACE TABLE run.named_in AS
        SELECT left_key, min(file) AS file FROM run.named GROUP BY left_key""")
    for table in ("pairs", "accounts"):
        store.run(f"DROP TABLE run.{table}")


def keep_for_apply(store: Store, profile: Profile, draft: Draft, digest: str) -> None:
    """Keep what this plan was made from, until it has been applied or has expired.

    The ledger takes it over when the plan has been applied, whatever is planned in between. It takes nothing from a
    plan that was cut down to a part, which says nothing of the rest; only the passwords of that part are kept.
    """
    if not draft.only:
        _find_forgotten(store)

    def keep() -> None:
        expired = "(SELECT digest FROM planned.plans WHERE expires < now())"
        for table in ("roster_files", "roster_counts", "objects", "links", "plans"):
            store.run(f"DELETE FROM planned.{table} WHERE digest IN {expired} OR digest = ?", [digest])
        _keep_passwords(store, draft)
        expires = draft.snapshot_at + timedelta(seconds=profile.plan.seconds)
        store.run("INSERT INTO planned.plans VALUES (?, ?)", [digest, expires])
        if draft.only:
            return
        store.run("INSERT INTO planned.roster_files SELECT ?, file, records FROM roster.files", [digest])
        store.run(f"INSERT INTO planned.roster_counts SELECT ?, * FROM ({COUNTS})", [digest])
        for kind in OBJECTS:
            store.run(
                f"INSERT INTO planned.objects SELECT ?, '{kind.name}', key, object_id FROM {kind.desired} "
                "WHERE object_id IS NOT NULL",
                [digest],
            )
        store.run("INSERT INTO planned.links (digest, was) SELECT ?, was FROM run.forgotten", [digest])
        store.run(
            """
            INSERT INTO planned.links
            SELECT ?, k.was, k.kind, k.key, k.left_key, k.right_key, k.left_id, k.right_id, k.role
            FROM run.known_links k
            ANTI JOIN ledger.links l ON l.kind = k.kind AND l.key = k.key AND l.role IS NOT DISTINCT FROM k.role
            ANTI JOIN run.forgotten f ON f.kind = k.kind AND f.was = k.was
                AND f.left_id = k.left_id AND f.right_id = k.right_id""",
            [digest],
        )
        if profile.sections.adopt_members:
            _adopt_members(store, digest)

    store.at_once(keep)


def _keep_passwords(store: Store, draft: Draft) -> None:
    """Those that the roster gives the accounts that this plan makes. Those of other plans that wait are not taken from
    them by a part; a whole plan has them itself."""
    waiting = "EXISTS (FROM planned.plans) AND key NOT IN (SELECT key FROM run.changes)"
    store.run(f"DELETE FROM planned.passwords WHERE NOT ({waiting if draft.only else 'false'})")
    store.run("""
        INSERT INTO planned.passwords SELECT c.key, p.password
        FROM roster.persons p JOIN run.changes c ON c.key = 'user:' || p.id
        WHERE c.kind = 'user' AND c.action = 'create' AND p.password IS NOT NULL""")


def _find_forgotten(store: Store) -> None:
    """`run.forgotten`: links that are no longer there and that the roster no longer names; if somebody makes one anew,
    it is theirs. What is not there is found first: that is little, and few tables of links fit the memory at once."""
    store.run("""
        CREATE OR REPLACE TABLE run.forgotten AS
        SELECT k.kind, k.was, k.key, k.left_key, k.right_key, k.left_id, k.right_id FROM run.known_links k
        ANTI JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
        WHERE k.left_id IN (SELECT object_id FROM run.wanted)""")
    store.run("DELETE FROM run.forgotten WHERE key IN (SELECT key FROM desired.links)")
    store.run("DELETE FROM run.forgotten WHERE (left_key, right_key) IN (SELECT (left_key, right_key) FROM run.named)")


def _adopt_members(store: Store, digest: str) -> None:
    """At first contact with a section, students who are in it already count as put there by the roster, if asked."""
    store.run(
        """
        INSERT INTO planned.links
        SELECT ?, d.key, d.kind, d.key, d.left_key, d.right_key, d.left_id, d.right_id, d.role FROM desired.links d
        JOIN current.links c ON c.kind = d.kind AND c.left_id = d.left_id AND c.right_id = d.right_id
        WHERE d.kind = 'member' AND d.role = 'student'
          AND d.left_key NOT IN (SELECT key FROM ledger.objects WHERE kind = 'section')
          AND d.key NOT IN (SELECT key FROM run.known_links WHERE kind = 'member')""",
        [digest],
    )


def _note_what_is_held(store: Store) -> None:
    store.run("INSERT INTO run.notes SELECT what, kind, key, rule, file, record, field FROM run.set_aside")
    # a record that could speak of anything holds all of its kind, which is written with a star
    unknown = """CASE id WHEN 'enrollments' THEN 'member' WHEN 'sections' THEN 'section'
                         WHEN 'orgs' THEN 'school' WHEN 'relationships' THEN 'contact' ELSE 'user' END"""
    store.run(f"""
        INSERT INTO run.notes
        SELECT DISTINCT 'held',
               CASE kind WHEN 'org' THEN 'school' WHEN 'section' THEN 'section' WHEN 'enrollment' THEN 'member'
                         WHEN 'person' THEN 'user' WHEN 'relationship' THEN 'contact' ELSE {unknown} END,
               CASE kind WHEN 'org' THEN 'school:' || id
                         WHEN 'person' THEN 'user:' || id
                         WHEN 'section' THEN 'section:' || id
                         WHEN 'enrollment' THEN 'member:' || run.part(id) || '/' || other_id
                         WHEN 'relationship' THEN 'contact:' || run.part(id) || '/' || coalesce(other_id, '*')
                         ELSE {unknown} || ':*' END,
               rule, file, record, NULL
        FROM roster.held""")
