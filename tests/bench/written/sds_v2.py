"""SDS V2: a row of users.csv for each role of a person."""

from __future__ import annotations

_USER = """
    given_name AS "givenName", family_name AS "familyName", username, password, role"""

FILES = {
    "orgs.csv": """
        SELECT id AS "sourcedId", name, type, NULL AS "parentSourcedId" FROM district
        UNION ALL SELECT id, name, type, parent_id FROM school""",
    "users.csv": f"""
        SELECT id AS "sourcedId", org_id AS "orgSourcedIds", {_USER}, grade FROM student
        UNION ALL SELECT id, org_id, {_USER}, NULL FROM teacher
        UNION ALL SELECT id, other_org_id, {_USER}, NULL FROM teacher WHERE other_org_id IS NOT NULL
        UNION ALL SELECT id, org_id, {_USER}, NULL FROM staff""",
    "classes.csv": """SELECT id AS "sourcedId", org_id AS "orgSourcedId", title FROM section""",
    "enrollments.csv": """
        SELECT section_id AS "classSourcedId", person_id AS "userSourcedId", 'student' AS role FROM taken
        UNION ALL SELECT section_id, person_id, 'teacher' FROM taught""",
}
