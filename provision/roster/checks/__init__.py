"""The checks of a roster.

Those of files, rows and single values speak while the tables are filled (`provision/roster/fill.py`); those
here look across the tables afterwards. To add one, write a `Check` and a `Rule` and add them to the lists of
a file.
"""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.files import FILE_CHECKS
from provision.roster.checks.fitness import FITNESS, FITNESS_CHECKS
from provision.roster.checks.references import REFERENCE_CHECKS, REFERENCES
from provision.roster.checks.rule import Rule
from provision.roster.checks.settle import keep_first_persons, settle
from provision.roster.checks.uniqueness import UNIQUENESS, UNIQUENESS_CHECKS
from provision.roster.fill import FILL_CHECKS
from provision.roster.kinds import VALUE_CHECKS
from provision.roster.options import RosterOptions
from provision.store import Store

CHECKS: list[Check] = [
    *FILE_CHECKS,
    *FILL_CHECKS,
    *VALUE_CHECKS,
    *UNIQUENESS_CHECKS,
    *REFERENCE_CHECKS,
    *FITNESS_CHECKS,
]
"""Every check there is, for the documentation: id, severity, description, mend."""

RULES: list[Rule] = [*UNIQUENESS, *REFERENCES, *FITNESS]


def run_checks(store: Store, options: RosterOptions) -> None:
    """Look across the filled tables, report, and take out of them whatever is held."""
    fed = {table for (table,) in store.rows("SELECT DISTINCT tbl FROM header_of")}
    for rule in RULES:
        if rule.table in fed:  # nothing can be wrong in a table that no file gave
            rule.run(store, options)
    keep_first_persons(store)
    settle(store)
    store.run("DROP TABLE IF EXISTS found")
    store.run("DROP TABLE header_of")
