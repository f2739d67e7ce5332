"""/teams: a team on top of a class, made asynchronously (learn.microsoft.com/graph/api/team-post)."""

from __future__ import annotations

import re

from provision.sandbox import errors
from provision.sandbox.call import Call, Result, split_reference
from provision.sandbox.tenant import CLASS, GROUP, Record

ALONE = ("displayName", "visibility", "specialization", "members")
"""What may not come together with `group@odata.bind`."""


def post(call: Call) -> Result:
    """POST /teams: 202, nothing in the body, the operation to ask in `Location`."""
    body = call.json()
    template = str(body.get("template@odata.bind", ""))
    group = _group(call, body.get("group@odata.bind"))
    for name in ALONE:
        if name in body:
            raise errors.bad_request(f"The property '{name}' cannot be specified together with a group.")
    if re.search(r"educationClass", template) and group.education != CLASS:
        raise errors.bad_syntax(
            "Team with template 'educationClass' can not be provisioned using a group which does not belong to a class"
        )
    if not group.ids("owners"):
        raise errors.bad_syntax("The group must have one or more owners in order to create a Team.")
    if group.id in call.tenant.teams:
        raise errors.GraphError(409, "Conflict", "The group is already provisioned")
    operation = call.tenant.new_id()
    call.tenant.teams[group.id] = {
        "id": group.id,
        "displayName": group.values["displayName"],
        "operation": operation,
    }
    call.tenant.change(group, {"resourceProvisioningOptions": ["Team"]})
    location = f"/teams('{group.id}')/operations('{operation}')"
    return Result(202, None, {"Location": location, "Content-Location": f"/teams('{group.id}')"})


def _group(call: Call, url: object) -> Record:
    """The group to make a team of. Raises 404 while it is young."""
    kind, key = split_reference(url)
    if kind != GROUP:
        raise errors.not_found(key)
    return call.find(GROUP, key)


def get(call: Call) -> Result:
    """GET /teams/{id}."""
    team = call.tenant.teams.get(call.args["id"])
    if team is None:
        raise errors.GraphError(404, "NotFound", f"No team found with Group Id {call.args['id']}")
    shown = {name: team[name] for name in ("id", "displayName")}
    return Result(200, {"@odata.context": f"{call.root}/$metadata#teams/$entity", **shown})


def operation(call: Call) -> Result:
    """GET /teams/{id}/operations/{id}: done at once."""
    team = call.tenant.teams.get(call.args["id"])
    if team is None or team["operation"] != call.args["operation"]:
        raise errors.not_found(call.args["operation"])
    row = {
        "id": team["operation"],
        "operationType": "createTeam",
        "status": "succeeded",
        "targetResourceId": team["id"],
        "targetResourceLocation": f"/teams('{team['id']}')",
    }
    return Result(200, {"@odata.context": f"{call.root}/$metadata#teams/operations/$entity", **row})
