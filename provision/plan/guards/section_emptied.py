"""Guard: many sections that lose their students on one day, as with an enrolment export that is empty or cut."""

from __future__ import annotations

from provision.plan.guards.verdict import Guard, Measure, measures
from provision.store import Store

NEARLY_ALL = 0.9
"""A section counts as emptied when at least this share of its students leaves: one who stays behind hides nothing."""


def _measure(store: Store) -> list[Measure]:
    """Whoever joins on the same day does not count against those who leave."""
    return measures(store, f"""
        SELECT 'sections emptied', count(*) FILTER (WHERE leaving >= {NEARLY_ALL} * students), count(*)
        FROM (SELECT left_key, count(*) AS students FROM run.live_links WHERE kind = 'member' GROUP BY left_key)
        LEFT JOIN (SELECT left_key, count(*) AS leaving FROM run.changes
                   WHERE kind = 'member' AND action = 'remove' GROUP BY left_key) USING (left_key)
        HAVING count(leaving) > 0""")  # fmt: skip


GUARD = Guard(
    "section_emptied",
    "sections that lose 90 % of their students or more, against those that have students from us",
    _measure,
    advice="So many sections that lose their students on one day look like an enrolment export that is empty or cut "
    "short, or like a new school year. Look at the enrolments of the roster. For a school year that ends, set a "
    "[[guards.rollover]] window with its own limits.",
)
