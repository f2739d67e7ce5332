"""What was read and found, in small values for a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.roster.fill import ENTITIES
from provision.store import Store
from provision.store.sql import literal

_FIELDS = "rule, severity, file, record, field, value, message, mend"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found. `record` is None for a file as a whole, 1 for its header."""

    rule: str
    severity: str
    file: str
    record: int | None
    field: str | None
    value: str | None
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a check spoke."""

    rule: str
    severity: str
    count: int


@dataclass(frozen=True, slots=True)
class RosterSummary:
    """Records in the roster tables by entity, records read by file, findings by rule, holds by kind.

    `people` counts what the roster speaks of as a school does: schools, students, teachers … `unusable` is the
    number of records that an error spoke of: none of them is used.
    """

    entities: dict[str, int]
    files: dict[str, int]
    rules: tuple[RuleCount, ...]
    held: dict[str, int]
    people: dict[str, int]
    unusable: int

    def count(self, severity: str) -> int:
        """The number of findings of a severity."""
        return sum(each.count for each in self.rules if each.severity == severity)


def summary(store: Store) -> RosterSummary:
    """Counts of what `load_roster` left in the roster tables."""
    rank = _rank("severity")
    rules = store.rows(
        f"SELECT rule, severity, count(*) FROM roster.findings GROUP BY rule, severity ORDER BY {rank}, rule"
    )
    return RosterSummary(
        {entity: store.value(f"SELECT count(*) FROM roster.{entity}") for entity in ENTITIES},
        dict(store.rows("SELECT file, records FROM roster.files ORDER BY file")),
        tuple(RuleCount(*row) for row in rules),
        dict(store.rows("SELECT kind, count(*) FROM roster.held GROUP BY kind ORDER BY kind")),
        _people(store),
        store.value("SELECT count(DISTINCT (file, record)) FROM roster.findings WHERE severity = 'error'"),
    )


def findings(store: Store, limit: int | None = None, only: RuleCount | None = None) -> Iterator[Finding]:
    """The findings, or those counted in `only`: gravest first, then by file, record and rule; at most `limit`."""
    chosen = f" WHERE rule = {literal(only.rule)} AND severity = {literal(only.severity)}" if only else ""
    most = "" if limit is None else f" LIMIT {int(limit)}"
    order = f"{_rank('severity')}, file, record NULLS FIRST, rule, field, value, message"
    for row in store.stream(f"SELECT {_FIELDS} FROM roster.findings{chosen} ORDER BY {order}{most}"):
        yield Finding(*row)


def _people(store: Store) -> dict[str, int]:
    """What a school counts. Whoever has another role besides student is staff."""
    schools, others = store.rows("""
        SELECT count(*) FILTER (type = 'school'), count(*) FILTER (type IS DISTINCT FROM 'school')
        FROM roster.orgs""")[0]
    students, teachers, staff = store.rows("""
        SELECT count(*) FILTER (NOT staff), count(*) FILTER (teacher), count(*) FILTER (staff AND NOT teacher)
        FROM (SELECT bool_or(role <> 'student') AS staff, bool_or(role = 'teacher') AS teacher
              FROM roster.roles GROUP BY person_id)""")[0]
    contacts = store.value("""
        SELECT count(*) FROM roster.persons WHERE id IN (SELECT contact_id FROM roster.relationships)
        AND id NOT IN (SELECT person_id FROM roster.roles WHERE person_id IS NOT NULL)""")
    classes = store.value("SELECT count(*) FROM roster.sections")
    enrollments = store.value("SELECT count(*) FROM roster.enrollments")
    return {"schools": schools, "other_organisations": others, "students": students, "teachers": teachers,
            "other_staff": staff, "contacts": contacts, "classes": classes, "enrollments": enrollments}  # fmt: skip


def _rank(column: str) -> str:
    return f"CASE {column} WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END"
