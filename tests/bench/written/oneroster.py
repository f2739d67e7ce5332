"""OneRoster 1.1 and 1.2 CSV, full exports: `status` and `dateLastModified` are blank, end dates are the day after."""

from __future__ import annotations

_BULK = 'NULL AS status, NULL AS "dateLastModified"'


def _day_after(column: str) -> str:
    return f"strftime({column}::DATE + 1, '%Y-%m-%d')"


def _manifest(version: str, *files: str) -> str:
    said = ", ".join(f"('file.{file}', 'bulk')" for file in files)
    return f"""
        FROM (VALUES ('manifest.version', '1.0'), ('oneroster.version', '{version}'), {said})
            t("propertyName", value)"""


def _enrollment(role: str, primary: str) -> str:
    return f"""
        SELECT printf('{role[0]}%07d', e.n) AS "sourcedId", {_BULK}, section_id AS "classSourcedId",
            e.org_id AS "schoolSourcedId", person_id AS "userSourcedId", '{role}' AS role, {primary} AS primary,
            y.start_date AS "beginDate", {_day_after("y.end_date")} AS "endDate" """


_SHARED = {
    "academicSessions.csv": f"""
        SELECT id AS "sourcedId", {_BULK}, title, type, start_date AS "startDate",
            {_day_after("end_date")} AS "endDate", parent_id AS "parentSourcedId", school_year AS "schoolYear"
        FROM session""",
    "orgs.csv": f"""
        SELECT id AS "sourcedId", {_BULK}, name, type, NULL AS identifier, NULL AS "parentSourcedId" FROM district
        UNION ALL SELECT id, NULL, NULL, name, type, number, parent_id FROM school""",
    "courses.csv": f"""
        SELECT id AS "sourcedId", {_BULK}, school_year_session_id AS "schoolYearSourcedId", title, code AS "courseCode",
            grade AS grades, org_id AS "orgSourcedId", subject_name AS subjects, subject_codes AS "subjectCodes"
        FROM course""",
    "classes.csv": f"""
        SELECT id AS "sourcedId", {_BULK}, title, grade AS grades, course_id AS "courseSourcedId", code AS "classCode",
            type AS "classType", location, org_id AS "schoolSourcedId",
            array_to_string(session_ids, ',') AS "termSourcedIds", subject AS subjects,
            subject_codes AS "subjectCodes", periods FROM section""",
    "enrollments.csv": f"""
        {_enrollment("student", "NULL")} FROM taken e, (FROM session WHERE id = 'Y2027') y
        UNION ALL {_enrollment("teacher", "is_primary::TEXT")} FROM taught e, (FROM session WHERE id = 'Y2027') y""",
}


def _demographics(neither: str) -> str:
    """`neither` is what the version has for who is neither male nor female."""
    has = ", ".join(
        f"list_contains(string_split(race, ','), '{race}') AS \"{race}\""
        for race in (
            "americanIndianOrAlaskaNative",
            "asian",
            "blackOrAfricanAmerican",
            "nativeHawaiianOrOtherPacificIslander",
            "white",
            "demographicRaceTwoOrMoreRaces",
        )
    )
    return f"""
        SELECT id AS "sourcedId", {_BULK}, birth_date AS "birthDate",
            CASE sex WHEN 'notSelected' THEN {neither} ELSE sex END AS sex, {has},
            ethnicity IS NOT NULL AS "hispanicOrLatinoEthnicity", birth_country AS "countryOfBirthCode",
            birth_state AS "stateOfBirthAbbreviation", birth_city AS "cityOfBirth",
            residence_status AS "publicSchoolResidenceStatus" FROM student"""


_NAMES = """
    username, other_ids AS "userIds", given_name AS "givenName", family_name AS "familyName",
    middle_name AS "middleName", number AS identifier, email"""
_GUARDIAN_NAMES = "username, NULL, given_name, family_name, NULL, NULL, email"
_AGENTS = "nullif(concat_ws(',', guardian_id, other_guardian_id), '')"
_ID = f'id AS "sourcedId", {_BULK}, \'true\' AS "enabledUser"'
_ID_1_1 = f'{_ID}, org_id AS "orgSourcedIds", role'
_USERS_1_1 = f"""
    SELECT {_ID_1_1}, {_NAMES}, sms, phone, {_AGENTS} AS "agentSourcedIds", grade AS grades, password FROM student
    UNION ALL SELECT id, NULL, NULL, 'true', concat_ws(',', org_id, other_org_id), role, {_NAMES}, NULL, phone, NULL,
        NULL, password FROM teacher
    UNION ALL SELECT {_ID_1_1}, {_NAMES}, NULL, phone, NULL, NULL, password FROM staff
    UNION ALL SELECT {_ID_1_1}, {_GUARDIAN_NAMES}, sms, phone, NULL, NULL, NULL FROM guardian"""
_USERS_1_2 = f"""
    SELECT {_ID}, {_NAMES}, sms, phone, {_AGENTS} AS "agentSourcedIds", grade AS grades, password,
        master_id AS "userMasterIdentifier", preferred_given_name AS "preferredGivenName",
        preferred_middle_name AS "preferredMiddleName", preferred_family_name AS "preferredFamilyName",
        org_id AS "primaryOrgSourcedId", pronouns FROM student
    UNION ALL SELECT {_ID}, {_NAMES}, NULL, phone, NULL, NULL, password, master_id, NULL, NULL, NULL, org_id, NULL
    FROM teacher
    UNION ALL SELECT {_ID}, {_NAMES}, NULL, phone, NULL, NULL, password, master_id, NULL, NULL, NULL, org_id, NULL
    FROM staff
    UNION ALL SELECT {_ID}, {_GUARDIAN_NAMES}, sms, phone, NULL, NULL, NULL, NULL, NULL, NULL, NULL, org_id, NULL
    FROM guardian"""


def _role(people: str, *, org: str = "org_id", kind: str = "primary", role: str = "role", profile: str = "NULL") -> str:
    return f"""
        SELECT printf('{people[-1]}{kind[0]}%07d', p.n) AS "sourcedId", {_BULK}, p.id AS "userSourcedId",
            '{kind}' AS "roleType", {role} AS role, y.start_date AS "beginDate", y.end_date AS "endDate",
            {org} AS "orgSourcedId", {profile} AS "userProfileSourcedId"
        FROM {people} p, (FROM session WHERE id = 'Y2027') y"""


FILES_1_1 = {
    "manifest.csv": _manifest("1.1", *(file.removesuffix(".csv") for file in _SHARED), "users", "demographics"),
    **_SHARED,
    "users.csv": _USERS_1_1,
    "demographics.csv": _demographics("NULL"),
}
FILES_1_2 = {
    "manifest.csv": _manifest(
        "1.2", *(file.removesuffix(".csv") for file in _SHARED), "users", "roles", "userProfiles", "demographics"
    ),
    **_SHARED,
    "users.csv": _USERS_1_2,
    "roles.csv": f"""
        {_role("student")}
        UNION ALL {_role("teacher", profile="profile_id")}
        UNION ALL {_role("teacher", org="other_org_id", kind="secondary")} WHERE other_org_id IS NOT NULL
        UNION ALL {_role("staff", role="'siteAdministrator'")}
        UNION ALL {_role("guardian")}""",
    "userProfiles.csv": f"""
        SELECT profile_id AS "sourcedId", {_BULK}, id AS "userSourcedId", 'learning platform' AS "profileType",
            'quay' AS "vendorId", 'lms' AS "applicationId", 'Account in the learning platform' AS description,
            'password' AS "credentialType", username, password
        FROM teacher WHERE profile_id IS NOT NULL""",
    "demographics.csv": _demographics("'unspecified'"),
}
