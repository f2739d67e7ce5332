"""What is well formed and hardly meant. Hardly any of it changes a record; all of it is worth a look."""

from __future__ import annotations

from provision.roster import codes
from provision.roster.check import Check, report
from provision.roster.checks.rule import Rule, always, first_of_each
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literals

PERSON_TWICE = Check(
    "person-twice",
    "note",
    "Records with different ids have the same names and birth date, the same e-mail address or the same number: they "
    "may be one person. They are taken for several.",
    "Give one person one id; where the address is a family's, there is nothing to do.",
)
MIXED_USERNAMES = Check(
    "username-domains",
    "note",
    "Some usernames of a file have a domain and some have none. The profile's domain is put behind those without.",
    "Nothing to do if that is meant.",
)
SEVERAL_PRIMARY = Check(
    "several-primary-roles",
    "note",
    "More than one role of a person is marked as the primary one; of those with a grade the first one counts.",
    "Mark one role of each person.",
)
ROLE_DIFFERS = Check(
    "enrollment-role-differs",
    "note",
    "Somebody who is only a student has another role in a section, or the other way round. The section's role counts "
    "there.",
    "See whether it is a slip; a student who helps or a teacher who learns is none.",
)
TEACHER_ELSEWHERE = Check(
    "teacher-elsewhere",
    "note",
    "A teacher of a section has no role at its school, nor above or beneath it. They teach the section and do not "
    "become a member of the school.",
    "Give the person a role at that school too, if they belong to it.",
)
NO_TEACHER = Check(
    "section-without-teacher",
    "note",
    "Nobody in a section has a role that owns sections (sections.owner_roles of the profile).",
    "Enroll the teacher, or leave the section out of the export.",
)
MANY_OWNERS = Check(
    "section-owners",
    "warning",
    "A section has more than 100 owners: Microsoft 365 takes no more, and refuses the rest.",
    "Split the section, or enroll some of them in another role.",
)
CONTACT_ENROLLED = Check(
    "contact-enrolled",
    "note",
    "A parent, guardian or relative who has no role in the school is enrolled in a section. Contacts are no members; "
    "the record is passed over.",
    "Nothing to do.",
)
NO_STUDENTS = Check(
    "section-without-students",
    "note",
    "A section has no students.",
    "Enroll them, or leave the section out of the export.",
)
SEVERAL_SESSIONS = Check(
    "several-sessions",
    "note",
    "Sections belong to several sessions. The first one is written to Microsoft 365, which holds one.",
    "Nothing to do, unless another one should stand first.",
)
NO_SCHOOL = Check(
    "no-school",
    "warning",
    "No organisation of the roster is a school by its type (schools.types of the profile), so no person and no section "
    "belongs to one.",
    "Correct the types of the organisations, or name the ones that you have in schools.types.",
)
CONTACT_INCOMPLETE = Check(
    "contact-incomplete",
    "note",
    "The contact of a student lacks a first name, a last name or an e-mail address: School Data Sync takes no such "
    "contact.",
    "Fill in what is missing.",
)
MANY_ERRORS = Check(
    "many-errors",
    "note",
    "The roster has more than 15,000 errors, at which School Data Sync would stop.",
    "Look at the commonest error first: so many have one cause.",
)

ERROR_LIMIT = 15_000
MOST_OWNERS = 100
"""Of a group (Microsoft Graph, service limits of directory objects)."""


def _namesakes() -> str:
    """The few who might be are sought first, by a hash: a window over everybody would take most of the time."""
    born = """
        roster.persons JOIN (SELECT person_id AS id, birth_date FROM roster.demographics) born USING (id)"""
    same = "lower(given_name), lower(family_name), birth_date"
    return f"""
        WITH told AS MATERIALIZED (
            SELECT id, hash({same}) AS alike FROM {born}
            WHERE given_name IS NOT NULL AND family_name IS NOT NULL AND birth_date IS NOT NULL),
        few AS MATERIALIZED (
            FROM told SEMI JOIN (SELECT alike FROM told GROUP BY alike HAVING count(*) > 1) several USING (alike))
        SELECT file, record, id AS value, 'Names and birth date are those of ' || first || '.' AS message
        FROM (
            SELECT file, record, id, min(id) OVER (PARTITION BY {same}) AS first
            FROM {born} SEMI JOIN few USING (id))
        WHERE id <> first"""


def _shared(column: str, within: str = "true") -> str:
    repeated = f"SELECT hash({column}) FROM roster.persons WHERE {column} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    return f"""
        SELECT arg_min(file, record) AS file, min(record) AS record, {column} AS value,
            count(DISTINCT id) || ' persons have this, the first of them here.' AS message
        FROM roster.persons WHERE hash({column}) IN ({repeated})
        GROUP BY {column}, {within} HAVING min(id) <> max(id)"""


_SPACE = "CASE WHEN id <> source_id THEN split_part(id, '/', 1) END"
"""Some formats number students and teachers apart."""

_MIXED = """
    SELECT file, CASE WHEN 2 * carrying < counted THEN with_domain ELSE without END AS record, NULL AS value,
        carrying || ' of ' || counted || ' usernames have a domain.' AS message
    FROM (
        SELECT file, count(username) AS counted, count(*) FILTER (contains(username, '@')) AS carrying,
            min(record) FILTER (contains(username, '@')) AS with_domain,
            min(record) FILTER (NOT contains(username, '@')) AS without
        FROM roster.persons GROUP BY file)
    WHERE carrying > 0 AND carrying < counted"""

_SEVERAL_PRIMARY = """
    SELECT arg_min(file, record) AS file, min(record) AS record, person_id AS value,
        count(*) || ' roles of this person are primary.' AS message
    FROM roster.roles WHERE is_primary AND hash(person_id) IN (
        SELECT hash(person_id) FROM roster.roles WHERE is_primary GROUP BY 1 HAVING count(*) > 1)
    GROUP BY person_id HAVING count(*) > 1"""


def _role_differs(*, student: bool) -> str:
    """Whoever has only the one sort of role, and the other sort in a section. The few who might are sought first."""
    own, other = ("=", "<>") if student else ("<>", "=")
    said = "is only a student" if student else "is no student"
    few = f"""
        SELECT DISTINCT person_id FROM roster.roles WHERE role {own} 'student' AND person_id IN (
            SELECT DISTINCT person_id FROM roster.enrollments WHERE role {other} 'student')"""
    if not student:  # the smaller table decides what is looked up in the larger one
        few = """
        SELECT DISTINCT person_id FROM roster.enrollments WHERE role = 'student' AND person_id IN (
            SELECT person_id FROM roster.roles WHERE role <> 'student')"""
    return f"""
        WITH few AS MATERIALIZED ({few}),
        alone AS (FROM few ANTI JOIN (
            SELECT person_id FROM roster.roles SEMI JOIN few USING (person_id) WHERE role {other} 'student') r
            USING (person_id))
        SELECT arg_min(file, record) AS file, min(record) AS record, role AS value,
            'This person {said}, and this in ' || count(*) || ' section(s).' AS message
        FROM roster.enrollments SEMI JOIN alone USING (person_id)
        WHERE role {other} 'student' GROUP BY person_id, role"""


def _elsewhere(options: RosterOptions) -> str:
    return f"""
        WITH RECURSIVE lines(low, high, steps) AS (
            SELECT id, parent_id, 1 FROM roster.orgs WHERE parent_id IS NOT NULL
            UNION
            SELECT low, parent_id, steps + 1 FROM lines JOIN roster.orgs ON id = high
            WHERE parent_id IS NOT NULL AND steps < 20),
        taught AS MATERIALIZED (
            SELECT person_id, org_id, count(*) AS sections
            FROM roster.enrollments e JOIN roster.sections s ON s.id = e.section_id
            WHERE role IN {literals(options.owner_roles)} GROUP BY ALL),
        places AS MATERIALIZED (SELECT person_id, org_id FROM roster.roles SEMI JOIN taught USING (person_id)),
        related AS (
            SELECT person_id, org_id FROM places
            UNION ALL SELECT person_id, high FROM places JOIN lines ON low = org_id
            UNION ALL SELECT person_id, low FROM places JOIN lines ON high = org_id),
        strangers AS MATERIALIZED (
            FROM taught SEMI JOIN (SELECT id AS org_id FROM roster.orgs) o USING (org_id)
            ANTI JOIN related USING (person_id, org_id))
        SELECT arg_min(file, record) AS file, min(record) AS record, person_id AS value,
            printf('They teach %d section(s) of %s and have no role there.', any_value(sections), any_value(org))
            AS message
        FROM roster.roles JOIN (
            SELECT person_id, sum(sections)::BIGINT AS sections,
                min(org_id) || CASE WHEN count(*) > 1 THEN ' and others' ELSE '' END AS org
            FROM strangers GROUP BY person_id) USING (person_id)
        GROUP BY person_id"""


_CONTACTS = literals(codes.CONTACTS)
_CONTACTS_ENROLLED = f"""
    SELECT file, record, role AS value, rowid AS row_id, 'This person is a contact and has no role in the school.'
        AS message
    FROM roster.enrollments WHERE role IN {_CONTACTS} AND person_id IN (SELECT id FROM roster.persons)
        AND person_id NOT IN (SELECT person_id FROM roster.roles WHERE role NOT IN {_CONTACTS})"""


def _many_owners(options: RosterOptions) -> str:
    return f"""
        WITH many AS (
            SELECT section_id AS id, count(DISTINCT person_id) AS owners
            FROM roster.enrollments SEMI JOIN (FROM seats WHERE owners > {MOST_OWNERS}) s USING (section_id)
            WHERE role IN {literals(options.owner_roles)} AND person_id IN (SELECT id FROM roster.persons)
            GROUP BY section_id HAVING count(DISTINCT person_id) > {MOST_OWNERS})
        SELECT file, record, id AS value, owners || ' people here would own the section.' AS message
        FROM roster.sections JOIN many USING (id)"""


def _without(whom: str, message: str) -> str:
    """Sections without an enrollment of a sort, as `seats` counts them; one that is held may be what is missing."""
    return f"""
        SELECT file, record, id AS value, '{message}' AS message
        FROM roster.sections ANTI JOIN (
            SELECT section_id AS id FROM seats WHERE {whom}
            UNION ALL SELECT id FROM roster.held WHERE kind = 'enrollment') seen USING (id)"""


def _no_school(options: RosterOptions) -> str:
    return f"""
        SELECT min(file) AS file, NULL::BIGINT AS record, string_agg(DISTINCT type, ', ' ORDER BY type) AS value,
            'None of these makes a school.' AS message
        FROM roster.orgs HAVING count(*) > 0 AND NOT bool_or(type IN {literals(options.school_types)})
            AND NOT EXISTS (FROM roster.held WHERE kind = 'org' OR (kind = 'unknown' AND id = 'orgs'))"""


IS_INCOMPLETE = "(given_name IS NULL OR family_name IS NULL OR secondary_email IS NULL)"
"""SQL over persons: whether School Data Sync takes somebody for no contact."""
_INCOMPLETE = f"""
    SELECT file, record, id AS value, 'This contact has no ' || array_to_string(list_filter([
        CASE WHEN given_name IS NULL THEN 'first name' END, CASE WHEN family_name IS NULL THEN 'last name' END,
        CASE WHEN secondary_email IS NULL THEN 'e-mail address' END], lambda x: x IS NOT NULL), ', ') || '.' AS message
    FROM roster.persons SEMI JOIN roster.relationships r ON r.contact_id = id
    WHERE {IS_INCOMPLETE}"""

SENSE = [
    Rule(PERSON_TWICE, "persons", "id", always(_namesakes()), given=(("demographics", "birth_date"),)),
    Rule(PERSON_TWICE, "persons", "secondary_email", always(_shared("secondary_email"))),
    Rule(PERSON_TWICE, "persons", "number", always(_shared("number", _SPACE))),
    Rule(MIXED_USERNAMES, "persons", "username", always(_MIXED), when=always("contains(username, '@')")),
    Rule(SEVERAL_PRIMARY, "roles", "person_id", always(_SEVERAL_PRIMARY), given=(("roles", "is_primary"),)),
    *(
        Rule(
            ROLE_DIFFERS,
            "enrollments",
            "role",
            always(_role_differs(student=student)),
            given=(("enrollments", "role"), ("roles", "role")),
        )
        for student in (True, False)
    ),
    Rule(TEACHER_ELSEWHERE, "roles", "person_id", _elsewhere, given=(("enrollments", "person_id"),)),
    *(
        Rule(
            check,
            "sections",
            "id",
            always(_without(whom, message)),
            given=(("sections", "id"), ("enrollments", "section_id")),
        )
        for check, whom, message in (
            (NO_TEACHER, "owners > 0", "Nobody here owns the section."),
            (NO_STUDENTS, "students > 0", "Nobody here is a student."),
        )
    ),
    Rule(
        CONTACT_ENROLLED,
        "enrollments",
        "role",
        always(_CONTACTS_ENROLLED),
        then=("DELETE FROM roster.enrollments WHERE rowid IN (SELECT row_id FROM found)",),
        when=always(f"role IN {_CONTACTS}"),
    ),
    Rule(MANY_OWNERS, "sections", "id", _many_owners, given=(("enrollments", "section_id"),)),
    first_of_each(
        SEVERAL_SESSIONS,
        ("sections", "session_ids"),
        always("len(session_ids) > 1"),
        "%d section(s), this one first, name several.",
        value="array_to_string(session_ids, ', ')",
    ),
    Rule(NO_SCHOOL, "orgs", "type", _no_school),
    Rule(CONTACT_INCOMPLETE, "persons", "id", always(_INCOMPLETE), given=(("relationships", "contact_id"),)),
]
SENSE_CHECKS = [
    PERSON_TWICE,
    MIXED_USERNAMES,
    SEVERAL_PRIMARY,
    ROLE_DIFFERS,
    TEACHER_ELSEWHERE,
    NO_TEACHER,
    MANY_OWNERS,
    CONTACT_ENROLLED,
    NO_STUDENTS,
    SEVERAL_SESSIONS,
    NO_SCHOOL,
    CONTACT_INCOMPLETE,
    MANY_ERRORS,
]


def tell_many_errors(store: Store) -> None:
    """After all rules: say so where School Data Sync would stop."""
    report(
        store,
        MANY_ERRORS,
        f"""
        SELECT arg_max(file, errors) AS file, NULL::BIGINT AS record, NULL AS field, sum(errors)::TEXT AS value,
            'The file with most of the errors is this.' AS message
        FROM (SELECT file, count(*) AS errors FROM roster.findings WHERE severity = 'error' GROUP BY file)
        HAVING sum(errors) > {ERROR_LIMIT}""",
    )
