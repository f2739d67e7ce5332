"""A school in the fake tenant: its first plan applied, and a second plan when everything is in place.

    python -m bench.school apply|plan|read FOLDER

`FOLDER` holds `roster/`; the profile, the state and the tenant are kept there too. The tenant answers in this
process, and its time is taken off. Waiting for the write quota turns a clock and takes no time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from bench.cost import measured

from provision.cli import road
from provision.cli.road import Allowances, Run, open_run
from provision.graph import Graph, GraphReader, connect
from provision.graph.clock import Clock
from provision.plan.planfile import PlanFile
from provision.sandbox import Sandbox, SandboxTransport, Tenant
from provision.settings import Settings

PROFILE = """
name = "bench"
[tenant]
id = "sandbox"
usage_location = "US"
[roster]
path = "roster"
[students]
mode = "create"
domain = "students.contoso.edu"
match = { source = "username", target = "userPrincipalName", append_domain = "students.contoso.edu" }
properties = ["grade"]
licenses = ["STANDARDWOFFPACK_STUDENT"]
[staff]
mode = "create"
domain = "contoso.edu"
match = { source = "username", target = "userPrincipalName", append_domain = "contoso.edu" }
licenses = ["STANDARDWOFFPACK_FACULTY"]
[sections]
domain = "contoso.edu"
"""
SEATS = 1_000_000


class Away(SandboxTransport):
    """The tenant in this process, and how long we were away in it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.seconds = self.cpu = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        start, cpu = time.perf_counter(), time.process_time()
        try:
            return await super().handle_async_request(request)
        finally:
            self.seconds += time.perf_counter() - start
            self.cpu += time.process_time() - cpu

    def put(self, counts: dict[str, float]) -> None:
        counts["seconds"], counts["cpu"] = self.seconds, self.cpu


class Turned:
    """A clock that waiting turns."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        await asyncio.sleep(0)


TURNED = Turned()


def drive_to(sandbox: Sandbox) -> Away:
    """Let the commands find this tenant where they look for the one that is built in."""
    away, clock = Away(sandbox), Clock(sandbox.clock, TURNED.sleep)

    @asynccontextmanager
    async def directory(run: Run) -> AsyncIterator[Graph]:
        async with connect(run.settings.graph_url, sandbox.tenant.id, transport=away, clock=clock) as graph:
            yield graph

    road.directory = directory
    return away


async def plan(run: Run) -> PlanFile:
    return await road.plan_to(run, None, run.folder / "plan.jsonl", Allowances())


async def measure_plan(run: Run, away: Away) -> None:
    with measured() as counts:
        file = await plan(run)
        away.put(counts)
    if file.header["counts"]:
        raise SystemExit("The second plan is not empty.")


async def measure_read(run: Run, away: Away) -> None:
    """What the plan reads, and nothing else."""
    with measured() as counts:
        async with road.directory(run) as graph:
            reader = GraphReader(graph)
            await reader.read_objects(run.store)
            run.store.run("CREATE TABLE run.wanted AS FROM current.linked")
            await reader.read_links(run.store)
        away.put(counts)


async def measure_apply(run: Run, away: Away) -> None:
    file = await plan(run)
    away.seconds = away.cpu = 0.0
    tenant, batches = away.sandbox.tenant, away.sandbox.batches
    with measured() as counts:
        done = await road.apply_from(run, file, Allowances(), None)
        away.put(counts)
        counts["writes"], counts["batches"] = tenant.writes, away.sandbox.batches - batches
    if not done.complete:
        raise SystemExit(f"The plan was not applied: {done.counts}.")


MEASURES = {"apply": measure_apply, "plan": measure_plan, "read": measure_read}


async def main(what: str, folder: Path) -> None:
    profile, kept = folder / "profile.toml", folder / "tenant.json"
    profile.write_text(PROFILE, encoding="utf-8")
    tenant = Tenant.load(kept) if kept.exists() else Tenant.new(seats=SEATS)
    away = drive_to(Sandbox(tenant, clock=TURNED.now, keep=0))
    with open_run(Settings(state=folder / "state"), profile) as run:
        await MEASURES[what](run, away)
    tenant.save(kept)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
