"""School groups: security groups, made by an upsert on their unique name, which may be sent twice."""

from __future__ import annotations

from provision.apply.writer import Write
from provision.graph.request import Request
from provision.graph.writes.kind import UNSEEN, Get, Kind, find_by_name, properties, target, upsert

NAMES = {
    "display_name": "displayName",
    "mail_nickname": "mailNickname",
    "description": "description",
}


def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """An upsert, or an update of one group."""
    if write.action == "create":
        fixed = {"mailEnabled": False, "securityEnabled": True}
        body = fixed | properties(write.fields, NAMES, blanks=False)
        return [upsert(write.fields["unique_name"], body)]
    group = target(write)
    changed = properties(write.fields, NAMES, blanks=True)
    return [Request("PATCH", f"/groups/{group}", changed, ids=(group,))]


async def find(write: Write, get: Get) -> str | None:
    """The group with our unique name."""
    return await find_by_name(write.fields["unique_name"], get)


KIND = Kind("school_group", requests, find=find, looks=UNSEEN)
