"""One id, one thing."""

from __future__ import annotations

from provision.roster.addresses import section_alias
from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always
from provision.roster.options import RosterOptions

DUPLICATE_ID = Check(
    "duplicate-id",
    "error",
    "Several records have the same id. The same person at another school, in another role or with another "
    "contact is no duplicate; otherwise none of the records counts, and the person, section or organisation is held.",
    "Remove the record that is wrong, or give it an id of its own.",
)
REPEATED = Check(
    "repeated-record",
    "warning",
    "A record has what tells an earlier one from all others: the id of a session, course or profile; the person, "
    "place and role of an enrollment, a role or a relationship. The first one counts.",
    "Remove the repetition, or give another thing another id.",
)
SECTION_ALIAS = Check(
    "section-alias-shared",
    "error",
    "The ids of several sections make one mail alias: they differ only in upper and lower case, or in characters that "
    "replace_special_characters replaces. All of the sections are held.",
    "Give the sections ids that differ in more than that.",
)
ID_CASE = Check(
    "id-case-collision",
    "warning",
    "The ids of two persons or organisations differ only in upper and lower case, which Microsoft 365 does not tell "
    "apart in names. Both are kept.",
    "Give one of them another id.",
)
SHARED_USERNAME = Check(
    "username-shared",
    "warning",
    "Different persons have the same username, but for upper and lower case; a student and a teacher too. Nothing is "
    "changed here: which of them has the account is decided in the plan, and if that is in doubt nobody is written.",
    "Give one of them another username.",
)
STAFF_IS_TEACHER = Check(
    "staff-is-teacher",
    "note",
    "A record of staff has the e-mail address of one teacher: the two are one person, who keeps the teacher's id.",
    "Nothing to do.",
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


# in formats that number staff and teachers apart
_IS_STAFF = "starts_with(id, 'staff/')"
_STAFF_WHO_TEACH = f"""
    WITH sound AS (
        SELECT id, secondary_email, file, record FROM roster.persons
        ANTI JOIN (SELECT id FROM roster.held WHERE kind = 'person') held USING (id)),
    teachers AS (
        SELECT secondary_email, min(id) AS teacher FROM sound WHERE starts_with(id, 'teacher/')
        GROUP BY secondary_email HAVING min(id) = max(id))
    SELECT file, record, secondary_email AS value, id, teacher,
        'This is also the address of ' || teacher || '; they are one person.' AS message
    FROM (FROM sound WHERE {_IS_STAFF}) JOIN teachers USING (secondary_email)"""
_MAKE_THEM_ONE = (
    "UPDATE roster.roles SET person_id = teacher FROM found WHERE person_id = id",
    "DELETE FROM roster.persons WHERE id IN (SELECT id FROM found)",
)


# where birth dates stand on the rows of persons, they repeat when the person rightly does
_ON_PERSON_ROWS = "file IN (SELECT file FROM header_of WHERE tbl = 'persons')"


# of whom no record counts
_IS_HELD = "person_id IN (SELECT id FROM roster.held WHERE kind = 'person')"


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
            SELECT file, record, {column} AS value, row_id, 'An earlier record says this already.' AS message
            FROM (
                SELECT *, rowid AS row_id,
                    row_number() OVER (PARTITION BY {keys} ORDER BY file, record, rowid) AS place
                FROM roster.{table} WHERE hash({keys}) IN (
                    SELECT hash({keys}) FROM roster.{table} GROUP BY hash({keys}) HAVING count(*) > 1))
            WHERE place > 1 AND NOT ({unless})"""),
        # by row: one record may say several things, and two of them the same
        then=(f"DELETE FROM roster.{table} WHERE rowid IN (SELECT row_id FROM found)",),
    )


def _collisions(table: str, column: str, message: str, same: str = "") -> str:
    """Rows of different ids whose column, or what `same` makes of it, is one but for upper and lower case."""
    same = f"lower({same or column})"
    return f"""
        SELECT file, record, {column} AS value, id, NULL::TEXT AS other_id, '{message}' AS message
        FROM roster.{table} WHERE {same} IN (
            SELECT {same} FROM roster.{table} GROUP BY {same} HAVING min(id) <> max(id))"""


def _shared_aliases(options: RosterOptions) -> str:
    alias = section_alias("id", replace=options.replace_special_characters)
    return _collisions("sections", "id", "Another section has the same alias.", alias)


UNIQUENESS = [
    Rule(DUPLICATE_ID, "persons", "id", always(_SAME_PERSON_TWICE), holds="person"),
    Rule(
        STAFF_IS_TEACHER,
        "persons",
        "secondary_email",
        always(_STAFF_WHO_TEACH),
        then=_MAKE_THEM_ONE,
        when=always(_IS_STAFF),
    ),
    Rule(DUPLICATE_ID, "sections", "id", always(_duplicates("sections")), holds="section"),
    Rule(DUPLICATE_ID, "orgs", "id", always(_duplicates("orgs")), holds="org"),
    _repeated("roles", "person_id", "person_id", "org_id", "role", "session_id", unless=_IS_HELD),
    _repeated("enrollments", "person_id", "section_id", "person_id", "role"),
    _repeated("sessions", "id", "id"),
    _repeated("courses", "id", "id"),
    _repeated("demographics", "person_id", "person_id", unless=_ON_PERSON_ROWS),
    _repeated("flags", "flag", "person_id", "flag"),
    _repeated("relationships", "contact_id", "person_id", "contact_id", "role"),
    _repeated("user_profiles", "id", "id"),
    Rule(SECTION_ALIAS, "sections", "id", _shared_aliases, holds="section"),
    *(
        Rule(ID_CASE, table, "id", always(_collisions(table, "id", "Another id differs from this one only in case.")))
        for table in ("persons", "orgs")
    ),
    Rule(
        SHARED_USERNAME,
        "persons",
        "username",
        always(_collisions("persons", "username", "Another person has this username too.")),
    ),
]
UNIQUENESS_CHECKS = [DUPLICATE_ID, STAFF_IS_TEACHER, REPEATED, SECTION_ALIAS, ID_CASE, SHARED_USERNAME]
