"""What a measured block cost, as the one line that a measuring process prints."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Print the seconds and CPU seconds of the block, and what the block puts into the dictionary.

    A `seconds` or `cpu` that the block puts there is taken off.
    """
    start, cpu = time.perf_counter(), time.process_time()
    counts: dict[str, float] = {}
    yield counts
    counts["seconds"] = time.perf_counter() - start - counts.get("seconds", 0)
    counts["cpu"] = time.process_time() - cpu - counts.get("cpu", 0)
    print(json.dumps(counts))
