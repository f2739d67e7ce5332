"""A bundle that is whole or absent: written beside, flushed to the disk, renamed. Folder 0700, files 0600."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.errors import ProvisionError
from provision.store.files import sync_folder

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same files give the same ZIP, whenever it is made


def refuse_taken(out: Path) -> None:
    """Raise `ProvisionError` unless `out` is free, or an empty folder: nothing is overwritten."""
    free = not out.exists() or (out.is_dir() and not is_zip(out) and not any(out.iterdir()))
    if out.is_symlink() or not free:
        raise ProvisionError(
            f"{out} is there already; nothing was written.", ["Name a new or an empty folder, or a new .zip."]
        )
    if not out.parent.is_dir():
        raise ProvisionError(f"{out} cannot be written: there is no folder {out.parent}.")


def is_zip(out: Path) -> bool:
    """Whether the name asks for a ZIP."""
    return out.suffix.lower() == ".zip"


@contextmanager
def workshop(out: Path) -> Iterator[Path]:
    """A private folder on the same disk as `out`, gone afterwards. Raises `ProvisionError` where none can be made."""
    try:
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise ProvisionError(f"{out} cannot be written: {error.strerror or error}.") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seal(folder: Path, out: Path) -> Path:
    """The files of `folder`, private and on the disk, as what is to become `out`: the folder, or a ZIP beside it."""
    files = sorted(folder.iterdir())
    if not is_zip(out):
        for file in files:
            _secure(file)
        sync_folder(folder)
        return folder
    packed = folder.with_suffix(".zip")
    with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            member = zipfile.ZipInfo(file.name, LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o100600 << 16
            member.create_system = 3  # the system whose modes these are
            with file.open("rb") as plain, archive.open(member, "w") as target:
                shutil.copyfileobj(plain, target, 1 << 20)
    _secure(packed)
    return packed


def put(sealed: Path, out: Path) -> None:
    """Make it `out`. Raises `ProvisionError` where that cannot be."""
    refuse_taken(out)
    try:
        with suppress(FileNotFoundError):
            out.rmdir()  # it is empty
        sealed.rename(out)
    except OSError as error:
        raise ProvisionError(f"{out} cannot be written: {error.strerror or error}.") from None
    sync_folder(out.parent)


def _secure(file: Path) -> None:
    file.chmod(0o600)
    with file.open("rb") as written:
        os.fsync(written.fileno())
