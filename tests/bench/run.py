"""What `provision` costs, beside its yardsticks.

    python tests/bench/run.py            minutes
    python tests/bench/run.py --full     also a district of 1,000,000 students: half an hour and 4 GB of disk more
    python tests/bench/run.py --short    seconds, to see that it works; the figures say nothing
    python tests/bench/run.py ROW ...    only these rows; every row that is to reach something says its own

See `bench.measure` for how it is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for a run as a script

from bench import applying, places
from bench.measure import GOALS, HEADER, Counts, alternate, run, seconds, tell
from bench.scale import FULL, SHORT, USUAL, Scale

FORMAT = "sds-v2.1"
TARGETS = ("sds-v2.1", "sds-v1", "oneroster-1.2")
OTHERS = ("sds-v1", "sds-v1-uk", "sds-v2", "clever", "oneroster-1.1", "oneroster-1.2")


OWN = ("help", "load", "formats", "convert", "school")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join((*OWN, *applying.ROWS, *places.ROWS)))
    parser.add_argument("--full", action="store_const", dest="scale", const=FULL, default=USUAL)
    parser.add_argument("--short", action="store_const", dest="scale", const=SHORT)
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; seconds of wall time", flush=True)
    with tempfile.TemporaryDirectory(prefix="provision-bench-") as scratch:
        rows = given.rows or (*OWN, *applying.ROWS, *places.ROWS)
        measure_costs(Path(scratch), given.scale, [row for row in rows if row in OWN])
        measure_goals(Path(scratch), given.scale, [row for row in rows if row not in OWN])


def measure_costs(scratch: Path, scale: Scale, rows: Sequence[str]) -> None:
    """What is told as seconds beside a yardstick's."""
    if rows:
        print(HEADER, flush=True)
    if "help" in rows:
        measure_help(scale.runs)
    if "load" in rows:
        for students in scale.loads:
            measure_load(scratch / str(students), students, scale.runs_of(students))
    if "formats" in rows:
        for students in scale.formats:
            measure_formats(scratch / f"formats-{students}", students, scale.runs_of(students))
    if "convert" in rows:
        for students in scale.loads[1:]:
            measure_conversions(scratch / str(students), students, scale.runs_of(students))
    if "school" in rows:
        measure_school(scratch / "school", scale.school, scale.runs)


def measure_goals(scratch: Path, scale: Scale, rows: Sequence[str]) -> None:
    """What is to reach something, each with the command that gives it."""
    if rows:
        print(GOALS, flush=True)
    with closing(places.Places(scratch, scale)) as in_place:
        loads = applying.Applying(scratch, scale)
        measures = {name: getattr(loads, name) for name in applying.ROWS}
        measures |= {name: getattr(in_place, name) for name in places.ROWS}
        for row in rows:
            measures[row]()


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


if __name__ == "__main__":
    main()
