"""How many batches may be under way at once, by how the service bears them."""

from __future__ import annotations

FIRST, MOST = 4, 16
"""Batches. Nothing is published; the quota is used up with far fewer than `MOST`, unless answers are very slow."""
SLOWER = 1.5
"""Times the shortest time for one request: then more at once is no gain any more."""


class Crowd:
    """`size` batches may be under way: more while that makes none of them slower, half of them when it is too much.

    A batch is what `full` requests or more travel in: of smaller ones the time says little about each.
    """

    def __init__(self, full: int) -> None:
        self.size = FIRST
        self._full = full
        self._doubles = True  # until it was too much for the first time; then one more at a time
        self._left = 0  # batches that have left
        self._past = 0  # up to this one they left in another crowd
        self._landed, self._seconds, self._requests = 0, 0.0, 0
        self._shortest: float | None = None

    def leaves(self) -> int:
        """A batch leaves: its number."""
        self._left += 1
        return self._left

    def lands(self, number: int, requests: int, seconds: float, *, overloaded: bool) -> None:
        """The batch of that number was answered; `overloaded`: with a word that it was too much."""
        if number <= self._past:  # once for all that were under way together
            return
        if overloaded:
            self._doubles = False
            self._become(max(1, self.size // 2))
        elif requests >= self._full:
            self._landed += 1
            self._seconds += seconds
            self._requests += requests
            if self._landed >= self.size:
                self._grow(self._seconds / self._requests)

    def _grow(self, seconds: float) -> None:
        """A whole crowd has landed, in so many seconds a request."""
        self._shortest = min(seconds, self._shortest or seconds)
        bears = seconds <= SLOWER * self._shortest
        more = self.size * 2 if self._doubles else self.size + 1
        self._become(min(MOST, more) if bears else self.size)

    def _become(self, size: int) -> None:
        self.size, self._past = size, self._left
        self._landed, self._seconds, self._requests = 0, 0.0, 0
