"""/users, and the rules of accounts that /education/users shares."""

from __future__ import annotations

import datetime as dt
import re

from provision.sandbox import errors
from provision.sandbox.call import NO_CONTENT, Call, Result
from provision.sandbox.links import concealed
from provision.sandbox.properties import Resource, merge, read_body
from provision.sandbox.query import listing, mixed, select
from provision.sandbox.resources import GROUP as GROUP_TYPE
from provision.sandbox.resources import UNIT as UNIT_TYPE
from provision.sandbox.resources import USER as USER_TYPE
from provision.sandbox.tenant import GROUP, UNIT, USER, Record, Values

PERMITTED_WHEN_SYNCED = frozenset(
    {
        "ageGroup",
        "consentProvidedForMinor",
        "externalSource",
        "externalSourceDetail",
        "mailingAddress",
        "middleName",
        "primaryRole",
        "relatedContacts",
        "residenceAddress",
        "student",
        "teacher",
        "usageLocation",
    }
)
"""What may be written on an account mastered on-premises: what that directory does not hold."""

SENSITIVE = frozenset(
    {
        "accountEnabled",
        "businessPhones",
        "mobilePhone",
        "onPremisesImmutableId",
        "otherMails",
        "passwordProfile",
        "userPrincipalName",
    }
)
"""What an application may not change on the holder of a directory role (graph/api/user-update)."""

_MINOR = {
    "granted": "minorWithParentalConsent",
    "denied": "minorWithoutParentalConsent",
    "notrequired": "minorNoParentalConsentRequired",
}


def list_(call: Call) -> Result:
    """GET /users."""
    return listing(call, USER_TYPE, call.tenant.live[USER].values(), USER)


def get(call: Call) -> Result:
    """GET /users/{id or sign-in name}."""
    return Result(200, call.entity(USER_TYPE, call.find(USER, call.args["id"]), select(call, USER_TYPE)))


def post(call: Call) -> Result:
    """POST /users: 201 with the default properties, never the password."""
    return call.created(USER_TYPE, create(call, USER_TYPE, call.json()))


def patch(call: Call) -> Result:
    """PATCH /users/{id}: 204."""
    update(call, USER_TYPE, call.find(USER, call.args["id"]), call.json())
    return NO_CONTENT


def delete(call: Call) -> Result:
    """DELETE /users/{id}: soft."""
    call.tenant.delete(call.find(USER, call.args["id"]))
    return NO_CONTENT


def member_of(call: Call) -> Result:
    """GET /users/{id}/memberOf: groups and administrative units, hidden ones left out without a word."""
    user = call.find(USER, call.args["id"])
    holders = (
        holder
        for kind in (GROUP, UNIT)
        for holder in call.tenant.live[kind].values()
        if user.id in holder.ids("members") and not concealed(call, holder)
    )
    return mixed(call, holders, {GROUP: GROUP_TYPE, UNIT: UNIT_TYPE})


# -- the rules of accounts


def create(call: Call, resource: Resource, body: Values) -> Record:
    """Check the body of a new account and keep it. Raises `GraphError`."""
    values = read_body(resource, body, creating=True)
    if "password" not in values["passwordProfile"]:
        raise errors.weak_password()
    check_account(call, resource, values, None)
    now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"createdDateTime": now, "userType": "Member", "primaryRole": "none", **values}
    if values.get("mail"):
        values["proxyAddresses"] = [f"SMTP:{values['mail']}"]
    record = call.create(USER, {name: value for name, value in _hushed(values).items() if value is not None})
    record.passwords = 1
    return record


def update(call: Call, resource: Resource, record: Record, body: Values) -> None:
    """Check the body of a change to an account and carry it out. Raises `GraphError`."""
    values = read_body(resource, body, creating=False)
    if record.values.get("onPremisesSyncEnabled") and not PERMITTED_WHEN_SYNCED.issuperset(values):
        raise errors.mastered_on_premises()
    if SENSITIVE.intersection(values) and call.tenant.roles_of(record.id):
        raise errors.forbidden()
    check_account(call, resource, values, record)
    record.passwords += "password" in (values.get("passwordProfile") or {})
    call.tenant.change(record, _hushed(merge(record.values, values), record.values))


def check_account(call: Call, resource: Resource, values: Values, record: Record | None) -> None:
    """Sign-in name, alias and password, as far as `values` sets them."""
    if "userPrincipalName" in values:
        _check_principal(call, values["userPrincipalName"], resource, record)
    if "mailNickname" in values and not good_nickname(values["mailNickname"]):
        raise errors.invalid_value("mailNickname", resource.name)
    password = (values.get("passwordProfile") or {}).get("password")
    if password is not None and not strong(password):
        raise errors.weak_password()


def _check_principal(call: Call, principal: str, resource: Resource, record: Record | None) -> None:
    local, at, domain = principal.partition("@")
    if not at or domain.lower() not in {
        str(known["id"]).lower() for known in call.tenant.domains if known["isVerified"]
    }:
        raise errors.unverified_domain()
    if not re.fullmatch(r"[A-Za-z0-9'._!#^~-]{1,64}", local) or local.endswith("."):
        raise errors.invalid_value("userPrincipalName", resource.name)
    mine = () if record is None else (record.id,)
    if any(key not in mine for key in call.tenant.lookup(USER, "userPrincipalName", principal)):
        raise errors.taken("userPrincipalName")


def good_nickname(nickname: str) -> bool:
    """Whether an alias has only the characters that mail allows."""
    return bool(nickname) and nickname.isascii() and not re.search(r"[@()\\\[\]\";:<>,\s]", nickname)


def strong(password: str) -> bool:
    """Eight characters of three kinds: lower, upper, digit, other."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
    return 8 <= len(password) <= 256 and sum(bool(re.search(kind, password)) for kind in kinds) >= 3


def _hushed(values: Values, before: Values | None = None) -> Values:
    """What is stored: the password goes, what the service computes comes."""
    stored = dict(values)
    if isinstance(stored.get("passwordProfile"), dict):
        stored["passwordProfile"] = {k: v for k, v in stored["passwordProfile"].items() if k != "password"}
    if "ageGroup" in stored or "consentProvidedForMinor" in stored:
        whole = {**(before or {}), **stored}
        age = (whole.get("ageGroup") or "").lower()
        consent = (whole.get("consentProvidedForMinor") or "").lower()
        stored["legalAgeGroupClassification"] = {
            "minor": _MINOR.get(consent),
            "notadult": "notAdult",
            "adult": "adult",
        }.get(age)
    if "onPremisesImmutableId" in stored:
        stored["onPremisesInfo"] = {"immutableId": stored["onPremisesImmutableId"]}
    return stored
