"""A plan against a snapshot of the whole directory that is in the store already: nothing is read from a tenant.

    python -m bench.snapshot make FOLDER
    python -m bench.snapshot plan FOLDER

`make` plans the district of `bench.standard` once for an empty tenant, and then has everything in place, in the ledger
and in the `current` tables, but for one in a hundred: users who are called otherwise, members who are missing. `plan`
loads the roster, plans and writes the plan file.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench.cost import measured
from bench.inplace import fill_ledger, live_in
from bench.tenant import SEATS

from provision.cli import road
from provision.cli.road import Allowances, Run, open_run
from provision.plan.planner import make_plan
from provision.policy.kinds import SCHOOL, SECTION, USER
from provision.sandbox import Sandbox, Tenant
from provision.settings import Settings
from provision.store import Store

DIFFERENT = 100  # one in so many


class Known:
    """A reader that has read everything."""

    async def read_objects(self, store: Store) -> None:
        """It is there."""

    async def read_links(self, store: Store) -> None:
        """They are there."""


async def make(run: Run) -> None:
    live_in(Sandbox(Tenant.new(seats=SEATS), keep=100))
    await road.draft_of(run, None, Allowances())
    store = run.store
    store.run("CREATE OR REPLACE TABLE run.ids AS SELECT key, uuid()::TEXT AS object_id FROM run.changes "
              "WHERE action = 'create'")  # fmt: skip
    fill_ledger(store)
    store.run("INSERT INTO ledger.profile SELECT ?, id FROM current.tenant", [run.profile.name])
    for kind in (USER, SCHOOL, SECTION):
        fields = ", ".join(kind.fields)
        store.run(f"INSERT INTO {kind.current} (object_id, {fields}) "
                  f"SELECT i.object_id, {fields} FROM {kind.desired} d JOIN run.ids i ON i.key = d.key")  # fmt: skip
    store.run("""
        INSERT INTO current.groups (object_id, unique_name, display_name, mail_nickname, unified, security)
        SELECT i.object_id, unique_name, display_name, mail_nickname, false, true
        FROM desired.school_groups d JOIN run.ids i ON i.key = d.key
        UNION ALL SELECT object_id, NULL, display_name, mail_nickname, true, false FROM current.sections""")
    store.run(f"""
        INSERT INTO current.all_links SELECT kind, left_id, right_id FROM ledger.links
        WHERE NOT (kind = 'member' AND hash(key) % {DIFFERENT} = 0)""")
    store.run(
        f"UPDATE current.users SET display_name = 'Another ' || display_name WHERE hash(object_id) % {DIFFERENT} = 0"
    )


async def plan(run: Run) -> None:
    with measured() as counts:
        form = road.load_for(run, None, Allowances())
        draft = await make_plan(run.store, run.profile, Known(), run.clock(), frozenset({"updates"}))
        file = road.write_draft(run, draft, form, run.folder / "plan.jsonl")
        counts["changes"] = sum(number for actions in file.header["counts"].values() for number in actions.values())


def main(what: str, folder: Path) -> None:
    with open_run(Settings(state=folder / "state"), folder / "whole.toml") as run:
        asyncio.run({"make": make, "plan": plan}[what](run))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
