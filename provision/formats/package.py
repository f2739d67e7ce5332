"""The CSV files of a roster, from a folder or a ZIP. A ZIP is not trusted: it came over a network."""

from __future__ import annotations

import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from provision.errors import RosterError

MOST_BYTES = 8 << 30  # all files of a roster, unpacked
MOST_RATIO = 200  # unpacked to packed; a large real roster reaches about 20
SMALL = 32 << 20  # below this a ratio says nothing
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


@dataclass(frozen=True)
class Package:
    """The files by name, those among them that lay in a ZIP, and a private folder for what has to be
    rewritten."""

    files: dict[str, Path]
    zipped: frozenset[str]
    scratch: Path


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """The CSV files of the folder or ZIP at `path`; what was unpacked is removed afterwards.

    Raises `RosterError` with every fault of the set as a detail.
    """
    if not _is_there(path):
        raise RosterError(f"The roster {path} does not exist.", ["Give the folder or ZIP that holds the CSV files."])
    with tempfile.TemporaryDirectory(prefix="provision-") as scratch:  # made with mode 0700
        yield _collect(path, Path(scratch))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name too long, a loop of links
        raise RosterError(f"The roster {path} cannot be read: {error.strerror}.") from None


def _collect(path: Path, scratch: Path) -> Package:
    zips, loose = _lists(path)
    found = [(file.name, file) for file in loose]
    for number, archive in enumerate(zips):
        target = scratch / str(number)
        target.mkdir()
        found += [(file.name, file) for file in _unpack(archive, target)]
    names = [name.lower() for name, _ in found]
    twice = sorted({name for name, _ in found if names.count(name.lower()) > 1})
    if twice:
        raise RosterError(
            f"The roster {path} holds a file more than once.",
            [f"{name}: keep one of them, in the folder or in the ZIP." for name in twice],
        )
    if not found:
        raise RosterError(f"The roster {path} holds no CSV file.", ["Give the folder or ZIP that holds them."])
    inside = frozenset(name for name, file in found if scratch in file.parents)
    return Package(dict(sorted(found)), inside, scratch)


def _lists(path: Path) -> tuple[list[Path], list[Path]]:
    """ZIP files and CSV files at `path`."""
    if path.is_dir():
        try:
            files = sorted(file for file in path.iterdir() if file.is_file())
        except OSError as error:
            raise RosterError(f"The roster {path} cannot be read: {error.strerror or error}.") from None
        return _ending(files, ".zip"), _ending(files, ".csv")
    if path.suffix.lower() == ".csv":
        raise RosterError(f"{path} is one CSV file.", ["Give the folder that holds it and the others."])
    return [path], []


def _ending(files: list[Path], suffix: str) -> list[Path]:
    return [file for file in files if file.suffix.lower() == suffix and not file.name.startswith(".")]


def _unpack(path: Path, target: Path) -> list[Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not _beside(each)]
            faults = _faults(path, archive.infolist(), members)
            if faults:
                raise RosterError(f"The ZIP {path} cannot be used.", faults)
            return [_extract(archive, member, target) for member in members]
    except ZIP_ERRORS as error:
        raise RosterError(f"The ZIP {path} cannot be read: {error}.", ["Pack the CSV files again."]) from None


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> Path:
    path = target / PurePosixPath(member.filename).name
    left = member.file_size
    with archive.open(member) as packed, path.open("xb") as file:
        while block := packed.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile(f"{member.filename} is larger than it says")
            file.write(block)
    return path


def _beside(member: zipfile.ZipInfo) -> bool:
    """Whether a member is no CSV file nor anything suspicious: a folder, a text, what a Mac adds."""
    suffix = PurePosixPath(member.filename).suffix.lower()
    return not _unsafe(member) and (
        member.is_dir() or member.filename.startswith("__MACOSX/") or suffix not in (".csv", ".zip")
    )


def _unsafe(member: zipfile.ZipInfo) -> str:
    """Why a member must not be unpacked, or nothing."""
    written = member.orig_filename  # as it stands in the archive, before zipfile tidies it
    parts = re.split(r"[/\\]", written)
    if written.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", written) or "\0" in written:
        return "its name leads out of the ZIP"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link"
    if member.flag_bits & 1:
        return "it is encrypted"
    return ""


def _faults(path: Path, every: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo]) -> list[str]:
    faults = [f"{each.filename}: {why}." for each in every if (why := _unsafe(each))]
    faults += [f"{each.filename}: a ZIP inside the ZIP; unpack it." for each in members if _is_zip(each.filename)]
    folders = {PurePosixPath(each.filename).parent for each in members}
    if len(folders) > 1 or any(len(folder.parts) > 1 for folder in folders):
        faults.append("The CSV files lie in different folders of the ZIP; put them side by side.")
    names = [PurePosixPath(each.filename).name.lower() for each in members]
    faults += [
        f"{name} is in the ZIP more than once; keep one." for name in sorted(set(names)) if names.count(name) > 1
    ]
    unpacked = sum(each.file_size for each in every)
    if unpacked > MOST_BYTES or unpacked > max(SMALL, MOST_RATIO * max(path.stat().st_size, 1)):
        faults.append(f"It would unpack to {unpacked:,} bytes, far more than a roster of that size holds.")
    return faults


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")
