"""Schools: the education object over an administrative unit."""

from __future__ import annotations

from provision.apply.writer import Write
from provision.graph.request import Request
from provision.graph.writes.kind import EXTERNAL_SOURCE, UNSEEN, Get, Kind, first_id, quoted, target, with_parts

NAMES = {
    "display_name": "displayName",
    "external_id": "externalId",
    "external_source": "externalSource",
    "school_number": "schoolNumber",
    "phone": "phone",
    "principal_id": "externalPrincipalId",
    "principal_name": "principalName",
    "principal_email": "principalEmail",
    "lowest_grade": "lowestGrade",
    "highest_grade": "highestGrade",
}
PARTS = {
    "address": {
        "street": "street",
        "city": "city",
        "state": "state",
        "postal_code": "postalCode",
        "country": "countryOrRegion",
    }
}


def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """A create or an update of one school."""
    if write.action == "create":
        given = with_parts(write.fields, NAMES, PARTS, blanks=False)
        return [Request("POST", "/education/schools", {"externalSource": EXTERNAL_SOURCE, **given})]
    school = target(write)
    changed = with_parts(write.fields, NAMES, PARTS, blanks=True)
    return [Request("PATCH", f"/education/schools/{school}", changed, ids=(school,))]


async def find(write: Write, get: Get) -> str | None:
    """The school with our external id."""
    wanted = quoted(write.fields["external_id"])
    return first_id(await get(f"/education/schools?$filter=externalId%20eq%20{wanted}"))


KIND = Kind("school", requests, find=find, looks=UNSEEN)  # nothing in Graph keeps a second one from being made
