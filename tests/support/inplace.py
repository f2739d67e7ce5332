"""Applying in this process, on a clock that jumps on where it would wait: hours of trouble pass in moments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import httpx
from support.world import Planned, World

from provision.apply.passwords import PasswordFile
from provision.apply.run import Applied, apply_plan
from provision.cli.road import removal_targets
from provision.graph import GraphReader, GraphWriter, connect, retry
from provision.graph.clock import Clock, run_without_waiting
from provision.sandbox import Faults, SandboxTransport
from provision.settings import PUBLIC_GRAPH

BACKOFF = retry._backoff
"""As it is outside of a world, in which nobody waits."""
Wire = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]


def apply_in_place(
    school: World,
    planned: Planned,
    faults: Faults | None = None,
    seconds: float = 0.2,
    wire: Wire = lambda inner: inner,
    stop: asyncio.Event | None = None,
) -> tuple[Applied, dict[str, dict[str, Any]]]:
    """Apply a plan while the tenant has these `faults` and takes so many `seconds` for an answer; also the results by
    id. `wire` puts something between, and `stop` ends it early. The faults are over afterwards."""
    results = school.folder / "results.jsonl"

    async def story() -> Applied:
        clock = asyncio.get_running_loop().time
        school.sandbox.clock = clock
        school.sandbox.faults = faults or Faults()
        transport = wire(SandboxTransport(school.sandbox, seconds))
        async with connect(PUBLIC_GRAPH, "sandbox", transport=transport, clock=Clock(clock)) as graph:
            graph.allow_removals(removal_targets(run.store, planned.file))
            reader, writer = GraphReader(graph), GraphWriter(graph)
            kept = PasswordFile(school.state / "test.passwords.jsonl")
            return await apply_plan(
                run.store, run.profile, planned.file, reader, writer, run.clock(), kept, results=results, stop=stop
            )

    with school.run() as run, patch.object(retry, "_backoff", BACKOFF):
        try:
            applied = run_without_waiting(story())
        finally:
            school.sandbox.faults = Faults()
            for records in school.tenant.live.values():
                for record in records.values():
                    record.born = float("-inf")
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return applied, {line["id"]: line for line in lines}
