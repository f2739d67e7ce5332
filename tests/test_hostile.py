"""Files that nobody would send on purpose, and some that somebody would: each is read as it stands or refused with a
reason, in little memory, and nothing is written but in the private folder."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.targets import STORE, check_csv, check_roster, contents

from provision.cli import main
from provision.errors import RosterError
from provision.formats import load_roster
from provision.formats.scan import BLOCK, LONGEST, MOST_COLUMNS, scan
from provision.formats.stage import CsvFile, Read, stage
from provision.roster.fill import TABLES
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import Store

ROSTER = {
    "orgs.csv": b"sourcedId,name,type\nA,Ash School,school\n",
    "users.csv": b"sourcedId,username,givenName,familyName,phone\n01,ada,Ada,Berg,5550100\n02,bo,Bo,Cole,5550101\n",
    "roles.csv": b"userSourcedId,orgSourcedId,role,grade\n01,A,student,04\n02,A,student,05\n",
    "classes.csv": b"sourcedId,orgSourcedId,title\nC,A,Art\n",
    "enrollments.csv": b"classSourcedId,userSourcedId,role\nC,01,student\nC,02,student\n",
}
USERS = ROSTER["users.csv"]


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is written where we are, and no temporary file stays."""
    for name in ("here", "scratch", "roster"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    yield
    assert list((tmp_path / "scratch").iterdir()) == list((tmp_path / "here").iterdir()) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound roster."""
    for name, content in ROSTER.items():
        (tmp_path / "roster" / name).write_bytes(content)
    return tmp_path / "roster"


def load(folder: Path) -> None:
    load_roster(STORE, folder, RosterOptions())


def details(folder: Path) -> tuple[str, ...]:
    """What is said of a roster that is refused, which leaves no row behind."""
    with pytest.raises(RosterError) as refused:
        load(folder)
    assert [table for table in TABLES if STORE.value(f"SELECT count(*) FROM roster.{table}")] == []
    return refused.value.details


def people() -> list[tuple[str, ...]]:
    return STORE.rows("SELECT id, username, given_name, family_name, phone FROM roster.persons ORDER BY id")


# -- what is read all the same

READ: dict[str, bytes] = {
    "carriage returns": USERS.replace(b"\n", b"\r"),
    "all three line ends": USERS.replace(b"\n", b"\r", 1).replace(b"100\n", b"100\r\n"),
    "line feeds within, carriage returns without": USERS.replace(b"Ada", b'"Ada\n"').replace(b"\n0", b"\r0"),
    "a carriage return before each line end": USERS.replace(b"\n", b"\r\r\n"),
    "a mark": b"\xef\xbb\xbf" + USERS,
    "two marks": b"\xef\xbb\xbf" * 2 + USERS,
    "two files joined, with their marks": USERS.replace(b"\n02", b"\n\xef\xbb\xbf02"),
    "a mark before a quote": b"\xef\xbb\xbf" + USERS.replace(b"sourcedId", b'"sourcedId"'),
    "blanks before quotes": USERS.replace(b",Berg", b',  "Berg"'),
    "white space of every kind": USERS.replace(b"Ada", "\u00a0\u3000Ada\u2003\u200b\t".encode()),
    "next line and line separator at an end": USERS.replace(b"Ada", "\x85Ada\u2028".encode()),
    "commas at the end of rows": USERS.replace(b"0100\n", b"0100,,,\n"),
    "blank cells in the header": USERS.replace(b",phone\n", b",,phone\n").replace(b",555", b",,555"),
    "columns in another order": b"phone,familyName,givenName,username,sourcedId\n"
    b"5550100,Berg,Ada,ada,01\n5550101,Cole,Bo,bo,02\n",
    "a header of another case": USERS.replace(b"username", b"UserName"),
    "a header over two lines": USERS.replace(b"phone\n", b'phone,"shoe\nsize"\n'),
    "a row with too few cells": USERS.replace(b"\n", b",pronouns\n", 1),
    "blank rows": USERS.replace(b"\n", b"\n\n\n") + b"\n \n,,,,\n",
    "no last line end": USERS[:-1],
}


@pytest.mark.parametrize("form", READ)
def test_what_is_unusual_is_read_like_the_usual(folder: Path, form: str) -> None:
    load(folder)
    usual = people()
    (folder / "users.csv").write_bytes(READ[form])
    load(folder)
    assert people() == usual
    assert not [each for each in findings(STORE) if each.severity == "error"]
    assert check_csv(READ[form])


@pytest.mark.parametrize("sign", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029", "\u00a0", "\u3000"])
def test_what_ends_a_line_elsewhere_does_not_here(folder: Path, sign: str) -> None:
    """`str.splitlines` ends lines at these; CSV does not. What is within a value, a later check may speak of."""
    (folder / "users.csv").write_bytes(USERS.replace(b"ada", f"a{sign}da".encode()))
    load(folder)
    assert STORE.rows("SELECT username FROM roster.persons ORDER BY id") == [(f"a{sign}da",), ("bo",)]


def test_a_formula_is_a_value_like_any_other(folder: Path) -> None:
    (folder / "users.csv").write_bytes(USERS.replace(b"Ada,", b"\"=cmd|' /C calc'!A0\","))
    load(folder)
    assert people()[0][2] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", [b'"Art" ', b'"Art" "too"', b'"Art"too', b'"Art\n'])
def test_whichever_road_a_file_takes_it_is_refused(folder: Path, text: bytes) -> None:
    """DuckDB by itself would read the first as Art and the second as Art too."""
    (folder / "classes.csv").write_bytes(ROSTER["classes.csv"].replace(b"Art", text))
    assert details(folder)[0].startswith("classes.csv row 2: not CSV from line 2 on (")


def test_a_row_of_blanks_with_something_beyond_them_is_told(folder: Path) -> None:
    (folder / "classes.csv").write_bytes(ROSTER["classes.csv"] + b",,,Music\n")
    load(folder)
    assert ("extra-cells", "classes.csv", 3) in {(each.rule, each.file, each.record) for each in findings(STORE)}


@pytest.mark.parametrize("at", range(-4, 3))
def test_a_quirk_where_two_blocks_meet(folder: Path, at: int) -> None:
    """The scan reads block by block, and no quirk may slip through between them."""
    for quirk in (b'"x" ,', b'  "x",', b"x\ry,", "\u3000x,".encode()):
        start = b"h,i\n" + b"12345678,y\n" * (BLOCK // 11 + 1)
        raw = start[: BLOCK + at - 4] + b"\n" + quirk + b"z\n"
        path = folder / "other.csv"
        path.write_bytes(raw)
        found = scan(path)
        assert not found.plain or found.odd_spaces


# -- what is refused

REFUSED: dict[str, tuple[bytes, str]] = {
    "UTF-16": (USERS.decode().encode("utf-16"), "is UTF-16 text, not UTF-8"),
    "UTF-16, big end first": (b"\xfe\xff" + USERS.decode().encode("utf-16-be"), "is UTF-16 text, not UTF-8"),
    "UTF-16 without a mark": (USERS.decode().encode("utf-16-le"), "looks like UTF-16 without a mark"),
    "UTF-16, big end first, without": (USERS.decode().encode("utf-16-be"), "looks like UTF-16 without a mark"),
    "UTF-32": (USERS.decode().encode("utf-32"), "is UTF-32 text, not UTF-8"),
    "UTF-32 without a mark": (USERS.decode().encode("utf-32-be"), "looks like UTF-32 without a mark"),
    "Windows-1252": (USERS.replace(b"Cole", "Zoë".encode("cp1252")), "0xEB at offset 81, line 3; it looks like Wind"),
    "half a pair": (USERS.replace(b"Cole", b"\xed\xa0\x80"), "is not UTF-8: byte 0xED"),
    "a zero byte": (USERS.replace(b"Cole", b"Co\0le"), "zero byte at offset 81, line 3: it is not a text file"),
    "nothing but zeros": (bytes(100), "it looks like UTF-32 without a mark"),
    "empty": (b"", "has no header row"),
    "a mark alone": (b"\xef\xbb\xbf", "has no header row"),
    "white space": (b" \t \n\n  \n", "has no header row"),
    "white space that is not plain": ("\u3000\u200b\n".encode(), "has no header row"),
    "blank header": (b",,,\n01,ada,Ada,Berg\n", "has no header row"),
    "a header twice": (USERS.replace(b"phone", b"username"), "row 1: column 'username' stands in the header twice"),
    "twice but for case": (USERS.replace(b"phone", b"UserName"), "row 1: column 'username', 'UserName' stands in"),
    "a header with a sign that steers": (
        USERS.replace(b"phone", b"\x1b[2J,\x1b[2J"),
        r"column '\x1b[2J' stands in the header twice",
    ),
    "many columns": (b"sourcedId,username" + b",x" * 10_000, "row 1: the header has 10,002 columns, far more than"),
    "the file of another": (ROSTER["classes.csv"], "row 1: the header lacks 'username'"),
    "a quote that is not closed": (USERS.replace(b"Bo,", b'"Bo,'), "row 3: not CSV from line 3 on (unexpected end"),
    "a quote that is not doubled": (USERS.replace(b"Bo,", b'"B"o",'), "row 3: not CSV from line 3 on (',' expected"),
    "a long value": (USERS.replace(b"Bo,", b"B" * 10_000_000 + b","), "row 3: not CSV from line 3 on (a record of mo"),
    "a long value in quotes": (USERS.replace(b"Bo,", b'"' + b"B\n" * LONGEST + b'",'), "row 3: not CSV from line 3"),
    "a long record": (USERS.replace(b"Bo,", b'"B\n",' * LONGEST), "row 3: not CSV from line 3 on (a record of more"),
    "a long header": (b"sourcedId," * LONGEST, "row 1: not CSV from line 1 on (a record of more than 131,072 char"),
    "a page of HTML": (b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n", "the header lacks 'sour"),
    "a ZIP": (b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)), "zero byte at offset 5"),
}  # fmt: skip


@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(folder: Path, form: str) -> None:
    content, said = REFUSED[form]
    assert content != USERS
    (folder / "users.csv").write_bytes(content)
    (detail,) = details(folder)
    assert detail.startswith("users.csv ")
    assert said in detail
    assert detail.endswith(".")
    assert len(detail) < 300
    if len(content) < LONGEST:
        check_csv(content)


def test_as_many_columns_as_there_may_be(folder: Path) -> None:
    header = ",".join(f"x{number}" for number in range(MOST_COLUMNS - 2))
    (folder / "classes.csv").write_text(f"sourcedId,orgSourcedId,title,{header}\n")
    assert f"has {MOST_COLUMNS + 1:,} columns" in details(folder)[0]
    (folder / "classes.csv").write_text(f"sourcedId,orgSourcedId,{header}\n")
    assert "lacks 'title'" in details(folder)[0]


# -- files that are none


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _outside(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere.csv"
    elsewhere.write_bytes(USERS)
    path.symlink_to(elsewhere)


NO_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (_pipe, "it is no file"),
    "a folder": (Path.mkdir, "it is no file"),
    "a device without an end": (_endless, "it is no file"),
    "a link to itself": (_loop, "it is no file"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "a link to nothing"),
    "a link out of the folder": (_outside, "it is a link that leads out of the folder; put the file itself there"),
}


@pytest.mark.parametrize("name", ["users.csv", "more.zip"])
@pytest.mark.parametrize("form", NO_FILES)
def test_what_is_no_file_of_the_folder_is_not_opened(folder: Path, form: str, name: str) -> None:
    make, said = NO_FILES[form]
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    assert details(folder) == (next(iter(details(folder))),)
    assert details(folder)[0].startswith(f"{name}: ")
    assert said in details(folder)[0]


@pytest.mark.parametrize("form", [form for form in NO_FILES if form not in ("a folder", "a link out of the folder")])
@pytest.mark.parametrize("name", ["roster.zip", "elsewhere"])
def test_what_is_no_file_is_no_roster(tmp_path: Path, form: str, name: str) -> None:
    NO_FILES[form][0](tmp_path / name)
    with pytest.raises(RosterError, match=r"neither a folder nor a file|does not exist|cannot be read"):
        load(tmp_path / name)


def test_a_link_within_the_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    """As mounted volumes have them: the names are links into a folder of the day."""
    (folder / "..today").mkdir()
    (folder / "users.csv").rename(folder / "..today" / "users.csv")
    (folder / "users.csv").symlink_to("..today/users.csv")
    (tmp_path / "link").symlink_to(folder)
    load(tmp_path / "link")
    assert len(people()) == 2


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refused(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == "users.csv":  # who is root may read everything, so chmod alone would prove nothing
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", refused)
    said = details(folder)
    assert said == ("users.csv cannot be read: Permission denied.",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.csv")).write_bytes(b"x\n")
    assert details(folder) == (r"\udcff.csv: its name is not UTF-8; rename it.",)


@pytest.mark.parametrize("name", [b"\xff", b"[a-z]*", b"it's", b"x" * 200])
def test_a_folder_with_any_name(folder: Path, name: bytes) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder.parent) + b"/" + name))
    folder.rename(odd)
    load(odd)
    assert len(people()) == 2


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "nowhere"])
def test_a_path_that_cannot_be(path: str) -> None:
    with pytest.raises(RosterError, match=r"does not exist|cannot be read"):
        load(Path(path))


# -- files that change while they are read


def _appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"03,cy,Cy,Dahl,\n")


def _replaced(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(USERS.replace(b"Berg", b"Bern"))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def _rewritten(path: Path) -> None:
    """In place, as long as before, and with the old time."""
    times = path.stat()
    path.write_bytes(USERS.replace(b"Berg", b"Bern"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _garbled(path: Path) -> None:
    path.write_bytes(USERS.replace(b"Berg", b"\xff,,,"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": _appended,
    "is replaced": _replaced,
    "is rewritten": _rewritten,
    "is no text any more": _garbled,
    "is cut": lambda path: path.write_bytes(USERS[:-20]),
    "is emptied": lambda path: path.write_bytes(b""),
    "goes away": Path.unlink,
}


@pytest.mark.parametrize("odd", [False, True], ids=["main road", "slow road"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before it is read", "after it is read"])
def test_a_file_that_changes_stops_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: str, odd: bool, when: str
) -> None:
    users = folder / "users.csv"
    users.write_bytes(USERS.replace(b"\n", b"\r") if odd else USERS)
    time.sleep(0.02)  # some systems count time in steps of 4 ms

    def meddling(store: Store, file: CsvFile, scratch: Path) -> Read:
        meddle = file.path.name == "users.csv"
        if meddle and when == "before it is read":
            CHANGES[change](users)
        gave = stage(store, file, scratch)
        if meddle and when == "after it is read":
            CHANGES[change](users)
        return gave

    monkeypatch.setattr("provision.formats.stage", meddling)
    assert details(folder) == ("users.csv changed while it was read. Run again when the export has ended.",)


# -- memory

PROBE = """
import json, resource, sys
from pathlib import Path
from provision.errors import RosterError
from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.store import open_store
try:
    load_roster(open_store(Path(sys.argv[2]), "probe"), Path(sys.argv[1]), RosterOptions())
    said = "read"
except RosterError as error:
    said = error.details[0]
own = Path("/proc/self/status")  # what else is told there begins at the peak of whoever started us
if own.exists():
    peak = int(own.read_text().split("VmHWM:")[1].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([said, peak / 1024]))
"""
MB = 1_000_000
HUGE: dict[str, tuple[bytes, bytes, int, str]] = {
    "a line of 200 MB": (b"01,ada,", b"x" * MB, 200, "row 2: not CSV from line 2 on"),
    "a header of 100 MB": (b"", b"a," * (MB // 2), 100, "row 1: not CSV from line 1 on"),
    "a row of 30 million cells": (b"01", b",a" * (MB // 2), 60, "row 2: not CSV from line 2 on"),
    "a row of 15 million line breaks": (b"01", b',"\n"' * (MB // 4), 60, "row 2: not CSV from line 2 on"),
    "a quote that is not closed": (b'01,"ada\n', b"02,bo,Bo,Cole\n" * (MB // 14), 60, "row 2: not CSV from line 2"),
    "no line end but carriage returns": (b"", b"".join(b"%d,ada%d,Ada\r" % (n, n) for n in range(200_000)), 1, "read"),
}


@pytest.mark.parametrize("form", HUGE)
def test_what_is_huge_takes_little_memory(tmp_path: Path, folder: Path, form: str) -> None:
    start, piece, times, expected = HUGE[form]
    with (folder / "users.csv").open("wb") as file:
        file.write(b"" if "header" in form else b"sourcedId,username,givenName\n")
        file.write(start)
        for _ in range(times):
            file.write(piece)
    command = [sys.executable, "-c", PROBE, str(folder), str(tmp_path / "state")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path / "scratch")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    said, peak = json.loads(done.stdout)
    assert expected in said
    assert peak < 250, f"{peak:.0f} MB"


# -- the command line


def test_the_command_says_so_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content, said in list(REFUSED.values())[::4]:
        (folder / "users.csv").write_bytes(content)
        before = contents(folder)
        assert main(["check", str(folder)]) == 1
        told = capsys.readouterr().err
        assert said in told
        assert "Traceback" not in told
        assert told.replace("\n", "").isprintable()
        assert contents(folder) == before


# -- what fuzzing found


FOUND: dict[str, bytes] = {
    # both of them DuckDB reads otherwise than others, and without a word
    "a line break in quotes, and a carriage return that makes up for it": b'h,i\r"a\nb",c',
    "two quoted parts": b'h,i\n"a" "b",c\n',
    "two blanks before a quote": b'h,i\n  "a",b\n',
    "a blank after a quote": b'h,i\n"a" ,b\n',
    "a blank after a quote at the end": b'h,i\na,"b" ',
    "a line break in a single column, and a blank line that makes up for it": b'h\n"a\nb"\n\n',
}


@pytest.mark.parametrize("form", FOUND)
def test_what_fuzzing_found(form: str) -> None:
    check_csv(FOUND[form])


def test_a_roster_of_which_every_file_is_spoiled() -> None:
    for content in (b"", b"\r", b'"', b"\xff", b",\n,\n"):
        assert not check_roster(dict.fromkeys(ROSTER, content))
    assert check_roster(ROSTER)
