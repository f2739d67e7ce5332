"""Delta queries: everything once, then changes; nothing is ever left out."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox import Faults, Sandbox, Tenant


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Tenant.new())


def follow(sandbox: Sandbox, link: str) -> tuple[list[dict[str, Any]], str, int]:
    """All rows, the delta link at the end, and the number of pages."""
    rows, count = [], 0
    while True:
        answer = sandbox.ask("GET", link.removeprefix("https://graph.microsoft.com/v1.0"))
        assert answer.status == 200, answer.body
        body = answer.json()
        rows += body["value"]
        count += 1
        if "@odata.deltaLink" in body:
            return rows, body["@odata.deltaLink"], count
        link = body["@odata.nextLink"]


def test_pages_of_two_hundred_then_nothing_then_changes(sandbox: Sandbox) -> None:
    users = [sandbox.tenant.add_user() for _ in range(450)]
    rows, link, count = follow(sandbox, "/users/delta()?$select=displayName")
    assert count == 3
    assert {row["id"] for row in rows} >= set(users)
    rows, link, _ = follow(sandbox, link)
    assert rows == []
    sandbox.tenant.update(users[7], displayName="Changed")
    new = sandbox.tenant.add_user(displayName="New")
    rows, link, _ = follow(sandbox, link)
    assert rows == [{"id": users[7], "displayName": "Changed"}, {"id": new, "displayName": "New"}]
    assert follow(sandbox, link)[0] == []


def test_a_change_between_two_pages_is_not_lost(sandbox: Sandbox) -> None:
    users = [sandbox.tenant.add_user() for _ in range(250)]
    first = sandbox.ask("GET", "/users/delta?$select=displayName").json()
    sandbox.tenant.update(users[0], displayName="Changed")
    sandbox.tenant.delete_user(users[1])
    new = sandbox.tenant.add_user(displayName="New")
    rows, link, _ = follow(sandbox, first["@odata.nextLink"])
    assert set(users[200:]) <= {row["id"] for row in rows}
    rows, _, _ = follow(sandbox, link)
    told = {row["id"]: row for row in rows}
    assert told[users[0]]["displayName"] == "Changed"
    assert told[users[1]]["@removed"] == {"reason": "changed"}
    assert new in told


def test_members_come_and_go(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    one, two, teacher = (tenant.add_user() for _ in range(3))
    group = tenant.add_class(displayName="Botany")
    tenant.add_member(group, one)
    tenant.add_owner(group, teacher)
    rows, link, _ = follow(sandbox, "/groups/delta?$select=displayName,members,owners")
    assert [end["id"] for end in rows[0]["members@delta"]] == [one]
    assert [end["id"] for end in rows[0]["owners@delta"]] == [teacher]
    tenant.add_member(group, two)
    tenant.remove_member(group, one)
    rows, _, _ = follow(sandbox, link)
    assert rows[0]["members@delta"] == [
        {"@odata.type": "#microsoft.graph.user", "id": two},
        {"@odata.type": "#microsoft.graph.user", "id": one, "@removed": {"reason": "deleted"}},
    ]
    assert "owners@delta" not in rows[0]


def test_a_deleted_user_is_removed_first_and_leaves_the_groups_only_when_purged(sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    user, group = tenant.add_user(), tenant.add_group()
    tenant.add_member(group, user)
    _, users, _ = follow(sandbox, "/users/delta")
    _, groups, _ = follow(sandbox, "/groups/delta")
    tenant.delete_user(user)
    rows, users, _ = follow(sandbox, users)
    assert rows == [{"id": user, "@removed": {"reason": "changed"}}]
    assert follow(sandbox, groups)[0] == []
    tenant.purge(tenant.deleted[user])
    assert follow(sandbox, users)[0] == [{"id": user, "@removed": {"reason": "deleted"}}]
    assert follow(sandbox, groups)[0][0]["members@delta"][0]["@removed"] == {"reason": "deleted"}


def test_education_deltas_are_silent_about_deletions(sandbox: Sandbox) -> None:
    user = sandbox.tenant.add_user()
    _, link, _ = follow(sandbox, "/education/users/delta")
    sandbox.tenant.delete_user(user)
    assert follow(sandbox, link)[0] == []


def test_only_classes_and_schools(sandbox: Sandbox) -> None:
    sandbox.tenant.add_group()
    sandbox.tenant.add_unit()
    section, school = sandbox.tenant.add_class(), sandbox.tenant.add_school()
    assert [row["id"] for row in follow(sandbox, "/education/classes/delta")[0]] == [section]
    assert [row["id"] for row in follow(sandbox, "/education/schools/delta")[0]] == [school]
    assert len(follow(sandbox, "/directory/administrativeUnits/delta")[0]) == 2


def test_what_lags_is_told_later() -> None:
    time = 0.0
    sandbox = Sandbox(Tenant.new(), Faults(lag_seconds=10), clock=lambda: time)
    body = {"displayName": "Late", "mailNickname": "Section_L"}
    late = sandbox.ask("POST", "/education/classes", body).json()["id"]
    sandbox.tenant.add_group(displayName="Seen at once")
    rows, link, _ = follow(sandbox, "/groups/delta")
    assert late not in {row["id"] for row in rows}
    time = 11.0
    assert late in {row["id"] for row in follow(sandbox, link)[0]}


@pytest.mark.parametrize(
    ("how", "status", "code"), [("gone", 410, "syncStateNotFound"), ("old", 400, "Request_UnsupportedQuery")]
)
def test_an_old_token_is_refused_and_a_fresh_start_is_not(sandbox: Sandbox, how: Any, status: int, code: str) -> None:
    _, link, _ = follow(sandbox, "/users/delta")
    sandbox.faults = Faults(delta_tokens=how)
    answer = sandbox.ask("GET", link.removeprefix("https://graph.microsoft.com/v1.0"))
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)
    assert follow(sandbox, "/users/delta")[0]


def test_a_token_that_is_none(sandbox: Sandbox) -> None:
    assert sandbox.ask("GET", "/users/delta?$deltatoken=nonsense").status == 400


def test_an_unknown_property(sandbox: Sandbox) -> None:
    assert sandbox.ask("GET", "/users/delta?$select=nonsense").status == 400
