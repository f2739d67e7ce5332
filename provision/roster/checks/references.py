"""What a record refers to must be there."""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always
from provision.roster.dropped import dropping

UNKNOWN_ORG = Check(
    "unknown-org",
    "error",
    "A person or a section belongs to an organisation that is not in the roster; the person or section is held.",
    "Add the organisation to its file, or correct the id.",
)
UNKNOWN_PERSON = Check(
    "unknown-person",
    "error",
    "A record speaks of a person who is not in the roster; it is dropped.",
    "Add the person to the file of persons, or remove the record.",
)
DANGLING = Check(
    "dangling-enrollment",
    "error",
    "An enrollment names a section or a person that is not in the roster; this pair is held, both ends go on.",
    "Add the section or person to its file, or remove the enrollment.",
)
UNKNOWN_REFERENCE = Check(
    "unknown-reference",
    "warning",
    "A value refers to an organisation, session or course that is not in the roster or was dropped; it is dropped too.",
    "Add what is referred to, or correct the id.",
)
ORG_CYCLE = Check(
    "org-cycle",
    "error",
    "An organisation is above itself; all organisations of the circle are held.",
    "Correct the parent of one of them.",
)
SESSION_CYCLE = Check(
    "session-cycle",
    "warning",
    "A session is part of itself; what it is part of is dropped.",
    "Correct the parent of one of them.",
)
UNKNOWN_PRINCIPAL = Check(
    "unknown-principal",
    "note",
    "The principal of a school is not among the staff of the roster.",
    "Nothing to do; add the principal as a person if they should be managed.",
)
NO_ROLE = Check(
    "person-without-role",
    "note",
    "A person has no role anywhere and is nobody's contact; nothing is done for them.",
    "Add a role, or remove the person.",
)

_OPTIONAL = (
    ("roles", "session_id", "sessions"),
    ("sections", "course_id", "courses"),
    ("courses", "org_id", "orgs"),
    ("courses", "school_year_session_id", "sessions"),
    ("sessions", "parent_id", "sessions"),
    ("roles", "profile_id", "user_profiles"),
)
_NO_SECTION_SESSION = """
    SELECT min_by(file, record) AS file, min(record) AS record,
        value, count(*) || ' record(s), first this one, refer to what is not in sessions.' AS message
    FROM (SELECT file, record, unnest(session_ids) AS value FROM roster.sections)
    ANTI JOIN roster.sessions ON sessions.id = value GROUP BY value"""

_SECTION_SESSION_DROPPED = dropping(
    "sections",
    "session_ids",
    "FROM roster.sections WHERE session_ids[1] IN (SELECT value FROM found)",
)
"""The first is the class's term, and the next one is not, only because the first is unknown."""

_DROP_SECTION_SESSIONS = """
    UPDATE roster.sections SET session_ids = list_filter(
        session_ids, lambda each: NOT list_contains(unknown.ids, each))
    FROM (SELECT list(value) AS ids FROM found) unknown WHERE list_has_any(session_ids, unknown.ids)"""

_DOUBLINGS = 12


def _circles(table: str) -> str:
    """Rows that are above themselves.

    Whoever goes up from every row by more steps than a tree has levels ends on the circles and nowhere else: by
    steps of double length each time, so that a long chain costs little. A row may stand there twice, and its ways
    would double with each step.
    """
    climbs = [f"up0 AS MATERIALIZED (SELECT id, parent_id AS top FROM roster.{table} WHERE parent_id IS NOT NULL)"]
    climbs += [
        f"up{step + 1} AS MATERIALIZED ("
        f"SELECT DISTINCT low.id, high.top FROM up{step} low JOIN up{step} high ON high.id = low.top)"
        for step in range(_DOUBLINGS)
    ]
    return f"""
        WITH {", ".join(climbs)}
        SELECT file, record, parent_id AS value, id, NULL::TEXT AS other_id, rowid AS row_id,
            'Its parents lead back to itself.' AS message
        FROM roster.{table} WHERE id IN (SELECT top FROM up{_DOUBLINGS})"""


_DROP_SESSION_PARENTS = "UPDATE roster.sessions SET parent_id = NULL WHERE rowid IN (SELECT row_id FROM found)"


def _refers_to_nothing(table: str, column: str, known: str) -> str:
    """FROM and WHERE of the rows of `table` whose `column` is no id that the SELECT `known` gives."""
    return f"FROM roster.{table} t ANTI JOIN ({known}) k ON k.id = t.{column} WHERE t.{column} IS NOT NULL"


def _known(table: str, kind: str) -> str:
    """Ids that the roster has or that are held: what is held was explained elsewhere."""
    return f"SELECT id FROM roster.{table} UNION ALL SELECT id FROM roster.held WHERE kind = '{kind}'"


def _unknown_org(table: str, held: str) -> str:
    return f"""
        SELECT file, record, org_id AS value, {held} AS id, NULL::TEXT AS other_id,
            'There is no organisation of this id.' AS message
        {_refers_to_nothing(table, "org_id", _known("orgs", "org"))}"""


def _unknown_person(table: str, column: str) -> Rule:
    find = f"""
        SELECT file, record, {column} AS value, {column} AS id, NULL::TEXT AS other_id,
            'There is no person of this id.' AS message
        {_refers_to_nothing(table, column, _known("persons", "person"))}"""
    return Rule(UNKNOWN_PERSON, table, column, always(find), holds="person")


def _dangling(column: str, what: str, found: str) -> Rule:
    find = f"""
        SELECT file, record, {column} AS value, section_id AS id,
            person_id AS other_id, 'There is no {what} of this id.' AS message
        {found}"""
    return Rule(DANGLING, "enrollments", column, always(find), holds="enrollment")


_NO_SECTION = f"""
    FROM roster.enrollments SEMI JOIN (
        FROM seats ANTI JOIN ({_known("sections", "section")}) k ON k.id = section_id) unknown USING (section_id)"""
"""`seats` has every section once, where the enrollments have it as often as it has members."""


def _unknown_reference(table: str, column: str, target: str, known: str = "") -> Rule:
    """`known` gives the ids that may be referred to, if not those in `target` alone."""
    find = f"""
        SELECT min_by(file, record) AS file, min(record) AS record,
            {column} AS value,
            count(*) || ' record(s), first this one, refer to what is not in {target}.' AS message
        {_refers_to_nothing(table, column, known or f"SELECT id FROM roster.{target}")} GROUP BY {column}"""
    unknown = f"{column} IN (SELECT value FROM found)"
    dropped = dropping(table, column, f"FROM roster.{table} WHERE {unknown}")
    mend = f"UPDATE roster.{table} SET {column} = NULL WHERE {unknown}"
    return Rule(UNKNOWN_REFERENCE, table, column, always(find), then=(dropped, mend))


_STAFF = """
    SELECT source_id AS id FROM roster.persons
    WHERE id IN (SELECT person_id FROM roster.roles WHERE role <> 'student')"""
_NO_PRINCIPAL = f"""
    SELECT file, record, principal_id AS value, 'Nobody on the staff has this id.' AS message
    {_refers_to_nothing("orgs", "principal_id", _STAFF)}"""

_SPOKEN_OF = """
    SELECT person_id AS id FROM roster.roles UNION ALL SELECT contact_id FROM roster.relationships
    UNION ALL SELECT id FROM roster.held WHERE kind = 'person'"""
_WITHOUT_ROLE = f"""
    SELECT file, record, id AS value, 'This person has no role.' AS message
    {_refers_to_nothing("persons", "id", _SPOKEN_OF)}"""

REFERENCES = [
    Rule(ORG_CYCLE, "orgs", "parent_id", always(_circles("orgs")), holds="org"),
    Rule(SESSION_CYCLE, "sessions", "parent_id", always(_circles("sessions")), then=(_DROP_SESSION_PARENTS,)),
    Rule(UNKNOWN_ORG, "sections", "org_id", always(_unknown_org("sections", "id")), holds="section"),
    Rule(UNKNOWN_ORG, "roles", "org_id", always(_unknown_org("roles", "person_id")), holds="person"),
    *(
        _unknown_person(table, "person_id")
        for table in ("roles", "demographics", "flags", "relationships", "user_profiles")
    ),
    _unknown_person("relationships", "contact_id"),
    _dangling("section_id", "section", _NO_SECTION),
    _dangling("person_id", "person", _refers_to_nothing("enrollments", "person_id", _known("persons", "person"))),
    _unknown_reference("orgs", "parent_id", "orgs", _known("orgs", "org")),  # a hold spreads to those beneath
    *(_unknown_reference(*reference) for reference in _OPTIONAL),
    Rule(
        UNKNOWN_REFERENCE,
        "sections",
        "session_ids",
        always(_NO_SECTION_SESSION),
        then=(_SECTION_SESSION_DROPPED, _DROP_SECTION_SESSIONS),
    ),
    Rule(UNKNOWN_PRINCIPAL, "orgs", "principal_id", always(_NO_PRINCIPAL)),
    Rule(NO_ROLE, "persons", "id", always(_WITHOUT_ROLE)),
]
REFERENCE_CHECKS = [
    UNKNOWN_ORG,
    UNKNOWN_PERSON,
    DANGLING,
    UNKNOWN_REFERENCE,
    ORG_CYCLE,
    SESSION_CYCLE,
    UNKNOWN_PRINCIPAL,
    NO_ROLE,
]
