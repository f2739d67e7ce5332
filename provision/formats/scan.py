"""One pass over the bytes of a file: what it is (digest, size, lines), whether it is UTF-8 text at all, and whether
all readers of CSV take it alike."""

from __future__ import annotations

import codecs
import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from provision.errors import RosterError

BLOCK = 1 << 20
LONGEST = 131_072  # characters of a record; no roster has a longer one, and one that is has lost its line ends
MOST_COLUMNS = 1_000
BLANKS = (
    " \t\n\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028"
    "\u2029\u202f\u205f\u3000\u200b\ufeff"
)
"""What is trimmed from values: white space, and the two characters that look like none at all."""
MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # begins like that of UTF-16
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
SAVE_AS = 'Save it as "CSV UTF-8".'
CHANGED = "changed while it was read. Run again when the export has ended."

FileState = tuple[int, ...]

_ODD_BLANKS = [blank.encode() for blank in BLANKS if not blank.isascii()]
_ODD_LEADS = sorted({blank[:1] for blank in _ODD_BLANKS})
_LONE_RETURN = re.compile(rb"\r[^\n]")
_ODD_QUOTES = re.compile(rb'" [ ,"\r\n]')


class FileFault(RosterError):  # named like its root's other errors
    """A file cannot be used: one sentence with the place and the mend. Faults of all files are told
    together."""


@dataclass(frozen=True, slots=True)
class Scan:
    """`lines` is the number of line ends before the last line that is not blank; `spaces` says whether there is any
    blank, and `odd_spaces` whether there is other white space (tab, no-break space) to trim; `plain` whether DuckDB
    and Python's `csv` are known to read such text alike. `state` tells the file from one that was changed since."""

    sha256: str
    bytes: int
    lines: int
    spaces: bool
    odd_spaces: bool
    plain: bool
    state: FileState


def scan(path: Path) -> Scan:
    """Read `path` once, block by block. Raises `FileFault` when it cannot be read or is not UTF-8 text."""
    digest, text = hashlib.sha256(), _Text()
    size = lines = 0
    spaces, odd, plain, end = False, False, True, b""
    quotes = _Quotes()
    try:
        with path.open("rb") as file:
            state = _state(os.fstat(file.fileno()))
            while block := file.read(BLOCK):
                digest.update(block)
                text.feed(block)
                said = len(block.rstrip(b"\r\n"))
                ends = block.count(b"\n", said)
                if said:
                    lines = text.lines - 1 - ends
                seam = end + block[:3]
                spaces = spaces or b" " in block
                odd = odd or _has_odd_blanks(block) or _has_odd_blanks(seam)
                plain = plain and _is_plain(block) and _is_plain(seam) and quotes.let_a_record_end(block)
                end = block[-3:]
                size += len(block)
        text.end()
    except OSError as error:
        raise FileFault(f"cannot be read: {error.strerror or error}.") from None
    return Scan(digest.hexdigest(), size, lines, spaces, odd, plain and _is_plain(end + b","), state)


def file_state(path: Path) -> FileState:
    """By which a file is known to be still the one that was read: its place, size and times, nothing where it cannot
    be asked. No second digest, which would take as long as the scan."""
    try:
        return _state(path.stat())
    except OSError:
        return ()


def _state(found: os.stat_result) -> FileState:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _has_odd_blanks(block: bytes) -> bool:
    # one byte is looked for sixty times as fast as two
    return b"\t" in block or (
        not block.isascii()
        and any(
            lead in block and any(blank in block for blank in _ODD_BLANKS if blank[:1] == lead) for lead in _ODD_LEADS
        )
    )


def _is_plain(block: bytes) -> bool:
    """False where readers differ: a carriage return alone, which ends a line for some, and blanks outside of
    quotes, which DuckDB takes sometimes for a part of the value and sometimes not."""
    if b"\r" in block and _LONE_RETURN.search(block):
        return False
    if b'"' not in block or b" " not in block:
        return True
    return b'  "' not in block and not (b'" ' in block and _ODD_QUOTES.search(block))


class _Quotes:
    """Whether quotes are open. DuckDB keeps a record and every one of its faults in memory, however long it is."""

    def __init__(self) -> None:
        self.open = False

    def let_a_record_end(self, block: bytes) -> bool:
        """Whether a record ends in the block, or could if every quote were closed."""
        if not self.open and b'"' not in block:
            return b"\n" in block or len(block) < BLOCK
        is_open, start, ends = self.open, 0, len(block) < BLOCK
        while not ends and (end := block.find(b"\n", start)) >= 0:
            is_open ^= bool(block.count(b'"', start, end) & 1)
            start, ends = end + 1, not is_open
        self.open ^= bool(block.count(b'"') & 1)
        return ends


class _Text:
    """Bytes that ought to be UTF-8; a refusal says where, and what the file looks like instead."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.seen = 0
        self.lines = 1

    def feed(self, block: bytes) -> None:
        if self.seen == 0:
            for mark, called in MARKS.items():
                if block.startswith(mark):
                    raise FileFault(f"is {called} text, not UTF-8. {SAVE_AS}")
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
        zeros = block.count(b"\0") / len(block)  # of Latin text in UTF-16 every second byte, in UTF-32 three of four
        looks = "it is not a text file, or is damaged"
        if zeros > 1 / 4:
            looks = f"it looks like UTF-{32 if zeros > 5 / 8 else 16} without a mark"
        line = self.lines + block.count(b"\n", 0, at)
        raise FileFault(f"has a zero byte at offset {self.seen + at}, line {line}: {looks}. {SAVE_AS}")


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of the CSV file at `path`, the header first, each with the number of the line that it ends on.

    Raises `FileFault` where it is not CSV, with the row as a spreadsheet counts it.
    """
    record = line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _Lines(file)
            reader = csv.reader(lines, strict=True, skipinitialspace=True)
            for cells in reader:
                record, line = record + 1, reader.line_num
                yield line, cells
                lines.left = LONGEST
    except OSError as error:
        raise FileFault(f"cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:  # not scanned, since nothing in it is needed; or UTF-8 when it was
        raise FileFault(f"is not UTF-8, or changed while it was read. {SAVE_AS}") from None
    except csv.Error as error:
        raise FileFault(
            f"row {record + 1}: not CSV from line {line + 1} on ({error}). "
            "Look there for a double quote that is not closed or not doubled, or for a row without its end."
        ) from None


class _Lines:
    """The lines of `file` for `csv.reader`, of which a record may take no more than `left` characters: a quote
    that is not closed, or a file without line ends, would fill the memory."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.left = LONGEST

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(self.left + 1)
        if not line:
            raise StopIteration
        self.left -= len(line)
        if self.left < 0:
            raise csv.Error(f"a record of more than {LONGEST:,} characters")
        return line


def header(path: Path) -> tuple[list[str], bool]:
    """The trimmed header cells of `path`, and whether the header is one plain line.

    Raises `FileFault` when there is no header or when it names a column twice.
    """
    line, row = next(records(path), (1, []))
    cells = [cell.strip(BLANKS) for cell in row]
    if not any(cells):
        raise FileFault("has no header row. The first row must hold the column names.")
    if len(cells) > MOST_COLUMNS:
        raise FileFault(f"row 1: the header has {len(cells):,} columns, far more than a roster has. Export it again.")
    named = Counter(cell.lower() for cell in cells if cell)
    twice = list(dict.fromkeys(cell for cell in cells if named[cell.lower()] > 1))
    if twice:
        told = ", ".join(f"'{shown(cell)}'" for cell in twice[:5])
        raise FileFault(f"row 1: column {told} stands in the header twice. Remove one of them.")
    return cells, line == 1


def shown(name: str) -> str:
    """A name from outside as a message can hold it, whatever is in it and however long it is."""
    plain = name if name.isprintable() else ascii(name)[1:-1]
    return plain if len(plain) <= 100 else plain[:100] + "…"
