"""A copy of a state folder, to try things on."""

from __future__ import annotations

import shutil
from pathlib import Path

from provision.store.database import reading
from provision.store.log import log_beside


def copy_states(folder: Path, target: Path) -> None:
    """Copy the state files of all profiles into the folder `target`.

    The files themselves are opened for reading only. Raises `Locked` while another process writes to one of them,
    `StateError` where one cannot be read.
    """
    for path in sorted(folder.glob("*.duckdb")):
        with reading(path):
            # to close the file itself ends the lock on it
            for file in (log_beside(path), path.with_name(f"{path.name}.wal"), path):
                if file.exists():
                    shutil.copyfile(file, target / file.name)
                    (target / file.name).chmod(0o600)
