"""The road from roster to tenant over HTTP, measured in this process: what a run of `provision` costs.

    python -m bench.drive STEP FOLDER URL [SPEED] [PROFILE]

`plan` plans, `apply` applies that plan, `read` reads the directory's objects into an empty store. `FOLDER` is one of
`bench.standard`. `SPEED` is how many times as fast the clock runs, as the tenant's does; with 0 waiting turns the clock
and takes no time.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.cost import measured

from provision.cli import road
from provision.cli.road import Allowances, Run, open_run
from provision.graph import Graph, GraphReader, connect
from provision.graph.clock import Clock
from provision.plan.planfile import PlanFile
from provision.settings import Settings
from provision.store import open_store

Counts = dict[str, float]


def fast(speed: float) -> Clock:
    """A clock that runs `speed` times as fast."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return Clock(lambda: time.monotonic() * speed, sleep)


def turned() -> Clock:
    """A clock that waiting turns."""
    ahead = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds
        await asyncio.sleep(0)

    return Clock(lambda: time.monotonic() + ahead, sleep)


def run_by(clock: Clock) -> None:
    """Let the commands' connections go by this clock."""

    @asynccontextmanager
    async def directory(run: Run) -> AsyncIterator[Graph]:
        tenant = run.profile.tenant
        async with connect(run.settings.graph_url, tenant.id, anchor=tenant.anchor, clock=clock) as graph:
            yield graph

    road.directory = directory


async def plan(run: Run, counts: Counts) -> None:
    """Plan, into a file beside the store."""
    for old in run.folder.glob("plan.jsonl*"):
        old.unlink()
    file = await road.plan_to(run, None, run.folder / "plan.jsonl", Allowances())
    counts["changes"] = sum(number for actions in file.header["counts"].values() for number in actions.values())


async def apply(run: Run, _counts: Counts) -> None:
    """Apply that file, which is compressed if it grew large."""
    (path,) = run.folder.glob("plan.jsonl*")
    done = await road.apply_from(run, PlanFile(path), Allowances(), None)
    if not done.complete:
        raise SystemExit(f"The plan was not applied: {done.counts}.")


async def read(run: Run, counts: Counts) -> None:
    """Read the objects into a store that knows nothing yet."""
    with tempfile.TemporaryDirectory(dir=run.folder) as scratch:
        store = open_store(Path(scratch), "reader")
        async with road.directory(run) as graph:
            await GraphReader(graph).read_objects(store)
        counts["users"] = store.value("SELECT count(*) FROM current.users")
        store.close()


STEPS = {"plan": plan, "apply": apply, "read": read}


async def main(step: str, folder: Path, url: str, speed: float, profile: str) -> None:
    run_by(fast(speed) if speed else turned())
    with open_run(Settings(graph_url=url, state=folder / "state"), folder / profile) as run, measured() as counts:
        await STEPS[step](run, counts)


if __name__ == "__main__":
    step, folder, url, *rest = sys.argv[1:]
    speed = float(rest[0]) if rest else 1
    asyncio.run(main(step, Path(folder), url, speed, rest[1] if len(rest) > 1 else "profile.toml"))
