"""Dates that are well formed and cannot be, and what has come to its end."""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always, in_rows
from provision.roster.options import RosterOptions
from provision.store.sql import literal

REVERSED = Check(
    "dates-reversed",
    "warning",
    "Something ends before it starts; both dates are dropped.",
    "Correct the dates in the school's information system.",
)
BORN_AHEAD = Check(
    "birth-date-ahead",
    "warning",
    "A birth date lies in the future; it is dropped.",
    "Correct the date in the school's information system.",
)
SESSION_ENDED = Check(
    "session-ended",
    "note",
    "A term or school year that sections belong to is over. The sections are treated like any other.",
    "Export the current school year, or leave sections that are over out of the export: they are then kept as they "
    "are.",
)


def _reversed(table: str) -> Rule:
    drop = f"UPDATE roster.{table} SET start_date = NULL, end_date = NULL WHERE rowid IN (SELECT row_id FROM found)"
    return in_rows(
        REVERSED,
        (table, "end_date"),
        always("start_date > end_date"),
        "'This lies before the start, ' || start_date || '.'",
        given=((table, "start_date"), (table, "end_date")),
        then=(drop,),
    )


def _over(options: RosterOptions) -> str:
    return f"end_date < {_today(options)}"


def _ended(options: RosterOptions) -> str:
    """By the first session of sections that have none which goes on."""
    return f"""
        WITH over AS (FROM roster.sessions WHERE {_over(options)})
        SELECT any_value(over.file) AS file, any_value(over.record) AS record, any_value(end_date) AS value,
            'This is over, and with it ' || count(*) || ' section(s).' AS message
        FROM (
            SELECT session_ids[1] AS id FROM roster.sections
            WHERE len(session_ids) > 0 AND list_has_all((SELECT list(id) FROM over), session_ids))
        JOIN over USING (id) GROUP BY id"""


def _today(options: RosterOptions) -> str:
    return literal(options.today.isoformat())


DATES = [
    *(_reversed(table) for table in ("sessions", "roles", "enrollments")),
    in_rows(
        BORN_AHEAD,
        ("demographics", "birth_date"),
        lambda options: f"birth_date > {_today(options)}",
        "'Nobody was born on that day yet.'",
        then=("UPDATE roster.demographics SET birth_date = NULL WHERE rowid IN (SELECT row_id FROM found)",),
    ),
    Rule(SESSION_ENDED, "sessions", "end_date", _ended, when=_over),
]
DATE_CHECKS = [REVERSED, BORN_AHEAD, SESSION_ENDED]
