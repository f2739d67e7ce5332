"""The made-up district as it should be read: the whole truth, and what each format cannot say or says otherwise.

`TRUTH` has every table of the roster as a SELECT over the views of `bench/district.py`, `DIFFERENCES` what becomes
of it in a format. The docs show the latter as a table.
"""

from __future__ import annotations

from dataclasses import dataclass

_SCHOOL_YEAR = "'2026-08-24' AS start_date, '2027-06-11' AS end_date"
_OF_EVERYBODY = """
    id, id AS source_id, username, given_name, family_name, middle_name, password, email AS secondary_email, match_id,
    master_id, other_ids, phone, number, state_id"""
_ROLE = f"id AS person_id, role, 'Y2027' AS session_id, {_SCHOOL_YEAR}"
_PRIMARY_ROLE = f"{_ROLE}, org_id, true AS is_primary"

TRUTH: dict[str, str] = {
    "orgs": "SELECT * FROM district UNION ALL BY NAME SELECT * EXCLUDE (n) FROM school",
    "persons": f"""
        SELECT 'student' AS kind, {_OF_EVERYBODY}, preferred_given_name, preferred_middle_name, preferred_family_name,
            pronouns, sms, graduation_year, status FROM student
        UNION ALL BY NAME SELECT 'teacher' AS kind, {_OF_EVERYBODY}, title, qualification, status FROM teacher
        UNION ALL BY NAME SELECT 'staff' AS kind, {_OF_EVERYBODY}, title FROM staff
        UNION ALL BY NAME SELECT 'contact' AS kind, id, id AS source_id, username, given_name, family_name,
            email AS secondary_email, phone, sms FROM guardian""",
    "roles": f"""
        SELECT {_PRIMARY_ROLE}, grade, NULL::TEXT AS status FROM student
        UNION ALL BY NAME SELECT {_PRIMARY_ROLE}, profile_id FROM teacher
        UNION ALL BY NAME SELECT {_ROLE}, other_org_id AS org_id, false AS is_primary
        FROM teacher WHERE other_org_id IS NOT NULL
        UNION ALL BY NAME SELECT {_PRIMARY_ROLE} FROM staff""",
    "sections": "SELECT * FROM section",
    "enrollments": f"""
        SELECT section_id, person_id, 'student' AS role, {_SCHOOL_YEAR}, NULL::TEXT AS status FROM taken
        UNION ALL BY NAME SELECT section_id, person_id, 'teacher' AS role, is_primary, {_SCHOOL_YEAR} FROM taught""",
    "sessions": "SELECT * FROM session",
    "courses": "SELECT * FROM course",
    "demographics": """
        SELECT id AS person_id, sex, birth_date, birth_city, birth_state, birth_country,
            ethnicity AS ethnicity_codes, race AS race_codes, residence_status FROM student""",
    "flags": "SELECT id AS person_id, flag FROM student WHERE flag IS NOT NULL",
    "relationships": """
        SELECT person_id, contact_id, g.role, g.email FROM contact JOIN guardian g ON g.id = contact_id""",
    "user_profiles": """
        SELECT profile_id AS id, id AS person_id, 'learning platform' AS type, 'quay' AS vendor_id,
            'lms' AS application_id, 'Account in the learning platform' AS description, 'password' AS credential_type,
            username, password FROM teacher WHERE profile_id IS NOT NULL""",
}
"""Roster table -> its rows; a few have columns besides, for `DIFFERENCES` to speak of."""

BLANK = frozenset({"roles.status", "enrollments.status"})
"""What a full export leaves blank in every format."""


@dataclass(frozen=True)
class Difference:
    """What a format makes of a column (`sql` over the true row), or which rows of a table it has (a condition)."""

    sql: str
    says: str = ""


NONE, LOST = Difference("false"), Difference("NULL")


def _lost(table: str, columns: str) -> dict[str, Difference]:
    return {f"{table}.{column}": LOST for column in columns.split()}


_SCHOOLS_ONLY = Difference("type = 'school'", "schools")
_FIRST_TERM = "session_ids[:1]"
_OF_SECTIONS = Difference("parent_id IS NOT NULL", "terms of sections")
_BEYOND_SDS = {
    **_lost("persons", "preferred_given_name preferred_middle_name preferred_family_name pronouns master_id other_ids"),
    **_lost("roles", "profile_id"),
    **_lost("sections", "type location subject_codes"),
    **_lost("enrollments", "start_date end_date"),
    "user_profiles": NONE,
}
_MORE_BEYOND_SDS = {
    **_BEYOND_SDS,
    **_lost("sessions", "parent_id"),
    **_lost("courses", "subject_codes"),
    **_lost("demographics", "residence_status"),
}

_SDS_V1: dict[str, Difference] = {
    **_MORE_BEYOND_SDS,
    "orgs": _SCHOOLS_ONLY,
    "orgs.parent_id": LOST,
    "persons": Difference("kind <> 'staff'", "students, teachers, contacts"),
    "persons.id": Difference("CASE WHEN kind = 'contact' THEN secondary_email ELSE id END", "contacts: the address"),
    "persons.username": Difference("CASE WHEN kind <> 'contact' THEN username END", "not of contacts"),
    **_lost("persons", "match_id sms"),
    "persons.phone": Difference("CASE WHEN kind = 'contact' THEN phone END", "of contacts"),
    "roles": Difference("role <> 'administrator'", "students, teachers"),
    **_lost("roles", "session_id is_primary start_date end_date"),
    "sections.session_ids": Difference(_FIRST_TERM, "the first"),
    **_lost("sections", "code grade subject"),
    **_lost("enrollments", "is_primary"),
    "sessions": _OF_SECTIONS,
    "sessions.type": Difference("'term'", "`term`"),
    "sessions.school_year": LOST,
    "courses": Difference("id IN (SELECT course_id FROM section)", "courses of sections"),
    **_lost("courses", "org_id school_year_session_id grade"),
    **_lost("demographics", "sex birth_city birth_state birth_country ethnicity_codes race_codes"),
    "flags": NONE,
    "relationships.contact_id": Difference("email", "the address"),
}
_ONEROSTER: dict[str, Difference] = {
    **_lost("orgs", "nces_id state_id grade_low grade_high principal_id principal_name principal_email address city"),
    **_lost("orgs", "state country zip phone zone"),
    **_lost("persons", "match_id state_id title qualification graduation_year status"),
    **_lost("roles", "session_id"),
    **_lost("sections", "number status"),
    "enrollments.end_date": Difference("strftime(end_date::DATE + 1, '%Y-%m-%d')", "the day after"),
    "sessions.end_date": Difference("strftime(end_date::DATE + 1, '%Y-%m-%d')", "the day after"),
    "courses.description": LOST,
    "courses.subject": Difference("subject_name", "in words"),
    "flags": NONE,
}

DIFFERENCES: dict[str, dict[str, Difference]] = {
    "sds-v1": _SDS_V1,
    "sds-v1-uk": _SDS_V1,
    "sds-v2": {
        **_BEYOND_SDS,
        **_lost("orgs", "number nces_id state_id grade_low grade_high principal_id principal_name principal_email"),
        **_lost("orgs", "address city state country zip phone zone"),
        "persons": Difference("kind <> 'contact'", "not contacts"),
        **_lost("persons", "middle_name secondary_email match_id phone sms number state_id title qualification"),
        **_lost("persons", "graduation_year status"),
        **_lost("roles", "session_id is_primary start_date end_date"),
        **_lost("sections", "number code session_ids course_id periods status grade subject"),
        **_lost("enrollments", "is_primary"),
        "sessions": NONE,
        "courses": NONE,
        "demographics": NONE,
        "flags": NONE,
        "relationships": NONE,
    },
    "sds-v2.1": {
        **_MORE_BEYOND_SDS,
        **_lost("orgs", "number nces_id state_id grade_low grade_high principal_id principal_name principal_email"),
        **_lost("orgs", "address city state country zip phone zone"),
        **_lost("persons", "state_id title qualification graduation_year status"),
        **_lost("sections", "number periods status grade subject"),
        **_lost("enrollments", "is_primary"),
        **_lost("courses", "description"),
    },
    "clever": {
        **_MORE_BEYOND_SDS,
        "orgs": _SCHOOLS_ONLY,
        **_lost("orgs", "parent_id principal_id country zone"),
        "orgs.phone": Difference("phone[3:]", "without the +1"),
        "persons.username": Difference("CASE WHEN kind <> 'contact' THEN username END", "not of contacts"),
        "persons.middle_name": Difference("CASE WHEN kind <> 'staff' THEN middle_name END", "not of staff"),
        "persons.number": Difference("CASE WHEN kind = 'staff' THEN id ELSE number END", "staff: the id"),
        "persons.state_id": Difference("CASE WHEN kind <> 'staff' THEN state_id END", "not of staff"),
        "persons.phone": Difference("CASE WHEN kind = 'contact' THEN phone[3:] END", "of contacts, without the +1"),
        "persons.sms": Difference("CASE WHEN kind = 'contact' THEN sms[3:] END", "of contacts, without the +1"),
        **_lost("persons", "match_id qualification status"),
        "roles.role": Difference(
            "CASE role WHEN 'administrator' THEN 'staff' ELSE role END", "administrators: `staff`"
        ),
        **_lost("roles", "session_id is_primary start_date end_date"),
        "sections.session_ids": Difference(
            "[(SELECT concat_ws('/', title, start_date, end_date) FROM session s WHERE s.id = session_ids[1])]",
            "the first, by name and dates",
        ),
        "sections.course_id": Difference("(SELECT code FROM course c WHERE c.id = course_id)", "the course's number"),
        **_lost("sections", "code status"),
        "sessions": _OF_SECTIONS,
        "sessions.id": Difference("concat_ws('/', title, start_date, end_date)", "its name and dates"),
        "sessions.type": Difference("'term'", "`term`"),
        "sessions.school_year": LOST,
        "courses": Difference("id IN (SELECT course_id FROM section)", "courses of sections"),
        "courses.id": Difference("code", "its number"),
        **_lost("courses", "org_id school_year_session_id subject grade"),
        **_lost("demographics", "birth_city birth_state birth_country"),
        "demographics.race_codes": Difference(
            "CASE WHEN contains(race_codes, ',') THEN 'demographicRaceTwoOrMoreRaces' ELSE race_codes END",
            "several: `demographicRaceTwoOrMoreRaces`",
        ),
        "flags": Difference("flag IN ('freeLunch', 'reducedLunch', 'ELL', 'IEP')", "free and reduced lunch, ELL, IEP"),
    },
    "oneroster-1.1": {
        **_ONEROSTER,
        **_lost("persons", "preferred_given_name preferred_middle_name preferred_family_name pronouns master_id"),
        **_lost("roles", "is_primary start_date end_date profile_id"),
        "demographics.sex": Difference("nullif(sex, 'notSelected')", "male, female"),
        "user_profiles": NONE,
    },
    "oneroster-1.2": _ONEROSTER,
}
"""Format -> table, or table and column -> what differs from the truth. What is not here is said as it is."""


def expected(form: str, table: str, columns: list[str]) -> str:
    """The rows of a roster table as the format should give them."""
    known = DIFFERENCES[form]
    values = [
        f"{known[place].sql} AS {column}" if (place := f"{table}.{column}") in known else column for column in columns
    ]
    rows = f" WHERE {known[table].sql}" if table in known else ""
    return f"SELECT {', '.join(values)} FROM ({TRUTH[table]}){rows}"
