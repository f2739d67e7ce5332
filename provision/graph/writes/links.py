"""Links: members and owners of groups, users and classes of schools. Removing one leaves both its ends."""

from __future__ import annotations

from provision.apply.writer import Reference, Write
from provision.graph.request import Request
from provision.graph.writes.kind import Kind, target

COLLECTIONS = {"member": "members", "group_member": "members", "owner": "owners"}


def group_requests(write: Write, root: str) -> list[Request]:
    """All references in one PATCH, which only ever adds and does all or nothing; a removal is one link."""
    group = target(write)
    if write.action == "remove":
        (one,) = write.references
        return [Request("DELETE", f"/groups/{group}/members/{one.id}/$ref", ids=(group, one.id))]
    body: dict[str, list[str]] = {}
    for one in write.references:
        body.setdefault(f"{COLLECTIONS[one.kind]}@odata.bind", []).append(_object(root, one))
    ids = (group, *(one.id for one in write.references))
    return [Request("PATCH", f"/groups/{group}", body, ids=ids)]


def group_singles(write: Write, root: str) -> list[Request]:
    """One POST for each reference."""
    group = target(write)
    return [
        Request(
            "POST",
            f"/groups/{group}/{COLLECTIONS[one.kind]}/$ref",
            {"@odata.id": _object(root, one)},
            ids=(group, one.id),
        )
        for one in write.references
    ]


def school_user_requests(write: Write, root: str) -> list[Request]:
    """One user of a school, added or taken out: there is no call for several."""
    return _school_requests(write, root, "users")


def school_section_requests(write: Write, root: str) -> list[Request]:
    """One class of a school, added."""
    if write.action == "remove":
        raise ValueError("a class stays in every school it was added to")
    return _school_requests(write, root, "classes")


def _school_requests(write: Write, root: str, collection: str) -> list[Request]:
    school = target(write)
    (one,) = write.references
    links = f"/education/schools/{school}/{collection}"
    ids = (school, one.id)
    if write.action == "remove":
        return [Request("DELETE", f"{links}/{one.id}/$ref", ids=ids)]
    return [Request("POST", f"{links}/$ref", {"@odata.id": f"{root}/education/{collection}/{one.id}"}, ids=ids)]


def _object(root: str, reference: Reference) -> str:
    return f"{root}/directoryObjects/{reference.id}"


KINDS = (
    Kind("member", group_requests, singles=group_singles),
    Kind("owner", group_requests, singles=group_singles),
    Kind("group_member", group_requests, singles=group_singles),
    Kind("school_user", school_user_requests),
    Kind("school_section", school_section_requests),
)
