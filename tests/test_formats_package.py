"""A ZIP is opened with care."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from support.targets import check_zip

from provision.errors import RosterError
from provision.formats import load_roster
from provision.formats.package import open_package
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

FILES = {
    "orgs.csv": b"sourcedId,name,type\nA,Ash School,school\n",
    "users.csv": b"sourcedId,username\ns1,ada\n",
    "roles.csv": b"userSourcedId,orgSourcedId,role\ns1,A,student\n",
}


def archive(path: Path, members: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RosterError) as refused:
        load_roster(in_memory(), path, RosterOptions())
    return "\n".join((refused.value.message, *refused.value.details))


@pytest.mark.parametrize("folder", ["", "export 2026/"])
def test_a_zip_loads_like_its_folder(tmp_path: Path, folder: str) -> None:
    beside = [("LICENSE", b"x"), ("readme.md", b"x"), ("__MACOSX/._orgs.csv", b"x"), (f"{folder}notes.txt", b"x")]
    path = archive(tmp_path / "r.zip", [*((folder + name, text) for name, text in FILES.items()), *beside])
    store = in_memory()
    assert load_roster(store, path, RosterOptions()).format == "sds-v2.1"
    assert store.value("SELECT count(*) FROM roster.persons") == 1
    assert {each.file for each in findings(store)} == {"LICENSE", "readme.md", f"{folder}notes.txt"}


def test_what_lies_in_a_zip_beside_the_files_is_told(tmp_path: Path) -> None:
    members = [*FILES.items(), ("notes/", b""), ("notes/read\x1b[2Jme.txt", b"x"), ("__MACOSX/._orgs.csv", b"x")]
    store = in_memory()
    load_roster(store, archive(tmp_path / "r.zip", members), RosterOptions())
    told = [(each.file, each.message) for each in findings(store) if each.rule == "unknown-file"]
    assert told == [(name := r"notes/read\x1b[2Jme.txt", f"{name} is no CSV file; it is not read.")]


def test_a_zip_in_a_folder_completes_it(tmp_path: Path) -> None:
    archive(tmp_path / "r.zip", [(name, text) for name, text in FILES.items() if name != "orgs.csv"])
    (tmp_path / "orgs.csv").write_bytes(FILES["orgs.csv"])
    store = in_memory()
    load_roster(store, tmp_path, RosterOptions())
    assert store.value("SELECT count(*) FROM roster.roles") == 1


def test_what_was_unpacked_is_private_and_goes_away(tmp_path: Path) -> None:
    with open_package(archive(tmp_path / "r.zip", FILES.items())) as package:
        assert stat.S_IMODE(package.scratch.stat().st_mode) == 0o700
        assert package.files["orgs.csv"].read_bytes() == FILES["orgs.csv"]
    assert not package.scratch.exists()


def _special(mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("orgs.csv")
    info.external_attr = (mode | 0o777) << 16
    return info


def _compressed(way: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("orgs.csv")
    info.compress_type = way
    return info


def _inner() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("orgs.csv", FILES["orgs.csv"])
    return inner.getvalue()


BAD: list[tuple[str, list[tuple[str | zipfile.ZipInfo, bytes]], str]] = [
    ("out of the folder", [("../orgs.csv", b"x")], "leads out of the ZIP"),
    ("out of the folder by backslash", [("..\\orgs.csv", b"x")], "leads out of the ZIP"),
    ("an absolute name", [("/etc/orgs.csv", b"x")], "leads out of the ZIP"),
    ("a drive", [("C:/orgs.csv", b"x")], "leads out of the ZIP"),
    ("a text that leads out", [*FILES.items(), ("../notes.txt", b"x")], "leads out of the ZIP"),
    ("an absolute name by backslash", [("\\\\server\\orgs.csv", b"x")], "leads out of the ZIP"),
    ("a link", [(_special(stat.S_IFLNK), b"/etc/passwd")], "it is a link"),
    ("a pipe", [(_special(stat.S_IFIFO), b"")], "it is a pipe or a device"),
    ("a device", [(_special(stat.S_IFCHR), b"")], "it is a pipe or a device"),
    ("bzip2", [(_compressed(zipfile.ZIP_BZIP2), b"x")], "compressed in an unusual way; pack it with deflate"),
    ("LZMA", [(_compressed(zipfile.ZIP_LZMA), b"x")], "compressed in an unusual way; pack it with deflate"),
    ("a name that steers", [*FILES.items(), ("\x1b[2J.csv", b"x")], r"\x1b[2J.csv is in the ZIP, but belongs to no"),
    ("a name without end", [*FILES.items(), ("x" * 60_000 + ".csv", b"x")], "x… is in the ZIP, but belongs to no"),
    ("a file twice, one in a folder", [("orgs.csv", b"x"), ("a/orgs.csv", b"x")], "orgs.csv is in the ZIP more than"),
    ("many files", [(f"{number}.txt", b"") for number in range(1_001)], "It holds 1,001 files, far more than"),
    ("a list without end", [(f"{number}.txt", b"") for number in range(20_000)], "its list of files is far longer"),
    ("a ZIP", [("inner.zip", _inner())], "a ZIP inside the ZIP"),
    ("two folders", [("a/orgs.csv", b"x"), ("b/users.csv", b"x")], "different folders"),
    ("a file deep down", [("a/b/orgs.csv", b"x")], "different folders"),
    ("a file twice", [("orgs.csv", b"x"), ("ORGS.csv", b"x")], "more than once"),
    ("a CSV of no format", [*FILES.items(), ("lunch.csv", b"x")], "lunch.csv is in the ZIP, but belongs to no"),
    ("nothing", [("readme.txt", b"x")], "holds no CSV file"),
    ("a file without a name", [*FILES.items(), (zipfile.ZipInfo(""), b"x")], "it has no name"),  # found by fuzzing
    ("a bomb", [("orgs.csv", bytes(60 << 20))], "far more than a roster"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "said"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_zip_with_something_wrong_is_refused(
    tmp_path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], said: str
) -> None:
    told = refusal(archive(tmp_path / "r.zip", members))
    assert said in told
    assert told.replace("\n", "").isprintable()
    assert len(told) < 1_000


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "with something before it, as what unpacks itself": lambda raw: b"MZ" + bytes(1_000) + raw,
    "with a comment": lambda raw: raw[:-2] + b"\xff\xff" + b"c" * 65_535,
    "from Windows, with backslashes": lambda raw: raw.replace(b"export/", b"export\\"),
}


@pytest.mark.parametrize("form", FORMS)
def test_ways_to_write_the_same_zip(tmp_path: Path, form: str) -> None:
    path = archive(tmp_path / "r.zip", [(f"export/{name}", text) for name, text in FILES.items()])
    path.write_bytes(FORMS[form](path.read_bytes()))
    store = in_memory()
    load_roster(store, path, RosterOptions())
    assert store.value("SELECT count(*) FROM roster.roles") == 1


def test_a_zip_of_the_large_kind(tmp_path: Path) -> None:
    """ZIP64, as tools write it that do not know the sizes beforehand."""
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in FILES.items():
            with packed.open(name, "w", force_zip64=True) as member:
                member.write(content)
    with open_package(path) as package:
        assert {name: file.read_bytes() for name, file in package.files.items()} == FILES


SIZE = 24  # where an entry of the list has the size unpacked


@pytest.mark.parametrize("more", [-1, 1, 1_000, 0xFFFFFFF])
def test_a_zip_that_lies_about_a_size(tmp_path: Path, more: int) -> None:
    path = archive(tmp_path / "r.zip", FILES.items())
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02") + SIZE
    raw[at : at + 4] = (int.from_bytes(raw[at : at + 4], "little") + more).to_bytes(4, "little")
    path.write_bytes(raw)
    assert ("far more than a roster" if more > 1_000 else "cannot be read") in refusal(path)


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    """No more is unpacked than the list says, however much there is."""
    path = archive(tmp_path / "r.zip", [("orgs.csv", bytes(60 << 20))])
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02") + SIZE
    raw[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    assert "Bad CRC-32" in refusal(path)


def test_a_zip_whose_members_lie_on_one_another(tmp_path: Path) -> None:
    """Each of many entries points at the same large data: small as a file, large unpacked."""
    inner = bytes(1 << 20)
    path = archive(tmp_path / "r.zip", [(f"{number:03}.csv", inner if number == 0 else b"") for number in range(100)])
    raw = path.read_bytes()
    entries = raw[raw.index(b"PK\x01\x02") : raw.index(b"PK\x05\x06")].split(b"PK\x01\x02")[1:]
    first = b"".join(b"PK\x01\x02" + entries[0].replace(b"000.csv", b"%03d.csv" % number) for number in range(100))
    path.write_bytes(raw.replace(b"".join(b"PK\x01\x02" + each for each in entries), first))
    assert "It would unpack to 104,857,600 bytes" in refusal(path)


@pytest.mark.parametrize("name", [b"orgs.csv\0txt", b"\xff\xffgs.csv"])
def test_a_name_that_is_no_name(tmp_path: Path, name: bytes) -> None:
    written = "é" + "x" * (len(name) - 2)  # of as many bytes, and marked as UTF-8
    path = archive(tmp_path / "r.zip", [*FILES.items(), (written, b"x")])
    path.write_bytes(path.read_bytes().replace(written.encode(), name))
    assert "leads out of the ZIP" in (told := refusal(path)) or "cannot be read" in told


def test_a_zip_cut_anywhere_and_spoiled_anywhere() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("orgs.csv", FILES["orgs.csv"])
    raw = packed.getvalue()
    assert check_zip(raw)
    for at in range(len(raw)):
        assert not check_zip(raw[:at])
        for sign in (0, 0x7F, 0xFF):
            check_zip(raw[:at] + bytes([sign]) + raw[at + 1 :])


def test_a_folder_that_is_called_a_zip(tmp_path: Path) -> None:
    folder = tmp_path / "r.zip"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with open_package(folder) as package:
        assert sorted(package.files) == sorted(FILES)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "r.zip", FILES.items())
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start + 8] |= 1  # general purpose flag, bit 0
    path.write_bytes(data)
    assert "it is encrypted" in refusal(path)


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_damaged_zip_is_refused(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "r.zip", FILES.items())
    path.write_bytes(path.read_bytes()[:cut])
    assert "cannot be read" in refusal(path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for name, content in FILES.items():
            packed.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(b"Ash School", b"Elm School"))
    assert "cannot be read" in refusal(path)


def test_a_file_inside_and_outside_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / "r.zip", FILES.items())
    (tmp_path / "Orgs.csv").write_bytes(FILES["orgs.csv"])
    assert "more than once" in refusal(tmp_path)


def test_something_that_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "roster.xlsx").write_bytes(b"not a zip")
    assert "cannot be read" in refusal(tmp_path / "roster.xlsx")
