"""Where a tenant keeps people, classes and schools: in the education endpoints, or in accounts, groups and units.

The education endpoints exist in tenants for education only. Elsewhere the school's id of a person stands in an
attribute of the account, a class is a Microsoft 365 group with a unique name, and a school an administrative unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provision.graph import lists
from provision.graph.feeds import FEEDS, Feed, plain_feeds
from provision.graph.lists import List
from provision.graph.writes import KINDS, Kind, plain

EDUCATION = "education"
"""The anchor of a tenant for education."""
_GROUP_LINKS = {
    "member": "/groups/{}/members?$select=id&$top=999",
    "owner": "/groups/{}/owners?$select=id&$top=999",
    "group_member": "/groups/{}/members?$select=id&$top=999",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """`once` are the lists that are read whole once and then followed by `feeds`, `links` where the links of an object
    are read, by their kind, and `kinds` how objects and links are written. `twins` says that a school is believed to
    have the id of its administrative unit, which is to be seen first."""

    once: tuple[List, ...]
    feeds: tuple[Feed, ...]
    links: Mapping[str, str]
    kinds: Mapping[str, Kind]
    twins: bool


def layout_of(anchor: str) -> Layout:
    """The layout of a tenant whose profile has this `[tenant] anchor`."""
    if anchor == EDUCATION:
        schools = {
            "school_user": "/education/schools/{}/users?$select=id",
            "school_section": "/education/schools/{}/classes?$select=id",
        }
        return Layout(lists.ONCE, FEEDS, _GROUP_LINKS | schools, KINDS, twins=True)
    members = "/directory/administrativeUnits/{}/members/microsoft.graph"
    units = {"school_user": f"{members}.user?$select=id", "school_section": f"{members}.group?$select=id"}
    once = (lists.accounts_with(anchor), lists.GROUPS_AS_SECTIONS, lists.UNITS_AS_SCHOOLS)
    return Layout(once, plain_feeds(anchor), _GROUP_LINKS | units, KINDS | plain.kinds(anchor), twins=False)
