"""What applying may do to the directory. `graph/` turns these words into requests; nothing else writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Reference:
    """The other end of a link: `kind` as in the plan, `id` a user, class or SKU id."""

    kind: str
    id: str
    disabled_plans: tuple[str, ...] = ()  # licences only: ids of service plans to leave out


@dataclass(frozen=True, slots=True)
class Write:
    """What one object is to become: one request, or a short chain of them.

    `kind` and `action` are the plan's. `object_id` is the object that is written (None: to be created).
    `fields` are the values of a create or update, under the column names of the `current` table of that kind.
    `references` are the links of an add or remove: up to `kinds.MOST_REFERENCES` members and owners of one group, all
    licences of one user, exactly one for every other kind and for every remove.
    """

    kind: str
    action: str
    key: str
    object_id: str | None
    fields: Mapping[str, object] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    password: str | None = field(default=None, repr=False)
    attempted: bool = False
    """An earlier run has sent this create or update, and what became of it is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change.

    `done`: confirmed by the service. `already`: the link was there (or gone) before our request, which was not
    ours to count. `failed`: refused; `error` says why in the service's words. `halted`: the writer was halted, and
    nothing was done. `open`: it was halted, and what has been done, if anything, is for the next run to find out.
    `requests` counts what was sent.
    `conflict`: the service said on the way that the object was being written by another request.
    """

    status: Literal["done", "already", "failed", "halted", "open"]
    object_id: str | None = None
    error: str | None = None
    requests: int = 0
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """`writes` sent so far; `share` of our write quota that is in use, from 0 to 1; `held`: for how many seconds the
    service still asks us to wait."""

    writes: int = 0
    share: float = 0.0
    held: float = 0.0


class DirectoryWriter(Protocol):
    """Carries out writes on distinct objects, up to a batch at a time, retrying what is transient."""

    batch_size: int
    """How many writes one call should be given (Graph: 20)."""

    @property
    def in_flight(self) -> int:
        """How many calls may be on their way at once, as things are now."""

    @property
    def usage(self) -> Usage:
        """What has been asked of the service."""

    def halt(self) -> None:
        """Send nothing more, be it the next request of a write, or one that waits for its turn."""

    async def write(self, writes: Sequence[Write]) -> list[list[Outcome]]:
        """One list per write: one outcome per reference, or a single one for a create or update.

        Never raises for what the service answers; raises `DirectoryError` where nothing can be sent at all
        (no token, no network after the last retry).
        """
