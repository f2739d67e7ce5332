"""Every folder of `tests/cases` is a case: roster, directory and profile in; the plan's lines and the report out.

    pytest tests/test_cases.py --update      rewrites the expected files, to be read before they are committed

`directory.json` seeds the tenant: `{"users": [...], "classes": [...], "schools": [...], "roles": [upn, ...]}` with
Graph's own property names. `before/` is a roster that was applied first; `roster/` is the one that is planned.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.world import World, world

from provision.plan.planfile import PlanFile
from provision.reports import RENDERERS, Page

ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with world(tmp_path) as school:
        seed(school, case / "directory.json")
        (tmp_path / "profile.toml").write_text((case / "profile.toml").read_text(encoding="utf-8"), encoding="utf-8")
        if (case / "before").is_dir():
            school.day(case / "before")
        planned = school.plan(case / "roster")
    found = {
        "plan.jsonl": b"".join(planned.file.path.read_bytes().splitlines(keepends=True)[1:]).decode(),
        "report.md": steady(planned.file),
    }
    for name, exact in found.items():
        text = named(exact, school)
        if request.config.getoption("--update"):
            (case / name).write_text(text, encoding="utf-8")
        assert text == (case / name).read_text(encoding="utf-8"), name


def seed(school: World, path: Path) -> None:
    """Put into the tenant what was there before us."""
    given = json.loads(path.read_text(encoding="utf-8"))
    for values in given.get("users", []):
        school.tenant.add_user(**values)
    for values in given.get("classes", []):
        school.tenant.add_class(**values)
    for values in given.get("schools", []):
        school.tenant.add_school(**values)
    for name in given.get("roles", []):
        school.tenant.assign_role(school.user(name)["id"])


def named(text: str, school: World) -> str:
    """The text with a name for each id: which id an object got depends on which request came first."""
    dump = school.tenant.dump()
    names = {each["id"]: each.get("userPrincipalName") or each.get("mailNickname") or each["displayName"]
             for kind in ("users", "groups", "classes", "schools") for each in dump[kind]}  # fmt: skip
    return ID.sub(lambda found: f"<{names[found[0]]}>" if found[0] in names else found[0], text)


def steady(plan: PlanFile) -> str:
    """The report without what changes from day to day."""
    text = "".join(RENDERERS["markdown"](plan, Page()))
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "<time>", text)
    return re.sub(r"\b[0-9a-f]{64}\b", "<digest>", text)
