"""One id, one thing."""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always

DUPLICATE_ID = Check(
    "duplicate-id",
    "error",
    "Several records have the same id. The same person at another school or in another role is no duplicate; "
    "otherwise none of the records counts, and the person, section or organisation is held.",
    "Remove the record that is wrong, or give it an id of its own.",
)
REPEATED = Check(
    "repeated-record",
    "warning",
    "A record says again what an earlier one says; the first one counts.",
    "Remove the repetition.",
)
ID_CASE = Check(
    "id-case-collision",
    "warning",
    "Two ids differ only in upper and lower case, which Microsoft 365 does not tell apart in addresses.",
    "Give one of them another id.",
)
SHARED_USERNAME = Check(
    "username-shared",
    "warning",
    "Different persons have the same username, but for upper and lower case.",
    "Give one of them another username.",
)

_SAME_PERSON_TWICE = """
    WITH repeated AS (SELECT id FROM roster.persons GROUP BY id HAVING count(*) > 1),
    rows AS (
        SELECT p.id, p.file, p.record, p.username, p.given_name, p.family_name, r.org_id, r.role
        FROM (FROM roster.persons SEMI JOIN repeated USING (id)) p
        LEFT JOIN roster.roles r ON r.person_id = p.id AND r.file = p.file AND r.record = p.record),
    wrong AS (
        SELECT id FROM rows GROUP BY id
        HAVING count(*) > count(DISTINCT (org_id, role)) OR count(DISTINCT lower(username)) > 1
            OR count(DISTINCT given_name) > 1 OR count(DISTINCT family_name) > 1)
    SELECT file, record, id AS value, id, NULL::TEXT AS other_id,
        'This id also stands for another person, or the same record stands here twice.' AS message
    FROM rows SEMI JOIN wrong USING (id)"""


# where birth dates stand on the rows of persons, they repeat when the person rightly does
_ON_PERSON_ROWS = "file IN (SELECT file FROM header_of WHERE tbl = 'persons')"


def _duplicates(table: str) -> str:
    return f"""
        SELECT file, record, id AS value, id, NULL::TEXT AS other_id,
            'This id stands in several records.' AS message
        FROM roster.{table}
        SEMI JOIN (SELECT id FROM roster.{table} GROUP BY id HAVING count(*) > 1) USING (id)"""


def _repeated(table: str, column: str, *key: str, unless: str = "false") -> Rule:
    """Later records with the same key go; a hash keeps the search small where the table is large."""
    keys = ", ".join(key)
    return Rule(
        REPEATED,
        table,
        column,
        always(f"""
            SELECT file, record, {column} AS value,
                'An earlier record says this already.' AS message
            FROM (
                SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY file, record) AS place
                FROM roster.{table} WHERE hash({keys}) IN (
                    SELECT hash({keys}) FROM roster.{table} GROUP BY hash({keys}) HAVING count(*) > 1))
            WHERE place > 1 AND NOT ({unless})"""),
        then=(f"DELETE FROM roster.{table} WHERE (file, record) IN (SELECT (file, record) FROM found)",),
    )


def _collisions(table: str, column: str, message: str) -> str:
    return f"""
        SELECT file, record, {column} AS value, '{message}' AS message
        FROM roster.{table} WHERE lower({column}) IN (
            SELECT lower({column}) FROM roster.{table} GROUP BY lower({column}) HAVING min(id) <> max(id))"""


UNIQUENESS = [
    Rule(DUPLICATE_ID, "persons", "id", always(_SAME_PERSON_TWICE), holds="person"),
    Rule(DUPLICATE_ID, "sections", "id", always(_duplicates("sections")), holds="section"),
    Rule(DUPLICATE_ID, "orgs", "id", always(_duplicates("orgs")), holds="org"),
    _repeated("roles", "person_id", "person_id", "org_id", "role", "session_id"),
    _repeated("enrollments", "person_id", "section_id", "person_id", "role"),
    _repeated("sessions", "id", "id"),
    _repeated("courses", "id", "id"),
    _repeated("demographics", "person_id", "person_id", unless=_ON_PERSON_ROWS),
    *(
        Rule(ID_CASE, table, "id", always(_collisions(table, "id", "Another id differs from this one only in case.")))
        for table in ("persons", "sections", "orgs")
    ),
    Rule(
        SHARED_USERNAME,
        "persons",
        "username",
        always(_collisions("persons", "username", "Another person has this username too.")),
    ),
]
UNIQUENESS_CHECKS = [DUPLICATE_ID, REPEATED, ID_CASE, SHARED_USERNAME]
