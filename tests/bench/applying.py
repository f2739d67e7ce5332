"""Applying: how many writes, in what time, at what cost. Each row beside what is least, or beside the plain script.

The tenant is a process of its own with the published quota (3,000 writes, 20 a second) and the latency that is assumed:
150 to 300 ms a call that writes, 50 ms for each further part of a batch. Where the quota decides, its clock and the
client's run 5 times as fast, and the runs go on side by side, for they wait.
"""

from __future__ import annotations

import math
import shutil
import statistics
from functools import cached_property
from pathlib import Path

from bench.measure import Counts, Server, at_once, run, serving, tell_goal
from bench.scale import Scale

SPEED = 5
RATE, BURST = 20, 3_000  # writes (learn.microsoft.com/graph/throttling-limits): in a second, and at once
WINDOW = 150  # seconds
LATENCY: dict[str, object] = {"write_seconds": [0.15, 0.3], "step_seconds": 0.05}
ALONE, BATCH, IN_FLIGHT = 0.225, 20, 8
FULL_BATCH = ALONE + (BATCH - 1) * 0.05  # seconds, of a batch of 20
TRIPS = 3  # an account, its class, a second batch of members


def fastest(writes: float, rate: float = RATE, burst: float = BURST) -> float:
    """The least seconds that so many writes can take: the quota, the batches that may be on their way at once, or the
    writes that wait for each other; whichever is most."""
    quota = max(0.0, writes - burst) / rate
    return max(quota, math.ceil(writes / BATCH) * FULL_BATCH / IN_FLIGHT, TRIPS * ALONE)


def fastest_by_windows(writes: float) -> float:
    """The same where the quota is given out anew every `WINDOW` seconds."""
    before = math.ceil(writes / BURST) - 1
    rest = writes - before * BURST
    return max(before * WINDOW + math.ceil(rest / BATCH) * FULL_BATCH / IN_FLIGHT, fastest(writes, math.inf))


class Applying:
    """The rows, and what several of them need, which is measured once."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self._folder, self._scale = folder, scale
        self._sizes: dict[int, Counts] = {}

    # -- rows

    def writes(self) -> None:
        """Is anything sent that need not be?"""
        students = self._scale.whole
        folder, size = self._roster(students)
        fewest = size["whole"]
        with serving() as server:
            done = first_load(server, folder, 0, "whole.toml")
        shutil.rmtree(folder / "state")
        tell_goal(
            f"writes of {students:,} students / fewest", [done["writes"] / fewest], "1.00",
            f"{done['writes']:,.0f} sent, {fewest:,.0f} is least; {done['batches']:,.0f} batches, least "
            f"{math.ceil(fewest / BATCH):,}; CPU {1e6 * done['cpu'] / done['writes']:,.0f} us a write without waiting",
            "writes",
        )  # fmt: skip

    def first(self) -> None:
        """The published quota."""
        self._tell_bound("first", self._first, f"first load of {self._scale.bound:,} / bound", "<= 1.03, 0")

    def spent(self) -> None:
        """Somebody else has emptied the bucket, and we are not told before we ask."""
        found = self._bound("spent", {"throttle_fill": 0}, burst=0)
        self._tell_bound("spent", found, "the same, bucket spent / bound", "<= 1.03, 1")

    def half(self) -> None:
        """Half of what is published is granted: how much of it is used?"""
        students = self._scale.halved
        found = self._bound("half", {"throttle_writes": [RATE / 2, BURST / 2]}, students, RATE / 2, BURST / 2)
        used = [100 * one["bound"] / one["tenant_seconds"] for one in found]
        refused = [100 * one["refused"] / one["writes"] for one in found]
        tell_goal(
            f"{students:,}, half is granted: % used", used, ">= 95, 1 %",
            f"refused {worst(refused):.2f} % of the writes; {told(found)}", "half",
        )  # fmt: skip

    def accrue(self) -> None:
        """What is refused is counted too."""
        found = self._bound("accrue", {"throttle_accrue": True})
        usual = statistics.median(one["tenant_seconds"] for one in self._first)
        tell_goal(
            "refused calls count too / first load", [one["tenant_seconds"] / usual for one in found], "0.99 - 1.01",
            f"refused {worst([one['refused'] for one in found]):,.0f}; {told(found)}", "accrue",
        )  # fmt: skip

    def window(self) -> None:
        """A fixed window in place of a bucket."""
        found = self._bound("window", {"throttle_window": WINDOW})
        ratios = [one["tenant_seconds"] / fastest_by_windows(one["writes"]) for one in found]
        refused = [100 * one["refused"] / one["writes"] for one in found]
        tell_goal(
            "a fixed window / bound", ratios, "<= 1.05, 0.5 %",
            f"refused {worst(refused):.2f} % of the writes; {told(found, fastest_by_windows(found[0]['writes']))}",
            "window",
        )  # fmt: skip

    def free(self) -> None:
        """The quota does not hold it up: latency does."""
        self._tell_bound("free", self._free, f"{self._scale.free:,} students, 8 in flight / bound", "<= 1.10", 1)

    def plain(self) -> None:
        """Against the plain script, in real time."""
        script = self._plain
        for students, found, least, speed in (
            (self._scale.free, self._free, 50, 1),
            (self._scale.bound, self._first, 10, SPEED),
        ):
            calls = found[0]["plain_calls"]
            theirs = calls * script["seconds"] / script["calls"]
            ratios = [theirs / one["tenant_seconds"] for one in found]
            mine = statistics.median(one["tenant_seconds"] for one in found)
            fast = "" if speed == 1 else f" (at {speed} times the clock)"
            tell_goal(
                f"plain script / ours, {students:,} students", ratios, f">= {least}",
                f"{theirs:,.0f} s for {calls:,.0f} calls, by arithmetic from {script['calls']:,.0f} calls in "
                f"{script['seconds']:,.1f} s; ours {mine:,.1f} s{fast}",
                "plain",
            )  # fmt: skip

    def cpu(self) -> None:
        """What a write costs this machine: planning, journal, ledger and the start of both processes with it."""
        ours = [1e6 * one["cpu"] / one["writes"] for one in self._first]
        theirs = 1e6 * self._plain["cpu"] / self._plain["calls"]
        tell_goal(
            "CPU a write, us", ours, "<= 400, 1/20",
            f"plain script {theirs:,.0f} us: 1/{theirs / statistics.median(ours):,.0f} of it", "cpu",
        )  # fmt: skip

    def memory(self) -> None:
        """Does applying need more memory for more people?"""
        small = [one["peak"] for one in self._first]
        tell_goal(f"peak MB of apply, {self._scale.bound:,} students", small, "<= 120", "", "memory")
        if not self._scale.crowd:
            return
        with serving() as server:
            done = first_load(server, self._roster(self._scale.crowd)[0], 0)
        more = done["peak"] - statistics.median(small)
        tell_goal(
            f"peak MB of apply, {self._scale.crowd:,} students", [done["peak"]], "20 more",
            f"{more:+,.0f} MB; no quota and no latency, {done['seconds']:,.0f} s for {done['writes']:,.0f} writes",
            "memory", "--full",
        )  # fmt: skip

    # -- what they measure

    @cached_property
    def _first(self) -> list[Counts]:
        return self._bound("first", {})

    @cached_property
    def _free(self) -> list[Counts]:
        return [
            self._load(f"free-{number}", self._scale.free, 1, {}, RATE, BURST) for number in range(self._scale.goals)
        ]

    @cached_property
    def _plain(self) -> Counts:
        with serving(1, {**LATENCY, "throttle_writes": [RATE, BURST]}) as server:
            return run("-m", "bench.plain", "load", str(self._scale.plain), server.url)

    def _bound(
        self, name: str, faults: dict[str, object], students: int = 0, rate: float = RATE, burst: float = BURST
    ) -> list[Counts]:
        """Runs in which the quota decides, side by side."""
        students = students or self._scale.bound
        self._roster(students)
        return at_once(
            self._scale.goals,
            lambda number: self._load(f"{name}-{number}", students, SPEED, faults, rate, burst),
        )

    def _load(
        self, name: str, students: int, speed: float, faults: dict[str, object], rate: float, burst: float
    ) -> Counts:
        """A first load: its seconds by the tenant's clock, and the least that it could take."""
        roster, size = self._roster(students)
        folder = self._folder / name
        shutil.copytree(roster, folder)
        with serving(speed, {"throttle_writes": [RATE, BURST], **LATENCY, **faults}) as server:
            done = first_load(server, folder, speed)
        shutil.rmtree(folder)
        bound = fastest(done["writes"], rate, burst)
        return {**size, **done, "bound": bound, "tenant_seconds": done["seconds"] * speed}

    def _roster(self, students: int) -> tuple[Path, Counts]:
        """The standard workload, and what it comes to."""
        folder = self._folder / f"roster-{students}"
        if students not in self._sizes:
            self._sizes[students] = run("-m", "bench.standard", str(folder), str(students))
        return folder, self._sizes[students]

    def _tell_bound(self, name: str, found: list[Counts], what: str, goal: str, speed: float = SPEED) -> None:
        ratios = [one["tenant_seconds"] / one["bound"] for one in found]
        clock = f", clock x {speed:g}" if speed != 1 else ""
        refused = worst([one["refused"] for one in found])
        tell_goal(what, ratios, goal, f"refused {refused:,.0f}; {told(found)}{clock}", name)


def first_load(server: Server, folder: Path, speed: float, profile: str = "profile.toml") -> Counts:
    """Plan and apply: the seconds and the memory of applying, the CPU of both, what applying asked of the tenant."""
    drive = (str(folder), server.url, str(speed), profile)
    planned = run("-m", "bench.drive", "plan", *drive)
    server.counts()
    done = run("-m", "bench.drive", "apply", *drive)
    return {**done, **server.counts(), "cpu": planned["whole_cpu"] + done["whole_cpu"]}


def told(found: list[Counts], bound: float = 0) -> str:
    """The seconds behind a ratio."""
    took = statistics.median(one["tenant_seconds"] for one in found)
    return f"{found[0]['writes']:,.0f} writes in {took:,.1f} s, bound {bound or found[0]['bound']:,.1f} s"


def worst(figures: list[float]) -> float:
    """The largest."""
    return max(figures)


ROWS = ("writes", "first", "spent", "half", "accrue", "window", "free", "plain", "cpu", "memory")
