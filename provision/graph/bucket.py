"""A token bucket: a local copy of one of the service's, from which tokens are taken before anything is sent."""

from __future__ import annotations

from provision.graph.clock import Clock

ROUNDING = 1e-6  # of a token: what floating point leaves over


class Bucket:
    """Holds up to `size` tokens, full at first; `rate` of them flow in a second."""

    def __init__(self, clock: Clock, size: float, rate: float) -> None:
        self.size, self.rate = size, rate
        self._clock = clock
        self._tokens = size
        self._since = clock.now()  # tokens flow in from here on; later than now while the service holds us

    @property
    def tokens(self) -> float:
        """What is there now; less than nothing where more is known to be spent than was there."""
        now = self._clock.now()
        if now > self._since:
            self._tokens = min(self.size, self._tokens + (now - self._since) * self.rate)
            self._since = now
        return self._tokens

    @tokens.setter
    def tokens(self, tokens: float) -> None:
        self._tokens = min(self.size, tokens)

    @property
    def held(self) -> float:
        """The seconds from now on in which nothing flows."""
        return max(0.0, self._since - self._clock.now())

    def hold(self, seconds: float) -> None:
        """The service says that it is empty, and stays so for `seconds` or for as long as it said before."""
        self._tokens = 0.0
        self._since = max(self._since, self._clock.now() + seconds)

    def wait(self, wanted: float) -> float:
        """The seconds until so many tokens are there."""
        missing = min(wanted, self.size) - self.tokens
        return self.held + (missing / self.rate if missing > ROUNDING else 0.0)
