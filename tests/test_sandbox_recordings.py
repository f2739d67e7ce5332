"""Every exchange of `tests/recordings/` comes out of the sandbox as it is written there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.sandbox import Faults, Sandbox, Tenant

FOLDER = Path(__file__).parent / "recordings"
RECORDINGS = sorted(FOLDER.glob("*.json"))


def fill(value: Any, names: dict[str, str]) -> Any:
    """`value` with the ids that `given` made in place of their names."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    return value


def differences(wanted: Any, found: Any, at: str = "body") -> list[str]:
    """Where `found` is not what the recording says."""
    if wanted == "<any>":
        return []
    if wanted == "<id>":
        good = isinstance(found, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found)
        return [] if good else [f"{at}: {found!r} is no id"]
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = {key for key in wanted if key != "<more>"}
        extra = [] if "<more>" in wanted else sorted(found.keys() - keys)
        absent = {key for key in keys - found.keys() if wanted[key] != "<any>"}
        problems = [f"{at}: {key} is not expected" for key in extra] + [f"{at}: {key} is missing" for key in absent]
        for key in keys & found.keys():
            problems += differences(wanted[key], found[key], f"{at}.{key}")
        return problems
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = zip(wanted, found, strict=True)
        return [line for i, (one, other) in enumerate(pairs) for line in differences(one, other, f"{at}[{i}]")]
    return [] if wanted == found else [f"{at}: {found!r} instead of {wanted!r}"]


def prepare(recording: dict[str, Any]) -> tuple[Sandbox, dict[str, str]]:
    tenant = Tenant.new(**recording.get("tenant", {}))
    roles = {"app_roles": recording["app_roles"]} if "app_roles" in recording else {}
    sandbox = Sandbox(tenant, Faults(**recording.get("faults", {})), clock=lambda: 0.0, **roles)
    names: dict[str, str] = {}
    for step in recording.get("given", []):
        args = fill(step.get("args", []), names)
        if step["do"] == "post":
            made = sandbox.ask("POST", *args).json()["id"]
        else:
            made = getattr(tenant, step["do"])(*args, **fill(step.get("with", {}), names))
        if "as" in step:
            names[step["as"]] = made
    return sandbox, names


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_replay(path: Path) -> None:
    recording = json.loads(path.read_text("utf-8"))
    sandbox, names = prepare(recording)
    request = fill(recording["request"], names)
    headers = {"Authorization": "Bearer recorded", **request.get("headers", {})}
    content = json.dumps(request["body"]).encode() if "body" in request else b""

    answer = sandbox.handle(request["method"], request["url"], headers, content)

    wanted = fill(recording["response"], names)
    assert answer.status == wanted["status"], answer.body
    assert differences({"<more>": True, **wanted.get("headers", {})}, dict(answer.headers), "headers") == []
    if "body" in wanted:
        assert differences(wanted["body"], answer.json()) == []
    else:
        assert answer.body == b""


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_names_its_published_page(path: Path) -> None:
    recording = json.loads(path.read_text("utf-8"))
    assert re.fullmatch(r"https://learn\.microsoft\.com/graph/[a-z/-]+", recording["page"])
    assert recording["request"]["url"].startswith("https://graph.microsoft.com/v1.0")


def test_there_are_enough() -> None:
    assert len(RECORDINGS) >= 60


def test_a_difference_is_seen() -> None:
    wanted = {"id": "<id>", "value": [{"name": "a"}], "date": "<any>", "missing": 1}
    found = {"id": "x", "value": [{"name": "b", "extra": 1}]}
    assert sorted(differences(wanted, found)) == [
        "body.id: 'x' is no id",
        "body.value[0].name: 'b' instead of 'a'",
        "body.value[0]: extra is not expected",
        "body: missing is missing",
    ]
