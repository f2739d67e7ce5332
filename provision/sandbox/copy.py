"""A fake tenant that holds what was read of a real one: the `current` tables, under Graph's own names and ids.

A copy knows what provision reads, and nothing else: no passwords, no deleted objects, not which group gave somebody a
licence, and of links only those that were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provision.policy.kinds import READ_WITH_OBJECTS
from provision.sandbox.tenant import CLASS, GROUP, SCHOOL, UNIT, USER, Tenant, Values
from provision.store import Store

_USER = {
    "user_principal_name": "userPrincipalName", "mail": "mail", "mail_nickname": "mailNickname",
    "display_name": "displayName", "given_name": "givenName", "family_name": "surname", "middle_name": "middleName",
    "job_title": "jobTitle", "employee_id": "employeeId", "usage_location": "usageLocation", "age_group": "ageGroup",
    "consent": "consentProvidedForMinor", "synced": "onPremisesSyncEnabled", "primary_role": "primaryRole",
    "external_source": "externalSource", "student_id": "student.externalId", "teacher_id": "teacher.externalId",
    "grade": "student.grade", "student_number": "student.studentNumber",
    "graduation_year": "student.graduationYear", "birth_date": "student.birthDate",
    "teacher_number": "teacher.teacherNumber",
}  # fmt: skip
_GROUP = {
    "display_name": "displayName", "mail": "mail", "mail_nickname": "mailNickname", "unique_name": "uniqueName",
    "security": "securityEnabled", "synced": "onPremisesSyncEnabled",
}  # fmt: skip
_SECTION = {
    "external_id": "externalId", "display_name": "displayName", "mail_nickname": "mailNickname",
    "description": "description", "external_name": "externalName", "external_source": "externalSource",
    "class_code": "classCode", "grade": "grade", "course_id": "course.externalId",
    "course_name": "course.displayName", "course_number": "course.courseNumber",
    "course_description": "course.description", "course_subject": "course.subject", "term_id": "term.externalId",
    "term_name": "term.displayName", "term_start": "term.startDate", "term_end": "term.endDate",
}  # fmt: skip
_SCHOOL = {
    "external_id": "externalId", "display_name": "displayName", "external_source": "externalSource",
    "school_number": "schoolNumber", "phone": "phone", "principal_id": "externalPrincipalId",
    "principal_name": "principalName", "principal_email": "principalEmail", "lowest_grade": "lowestGrade",
    "highest_grade": "highestGrade", "street": "address.street", "city": "address.city", "state": "address.state",
    "postal_code": "address.postalCode", "country": "address.countryOrRegion",
}  # fmt: skip
"""Our columns and Microsoft's names; a dot stands before a part of a value."""
_UNIT = {"display_name": "displayName", "external_id": "description"}
_OF_EDUCATION = ("middle_name", "primary_role", "external_source")


def copy_of(store: Store, anchor: str) -> Tenant:
    """The tenant whose objects were read into the store, with the links of what `run.wanted` names. `anchor` is where
    the tenant keeps the school's id of a person."""
    ((tenant_id, name),) = store.rows("SELECT id, name FROM current.tenant")
    education = anchor == "education"
    tenant = Tenant(tenant_id, name, _domains(store), education)
    tenant.skus = _skus(store)
    _copy_users(store, tenant, _USER if education else _of_an_account(anchor))
    _copy_groups(store, tenant)
    if education:
        _copy_sections(store, tenant)
    for object_id, values in _objects(store, "schools", _SCHOOL if education else _UNIT):
        tenant.put(UNIT, object_id, values, SCHOOL if education else "")
    links = f"""
        SELECT kind, left_id, right_id FROM current.links
        WHERE kind NOT IN {READ_WITH_OBJECTS} AND (kind, left_id) IN (SELECT (kind, object_id) FROM run.wanted)
        ORDER BY ALL"""
    for kind, holder_id, other_id in store.stream(links):
        if holder := tenant.any(holder_id):
            tenant.link(holder, "owners" if kind == "owner" else "members", other_id)
    _copy_licenses(store, tenant)
    for (admin,) in store.rows("SELECT user_id FROM current.admins ORDER BY 1"):
        tenant.assign_role(admin)
    tenant.consumed = dict(store.rows("SELECT sku_id, consumed FROM current.skus"))
    return tenant


def _objects(store: Store, table: str, names: Mapping[str, str]) -> Iterator[tuple[str, Values]]:
    """The id of each object of a table and its values under Microsoft's names, without those that are not set."""
    for object_id, *row in store.stream(f"SELECT object_id, {', '.join(names)} FROM current.{table} ORDER BY 1"):
        values: Values = {}
        for name, value in zip(names.values(), row, strict=True):
            whole, _, part = name.partition(".")
            if value is not None and part:
                values.setdefault(whole, {})[part] = value
            elif value is not None:
                values[whole] = value
        yield object_id, values


def _of_an_account(anchor: str) -> dict[str, str]:
    """As `_USER`, in a tenant without education data."""
    plain = {ours: theirs for ours, theirs in _USER.items() if "." not in theirs and ours not in _OF_EDUCATION}
    return plain if anchor == "employeeId" else {**plain, "student_id": f"onPremisesExtensionAttributes.{anchor}"}


def _copy_users(store: Store, tenant: Tenant, names: Mapping[str, str]) -> None:
    for object_id, values in _objects(store, "users", names):
        tenant.put(USER, object_id, {"accountEnabled": True, "userType": "Member", **values})


def _copy_groups(store: Store, tenant: Tenant) -> None:
    unified = {object_id for (object_id,) in store.rows("SELECT object_id FROM current.groups WHERE unified")}
    for object_id, values in _objects(store, "groups", _GROUP):
        microsoft_365 = object_id in unified
        kind = {"groupTypes": ["Unified"] if microsoft_365 else [], "mailEnabled": microsoft_365}
        tenant.put(GROUP, object_id, {**kind, **values})


def _copy_sections(store: Store, tenant: Tenant) -> None:
    for object_id, values in _objects(store, "sections", _SECTION):
        group = tenant.live[GROUP].get(object_id) or tenant.put(GROUP, object_id, {"groupTypes": ["Unified"]})
        group.education = CLASS
        tenant.change(group, {"visibility": "HiddenMembership", **values})


def _copy_licenses(store: Store, tenant: Tenant) -> None:
    held = f"""
        SELECT kind, left_id, list(right_id ORDER BY right_id) FROM current.links WHERE kind IN {READ_WITH_OBJECTS}
        GROUP BY kind, left_id ORDER BY kind, left_id"""
    for kind, holder_id, skus in store.stream(held):
        licenses = [{"skuId": sku, "disabledPlans": []} for sku in skus]
        if kind == "group_license":
            tenant.live[GROUP][holder_id].values["assignedLicenses"] = licenses
            continue
        states = [{**each, "assignedByGroup": None, "state": "Active", "error": "None"} for each in licenses]
        tenant.live[USER][holder_id].values.update(assignedLicenses=licenses, licenseAssignmentStates=states)


def _domains(store: Store) -> list[Values]:
    rows = store.rows("SELECT name, verified FROM current.domains ORDER BY verified DESC, name")
    return [
        {"id": name, "isVerified": verified, "isDefault": not number, "isInitial": name.endswith(".onmicrosoft.com"),
         "authenticationType": "Managed"}
        for number, (name, verified) in enumerate(rows)
    ]  # fmt: skip


def _skus(store: Store) -> dict[str, Any]:
    plans: dict[str, list[Values]] = {}
    for sku_id, plan_id, plan in store.rows(
        "SELECT sku_id, plan_id, plan_name FROM current.service_plans ORDER BY ALL"
    ):
        plans.setdefault(sku_id, []).append({"servicePlanId": plan_id, "servicePlanName": plan})
    return {
        sku_id: {
            "skuId": sku_id,
            "skuPartNumber": part_number,
            "capabilityStatus": "Enabled",
            "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0, "lockedOut": 0},
            "servicePlans": plans.get(sku_id, []),
        }
        for sku_id, part_number, enabled in store.rows(
            "SELECT sku_id, part_number, enabled FROM current.skus ORDER BY 1"
        )
    }
