"""Whatever bytes a roster is made of: it is read as it stands, or refused with a reason.

The short form is the same on every run. `nox -s fuzz` has a long one that looks further each time, and drives the
same targets by coverage. What they find becomes a case in `test_hostile.py`.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.district import Size, write_district
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.targets import STORE, check_csv, check_roster, check_zip, contents

from provision.formats import FORMATS
from provision.roster.kinds import COLUMN_KINDS, KINDS
from provision.roster.options import RosterOptions

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def examples(few: int) -> settings:
    """So many examples, always the same; in the long form so many times more, and others on each run."""
    return settings(max_examples=few * TIMES, derandomize=TIMES == 1, deadline=None, print_blob=True)


SIGNS = ['"', '""', ",", "\n", "\r", "\r\n", " ", "  ", "\t", "a", "b", "é", "\f", "\u2028", "\x85", "\ufeff", "\xa0"]
"""What a CSV text may trip over."""
CELLS = ["", "a", '"a"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', ' "a"', '  "a"', '"a" ', 'a"b', "a b", "=1+1", '"']


def rows(ends: str) -> st.SearchStrategy[str]:
    line = st.lists(st.sampled_from(CELLS), min_size=1, max_size=4).map(",".join)
    return st.lists(line, max_size=6).map(lambda lines: "".join(each + ends for each in lines))


@examples(400)
@given(
    header=st.sampled_from(["h,i\n", "h,i\r\n", "h,i\r", "\ufeffh,i\n", '"h",i\n', '"h\n",i\n', "h\n", "h,i,j,\n"]),
    text=st.one_of(
        st.lists(st.sampled_from(SIGNS), max_size=20).map("".join),
        st.sampled_from(["\n", "\r\n", "\r"]).flatmap(rows),
        st.lists(st.one_of(rows("\n"), rows("\r\n"), rows("\r")), max_size=3).map("".join),
    ),
)
def test_both_roads_give_the_rows_that_are_there(header: str, text: str) -> None:
    check_csv((header + text).encode())


@examples(200)
@given(st.binary(max_size=120))
def test_whatever_the_bytes_of_a_file(raw: bytes) -> None:
    check_csv(raw)


def _seed(form: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_district(Path(folder), Size(2), form)
        return contents(Path(folder))


def _packages(whole: dict[str, bytes]) -> dict[str, bytes]:
    """A full export, and changes of two users since."""
    changed = whole["users.csv"].replace(b",,,true,", b",active,2026-09-01T08:00:00.000Z,true,")
    changes = {"users.csv": changed, "manifest.csv": b"propertyName,value\noneroster.version,1.1\nfile.users,delta\n"}
    return {f"{name}/{file}": files[file] for name, files in (("full", whole), ("new", changes)) for file in files}


SEEDS = {form.name: _seed(form.name) for form in FORMATS}
SEEDS["packages"] = _packages(SEEDS["oneroster-1.1"])
PIECES = [sign.encode() for sign in SIGNS] + [
    b"\0",
    b"\xff",
    b"\xff\xfe",
    b"9" * 40,
    b"=cmd|' /C calc'!A0",
    b"-1",
    b"x@",
]


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw` with a few bytes taken away, put in, said twice or exchanged."""
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        piece = draw(st.one_of(st.just(b""), st.just(raw[start:end]), st.sampled_from(PIECES)))
        raw = raw[:start] + piece + raw[draw(st.sampled_from([start, start + 1, end])) :]
    return raw


REWRITTEN: list[Callable[[bytes], bytes]] = [
    lambda raw: raw.replace(b"\n", b"\r"),
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: raw.replace(b"\n", b'",\n'),
    lambda raw: raw.replace(b",", b";"),
    lambda raw: raw + raw,
    lambda raw: raw[: raw.index(b"\n") + 1],
    lambda raw: raw.upper(),
    lambda raw: raw.decode().encode("utf-16"),
    lambda raw: raw[:0],
]


@st.composite
def rosters(draw: st.DrawFn) -> dict[str, bytes]:
    """A sound roster of some format in which one to three files went wrong."""
    files = dict(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for name in draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=3, unique=True)):
        spoiled = draw(st.one_of(mutated(files[name]), st.sampled_from(REWRITTEN), st.none()))
        if spoiled is None:
            del files[name]
        else:
            files[name] = spoiled if isinstance(spoiled, bytes) else spoiled(files[name])
    return files


@examples(30)
@given(rosters())
def test_a_spoiled_roster_is_loaded_whole_or_refused(files: dict[str, bytes]) -> None:
    check_roster(files)


def packed(compression: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        for name, content in SEEDS["sds-v2"].items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return written.getvalue()


@examples(300)
@given(st.one_of(*(mutated(packed(way)) for way in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)), st.binary(max_size=80)))
def test_a_spoiled_zip_is_unpacked_or_refused(raw: bytes) -> None:
    check_zip(raw)


def test_the_sound_ones_are_read() -> None:
    for files in SEEDS.values():
        assert check_roster(files)
        assert all(check_csv(content) for content in files.values())
    assert check_zip(packed(zipfile.ZIP_DEFLATED))


VALUES = st.one_of(
    st.text(max_size=20),
    st.text("0123456789-/. ", max_size=12),
    st.text("0123456789+()-. x", max_size=20),
    st.text("ab@.é+ -_İ", max_size=12),
    st.text("0123456789KPGkpg rade", max_size=4),
).filter(lambda value: "\0" not in value)
OPTIONS = [
    RosterOptions(),
    RosterOptions(grade_labels="uk", date_formats=("YYYY-MM-DD", "DD.MM.YYYY", "M/D/YYYY", "YYYYMMDD")),
]


def _is_text(kind: str) -> bool:
    typed = f"typeof({KINDS[kind].canonical('raw', OPTIONS[0])})"
    return bool(STORE.value(f"SELECT {typed} FROM (SELECT '' AS raw)") == "VARCHAR")


def _kinds() -> set[tuple[str, str]]:
    """Each kind that a format reads values by, with the kind that the column has in the roster itself."""
    intos = [into for form in FORMATS for file in form.files for into in file.into]
    read = {
        (into.kinds.get(column, own), own)
        for into in intos
        for column in into.columns
        for own in [COLUMN_KINDS.get((into.table, column), "text")]
    }
    judged = {kinds for kinds in read if KINDS[kinds[0]].canonical("raw", OPTIONS[0]) != "raw"}
    return {kinds for kinds in judged if all(map(_is_text, kinds))}


@pytest.mark.parametrize(("kind", "own"), sorted(_kinds()))
@examples(25)
@given(values=st.lists(VALUES, min_size=1, max_size=10))
@example(values=["2026-02-29", "1899-12-31", "(555) 010-0199", "+49 30 1234", "ADA@İ.example", "kg", "9", "K"])
def test_a_value_once_read_stays_as_it_is(kind: str, own: str, values: list[str]) -> None:
    for options in OPTIONS if kind == own else OPTIONS[:1]:  # Clever has American grades only
        once, twice = KINDS[kind].canonical("raw", options), KINDS[own].canonical("once", options)
        found = STORE.rows(
            f"SELECT raw, once, {twice} AS twice FROM (SELECT raw, {once} AS once FROM (SELECT unnest(?) AS raw)) "
            "WHERE once IS NOT NULL",
            [values],
        )
        assert [row for row in found if row[1] != row[2]] == []
