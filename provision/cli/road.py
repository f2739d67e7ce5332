"""The road from roster to Graph, as the commands drive along it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from provision.apply.approval import beside, read_approval
from provision.apply.journal import catch_up
from provision.apply.passwords import PasswordFile
from provision.apply.run import Applied, Progress, apply_plan, silent
from provision.apply.spent import spent_lately
from provision.cli.reading import refuse_within, roster_options
from provision.errors import StateError, UsageError
from provision.formats import load_roster
from provision.graph import Graph, GraphReader, GraphWriter, connect
from provision.plan.guards import GUARDS
from provision.plan.header import plan_header
from provision.plan.planfile import PlanFile, write_plan
from provision.plan.planner import Draft, keep_for_apply, make_plan, match_up
from provision.plan.undo import make_undo
from provision.policy.kinds import ORDER
from provision.profile import Profile, load_profile
from provision.roster.presence import missing_files
from provision.settings import Settings, is_loopback
from provision.store import Store, open_store

if TYPE_CHECKING:
    from provision.sandbox import Tenant


def utc_now() -> datetime:
    """The time, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Run:
    """What every step of a run needs."""

    settings: Settings
    profile: Profile
    store: Store
    folder: Path
    """The state folder."""
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the operator lets this one run do, by name."""

    overrides: frozenset[str] = frozenset()
    accept_missing: frozenset[str] = frozenset()
    recreate: frozenset[str] = frozenset()
    reconsider: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    retry: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise `UsageError` for a guard that does not exist."""
        known = [guard.name for guard in GUARDS]
        for name in sorted(self.overrides):
            if name not in known:
                raise UsageError(f"There is no guard '{name}'.", [f"Guards: {', '.join(known)}."])


@contextmanager
def open_run(settings: Settings, profile_path: Path) -> Iterator[Run]:
    """Load the profile and hold its store."""
    profile = load_profile(profile_path)
    folder = settings.state_folder(profile.folder)
    store = open_store(folder, profile.name)
    try:
        catch_up(store)
        yield Run(settings, profile, store, folder)
    finally:
        store.close()


@asynccontextmanager
async def directory(run: Run) -> AsyncIterator[Graph]:
    """Microsoft Graph, or the tenant that is built in."""
    anchor, share = run.profile.tenant.anchor, run.settings.max_share
    if run.profile.tenant.embedded and not is_loopback(run.settings.graph_url):
        from provision.sandbox import Sandbox, SandboxTransport

        path = sandbox_state(run.folder)
        tenant = embedded_tenant(path)
        try:
            wire = SandboxTransport(Sandbox(tenant))
            async with connect(run.settings.graph_url, tenant.id, anchor=anchor, transport=wire, share=share) as graph:
                yield graph
        finally:
            tenant.save(path)
        return
    async with connect(run.settings.graph_url, run.profile.tenant.id, anchor=anchor, share=share) as graph:
        yield graph


def embedded_tenant(path: Path) -> Tenant:
    """The embedded tenant as it was left, or a fresh one. Raises `StateError` when its file cannot be read."""
    from provision.sandbox import Tenant

    try:
        return Tenant.load(path) if path.exists() else Tenant.new()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"The embedded tenant in {path} cannot be read: {type(error).__name__}.",
            ["`provision sandbox reset` starts it afresh."],
        ) from None


def sandbox_state(folder: Path) -> Path:
    """Where the embedded tenant is kept."""
    return folder / "sandbox.json"


async def plan_to(run: Run, roster: Path | None, out: Path, allow: Allowances) -> PlanFile:
    """Load, check, plan, and write the plan to `out`."""
    profile = run.profile
    refuse_within(out, profile.roster_path(roster))
    draft, form = await draft_of(run, roster, allow)
    plan = write_draft(run, draft, form, out)
    keep_for_apply(run.store, profile, draft, plan.header["digest"])
    return plan


async def undo_to(run: Run, name: str, out: Path, allow: Allowances) -> PlanFile:
    """Plan the reverse of a run of the journal, and write that plan to `out`."""
    async with directory(run) as graph:
        draft = await make_undo(run.store, run.profile, GraphReader(graph), run.clock(), name, allow.overrides)
    return write_draft(run, draft, "none", out)


def write_draft(run: Run, draft: Draft, form: str, out: Path) -> PlanFile:
    """Write what stands in the store as a plan to `out`, and read it. Nothing is kept for its being applied."""
    return PlanFile(write_plan(run.store, plan_header(run.store, run.profile, draft, form), out, ORDER))


async def draft_of(run: Run, roster: Path | None, allow: Allowances) -> tuple[Draft, str]:
    """Load, check and plan: what would change stands in the store, nothing is written. Also the roster's format."""
    form = load_for(run, roster, allow)
    async with directory(run) as graph:
        reader, now = GraphReader(graph), run.clock()
        draft = await make_plan(
            run.store, run.profile, reader, now, allow.overrides, allow.recreate, allow.reconsider, allow.only
        )
    return draft, form


async def match_of(run: Run, roster: Path | None, allow: Allowances) -> None:
    """Load, check and match, as planning does: whose the objects are stands in the store, nothing is planned."""
    load_for(run, roster, allow)
    async with directory(run) as graph:
        await match_up(run.store, run.profile, GraphReader(graph))


def load_for(run: Run, roster: Path | None, allow: Allowances) -> str:
    """Load and check the roster. Gives its format."""
    profile, store = run.profile, run.store
    options = roster_options(profile, allow.accept_missing)
    loaded = load_roster(store, profile.roster_path(roster), options, profile.roster.format)
    missing_files(store, allow.accept_missing)
    return loaded.format


async def apply_from(
    run: Run,
    plan: PlanFile,
    allow: Allowances,
    results: Path | None,
    progress: Progress = silent,
    approval: Path | None = None,
    stop: asyncio.Event | None = None,
) -> Applied:
    """Apply a plan file, exactly, or as far as the approval goes that is given or lies beside it. Once `stop` is set
    nothing more is sent."""
    said = approval or beside(plan.path)
    approved = read_approval(said) if approval or said.exists() else None
    now = run.clock()
    async with directory(run) as graph:
        graph.allow_removals(removal_targets(run.store, plan))
        graph.pace.recall(spent_lately(run.store, plan.header["tenant"]["id"], datetime.now(timezone.utc)))
        reader, writer = GraphReader(graph), GraphWriter(graph)
        passwords = PasswordFile(run.folder / f"{run.profile.name}.passwords.jsonl")
        return await apply_plan(
            run.store,
            run.profile,
            plan,
            reader,
            writer,
            now,
            passwords,
            allow.overrides,
            results,
            progress,
            approved,
            stop,
            allow.retry,
        )


def removal_targets(store: Store, plan: PlanFile) -> frozenset[str]:
    """The sections, schools and groups that the plan takes somebody out of: no DELETE goes anywhere else."""
    with plan.rows("{type: 'VARCHAR', action: 'VARCHAR', object_id: 'VARCHAR'}") as rows:
        found = store.rows(f"SELECT DISTINCT object_id FROM {rows} WHERE type = 'change' AND action = 'remove'")
    return frozenset(str(object_id) for (object_id,) in found)
