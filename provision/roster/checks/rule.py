"""How a check looks across the roster tables, and what follows from what it finds."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from provision.roster.check import Check, Severity, report
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literal

Find = Callable[[RosterOptions], str]
Place = tuple[str, str]  # table and column


@dataclass(frozen=True)
class Rule:
    """A check over the roster tables.

    `table` and `column` are where the value in question stands. `find` gives a SELECT with the columns file,
    record, value, message and, for a rule that holds something, id and other_id. It is a function, since the
    profile may decide what is wrong. `holds` is the kind of what is held, `then` are statements that mend the
    tables; both see the finds as the table `found` and are left out when there are none.

    Two fields save time. `given` are the columns that the files must have had for anything to be wrong, the rule's
    own if it names none. `when` is a condition that a row of `table` must meet: the conditions of all rules of a
    table are tried in one pass over it, and a rule whose condition no row meets is not run.
    """

    check: Check
    table: str
    column: str
    find: Find
    holds: str = ""
    then: tuple[str, ...] = ()
    severity: Severity | None = None
    given: tuple[Place, ...] = ()
    when: Find | None = None

    def concerns(self, fed: Container[Place]) -> bool:
        """Whether the files had what the rule looks at; `fed` are the columns that they had."""
        return all(place in fed for place in self.given or ((self.table, self.column),))

    def run(self, store: Store, options: RosterOptions) -> None:
        """Look, report, hold and mend."""
        if store.value(f"CREATE OR REPLACE TEMP TABLE found AS {self.find(options)}"):  # the number of rows
            # several, where a value is that of the first column that has one, is made of several, or makes its own row
            headers = (
                "SELECT file, string_agg(header, ' or ' ORDER BY place) AS header FROM ("
                "SELECT file, header, min(rowid) AS place FROM header_of "
                f"WHERE tbl = {literal(self.table)} AND col = {literal(self.column)} GROUP BY ALL) GROUP BY file"
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


def in_rows(
    check: Check,
    place: Place,
    when: Find,
    message: str,
    *,
    value: str = "",
    holds: str = "",
    then: tuple[str, ...] = (),
    severity: Severity | None = None,
    given: tuple[Place, ...] = (),
) -> Rule:
    """A rule that looks at the rows of one table one by one: `when` says which are wrong, `message` is SQL."""
    table, column = place
    held = "id, NULL::TEXT AS other_id, " if holds else ""

    def find(options: RosterOptions) -> str:
        return (
            f"SELECT file, record, {value or column} AS value, {held}rowid AS row_id, {message} AS message "
            f"FROM roster.{table} WHERE {when(options)}"
        )

    return Rule(check, table, column, find, holds, then, severity, given, when)


def first_of_each(check: Check, place: Place, when: Find, message: str, *, value: str = "", each: str = "") -> Rule:
    """As `in_rows`, for what may be wrong with a whole column: one finding for a file, or for `each` value in it.

    `message` is a pattern with `%d` for the number of records.
    """
    table, column = place
    said = f"printf({literal(message)}, count(*))"

    def find(options: RosterOptions) -> str:
        return (
            f"SELECT file, min(record) AS record, arg_min({value or column}, record) AS value, {said} AS message "
            f"FROM roster.{table} WHERE {when(options)} GROUP BY {', '.join(filter(None, ('file', each)))}"
        )

    return Rule(check, table, column, find, when=when)
