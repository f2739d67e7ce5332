"""The published limits of Microsoft Graph for one app in one tenant, and how much of them provision uses.

Source: learn.microsoft.com/graph/throttling-limits, identity and access. Both limits are token buckets: full at first,
and refilled at a steady rate. Whether writes through `/education` draw on the same ones is published nowhere; they are
taken to.
"""

from __future__ import annotations

import re

QUOTA = 3_000  # writes
WINDOW = 150.0  # seconds
BURST_SHARE = 0.98  # of the bucket and of its refill: the rest is room for clocks that differ
RATE_SHARE = 0.995

UNITS_WINDOW = 10.0  # seconds
UNITS = ((50, 3_500), (501, 5_000))
"""Resource units of a small and a middling tenant, which has fewer accounts than the first number."""
MOST_UNITS = 8_000


def unit_quota(accounts: int) -> int:
    """The resource units that a tenant with so many accounts grants in `UNITS_WINDOW`."""
    return next((units for fewer, units in UNITS if accounts < fewer), MOST_UNITS)


_READS = (
    (re.compile(r"/users"), 2),
    (re.compile(r"/groups/[^/]+/members"), 3),
    (re.compile(r"/groups/[^/]+/transitiveMembers"), 5),
    (re.compile(r"/subscribedSkus"), 3),
)


def units(method: str, url: str) -> int:
    """The resource units of a request: one for a write; what a read takes depends on what it asks for.

    `url` is relative to the version.
    """
    if method != "GET":
        return 1
    path, _, query = url.partition("?")
    base = next((cost for pattern, cost in _READS if pattern.fullmatch(path)), 1)
    return max(1, base - ("$select=" in query) + ("$expand=" in query))
