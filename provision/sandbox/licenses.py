"""Licences: direct ones, and those that a group hands to its members.

A user's `licenseAssignmentStates` is the truth; `assignedLicenses` and the seats taken follow from it.
"""

from __future__ import annotations

from provision.sandbox import errors
from provision.sandbox.call import Call, Result
from provision.sandbox.resources import GROUP as GROUP_TYPE
from provision.sandbox.resources import USER as USER_TYPE
from provision.sandbox.tenant import GROUP, USER, Record, Tenant, Values


def free_seats(tenant: Tenant, sku_id: str) -> int:
    """Seats that are neither taken nor suspended."""
    units = tenant.skus[sku_id]["prepaidUnits"]
    return int(units["enabled"] + units["warning"]) - tenant.consumed.get(sku_id, 0)


def grant(tenant: Tenant, user: Record, sku_id: str, disabled: list[str], group_id: str | None) -> None:
    """Put a licence state on a user: active, or (from a group only) in error when the seats are used up."""
    states = [state for state in _states(user) if (state["skuId"], state["assignedByGroup"]) != (sku_id, group_id)]
    held = any(state["skuId"] == sku_id and state["state"] == "Active" for state in _states(user))
    full = not held and free_seats(tenant, sku_id) < 1
    states.append(
        {
            "skuId": sku_id,
            "disabledPlans": disabled,
            "assignedByGroup": group_id,
            "state": "Error" if full else "Active",
            "error": "CountViolation" if full else "None",
        }
    )
    _settle(tenant, user, states)


def revoke(tenant: Tenant, user: Record, sku_id: str, group_id: str | None) -> None:
    """Take a licence state off a user."""
    states = [state for state in _states(user) if (state["skuId"], state["assignedByGroup"]) != (sku_id, group_id)]
    _settle(tenant, user, states)


def joined(tenant: Tenant, group: Record, user: Record) -> None:
    """A new member gets the licences of the group."""
    for license_ in group.values.get("assignedLicenses", ()) if user.kind == USER else ():
        grant(tenant, user, license_["skuId"], license_["disabledPlans"], group.id)


def left(tenant: Tenant, group: Record, user_id: str) -> None:
    """A member that leaves loses them."""
    user = tenant.live[USER].get(user_id)
    if user is not None:
        for license_ in group.values.get("assignedLicenses", ()):
            revoke(tenant, user, license_["skuId"], group.id)


def _states(user: Record) -> list[Values]:
    return list(user.values.get("licenseAssignmentStates", ()))


def _settle(tenant: Tenant, user: Record, states: list[Values]) -> None:
    """Store the states, and what follows from them."""
    held: dict[str, list[str]] = {}
    for state in states:
        if state["state"] == "Active":
            shared = held.setdefault(state["skuId"], state["disabledPlans"])
            held[state["skuId"]] = [plan for plan in state["disabledPlans"] if plan in shared]
    before = {license_["skuId"] for license_ in user.values.get("assignedLicenses", ())}
    for sku_id in held.keys() - before:
        tenant.consumed[sku_id] = tenant.consumed.get(sku_id, 0) + 1
    for sku_id in before - held.keys():
        tenant.consumed[sku_id] -= 1
    assigned = [{"skuId": sku_id, "disabledPlans": plans} for sku_id, plans in held.items()]
    tenant.change(user, {"licenseAssignmentStates": states, "assignedLicenses": assigned})


# -- requests


def _orders(call: Call) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """What the body asks to add, as (SKU, disabled plans), and to remove. Raises 400."""
    body = call.json()
    missing = [name for name in ("addLicenses", "removeLicenses") if not isinstance(body.get(name), list)]
    if missing:
        raise errors.missing_parameter(missing, "assignLicense")
    if not all(isinstance(item, dict) for item in body["addLicenses"]):
        raise errors.no_json()
    adding = [(str(item.get("skuId")), list(item.get("disabledPlans") or [])) for item in body["addLicenses"]]
    removing = [str(sku_id) for sku_id in body["removeLicenses"]]
    for sku_id in [*(sku for sku, _ in adding), *removing]:
        if sku_id not in call.tenant.skus:
            raise errors.bad_request(f"License {sku_id} does not correspond to a valid company License.")
    for sku_id, disabled in adding:
        plans = [plan["servicePlanId"] for plan in call.tenant.skus[sku_id]["servicePlans"]]
        if not all(plan in plans for plan in disabled):
            raise errors.bad_request(f"A service plan that is disabled is not part of license {sku_id}.")
    return adding, removing


def assign_to_user(call: Call) -> Result:
    """POST /users/{id}/assignLicense: 200 with the user; all or nothing."""
    user = call.find(USER, call.args["id"])
    adding, removing = _orders(call)
    if adding and not user.values.get("usageLocation"):
        raise errors.no_usage_location()
    direct = {state["skuId"] for state in _states(user) if state["assignedByGroup"] is None}
    for sku_id in removing:
        if sku_id not in direct:
            raise errors.bad_request("User does not have a corresponding license.")
    held = {license_["skuId"] for license_ in user.values.get("assignedLicenses", ())}
    for sku_id, _ in adding:
        if sku_id not in held and free_seats(call.tenant, sku_id) < 1:
            raise errors.no_seats(sku_id)
    for sku_id in removing:
        revoke(call.tenant, user, sku_id, None)
    for sku_id, disabled in adding:
        grant(call.tenant, user, sku_id, disabled, None)
    return Result(200, call.entity(USER_TYPE, user, None))


def assign_to_group(call: Call) -> Result:
    """POST /groups/{id}/assignLicense: 202; members that find no seat are left in error, silently."""
    group = call.find(GROUP, call.args["id"])
    if not group.values.get("securityEnabled"):
        raise errors.bad_request("Licenses can only be assigned to security-enabled groups.")
    adding, removing = _orders(call)
    members = [other for other in call.tenant.others(group, "members") if other.kind == USER]
    licences = {item["skuId"]: item for item in group.values.get("assignedLicenses", ())}
    for sku_id in removing:
        licences.pop(sku_id, None)
        for member in members:
            revoke(call.tenant, member, sku_id, group.id)
    for sku_id, disabled in adding:
        licences[sku_id] = {"skuId": sku_id, "disabledPlans": disabled}
        for member in members:
            grant(call.tenant, member, sku_id, disabled, group.id)
    call.tenant.change(
        group,
        {
            "assignedLicenses": list(licences.values()),
            "licenseProcessingState": {"state": "ProcessingComplete"},
        },
    )
    return Result(202, call.entity(GROUP_TYPE, group, None), {"Location": f"{call.root}/groups/{group.id}"})


def details(call: Call) -> Result:
    """GET /users/{id}/licenseDetails."""
    user = call.find(USER, call.args["id"])
    skus = [call.tenant.skus[license_["skuId"]] for license_ in user.values.get("assignedLicenses", ())]
    rows = [
        {"id": sku["skuId"], **{name: sku[name] for name in ("skuId", "skuPartNumber", "servicePlans")}} for sku in skus
    ]
    return Result(200, {"@odata.context": f"{call.root}/$metadata#users/licenseDetails", "value": rows})


def subscribed(call: Call) -> Result:
    """GET /subscribedSkus: no query options, always whole."""
    rows = [
        {"id": f"{call.tenant.id}_{sku_id}", **sku, "consumedUnits": call.tenant.consumed.get(sku_id, 0)}
        for sku_id, sku in call.tenant.skus.items()
    ]
    return Result(200, {"@odata.context": f"{call.root}/$metadata#subscribedSkus", "value": rows})
