"""Accounts and their licences, over several requests; single exchanges are in `recordings/`."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox import Sandbox, Tenant

ACCOUNT = {
    "accountEnabled": True,
    "displayName": "Kim Berg",
    "mailNickname": "kim",
    "userPrincipalName": "kim@contoso.edu",
    "passwordProfile": {"password": "Silver-Boat-9"},
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Tenant.new(seats=1))


def shown(sandbox: Sandbox, key: str, *names: str) -> dict[str, Any]:
    answer = sandbox.ask("GET", f"/users/{key}?$select={','.join(names)}").json()
    return {name: answer[name] for name in names}


def test_a_new_user_is_read_back(sandbox: Sandbox) -> None:
    made = sandbox.ask("POST", "/users", {**ACCOUNT, "employeeId": "7", "usageLocation": "SE"})
    assert made.headers["Location"].endswith(made.json()["id"])
    assert shown(sandbox, "KIM@contoso.edu", "id", "employeeId", "usageLocation", "accountEnabled") == {
        "id": made.json()["id"],
        "employeeId": "7",
        "usageLocation": "SE",
        "accountEnabled": True,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("displayName", "x" * 257),
        ("givenName", "x" * 65),
        ("mailNickname", "x" * 65),
        ("mailNickname", "kím"),
        ("mailNickname", "k@im"),
        ("userPrincipalName", "kím@contoso.edu"),
        ("userPrincipalName", "k im@contoso.edu"),
        ("usageLocation", "Sweden"),
        ("usageLocation", None),
        ("accountEnabled", "yes"),
        ("otherMails", None),
        ("ageGroup", "child"),
        ("jobTitle", 7),
        ("businessPhones", "555"),
        ("onPremisesExtensionAttributes", {"extensionAttribute1": 1}),
    ],
)
def test_a_wrong_value_names_its_property_and_nothing_is_made(sandbox: Sandbox, name: str, value: object) -> None:
    answer = sandbox.ask("POST", "/users", {**ACCOUNT, name: value})
    assert answer.status == 400
    assert name in answer.json()["error"]["message"]
    assert len(sandbox.tenant.live["user"]) == 2


@pytest.mark.parametrize("password", ["Short-1", "longenough", "long-enough", "LONGENOUGH1"])
def test_a_weak_password_is_refused(sandbox: Sandbox, password: str) -> None:
    answer = sandbox.ask("POST", "/users", {**ACCOUNT, "passwordProfile": {"password": password}})
    assert answer.status == 400
    assert "complexity" in answer.json()["error"]["message"]


def test_a_name_can_be_used_again_after_deletion_but_then_not_restored(sandbox: Sandbox) -> None:
    first = sandbox.ask("POST", "/users", ACCOUNT).json()["id"]
    assert sandbox.ask("DELETE", f"/users/{first}").status == 204
    assert sandbox.ask("GET", f"/users/{first}").status == 404
    assert sandbox.ask("POST", "/users", ACCOUNT).status == 201
    restored = sandbox.ask("POST", f"/directory/deletedItems/{first}/restore", {})
    assert restored.json()["error"]["details"][0]["target"] == "userPrincipalName"


def test_renaming_to_itself_in_other_letters_is_no_conflict(sandbox: Sandbox) -> None:
    sandbox.ask("POST", "/users", ACCOUNT)
    answer = sandbox.ask("PATCH", "/users/kim@contoso.edu", {"userPrincipalName": "KIM@contoso.edu"})
    assert answer.status == 204


def test_patching_part_of_a_complex_value_keeps_the_rest(sandbox: Sandbox) -> None:
    sandbox.ask("POST", "/users", {**ACCOUNT, "onPremisesExtensionAttributes": {"extensionAttribute1": "a"}})
    sandbox.ask("PATCH", "/users/kim@contoso.edu", {"onPremisesExtensionAttributes": {"extensionAttribute2": "b"}})
    found = shown(sandbox, "kim@contoso.edu", "onPremisesExtensionAttributes")
    assert found["onPremisesExtensionAttributes"] == {"extensionAttribute1": "a", "extensionAttribute2": "b"}


def test_a_minor_is_classified(sandbox: Sandbox) -> None:
    sandbox.ask("POST", "/users", {**ACCOUNT, "ageGroup": "minor"})
    sandbox.ask("PATCH", "/users/kim@contoso.edu", {"consentProvidedForMinor": "granted"})
    found = shown(sandbox, "kim@contoso.edu", "legalAgeGroupClassification")
    assert found["legalAgeGroupClassification"] == "minorWithParentalConsent"


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": "Kim"},
        {"employeeId": "7"},
        {"onPremisesExtensionAttributes": {"extensionAttribute1": "7"}},
        {"passwordProfile": {"password": "Silver-Boat-9"}},
        {"usageLocation": "SE", "jobTitle": "Teacher"},
    ],
)
def test_a_synced_account_keeps_what_its_own_directory_masters(sandbox: Sandbox, change: dict[str, Any]) -> None:
    user = sandbox.tenant.add_user(onPremisesSyncEnabled=True, displayName="Sol", usageLocation="NO")
    before = sandbox.tenant.dump()["users"]
    answer = sandbox.ask("PATCH", f"/users/{user}", change)
    assert "on-premises mastered" in answer.json()["error"]["message"]
    assert sandbox.tenant.dump()["users"] == before


def test_an_administrator_keeps_password_and_access_but_may_be_renamed(sandbox: Sandbox) -> None:
    assert sandbox.ask("PATCH", "/users/admin@contoso.edu", {"accountEnabled": False}).status == 403
    assert sandbox.ask("PATCH", "/users/admin@contoso.edu", {"displayName": "Admin"}).status == 204


def test_licences_take_seats_and_give_them_back(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    kim = tenant.add_user(userPrincipalName="kim@contoso.edu", usageLocation="SE")
    lo = tenant.add_user(userPrincipalName="lo@contoso.edu", usageLocation="SE")
    sku = tenant.sku("STANDARDWOFFPACK_STUDENT")["skuId"]
    add = {"addLicenses": [{"skuId": sku}], "removeLicenses": []}
    assert sandbox.ask("POST", f"/users/{kim}/assignLicense", add).status == 200
    assert sandbox.ask("POST", f"/users/{kim}/assignLicense", add).status == 200, "again: nothing more is taken"
    refused = sandbox.ask("POST", f"/users/{lo}/assignLicense", add)
    assert "does not have any available licenses" in refused.json()["error"]["message"]
    taken = sandbox.ask("POST", f"/users/{kim}/assignLicense", {"addLicenses": [], "removeLicenses": [sku]})
    assert taken.status == 200
    assert sandbox.ask("POST", f"/users/{lo}/assignLicense", add).status == 200
    assert tenant.dump()["licenses"]["STANDARDWOFFPACK_STUDENT"]["consumed"] == 1


def test_licence_orders_are_all_or_nothing(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    user = tenant.add_user(usageLocation="SE")
    good = tenant.sku("STANDARDWOFFPACK_STUDENT")["skuId"]
    body = {"addLicenses": [{"skuId": good}, {"skuId": "no-such-sku"}], "removeLicenses": []}
    assert sandbox.ask("POST", f"/users/{user}/assignLicense", body).status == 400
    assert tenant.dump()["licenses"]["STANDARDWOFFPACK_STUDENT"]["consumed"] == 0


def test_a_group_licenses_its_members_as_they_come_and_go(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    first, second = tenant.add_user(), tenant.add_user()
    group = tenant.add_group(displayName="All students")
    sku = tenant.sku("M365EDU_A3_STUUSEBNFT")["skuId"]
    tenant.add_member(group, first)
    order = {"addLicenses": [{"skuId": sku}], "removeLicenses": []}
    assert sandbox.ask("POST", f"/groups/{group}/assignLicense", order).status == 202
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{second}"}
    assert sandbox.ask("POST", f"/groups/{group}/members/$ref", reference).status == 204
    state = shown(sandbox, second, "licenseAssignmentStates")["licenseAssignmentStates"][0]
    assert (state["state"], state["error"], state["assignedByGroup"]) == ("Error", "CountViolation", group)
    assert shown(sandbox, second, "assignedLicenses")["assignedLicenses"] == []
    direct = sandbox.ask("POST", f"/users/{first}/assignLicense", {"addLicenses": [], "removeLicenses": [sku]})
    assert direct.status == 400, "an inherited licence is not the user's to give up"
    assert sandbox.ask("DELETE", f"/groups/{group}/members/{first}/$ref").status == 204
    assert shown(sandbox, first, "assignedLicenses")["assignedLicenses"] == []
    assert tenant.dump()["licenses"]["M365EDU_A3_STUUSEBNFT"]["consumed"] == 0
