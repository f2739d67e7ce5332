"""What a measurement cost, as the one line that a measuring process prints."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss, in bytes


@contextmanager
def measured(**counts: float) -> Iterator[dict[str, float]]:
    """Print seconds and CPU seconds of the block, the peak memory of the process, and what the block adds."""
    start, cpu = time.perf_counter(), time.process_time()
    yield counts
    found = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE / 1e6
    print(json.dumps({**found, "peak": peak, **counts}))
