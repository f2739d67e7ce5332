"""What a OneRoster manifest says: the version, and of each file whether it is absent, whole or only changes.

Rows of `propertyName,value`: `oneroster.version`, and `file.users` with `bulk` (the whole truth), `delta` (changes
only) or `absent`. No manifest means version 1.0, but feeds leave it out of later versions too. Where the manifest
and the files disagree, the files count. Source: 1EdTech's "OneRoster CSV Binding", versions 1.1 and 1.2.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provision.errors import RosterError
from provision.formats.columns import note
from provision.formats.format import File, Format, bare
from provision.formats.scan import BLANKS, FileFault, records, scan
from provision.roster.checks.files import MANIFEST_DIFFERS
from provision.store import Store

MANIFEST = File("manifest.csv", ("propertyName", "value"), need="optional")
MODES = ("", "bulk", "delta", "absent")
FORMATS = {"1.0": "oneroster-1.1", "1.1": "oneroster-1.1", "1.2": "oneroster-1.2"}
_LONGEST = 10_000  # rows; a manifest has about thirty


@dataclass(frozen=True)
class Manifest:
    """`version` is the number that the package gives itself; `modes` has a mode for each lower-case file name."""

    version: str = ""
    modes: Mapping[str, str] = field(default_factory=dict)


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`, a UTF-8 text. Raises `FileFault` where it cannot be read as one, or where it says
    of a file what cannot be understood: taken for whole, changes would make all others look gone."""
    said: dict[str, str] = {}
    scan(path)  # refuses what is no text
    rows = records(path)
    cells = [cell.strip(BLANKS) for cell in next(rows, (0, []))[1]]
    key, value = (MANIFEST.cell_of(header, cells) for header in MANIFEST.required)
    for line, row in rows:
        if key is not None and value is not None and len(row) > key:
            said[row[key].strip(BLANKS).lower()] = row[value].strip(BLANKS).lower() if len(row) > value else ""
        if line > _LONGEST:
            raise FileFault(f"has more than {_LONGEST:,} rows; that is no manifest.")
    modes = {
        f"{name.removeprefix('file.').removesuffix('.csv')}.csv": mode
        for name, mode in said.items()
        if name.startswith("file.")
    }
    for name, mode in modes.items():
        if mode not in MODES:
            raise FileFault(f"calls {name} {mode[:40]!r}. Write bulk, delta or absent.")
    return Manifest(said.get("oneroster.version", "")[:40], modes)


def read_manifests(files: Mapping[str, Path]) -> tuple[dict[str, Manifest], dict[str, str]]:
    """The manifests among `files` by package ("" if there is only one), and by name what is wrong with a bad one."""
    manifests, unclear = {}, {}
    for name, path in files.items():
        package, _, plain = name.rpartition("/")
        if plain.lower() == MANIFEST.name:
            try:
                manifests[package] = read_manifest(path)
            except FileFault as fault:
                unclear[name] = f"{name} {fault}"
    for name in files:
        package, _, plain = name.rpartition("/")
        if package in manifests and manifests[package].modes.get(plain.lower()) == "":
            unclear[name] = f"{name} is there, and the manifest does not say how. Write bulk or delta."
    return manifests, unclear


def refuse_manifest_alone(path: Path, names: Iterable[str]) -> None:
    """Raise `RosterError` for a roster of nothing but a manifest, which means that nothing changed."""
    if all(bare(name).lower() == MANIFEST.name for name in names):
        raise RosterError(
            f"The roster {path} holds a manifest and nothing else.",
            [
                "In OneRoster that says: nothing has changed. It does not say that everybody is gone.",
                "Give the last full export, or have a full one (bulk) made.",
            ],
        )


def note_differences(store: Store, form: Format, names: Collection[str], manifests: Mapping[str, Manifest]) -> None:
    """Report what the manifests say otherwise than the files (`names`) that lie beside them."""
    for name in names:
        package = name.rpartition("/")[0]
        if form.file(name) is MANIFEST and package in manifests:
            there = {bare(other).lower() for other in names if other.rpartition("/")[0] == package}
            for message in _differences(form, manifests[package], there):
                note(store, MANIFEST_DIFFERS, name, message)


def _differences(form: Format, manifest: Manifest, there: Container[str]) -> Iterator[str]:
    if manifest.version and FORMATS.get(manifest.version[:3]) != form.name:
        yield f"It gives the version as {manifest.version!r}, but the files are those of {form.title}."
    known = {file.name.lower() for file in form.files} - {MANIFEST.name}
    for name, mode in manifest.modes.items():
        if name in known and mode and (mode == "absent") is (name in there):
            yield f"It calls {name} {mode}, but the file is {'there' if name in there else 'not there'}."
