"""A district that is in place: in the fake tenant and in the ledger, without the hours that applying it would take.

    python -m bench.inplace FOLDER [PROFILE]

`FOLDER` is one of `bench.standard`. It plans, and sends the requests of the plan's changes straight into a tenant in
this process: none of them is paced, batched or written into a journal. `FOLDER/tenant.json` gets the tenant, the
ledger what was made. That this is what an apply leaves behind is proved by the next plan, which must be empty.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.cost import measured
from bench.tenant import SEATS

from provision.apply.writer import Reference, Write
from provision.cli import road
from provision.cli.road import Allowances, Run, open_run
from provision.graph import Graph, connect
from provision.graph.layout import EDUCATION, layout_of
from provision.policy.kinds import LINKS, MOST_REFERENCES, OBJECTS, bundle_sql
from provision.sandbox import Sandbox, SandboxTransport, Tenant
from provision.settings import Settings
from provision.store import Store

PASSWORD = "Harbor-Bench-1"  # of nobody
KINDS = layout_of(EDUCATION).kinds
ROOT = "https://graph.microsoft.com/v1.0"


def live_in(sandbox: Sandbox) -> None:
    """Let the commands find this tenant where they look for the one that is built in."""

    @asynccontextmanager
    async def directory(run: Run) -> AsyncIterator[Graph]:
        transport = SandboxTransport(sandbox)
        async with connect(run.settings.graph_url, sandbox.tenant.id, transport=transport) as graph:
            yield graph

    road.directory = directory


def fill_tenant(sandbox: Sandbox, store: Store) -> None:
    """Send what the changes in the store come to, and keep the ids of what is made in `run.ids (key, object_id)`."""
    made = [(write.key, _send(sandbox, write)) for write in _creates(store)]
    store.run("CREATE OR REPLACE TABLE run.ids (key TEXT, object_id TEXT)")
    store.insert("run.ids", ("key", "object_id"), made)
    for write in _links(store):
        _send(sandbox, write)


def _send(sandbox: Sandbox, write: Write) -> str:
    """The id of the object that is written."""
    object_id = write.object_id or ""
    for request in KINDS[write.kind].requests(write, ROOT):
        one = request.of(object_id)
        answer = sandbox.ask(one.method, one.url, one.body, one.headers)
        if answer.status >= 300:
            raise SystemExit(f"{one.method} {one.url}: {answer.status} {answer.body!r}")
        object_id = object_id or str(answer.json()["id"])
    return object_id


def _creates(store: Store) -> Iterator[Write]:
    for kind, key, values in store.stream("SELECT kind, key, after::TEXT FROM run.changes WHERE action = 'create'"):
        yield Write(kind, "create", key, None, json.loads(values), password=PASSWORD)


def _links(store: Store) -> Iterator[Write]:
    rows = store.stream(f"""
        WITH links AS (
            SELECT c.kind, coalesce(c.left_id, l.object_id) AS left_id, coalesce(c.right_id, r.object_id) AS right_id,
                   bundle, (row_number() OVER (PARTITION BY bundle ORDER BY c.id) - 1) // {MOST_REFERENCES} AS part
            FROM (SELECT *, {bundle_sql()} AS bundle FROM run.changes WHERE action = 'add') c
            LEFT JOIN run.ids l ON l.key = c.left_key LEFT JOIN run.ids r ON r.key = c.right_key)
        SELECT left_id, list(kind), list(right_id) FROM links GROUP BY left_id, bundle, part""")
    for left_id, kinds, rights in rows:
        references = tuple(Reference(kind, right) for kind, right in zip(kinds, rights, strict=True))
        yield Write(kinds[0], "add", "", left_id, references=references)


def fill_ledger(store: Store) -> None:
    """What is made stands in the ledger: `run.ids` has the ids."""
    objects = ", ".join(f"'{kind.name}'" for kind in OBJECTS)
    links = ", ".join(f"'{kind.name}'" for kind in LINKS)
    store.run(f"""
        INSERT INTO ledger.objects SELECT c.kind, c.key, i.object_id, 'bench'
        FROM run.changes c JOIN run.ids i ON i.key = c.key WHERE c.action = 'create' AND c.kind IN ({objects})""")
    store.run(f"""
        INSERT INTO ledger.links
        SELECT c.kind, c.key, c.left_key, c.right_key, coalesce(c.left_id, l.object_id),
               coalesce(c.right_id, r.object_id), c.role, 'bench'
        FROM run.changes c LEFT JOIN run.ids l ON l.key = c.left_key LEFT JOIN run.ids r ON r.key = c.right_key
        WHERE c.action = 'add' AND c.kind IN ({links})""")


async def main(folder: Path, profile: str) -> None:
    sandbox = Sandbox(Tenant.new(seats=SEATS), keep=100)
    live_in(sandbox)
    with measured() as counts, open_run(Settings(state=folder / "state"), folder / profile) as run:
        await road.draft_of(run, None, Allowances())
        fill_tenant(sandbox, run.store)
        fill_ledger(run.store)
        counts["writes"] = sandbox.tenant.writes
    sandbox.tenant.save(folder / "tenant.json")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "profile.toml"))
