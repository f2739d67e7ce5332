"""Runs of `provision apply` in processes of their own, that are killed without warning; and how it all ends.

The processes are forked from one that has imported what an apply imports, so that one starts in no time.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support import world as worlds
from support.world import Planned, Roster, World

from provision.sandbox import Sandbox, Tenant
from provision.sandbox.batch import Part
from provision.sandbox.call import Result
from provision.sandbox.errors import GraphError
from provision.sandbox.faults import ConnectionCut
from provision.store import Store

FORKING = """
import json, os, sys
from tenacity import wait_fixed
from provision.cli import applying, main
from provision.graph import retry
retry._backoff = wait_fixed(0.05)  # as in the world: nobody waits long before an attempt
for line in sys.stdin:
    arguments, environment, out = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ.update(environment)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream in (1, 2):
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), stream)
        code = main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
LATE = 0.05
"""Seconds in which a request arrives that left just before its sender was killed."""
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Kill:
    """When a process is killed: at its nth read or write, or after so many seconds (the smallest of what is given).

    The request at which it is killed, and whatever else it has on its way, is `carried` out, or gets lost. `tear` cuts
    so many bytes off what was written last, as a lost power supply does.
    """

    read: int = 0
    write: int = 0
    seconds: float = 0
    carried: bool = True
    tear: int = 0


class Deadly(Sandbox):
    """A tenant at whose requests a process may die."""

    victim = 0
    """The process that is asking; 0 when it is dead, or nobody is to die."""
    kill = Kill()
    dead = False

    def threaten(self, victim: int, kill: Kill) -> None:
        """From now on `victim` asks, and dies as `kill` says."""
        with self.lock:
            self.victim, self.kill, self.dead = victim, kill, False
            self.seen = {"read": 0, "write": 0}

    def _one(self, root: str, part: Part, number: int | None, error: GraphError | None) -> Result:
        if self.victim and not self.dead:
            what = "read" if part.method == "GET" else "write"
            self.seen[what] += 1
            if self.seen[what] == getattr(self.kill, what):
                os.kill(self.victim, signal.SIGKILL)
                self.dead = True
        if self.dead and not self.kill.carried:
            raise ConnectionCut
        return super()._one(root, part, number, error)


class Forks:
    """The process that others are forked from."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
        self._parent = subprocess.Popen(
            [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def start(self, arguments: list[str], environment: dict[str, str], out: Path) -> int:
        """`provision` with these arguments; gives its process id."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps([arguments, environment, str(out)]) + "\n")
        self._parent.stdin.flush()
        return self._said()

    def wait(self) -> int:
        """With what it has left; -9 where it was killed."""
        return self._said()

    def _said(self) -> int:
        assert self._parent.stdout is not None
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(timeout=20)
        self._parent.stdout.close()


class Deaths:
    """A world, a plan for it, and how it looks before the plan is applied."""

    def __init__(self, school: World, planned: Planned, folder: Path, forks: Forks) -> None:
        self.school, self.planned, self.forks = school, planned, forks
        assert isinstance(school.sandbox, Deadly)
        self.sandbox = school.sandbox
        self.out = folder / "out.txt"
        self._before, self._tenant = folder / "before", folder / "tenant.json"
        shutil.copytree(school.state, self._before)
        school.tenant.save(self._tenant)

    def reset(self) -> None:
        """Everything as before the plan was applied."""
        shutil.rmtree(self.school.state)
        shutil.copytree(self._before, self.school.state)
        vars(self.school.tenant).update(vars(Tenant.load(self._tenant)))
        self.sandbox.log.clear()

    def start(self, *arguments: str, kill: Kill | None = None) -> int:
        """Begin `provision apply` with these arguments; gives the process id."""
        self.sandbox.threaten(0, Kill())
        environment = {"PROVISION_GRAPH_URL": self.school.server.url, "PROVISION_STATE": str(self.school.state)}
        profile = str(self.school.folder / "profile.toml")
        victim = self.forks.start(["apply", "--profile", profile, *arguments], environment, self.out)
        self.sandbox.threaten(victim, kill or Kill())
        return victim

    def run(self, *arguments: str, kill: Kill | None = None) -> int:
        """Run `provision apply` with these arguments; gives the exit code, -9 if it was killed."""
        kill = kill or Kill()
        victim = self.start(*arguments, kill=kill)
        timer = threading.Timer(kill.seconds, _kill, (victim,))
        if kill.seconds:
            timer.start()
        code = self.forks.wait()
        timer.cancel()
        if code == -signal.SIGKILL:
            time.sleep(LATE)
            if kill.tear:
                self._tear(kill.tear)
        self.sandbox.threaten(0, Kill())
        return code

    def said(self) -> str:
        """What the last process wrote."""
        return self.out.read_text(encoding="utf-8")

    def live_through(self, kills: Iterator[Kill]) -> int:
        """Apply the plan, and go on with it as often as it takes; how often it was killed."""
        self.reset()
        given = [str(self.planned.file.path)]
        arguments = given
        for died, kill in enumerate(chain(kills, [Kill()])):
            code = self.run(*arguments, kill=kill)
            if code == 0 and self.said().startswith("Nothing to resume"):  # the first one died before it had begun
                code = self.run(*given)
            if code != -signal.SIGKILL:
                assert code == 0, self.said()
                return died
            arguments = ["--resume"]
        raise AssertionError("nobody kills the last one")

    def _tear(self, number: int) -> None:
        """Cut bytes off the files that are appended to. Only where nothing of the last lines has left: what has, was
        durable."""
        for path in (*self.school.state.glob("*.wal"), *self.school.state.glob("*.journal.jsonl")):
            os.truncate(path, max(0, path.stat().st_size - number))

    def end(self) -> dict[str, Any]:
        """How it ended: see `ending`."""
        return ending(self.school)


def ending(school: World) -> dict[str, Any]:
    """The tenant and the ledger, with names for ids; and what must be nothing: what is left over or in doubt."""
    dump = school.tenant.dump()
    kinds = ("users", "groups", "classes", "schools", "units")
    names = {
        each["id"]: each.get("userPrincipalName") or each.get("mailNickname") or each["displayName"]
        for kind in kinds
        for each in dump[kind]
    }
    with school.run() as run:
        store = run.store
        found = {
            "tenant": {name: dump[name] for name in (*kinds, "licenses", "deleted")},
            "ledger": sorted(map(str, store.rows("SELECT kind, key, object_id FROM ledger.objects"))),
            "links": sorted(map(str, store.rows("SELECT * EXCLUDE run FROM ledger.links"))),
            "left over": store.rows("FROM journal.unfinished") + list(school.state.glob("*.plan.jsonl*")),
            "unsettled": store.rows("SELECT change_id FROM journal.unsettled"),
            "not done": _not_done(store),
            "other passwords": _other_passwords(school),
        }
    text = json.dumps(found, default=str, sort_keys=True)
    steady: dict[str, Any] = json.loads(ID.sub(lambda id_: f"<{names.get(id_[0], id_[0])}>", text))
    return steady


def _other_passwords(school: World) -> list[str]:
    """Accounts that were made with another password than the one that stands in the file, or with none."""
    kept = {}
    for line in (school.state / "test.passwords.jsonl").read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):  # one that was cut off
            account = json.loads(line)
            kept[account["user_principal_name"]] = account["password"]
    made = {
        body["userPrincipalName"]: body["passwordProfile"]["password"]
        for body in (entry.body for entry in school.sandbox.log if entry.status < 300 and entry.method == "POST")
        if isinstance(body, dict) and "passwordProfile" in body
    }
    return sorted(name for name, password in made.items() if kept.get(name) != password)


def _not_done(store: Store) -> list[Any]:
    """What the last run did not do."""
    last = "(SELECT arg_max(run, started) FROM journal.runs)"
    return store.rows(f"SELECT change_id, status, error FROM journal.outcomes WHERE run = {last} AND status <> 'done'")


def _kill(victim: int) -> None:
    with suppress(ProcessLookupError):  # it has just come to its end by itself
        os.kill(victim, signal.SIGKILL)


@contextmanager
def deaths(folder: Path, forks: Forks, *days: Roster, **profile: str) -> Iterator[Deaths]:
    """The plan of the last of `days`, after the days before were lived."""
    place = folder / "world"
    place.mkdir()
    with patch.object(worlds, "Sandbox", Deadly), worlds.world(place) as school:
        school.profile(**profile)
        for day in days[:-1]:
            school.day(day)
        yield Deaths(school, school.plan(days[-1]), folder, forks)


def every(number: int, *, carried: bool) -> Iterator[Kill]:
    """Each process dies at its nth write."""
    while True:
        yield Kill(write=number, carried=carried)


def at_random(seed: str, longest: int, seconds: float) -> Iterator[Kill]:
    """So many processes at most die at a moment that nobody knows."""
    chance = random.Random(seed)
    for _ in range(longest):
        yield chance.choice((
            Kill(read=chance.randint(1, 12)),
            Kill(write=chance.randint(1, 30), carried=chance.random() < 0.5),
            Kill(write=1, carried=False, tear=chance.randint(1, 40)),
            Kill(seconds=chance.uniform(0.05, seconds)),
        ))  # fmt: skip
