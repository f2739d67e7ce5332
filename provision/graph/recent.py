"""What this run wrote a short while ago: objects that other replicas of the directory may not know yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from provision.graph.clock import Clock

LAG = 15 * 60.0  # seconds; minutes have been seen, no figure is published


class Recent:
    """Ids of objects written in the last `LAG` seconds. Older ones are forgotten, so it stays small."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written: OrderedDict[str, float] = OrderedDict()

    def add(self, object_id: str) -> None:
        """Note that `object_id` was just written."""
        now = self._clock.now()
        self._written[object_id.lower()] = now
        self._written.move_to_end(object_id.lower())
        while next(iter(self._written.values())) < now - LAG:
            self._written.popitem(last=False)

    def any(self, ids: Iterable[str]) -> bool:
        """Whether one of `ids` may still be on its way through the directory."""
        oldest = self._clock.now() - LAG
        return any(self._written.get(one.lower(), oldest - 1) >= oldest for one in ids)
