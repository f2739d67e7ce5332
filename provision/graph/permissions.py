"""The application permissions to grant, as data: documentation and the advice after a 403 come from it.

For every call we make, `CALLS` says which of Microsoft's permissions suffice; in a tenant for education, and in one
that is not, `PERMISSIONS` is the smallest set that opens them all (a test takes each one away and demands that a call
closes). None is asked for that exists only to delete or restore. Source: microsoftgraph/microsoft-graph-devx-content,
permissions.json, August 2026, and the pages of the operations.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from provision.errors import DirectoryError

Where: TypeAlias = Literal["everywhere", "education", "elsewhere"]
"""In every tenant, in tenants for education, or in those that are not."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission of Microsoft Graph, what it is for, and in which tenants."""

    name: str
    purpose: str
    where: Where = "everywhere"


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of request: any one of `any_of` opens it, together with `also` where that is named. `where` says in which
    tenants it is made."""

    method: str
    path: str
    any_of: tuple[str, ...]
    also: str | None = None
    where: Where = "everywhere"


PERMISSIONS = (
    Permission(
        "AdministrativeUnit.Read.All",
        "Be told who has joined or left a school since the last run. Without it everything is read in every run.",
        "education",
    ),
    Permission(
        "AdministrativeUnit.ReadWrite.All",
        "Read and write schools, which are administrative units there.",
        "elsewhere",
    ),
    Permission("Domain.Read.All", "Check sign-in names and mail domains against the verified domains."),
    Permission(
        "EduRoster.ReadWrite.All", "Read and write users, classes and schools with their education data.", "education"
    ),
    Permission("Group.ReadWrite.All", "Keep owners and members of classes, security groups, and what these license."),
    Permission("Member.Read.Hidden", "See the members of classes, whose membership is hidden."),
    Permission("Organization.Read.All", "Recognise the tenant and count its licences."),
    Permission("RoleManagement.Read.Directory", "Know the administrators, whose accounts are never written."),
    Permission("User.ReadWrite.All", "Match accounts, write what the education data lacks, assign licences."),
)

_GROUP_READ = ("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All")

CALLS = (
    Call("GET", r"/organization", ("Organization.Read.All", "Directory.Read.All")),
    Call("GET", r"/subscribedSkus", ("Organization.Read.All", "Directory.Read.All")),
    Call("GET", r"/domains", ("Domain.Read.All", "Directory.Read.All")),
    Call(
        "GET",
        r"/directory/administrativeUnits(/delta)?",
        ("AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All"),
    ),
    Call("GET", r"/users(/[^/]+)?", ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All")),
    Call("POST", r"/users", ("User.ReadWrite.All", "Directory.ReadWrite.All"), where="elsewhere"),
    *(
        Call(method, path, ("AdministrativeUnit.ReadWrite.All", "Directory.ReadWrite.All"), where="elsewhere")
        for method, path in (
            ("POST", r"/directory/administrativeUnits"),
            ("PATCH", r"/directory/administrativeUnits/[^/]+"),
            ("POST", r"/directory/administrativeUnits/[^/]+/members/\$ref"),
            ("DELETE", r"/directory/administrativeUnits/[^/]+/members/[^/]+/\$ref"),
        )
    ),
    Call(
        "GET",
        r"/directory/administrativeUnits/[^/]+/members/microsoft\.graph\.(user|group)",
        ("AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All"),
        where="elsewhere",
    ),
    Call("PATCH", r"/users/[^/]+", ("User.ReadWrite.All", "Directory.ReadWrite.All")),
    Call(
        "POST",
        r"/users/[^/]+/assignLicense",
        ("LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
    ),
    Call(
        "POST",
        r"/groups/[^/]+/assignLicense",
        ("LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"),
    ),
    Call("GET", r"/groups(/delta|\(.*\))?", _GROUP_READ),
    Call("GET", r"/groups/[^/]+/(members|transitiveMembers)", _GROUP_READ, also="Member.Read.Hidden"),
    Call("GET", r"/groups/[^/]+/owners", _GROUP_READ),
    Call("PATCH", r"/groups(/[^/]+|\(.*\))", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    Call("POST", r"/groups/[^/]+/members/\$ref", ("GroupMember.ReadWrite.All", "Group.ReadWrite.All")),
    Call("POST", r"/groups/[^/]+/owners/\$ref", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    Call("DELETE", r"/groups/[^/]+/members/[^/]+/\$ref", ("GroupMember.ReadWrite.All", "Group.ReadWrite.All")),
    Call("GET", r"/education/.+", ("EduRoster.Read.All", "EduRoster.ReadWrite.All"), where="education"),
    Call("POST", r"/education/.+", ("EduRoster.ReadWrite.All",), where="education"),
    Call("PATCH", r"/education/.+", ("EduRoster.ReadWrite.All",), where="education"),
    Call("DELETE", r"/education/schools/[^/]+/users/[^/]+/\$ref", ("EduRoster.ReadWrite.All",), where="education"),
    Call(
        "GET",
        r"/roleManagement/directory/roleAssignments",
        ("RoleManagement.Read.Directory", "RoleManagement.Read.All", "Directory.Read.All"),
    ),
)


def needed(method: str, url: str) -> tuple[str, ...]:
    """The permissions of ours that open a request, or nothing for a request we do not make."""
    path = url.partition("?")[0]
    granted = {permission.name for permission in PERMISSIONS}
    for call in CALLS:
        if call.method == method and re.fullmatch(call.path, path):
            names = [name for name in call.any_of if name in granted]
            return (*names, call.also) if call.also else tuple(names)
    return ()


HIDDEN = "Member.Read.Hidden"


def roles_of(token: str) -> frozenset[str] | None:
    """The application permissions in an access token (its claim `roles`); None where it is opaque to us, or the token
    of somebody who has signed in, whose own rights count.

    The token is not checked, which is for Graph to do: it is only asked what it says of itself.
    """
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return None
    if not isinstance(claims, dict) or "scp" in claims:
        return None
    return frozenset(map(str, claims.get("roles") or ()))


def refuse_blindness(granted: frozenset[str] | None) -> None:
    """Raise `DirectoryError` where the members of classes would look like none.

    Membership of a class is hidden; without this permission Graph answers 200 with an empty list, where every other
    permission that is missing leads to a 403. Where it is not known what is granted, nothing is refused.
    """
    if granted is not None and HIDDEN not in granted:
        raise DirectoryError(
            f"The application lacks the permission {HIDDEN}.",
            [
                "Microsoft Graph would show every class without its members, and no error. Nothing was planned.",
                f"Grant the application permission {HIDDEN}, with an administrator's consent, and run again.",
            ],
        )
