"""Applying a plan: exactly its changes, each with one result.

`apply_plan` is the whole road. Work waits in the store, and a few batches travel at once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provision.apply import work
from provision.apply.approval import Approval, set_aside, verify_approval
from provision.apply.items import Item, Settled, skip_blocked, to_result, to_write
from provision.apply.journal import Journal, remember
from provision.apply.passwords import STYLES, PasswordFile
from provision.apply.quarantine import set_failing_aside
from provision.apply.queue import ReadyQueue, Unit
from provision.apply.results import ResultsFile, results_file
from provision.apply.verify import verify_header, verify_tenant
from provision.apply.writer import DirectoryWriter, Outcome, Usage
from provision.errors import ProvisionError
from provision.plan.planfile import PlanFile
from provision.plan.reader import DirectoryReader
from provision.profile import Profile
from provision.store import Store
from provision.store.files import check_writable
from provision.store.neighbours import read_neighbours

LITTLE = 64  # megabytes for DuckDB to begin with: they are enough for 10,000 students, and no faster with more
STOPPING = 5.0  # seconds that are given to what is on its way when a run is to stop


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has come: changes `settled` and in `total`, by kind, and what was asked of the service."""

    settled: Mapping[str, int]
    total: Mapping[str, int]
    usage: Usage


Progress = Callable[[Standing], None]


def silent(_standing: Standing) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: its name in the journal, and its results by status."""

    run: str
    counts: dict[str, int]

    stopped: bool = False
    """It was asked to stop before all was sent."""

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
    stop: asyncio.Event | None = None,
    retry: frozenset[str] = frozenset(),
) -> Applied:
    """Carry out the plan, or as much of it as the `approval` allows. `results` gets a line per change, also when the
    run is cut short. Once `stop` is set nothing more is sent. `retry` has the keys of changes that are to be sent
    although they keep failing.

    Raises `PlanFileError`, `StalePlan`, `GuardTripped`, `ApprovalError`, or for the state of another profile `Locked`
    or `StateError`, before anything is written, and `DirectoryError` where the directory cannot be reached; what a
    single change met stands in its result.
    """
    plan.verify()
    verify_header(plan.header, profile, overrides, now)
    verify_approval(approval, plan.header, profile)
    if results is not None:
        check_writable(results)
    return await carry_out(
        store, profile, plan, reader, writer, now, passwords, results, progress, approval, stop, retry
    )


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
    stop: asyncio.Event | None = None,
    retry: frozenset[str] = frozenset(),
) -> Applied:
    """As `apply_plan`, for a plan of which it is known that it may be applied, or where nothing real is at stake."""
    store.make_room()
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
    set_failing_aside(store, retry)
    store.make_room(LITTLE)
    work.make_queue(store)
    run = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    # what is done for a batch is too little for two threads to share
    with Journal.begin(store, run, plan.header) as journal, results_file(results) as lines, store.by_one_thread():
        flights = _Flights(store, profile, writer, passwords, journal, lines, progress, stop or asyncio.Event())
        try:
            await flights.carry_out()
        except BaseException:
            with suppress(ProvisionError):  # the first trouble is the one to tell
                journal.finish()
                lines.finish(store)
            raise
        counts = journal.finish()
        if not flights.stopped:
            remember(store, profile, plan.header, run)
        lines.finish(store)
    return Applied(run, counts, flights.stopped)


class _Flights:
    """Batches on their way."""

    def __init__(
        self,
        store: Store,
        profile: Profile,
        writer: DirectoryWriter,
        passwords: PasswordFile,
        journal: Journal,
        lines: ResultsFile,
        progress: Progress,
        stop: asyncio.Event,
    ) -> None:
        self._profile, self._writer, self._journal, self._lines = profile, writer, journal, lines
        self._queue = ReadyQueue(store)
        self._flying: dict[asyncio.Task[list[list[Outcome]]], list[Unit]] = {}
        rows = store.rows("""
            SELECT kind, count(*), count(*) FILTER (state <> 'waiting') FROM run.work
            GROUP BY kind ORDER BY min(seq)""")
        self._total = {str(kind): int(total) for kind, total, _ in rows}
        self._settled = Counter({str(kind): int(settled) for kind, _, settled in rows})
        self._progress = progress
        self._stop = stop
        self._passwords = passwords
        self._known = self._passwords.known(
            frozenset(key for (key,) in store.rows("SELECT key FROM run.work WHERE action = 'create' AND kind = 'user' "
                                                   "AND id IN (SELECT id FROM run.attempted)"))
        )  # fmt: skip
        self.stopped = False

    async def carry_out(self) -> None:
        """Until no unit is left that can go, or until it is to stop."""
        self._progress(Standing(self._settled, self._total, self._writer.usage))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while not self._stop.is_set():
                self._launch()
                if not self._flying:
                    return
                await asyncio.wait([*self._flying, stopping], return_when=asyncio.FIRST_COMPLETED)
                self._land()
            self._writer.halt()
            if self._flying:
                await asyncio.wait(self._flying, timeout=STOPPING)
            self._land()
            self.stopped = self.stopped or bool(self._flying) or self._queue.has_more
        except BaseException:
            self._writer.halt()
            raise
        finally:
            stopping.cancel()
            for flight in self._flying:
                flight.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)

    def _launch(self) -> None:
        """Send what is ready, as far as there is room."""
        while len(self._flying) < self._writer.in_flight and (units := self._queue.take(self._writer.batch_size)):
            if ready := self._ready_to_go(units):
                writes = [to_write(unit.items, password) for unit, password in ready]
                flight = asyncio.create_task(self._writer.write(writes))
                self._flying[flight] = [unit for unit, _ in ready]

    def _ready_to_go(self, units: list[Unit]) -> list[tuple[Unit, str | None]]:
        """The units that can go, with their first passwords, which are durable now, as the intents are."""
        passwords: dict[int, str] = {}
        for unit in units:
            unit.settled = [skip_blocked(item) for item in unit.items if item.blocked_by]
            unit.items = [item for item in unit.items if not item.blocked_by]
            if unit.items and unit.items[0].kind == "user" and unit.items[0].action == "create":
                if password := self._first_password(unit.items[0]):
                    passwords[unit.place] = password
                else:
                    reason = "the roster gives no password for this person"
                    unit.settled = [Settled(unit.items.pop(), "failed", None, reason, 0)]
        self._record([unit for unit in units if not unit.items])
        ready = [unit for unit in units if unit.items]
        made = [(unit.items[0], passwords[unit.place]) for unit in ready if unit.place in passwords]
        self._passwords.save({item.key: (item.values["user_principal_name"], password)
                              for item, password in made if item.key not in self._known})  # fmt: skip
        if ready:
            self._journal.intend(item for unit in ready for item in unit.items)
        return [(unit, passwords.get(unit.place)) for unit in ready]

    def _first_password(self, item: Item) -> str | None:
        """That of an earlier attempt, or that of the roster, which may lack it, or a new one."""
        people = self._profile.students if item.values["primary_role"] == "student" else self._profile.staff
        if known := self._known.get(item.key):
            return known
        return item.password if people.password == "roster" else STYLES[people.password]()  # noqa: S105  # a style

    def _land(self) -> None:
        """Record whoever came home, before anybody's trouble is told."""
        landed = [flight for flight in self._flying if flight.done()]
        home: list[Unit] = []
        for flight in landed:
            units = self._flying.pop(flight)
            if flight.exception() is None:
                for unit, outcomes in zip(units, flight.result(), strict=True):
                    self.stopped = self.stopped or any(one.status in ("open", "halted") for one in outcomes)
                    unit.settled += filter(None, map(to_result, unit.items, outcomes))
                    unit.in_conflict = any(outcome.conflict for outcome in outcomes)
                home += units
        self._record(home)
        for flight in landed:
            flight.result()

    def _record(self, units: list[Unit]) -> None:
        """Make the results of these units durable, and let go what waited for them."""
        results = [result for unit in units for result in unit.settled]
        if not results:
            return
        taken_over = self._journal.settle(results)
        self._lines.add(results)
        for unit in units:
            self._queue.settle(unit)
        if taken_over:
            self._queue.forget()
        self._settled.update(result.item.kind for result in results)
        self._progress(Standing(self._settled, self._total, self._writer.usage))
