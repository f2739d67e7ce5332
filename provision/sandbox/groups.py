"""/groups: kinds of groups, aliases, the upsert by `uniqueName`, members and owners."""

from __future__ import annotations

import datetime as dt

from provision.sandbox import errors, links
from provision.sandbox.call import NO_CONTENT, Call, Result
from provision.sandbox.properties import merge, read_body
from provision.sandbox.query import listing, mixed, select
from provision.sandbox.resources import GROUP as GROUP_TYPE
from provision.sandbox.resources import USER as USER_TYPE
from provision.sandbox.tenant import GROUP, USER, Record, Values
from provision.sandbox.users import good_nickname

TYPES = {USER: USER_TYPE, GROUP: GROUP_TYPE}


def list_(call: Call) -> Result:
    """GET /groups."""
    return listing(call, GROUP_TYPE, call.tenant.live[GROUP].values(), GROUP)


def get(call: Call) -> Result:
    """GET /groups/{id} or /groups(uniqueName='…')."""
    return Result(200, call.entity(GROUP_TYPE, _target(call), select(call, GROUP_TYPE)))


def post(call: Call) -> Result:
    """POST /groups: 201."""
    return call.created(GROUP_TYPE, _create(call, call.json()))


def patch(call: Call) -> Result:
    """PATCH /groups/{id}: 204; properties, or up to 20 references, or both, all or nothing."""
    return _update(call, call.find(GROUP, call.args["id"]), call.json())


def upsert(call: Call) -> Result:
    """PATCH /groups(uniqueName='…'): a plain PATCH; with `Prefer: create-if-missing` 201 for a new group."""
    name = _unique_name(call)
    if call.tenant.lookup(GROUP, "uniqueName", name):
        group = _target(call)
        # the same body makes and updates: what cannot change may be said again
        news = {key: value for key, value in call.json().items() if value != group.values.get(key)}
        return _update(call, group, news)
    if "create-if-missing" not in call.headers.get("prefer", ""):
        raise errors.not_found(name)
    return call.created(GROUP_TYPE, _create(call, {**call.json(), "uniqueName": name}))


def delete(call: Call) -> Result:
    """DELETE /groups/{id}: soft."""
    call.tenant.delete(_target(call))
    return NO_CONTENT


def members(call: Call) -> Result:
    """GET /groups/{id}/members: empty, not refused, where membership is hidden from the caller."""
    group = call.find(GROUP, call.args["id"])
    others = iter(()) if links.concealed(call, group) else call.tenant.others(group, "members")
    return mixed(call, others, TYPES)


def owners(call: Call) -> Result:
    """GET /groups/{id}/owners."""
    return mixed(call, call.tenant.others(call.find(GROUP, call.args["id"]), "owners"), {USER: USER_TYPE})


def transitive_members(call: Call) -> Result:
    """GET /groups/{id}/transitiveMembers: those of nested groups as well."""
    top = call.find(GROUP, call.args["id"])
    reached: dict[str, Record] = {}
    waiting = [] if links.concealed(call, top) else [top]
    while waiting:
        for other in call.tenant.others(waiting.pop(), "members"):
            if other.id not in reached:
                reached[other.id] = other
                waiting.append(other)
    return mixed(call, iter(reached.values()), TYPES)


def add_member(call: Call) -> Result:
    """POST /groups/{id}/members/$ref: 204."""
    group = call.find(GROUP, call.args["id"])
    return links.add(call, group, "members", (USER,) if unified(group.values) else (USER, GROUP))


def add_owner(call: Call) -> Result:
    """POST /groups/{id}/owners/$ref: 204."""
    return links.add(call, call.find(GROUP, call.args["id"]), "owners", (USER,))


def remove_member(call: Call) -> Result:
    """DELETE /groups/{id}/members/{id}/$ref: 204."""
    return links.remove(call, call.find(GROUP, call.args["id"]), "members", call.args["other"])


def remove_owner(call: Call) -> Result:
    """DELETE /groups/{id}/owners/{id}/$ref: 204; not the last one."""
    return links.remove(call, call.find(GROUP, call.args["id"]), "owners", call.args["other"])


def not_contained(call: Call) -> Result:
    """DELETE /groups/{id}/members/{id}: without `/$ref` it would speak of the user itself."""
    call.find(GROUP, call.args["id"])
    raise errors.not_contained()


# -- the rules of groups


def unified(values: Values) -> bool:
    """Whether it is a Microsoft 365 group."""
    return "Unified" in values.get("groupTypes", ())


def check_nickname(call: Call, values: Values, record: Record | None, resource: str) -> None:
    """The alias: its characters, and that no other live Microsoft 365 group has it."""
    nickname = values["mailNickname"]
    if not good_nickname(nickname):
        raise errors.invalid_value("mailNickname", resource)
    if not unified(values):
        return
    live = call.tenant.live[GROUP]
    for key in call.tenant.lookup(GROUP, "mailNickname", nickname):
        if unified(live[key].values) and (record is None or key != record.id):
            raise errors.taken("mailNickname")


def make_unified(call: Call, values: Values) -> Values:
    """A new Microsoft 365 group as the service completes it: the address is not for the caller to choose."""
    mail = f"{values['mailNickname']}@{call.tenant.mail_domain}"
    return {"visibility": "Public", **values, "mail": mail, "proxyAddresses": [f"SMTP:{mail}"]}


def now() -> str:
    """This moment, as the service writes it."""
    return dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _target(call: Call) -> Record:
    if "id" in call.args:
        return call.find(GROUP, call.args["id"])
    found = call.tenant.lookup(GROUP, "uniqueName", _unique_name(call))
    if not found:
        raise errors.not_found(_unique_name(call))
    return call.find(GROUP, found[0])


def _unique_name(call: Call) -> str:
    return call.args["unique"].replace("''", "'")


def _create(call: Call, body: Values) -> Record:
    values = read_body(GROUP_TYPE, body, creating=True)
    _check_kind(values)
    check_nickname(call, values, None, GROUP_TYPE.name)
    if values.get("uniqueName") and call.tenant.lookup(GROUP, "uniqueName", values["uniqueName"]):
        raise errors.taken("uniqueName")
    adding = links.bound(call, body, None, unified(values))
    values = {"groupTypes": [], "createdDateTime": now(), **values}
    record = call.create(GROUP, make_unified(call, values) if unified(values) else values)
    links.link(call, record, adding)
    return record


def _check_kind(values: Values) -> None:
    types = values.get("groupTypes") or []
    if not set(types) <= {"Unified", "DynamicMembership"}:
        raise errors.invalid_value("groupTypes", GROUP_TYPE.name)
    if values["mailEnabled"] != ("Unified" in types) or not (values["mailEnabled"] or values["securityEnabled"]):
        # distribution lists and mail-enabled security groups are made in Exchange, never in Graph
        raise errors.bad_request("The service does not currently support writes of mail-enabled groups.")
    if values.get("visibility") == "HiddenMembership" and "Unified" not in types:
        raise errors.invalid_value("visibility", GROUP_TYPE.name)


def _update(call: Call, record: Record, body: Values) -> Result:
    values = read_body(GROUP_TYPE, body, creating=False)
    if record.values.get("onPremisesSyncEnabled") and body:
        raise errors.mastered_on_premises()
    hidden = "HiddenMembership" in (record.values.get("visibility"), values.get("visibility"))
    if hidden and values.get("visibility", record.values.get("visibility")) != record.values.get("visibility"):
        raise errors.bad_request("HiddenMembership can only be set during group creation.")
    if "mailNickname" in values:
        check_nickname(call, {**record.values, **values}, record, GROUP_TYPE.name)
    adding = links.bound(call, body, record, unified(record.values))
    if values:
        call.tenant.change(record, merge(record.values, values))
    links.link(call, record, adding)
    return NO_CONTENT
