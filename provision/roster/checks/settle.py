"""After the checks: what is held leaves the roster tables, so that nothing is planned from half of the truth.

A hold spreads downwards: from an organisation to what is beneath it and is no school, to its sections and to whoever
has a role in it, from a section or a person to its enrollments. What a hold has spread to gets no finding of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.roster.checks.rule import Rule, always
from provision.roster.fill import REPEATED_DIFFERS, some_meets
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literals

_SPREAD = (
    ("section", "id", "NULL", "sections", "org_id", "org"),
    ("person", "person_id", "NULL", "roles", "org_id", "org"),
    ("enrollment", "section_id", "person_id", "enrollments", "section_id", "section"),
    ("enrollment", "section_id", "person_id", "enrollments", "person_id", "person"),
)
"""Kind, id and other id that become held; the table, and its column that refers to the held thing of a
kind."""

_LEAVES = (
    ("orgs", "id", "org"),
    ("persons", "id", "person"),
    ("roles", "person_id", "person"),
    ("demographics", "person_id", "person"),
    ("flags", "person_id", "person"),
    ("relationships", "person_id", "person"),
    ("relationships", "contact_id", "person"),
    ("user_profiles", "person_id", "person"),
    ("sections", "id", "section"),
)


def _spread_beneath(store: Store, options: RosterOptions) -> None:
    """From an organisation to those beneath it, up to the next schools: nobody can tell to which school they belong."""
    store.run(f"""
        INSERT INTO roster.held
        WITH RECURSIVE beneath(id, rule, file, record) AS (
            SELECT id, min(rule), NULL::TEXT, NULL::BIGINT FROM roster.held WHERE kind = 'org' GROUP BY id
            UNION
            SELECT o.id, b.rule, o.file, o.record FROM beneath b JOIN roster.orgs o ON o.parent_id = b.id
            WHERE o.type NOT IN {literals(options.school_types)})
        SELECT 'org', id, NULL, rule, file, record FROM beneath WHERE record IS NOT NULL""")


def make_persons_one(store: Store, options: RosterOptions) -> None:
    """Of a person who stands in several records, for several schools, make one: of each value the first that is not
    blank. Report where later records say otherwise. The roles stay all."""
    for table, key in (("persons", "id"), ("demographics", "person_id")):
        several = f"(SELECT {key} FROM roster.{table} GROUP BY {key} HAVING count(*) > 1)"
        if not store.value(f"CREATE OR REPLACE TEMP TABLE several AS FROM roster.{table} WHERE {key} IN {several}"):
            continue
        own = (key, "file", "record")
        values = [column for column, *_ in store.rows(f"DESCRIBE roster.{table}") if column not in own]
        firsts = ", ".join(f"arg_min({column}, (file, record)) AS {column}" for column in values)
        store.run(f"""
            CREATE OR REPLACE TEMP TABLE made_one AS
            SELECT {key}, {firsts}, arg_min(file, (file, record)) AS file, arg_min(record, (file, record)) AS record
            FROM several GROUP BY {key}""")
        _tell_differences(store, options, table, key, values)
        store.run(f"DELETE FROM roster.{table} WHERE {key} IN (SELECT {key} FROM made_one)")
        store.run(f"INSERT INTO roster.{table} BY NAME FROM made_one")
        store.run("DROP TABLE made_one")
    store.run("DROP TABLE several")


def _tell_differences(store: Store, options: RosterOptions, table: str, key: str, values: Sequence[str]) -> None:
    pairs = f"several s JOIN made_one m USING ({key})"
    differ = some_meets(store, pairs, [_differs(column) for column in values])
    for column, differs in zip(values, differ, strict=True):
        if differs:
            find = f"""
                SELECT s.file, min(s.record) AS record, arg_min({key}, s.record) AS value,
                    printf('%d record(s), this one first, differ from the first of the same person.', count(*))
                    AS message
                FROM {pairs} WHERE {_differs(column)} GROUP BY s.file"""
            Rule(REPEATED_DIFFERS, table, column, always(find)).run(store, options)


def _differs(column: str) -> str:
    return f"lower(s.{column}::TEXT) <> lower(m.{column}::TEXT)"


def settle(store: Store, options: RosterOptions) -> None:
    """Spread the holds and take the held rows out."""
    if not store.value("SELECT count(*) FROM roster.held"):
        return
    _spread_beneath(store, options)
    for kind, held, other, table, column, above in _SPREAD:
        store.run(
            f"INSERT INTO roster.held SELECT '{kind}', t.{held}, "
            f"{other if other == 'NULL' else 't.' + other}, h.rule, "
            f"t.file, t.record FROM roster.{table} t JOIN (SELECT id, min(rule) AS rule FROM roster.held "
            f"WHERE kind = '{above}' GROUP BY id) h ON h.id = t.{column}"
        )
    store.run(
        "CREATE OR REPLACE TEMP TABLE kept_once AS SELECT kind, id, other_id, min(rule) AS rule, "
        "min_by(file, record) AS file, min(record) AS record FROM roster.held GROUP BY kind, id, other_id"
    )
    store.run("DELETE FROM roster.held")
    store.run("INSERT INTO roster.held BY NAME FROM kept_once")
    store.run("DROP TABLE kept_once")
    for table, column, kind in _LEAVES:
        store.run(f"DELETE FROM roster.{table} WHERE {column} IN (SELECT id FROM roster.held WHERE kind = '{kind}')")
    store.run(
        "DELETE FROM roster.enrollments WHERE (section_id, person_id) IN "
        "(SELECT (id, other_id) FROM roster.held WHERE kind = 'enrollment')"
    )
    # without its other end a hold is on all of a person's contacts
    store.run(
        "DELETE FROM roster.relationships WHERE (person_id, contact_id) IN "
        "(SELECT (id, other_id) FROM roster.held WHERE kind = 'relationship') "
        "OR person_id IN (SELECT id FROM roster.held WHERE kind = 'relationship' AND other_id IS NULL)"
    )
