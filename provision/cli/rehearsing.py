"""A plan carried out on a copy of its tenant: the tenant is read, everything else happens in a temporary folder."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from provision.apply.passwords import PasswordFile, random_password
from provision.apply.run import Applied, Progress, carry_out, silent
from provision.apply.verify import hindrances, verify_profile, verify_tenant
from provision.apply.work import load_work, want_links
from provision.cli.road import Run, directory, open_run, removal_targets, sandbox_state
from provision.errors import UsageError
from provision.graph import GraphReader, GraphWriter, connect
from provision.graph.clock import Clock, run_without_waiting
from provision.plan.planfile import PlanFile
from provision.plan.quota import unit_quota
from provision.plan.rehearsal import Rehearsal
from provision.profile import load_profile
from provision.sandbox import Faults, Sandbox, SandboxTransport, Tenant
from provision.sandbox.copy import copy_of
from provision.settings import PUBLIC_GRAPH, Settings
from provision.store.copying import copy_states
from provision.store.files import check_writable

ANSWER_SECONDS = 0.5
"""How long a call is taken to last, of one request or of a batch: nothing is published."""


def share_of(text: str) -> float:
    """A probability that is written `1%`. Raises `UsageError` for anything else."""
    if not re.fullmatch(r"\d{1,3}(\.\d+)?%", text) or float(text[:-1]) > 100:
        raise UsageError(f"--faults {text}: this is no share from 0% to 100%.", ["Write it as 1% or 0.5%."])
    return float(text[:-1]) / 100


@contextmanager
def copied_run(settings: Settings, profile_path: Path) -> Iterator[Run]:
    """As `open_run`, on a copy of the state folder that is gone when the block ends. No password is used of it."""
    profile = load_profile(profile_path)
    folder = settings.state_folder(profile.folder)
    with TemporaryDirectory(prefix="provision-") as scratch:
        copy_states(folder, Path(scratch))
        if sandbox_state(folder).exists():
            shutil.copyfile(sandbox_state(folder), sandbox_state(Path(scratch)))
        with open_run(settings.model_copy(update={"state": Path(scratch)}), profile_path) as run:
            run.store.run("UPDATE planned.passwords SET password = ?", [random_password()])
            yield run


def rehearse(
    run: Run, plan: PlanFile, faults: float, seed: int, results: Path | None, progress: Progress = silent
) -> tuple[Rehearsal, Applied]:
    """Read the tenant, copy it, and carry the plan out on the copy. `run` is one of `copied_run`.

    Raises `PlanFileError` and `StalePlan` for a plan that is altered, or made with another profile or for another
    tenant, and `DirectoryError` where the tenant cannot be read.
    """
    plan.verify()
    verify_profile(plan.header, run.profile)
    if results is not None:
        check_writable(results)
    tenant = asyncio.run(_copy(run, plan))
    units = unit_quota(int(run.store.value("SELECT count(*) FROM current.users")))
    trouble = Faults.published_quotas(units, chance=faults, seed=seed)
    before = random.getstate()
    random.seed(seed)  # how long is waited before an attempt is left to chance, too
    try:
        return run_without_waiting(_carry_out(run, plan, tenant, trouble, results, progress))
    finally:
        random.setstate(before)


async def _copy(run: Run, plan: PlanFile) -> Tenant:
    """What of the tenant is read when the plan is applied, as a tenant of our own. Nothing is written there."""
    async with directory(run) as graph:
        reader = GraphReader(graph)
        load_work(run.store, plan)
        await reader.read_objects(run.store)
        verify_tenant(plan.header, run.store)
        want_links(run.store)
        await reader.read_links(run.store)
    return copy_of(run.store, run.profile.tenant.anchor)


async def _carry_out(
    run: Run, plan: PlanFile, tenant: Tenant, trouble: Faults, results: Path | None, progress: Progress
) -> tuple[Rehearsal, Applied]:
    clock = asyncio.get_running_loop().time
    sandbox = Sandbox(tenant, trouble, clock, keep=1)
    wire = SandboxTransport(sandbox, ANSWER_SECONDS)
    now, anchor = run.clock(), run.profile.tenant.anchor
    if run.store.value("SELECT count(*) FROM current.reading"):  # then apply will ask only what has changed
        calm = SandboxTransport(Sandbox(tenant))
        async with connect(PUBLIC_GRAPH, tenant.id, anchor=anchor, transport=calm) as graph:
            await GraphReader(graph).take_as_known(run.store)
    async with connect(PUBLIC_GRAPH, tenant.id, anchor=anchor, transport=wire, clock=Clock(clock)) as graph:
        graph.allow_removals(removal_targets(run.store, plan))
        passwords = PasswordFile(run.folder / "made-up.passwords.jsonl")
        reader, writer = GraphReader(graph), GraphWriter(graph)
        applied = await carry_out(run.store, run.profile, plan, reader, writer, now, passwords, results, progress)
    found = Rehearsal(
        store=run.store,
        plan=plan,
        results=applied.counts,
        hindrances=tuple(hindrances(plan.header, run.profile, now)),
        seconds=clock(),
        answered=sandbox.answered,
        faults=trouble.chance,
        seed=trouble.seed,
        answer_seconds=ANSWER_SECONDS,
    )
    return found, applied
