"""The reverse of a run: what its journal says was done, turned round as far as that can be.

Values are put back, added members are removed, removed ones are added again, and accounts that were made are blocked
from signing in. What we never delete cannot be undone, and is listed: objects, owners and teachers, licences, a
section's place in a school. The result is a plan like any other, with guards, approval and expiry.
"""

from __future__ import annotations

from datetime import datetime

from provision.errors import UsageError
from provision.plan import changes
from provision.plan.guards import OF_THE_ROSTER, judge_all
from provision.plan.planner import Draft, check_tenant
from provision.plan.reader import DirectoryReader
from provision.policy import desire
from provision.policy.kinds import (
    GROUP_MEMBER,
    LINKS,
    MEMBER,
    OBJECTS,
    READ_WITH_OBJECTS,
    SCHOOL_USER,
    LinkKind,
    ObjectKind,
)
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literal, literals

LAST = "last"
REMOVED_AGAIN = (MEMBER, GROUP_MEMBER, SCHOOL_USER)
STAYING = "('teacher', 'licensed')"
"""SQL for the roles of members who stay all the same: to leave the group would take a licence away."""


async def make_undo(
    store: Store,
    profile: Profile,
    reader: DirectoryReader,
    now: datetime,
    run: str,
    overrides: frozenset[str] = frozenset(),
) -> Draft:
    """Fill `run.changes` and `run.notes` with the reverse of the run called `run` (or `last`).

    Whatever has been changed since by somebody else is left as it is, and noted. Raises `UsageError` where the
    journal has no such run, `StalePlan` where it was in another tenant.
    """
    run = known_run(store, run)
    await reader.read_objects(store)
    store.make_room()
    check_tenant(store)
    store.run("CREATE OR REPLACE TABLE run.scope (id TEXT)")
    desire(store, profile)  # of a roster that is empty: the tables, and who is protected
    _take_the_ledger_as_desired(store)
    _read_journal(store, run)
    store.run(f"""
        CREATE OR REPLACE TABLE run.wanted AS
        SELECT DISTINCT kind, left_id AS object_id FROM run.undone
        WHERE left_id IN (SELECT object_id FROM current.objects) AND kind NOT IN {READ_WITH_OBJECTS}""")
    await reader.read_links(store)
    changes.start(store)
    for kind in OBJECTS:
        _put_back(store, profile, kind)
    _block_accounts(store)
    for link in LINKS:
        _turn_round(store, link)
    _note_what_stays(store)
    changes.count_requests(store)
    changes.name_schools(store)
    verdicts = judge_all(store, profile, now, overrides)
    # no roster has a part in this
    return Draft(now, tuple(verdict for verdict in verdicts if verdict.guard not in OF_THE_ROSTER), undoes=run)


def known_run(store: Store, run: str) -> str:
    """The run of that name, or the last one. Raises `UsageError` where there is none."""
    runs = [name for (name,) in store.rows("SELECT run FROM journal.runs ORDER BY started DESC")]
    if run == LAST and runs:
        return str(runs[0])
    if run not in runs:
        raise UsageError(
            f"The journal has no run '{run}'.",
            [f"The last ones: {', '.join(map(str, runs[:3]))}." if runs else "Nothing has been applied yet."],
        )
    return run


def _take_the_ledger_as_desired(store: Store) -> None:
    """What guards measure an undo against: everything that we know to be ours."""
    for kind in OBJECTS:
        store.run(f"""
            INSERT INTO {kind.desired} BY NAME
            SELECT key, object_id FROM ledger.objects WHERE kind = {literal(kind.name)}
                AND object_id IN (SELECT object_id FROM {kind.current})""")


def _read_journal(store: Store, run: str) -> None:
    """`run.undone`: what the run did, a row per change, with the values of the last time that it was sent."""
    store.run(
        """
        CREATE OR REPLACE TABLE run.undone AS
        SELECT o.change_id AS id, i.kind, i.action, i.key, coalesce(o.object_id, i.object_id) AS object_id,
               i.left_key, i.left_id, i.right_key, i.right_id, i.role, i.before, i.after
        FROM journal.outcomes o
        JOIN (SELECT change_id, max(moment) AS moment FROM journal.intents GROUP BY change_id) last USING (change_id)
        JOIN journal.intents i ON i.change_id = o.change_id AND i.moment = last.moment
        WHERE o.run = ? AND o.status = 'done'""",
        [run],
    )


def _put_back(store: Store, profile: Profile, kind: ObjectKind) -> None:
    """Updates with the values turned round, where nobody else has changed them since."""
    values = ", ".join(f"{{'f': '{field}', 'v': c.{field}}}" for field in kind.updated)
    store.run(f"""
        CREATE OR REPLACE TABLE run.put_back AS
        SELECT u.*, len(list_filter([{values}], lambda x: json_exists(u.after, x.f)
                   AND x.v IS DISTINCT FROM (u.after ->> x.f))) > 0 AS moved,
               c.object_id IN (SELECT object_id FROM run.protected) AS protected,
               array_to_string(list_filter(json_keys(u.after),
                   lambda f: (u.after ->> f) IS DISTINCT FROM (u.before ->> f)), ', ') AS fields
        FROM run.undone u JOIN {kind.current} c ON c.object_id = u.object_id
        WHERE u.kind = '{kind.name}' AND u.action = 'update'""")
    requests = changes.update_requests(kind, "string_split(fields, ', ')", split=profile.tenant.education)
    store.run(f"""
        INSERT INTO run.changes ({changes.COLUMNS})
        SELECT 'update:' || key, kind, 'update', key, object_id, after, before, 'undo', NULL, NULL, fields, [],
               {requests}, NULL, NULL, NULL, NULL, NULL, NULL
        FROM run.put_back WHERE after IS NOT NULL AND NOT moved AND NOT protected""")
    for what, rule, where in (
        ("kept", "undo-too-old", "after IS NULL"),
        ("conflict", "undo-changed-since", "after IS NOT NULL AND moved AND NOT protected"),
        ("protected", "L16", "protected"),
    ):
        changes.note(store, what, kind.name, rule, f"""
            SELECT key, NULL AS file, NULL AS record, NULL AS field FROM run.put_back WHERE {where}""")  # fmt: skip


def _block_accounts(store: Store) -> None:
    """Accounts that the run made can no longer sign in; they, and all that is theirs, stay."""
    made = "run.undone WHERE kind = 'user' AND action = 'create'"
    there = "object_id IN (SELECT object_id FROM current.users)"
    safe = "object_id NOT IN (SELECT object_id FROM run.protected)"
    store.run(f"""
        INSERT INTO run.changes ({changes.COLUMNS})
        SELECT 'update:' || key, 'user', 'update', key, object_id, '{{"account_enabled":true}}',
               '{{"account_enabled":false}}', 'undo', NULL, NULL, 'account_enabled', [], 1,
               NULL, NULL, NULL, NULL, NULL, NULL
        FROM {made} AND {there} AND {safe}""")
    blocked = f"SELECT key, NULL AS file, NULL AS record, NULL AS field FROM {made} AND {there} AND NOT ({safe})"
    changes.note(store, "protected", "user", "L16", blocked)


def _turn_round(store: Store, kind: LinkKind) -> None:
    """Links: what was added is removed if that may be, what was removed is added again."""
    there = "(u.kind, u.left_id, u.right_id) IN (SELECT (kind, left_id, right_id) FROM current.links)"
    if kind in REMOVED_AGAIN:
        store.run(f"""
            INSERT INTO run.changes ({changes.COLUMNS})
            SELECT 'remove:' || u.key, u.kind, 'remove', u.key, u.left_id, {changes.ends(kind, "u")}, NULL, 'undo',
                   NULL, NULL, NULL, [], 1, NULL, u.left_key, u.left_id, u.right_key, u.right_id, u.role
            FROM run.undone u
            WHERE u.kind = '{kind.name}' AND u.action = 'add' AND coalesce(u.role, '') NOT IN {STAYING} AND {there}""")
    store.run(f"""
        INSERT INTO run.changes ({changes.COLUMNS})
        SELECT 'add:' || u.key, u.kind, 'add', u.key, u.left_id, NULL, {changes.ends(kind, "u")}, 'undo',
               NULL, NULL, NULL, [], 0, NULL, u.left_key, u.left_id, u.right_key, u.right_id, u.role
        FROM run.undone u
        WHERE u.kind = '{kind.name}' AND u.action = 'remove' AND NOT {there}
          AND u.left_id IN (SELECT object_id FROM current.objects)
          AND u.right_id IN (SELECT object_id FROM current.objects)""")


def _note_what_stays(store: Store) -> None:
    """Objects but accounts, owners and teachers, licences, sections of schools: never deleted, never taken away."""
    removable = literals(kind.name for kind in REMOVED_AGAIN)
    for kind in (*(each.name for each in OBJECTS), *(each.name for each in LINKS)):
        changes.note(store, "kept", kind, "undo-never-deleted", f"""
            SELECT key, NULL AS file, NULL AS record, NULL AS field FROM run.undone
            WHERE kind = '{kind}' AND action IN ('create', 'add') AND kind <> 'user'
              AND NOT (kind IN {removable} AND coalesce(role, '') NOT IN {STAYING})""")  # fmt: skip
