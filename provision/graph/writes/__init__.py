"""One file for each kind of object: it turns a `Write` into requests with plain JSON bodies."""

from provision.graph.writes import license as licences
from provision.graph.writes import links, school, school_group, section, user
from provision.graph.writes.kind import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (user.KIND, *licences.KINDS, school.KIND, section.KIND, school_group.KIND, *links.KINDS)
}

__all__ = ["KINDS", "Kind"]
