"""The checks of a roster.

Those of files, rows and single values speak while the tables are filled (`provision/roster/fill.py`); those
here look across the tables afterwards. To add one, write a `Check` and a `Rule` and add them to the lists of
a file.
"""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.dates import DATE_CHECKS, DATES
from provision.roster.checks.files import FILE_CHECKS
from provision.roster.checks.fitness import FITNESS, FITNESS_CHECKS, refuse_unmatched
from provision.roster.checks.references import REFERENCE_CHECKS, REFERENCES
from provision.roster.checks.rule import Rule
from provision.roster.checks.sense import SENSE, SENSE_CHECKS, tell_many_errors
from provision.roster.checks.settle import make_persons_one, settle
from provision.roster.checks.text import NOTHING_SEEN, TEXT, TEXT_CHECKS
from provision.roster.checks.uniqueness import UNIQUENESS, UNIQUENESS_CHECKS
from provision.roster.fill import FILL_CHECKS, some_meets
from provision.roster.kinds import VALUE_CHECKS
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literals

CHECKS: list[Check] = [
    *FILE_CHECKS,
    *FILL_CHECKS,
    *VALUE_CHECKS,
    *UNIQUENESS_CHECKS,
    *REFERENCE_CHECKS,
    *TEXT_CHECKS,
    *DATE_CHECKS,
    *FITNESS_CHECKS,
    *SENSE_CHECKS,
]
"""Every check there is, for the documentation: id, severity, description, mend."""

RULES: list[Rule] = [*UNIQUENESS, *NOTHING_SEEN, *REFERENCES, *TEXT, *DATES, *FITNESS, *SENSE]


def run_checks(store: Store, options: RosterOptions) -> None:
    """Look across the filled tables, report, and take out of them whatever is held.

    Raises `RosterError` where nobody's account could be found by what the profile finds them by.
    """
    refuse_unmatched(store, options)
    _count_seats(store, options)
    for rule in _worth_a_look(store, options):
        rule.run(store, options)
    tell_many_errors(store)
    make_persons_one(store, options)
    settle(store, options)
    store.run("DROP TABLE IF EXISTS found")
    store.run("DROP TABLE seats")
    store.run("DROP TABLE header_of")


def _count_seats(store: Store, options: RosterOptions) -> None:
    """One pass over the largest table for every rule that asks what a section has."""
    owner = f"role IN {literals(options.owner_roles)}"
    store.run(f"""
        CREATE OR REPLACE TEMP TABLE seats AS
        SELECT section_id, count(*) FILTER ({owner}) AS owners, count(*) FILTER (role = 'student') AS students
        FROM roster.enrollments GROUP BY section_id""")


def _worth_a_look(store: Store, options: RosterOptions) -> list[Rule]:
    """The rules that may find something, in order: files had their columns, and some row meets their condition."""
    fed = set(store.rows("SELECT DISTINCT tbl, col FROM header_of"))
    rules = [rule for rule in RULES if rule.concerns(fed)]
    idle: set[Rule] = set()
    for table in dict.fromkeys(rule.table for rule in rules):
        asked = {rule: rule.when(options) for rule in rules if rule.table == table and rule.when}
        conditions = list(dict.fromkeys(asked.values()))
        met = dict(zip(conditions, some_meets(store, f"roster.{table}", conditions), strict=True))
        idle |= {rule for rule, condition in asked.items() if not met[condition]}
    return [rule for rule in rules if rule not in idle]
