"""The state of the fake tenant: indexes, licences, soft deletion, what is saved and what is never saved."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from provision.sandbox import Sandbox, Tenant
from provision.sandbox.tenant import GROUP, USER


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.new(seats=2)


def test_a_new_tenant_has_domains_skus_and_two_administrators(tenant: Tenant) -> None:
    dump = tenant.dump()
    assert dump["tenant"]["domains"] == ["contoso.edu", "students.contoso.edu", "contoso.onmicrosoft.com"]
    assert {row["userPrincipalName"] for row in dump["users"] if row["roles"]} == {
        "admin@contoso.edu",
        "breakglass@contoso.edu",
    }
    assert dump["licenses"]["STANDARDWOFFPACK_STUDENT"] == {"enabled": 2, "consumed": 0}


def test_domains_are_a_choice() -> None:
    tenant = Tenant.new(("valley.example", "valley.onmicrosoft.com"))
    assert tenant.mail_domain == "valley.example"
    assert tenant.find(USER, "admin@valley.example") is not None


def test_the_same_steps_give_the_same_ids() -> None:
    one, other = Tenant.new(), Tenant.new()
    assert one.add_user(displayName="Kim Berg") == other.add_user(displayName="Kim Berg")


def test_a_user_is_found_by_id_and_by_any_spelling_of_the_name(tenant: Tenant) -> None:
    user = tenant.add_user(userPrincipalName="kim.berg@contoso.edu")
    for key in (user, user.upper(), "Kim.Berg@CONTOSO.edu"):
        found = tenant.find(USER, key)
        assert found is not None
        assert found.id == user


def test_indexes_follow_changes(tenant: Tenant) -> None:
    user = tenant.add_user(userPrincipalName="kim.berg@contoso.edu", employeeId="7")
    other = tenant.add_user(userPrincipalName="kim.lund@contoso.edu", employeeId="7")
    assert tenant.lookup(USER, "employeeId", "7") == (user, other)
    tenant.update(user, employeeId="8", userPrincipalName="kim.dal@contoso.edu")
    assert tenant.lookup(USER, "employeeId", "7") == (other,)
    assert tenant.find(USER, "kim.berg@contoso.edu") is None
    tenant.update(user, employeeId=None)
    assert tenant.lookup(USER, "employeeId", "8") == ()


def test_deleting_frees_seats_names_and_memberships_and_restoring_takes_them_back(tenant: Tenant) -> None:
    user = tenant.add_user(userPrincipalName="kim.berg@contoso.edu")
    group = tenant.add_group(displayName="Club")
    tenant.add_member(group, user)
    tenant.assign_license(user, "STANDARDWOFFPACK_STUDENT")
    tenant.delete_user(user)
    assert tenant.dump()["licenses"]["STANDARDWOFFPACK_STUDENT"]["consumed"] == 0
    assert tenant.lookup(USER, "userPrincipalName", "kim.berg@contoso.edu") == ()
    assert tenant.dump()["groups"][0]["members"] == []
    tenant.restore(tenant.deleted[user])
    assert tenant.dump()["licenses"]["STANDARDWOFFPACK_STUDENT"]["consumed"] == 1
    assert tenant.dump()["groups"][0]["members"] == ["kim.berg@contoso.edu"]


def test_purging_takes_the_object_out_of_every_group(tenant: Tenant) -> None:
    user = tenant.add_user(displayName="Kim Berg")
    group = tenant.add_group(displayName="Club")
    tenant.add_member(group, user)
    tenant.delete_user(user)
    tenant.purge(tenant.deleted[user])
    assert tenant.live[GROUP][group].ids("members") == {}
    assert tenant.dump()["deleted"] == []


def test_a_class_is_a_group_and_a_school_a_unit(tenant: Tenant) -> None:
    section = tenant.add_class(displayName="Botany", mailNickname="Section_B1", externalId="B1")
    school = tenant.add_school(displayName="Hill School", externalId="7001")
    student = tenant.add_user(userPrincipalName="kim.berg@contoso.edu")
    tenant.add_member(section, student)
    tenant.add_member(school, section)
    tenant.add_member(school, student)
    dump = tenant.dump()
    assert dump["groups"] == []
    assert dump["classes"][0]["members"] == ["kim.berg@contoso.edu"]
    assert dump["classes"][0]["mail"] == "Section_B1@contoso.edu"
    assert dump["schools"][0]["classes"] == ["Section_B1"]
    assert dump["schools"][0]["users"] == ["kim.berg@contoso.edu"]


def test_what_was_saved_is_loaded(tenant: Tenant, tmp_path: Path) -> None:
    user = tenant.add_user(userPrincipalName="kim.berg@contoso.edu", displayName="Kim Bärg")
    group = tenant.add_group(displayName="Club", mailNickname="club")
    tenant.add_member(group, user)
    tenant.add_owner(group, user)
    tenant.assign_license(user, "STANDARDWOFFPACK_STUDENT")
    gone = tenant.add_user(displayName="Gone")
    purged = tenant.add_user(displayName="Purged")
    tenant.delete_user(gone)
    tenant.delete_user(purged)
    tenant.purge(tenant.deleted[purged])
    tenant.mail_domain = "students.contoso.edu"
    path = tmp_path / "state" / "tenant.json"
    tenant.save(path)
    loaded = Tenant.load(path)
    assert loaded.dump() == tenant.dump()
    assert loaded.mail_domain == "students.contoso.edu"
    assert loaded.purged == tenant.purged
    assert loaded.add_user(displayName="Next") == tenant.add_user(displayName="Next")


def test_the_file_is_private_and_replaced_whole(tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "tenant.json"
    path.write_text("what was there")
    path.chmod(0o644)
    tenant.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["tenant.json"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting"),
        ('{"format": "something else"}', "not the state"),
        ('{"format": "provision sandbox 1", "id": "x"}', "damaged"),
    ],
)
def test_a_file_that_is_no_state_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "tenant.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        Tenant.load(path)


def test_no_password_is_kept(tenant: Tenant, tmp_path: Path) -> None:
    sandbox = Sandbox(tenant)
    body = {
        "accountEnabled": True,
        "displayName": "Kim Berg",
        "mailNickname": "kim",
        "userPrincipalName": "kim@contoso.edu",
        "passwordProfile": {"password": "Silver-Boat-9", "forceChangePasswordNextSignIn": True},
    }
    made = sandbox.ask("POST", "/users", body)
    sandbox.ask("PATCH", "/users/kim@contoso.edu", {"passwordProfile": {"password": "Golden-Boat-9"}})
    tenant.save(tmp_path / "tenant.json")
    text = (tmp_path / "tenant.json").read_text() + json.dumps(tenant.dump()) + made.body.decode()
    assert "Boat" not in text
    kim = next(row for row in tenant.dump()["users"] if row["displayName"] == "Kim Berg")
    assert kim["passwords"] == 2
    shown = sandbox.ask("GET", "/users/kim@contoso.edu?$select=passwordProfile").json()
    assert shown["passwordProfile"] == {"forceChangePasswordNextSignIn": True}
