"""Measurements: processes that are run and timed, and the rows in which they are told.

Every measurement is a process of its own and takes turns with its yardstick. This one imports nothing but the
standard library: on Linux the peak memory of a new process starts at that of the one it came from.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TESTS = Path(__file__).resolve().parents[1]
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss, in bytes
HEADER = (
    f"{'measured':32} {'runs':>4} {'median':>9} {'min - max':>19}   {'yardstick':28} {'median':>9} {'min - max':>19}"
    f" {'ratio':>6} {'peak MB':>8} {'yardstick':>9}"
)
GOALS = f"{'measured':46} {'runs':>4} {'median':>9} {'min - max':>19}   {'to reach':16} beside"
APART = 6  # seconds between the starts of runs that go on side by side: planning takes that long
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent)))}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode
Counts = dict[str, float]


def alternate(
    runs: int, ours: Callable[[], Counts], yardstick: Callable[[], Counts]
) -> tuple[list[Counts], list[Counts]]:
    """The two in turns, so that a busy minute strikes both."""
    pairs = [(ours(), yardstick()) for _ in range(runs)]
    return [mine for mine, _ in pairs], [other for _, other in pairs]


def run(*arguments: str, url: str = "") -> Counts:
    """Run Python, with the tenant at `url`: what it printed as JSON, its seconds (unless it counts its own), its peak
    memory."""
    environment = {**ENVIRONMENT, "PROVISION_GRAPH_URL": url} if url else ENVIRONMENT
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, env=environment, text=True) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} left with {process.returncode}.")
    counted = json.loads(printed) if printed.startswith("{") else {}
    whole = {"whole_seconds": time.perf_counter() - start, "whole_cpu": usage.ru_utime + usage.ru_stime}
    return {"seconds": whole["whole_seconds"], **counted, **whole, "peak": usage.ru_maxrss * KILOBYTE / 1e6}


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


def at_once(runs: int, measure: Callable[[int], Counts]) -> list[Counts]:
    """Runs side by side: for what waits nearly all of its time. Starting takes the processor, so one starts after the
    other."""

    def later(number: int) -> Counts:
        time.sleep(number * APART)
        return measure(number)

    with ThreadPoolExecutor(runs) as pool:
        return list(pool.map(later, range(runs)))


def tell_goal(what: str, figures: list[float], goal: str, beside: str, *arguments: str) -> None:
    """One row of what is to be reached, and the command that gives it."""
    middle = f"{statistics.median(figures):9,.3f} {f'{min(figures):,.3f} - {max(figures):,.3f}':>19}"
    print(f"{what:46} {len(figures):4} {middle}   {goal:16} {beside}")
    print(f"    nox -s bench -- {' '.join(arguments)}", flush=True)


class Server:
    """A tenant in a process of its own; see `bench.tenant`."""

    def __init__(self, process: subprocess.Popen[str], asked: IO[str], said: IO[str]) -> None:
        self._process, self._asked, self._said = process, asked, said
        self.url = said.readline().strip()
        if not self.url:
            raise SystemExit("The tenant did not start.")

    def counts(self) -> Counts:
        """What was asked of it since the last time; its faults begin anew."""
        print(file=self._asked, flush=True)
        found: Counts = json.loads(self._said.readline())
        return found


@contextmanager
def serving(speed: float = 1, faults: dict[str, object] | None = None, state: Path | None = None) -> Iterator[Server]:
    """A tenant while the block runs."""
    command = [
        sys.executable,
        "-m",
        "bench.tenant",
        str(speed),
        json.dumps(faults or {}),
        *([str(state)] if state else []),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("The tenant has no pipes.")
        try:
            yield Server(process, process.stdin, process.stdout)
        finally:
            process.stdin.close()
