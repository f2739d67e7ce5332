"""References between objects: members and owners, singly (`$ref`) or up to 20 in a body (`@odata.bind`)."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox import errors, licenses
from provision.sandbox.call import NO_CONTENT, Call, Result
from provision.sandbox.tenant import GROUP, UNIT, USER, Record, Values

MOST_LINKS = 20
MOST_OWNERS = 100


def bound(call: Call, body: Values, record: Record | None, unified: bool) -> dict[str, list[Record]]:
    """The objects that `members@odata.bind` and `owners@odata.bind` point to, all checked, none linked yet.

    Raises 400 for more than 20 or for one named twice, 404 naming the id of one that is not there.
    """
    kinds = {"owners": (USER,), "members": (USER,) if unified else (USER, GROUP)}
    urls = {name.partition("@")[0]: value for name, value in body.items() if name.endswith("@odata.bind")}
    for relation, value in urls.items():
        if relation not in kinds or not isinstance(value, list):
            raise errors.unknown_property(f"{relation}@odata.bind")
    if sum(len(value) for value in urls.values()) > MOST_LINKS:
        raise errors.too_many_links()
    found = {name: [call.referenced(url, kinds[name]) for url in value] for name, value in urls.items()}
    for relation, others in found.items():
        _no_repeats(others)
        if record is not None:
            _check_new(record, relation, others)
    return found


def _no_repeats(others: list[Record]) -> None:
    seen: set[str] = set()
    for other in others:
        if other.id in seen:
            raise errors.repeated_link(other.id)
        seen.add(other.id)


def _check_new(record: Record, relation: str, others: list[Record]) -> None:
    there = record.ids(relation)
    if relation == "owners" and len(there) + len(others) > MOST_OWNERS:
        # duplicates are counted before they are looked at, as the service does
        raise errors.too_many_owners(len(there) + len(others))
    if any(other.id in there for other in others):
        raise errors.already_linked(relation)


def link(call: Call, record: Record, adding: Mapping[str, list[Record]]) -> None:
    """Add links that have been checked; licences of the group reach its new members."""
    for relation, others in adding.items():
        for other in others:
            call.tenant.link(record, relation, other.id)
            if relation == "members":
                licenses.joined(call.tenant, record, other)


def add(call: Call, record: Record, relation: str, kinds: tuple[str, ...], education: str = "") -> Result:
    """POST …/$ref: one link more. Raises 400 where it exists, 404 where the other end does not."""
    _not_synced(record)
    other = call.referenced(call.json().get("@odata.id"), kinds)
    if education and other.education != education:
        raise errors.not_found(other.id)
    if other.id in record.ids(relation):
        raise errors.already_linked(relation)
    _check_new(record, relation, [other])
    link(call, record, {relation: [other]})
    return NO_CONTENT


def remove(call: Call, record: Record, relation: str, other_id: str) -> Result:
    """DELETE …/{id}/$ref: one link less. Raises 404 where there is none, 400 for the last owner."""
    _not_synced(record)
    if other_id not in record.ids(relation):
        raise errors.not_found(other_id)
    if relation == "owners" and len(record.ids(relation)) == 1:
        raise errors.last_owner()
    call.tenant.unlink(record, relation, other_id)
    if relation == "members":
        licenses.left(call.tenant, record, other_id)
    return NO_CONTENT


def _not_synced(record: Record) -> None:
    if record.kind == GROUP and record.values.get("onPremisesSyncEnabled"):
        raise errors.mastered_on_premises()


def concealed(call: Call, record: Record) -> bool:
    """Whether members are left out of answers, silently, because Member.Read.Hidden was not granted."""
    hidden = record.values.get("visibility") == "HiddenMembership" and record.kind in (GROUP, UNIT)
    return hidden and "Member.Read.Hidden" not in call.app_roles
