"""Groups, their members and owners, over several requests."""

from __future__ import annotations

import pytest

from provision.sandbox import Sandbox, Tenant

ROOT = "https://graph.microsoft.com/v1.0"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Tenant.new())


def people(sandbox: Sandbox, count: int) -> list[str]:
    return [sandbox.tenant.add_user() for _ in range(count)]


def bind(relation: str, ids: list[str]) -> dict[str, list[str]]:
    return {f"{relation}@odata.bind": [f"{ROOT}/directoryObjects/{key}" for key in ids]}


def message(answer: object) -> str:
    return str(answer.json()["error"]["message"])  # type: ignore[attr-defined]


def test_twenty_references_fit_and_owners_count_with_members(sandbox: Sandbox) -> None:
    users = people(sandbox, 20)
    group = sandbox.tenant.add_group(groupTypes=["Unified"])
    too_many = sandbox.ask("PATCH", f"/groups/{group}", {**bind("members", users), **bind("owners", users[:1])})
    assert "more than 20 link changes" in message(too_many)
    fits = sandbox.ask("PATCH", f"/groups/{group}", {**bind("members", users[:19]), **bind("owners", users[:1])})
    assert fits.status == 204
    assert len(sandbox.tenant.live["group"][group].ids("members")) == 19


@pytest.mark.parametrize("odd", ["existing", "unknown", "twice"])
def test_references_are_added_all_or_none(sandbox: Sandbox, odd: str) -> None:
    users = people(sandbox, 3)
    group = sandbox.tenant.add_group(groupTypes=["Unified"])
    sandbox.tenant.add_member(group, users[0])
    unknown = "11111111-2222-4333-8444-555555555555"
    asked = {"existing": users, "unknown": [*users[1:], unknown], "twice": [users[1], users[2], users[1]]}[odd]
    answer = sandbox.ask("PATCH", f"/groups/{group}", {"description": "new", **bind("members", asked)})
    expected = {
        "existing": (400, "already exist for the following modified properties: 'members'"),
        "unknown": (404, unknown),
        "twice": (400, "can only be present once as an add/remove change."),
    }[odd]
    assert answer.status == expected[0]
    assert expected[1] in message(answer)
    assert list(sandbox.tenant.live["group"][group].ids("members")) == users[:1]
    assert "description" not in sandbox.tenant.live["group"][group].values


def test_a_hundred_owners_and_those_there_counted_again(sandbox: Sandbox) -> None:
    users = people(sandbox, 101)
    group = sandbox.tenant.add_group(groupTypes=["Unified"])
    for user in users[:81]:
        sandbox.tenant.add_owner(group, user)
    again = sandbox.ask("PATCH", f"/groups/{group}", bind("owners", users[:20]))
    assert again.json()["error"]["code"] == "Directory_QuotaExceeded"
    assert "'101' would exceed the maximum quota count '100'" in message(again)
    for user in users[81:100]:
        one = sandbox.ask("POST", f"/groups/{group}/owners/$ref", {"@odata.id": f"{ROOT}/users/{user}"})
        assert one.status == 204
    last = sandbox.ask("POST", f"/groups/{group}/owners/$ref", {"@odata.id": f"{ROOT}/users/{users[100]}"})
    assert last.status == 403


def test_an_owner_leaves_unless_alone(sandbox: Sandbox) -> None:
    one, other = people(sandbox, 2)
    group = sandbox.tenant.add_group(groupTypes=["Unified"])
    sandbox.ask("PATCH", f"/groups/{group}", bind("owners", [one, other]))
    assert sandbox.ask("DELETE", f"/groups/{group}/owners/{one}/$ref").status == 204
    assert "at least one owner" in message(sandbox.ask("DELETE", f"/groups/{group}/owners/{other}/$ref"))


def test_only_users_join_a_microsoft_365_group(sandbox: Sandbox) -> None:
    inner, security = sandbox.tenant.add_group(), sandbox.tenant.add_group()
    unified = sandbox.tenant.add_group(groupTypes=["Unified"])
    reference = {"@odata.id": f"{ROOT}/groups/{inner}"}
    assert sandbox.ask("POST", f"/groups/{security}/members/$ref", reference).status == 204
    assert sandbox.ask("POST", f"/groups/{unified}/members/$ref", reference).status == 404


def test_removing_without_ref_leaves_the_user_alone(sandbox: Sandbox) -> None:
    (user,) = people(sandbox, 1)
    group = sandbox.tenant.add_group()
    sandbox.tenant.add_member(group, user)
    assert sandbox.ask("DELETE", f"/groups/{group}/members/{user}").status == 400
    assert sandbox.ask("GET", f"/users/{user}").status == 200
    assert sandbox.ask("DELETE", f"/groups/{group}/members/{user}/$ref").status == 204


def test_an_alias_is_free_again_after_deletion_but_the_old_group_then_stays_away(sandbox: Sandbox) -> None:
    body = {"displayName": "Choir", "groupTypes": ["Unified"], "mailEnabled": True, "mailNickname": "choir",
            "securityEnabled": False}  # fmt: skip
    first = sandbox.ask("POST", "/groups", body).json()["id"]
    assert sandbox.ask("POST", "/groups", body).status == 400
    assert sandbox.ask("DELETE", f"/groups/{first}").status == 204
    assert sandbox.ask("POST", "/groups", body).status == 201
    assert sandbox.ask("POST", f"/directory/deletedItems/{first}/restore", {}).status == 400


def test_an_upsert_makes_one_group_however_often_it_is_sent(sandbox: Sandbox) -> None:
    body = {"displayName": "All", "mailEnabled": False, "mailNickname": "all", "securityEnabled": True}
    path, wish = "/groups(uniqueName='all''s')", {"Prefer": "create-if-missing"}
    assert [sandbox.ask("PATCH", path, body, wish).status for _ in range(3)] == [201, 204, 204]
    assert sandbox.ask("PATCH", path, {"displayName": "Everyone"}).status == 204
    assert sandbox.ask("GET", path).json()["displayName"] == "Everyone"
    assert [row["uniqueName"] for row in sandbox.tenant.dump()["groups"]] == ["all's"]


@pytest.mark.parametrize("change", [{"visibility": "Public"}, {"groupTypes": []}, {"mail": "x@contoso.edu"}])
def test_what_is_settled_at_creation_stays(sandbox: Sandbox, change: dict[str, object]) -> None:
    group = sandbox.tenant.add_class(mailNickname="Section_1")
    assert sandbox.ask("PATCH", f"/groups/{group}", change).status == 400


def test_groups_get_the_domain_that_the_tenant_chooses(sandbox: Sandbox) -> None:
    sandbox.tenant.mail_domain = "students.contoso.edu"
    body = {"displayName": "Choir", "groupTypes": ["Unified"], "mailEnabled": True, "mailNickname": "choir",
            "securityEnabled": False}  # fmt: skip
    assert sandbox.ask("POST", "/groups", body).json()["mail"] == "choir@students.contoso.edu"


def test_hidden_members_are_missing_not_refused(sandbox: Sandbox) -> None:
    (user,) = people(sandbox, 1)
    group = sandbox.tenant.add_class()
    sandbox.tenant.add_member(group, user)
    blind = Sandbox(sandbox.tenant, app_roles=())
    for path in (f"/groups/{group}/members", f"/education/classes/{group}/members", f"/users/{user}/memberOf"):
        assert blind.ask("GET", path).json()["value"] == []
        assert len(sandbox.ask("GET", path).json()["value"]) == 1


def test_a_team_needs_an_owner_and_is_made_once(sandbox: Sandbox) -> None:
    (user,) = people(sandbox, 1)
    group = sandbox.tenant.add_class(displayName="Botany")
    body = {
        "template@odata.bind": f"{ROOT}/teamsTemplates('educationClass')",
        "group@odata.bind": f"{ROOT}/groups('{group}')",
    }
    assert sandbox.ask("POST", "/teams", body).status == 400
    sandbox.tenant.add_owner(group, user)
    made = sandbox.ask("POST", "/teams", body)
    assert made.status == 202
    assert sandbox.ask("GET", made.headers["Location"]).json()["status"] == "succeeded"
    assert sandbox.ask("POST", "/teams", body).status == 409
    assert sandbox.ask("GET", f"/teams/{group}").json()["displayName"] == "Botany"
