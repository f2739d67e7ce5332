"""What a product needs of a roster, and how that is judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from provision.roster.summary import Finding
from provision.store import Store
from provision.store.sql import literal

Severity = Literal["must", "should"]
State = Literal["ready", "not ready", "not judged whole"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a product needs of a roster.

    `severity`: without a *must* the product refuses something or shows what is not so; without a *should* it
    works less well. `asks` says the need in plain words, `things` are those that are judged, in the plural.
    `of` is an item of a FROM clause with a row for each of them, with the columns file, record and id; `passes` is
    SQL over it that is true where the need is met. `fault` is said of each thing that fails; columns in braces are
    filled in. `mend` is what to do, `source` where the need comes from. The `subject` of a product is what it is
    about: without such things there is nothing to judge.
    """

    id: str
    severity: Severity
    things: str
    asks: str
    of: str
    passes: str
    fault: str
    mend: str
    source: str
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A product that reads rosters, by the name of `--for`, and everything it needs."""

    name: str
    title: str
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many things a need was asked of, and how many fail it."""

    need: Need
    judged: int
    failed: int

    @property
    def passed(self) -> int:
        """How many meet the need."""
        return self.judged - self.failed


@dataclass(frozen=True, slots=True)
class Readiness:
    """The verdicts of a product on what is not held, and what errors have `left_out` of it: numbers by kind, as in
    `roster.held`, or of records that hold nothing."""

    product: Product
    verdicts: tuple[Verdict, ...]
    left_out: dict[str, int]

    @property
    def unasked(self) -> tuple[Verdict, ...]:
        """The verdicts on the product's subject for which there was nothing to judge."""
        return tuple(each for each in self.verdicts if each.need.subject and not each.judged)

    @property
    def state(self) -> State:
        """Whether everything that must be is; it cannot be said of a roster of which a part was not judged."""
        if any(each.failed for each in self.verdicts if each.need.severity == "must"):
            return "not ready"
        return "not judged whole" if self.left_out or self.unasked else "ready"

    @property
    def ready(self) -> bool:
        """Whether everything was judged, and everything that must be is."""
        return self.state == "ready"


def begin(store: Store) -> None:
    """Forget what was judged before."""
    store.run("CREATE OR REPLACE TABLE run.unready (need TEXT, file TEXT, record BIGINT, id TEXT, message TEXT)")


def judge(store: Store, need: Need) -> Verdict:
    """Count who passes, and put those who fail into `run.unready`. A condition that is NULL is not met."""
    judged, failed = store.rows(f"SELECT count(*), count(*) FILTER (({need.passes}) IS NOT TRUE) FROM {need.of}")[0]
    if failed:
        store.run(
            "INSERT INTO run.unready BY NAME "
            f"SELECT {literal(need.id)} AS need, file, record, id, {_filled(need.fault)} AS message "
            f"FROM {need.of} WHERE ({need.passes}) IS NOT TRUE"
        )
    return Verdict(need, judged, failed)


def failures(store: Store, need: Need, limit: int | None = None) -> Iterator[Finding]:
    """Who fails a need, by file and record; at most `limit`. The value of each is the school's id of the thing;
    what is wrong with the roster as a whole has no file."""
    most = "" if limit is None else f" LIMIT {int(limit)}"
    rows = store.stream(
        f"SELECT file, record, id, message FROM run.unready WHERE need = {literal(need.id)} "
        f"ORDER BY file, record, id, message{most}"
    )
    for file, record, id_, message in rows:
        yield Finding(need.id, need.severity, file or "", record, None, id_, message, need.mend)


def _filled(fault: str) -> str:
    """A sentence with columns in braces, as SQL."""
    parts = re.split(r"\{(\w+)\}", fault)
    return "concat(" + ", ".join(part if number % 2 else literal(part) for number, part in enumerate(parts)) + ")"
