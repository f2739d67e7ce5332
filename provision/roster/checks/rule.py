"""How a check looks across the roster tables, and what follows from what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provision.roster.check import Check, Severity, report
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literal

Find = Callable[[RosterOptions], str]


@dataclass(frozen=True)
class Rule:
    """A check over the roster tables.

    `table` and `column` are where the value in question stands. `find` gives a SELECT with the columns file,
    record, value, message and, for a rule that holds something, id and other_id. It is a function, since the
    profile may decide what is wrong. `holds` is the kind of what is held, `then` are statements that mend the
    tables; both see the finds as the table `found` and are left out when there are none.
    """

    check: Check
    table: str
    column: str
    find: Find
    holds: str = ""
    then: tuple[str, ...] = ()
    severity: Severity | None = None

    def run(self, store: Store, options: RosterOptions) -> None:
        """Look, report, hold and mend."""
        if store.value(f"CREATE OR REPLACE TEMP TABLE found AS {self.find(options)}"):  # the number of rows
            headers = (
                f"SELECT file, header FROM header_of WHERE tbl = {literal(self.table)} AND col = {literal(self.column)}"
            )
            report(
                store,
                self.check,
                f"SELECT found.file, record, coalesce(header, {literal(self.column)}) AS field, value, message "
                f"FROM found LEFT JOIN ({headers}) USING (file)",
                self.severity,
            )
            if self.holds:
                store.run(
                    f"INSERT INTO roster.held SELECT DISTINCT {literal(self.holds)}, id, other_id, "
                    f"{literal(self.check.id)}, file, record FROM found"
                )
            for statement in self.then:
                store.run(statement)


def always(sql: str) -> Find:
    """A `find` that no profile changes."""
    return lambda _options: sql
