"""The rest of the directory: administrative units, roles, domains, the organization, the bin."""

from __future__ import annotations

from provision.sandbox import errors, links
from provision.sandbox.call import NO_CONTENT, Call, Result
from provision.sandbox.groups import unified
from provision.sandbox.properties import merge, read_body
from provision.sandbox.query import listing, mixed, select, split_names, typed
from provision.sandbox.resources import GROUP as GROUP_TYPE
from provision.sandbox.resources import UNIT as UNIT_TYPE
from provision.sandbox.resources import USER as USER_TYPE
from provision.sandbox.tenant import GROUP, UNIT, USER, Record, Values

TYPES = {USER: USER_TYPE, GROUP: GROUP_TYPE, UNIT: UNIT_TYPE}
MOST_IDS = 1000


def _rows(call: Call, context: str, rows: list[Values]) -> Result:
    """A list that fits one page, with `$select` for those who ask."""
    names = split_names(call.query.get("$select", ""))
    shown = [{name: row.get(name) for name in names} if names else row for row in rows]
    return Result(200, {"@odata.context": f"{call.root}/$metadata#{context}", "value": shown})


# -- administrative units


def list_units(call: Call) -> Result:
    """GET /directory/administrativeUnits."""
    return listing(call, UNIT_TYPE, call.tenant.live[UNIT].values())


def get_unit(call: Call) -> Result:
    """GET /directory/administrativeUnits/{id}."""
    return Result(200, call.entity(UNIT_TYPE, call.find(UNIT, call.args["id"]), select(call, UNIT_TYPE)))


def post_unit(call: Call) -> Result:
    """POST /directory/administrativeUnits: 201."""
    return call.created(UNIT_TYPE, call.create(UNIT, read_body(UNIT_TYPE, call.json(), creating=True)))


def patch_unit(call: Call) -> Result:
    """PATCH /directory/administrativeUnits/{id}: 204."""
    record = call.find(UNIT, call.args["id"])
    call.tenant.change(record, merge(record.values, read_body(UNIT_TYPE, call.json(), creating=False)))
    return NO_CONTENT


def delete_unit(call: Call) -> Result:
    """DELETE /directory/administrativeUnits/{id}."""
    call.tenant.delete(call.find(UNIT, call.args["id"]))
    return NO_CONTENT


def unit_members(call: Call) -> Result:
    """GET /directory/administrativeUnits/{id}/members."""
    unit = call.find(UNIT, call.args["id"])
    others = iter(()) if links.concealed(call, unit) else call.tenant.others(unit, "members")
    return mixed(call, others, TYPES)


def unit_members_of(call: Call) -> Result:
    """GET /directory/administrativeUnits/{id}/members/microsoft.graph.user or .group: those of one type."""
    unit = call.find(UNIT, call.args["id"])
    kind = call.args["type"]
    others = iter(()) if links.concealed(call, unit) else call.tenant.others(unit, "members")
    return listing(call, TYPES[kind], (record for record in others if record.kind == kind))


def add_unit_member(call: Call) -> Result:
    """POST /directory/administrativeUnits/{id}/members/$ref: one at a time."""
    return links.add(call, call.find(UNIT, call.args["id"]), "members", (USER, GROUP))


def remove_unit_member(call: Call) -> Result:
    """DELETE /directory/administrativeUnits/{id}/members/{id}/$ref."""
    return links.remove(call, call.find(UNIT, call.args["id"]), "members", call.args["other"])


# -- roles


def role_assignments(call: Call) -> Result:
    """GET /roleManagement/directory/roleAssignments, all or `$filter=principalId eq '…'`."""
    return _rows(call, "roleManagement/directory/roleAssignments", _equal(call, call.tenant.roles, "principalId"))


def _equal(call: Call, rows: list[Values], name: str) -> list[Values]:
    condition = call.query.get("$filter")
    if not condition:
        return rows
    left, _, right = condition.partition(" eq ")
    if left.strip() != name:
        raise errors.unsupported("Unsupported Query.")
    return [row for row in rows if row[name] == right.strip().strip("'")]


def directory_roles(call: Call) -> Result:
    """GET /directoryRoles: the roles that someone holds."""
    templates = sorted({str(role["roleDefinitionId"]) for role in call.tenant.roles})
    return _rows(call, "directoryRoles", [{"id": key, "roleTemplateId": key, "displayName": key} for key in templates])


def role_members(call: Call) -> Result:
    """GET /directoryRoles/{id}/members."""
    holders = [role["principalId"] for role in call.tenant.roles if role["roleDefinitionId"] == call.args["id"]]
    found = (record for key in holders if (record := call.tenant.any(key)) is not None)
    return mixed(call, found, TYPES)


# -- the tenant


def domains(call: Call) -> Result:
    """GET /domains."""
    return _rows(call, "domains", call.tenant.domains)


def domain(call: Call) -> Result:
    """GET /domains/{name}."""
    for known in call.tenant.domains:
        if known["id"] == call.args["id"]:
            return Result(200, {"@odata.context": f"{call.root}/$metadata#domains/$entity", **known})
    raise errors.not_found(call.args["id"])


def organization(call: Call) -> Result:
    """GET /organization: one row, the tenant."""
    verified = [
        {"name": known["id"], "isDefault": known["isDefault"], "isInitial": known["isInitial"],
         "type": known["authenticationType"], "capabilities": "Email, OfficeCommunicationsOnline"}
        for known in call.tenant.domains if known["isVerified"]
    ]  # fmt: skip
    row = {
        "id": call.tenant.id,
        "displayName": call.tenant.name,
        "tenantType": "AAD",
        "countryLetterCode": "US",
        "onPremisesSyncEnabled": None,
        "verifiedDomains": verified,
    }
    return _rows(call, "organization", [row])


# -- objects of any kind


def get_by_ids(call: Call) -> Result:
    """POST /directoryObjects/getByIds: those of up to 1,000 ids that exist."""
    body = call.json()
    ids, kinds = body.get("ids"), body.get("types") or ["directoryObject"]
    if not isinstance(ids, list):
        raise errors.missing_parameter(["ids"], "getByIds")
    if len(ids) > MOST_IDS:
        raise errors.bad_request(f"Number of included identifiers cannot exceed '{MOST_IDS}'.")
    names = split_names(call.query.get("$select", ""))
    found = (record for key in ids if (record := call.tenant.any(str(key))) is not None)
    rows = [
        typed(TYPES[record.kind], record, names)
        for record in call.seen(found)
        if record.kind in kinds or "directoryObject" in kinds
    ]
    return Result(200, {"@odata.context": f"{call.root}/$metadata#directoryObjects", "value": rows})


def get_object(call: Call) -> Result:
    """GET /directoryObjects/{id}."""
    record = call.tenant.any(call.args["id"])
    if record is None or call.hidden(record):
        raise errors.not_found(call.args["id"])
    return Result(200, typed(TYPES[record.kind], record))


# -- the bin


def deleted_items(call: Call) -> Result:
    """GET /directory/deletedItems/microsoft.graph.user or .group."""
    kind = call.args["type"].rpartition(".")[2]
    if kind not in TYPES:
        raise errors.no_segment(call.args["type"])
    return listing(call, TYPES[kind], (record for record in call.tenant.deleted.values() if record.kind == kind))


def deleted_item(call: Call) -> Result:
    """GET /directory/deletedItems/{id}."""
    record = _deleted(call)
    return Result(200, typed(TYPES[record.kind], record))


def purge(call: Call) -> Result:
    """DELETE /directory/deletedItems/{id}: for good."""
    call.tenant.purge(_deleted(call))
    return NO_CONTENT


def restore(call: Call) -> Result:
    """POST /directory/deletedItems/{id}/restore: 200 with the object; refused while its name is taken."""
    record = _deleted(call)
    tenant = call.tenant
    if record.kind == USER and tenant.lookup(USER, "userPrincipalName", record.values["userPrincipalName"]):
        raise errors.taken("userPrincipalName")
    if record.kind == GROUP and unified(record.values):
        others = (
            tenant.live[GROUP][key] for key in tenant.lookup(GROUP, "mailNickname", record.values["mailNickname"])
        )
        if any(unified(other.values) for other in others):
            raise errors.taken("mailNickname")
    tenant.restore(record)
    return Result(200, typed(TYPES[record.kind], record))


def _deleted(call: Call) -> Record:
    record = call.tenant.deleted.get(call.args["id"])
    if record is None:
        raise errors.not_found(call.args["id"])
    return record
