"""Tenants without education endpoints: plain accounts, groups and administrative units.

The school's id of a person stands in an attribute of the account, that of a class in the group's unique name (which is
`external_id` here), that of a school in the unit's description.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from provision.apply.writer import Write
from provision.graph.request import Request
from provision.graph.writes.kind import UNSEEN, Get, Kind, find_by_name, properties, quoted, target, upsert
from provision.graph.writes.user import ACCOUNT_ONLY, BASICS

HIDDEN = "HiddenMembership"
"""Who is in a class or a school is not for everybody to see; it can only be said when they are made."""


def kinds(anchor: str) -> dict[str, Kind]:
    """The kinds that are written otherwise than in a tenant for education."""
    made = (
        Kind("user", partial(_user, anchor), find=partial(_find_user, anchor)),
        Kind("section", _section, find=_find_section, looks=UNSEEN),
        Kind("school", _school, find=_find_school, looks=UNSEEN),
        Kind("school_user", partial(_in_school, "users")),
        Kind("school_section", partial(_in_school, "groups")),
    )
    return {kind.name: kind for kind in made}


def _user(anchor: str, write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    create = write.action == "create"
    body = properties(write.fields, BASICS | ACCOUNT_ONLY, blanks=not create) | _anchored(anchor, write.fields)
    if not create:
        user = target(write)
        return [Request("PATCH", f"/users/{user}", body, ids=(user,))] if body else []
    password = {"password": write.password, "forceChangePasswordNextSignIn": True}
    return [Request("POST", "/users", {"accountEnabled": True, **body, "passwordProfile": password})]


def _school_id(fields: Mapping[str, object]) -> object:
    """The school's id of the person: students and staff have it in fields of their own."""
    return fields.get("student_id") or fields.get("teacher_id")


def _anchored(anchor: str, fields: Mapping[str, object]) -> dict[str, Any]:
    value = _school_id(fields)
    if value is None:
        return {}
    return {"onPremisesExtensionAttributes": {anchor: value}} if anchor.startswith("extension") else {anchor: value}


async def _find_user(anchor: str, write: Write, get: Get) -> str | None:
    """The account with our sign-in name, if it bears our id: otherwise it is somebody else's."""
    name = quote(str(write.fields["user_principal_name"]), safe="@")
    answer = await get(f"/users/{name}?$select=id,employeeId,onPremisesExtensionAttributes")
    if not answer.ok:
        return None
    found = answer.fields.get("onPremisesExtensionAttributes") if anchor.startswith("extension") else answer.fields
    ours = _school_id(write.fields)
    return str(answer.fields["id"]) if ours is not None and (found or {}).get(anchor) == ours else None


def _section(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """An upsert by the unique name, which may be sent twice, or a new name for the group."""
    if write.action == "create":
        names = {"display_name": "displayName", "mail_nickname": "mailNickname", "description": "description"}
        fixed = {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False, "visibility": HIDDEN}
        body = fixed | properties(write.fields, names, blanks=False)
        return [upsert(write.fields["external_id"], body)]
    group = target(write)
    changed = properties(write.fields, {"display_name": "displayName"}, blanks=False)
    return [Request("PATCH", f"/groups/{group}", changed, ids=(group,))]


async def _find_section(write: Write, get: Get) -> str | None:
    return await find_by_name(write.fields["external_id"], get)


def _school(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    body = properties(write.fields, {"display_name": "displayName", "external_id": "description"}, blanks=False)
    if write.action == "create":
        return [Request("POST", "/directory/administrativeUnits", {**body, "visibility": HIDDEN})]
    unit = target(write)
    return [Request("PATCH", f"/directory/administrativeUnits/{unit}", body, ids=(unit,))]


async def _find_school(write: Write, get: Get) -> str | None:
    """The unit of this name whose description has our id."""
    name = quoted(write.fields["display_name"])
    answer = await get(f"/directory/administrativeUnits?$filter=displayName%20eq%20{name}&$select=id,description")
    units = answer.fields.get("value") or () if answer.ok else ()
    return next((str(unit["id"]) for unit in units if unit.get("description") == write.fields["external_id"]), None)


def _in_school(collection: str, write: Write, root: str) -> list[Request]:
    """One user or group in a unit, added or, for a user who moves, taken out."""
    unit = target(write)
    (one,) = write.references
    members, ids = f"/directory/administrativeUnits/{unit}/members", (unit, one.id)
    if write.action == "remove":
        if collection == "groups":
            raise ValueError("a class stays in every school it was added to")
        return [Request("DELETE", f"{members}/{one.id}/$ref", ids=ids)]
    return [Request("POST", f"{members}/$ref", {"@odata.id": f"{root}/{collection}/{one.id}"}, ids=ids)]
