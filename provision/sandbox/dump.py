"""A tenant as people read it, sorted and with names for ids: `provision sandbox dump`, and tests."""

from __future__ import annotations

from collections.abc import Container, Iterable

from provision.sandbox.resources import CLASS as CLASS_TYPE
from provision.sandbox.resources import SCHOOL as SCHOOL_TYPE
from provision.sandbox.tenant import CLASS, GROUP, SCHOOL, UNIT, USER, Record, Tenant, Values

_HIDDEN = (
    "passwordProfile",
    "licenseAssignmentStates",
    "assignedLicenses",
    "createdDateTime",
    "proxyAddresses",
)


def readable(tenant: Tenant) -> Values:
    """Users, groups, classes, schools, licences and counts. A class is listed once, among the classes."""
    return {
        "tenant": {
            "id": tenant.id,
            "name": tenant.name,
            "domains": [domain["id"] for domain in tenant.domains],
        },
        "users": _sorted(_user(tenant, record) for record in tenant.live[USER].values()),
        "groups": _sorted(_group(tenant, record) for record in tenant.live[GROUP].values() if not record.education),
        "classes": _sorted(
            {
                **_only(record, CLASS_TYPE.properties),
                "mail": record.values.get("mail"),
                **_links(tenant, record),
            }
            for record in tenant.educational(CLASS)
        ),
        "schools": _sorted(_school(tenant, record) for record in tenant.educational(SCHOOL)),
        "units": _sorted(
            {**record.values, "members": _names(tenant, record, "members")}
            for record in tenant.live[UNIT].values()
            if not record.education
        ),
        "licenses": {
            sku["skuPartNumber"]: {
                "enabled": sku["prepaidUnits"]["enabled"],
                "consumed": tenant.consumed.get(sku_id, 0),
            }
            for sku_id, sku in sorted(tenant.skus.items(), key=lambda item: str(item[1]["skuPartNumber"]))
        },
        "deleted": sorted(_name(record) for record in tenant.deleted.values()),
        "requests": tenant.requests,
        "writes": tenant.writes,
    }


def _sorted(rows: Iterable[Values]) -> list[Values]:
    return sorted(rows, key=lambda row: (str(row.get("userPrincipalName") or row.get("displayName")), row["id"]))


def _user(tenant: Tenant, record: Record) -> Values:
    shown = {name: record.values[name] for name in sorted(record.values) if name not in _HIDDEN}
    licenses = [tenant.skus[item["skuId"]]["skuPartNumber"] for item in record.values.get("assignedLicenses", ())]
    roles = [role["roleDefinitionId"] for role in tenant.roles_of(record.id)]
    return {**shown, "licenses": sorted(licenses), "roles": roles, "passwords": record.passwords}


def _group(tenant: Tenant, record: Record) -> Values:
    shown = {name: record.values[name] for name in sorted(record.values) if name not in _HIDDEN}
    licenses = [tenant.skus[item["skuId"]]["skuPartNumber"] for item in record.values.get("assignedLicenses", ())]
    return {**shown, "licenses": sorted(licenses), **_links(tenant, record)}


def _school(tenant: Tenant, record: Record) -> Values:
    others = list(tenant.others(record, "members"))
    return {
        **_only(record, SCHOOL_TYPE.properties),
        "users": sorted(_name(other) for other in others if other.kind == USER),
        "classes": sorted(_name(other) for other in others if other.kind == GROUP),
    }


def _only(record: Record, names: Container[str]) -> Values:
    return {name: record.values[name] for name in sorted(record.values) if name in names}


def _links(tenant: Tenant, record: Record) -> Values:
    return {"owners": _names(tenant, record, "owners"), "members": _names(tenant, record, "members")}


def _names(tenant: Tenant, record: Record, relation: str) -> list[str]:
    return sorted(_name(other) for other in tenant.others(record, relation))


def _name(record: Record) -> str:
    """What people call the object: a sign-in name, an alias, a display name."""
    values = record.values
    return str(values.get("userPrincipalName") or values.get("mailNickname") or values.get("displayName"))
