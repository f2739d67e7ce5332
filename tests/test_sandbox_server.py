"""The sandbox over HTTP on this machine."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.sandbox import Faults, Sandbox, Server, Tenant, serve

HEADERS = {"Authorization": "Bearer any", "Content-Type": "application/json"}


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection.request(method, f"/v1.0{path}", json.dumps(body) if body is not None else None, HEADERS)
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content else None


def test_one_connection_for_many_requests() -> None:
    with serve(Sandbox(Tenant.new())) as server:
        assert server.url.startswith("http://127.0.0.1:")
        connection = connect(server)
        assert ask(connection, "GET", "/organization")[0] == 200
        socket = connection.sock
        assert ask(connection, "PATCH", "/users/admin@contoso.edu", {"displayName": "Ad Min"}) == (204, None)
        assert ask(connection, "GET", "/users/admin@contoso.edu?$select=displayName")[1]["displayName"] == "Ad Min"
        assert connection.sock is socket
        connection.close()


def test_links_lead_back_to_the_server() -> None:
    tenant = Tenant.new()
    with serve(Sandbox(tenant)) as server:
        connection = connect(server)
        link = ask(connection, "GET", "/users?$top=1")[1]["@odata.nextLink"]
        assert link.startswith(f"{server.url}/v1.0/users?")
        assert len(ask(connection, "GET", link.removeprefix(f"{server.url}/v1.0"))[1]["value"]) == 1
        connection.close()


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic eA=="}])
def test_a_token_is_needed(header: dict[str, str]) -> None:
    with serve(Sandbox(Tenant.new())) as server:
        connection = connect(server)
        connection.request("GET", "/v1.0/users", headers=header)
        answer = connection.getresponse()
        assert answer.status == 401
        assert json.loads(answer.read())["error"]["code"] == "InvalidAuthenticationToken"
        connection.close()


@pytest.mark.parametrize("path", ["/beta/users", "/users", "/"])
def test_only_version_one(path: str) -> None:
    with serve(Sandbox(Tenant.new())) as server:
        connection = connect(server)
        connection.request("GET", path, headers=HEADERS)
        assert connection.getresponse().status == 400
        connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.9", "::", "graph.example"])  # noqa: S104  # that it is refused
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(UsageError, match="this machine only"):
        serve(Sandbox(Tenant.new()), host=host)


def test_a_cut_connection() -> None:
    with serve(Sandbox(Tenant.new(), Faults(lose_answers=1, cut_connections=True))) as server:
        connection = connect(server)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(connection, "PATCH", "/users/admin@contoso.edu", {"displayName": "Done"})
        connection.close()
        assert ask(connection, "GET", "/users/admin@contoso.edu")[1]["displayName"] == "Done"
        connection.close()


def test_the_state_is_written_while_it_runs_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "tenant.json"
    with serve(Sandbox(Tenant.new()), state=path) as server:
        connection = connect(server)
        ask(connection, "PATCH", "/users/admin@contoso.edu", {"displayName": "One"})
        for _ in range(100):
            if path.exists() and "One" in path.read_text():
                break
            time.sleep(0.02)
        assert "One" in path.read_text()
        ask(connection, "PATCH", "/users/admin@contoso.edu", {"displayName": "Two"})
        connection.close()
    assert Tenant.load(path).dump() == server.sandbox.tenant.dump()
    assert any(row["displayName"] == "Two" for row in Tenant.load(path).dump()["users"])


def test_many_at_a_time() -> None:
    sandbox = Sandbox(Tenant.new())
    with serve(sandbox) as server:

        def make(number: int) -> int:
            connection = connect(server)
            status, _ = ask(connection, "POST", "/education/schools", {"displayName": f"School {number}"})
            connection.close()
            return status

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(make, range(60))) == {201}
    assert len({row["id"] for row in sandbox.tenant.dump()["schools"]}) == 60


def test_closing_twice_is_closing_once() -> None:
    server = serve(Sandbox(Tenant.new()))
    server.close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        ask(connect(server), "GET", "/organization")
