"""One pass over the bytes of a file: what it is (digest, size, lines) and whether it is UTF-8 text at all."""

from __future__ import annotations

import codecs
import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from provision.errors import RosterError

BLOCK = 1 << 20
BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
SAVE_AS = 'Save it as "CSV UTF-8".'


class FileFault(RosterError):  # named like its root's other errors
    """A file cannot be used: one sentence with the place and the mend. Faults of all files are told
    together."""


@dataclass(frozen=True, slots=True)
class Scan:
    """`lines` is the number of line ends before the last line that is not blank; `odd_spaces` says whether
    there is white space beyond the plain blank (tab, no-break space) to trim."""

    sha256: str
    bytes: int
    lines: int
    odd_spaces: bool


def scan(path: Path) -> Scan:
    """Read `path` once, block by block. Raises `FileFault` when it cannot be read or is not UTF-8 text."""
    digest, text = hashlib.sha256(), _Text()
    size = lines = 0
    odd = False
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                text.feed(block)
                said = len(block.rstrip(b"\r\n"))
                ends = block.count(b"\n", said)
                if said:
                    lines = text.lines - 1 - ends
                # one byte is looked for sixty times as fast as two
                odd = odd or b"\t" in block or (b"\xc2" in block and b"\xc2\xa0" in block)
                size += len(block)
        text.end()
    except OSError as error:
        raise FileFault(f"cannot be read: {error.strerror or error}.") from None
    return Scan(digest.hexdigest(), size, lines, odd)


class _Text:
    """Bytes that ought to be UTF-8; a refusal says where, and what the file looks like instead."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.seen = 0
        self.lines = 1

    def feed(self, block: bytes) -> None:
        if self.seen == 0 and block[:2] in BOMS:
            raise FileFault(f"is {BOMS[block[:2]]} text, not UTF-8. {SAVE_AS}")
        if b"\0" in block:
            self._refuse_nul(block)
        waiting = self.decoder.getstate()[0]
        if waiting or not block.isascii():
            self._decode(waiting, block)
        self.seen += len(block)
        self.lines += block.count(b"\n")

    def end(self) -> None:
        if waiting := self.decoder.getstate()[0]:
            raise FileFault(f"breaks off within a character at byte {self.seen - len(waiting)}. Export it again.")

    def _decode(self, waiting: bytes, block: bytes) -> None:
        try:
            self.decoder.decode(block)
        except UnicodeDecodeError as error:
            whole = waiting + block
            line = self.lines + whole.count(b"\n", 0, error.start)
            raise FileFault(
                f"is not UTF-8: byte 0x{whole[error.start]:02X} at offset "
                f"{self.seen - len(waiting) + error.start}, "
                f"line {line}; it looks like Windows-1252 (ANSI). {SAVE_AS}"
            ) from None

    def _refuse_nul(self, block: bytes) -> None:
        at = block.index(b"\0")
        start = block[:BLOCK].count(b"\0") * 4 > min(len(block), BLOCK)  # every second byte of Latin text in UTF-16
        looks = "it looks like UTF-16 without a mark" if start else "it is not a text file, or is damaged"
        line = self.lines + block.count(b"\n", 0, at)
        raise FileFault(f"has a zero byte at offset {self.seen + at}, line {line}: {looks}. {SAVE_AS}")


def header(path: Path) -> tuple[list[str], bool]:
    """The trimmed header cells of `path`, and whether the header is one plain line.

    Raises `FileFault` when there is no header or when it names a column twice.
    """
    try:
        # what is not UTF-8 is told by `scan`
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file, strict=True)
            cells = [cell.strip() for cell in next(reader, [])]
            plain = reader.line_num == 1
    except OSError as error:
        raise FileFault(f"cannot be read: {error.strerror or error}.") from None
    except csv.Error as error:
        raise FileFault(
            f"row 1: the header is not CSV ({error}). Look for a double quote that is not closed."
        ) from None
    if not any(cells):
        raise FileFault("has no header row. The first row must hold the column names.")
    named = [cell for cell in cells if cell]
    twice = sorted({cell for cell in named if named.count(cell) > 1})
    if twice:
        raise FileFault(f"row 1: column {_quoted(twice)} stands in the header twice. Remove one of them.")
    return cells, plain


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
