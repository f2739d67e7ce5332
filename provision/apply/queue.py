"""The ready queue: which units can go now, the ones that unblock most first.

It lives in the store; a window of it is held in memory. A unit is ready when everything it needs has been settled
and nobody is writing its object.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from provision.store import Store
from provision.store.sql import literals

WINDOW = 500  # units taken from the store at a time


@dataclass(frozen=True, slots=True)
class Unit:
    """What goes into one request; `lock` is the key of the object it writes."""

    number: int
    lock: str


class ReadyQueue:
    """Hands out units with distinct locks, and takes them back when their outcomes are known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ready: deque[Unit] = deque()
        self._busy: set[str] = set()
        self._dry = False  # the store has nothing more that is ready, until something is settled

    def take(self, most: int) -> list[Unit]:
        """Up to `most` units that may travel together, and beside those that were taken before."""
        if len(self._ready) < most and not self._dry:
            self._refill()
        taken = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        self._busy.update(unit.lock for unit in taken)
        self._mark(taken, "sent")
        return taken

    def settle(self, units: list[Unit]) -> None:
        """The outcomes of these units are recorded: what waited for them may go, and their objects are free."""
        self._busy.difference_update(unit.lock for unit in units)
        self._dry = False
        self._mark(units, "settled")

    def _refill(self) -> None:
        """One unit per object: the next one follows when this one has been settled."""
        taken = self._busy | {unit.lock for unit in self._ready}
        rows = self._store.rows(f"""
            SELECT u.unit, u.lock FROM run.units u
            WHERE u.state = 'waiting' AND u.lock NOT IN {literals(sorted(taken))}
              AND u.unit NOT IN (SELECT n.unit FROM run.needs n JOIN run.units v ON v.unit = n.needs
                                 WHERE v.state <> 'settled')
            QUALIFY row_number() OVER (PARTITION BY u.lock ORDER BY u.blocks DESC, u.unit) = 1
            ORDER BY u.blocks DESC, u.unit LIMIT {WINDOW}""")
        self._ready.extend(Unit(int(number), str(lock)) for number, lock in rows)
        self._dry = len(rows) < WINDOW

    def _mark(self, units: list[Unit], state: str) -> None:
        if units:
            numbers = ", ".join(str(unit.number) for unit in units)
            self._store.run(f"UPDATE run.units SET state = '{state}' WHERE unit IN ({numbers})")
