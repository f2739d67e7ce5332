"""The ready queue: which units can go now, those first that stand first in the queue.

`run.queue` stands in an order in which everything that a unit needs comes well before it (see `work.make_queue`). A
window moves along it, and only what is in the window is held in memory. A unit is ready when everything it needs has
been settled and its object may be written.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby

from provision.apply.items import Item, Settled
from provision.store import Row, Store

WINDOW = 2_000  # units in memory
READ = 1_000  # places of the queue that are read at once
SHARING = 8  # links that may be added to one object at once, to begin with


@dataclass(slots=True)
class Unit:
    """What goes into one request.

    `lock` is the key of the object it writes, and `shared` says that it is a link with a request of its own, beside
    which others may be written to the same object. `needed`: others wait for it. `waits`: how many it waits for.
    `settled` are the results so far; `in_conflict`: the service did not want it beside others.
    """

    place: int
    lock: str
    shared: bool
    needed: bool
    items: list[Item]
    waits: int = 0
    settled: list[Settled] = field(default_factory=list)
    in_conflict: bool = False


class ReadyQueue:
    """Hands out units that may travel together, and takes them back when their outcomes are known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 1
        self._last = int(store.value("SELECT coalesce(max(place), 0) FROM run.queue"))
        self._open: dict[int, Unit] = {}
        self._ready: list[int] = []
        self._waiting: dict[int, list[Unit]] = {}
        self._objects = _Objects()
        self._made: dict[str, str] = {}  # object ids by key, which the store does not have yet
        self._not_done: set[str] = set()  # changes that others need

    def take(self, most: int) -> list[Unit]:
        """Up to `most` units that may travel together, and beside those that were taken before."""
        taken: list[Unit] = []
        while len(taken) < most and self._has_ready(most):
            unit = self._open[heappop(self._ready)]
            if self._objects.take(unit):
                taken.append(unit)
        for item in (item for unit in taken for item in unit.items):
            item.blocked_by = item.blocked_by or next((one for one in item.depends_on if one in self._not_done), None)
        return taken

    def settle(self, unit: Unit) -> None:
        """The unit has its results: what waited for it may go, and its object is free."""
        del self._open[unit.place]
        for result in unit.settled:
            if result.status == "done" and result.item.action == "create" and result.object_id:
                self._made[result.item.key] = result.object_id
            elif result.status != "done" and unit.needed:
                self._not_done.add(result.item.id)
        for waiting in self._waiting.pop(unit.place, ()):
            waiting.waits -= 1
            if not waiting.waits:
                self._learn(waiting)
                heappush(self._ready, waiting.place)
        for freed in self._objects.release(unit):
            heappush(self._ready, freed.place)

    def forget(self) -> None:
        """The store has taken over all that was settled, and with it what was made."""
        for unit in self._open.values():
            self._learn(unit)
        self._made.clear()

    @property
    def has_more(self) -> bool:
        """Whether there is a unit that has not been settled."""
        return bool(self._open) or self._next <= self._last

    def _has_ready(self, most: int) -> bool:
        while len(self._ready) < most and self._next <= self._last and len(self._open) < WINDOW:
            self._read()
        return bool(self._ready)

    def _read(self) -> None:
        """Let the window grow."""
        rows = self._store.rows(_READ, [self._next, self._next + READ])
        self._next += READ
        for _, group in groupby(rows, key=lambda row: row[0]):
            unit = _unit(list(group))
            self._open[unit.place] = unit
        for place, needs in {row[0]: row[4] for row in rows}.items():
            unit = self._open[place]
            for needed in needs:
                if needed in self._open:
                    self._waiting.setdefault(needed, []).append(unit)
                    unit.waits += 1
            if not unit.waits:
                self._learn(unit)
                heappush(self._ready, place)

    def _learn(self, unit: Unit) -> None:
        """The ids of what has been made since the plan."""
        for item in unit.items:
            item.left_id = self._made.get(item.left_key or "", item.left_id)
            item.right_id = self._made.get(item.right_key or "", item.right_id)


_READ = """
    SELECT q.place, q.lock, q.shared, q.needed, q.needs, q.id, q.kind, q.action, q.key, q.object_id, q.before, q.after,
           q.left_key, q.right_key, coalesce(q.left_id, l.object_id), coalesce(q.right_id, r.object_id), q.role,
           q.depends_on, q.blocked_by, q.attempted, p.password
    FROM run.queue q
    LEFT JOIN ledger.objects l ON l.key = q.left_key
    LEFT JOIN ledger.objects r ON r.key = q.right_key
    LEFT JOIN planned.passwords p ON p.key = q.key AND q.action = 'create'
    WHERE q.place >= ? AND q.place < ?
    ORDER BY q.place, q.seq"""


def _unit(rows: Sequence[Row]) -> Unit:
    place, lock, shared, needed = rows[0][:4]
    return Unit(place, lock, shared, needed, [_item(row[5:]) for row in rows])


def _item(row: Row) -> Item:
    id_, kind, action, key, object_id, before, after, *link, depends_on, blocked_by, attempted, password = row
    left_key, right_key, left_id, right_id, role = link
    is_update = action == "update"
    return Item(
        id=id_,
        kind=kind,
        action=action,
        key=key,
        object_id=object_id,
        values=json.loads(after or before),
        before=before if is_update else None,
        after=after if is_update else None,
        left_key=left_key,
        right_key=right_key,
        left_id=left_id,
        right_id=right_id,
        role=role,
        depends_on=depends_on,
        blocked_by=blocked_by,
        attempted=attempted,
        password=password,
    )


class _Objects:
    """Who is being written to. Two units never write one object at once, but for links that have a request each: of
    them more and more may, until the service says that they are in each other's way.

    Whether Graph lets links be added to one school at the same time is not documented.
    """

    def __init__(self) -> None:
        self._writing: Counter[str] = Counter()
        self._alone: set[str] = set()
        self._room: dict[str, int] = {}
        self._parked: dict[str, deque[Unit]] = {}

    def take(self, unit: Unit) -> bool:
        """Whether `unit` may be written now; else it is given back by a later `release`."""
        lock = unit.lock
        free = self._room.get(lock, SHARING) - self._writing[lock] if unit.shared else not self._writing[lock]
        if lock in self._alone or free <= 0:
            self._parked.setdefault(lock, deque()).append(unit)
            return False
        self._writing[lock] += 1
        if not unit.shared:
            self._alone.add(lock)
        return True

    def release(self, unit: Unit) -> Iterable[Unit]:
        """`unit` has been written; those that waited for it and may try now."""
        lock = unit.lock
        self._writing[lock] -= 1
        if not self._writing[lock]:
            del self._writing[lock]
        self._alone.discard(lock)
        room = self._room.get(lock, SHARING)
        if unit.shared:
            room = self._room[lock] = 1 if unit.in_conflict or room == 1 else room + 1
        parked = self._parked.get(lock, deque())
        freed = [parked.popleft() for _ in range(min(len(parked), room))]
        if not parked:
            self._parked.pop(lock, None)
        return freed
