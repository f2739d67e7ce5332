"""From what one read has told to the `current` tables.

What is read goes to tables of the one read first (`STAGING`), and from there to the `current` tables (`MERGED`): in the
same way when everything is read anew and when only the changes are (see `feeds`).
"""

from __future__ import annotations

STAGING = (
    """CREATE OR REPLACE TEMP TABLE accounts (
           id TEXT, upn TEXT, mail TEXT, nickname TEXT, display_name TEXT, given_name TEXT, family_name TEXT,
           job_title TEXT, employee_id TEXT, usage_location TEXT, age_group TEXT, consent TEXT,
           synced BOOLEAN, licenses TEXT[])""",
    """CREATE OR REPLACE TEMP TABLE pupils_and_staff (
           id TEXT, middle_name TEXT, primary_role TEXT, external_source TEXT, student_id TEXT,
           teacher_id TEXT, grade TEXT, student_number TEXT, graduation_year TEXT, birth_date TEXT,
           teacher_number TEXT)""",
    "CREATE OR REPLACE TEMP TABLE seen_groups AS FROM current.groups LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE group_licenses (id TEXT, sku_id TEXT)",
    "CREATE OR REPLACE TEMP TABLE seen_sections AS FROM current.sections LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE seen_schools AS FROM current.schools LIMIT 0",
    "CREATE OR REPLACE TEMP TABLE units (id TEXT)",
    "CREATE OR REPLACE TEMP TABLE role_holders (id TEXT)",
    "CREATE OR REPLACE TEMP TABLE gone (id TEXT, for_good BOOLEAN)",
    "CREATE OR REPLACE TEMP TABLE told_links (relation TEXT, left_id TEXT, right_id TEXT, type TEXT, gone BOOLEAN)",
)
"""Tables of one read: an account and its education data come from two lists and end in one row."""


def _last_of(table: str, key: str) -> str:
    """A directory that changes while it is read shows an object on two pages: the later one counts."""
    last = f"SELECT max(rowid) FROM {table} GROUP BY {key}"
    return f"""
        DELETE FROM {table} WHERE rowid NOT IN ({last} HAVING count(*) > 1)
            AND {key} IN (SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1)"""


def _either(told: str, names: dict[str, str]) -> str:
    """The columns as they were told, or as they were where nothing was told of them."""
    return ", ".join(f"CASE WHEN {told}.id IS NULL THEN c.{known} ELSE {told}.{name} END AS {known}"
                     for known, name in names.items())  # fmt: skip


_ACCOUNT = {
    "user_principal_name": "upn",
    "mail": "mail",
    "mail_nickname": "nickname",
    "display_name": "display_name",
    "given_name": "given_name",
    "family_name": "family_name",
    "job_title": "job_title",
    "employee_id": "employee_id",
    "usage_location": "usage_location",
    "age_group": "age_group",
    "consent": "consent",
    "synced": "synced",
}
_EDUCATION = {
    name: name
    for name in (
        "middle_name",
        "primary_role",
        "external_source",
        "student_id",
        "teacher_id",
        "grade",
        "student_number",
        "graduation_year",
        "birth_date",
        "teacher_number",
    )
}
_LINKS = """
    SELECT l.kind, t.left_id, t.right_id, arg_max(t.gone, t.rowid) AS gone
    FROM told_links t JOIN current.linked l ON l.object_id = t.left_id
    WHERE CASE l.kind WHEN 'owner' THEN t.relation = 'owners'
                      WHEN 'school_user' THEN t.relation = 'units' AND t.type = '#microsoft.graph.user'
                      WHEN 'school_section' THEN t.relation = 'units' AND t.type = '#microsoft.graph.group'
                      ELSE t.relation = 'members' END
    GROUP BY ALL"""

MERGED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("accounts", "pupils_and_staff", "gone"),
        (
            _last_of("accounts", "id"),
            _last_of("pupils_and_staff", "id"),
            f"""CREATE OR REPLACE TEMP TABLE told_users AS
                SELECT coalesce(a.id, e.id) AS object_id, {_either("a", _ACCOUNT)}, {_either("e", _EDUCATION)}
                FROM accounts a FULL JOIN pupils_and_staff e ON e.id = a.id
                LEFT JOIN current.users c ON c.object_id = coalesce(a.id, e.id)
                WHERE coalesce(a.id, c.object_id) IS NOT NULL""",
            """DELETE FROM current.users
               WHERE object_id IN (SELECT object_id FROM told_users UNION ALL SELECT id FROM gone)""",
            "INSERT INTO current.users BY NAME FROM told_users WHERE object_id NOT IN (SELECT id FROM gone)",
            """DELETE FROM current.all_links WHERE kind = 'license'
                   AND left_id IN (SELECT id FROM accounts UNION ALL SELECT id FROM gone)""",
            """INSERT INTO current.all_links SELECT DISTINCT 'license', id, unnest(licenses) FROM accounts
                   WHERE id NOT IN (SELECT id FROM gone)""",
        ),
    ),
    *(
        (
            (f"seen_{table}", "gone"),
            (
                _last_of(f"seen_{table}", "object_id"),
                f"""DELETE FROM current.{table}
                    WHERE object_id IN (SELECT object_id FROM seen_{table} UNION ALL SELECT id FROM gone)""",
                f"INSERT INTO current.{table} FROM seen_{table} WHERE object_id NOT IN (SELECT id FROM gone)",
            ),
        )
        for table in ("groups", "sections", "schools")
    ),
    (
        ("seen_groups",),
        (
            """DELETE FROM current.all_links
               WHERE kind = 'group_license' AND left_id IN (SELECT object_id FROM seen_groups)""",
            "INSERT INTO current.all_links SELECT DISTINCT 'group_license', id, sku_id FROM group_licenses",
        ),
    ),
    (
        ("told_links",),
        (
            f"CREATE OR REPLACE TEMP TABLE latest_links AS {_LINKS}",
            """DELETE FROM current.all_links
               WHERE (kind, left_id, right_id) IN (SELECT (kind, left_id, right_id) FROM latest_links)""",
            "INSERT INTO current.all_links SELECT kind, left_id, right_id FROM latest_links WHERE NOT gone",
        ),
    ),
    (
        ("accounts", "seen_groups", "gone"),
        (
            """DELETE FROM current.bin WHERE id IN (
                   SELECT id FROM accounts UNION ALL SELECT object_id FROM seen_groups
                   UNION ALL SELECT id FROM gone)""",
            "INSERT INTO current.bin SELECT DISTINCT id FROM gone WHERE NOT for_good",
        ),
    ),
    (
        ("gone",),
        (
            "DELETE FROM current.all_links WHERE right_id IN (SELECT id FROM gone WHERE for_good)",
            "DELETE FROM current.all_links WHERE left_id IN (SELECT id FROM gone)",
            "DELETE FROM current.linked WHERE object_id IN (SELECT id FROM gone)",
        ),
    ),
    (
        ("role_holders",),
        (
            """INSERT INTO current.admins
               SELECT DISTINCT id FROM role_holders WHERE id IN (SELECT object_id FROM current.users)""",
        ),
    ),
)
"""From the tables of one read to the `current` ones, of which those that are read whole each time are empty: steps, and
the tables that say whether there is anything to do in each."""

DROPPED = tuple(
    f"DROP TABLE IF EXISTS temp.{table}"
    for table in (
        "accounts", "pupils_and_staff", "seen_groups", "group_licenses", "seen_sections", "seen_schools", "units",
        "role_holders", "gone",
        "told_links", "told_users", "latest_links",
    )
)  # fmt: skip
