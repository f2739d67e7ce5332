"""A fresh school tenant: what an administrator finds on the first day."""

from __future__ import annotations

import uuid

from provision.sandbox.tenant import Tenant, Values

SANDBOX = uuid.UUID("5a9d0b0c-7e1a-4c55-9d0e-000000000001")

SKUS: dict[str, tuple[str, dict[str, str]]] = {
    "STANDARDWOFFPACK_STUDENT": (
        "314c4481-f395-4525-be8b-2ec4bb1e9d91",
        {
            "EXCHANGE_S_STANDARD": "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
            "SHAREPOINTSTANDARD_EDU": "0a4983bb-d3e5-4a09-95d8-b2d0127b3df5",
            "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
            "SWAY": "a23b959c-7ce8-4e57-9140-b90eb88a9e97",
        },
    ),
    "STANDARDWOFFPACK_FACULTY": (
        "94763226-9b3c-4e75-a931-5c89701abe66",
        {
            "EXCHANGE_S_STANDARD": "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
            "SHAREPOINTSTANDARD_EDU": "0a4983bb-d3e5-4a09-95d8-b2d0127b3df5",
            "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
        },
    ),
    "M365EDU_A3_STUUSEBNFT": (
        "18250162-5d87-4436-a834-d795c15c80f3",
        {
            "EXCHANGE_S_ENTERPRISE": "efb87545-963c-4e0d-99df-69c6916d9eb0",
            "INTUNE_EDU": "da24caf9-af8e-485c-b7c8-e73336da2693",
            "OFFICESUBSCRIPTION": "43de0ff5-c92c-492b-9116-175376d08c38",
            "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
        },
    ),
    "M365EDU_A3_FACULTY": (
        "4b590615-0888-425a-a965-b3bf7789848d",
        {
            "EXCHANGE_S_ENTERPRISE": "efb87545-963c-4e0d-99df-69c6916d9eb0",
            "INTUNE_EDU": "da24caf9-af8e-485c-b7c8-e73336da2693",
            "OFFICESUBSCRIPTION": "43de0ff5-c92c-492b-9116-175376d08c38",
            "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
        },
    ),
}
"""Part number: (SKU id, {service plan: its id}), as in Microsoft's list of product names and identifiers."""


def fresh(domains: tuple[str, ...], name: str, seats: int, education: bool) -> Tenant:
    """A tenant with its domains, SKUs and two administrators. See `Tenant.new`."""
    tenant = Tenant(str(uuid.uuid5(SANDBOX, "/".join(domains))), name, _domains(domains), education)
    for part_number, (sku_id, plans) in SKUS.items():
        tenant.skus[sku_id] = _sku(part_number, sku_id, plans, seats)
    for nickname, shown in (("admin", "Tenant Administrator"), ("breakglass", "Emergency Access")):
        user_id = tenant.add_user(userPrincipalName=f"{nickname}@{domains[0]}", displayName=shown)
        tenant.assign_role(user_id)
    return tenant


def live_in(tenant: Tenant) -> None:
    """Put into a fresh tenant what provision finds in one that has been lived in, for the sample roster contoso-day1:
    accounts that are somebody's for sure, that are hardly anybody's, and that nobody knows any more."""
    for name, given, family, anchor in (
        ("aokafor", "Amara", "Okafor", None),
        ("bsilva", "Beatriz", "Silveira", None),
        ("cbernard", "Chloe", "Bernard", "S13003"),
        ("chloe.b", "Chloe", "Bernard", "S13003"),
        ("dvolkov", "Dmitri", "Volkov", "S9004"),
        ("old.pupil", "Olga", "Past", "S9005"),
        ("yearbook", None, None, None),
    ):
        known = {"givenName": given, "surname": family, "displayName": f"{given} {family}"} if given else {}
        school = {"student": {"externalId": anchor}, "primaryRole": "student"} if anchor else {}
        tenant.add_user(userPrincipalName=f"{name}@{tenant.domains[1]['id']}", **known, **school)


def _domains(names: tuple[str, ...]) -> list[Values]:
    return [
        {
            "id": name,
            "isVerified": True,
            "isDefault": name == names[0],
            "isInitial": name == names[-1],
            "isRoot": True,
            "isAdminManaged": True,
            "authenticationType": "Managed",
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        }
        for name in names
    ]


def _sku(part_number: str, sku_id: str, plans: dict[str, str], seats: int) -> Values:
    return {
        "skuId": sku_id,
        "skuPartNumber": part_number,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "prepaidUnits": {"enabled": seats, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [
            {
                "servicePlanId": plan_id,
                "servicePlanName": plan,
                "provisioningStatus": "Success",
                "appliesTo": "User",
            }
            for plan, plan_id in plans.items()
        ],
    }
