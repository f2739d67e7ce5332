"""A ZIP is opened with care."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

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
    assert list(findings(store)) == []


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


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("orgs.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
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
    ("a link", [(_link(), b"/etc/passwd")], "it is a link"),
    ("a ZIP", [("inner.zip", _inner())], "a ZIP inside the ZIP"),
    ("two folders", [("a/orgs.csv", b"x"), ("b/users.csv", b"x")], "different folders"),
    ("a file deep down", [("a/b/orgs.csv", b"x")], "different folders"),
    ("a file twice", [("orgs.csv", b"x"), ("ORGS.csv", b"x")], "more than once"),
    ("a CSV of no format", [*FILES.items(), ("lunch.csv", b"x")], "lunch.csv is in the ZIP, but belongs to no"),
    ("nothing", [("readme.txt", b"x")], "holds no CSV file"),
    ("a bomb", [("orgs.csv", bytes(60 << 20))], "far more than a roster"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "said"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_zip_with_something_wrong_is_refused(
    tmp_path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], said: str
) -> None:
    assert said in refusal(archive(tmp_path / "r.zip", members))


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
