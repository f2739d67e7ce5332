"""SDS V2.1: all ten files."""

from __future__ import annotations

from bench.written import sds_v2

_USER = """
    id AS "sourcedId", username, given_name AS "givenName", family_name AS "familyName", middle_name AS "middleName",
    password, match_id AS "activeDirectoryMatchId", email, phone"""
_ROLE = """
    id AS "userSourcedId", org_id AS "orgSourcedId", role, 'Y2027' AS "sessionSourcedId" """
_DATES = """(SELECT start_date FROM session WHERE id = 'Y2027') AS "roleStartDate",
    (SELECT end_date FROM session WHERE id = 'Y2027') AS "roleEndDate" """

FILES = {
    "orgs.csv": sds_v2.FILES["orgs.csv"],
    "users.csv": f"""
        SELECT {_USER}, sms, number AS "userNumber" FROM student
        UNION ALL SELECT {_USER}, NULL, number FROM teacher
        UNION ALL SELECT {_USER}, NULL, number FROM staff
        UNION ALL SELECT id, username, given_name, family_name, NULL, NULL, NULL, email, phone, sms, NULL
        FROM guardian""",
    "roles.csv": f"""
        SELECT {_ROLE}, grade, 'true' AS "isPrimary", {_DATES} FROM student
        UNION ALL SELECT {_ROLE}, NULL, 'true', {_DATES} FROM teacher
        UNION ALL SELECT id, other_org_id, role, 'Y2027', NULL, 'false', {_DATES}
        FROM teacher WHERE other_org_id IS NOT NULL
        UNION ALL SELECT {_ROLE}, NULL, 'true', {_DATES} FROM staff""",
    "classes.csv": """
        SELECT id AS "sourcedId", org_id AS "orgSourcedId", title, code,
            array_to_string(session_ids, ',') AS "sessionSourcedIds", course_id AS "courseSourcedId" FROM section""",
    "enrollments.csv": sds_v2.FILES["enrollments.csv"],
    "academicSessions.csv": """
        SELECT id AS "sourcedId", title, type, school_year AS "schoolYear", start_date AS "startDate",
            end_date AS "endDate" FROM session""",
    "courses.csv": """
        SELECT id AS "sourcedId", org_id AS "orgSourcedId", title, code,
            school_year_session_id AS "schoolYearSourcedId", subject, grade FROM course""",
    "demographics.csv": """
        SELECT id AS "userSourcedId", sex, birth_date AS "birthDate", birth_city AS "birthCity",
            birth_state AS "birthState", birth_country AS "birthCountry", ethnicity AS "ethnicityCodes",
            race AS "raceCodes" FROM student""",
    "userFlags.csv": """
        SELECT id AS "userSourcedId", flag FROM student WHERE flag IS NOT NULL""",
    "relationships.csv": """
        SELECT person_id AS "userSourcedId", g.id AS "relationshipUserSourcedId", g.role AS "relationshipRole"
        FROM contact c JOIN guardian g ON g.id = c.contact_id ORDER BY place, c.n""",
}
