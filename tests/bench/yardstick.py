"""The yardstick of `load`: what bare DuckDB needs to read the same files, check keys and references, and compare.

    python -m bench.yardstick ROSTER STATE

It trims values and makes blanks NULL, looks for duplicate keys and for references to nothing, and compares persons
and enrollments both ways with those of "yesterday", which lack every hundredth row. Its tables are in memory and are
spilled to the disk, as the roster tables of `provision` are, and it has DuckDB's own threads and more memory. Nothing
is reported and no value is judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from bench.cost import measured

KEYS = {
    "orgs": ('"sourcedId"',),
    "users": ('"sourcedId"',),
    "roles": ('"userSourcedId"', '"orgSourcedId"', "role"),
    "classes": ('"sourcedId"',),
    "enrollments": ('"classSourcedId"', '"userSourcedId"', "role"),
    "academicSessions": ('"sourcedId"',),
    "courses": ('"sourcedId"',),
    "demographics": ('"userSourcedId"',),
    "userFlags": ('"userSourcedId"', "flag"),
    "relationships": ('"userSourcedId"', '"relationshipUserSourcedId"', '"relationshipRole"'),
}
REFERENCES = [
    ("orgs", "parentSourcedId", "orgs"),
    ("roles", "userSourcedId", "users"),
    ("roles", "orgSourcedId", "orgs"),
    ("roles", "sessionSourcedId", "academicSessions"),
    ("classes", "orgSourcedId", "orgs"),
    ("classes", "courseSourcedId", "courses"),
    ("enrollments", "classSourcedId", "classes"),
    ("enrollments", "userSourcedId", "users"),
    ("courses", "orgSourcedId", "orgs"),
    ("courses", "schoolYearSourcedId", "academicSessions"),
    ("demographics", "userSourcedId", "users"),
    ("userFlags", "userSourcedId", "users"),
    ("relationships", "userSourcedId", "users"),
    ("relationships", "relationshipUserSourcedId", "users"),
]
SESSIONS_OF_CLASSES = """
    FROM (SELECT unnest(string_split("sessionSourcedIds", ',')) AS id FROM classes) t
    ANTI JOIN "academicSessions" k ON k."sourcedId" = t.id"""
COMPARED = ("users", "enrollments")


def read(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> None:
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    values = ", ".join(f"""nullif(trim("{column}"), '') AS "{column}" """ for column in header)
    connection.execute(
        f"CREATE TABLE {table} AS SELECT {values} FROM "
        f"read_csv('{path}', header = true, delim = ',', quote = '\"', all_varchar = true)"
    ).fetchall()


def count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM ({rows})").fetchall()[0][0])


def faults(connection: duckdb.DuckDBPyConnection) -> int:
    """Duplicate keys and references to nothing."""
    found = 0
    for table, key in KEYS.items():
        columns = ", ".join(key)
        found += count(connection, f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1")
    for table, column, target in REFERENCES:
        found += count(
            connection,
            f'FROM {table} t ANTI JOIN {target} k ON k."sourcedId" = t."{column}" WHERE t."{column}" IS NOT NULL',
        )
    return found + count(connection, SESSIONS_OF_CLASSES)


def differences(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows that are there today and were not yesterday, or the other way round."""
    found = 0
    for table in COMPARED:
        connection.execute(f"CREATE VIEW before_{table} AS FROM {table} WHERE rowid % 100 <> 0").fetchall()
        same = ", ".join(KEYS[table])
        for here, there in ((table, f"before_{table}"), (f"before_{table}", table)):
            found += count(connection, f"FROM {here} ANTI JOIN {there} USING ({same})")
    return found


def main(folder: Path, state: Path) -> None:
    with measured() as counts:
        connection = duckdb.connect()
        connection.execute(f"SET temp_directory = '{state}'")
        connection.execute("SET memory_limit = '250MB'")
        for table in KEYS:
            read(connection, folder, table)
        counts["faults"] = faults(connection)
        counts["differences"] = differences(connection)
        counts["rows"] = sum(count(connection, f"FROM {table}") for table in KEYS)
        connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
