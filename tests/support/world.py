"""A school, its roster and a tenant, for tests that drive the whole road over real HTTP under the real SDK."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from tenacity import wait_fixed

from provision.apply.run import Applied
from provision.cli.road import Allowances, Run, apply_from, open_run, plan_to, utc_now
from provision.graph import retry
from provision.plan.planfile import PlanFile
from provision.sandbox import Faults, Sandbox, Server, Tenant, serve
from provision.sandbox.app import Logged
from provision.settings import Settings

PROFILE = """
name = "test"
[tenant]
id = "sandbox"
usage_location = "US"
[roster]
path = "roster"
[students]
mode = "{mode}"
domain = "students.contoso.edu"
match = {{ source = "username", target = "userPrincipalName", append_domain = "students.contoso.edu" }}
properties = ["grade"]
licenses = {licenses}
{students}
[staff]
mode = "{mode}"
domain = "contoso.edu"
match = {{ source = "username", target = "userPrincipalName", append_domain = "contoso.edu" }}
properties = ["title"]
[sections]
domain = "contoso.edu"
{sections}
[schools]
{schools}
[school_groups]
{school_groups}
[guards]
{guards}
[protect]
{protect}
"""
FREE = """roster_shrinks = "100%"
creates = "100%"
updates = "100%"
member_removals = "100%"
removals_per_section = "100%"
removals_per_school = "100%"
section_emptied = "100%"
errors = "100%"
"""
Rows = list[dict[str, str]]


@dataclass
class Roster:
    """An SDS V2.1 roster as rows; two schools of one district to start with."""

    orgs: Rows = field(default_factory=lambda: [
        {"sourcedId": "D", "name": "Harbor District", "type": "district", "parentSourcedId": ""},
        {"sourcedId": "10", "name": "North School", "type": "school", "parentSourcedId": "D"},
        {"sourcedId": "11", "name": "South School", "type": "school", "parentSourcedId": "D"},
    ])  # fmt: skip
    users: Rows = field(default_factory=list)
    roles: Rows = field(default_factory=list)
    classes: Rows = field(default_factory=list)
    enrollments: Rows = field(default_factory=list)

    def person(self, id_: str, role: str = "student", org: str = "10", grade: str = "", **values: str) -> Roster:
        """Add a person with one role; names are made from the id."""
        row = {"sourcedId": id_, "username": id_.lower(), "givenName": f"Given{id_}", "familyName": f"Family{id_}"}
        self.users.append({**row, **values})
        self.roles.append({"userSourcedId": id_, "orgSourcedId": org, "role": role, "grade": grade})
        return self

    def people(self, *ids: str, **values: str) -> Roster:
        """Add several students."""
        for id_ in ids:
            self.person(id_, **values)
        return self

    def section(
        self, id_: str, title: str = "", org: str = "10", teacher: str = "", students: Iterable[str] = ()
    ) -> Roster:
        """Add a section with its teacher and students."""
        self.classes.append({"sourcedId": id_, "orgSourcedId": org, "title": title or f"Class {id_}"})
        if teacher:
            self.enroll(id_, teacher, "teacher")
        for student in students:
            self.enroll(id_, student)
        return self

    def enroll(self, section: str, person: str, role: str = "student") -> Roster:
        """Add one enrollment."""
        self.enrollments.append({"classSourcedId": section, "userSourcedId": person, "role": role})
        return self

    def write(self, folder: Path) -> None:
        """Write the five files."""
        folder.mkdir(parents=True, exist_ok=True)
        columns = {
            "orgs": ["sourcedId", "name", "type", "parentSourcedId"],
            "users": ["sourcedId", "username", "givenName", "familyName", "password", "email", "phone"],
            "roles": ["userSourcedId", "orgSourcedId", "role", "sessionSourcedId", "grade", "isPrimary"],
            "classes": ["sourcedId", "orgSourcedId", "title", "sessionSourcedIds", "courseSourcedId"],
            "enrollments": ["classSourcedId", "userSourcedId", "role"],
        }
        for name, header in columns.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, header, restval="")
                writer.writeheader()
                writer.writerows(getattr(self, name))


@dataclass(frozen=True)
class Planned:
    """A plan, read back from its file."""

    file: PlanFile
    header: dict[str, Any]
    changes: list[dict[str, Any]]
    notes: list[dict[str, Any]]

    def ids(self, *kinds: str) -> list[str]:
        """The ids of the changes (of these kinds)."""
        return [change["id"] for change in self.changes if not kinds or change["kind"] in kinds]

    def change(self, id_: str) -> dict[str, Any]:
        """One change."""
        return next(change for change in self.changes if change["id"] == id_)

    def noted(self, what: str) -> set[tuple[str, str]]:
        """(key, rule) of the notes of one sort."""
        return {(note["key"], note["cause"]["rule"]) for note in self.notes if note["what"] == what}


@dataclass(frozen=True)
class Day:
    """How a day ended: state, tenant, plan and results in a folder, and the requests it took."""

    folder: Path
    log: tuple[Logged, ...]


_DAYS: dict[str, Day] = {}
"""Days that were lived in this process, by how they began: many tests begin alike."""
_PAST = tempfile.TemporaryDirectory(prefix="provision-days-")


class World:
    """A tenant behind a loopback server, a profile, a state folder and the roster of the day."""

    def __init__(self, folder: Path, server: Server, sandbox: Sandbox) -> None:
        self.folder, self.server, self.sandbox = folder, server, sandbox
        self.tenant: Tenant = sandbox.tenant
        self.state = folder / "state"
        self.plans = 0
        self.clock: Callable[[], datetime] = utc_now
        self.profile()

    def profile(self, mode: str = "create", licenses: str = "[]", guards: str = FREE, **tables: str) -> Path:
        """Write the profile; a keyword adds lines to a table."""
        empty = dict.fromkeys(("students", "sections", "schools", "school_groups", "protect"), "")
        path = self.folder / "profile.toml"
        path.write_text(
            PROFILE.format(mode=mode, licenses=licenses, guards=guards, **{**empty, **tables}), encoding="utf-8"
        )
        return path

    @contextmanager
    def run(self) -> Iterator[Run]:
        """An open run on this world."""
        settings = Settings(graph_url=self.server.url, state=self.state)
        with open_run(settings, self.folder / "profile.toml") as run:
            yield replace(run, clock=self.clock)

    def plan(self, roster: Roster | Path | None = None, **allow: Iterable[str]) -> Planned:
        """Plan with this roster (or the last one)."""
        if isinstance(roster, Roster):
            roster.write(self.folder / "roster")
        path = roster if isinstance(roster, Path) else None
        self.plans += 1
        with self.run() as run:
            allowed = Allowances(**{name: frozenset(names) for name, names in allow.items()})
            file = asyncio.run(plan_to(run, path, self.folder / f"plan-{self.plans}.jsonl", allowed))
        return self.planned(file)

    @staticmethod
    def planned(file: PlanFile) -> Planned:
        """A plan file, read."""
        return Planned(file, file.header, list(file.changes()), list(file.notes()))

    def apply(self, planned: Planned, **allow: Iterable[str]) -> tuple[Applied, dict[str, dict[str, Any]]]:
        """Apply a plan; also the results by id."""
        results = self.folder / "results.jsonl"
        with self.run() as run:
            allowed = Allowances(**{name: frozenset(names) for name, names in allow.items()})
            applied = asyncio.run(apply_from(run, planned.file, allowed, results))
        lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
        return applied, {line["id"]: line for line in lines}

    def day(self, roster: Roster | Path, **allow: Iterable[str]) -> Planned:
        """Plan and apply, all of which must succeed. A day that began and went the same before is not lived again."""
        key = self._beginning(roster, allow)
        if key in _DAYS:
            return self._remembered(_DAYS[key], roster)
        seen = len(self.sandbox.log)
        planned = self.plan(roster, **allow)
        applied, results = self.apply(planned)
        assert applied.complete, [line for line in results.values() if line["status"] != "done"]
        if key:
            _DAYS[key] = self._kept(planned, seen)
        return planned

    def _beginning(self, roster: Roster | Path, allow: dict[str, Iterable[str]]) -> str:
        """What the outcome of a day depends on, byte for byte; nothing where it may depend on more."""
        if not isinstance(roster, Roster) or self.clock is not utc_now or self.sandbox.faults != Faults():
            return ""
        allowed = sorted((name, sorted(names)) for name, names in allow.items())
        digest = hashlib.sha256(repr((self.server.url, roster, allowed)).encode())
        self.tenant.save(self.folder / "tenant.json")
        files = sorted(self.state.rglob("*")) if self.state.is_dir() else []
        files += self.folder.glob("*.matches.csv")
        for path in (self.folder / "profile.toml", self.folder / "tenant.json", *files):
            digest.update(f"{path.name} ".encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()

    def _kept(self, planned: Planned, seen: int) -> Day:
        """The day that is just over."""
        folder = Path(tempfile.mkdtemp(dir=_PAST.name))
        shutil.copytree(self.state, folder / "state")
        shutil.copy(planned.file.path, folder / "plan.jsonl")
        shutil.copy(self.folder / "results.jsonl", folder)
        self.tenant.save(folder / "tenant.json")
        return Day(folder, tuple(self.sandbox.log[seen:]))

    def _remembered(self, day: Day, roster: Roster | Path) -> Planned:
        """As if the day had just been lived."""
        assert isinstance(roster, Roster)
        roster.write(self.folder / "roster")
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(day.folder / "state", self.state)
        shutil.copy(day.folder / "results.jsonl", self.folder)
        self.plans += 1
        plan = Path(shutil.copy(day.folder / "plan.jsonl", self.folder / f"plan-{self.plans}.jsonl"))
        vars(self.tenant).update(vars(Tenant.load(day.folder / "tenant.json")))
        self.sandbox.log.extend(day.log)
        self.sandbox.batches = max([self.sandbox.batches, *(entry.batch or 0 for entry in day.log)])
        return self.planned(PlanFile(plan))

    def writes(self) -> list[tuple[str, str]]:
        """(method, path) of every write that the tenant got, sub-requests of batches included."""
        return [(entry.method, entry.path) for entry in self.sandbox.log
                if entry.method != "GET" and not entry.path.endswith("$batch")]  # fmt: skip

    def user(self, upn: str) -> dict[str, Any]:
        """A user as `dump` shows it."""
        return next(user for user in self.tenant.dump()["users"] if user["userPrincipalName"] == upn)

    def group(self, nickname: str) -> dict[str, Any]:
        """A group or class as `dump` shows it."""
        dump = self.tenant.dump()
        return next(group for group in dump["groups"] + dump["classes"] if group["mailNickname"] == nickname)


@contextmanager
def world(folder: Path, faults: Faults | None = None) -> Iterator[World]:
    """A world of its own, in which nobody waits long before an attempt unless the tenant says for how long."""
    sandbox = Sandbox(Tenant.new(), faults=faults or Faults())
    with patch.object(retry, "_backoff", wait_fixed(0.1)), _serve(sandbox) as server:
        yield World(folder, server, sandbox)
    _PORTS.append(urlsplit(server.url).port or 0)


_PORTS: list[int] = []
"""Where worlds that are over listened: a state folder follows the directory that it knows by its address, so a day
that is remembered goes on as one that was lived."""


def _serve(sandbox: Sandbox) -> Server:
    try:
        return serve(sandbox, _PORTS.pop() if _PORTS else 0)
    except OSError:  # somebody else has taken it
        return serve(sandbox)
