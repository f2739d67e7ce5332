"""What `provision` costs, beside its yardsticks.

    python tests/bench/run.py            minutes
    python tests/bench/run.py --full     also a district of 1,000,000 students: half an hour and 4 GB of disk more
    python tests/bench/run.py --short    seconds, to see that it works; the figures say nothing

Every measurement is a process of its own and takes turns with its yardstick. This one imports nothing but the
standard library: on Linux the peak memory of a new process starts at that of the one it came from.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss, in bytes
HEADER = (
    f"{'measured':32} {'runs':>4} {'median':>9} {'min - max':>19}   {'yardstick':28} {'median':>9} {'min - max':>19}"
    f" {'ratio':>6} {'peak MB':>8} {'yardstick':>9}"
)
Counts = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """How much is measured: the number of students in each measurement."""

    runs: int
    loads: tuple[int, ...]
    formats: tuple[int, ...]
    school: int

    def runs_of(self, students: int) -> int:
        """Fewer of what takes long."""
        return min(self.runs, 3) if students >= LARGE else self.runs


SHORT = Scale(1, (200, 400), (200,), 20)
USUAL = Scale(5, (10_000, 100_000), (100_000,), 2_000)
FULL = Scale(5, (10_000, 100_000, 1_000_000), (100_000, 1_000_000), 2_000)
LARGE = 1_000_000  # students from which on three runs must do
FORMAT = "sds-v2.1"
TARGETS = ("sds-v2.1", "sds-v1", "oneroster-1.2")
OTHERS = ("sds-v1", "sds-v1-uk", "sds-v2", "clever", "oneroster-1.1", "oneroster-1.2")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--full", action="store_const", dest="scale", const=FULL, default=USUAL)
    parser.add_argument("--short", action="store_const", dest="scale", const=SHORT)
    scale = parser.parse_args().scale
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; seconds of wall time")
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory(prefix="provision-bench-") as scratch:
        measure_help(scale.runs)
        for students in scale.loads:
            measure_load(Path(scratch) / str(students), students, scale.runs_of(students))
        for students in scale.formats:
            measure_formats(Path(scratch) / f"formats-{students}", students, scale.runs_of(students))
        for students in scale.loads[1:]:
            measure_conversions(Path(scratch) / str(students), students, scale.runs_of(students))
        measure_school(Path(scratch) / "school", scale.school, scale.runs)


def measure_help(runs: int) -> None:
    ours, bare = alternate(runs, lambda: run("-m", "provision", "--help"), lambda: run("-c", "pass"))
    tell("provision --help", ours, "python -c pass", bare)
    more = statistics.median(seconds(ours)) - statistics.median(seconds(bare))
    print(f"    {more * 1000:.0f} ms more than python -c pass")


def measure_load(folder: Path, students: int, runs: int) -> None:
    """Load and check a roster, each time into a fresh store."""
    roster = district(folder, students)
    ours, bare = alternate(runs, lambda: load("bench.load", roster), lambda: load("bench.yardstick", roster))
    tell(f"load {students:,} students", ours, "bare DuckDB", bare)


def measure_formats(folder: Path, students: int, runs: int) -> None:
    """The same district in every other format."""
    usual = district(folder, students)
    for form in OTHERS:
        roster = district(folder, students, form)
        ours, other = alternate(runs, lambda: load("bench.load", roster), lambda: load("bench.load", usual))  # noqa: B023  # called here
        tell(f"load {students:,} in {form}", ours, f"the same in {FORMAT}", other)


def measure_conversions(folder: Path, students: int, runs: int) -> None:
    """Converting a roster: written, read back and compared."""
    roster = district(folder, students)
    for target in TARGETS:
        ours, other = alternate(runs, lambda: convert(roster, target), lambda: load("bench.load", roster))  # noqa: B023  # called here
        tell(f"convert {students:,} to {target}", ours, "loading it", other)


def convert(roster: Path, target: str) -> Counts:
    with tempfile.TemporaryDirectory(dir=roster.parent) as out:
        year = ("--school-year", "2026-08-24/2027-06-18")
        return run("-m", "provision", "convert", str(roster), f"{out}/converted", "--to", target, *year)


def district(folder: Path, students: int, form: str = FORMAT) -> Path:
    roster = folder / form
    run("-m", "bench.district", str(roster), str(students), form)
    return roster


def load(module: str, roster: Path) -> Counts:
    with tempfile.TemporaryDirectory(dir=roster.parent) as state:
        return run("-m", module, str(roster), state)


def measure_school(folder: Path, students: int, runs: int) -> None:
    """Apply once, then plan again and again what is in place already."""
    run("-m", "bench.district", str(folder / "roster"), str(students))
    applied = run("-m", "bench.school", "apply", str(folder))
    found = alternate(
        runs,
        lambda: run("-m", "bench.school", "plan", str(folder)),
        lambda: run("-m", "bench.school", "read", str(folder)),
    )
    tell(f"plan {students:,} students in place", found[0], "reading the directory", found[1])
    tell(f"apply {students:,} students", [applied])
    writes = applied["writes"]
    print(
        f"    {writes:,.0f} writes in {applied['batches']:,.0f} batches, "
        f"{applied['cpu'] / writes * 1e6:,.0f} us of CPU a write"
    )


def alternate(
    runs: int, ours: Callable[[], Counts], yardstick: Callable[[], Counts]
) -> tuple[list[Counts], list[Counts]]:
    """The two in turns, so that a busy minute strikes both."""
    pairs = [(ours(), yardstick()) for _ in range(runs)]
    return [mine for mine, _ in pairs], [other for _, other in pairs]


def run(*arguments: str) -> Counts:
    """Run Python; what it printed as JSON, its seconds (unless it counts its own) and its peak memory."""
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}, text=True
    ) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} left with {process.returncode}.")
    counted = json.loads(printed) if printed.startswith("{") else {}
    return {"seconds": time.perf_counter() - start, **counted, "peak": usage.ru_maxrss * KILOBYTE / 1e6}


def seconds(found: list[Counts]) -> list[float]:
    return [each["seconds"] for each in found]


def tell(what: str, ours: list[Counts], against: str = "", yardstick: list[Counts] | None = None) -> None:
    """One row of the table."""
    row = f"{what:32} {len(ours):4} {spread(ours)}"
    if yardstick:
        ratio = statistics.median(seconds(ours)) / statistics.median(seconds(yardstick))
        row += f"   {against:28} {spread(yardstick)} {ratio:6.2f} {peak(ours):8.0f} {peak(yardstick):9.0f}"
    else:
        row += f"   {'':28} {'':9} {'':19} {'':6} {peak(ours):8.0f}"
    print(row, flush=True)


def spread(found: list[Counts]) -> str:
    times = seconds(found)
    return f"{statistics.median(times):9.3f} {f'{min(times):.3f} - {max(times):.3f}':>19}"


def peak(found: list[Counts]) -> float:
    return max(each["peak"] for each in found)


if __name__ == "__main__":
    main()
