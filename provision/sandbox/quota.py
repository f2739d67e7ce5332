"""What a request takes from the quotas, by the published table (graph/throttling-limits)."""

from __future__ import annotations

import math
import re

from provision.sandbox.call import Call
from provision.sandbox.faults import Cost

WRITES = ("POST", "PATCH", "PUT", "DELETE")

_UNITS = (
    (re.compile(r"/users"), 2),
    (re.compile(r"/groups/[^/]+/members"), 3),
    (re.compile(r"/groups/[^/]+/transitiveMembers"), 5),
    (re.compile(r"/subscribedSkus"), 3),
    (re.compile(r"/users/[^/]+/memberOf"), 2),
)


def cost(call: Call) -> Cost:
    """The resource units of a request, and whether it is a write."""
    if call.path == "/directoryObjects/getByIds":
        return Cost(2 if "$select" in call.query else 5, 0)
    if call.method in WRITES:
        return Cost(1, _writes(call))
    units = next((units for pattern, units in _UNITS if pattern.fullmatch(call.path)), 1)
    units -= "$select" in call.query
    units += "$expand" in call.query
    top = call.query.get("$top", "")
    units -= top.isdecimal() and int(top) < 20
    return Cost(max(1, units), 0)


def _writes(call: Call) -> int:
    """One write, or one for every three references where the tenant counts them as operators have seen."""
    if not call.faults.references_cost or not isinstance(call.body, dict):
        return 1
    bound = [value for name, value in call.body.items() if name.endswith("@odata.bind")]
    return max(1, math.ceil(sum(len(value) for value in bound if isinstance(value, list)) / 3))
