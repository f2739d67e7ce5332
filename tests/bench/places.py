"""What is done again and again to a school that is in place: reading it, nightly runs, one pupil, a plan of millions.

The places are made by `bench.inplace`: tenant and ledger as an apply leaves them. The tenant is a process of its own
without quota and latency, and the clock is the usual one; seconds are those of whole processes, from start to exit.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from pathlib import Path

from bench.measure import Counts, Server, alternate, run, serving, tell_goal
from bench.scale import Scale

CHANGED = 200  # one student in so many: 0.5 %
PROFILE = "profile.toml"


class Places:
    """The rows; a place is made once, and served until `close`."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self._folder, self._scale = folder, scale
        self._open = ExitStack()
        self._servers: dict[int, Server] = {}
        self._changed: set[int] = set()

    def close(self) -> None:
        """Stop serving."""
        self._open.close()

    # -- rows

    def user(self) -> None:
        """Reading the directory from nothing, beside the SDK's models of the same users."""
        students = self._scale.places[0]
        url = self._server(students).url
        found, models = alternate(
            self._scale.goals,
            lambda: self._drive("read", students),
            lambda: run("-m", "bench.plain", "parse", url),
        )
        theirs = statistics.median(1e6 * one["cpu"] / one["users"] for one in models)
        tell_goal(
            f"CPU to read a user, us, of {found[0]['users']:,.0f}", [1e6 * one["cpu"] / one["users"] for one in found],
            "<= 15", f"{theirs:,.0f} us as a model of the SDK", "user",
        )  # fmt: skip

    def night(self) -> None:
        """Nothing has changed."""
        students = self._scale.places[-1]
        server = self._unchanged(students)
        server.counts()
        found = []
        for _ in range(self._scale.goals):
            done = self._drive("plan", students)
            found.append({**server.counts(), "seconds": done["whole_seconds"], "peak": done["peak"]})
        last = found[-1]
        tell_goal(
            f"night, nothing changed, {students:,}: s", [one["seconds"] for one in found], "<= 8",
            f"{last['requests']:,.0f} sub-requests (<= 10), {last['trips']:,.0f} round trips (<= 3), "
            f"{last['writes']:,.0f} writes (0), {max(one['peak'] for one in found):,.0f} MB", "night",
        )  # fmt: skip

    def changed(self) -> None:
        """Requests go with the changes and not with the roster."""
        for students in self._scale.places:
            self._tell_changed(students)

    def pupil(self) -> None:
        """One pupil among many: a plan of hers alone, and its apply."""
        students = self._scale.places[-1]
        server, place = self._server(students), self._place(students)
        self._changed.add(students)
        found = []
        for number in range(self._scale.goals):
            standard(place, students, str(students + number), str(number + 1))
            server.counts()
            planned = self._command(
                students, "plan", "--only", f"person:S{number + 1:07d}", "--out", str(place / "one.jsonl")
            )
            applied = self._command(students, "apply", str(place / "one.jsonl"), "--yes")
            found.append({**server.counts(), "plan": planned["whole_seconds"], "apply": applied["whole_seconds"]})
        both = [one["plan"] + one["apply"] for one in found]
        tell_goal(
            f"one pupil of {students:,}: s", both, "<= 3",
            f"plan --only {statistics.median(one['plan'] for one in found):,.1f} s, apply "
            f"{statistics.median(one['apply'] for one in found):,.1f} s; {found[-1]['writes']:,.0f} writes", "pupil",
        )  # fmt: skip

    def snapshot(self) -> None:
        """A plan of very many, beside bare DuckDB doing the same joins."""
        students = self._scale.snapshot
        if not students:
            return
        folder = self._folder / "snapshot"
        standard(folder, students)
        run("-m", "bench.snapshot", "make", str(folder))
        ours, bare = alternate(
            self._scale.goals,
            lambda: run("-m", "bench.snapshot", "plan", str(folder)),
            lambda: run("-m", "bench.joins", str(folder)),
        )
        if {one["changes"] for one in ours} != {one["changes"] for one in bare}:
            raise SystemExit(f"The plan and its yardstick differ: {ours[0]} {bare[0]}")
        theirs = statistics.median(one["seconds"] for one in bare)
        peak = max(one["peak"] for one in ours)
        tell_goal(
            f"plan of {students:,} / bare DuckDB", [one["seconds"] / theirs for one in ours], "<= 2, 380 MB",
            f"{statistics.median(one['seconds'] for one in ours):,.1f} s against {theirs:,.1f} s, {peak:,.0f} MB; "
            f"{ours[0]['changes']:,.0f} changes", "--full", "snapshot",
        )  # fmt: skip

    # -- what they measure

    def _tell_changed(self, students: int) -> None:
        server, place = self._unchanged(students), self._place(students)
        self._changed.add(students)
        standard(place, students, str(CHANGED))
        server.counts()
        planned = self._drive("plan", students)
        reading = server.counts()
        self._drive("apply", students)
        applying = server.counts()
        changes = planned["changes"]
        requests = reading["requests"] + applying["requests"]
        tell_goal(
            f"0.5 % of {students:,} changed: requests", [requests], "~ changes",
            f"{changes:,.0f} changes, {applying['writes']:,.0f} writes: {requests - changes:,.0f} requests besides, in "
            f"{reading['trips'] + applying['trips']:,.0f} round trips", "changed",
        )  # fmt: skip

    def _place(self, students: int) -> Path:
        return self._folder / f"place-{students}"

    def _server(self, students: int) -> Server:
        """The tenant of a place, which has been read and found to be as it should be."""
        if students not in self._servers:
            folder = self._place(students)
            standard(folder, students)
            run("-m", "bench.inplace", str(folder), PROFILE)
            self._servers[students] = self._open.enter_context(serving(1, {}, folder / "tenant.json"))
            if self._drive("plan", students)["changes"]:
                raise SystemExit(f"{folder} is not in place.")
            self._drive("apply", students)
        return self._servers[students]

    def _unchanged(self, students: int) -> Server:
        """The tenant of a place, with a roster that asks for nothing new."""
        server = self._server(students)
        if students in self._changed:
            standard(self._place(students), students)
            for step in ("plan", "apply"):
                self._drive(step, students)
            self._changed.discard(students)
        return server

    def _drive(self, step: str, students: int) -> Counts:
        url = self._servers[students].url
        return run("-m", "bench.drive", step, str(self._place(students)), url, "1", PROFILE)

    def _command(self, students: int, *arguments: str) -> Counts:
        place = self._place(students)
        where = ("--profile", str(place / PROFILE), "--state", str(place / "state"))
        return run("-m", "provision", *arguments, *where, url=self._servers[students].url)


def standard(folder: Path, students: int, *more: str) -> None:
    """Make the roster of the standard workload, or make it anew."""
    run("-m", "bench.standard", str(folder), str(students), *more)


ROWS = ("user", "night", "changed", "pupil", "snapshot")
