"""The yardstick of planning: what bare DuckDB needs to compare the same roster with the same snapshot.

    python -m bench.joins FOLDER

It reads the roster's files, works out whom and what the directory should hold, by the ids that the ledger has, and
compares values and links both ways with the snapshot; the differences go to a file. `FOLDER` is one that
`bench.snapshot` has made. It checks nothing, names no causes and judges nothing. DuckDB has its own threads here,
and 1 GB of memory, where planning begins with 160 MB and takes 250.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from bench.cost import measured

READ = "SELECT * FROM read_csv('{roster}/{file}.csv', header = true, all_varchar = true, delim = ',', quote = '\"')"
FILES = ("orgs", "users", "roles", "classes", "enrollments")

IDS = "SELECT key, object_id FROM s.ledger.objects WHERE kind = '{}'"
DESIRED = {
    "people": """
        SELECT u."sourcedId" AS id, 'user:' || u."sourcedId" AS key, r.role, r."orgSourcedId" AS school, r.grade,
               trim(u."givenName") AS given_name, trim(u."familyName") AS family_name,
               trim(u."givenName") || ' ' || trim(u."familyName") AS display_name,
               lower(u.username)
                   || CASE r.role WHEN 'student' THEN '@students.contoso.edu' ELSE '@contoso.edu' END AS upn
        FROM users u JOIN roles r ON r."userSourcedId" = u."sourcedId" AND r."isPrimary" = 'true'
        WHERE r.role IN ('student', 'teacher')""",
    "person_ids": "SELECT p.*, i.object_id FROM people p LEFT JOIN user_ids i ON i.key = p.key",
    "sections": """
        SELECT c.*, i.object_id, o.object_id AS school_id FROM classes c
        LEFT JOIN section_ids i ON i.key = 'section:' || c."sourcedId"
        LEFT JOIN school_ids o ON o.key = 'school:' || c."orgSourcedId" """,
    "links": """
        SELECT 'member' AS kind, s.object_id AS left_id, p.object_id AS right_id, e.role
        FROM enrollments e JOIN sections s ON s."sourcedId" = e."classSourcedId"
        JOIN person_ids p ON p.id = e."userSourcedId"
        UNION ALL SELECT 'owner', s.object_id, p.object_id, e.role
        FROM enrollments e JOIN sections s ON s."sourcedId" = e."classSourcedId"
        JOIN person_ids p ON p.id = e."userSourcedId" WHERE e.role = 'teacher'
        UNION ALL SELECT 'school_user', i.object_id, p.object_id, p.role
        FROM person_ids p JOIN school_ids i ON i.key = 'school:' || p.school
        UNION ALL SELECT 'school_section', school_id, object_id, NULL FROM sections
        UNION ALL SELECT 'group_member', i.object_id, p.object_id, p.role
        FROM person_ids p JOIN group_ids i ON i.key IN ('school_group:' || p.role || 's',
            'school_group:' || p.school || '/' || p.role || 's')
        UNION ALL SELECT 'license', p.object_id, k.sku_id, p.role
        FROM person_ids p, s.current.skus k
        WHERE p.role = 'student' AND k.part_number = 'STANDARDWOFFPACK_STUDENT'""",
}
DIFFERENCES = {
    "users": """
        SELECT p.key, c.display_name AS before, p.display_name AS after
        FROM person_ids p JOIN s.current.users c ON c.object_id = p.object_id
        WHERE (p.display_name, p.given_name, p.family_name, p.upn)
            IS DISTINCT FROM (c.display_name, c.given_name, c.family_name, c.user_principal_name)
          OR p.role = 'student' AND p.grade IS DISTINCT FROM c.grade""",
    "sections": """
        SELECT d."sourcedId", c.display_name AS before, d.title AS after
        FROM sections d JOIN s.current.sections c ON c.object_id = d.object_id WHERE d.title <> c.display_name""",
    "missing": "FROM links l ANTI JOIN s.current.links c USING (kind, left_id, right_id)",
    "superfluous": """
        SELECT k.* FROM s.ledger.links k JOIN s.current.links c USING (kind, left_id, right_id)
        ANTI JOIN links l USING (kind, left_id, right_id)""",
}


def main(folder: Path) -> None:
    with measured() as counts:
        connection = duckdb.connect()

        def run(sql: str) -> None:
            connection.execute(sql).fetchall()

        run(f"SET temp_directory = '{folder}/spilled'; SET memory_limit = '1GB'")
        run(f"ATTACH '{folder}/state/bench.duckdb' AS s (READ_ONLY)")
        for file in FILES:
            run(f"CREATE TABLE {file} AS {READ.format(roster=folder / 'roster', file=file)}")
        for name, kind in (("user", "user"), ("section", "section"), ("school", "school"), ("group", "school_group")):
            run(f"CREATE TABLE {name}_ids AS {IDS.format(kind)}")
        for name, rows in DESIRED.items():
            run(f"CREATE TABLE {name} AS {rows}")
        for name, rows in DIFFERENCES.items():
            run(f"CREATE TABLE different_{name} AS {rows}")
            run(f"COPY different_{name} TO '{folder}/{name}.json'")
            counts[name] = int(connection.execute(f"SELECT count(*) FROM different_{name}").fetchall()[0][0])
        counts["changes"] = counts["users"] + counts["missing"]
        connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
