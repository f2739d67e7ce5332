"""The roster under the ids of a target: a view `sent_…` of each roster table, with `origin`, the row it comes from.

`new_id (tbl, id, became)` has the ids that become others. A person whom the target knows as a student and as a
teacher has two rows, and stands twice in the views.
"""

from __future__ import annotations

from provision.convert.target import Target
from provision.roster.addresses import ALIAS_LIMIT, SECTION_PREFIX
from provision.roster.fill import ENTITIES
from provision.store import Store
from provision.store.sql import literal

LONGEST = 255  # characters of an id, where a format limits them (OneRoster)
ROOM = ALIAS_LIMIT - len(SECTION_PREFIX) - len("_01234567")

REFERENCES: dict[str, dict[str, str]] = {
    "orgs": {"id": "orgs", "parent_id": "orgs"},
    "persons": {"id": "persons"},
    "roles": {"person_id": "persons", "org_id": "orgs", "session_id": "sessions", "profile_id": "user_profiles"},
    "sections": {"id": "sections", "org_id": "orgs", "course_id": "courses"},
    "enrollments": {"section_id": "sections", "person_id": "persons"},
    "sessions": {"id": "sessions", "parent_id": "sessions"},
    "courses": {"id": "courses", "org_id": "orgs", "school_year_session_id": "sessions"},
    "demographics": {"person_id": "persons"},
    "flags": {"person_id": "persons"},
    "relationships": {"person_id": "persons", "contact_id": "persons"},
    "user_profiles": {"id": "user_profiles", "person_id": "persons"},
}
"""By table: the columns that hold an id, and the table whose id it is. `sections.session_ids` holds several."""

MAY_BE_SILENT = {
    "orgs": ("parent_id",),
    "roles": ("session_id", "profile_id"),
    "sections": ("course_id",),
    "sessions": ("parent_id",),
    "courses": ("org_id", "school_year_session_id"),
}
"""Those of `REFERENCES` that a record need not have; without the others it says nothing, and is left out itself."""

ONE_NAME_SPACE = """
    INSERT INTO new_id SELECT 'persons', id, source_id FROM (
        SELECT p.id, source_id,
            row_number() OVER (PARTITION BY source_id ORDER BY coalesce(place, 3), p.id) = 1 AS is_first
        FROM roster.persons p LEFT JOIN (
            SELECT person_id AS id, min(CASE role WHEN 'student' THEN 1 ELSE 2 END) AS place
            FROM roster.roles GROUP BY person_id) r ON r.id = p.id)
    WHERE is_first AND source_id <> id AND source_id NOT IN (SELECT id FROM roster.persons)"""
"""For a format with one set of ids for all persons: the school's own id. Where a student, a member of staff and a
contact share one, it is the first's; the others keep the name that tells them apart (`teacher/14001`)."""


def under_new_ids(store: Store, target: Target) -> None:
    """Make `new_id` and the views."""
    store.run("CREATE OR REPLACE TEMP TABLE new_id (tbl TEXT, id TEXT, became TEXT)")
    for statement in target.people:
        store.run(statement)
    for table, characters in target.forbidden.items():
        _mend(store, table, characters)
    renamed = {table for (table,) in store.rows("SELECT DISTINCT tbl FROM new_id")}
    for table in ENTITIES:
        store.run(f"CREATE OR REPLACE TEMP VIEW sent_{table} AS {_under(table, renamed)}")


def forget_what_left(store: Store) -> dict[str, int]:
    """Take out of the roster the references to what was held, and so is not in it: how many, by `table.column`."""
    forgotten = {}
    if store.value("SELECT count(*) FROM roster.held"):
        for table, column in [(table, column) for table, columns in MAY_BE_SILENT.items() for column in columns]:
            gone = f"{column} IS NOT NULL AND {column} NOT IN (SELECT id FROM roster.{REFERENCES[table][column]})"
            if count := store.value(f"SELECT count(*) FROM roster.{table} WHERE {gone}"):
                store.run(f"UPDATE roster.{table} SET {column} = NULL WHERE {gone}")
                forgotten[f"{table}.{column}"] = count
    return forgotten


def _mend(store: Store, table: str, characters: str) -> None:
    """Replace what an id cannot hold by `_`; where another id is the same then, or it is too long, part of a digest
    tells it apart, and there is room for it in the alias of a section."""
    store.run(f"""
        CREATE OR REPLACE TEMP TABLE mended AS
        SELECT id, is_now, regexp_replace(is_now, {literal(characters)}, '_', 'g') AS plain
        FROM (SELECT t.id, coalesce(became, t.id) AS is_now FROM roster.{table} t
              LEFT JOIN (FROM new_id WHERE tbl = {literal(table)}) n ON n.id = t.id)""")
    store.run(f"""
        CREATE OR REPLACE TEMP TABLE mended AS
        SELECT id, CASE WHEN others = 1 AND length(plain) <= {LONGEST} THEN plain
            ELSE left(plain, {ROOM}) || '_' || left(md5(is_now), 8) END AS became
        FROM (SELECT *, count(*) OVER (PARTITION BY plain) AS others FROM mended)
        WHERE plain <> is_now OR length(plain) > {LONGEST}""")
    store.run(f"DELETE FROM new_id WHERE tbl = {literal(table)} AND id IN (SELECT id FROM mended)")
    store.run(f"INSERT INTO new_id SELECT {literal(table)}, id, became FROM mended")
    store.run("DROP TABLE mended")


def _under(table: str, renamed: set[str]) -> str:
    joins, replaced = "", []
    for column, of in REFERENCES[table].items():
        if of in renamed:
            joins += (
                f" LEFT JOIN (SELECT id AS was, became FROM new_id WHERE tbl = {literal(of)}) new_{column} "
                f"ON new_{column}.was = t.{column}"
            )
            replaced.append(f"coalesce(new_{column}.became, t.{column}) AS {column}")
    if table == "sections" and "sessions" in renamed:
        joins += f" LEFT JOIN ({_SESSION_LISTS}) lists ON lists.origin = t.rowid"
        replaced.append("coalesce(lists.became, t.session_ids) AS session_ids")
    star = f"t.* REPLACE ({', '.join(replaced)})" if replaced else "t.*"
    return f"SELECT t.rowid AS origin, {star} FROM roster.{table} t{joins}"


_SESSION_LISTS = """
    SELECT origin, list(coalesce(became, id) ORDER BY place) AS became
    FROM (SELECT rowid AS origin, unnest(session_ids) AS id, generate_subscripts(session_ids, 1) AS place
          FROM roster.sections) each
    LEFT JOIN (SELECT id AS was, became FROM new_id WHERE tbl = 'sessions') n ON n.was = each.id
    GROUP BY origin"""
