"""What applying a plan costs: requests, resource units, and the time that the published quotas make of them.

Costs are those of learn.microsoft.com/graph/throttling-limits (identity and access): a write takes one write and one
resource unit; of what applying reads, a page of a group's members takes two units (three, less one for `$select`), the
list of SKUs three, any other page one. Applying asks what has changed since, or reads all objects again where that is
not known, and the links of what it changes, as far as they are not known.
"""

from __future__ import annotations

from math import ceil

from provision.plan.quota import BURST_SHARE, QUOTA, RATE_SHARE, UNITS_WINDOW, WINDOW, unit_quota
from provision.store import Store

BATCH = 20  # sub-requests in one $batch (learn.microsoft.com, json-batching)
PAGE, LARGE_PAGE = 100, 999  # rows of a page: by default, and where as many as may be are asked for

_SINGLE = ((1, 1), (1, 1), (1, 1), (1, 3))
"""Pages and the units of each: the organization, its domains, who holds a role, its SKUs."""
_LISTS = (("users", LARGE_PAGE), ("users", PAGE), ("groups", LARGE_PAGE), ("sections", PAGE), ("schools", PAGE))
"""Tables that one list fills each, at a unit a page; an account comes from two: `/users` and `/education/users`."""
_LINKS = {
    "member": (LARGE_PAGE, 2),
    "group_member": (LARGE_PAGE, 2),
    "owner": (LARGE_PAGE, 1),
    "school_user": (PAGE, 1),
    "school_section": (PAGE, 1),
}
"""Rows of a page of links, and its units."""


def estimate(store: Store) -> dict[str, object]:
    """The cost of applying the changes in the store to the directory as it was read.

    `requests` are `reads` and `writes` together, `batches` what at least carries the writes. Not foreseen: the members
    of groups that hold a directory role, and whatever is asked twice.
    """
    writes = int(store.value("SELECT coalesce(sum(requests), 0) FROM run.changes"))
    feeds = int(store.value("SELECT count(*) FROM current.tokens WHERE EXISTS (FROM current.reading)"))
    lists = [(1, 1)] * feeds or [(_pages(store, table, rows), 1) for table, rows in _LISTS]
    pages = [*_SINGLE, *lists, *_link_pages(store)]
    reads, units = sum(number for number, _ in pages), sum(number * cost for number, cost in pages)
    return {
        "requests": reads + writes,
        "reads": reads,
        "writes": writes,
        "resource_units": units + writes,
        "batches": ceil(writes / BATCH),
        "seconds_at_quota": _seconds(units, writes, _count(store, "users")),
    }


def _seconds(units: int, writes: int, accounts: int) -> int:
    """Reading comes first; then the writes have a full bucket of their own. Units are shared by both."""
    granted = unit_quota(accounts)

    def wait(units: int) -> float:
        return max(0, units - granted) * UNITS_WINDOW / granted

    writing = max(0.0, writes - BURST_SHARE * QUOTA) / (RATE_SHARE * QUOTA / WINDOW)
    return ceil(max(wait(units) + writing, wait(units + writes)))


def _pages(store: Store, table: str, rows: int) -> int:
    return max(1, ceil(_count(store, table) / rows))


def _count(store: Store, table: str) -> int:
    return int(store.value(f"SELECT count(*) FROM current.{table}"))


def _link_pages(store: Store) -> list[tuple[int, int]]:
    """Pages of the links of every kind that are read again, and the units of each."""
    found = []
    for kind, (rows, units) in _LINKS.items():
        number = store.value(f"""
            SELECT coalesce(sum(greatest(1, ceil(coalesce(l.links, 0) / {rows}))), 0)
            FROM (SELECT DISTINCT left_id FROM run.changes
                  WHERE kind = '{kind}' AND left_id IN (SELECT object_id FROM current.objects)
                    AND (kind, left_id) NOT IN (SELECT (kind, object_id) FROM current.linked)) c
            LEFT JOIN (SELECT left_id, count(*) AS links FROM current.links WHERE kind = '{kind}' GROUP BY left_id) l
                USING (left_id)""")
        found.append((int(number), units))
    return found
