"""Applying a plan: exactly its changes, each with one result.

`apply_plan` is the whole road. Work waits in the store; up to `IN_FLIGHT` batches travel at once, and no two of
them write one object.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provision.apply import journal, work
from provision.apply.approval import Approval, set_aside, verify_approval
from provision.apply.items import Item, items_of, roster_passwords, skip_blocked, to_result, to_write
from provision.apply.journal import Settled
from provision.apply.passwords import STYLES, PasswordFile
from provision.apply.queue import ReadyQueue, Unit
from provision.apply.results import write_results
from provision.apply.verify import verify_header, verify_tenant
from provision.apply.writer import DirectoryWriter
from provision.errors import ProvisionError
from provision.plan.planfile import PlanFile
from provision.plan.reader import DirectoryReader
from provision.profile import Profile
from provision.store import Store
from provision.store.files import check_writable
from provision.store.neighbours import read_neighbours

IN_FLIGHT = 8  # batches at once: enough to fill the published write quota at Graph's usual latency
Progress = Callable[[int, int], None]
"""Told how many changes are settled, of how many."""


def silent(_settled: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: its name in the journal, and its results by status."""

    run: str
    counts: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether every change of the plan is done that may be."""
        return not any(number for status, number in self.counts.items() if status not in ("done", "unapproved"))


async def apply_plan(
    store: Store,
    profile: Profile,
    plan: PlanFile,
    reader: DirectoryReader,
    writer: DirectoryWriter,
    now: datetime,
    passwords: PasswordFile,
    overrides: frozenset[str] = frozenset(),
    results: Path | None = None,
    progress: Progress = silent,
    approval: Approval | None = None,
) -> Applied:
    """Carry out the plan, or as much of it as the `approval` allows. `results` gets a line per change, also when the
    run is cut short.

    Raises `PlanFileError`, `StalePlan`, `GuardTripped`, `ApprovalError`, or for the state of another profile `Locked`
    or `StateError`, before anything is written, and `DirectoryError` where the directory cannot be reached; what a
    single change met stands in its result.
    """
    plan.verify()
    verify_header(plan.header, profile, overrides, now)
    verify_approval(approval, plan.header, profile)
    if results is not None:
        check_writable(results)
    return await carry_out(store, profile, plan, reader, writer, now, passwords, results, progress, approval)


async def carry_out(
    store: Store,
    profile: Profile,
    plan: PlanFile,
    reader: DirectoryReader,
    writer: DirectoryWriter,
    now: datetime,
    passwords: PasswordFile,
    results: Path | None = None,
    progress: Progress = silent,
    approval: Approval | None = None,
) -> Applied:
    """As `apply_plan`, for a plan of which it is known that it may be applied, or where nothing real is at stake."""
    work.load_work(store, plan)
    await reader.read_objects(store)
    verify_tenant(plan.header, store)
    if approval is not None:
        set_aside(store, approval)
    work.want_links(store)
    await reader.read_links(store)
    work.mark_stale(store)
    read_neighbours(store)
    work.leave_to_others(store)
    work.make_units(store)
    run = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    journal.start_run(store, run, plan.header)
    try:
        await _Flights(store, profile, writer, passwords, run, progress).carry_out()
    except BaseException:
        with suppress(ProvisionError):  # the first trouble is the one to tell
            _finish(store, run, results)
        raise
    journal.remember(store, profile, plan.header, run)
    return Applied(run, _finish(store, run, results))


def _finish(store: Store, run: str, results: Path | None) -> dict[str, int]:
    """Give every change its result, also those that were not reached or not answered."""
    store.run("""
        UPDATE run.work w SET state = 'skipped', error = CASE
            WHEN w.id IN (SELECT change_id FROM journal.unsettled)
                THEN 'the run was cut short: it was sent, and the answer is not known; the next run looks'
            ELSE 'the run was cut short before it was sent' END
        WHERE w.state = 'waiting'""")
    counts = journal.finish_run(store, run)
    if results is not None:
        write_results(store, results)
    return counts


class _Flights:
    """Batches on their way."""

    def __init__(
        self,
        store: Store,
        profile: Profile,
        writer: DirectoryWriter,
        passwords: PasswordFile,
        run: str,
        progress: Progress,
    ) -> None:
        self._store, self._profile, self._writer, self._run = store, profile, writer, run
        self._progress = progress
        self._queue = ReadyQueue(store)
        self._flying: dict[asyncio.Task[list[Settled]], list[Unit]] = {}
        self._total = int(store.value("SELECT count(*) FROM run.work"))
        self._settled = int(store.value("SELECT count(*) FROM run.work WHERE state <> 'waiting'"))
        self._passwords = passwords
        self._known = self._passwords.known(
            frozenset(key for (key,) in store.rows("SELECT key FROM run.work WHERE action = 'create' AND kind = 'user' "
                                                   "AND id IN (SELECT id FROM run.attempted)"))
        )  # fmt: skip

    async def carry_out(self) -> None:
        """Until no unit is left that can go."""
        self._progress(self._settled, self._total)
        try:
            while self._launch() or self._flying:
                landed, _ = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
                self._land([flight for flight in self._flying if flight in landed])
        finally:
            for flight in self._flying:
                flight.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)

    def _launch(self) -> bool:
        """Send what is ready as far as there is room; say whether anything went."""
        before = len(self._flying)
        while len(self._flying) < IN_FLIGHT:
            units = self._queue.take(self._writer.batch_size)
            if not units:
                break
            self._flying[asyncio.create_task(self._fly(units))] = units
        return len(self._flying) > before

    def _land(self, landed: list[asyncio.Task[list[Settled]]]) -> None:
        """Record whoever came home, before anybody's trouble is told."""
        home = [flight for flight in landed if flight.exception() is None]
        settled = [result for flight in home for result in flight.result()]
        journal.record_outcomes(self._store, self._run, settled)
        self._queue.settle([unit for flight in home for unit in self._flying.pop(flight)])
        self._settled += len(settled)
        self._progress(self._settled, self._total)
        for flight in landed:
            flight.result()

    async def _fly(self, units: list[Unit]) -> list[Settled]:
        """One batch: passwords and intents are made durable, then it leaves."""
        groups = items_of(self._store, units)
        settled = [skip_blocked(item) for items in groups.values() for item in items if item.blocked_by]
        ready = [[item for item in items if not item.blocked_by] for items in groups.values()]
        passwords, refused = self._first_passwords([item for items in ready for item in items])
        settled += refused
        without = {result.id for result in refused}
        ready = [items for items in ready if items and items[0].id not in without]
        if not ready:
            return settled
        journal.record_intents(self._store, self._run, [item.id for items in ready for item in items])
        writes = [to_write(items, passwords.get(items[0].key)) for items in ready]
        for items, outcomes in zip(ready, await self._writer.write(writes), strict=True):
            settled += [to_result(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]
        return settled

    def _first_passwords(self, items: list[Item]) -> tuple[dict[str, str], list[Settled]]:
        """A password for every account of this batch, saved; and the results of those that have none."""
        made = {item.key: item for item in items if item.kind == "user" and item.action == "create"}
        roster = roster_passwords(self._store, sorted(made))
        passwords: dict[str, str] = {}
        refused = []
        for key, item in made.items():
            people = self._profile.students if item.values["primary_role"] == "student" else self._profile.staff
            password = self._known.get(key) or (
                roster.get(key) if people.password == "roster" else STYLES[people.password]()  # noqa: S105  # a style
            )
            if password is None:
                refused.append(Settled(item.id, "failed", None, "the roster gives no password for this person", 0))
            else:
                passwords[key] = password
        new = {key: (made[key].values["user_principal_name"], passwords[key])
               for key in passwords if key not in self._known}  # fmt: skip
        self._passwords.save(new)
        return passwords, refused
