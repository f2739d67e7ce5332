"""Files that are whole or absent: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from provision.errors import ProvisionError


@contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, mode 0600, which takes the place of `path` when the block ends without an error.

    Raises `ProvisionError` when the folder cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ProvisionError(f"{path} cannot be written: {error.strerror or error}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException as error:
        with suppress(OSError):
            Path(name).unlink()
        if isinstance(error, OSError):
            raise ProvisionError(f"{path} cannot be written: {error.strerror or error}.") from None
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make `folder`, private, with those above it. Raises `ProvisionError` where that cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ProvisionError(f"The folder {folder} cannot be made: {error.strerror or error}.") from None


def check_writable(path: Path) -> None:
    """Raise `ProvisionError` now, rather than at the end of a long run, when `path` cannot be written."""
    if path.is_dir():
        raise ProvisionError(f"{path} cannot be written: it is a folder.")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise ProvisionError(f"{path} cannot be written: {error.strerror or error}.") from None


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
