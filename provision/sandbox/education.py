"""/education: users, classes and schools, which are users, groups and administrative units too."""

from __future__ import annotations

from provision.sandbox import errors, links, users
from provision.sandbox.call import NO_CONTENT, Call, Result
from provision.sandbox.groups import check_nickname, make_unified, now
from provision.sandbox.properties import Resource, merge, read_body
from provision.sandbox.query import listing, select
from provision.sandbox.resources import CLASS as CLASS_TYPE
from provision.sandbox.resources import EDUCATION_USER
from provision.sandbox.resources import GROUP as GROUP_TYPE
from provision.sandbox.resources import SCHOOL as SCHOOL_TYPE
from provision.sandbox.resources import UNIT as UNIT_TYPE
from provision.sandbox.resources import USER as USER_TYPE
from provision.sandbox.tenant import CLASS, GROUP, SCHOOL, UNIT, USER, Record, Values

SYSTEMS = ("system", "OneRoster", "PowerSchool")
"""Values of `externalSourceDetail` that make the source a `sis`; anything else makes it `manual`."""


def available(call: Call) -> None:
    """Refuse every call to /education in a tenant that is not a school's, in the words of the directory."""
    if not call.tenant.education:
        raise errors.bad_request(
            "Property 'extension_fe2174665583431c953114ff7268b7b3_Education_ObjectType' "
            "does not exist as a declared property or extension property."
        )


def _sourced(values: Values) -> Values:
    """The values with their external source settled: given, or following from its detail, never both."""
    if values.get("externalSource") and values.get("externalSourceDetail"):
        raise errors.bad_request("externalSource and externalSourceDetail cannot be specified together.")
    detail = values.get("externalSourceDetail")
    return {**values, "externalSource": "sis" if detail in SYSTEMS else "manual"} if detail else values


def _one(call: Call, kind: str, education: str = "") -> Record:
    return call.find(kind, call.args["id"], education)


def _shown(call: Call, resource: Resource, record: Record) -> Result:
    return Result(200, call.entity(resource, record, select(call, resource)))


# -- users


def list_users(call: Call) -> Result:
    """GET /education/users: every user of the tenant, those without education data with the role `none`."""
    return listing(call, EDUCATION_USER, call.tenant.live[USER].values(), USER)


def get_user(call: Call) -> Result:
    """GET /education/users/{id}."""
    return _shown(call, EDUCATION_USER, _one(call, USER))


def post_user(call: Call) -> Result:
    """POST /education/users: the account, its password and its education data in one write."""
    return call.created(EDUCATION_USER, users.create(call, EDUCATION_USER, _sourced(call.json())))


def patch_user(call: Call) -> Result:
    """PATCH /education/users/{id}: 200 with the user."""
    record = _one(call, USER)
    users.update(call, EDUCATION_USER, record, _sourced(call.json()))
    return _shown(call, EDUCATION_USER, record)


def user_twin(call: Call) -> Result:
    """GET /education/users/{id}/user."""
    return _shown(call, USER_TYPE, _one(call, USER))


def classes_of_user(call: Call) -> Result:
    """GET /education/users/{id}/classes."""
    user = _one(call, USER)
    held = (record for record in call.tenant.educational(CLASS) if user.id in record.ids("members"))
    return listing(call, CLASS_TYPE, held)


def taught_classes(call: Call) -> Result:
    """GET /education/users/{id}/taughtClasses."""
    user = _one(call, USER)
    taught = (record for record in call.tenant.educational(CLASS) if user.id in record.ids("owners"))
    return listing(call, CLASS_TYPE, taught)


def schools_of_user(call: Call) -> Result:
    """GET /education/users/{id}/schools."""
    return listing(call, SCHOOL_TYPE, _schools_with(call, _one(call, USER)))


# -- classes


def list_classes(call: Call) -> Result:
    """GET /education/classes."""
    return listing(call, CLASS_TYPE, call.tenant.educational(CLASS), GROUP)


def get_class(call: Call) -> Result:
    """GET /education/classes/{id}."""
    return _shown(call, CLASS_TYPE, _one(call, GROUP, CLASS))


def post_class(call: Call) -> Result:
    """POST /education/classes: a Microsoft 365 group with hidden membership, and no team."""
    values = _sourced(read_body(CLASS_TYPE, call.json(), creating=True))
    kind = {
        "groupTypes": ["Unified"],
        "mailEnabled": True,
        "securityEnabled": False,
        "visibility": "HiddenMembership",
    }
    values = {"createdDateTime": now(), **kind, **values}
    check_nickname(call, values, None, GROUP_TYPE.name)
    return call.created(CLASS_TYPE, call.create(GROUP, make_unified(call, values), CLASS))


def patch_class(call: Call) -> Result:
    """PATCH /education/classes/{id}: 200 with the class."""
    record = _one(call, GROUP, CLASS)
    values = _sourced(read_body(CLASS_TYPE, call.json(), creating=False))
    if "mailNickname" in values:
        check_nickname(call, {**record.values, **values}, record, GROUP_TYPE.name)
    call.tenant.change(record, merge(record.values, values))
    return _shown(call, CLASS_TYPE, record)


def class_twin(call: Call) -> Result:
    """GET /education/classes/{id}/group."""
    return _shown(call, GROUP_TYPE, _one(call, GROUP, CLASS))


def schools_of_class(call: Call) -> Result:
    """GET /education/classes/{id}/schools."""
    return listing(call, SCHOOL_TYPE, _schools_with(call, _one(call, GROUP, CLASS)))


def class_members(call: Call) -> Result:
    """GET /education/classes/{id}/members: students and teachers."""
    record = _one(call, GROUP, CLASS)
    others = iter(()) if links.concealed(call, record) else call.tenant.others(record, "members")
    return listing(call, EDUCATION_USER, others)


def class_teachers(call: Call) -> Result:
    """GET /education/classes/{id}/teachers."""
    return listing(call, EDUCATION_USER, call.tenant.others(_one(call, GROUP, CLASS), "owners"))


def add_class_member(call: Call) -> Result:
    """POST /education/classes/{id}/members/$ref: 204; needs Member.Read.Hidden as well."""
    _may_see_members(call)
    return links.add(call, _one(call, GROUP, CLASS), "members", (USER,))


def remove_class_member(call: Call) -> Result:
    """DELETE /education/classes/{id}/members/{id}/$ref: 204."""
    _may_see_members(call)
    return links.remove(call, _one(call, GROUP, CLASS), "members", call.args["other"])


def add_teacher(call: Call) -> Result:
    """POST /education/classes/{id}/teachers/$ref: an owner, and a member if not one already."""
    record = _one(call, GROUP, CLASS)
    result = links.add(call, record, "owners", (USER,))
    teacher = call.referenced(call.json().get("@odata.id"), (USER,))
    if teacher.id not in record.ids("members"):
        links.link(call, record, {"members": [teacher]})
    return result


def remove_teacher(call: Call) -> Result:
    """DELETE /education/classes/{id}/teachers/{id}/$ref: an owner no more, still a member."""
    return links.remove(call, _one(call, GROUP, CLASS), "owners", call.args["other"])


def _may_see_members(call: Call) -> None:
    if "Member.Read.Hidden" not in call.app_roles:
        raise errors.forbidden()


# -- schools


def list_schools(call: Call) -> Result:
    """GET /education/schools."""
    return listing(call, SCHOOL_TYPE, call.tenant.educational(SCHOOL), UNIT)


def get_school(call: Call) -> Result:
    """GET /education/schools/{id}."""
    return _shown(call, SCHOOL_TYPE, _one(call, UNIT, SCHOOL))


def post_school(call: Call) -> Result:
    """POST /education/schools: an administrative unit with education data."""
    values = _sourced(read_body(SCHOOL_TYPE, call.json(), creating=True))
    return call.created(SCHOOL_TYPE, call.create(UNIT, values, SCHOOL))


def patch_school(call: Call) -> Result:
    """PATCH /education/schools/{id}: 200 with the school."""
    record = _one(call, UNIT, SCHOOL)
    values = _sourced(read_body(SCHOOL_TYPE, call.json(), creating=False))
    call.tenant.change(record, merge(record.values, values))
    return _shown(call, SCHOOL_TYPE, record)


def school_twin(call: Call) -> Result:
    """GET /education/schools/{id}/administrativeUnit."""
    return _shown(call, UNIT_TYPE, _one(call, UNIT, SCHOOL))


def school_users(call: Call) -> Result:
    """GET /education/schools/{id}/users."""
    return listing(call, EDUCATION_USER, _part(call, _one(call, UNIT, SCHOOL), USER))


def school_classes(call: Call) -> Result:
    """GET /education/schools/{id}/classes."""
    return listing(call, CLASS_TYPE, _part(call, _one(call, UNIT, SCHOOL), GROUP))


def add_school_user(call: Call) -> Result:
    """POST /education/schools/{id}/users/$ref: 204."""
    return links.add(call, _one(call, UNIT, SCHOOL), "members", (USER,))


def add_school_class(call: Call) -> Result:
    """POST /education/schools/{id}/classes/$ref: 204."""
    return links.add(call, _one(call, UNIT, SCHOOL), "members", (GROUP,), CLASS)


def remove_from_school(call: Call) -> Result:
    """DELETE /education/schools/{id}/users|classes/{id}/$ref: 204."""
    return links.remove(call, _one(call, UNIT, SCHOOL), "members", call.args["other"])


def _part(call: Call, school: Record, kind: str) -> list[Record]:
    live = call.tenant.live[kind]
    return [live[key] for key in school.ids("members") if key in live and (kind == USER or live[key].education)]


def _schools_with(call: Call, record: Record) -> list[Record]:
    return [school for school in call.tenant.educational(SCHOOL) if record.id in school.ids("members")]


# -- deleting, which nothing of ours may do


def delete(call: Call) -> Result:
    """DELETE /education/users|classes|schools/{id}: soft, like its twin."""
    record = next((found for kind in (USER, GROUP, UNIT) if (found := call.tenant.find(kind, call.args["id"]))), None)
    if record is None or call.hidden(record):
        raise errors.not_found(call.args["id"])
    call.tenant.delete(record)
    return NO_CONTENT
