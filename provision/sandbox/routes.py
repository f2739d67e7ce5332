"""Every address that the fake answers: (method, path, function), the first match counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from provision.sandbox import delta, directory, education, errors, groups, licenses, teams, users
from provision.sandbox.call import Call, Result

Handler = Callable[[Call], Result]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/users", users.list_),
    ("POST", "/users", users.post),
    ("GET", "/users/delta", delta.users),
    ("GET", "/users/{id}", users.get),
    ("PATCH", "/users/{id}", users.patch),
    ("DELETE", "/users/{id}", users.delete),
    ("GET", "/users/{id}/memberOf", users.member_of),
    ("POST", "/users/{id}/assignLicense", licenses.assign_to_user),
    ("GET", "/users/{id}/licenseDetails", licenses.details),
    ("GET", "/groups", groups.list_),
    ("POST", "/groups", groups.post),
    ("GET", "/groups/delta", delta.groups),
    ("GET", "/groups(uniqueName='{unique}')", groups.get),
    ("PATCH", "/groups(uniqueName='{unique}')", groups.upsert),
    ("DELETE", "/groups(uniqueName='{unique}')", groups.delete),
    ("GET", "/groups/{id}", groups.get),
    ("PATCH", "/groups/{id}", groups.patch),
    ("DELETE", "/groups/{id}", groups.delete),
    ("POST", "/groups/{id}/assignLicense", licenses.assign_to_group),
    ("GET", "/groups/{id}/members", groups.members),
    ("POST", "/groups/{id}/members/$ref", groups.add_member),
    ("DELETE", "/groups/{id}/members/{other}/$ref", groups.remove_member),
    ("DELETE", "/groups/{id}/members/{other}", groups.not_contained),
    ("GET", "/groups/{id}/owners", groups.owners),
    ("POST", "/groups/{id}/owners/$ref", groups.add_owner),
    ("DELETE", "/groups/{id}/owners/{other}/$ref", groups.remove_owner),
    ("DELETE", "/groups/{id}/owners/{other}", groups.not_contained),
    ("GET", "/groups/{id}/transitiveMembers", groups.transitive_members),
    ("GET", "/education/users", education.list_users),
    ("POST", "/education/users", education.post_user),
    ("GET", "/education/users/delta", delta.education_users),
    ("GET", "/education/users/{id}", education.get_user),
    ("PATCH", "/education/users/{id}", education.patch_user),
    ("DELETE", "/education/users/{id}", education.delete),
    ("GET", "/education/users/{id}/user", education.user_twin),
    ("GET", "/education/users/{id}/classes", education.classes_of_user),
    ("GET", "/education/users/{id}/taughtClasses", education.taught_classes),
    ("GET", "/education/users/{id}/schools", education.schools_of_user),
    ("GET", "/education/classes", education.list_classes),
    ("POST", "/education/classes", education.post_class),
    ("GET", "/education/classes/delta", delta.classes),
    ("GET", "/education/classes/{id}", education.get_class),
    ("PATCH", "/education/classes/{id}", education.patch_class),
    ("DELETE", "/education/classes/{id}", education.delete),
    ("GET", "/education/classes/{id}/group", education.class_twin),
    ("GET", "/education/classes/{id}/schools", education.schools_of_class),
    ("GET", "/education/classes/{id}/members", education.class_members),
    ("POST", "/education/classes/{id}/members/$ref", education.add_class_member),
    ("DELETE", "/education/classes/{id}/members/{other}/$ref", education.remove_class_member),
    ("GET", "/education/classes/{id}/teachers", education.class_teachers),
    ("POST", "/education/classes/{id}/teachers/$ref", education.add_teacher),
    ("DELETE", "/education/classes/{id}/teachers/{other}/$ref", education.remove_teacher),
    ("GET", "/education/schools", education.list_schools),
    ("POST", "/education/schools", education.post_school),
    ("GET", "/education/schools/delta", delta.schools),
    ("GET", "/education/schools/{id}", education.get_school),
    ("PATCH", "/education/schools/{id}", education.patch_school),
    ("DELETE", "/education/schools/{id}", education.delete),
    ("GET", "/education/schools/{id}/administrativeUnit", education.school_twin),
    ("GET", "/education/schools/{id}/users", education.school_users),
    ("POST", "/education/schools/{id}/users/$ref", education.add_school_user),
    ("DELETE", "/education/schools/{id}/users/{other}/$ref", education.remove_from_school),
    ("GET", "/education/schools/{id}/classes", education.school_classes),
    ("POST", "/education/schools/{id}/classes/$ref", education.add_school_class),
    ("DELETE", "/education/schools/{id}/classes/{other}/$ref", education.remove_from_school),
    ("GET", "/directory/administrativeUnits", directory.list_units),
    ("POST", "/directory/administrativeUnits", directory.post_unit),
    ("GET", "/directory/administrativeUnits/delta", delta.units),
    ("GET", "/directory/administrativeUnits/{id}", directory.get_unit),
    ("PATCH", "/directory/administrativeUnits/{id}", directory.patch_unit),
    ("DELETE", "/directory/administrativeUnits/{id}", directory.delete_unit),
    ("GET", "/directory/administrativeUnits/{id}/members", directory.unit_members),
    ("GET", "/directory/administrativeUnits/{id}/members/microsoft.graph.{type:user|group}", directory.unit_members_of),
    ("POST", "/directory/administrativeUnits/{id}/members/$ref", directory.add_unit_member),
    ("DELETE", "/directory/administrativeUnits/{id}/members/{other}/$ref", directory.remove_unit_member),
    ("GET", "/directory/deletedItems/{type:.*graph.*}", directory.deleted_items),
    ("GET", "/directory/deletedItems/{id}", directory.deleted_item),
    ("DELETE", "/directory/deletedItems/{id}", directory.purge),
    ("POST", "/directory/deletedItems/{id}/restore", directory.restore),
    ("POST", "/directoryObjects/getByIds", directory.get_by_ids),
    ("GET", "/directoryObjects/{id}", directory.get_object),
    ("GET", "/roleManagement/directory/roleAssignments", directory.role_assignments),
    ("GET", "/directoryRoles", directory.directory_roles),
    ("GET", "/directoryRoles/{id}/members", directory.role_members),
    ("GET", "/subscribedSkus", licenses.subscribed),
    ("GET", "/domains", directory.domains),
    ("GET", "/domains/{id}", directory.domain),
    ("GET", "/organization", directory.organization),
    ("POST", "/teams", teams.post),
    ("GET", "/teams/{id}", teams.get),
    ("GET", "/teams/{id}/operations/{operation}", teams.operation),
    ("GET", "/teams('{id}')/operations('{operation}')", teams.operation),
)


def _pattern(path: str) -> re.Pattern[str]:
    """The path as an expression: `{name}` takes a segment, `{name:…}` what the dots say."""
    parts = re.split(r"(\{\w+(?::[^}]+)?\})", path)
    spelled = "".join(
        f"(?P<{part[1:-1].partition(':')[0]}>{part[1:-1].partition(':')[2] or '[^/]+'})"
        if part.startswith("{")
        else re.escape(part)
        for part in parts
    )
    return re.compile(spelled + (r"(?:\(\))?" if path.endswith("/delta") else ""))


_COMPILED = [(method, _pattern(path), handler) for method, path, handler in ROUTES]


def find(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """The function for a request and the named parts of its path.

    Raises 400 for a path that leads nowhere, 405 for a method that it does not have.
    """
    known = False
    for allowed, pattern, handler in _COMPILED:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if allowed == method:
            return handler, {name: unquote(value) for name, value in match.groupdict().items()}
        known = True
    raise errors.no_method() if known else errors.no_segment(_strange_segment(path))


def _strange_segment(path: str) -> str:
    """The first segment that leads nowhere."""
    segments = path.strip("/").split("/")
    for count in range(1, len(segments) + 1):
        start = "/" + "/".join(segments[:count])
        if not any(pattern.match(start + "/") or pattern.match(start) for _, pattern, _ in _COMPILED):
            return segments[count - 1]
    return segments[-1]
