"""The CSV files of a roster, from a folder or a ZIP. Neither is trusted: a ZIP came over a network, and a folder may
be one that others put files into."""

from __future__ import annotations

import io
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.errors import RosterError
from provision.formats.scan import shown

MOST_BYTES = 8 << 30  # all files of a roster, unpacked
MOST_RATIO = 200  # unpacked to packed; a large real roster reaches about 20
SMALL = 32 << 20  # below this a ratio says nothing
MOST_MEMBERS = 1_000
MOST_AT_ONCE = 1 << 20  # bytes read in one go; the list of members is, and Python keeps ten times as much of it
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,  # a version or a compression that Python does not know
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class Package:
    """The files by name, those among them that lay in a ZIP, a private folder for what has to be rewritten, and what
    lay in a ZIP, or as a folder, beside the CSV files, as a message can hold it."""

    files: dict[str, Path]
    zipped: frozenset[str]
    scratch: Path
    beside: tuple[str, ...] = ()

    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.stat().st_size for file in self.files.values())


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """The CSV files of the folder or ZIP at `path`; what was unpacked is removed afterwards.

    Raises `RosterError` with every fault of the set as a detail.
    """
    _check_kind(path)
    with tempfile.TemporaryDirectory(prefix="provision-") as scratch:  # made with mode 0700
        yield _collect(path, Path(scratch))


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The ZIP at `path`; raises one of `ZIP_ERRORS` where it is none, or lists far more than a roster has."""
    with _Archive(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
        yield archive


class _Archive(io.BufferedReader):
    """An open ZIP of which nobody reads much at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size and size > MOST_AT_ONCE:
            raise zipfile.BadZipFile("its list of files is far longer than a roster's")
        return super().read(size)


def refuse_size(path: Path, size: int) -> None:
    """Raise `RosterError` where the files have more bytes than those of any roster."""
    if size > MOST_BYTES:
        raise RosterError(f"The roster {path} has files of {size:,} bytes, far more than a roster has.")


def _check_kind(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise RosterError(
            f"The roster {path} does not exist.", ["Give the folder or ZIP that holds the CSV files."]
        ) from None
    except (OSError, ValueError) as error:  # a name too long or with a zero in it, a loop of links
        raise RosterError(f"The roster {path} cannot be read: {_why(error)}.") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise RosterError(
            f"The roster {path} is neither a folder nor a file.", ["Give the folder or ZIP that holds the CSV files."]
        )


def _collect(path: Path, scratch: Path) -> Package:
    zips, found, beside = _lists(path)
    zipped: list[tuple[str, Path]] = []
    for number, archive in enumerate(zips):
        target = scratch / str(number)
        target.mkdir()
        unpacked, others = _unpack(archive, target)
        zipped += unpacked
        beside += others
    found += zipped
    twice = _repeated(name for name, _ in found)
    if twice:
        raise RosterError(
            f"The roster {path} holds a file more than once.",
            [
                *(f"{shown(name)}: keep one of them, in the folder or in the ZIP." for name in twice),
                "If they are a full export and its changes, make each a ZIP or a folder of its own, with its manifest.",
            ],
        )
    if not found:
        raise RosterError(f"The roster {path} holds no CSV file.", ["Give the folder or ZIP that holds them."])
    return Package(dict(sorted(found)), frozenset(name for name, _ in zipped), scratch, tuple(beside))


def _repeated(names: Iterable[str]) -> list[str]:
    """The names, in lower case, that are there more than once but for upper and lower case."""
    return sorted(name for name, times in Counter(map(str.lower, names)).items() if times > 1)


def _lists(path: Path) -> tuple[list[Path], list[tuple[str, Path]], list[str]]:
    """ZIP files and CSV files at `path`, the latter with their names, and folders beside them as a message can hold
    them."""
    if not path.is_dir():
        if path.suffix.lower() == ".csv":
            raise RosterError(f"{path} is one CSV file.", ["Give the folder that holds it and the others."])
        return [path], [], []
    try:
        files = [file for file in sorted(path.iterdir()) if not file.name.startswith(".")]
        zips, loose = _ending(files, ".zip"), _ending(files, ".csv")
        root = path.resolve()
        folders = [f"{shown(file.name)}/" for file in files if file.is_dir() and file not in (*zips, *loose)]
        faults = [f"{shown(file.name)}: {why}." for file in (*zips, *loose) if (why := _odd(file, root))]
    except OSError as error:
        raise RosterError(f"The roster {path} cannot be read: {_why(error)}.") from None
    if faults:
        raise RosterError(f"The roster {path} cannot be used.", faults)
    return zips, [(file.name, file) for file in loose], folders


def _ending(files: list[Path], suffix: str) -> list[Path]:
    return [file for file in files if file.suffix.lower() == suffix]


def _odd(file: Path, root: Path) -> str:
    """Why a file in the folder `root` is not opened, or nothing."""
    if not file.is_file():  # opening a pipe waits for ever, and a device may have no end
        return "it is no file, or a link to nothing; put the file itself there"
    if root not in file.resolve().parents:
        return "it is a link that leads out of the folder; put the file itself there"
    try:
        file.name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    return ""


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or "it breaks off").rstrip(".")


def _unpack(path: Path, target: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """The CSV files of a ZIP by name, and the names of other files. The former are written under names of our own,
    whatever theirs are."""
    try:
        with open_zip(path) as archive:
            every = archive.infolist()
            members = [each for each in every if not _beside(each)]
            faults = _faults(path, every, members)
            if faults:
                raise RosterError(f"The ZIP {path} cannot be used.", faults)
            unpacked = [
                (_parts(member)[-1], _extract(archive, member, target / f"{number}.csv"))
                for number, member in enumerate(members)
            ]
            return unpacked, [shown(each.filename) for each in every if each not in members and _is_file(each)]
    except ZIP_ERRORS as error:
        raise RosterError(f"The ZIP {path} cannot be read: {_why(error)}.", ["Pack the CSV files again."]) from None


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Path:
    size = 0
    with archive.open(member) as packed, path.open("xb") as file:
        while block := packed.read(MOST_AT_ONCE):
            size += file.write(block)
    if size != member.file_size:  # no more than it says is ever unpacked, but it may be less
        raise zipfile.BadZipFile(f"{shown(member.filename)} is not as large as it says")
    return path


def _parts(member: zipfile.ZipInfo) -> list[str]:
    """The folders and the name of a member; some Windows tools write backslashes."""
    return re.split(r"[/\\]", member.filename)


def _beside(member: zipfile.ZipInfo) -> bool:
    """Whether a member is no CSV file nor anything suspicious: a folder, a text, what a Mac adds."""
    return not _unsafe(member) and (not _is_file(member) or not member.filename.lower().endswith((".csv", ".zip")))


def _is_file(member: zipfile.ZipInfo) -> bool:
    return not member.is_dir() and _parts(member)[0] != "__MACOSX"


def _unsafe(member: zipfile.ZipInfo) -> str:
    """Why a member must not be unpacked, or nothing."""
    written = member.orig_filename  # as it stands in the archive, before zipfile tidies it
    mode = stat.S_IFMT(member.external_attr >> 16)
    if (
        written.startswith(("/", "\\"))
        or ".." in re.split(r"[/\\]", written)
        or re.match("[A-Za-z]:", written)
        or "\0" in written
    ):
        return "its name leads out of the ZIP"
    if not member.filename:
        return "it has no name"
    if mode == stat.S_IFLNK:
        return "it is a link"
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a pipe or a device"
    if member.flag_bits & 1:
        return "it is encrypted"
    return ""


def _faults(path: Path, every: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo]) -> list[str]:
    if len(every) > MOST_MEMBERS:
        return [f"It holds {len(every):,} files, far more than a roster has."]
    faults = [f"{shown(each.orig_filename)}: {why}." for each in every if (why := _unsafe(each))]
    faults += [f"{shown(each.filename)}: {why}." for each in members if (why := _unreadable(each))]
    if len({tuple(_parts(each)[:-1]) for each in members}) > 1 or any(len(_parts(each)) > 2 for each in members):
        faults.append("The CSV files lie in different folders of the ZIP; put them side by side.")
    names = _repeated(_parts(each)[-1] for each in members)
    faults += [f"{shown(name)} is in the ZIP more than once; keep one." for name in names]
    unpacked = sum(each.file_size for each in every)
    if unpacked > MOST_BYTES or unpacked > max(SMALL, MOST_RATIO * max(path.stat().st_size, 1)):
        faults.append(f"It would unpack to {unpacked:,} bytes, far more than a roster of that size holds.")
    return faults


def _unreadable(member: zipfile.ZipInfo) -> str:
    if member.filename.lower().endswith(".zip"):
        return "a ZIP inside the ZIP; unpack it"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # the others are unpacked in steps that no size limits
        return "it is compressed in an unusual way; pack it with deflate, as most tools do"
    return ""
