"""Sections: the education class, which makes the Microsoft 365 group of the class."""

from __future__ import annotations

from provision.apply.writer import Write
from provision.graph.request import Request
from provision.graph.writes.kind import EXTERNAL_SOURCE, Get, Kind, first_id, quoted, target, with_parts

NAMES = {
    "display_name": "displayName",
    "external_id": "externalId",
    "external_name": "externalName",
    "external_source": "externalSource",
    "mail_nickname": "mailNickname",
    "description": "description",
    "class_code": "classCode",
    "grade": "grade",
}
PARTS = {
    "course": {
        "course_id": "externalId",
        "course_name": "displayName",
        "course_number": "courseNumber",
        "course_description": "description",
        "course_subject": "subject",
    },
    "term": {
        "term_id": "externalId",
        "term_name": "displayName",
        "term_start": "startDate",
        "term_end": "endDate",
    },
}


def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """A create or an update of one class."""
    if write.action == "create":
        given = with_parts(write.fields, NAMES, PARTS, blanks=False)
        return [Request("POST", "/education/classes", {"externalSource": EXTERNAL_SOURCE, **given})]
    section = target(write)
    changed = with_parts(write.fields, NAMES, PARTS, blanks=True)
    return [Request("PATCH", f"/education/classes/{section}", changed, ids=(section,))]


async def find(write: Write, get: Get) -> str | None:
    """The class with our external id."""
    wanted = quoted(write.fields["external_id"])
    return first_id(await get(f"/education/classes?$filter=externalId%20eq%20{wanted}"))


KIND = Kind("section", requests, find=find, looks=3)
