"""Matches that somebody has said yes to, in a file beside the profile: `<name of the profile>.matches.csv`.

People read this file, edit it and keep it under version control; a line that is taken out takes the yes back. Each row
says that the object is the one of that key, which then outweighs every other claim. It never outweighs the school's id
of somebody else who is in the roster.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from provision.errors import ProfileError
from provision.profile import Profile, nearest
from provision.store import Store
from provision.store.cells import harmless
from provision.store.files import replace_file

KINDS = ("user", "section", "school")
MOST_FAULTS = 10
GONE, OF_ANOTHER = "match-accepted-gone", "match-accepted-anchor"
"""Why a yes is not followed: the object is not there, or it bears the id of another one of the roster."""


class Yes(NamedTuple):
    """A row of the file. `account` is what the object was called then: a sign-in name, an alias, a school's name.

    `at` is ISO 8601, UTC. `account`, `at` and `reason` are for those who read the file.
    """

    key: str
    object_id: str
    account: str
    by: str
    at: str
    reason: str


NEEDED = ("key", "object_id", "by")


def accepted_path(profile: Profile) -> Path:
    """Where the file is, or would be."""
    return profile.folder / f"{profile.name}.matches.csv"


class Accepted:
    """What a plan is bound to: how many rows there are, and the SHA-256 of what they say, whatever their layout."""

    def __init__(self) -> None:
        self._number, self._digest = 0, hashlib.sha256()

    def add(self, yes: Yes) -> None:
        """One more row."""
        self._number += 1
        self._digest.update(json.dumps(yes).encode() + b"\n")

    @property
    def said(self) -> dict[str, object] | None:
        """As the plan's header has it; None where there is no row."""
        return {"number": self._number, "digest": self._digest.hexdigest()} if self._number else None


def accepted_now(profile: Profile) -> dict[str, object] | None:
    """What the file holds now. Raises `ProfileError` for a file that cannot be used."""
    found = Accepted()
    for _, yes in _rows(accepted_path(profile)):
        found.add(yes)
    return found.said


def load_accepted(store: Store, profile: Profile) -> None:
    """Make `run.accepted (kind, key, object_id, account, file, record, refused)` from the file, and
    `run.accepted_matches (said)`.

    Raises `ProfileError` for a file that cannot be used, or that names a key or an object twice.
    """
    path = accepted_path(profile)
    store.run("""
        CREATE OR REPLACE TABLE run.accepted (
            kind TEXT, key TEXT, object_id TEXT, account TEXT, file TEXT, record BIGINT, refused TEXT)""")
    columns = ("kind", "key", "object_id", "account", "file", "record")
    block: list[tuple[object, ...]] = []
    found = Accepted()
    for record, yes in _rows(path):
        found.add(yes)
        block.append((yes.key.partition(":")[0], yes.key, yes.object_id, yes.account, path.name, record))
        if len(block) == _BLOCK:
            store.insert("run.accepted", columns, block)
            block.clear()
    store.insert("run.accepted", columns, block)
    store.run("CREATE OR REPLACE TABLE run.accepted_matches AS SELECT ?::TEXT AS said", [json.dumps(found.said)])
    _refuse_twice(store, path)


_BLOCK = 1_000


def refuse_accepted(store: Store, kind: str, current: str, bearers: str) -> None:
    """Set `refused` where the object is not there, or bears the id of another one of the roster.

    `bearers` is SQL for the objects with a school's id on them: object_id, and the key in the roster that has this id
    (NULL where the roster has none). While a record is so bad that it may be anybody's, every other id may be in the
    roster.
    """
    if not store.value("SELECT count(*) FROM run.accepted WHERE kind = ?", [kind]):
        return
    table = {"user": "persons", "section": "sections", "school": "orgs"}[kind]
    store.run(f"""
        UPDATE run.accepted a SET refused = CASE
            WHEN a.object_id NOT IN (SELECT object_id FROM {current}) THEN '{GONE}'
            WHEN EXISTS (
                FROM ({bearers}) b WHERE b.object_id = a.object_id AND coalesce(b.key <> a.key, EXISTS (
                    FROM roster.held h WHERE h.kind = 'unknown' AND h.id = '{table}'))) THEN '{OF_ANOTHER}' END
        WHERE a.kind = '{kind}'""")


def claim_accepted(store: Store, kind: str, known: str) -> None:
    """Add the claims of the yeses to `run.<kind>_claims`, stronger than all others.

    `known` is SQL for the ids that the roster has. Those that are held, or out of scope, keep their object too.
    """
    store.run(f"""
        INSERT INTO run.{kind}_claims
        SELECT key, object_id, 0 FROM run.accepted
        WHERE kind = '{kind}' AND refused IS NULL
          AND substr(key, {len(kind) + 2}) IN (SELECT id FROM ({known}))""")


def hold_refused(store: Store, kind: str) -> None:
    """Nobody is written while a yes speaks of them that cannot be followed."""
    refused = f"FROM run.accepted WHERE kind = '{kind}' AND refused IS NOT NULL"
    store.run(f"DELETE FROM run.{kind}_matches WHERE key IN (SELECT key {refused})")
    store.run(f"INSERT INTO run.{kind}_matches SELECT key, object_id, 0, refused {refused}")


def record_yes(profile: Profile, yes: Yes) -> None:
    """Add a row to the file, or begin the file, private to its owner. Raises `ProfileError` for one that cannot be
    used."""
    path = accepted_path(profile)
    head, before = list(Yes._fields), ""
    if path.exists():
        before = _text(path)
        head = _head(path, csv.reader(io.StringIO(before, newline="")))
    line = io.StringIO()
    writer = csv.DictWriter(line, head, extrasaction="ignore", lineterminator="\n")
    if not before:
        writer.writeheader()
    elif not before.endswith(("\n", "\r")):
        line.write("\n")
    writer.writerow({name: harmless(value) for name, value in yes._asdict().items()})
    with replace_file(path) as file:
        file.write((before + line.getvalue()).encode())


def _rows(path: Path) -> Iterator[tuple[int, Yes]]:
    """The rows with their numbers as a spreadsheet has them; blank ones are passed over."""
    if not path.exists():
        return
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    head = _head(path, reader)
    faults: list[str] = []
    try:
        for record, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            row = {**dict.fromkeys(Yes._fields, ""), **dict(zip(head, map(str.strip, cells), strict=False))}
            yes = Yes(**{**row, "object_id": row["object_id"].lower()})
            fault = _fault(yes, len(cells), len(head))
            if fault and len(faults) < MOST_FAULTS:
                faults.append(f"{path.name} row {record}: {fault}")
            yield record, yes
    except csv.Error as error:
        raise ProfileError(f"The accepted matches in {path} cannot be read: {error}.") from None
    if faults:
        raise ProfileError(f"The accepted matches in {path} cannot be used.", faults)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ProfileError(f"The accepted matches in {path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise ProfileError(f"The accepted matches in {path} are not UTF-8 text.", ["Save the file as UTF-8."]) from None


def _head(path: Path, reader: Iterator[list[str]]) -> list[str]:
    """The names of the columns, in any order. Raises `ProfileError` where one is missing, unknown or there twice."""
    try:
        head = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ProfileError(f"The accepted matches in {path} cannot be read: {error}.") from None
    unknown = [name for name in head if name not in Yes._fields]
    faults = [
        *(f"there is no column '{name}'{nearest(name, Yes._fields)}" for name in unknown),
        *(f"the column {name} is missing" for name in NEEDED if name not in head),
        *(f"the column {name} is there twice" for name in Yes._fields if head.count(name) > 1),
    ]
    if faults:
        raise ProfileError(
            f"The accepted matches in {path} cannot be used.",
            [*(f"row 1: {fault}" for fault in faults), f"Row 1 has to be {','.join(Yes._fields)}."],
        )
    return head


def _fault(yes: Yes, cells: int, columns: int) -> str | None:
    kind, _, id_ = yes.key.partition(":")
    if cells > columns:
        return f"it has {cells} cells, and row 1 has {columns}"
    if kind not in KINDS or not id_:
        near = nearest(kind, KINDS)
        return f"'{yes.key}' is no key of a person, class or school (user:S1, section:C1, school:10){near}"
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", yes.object_id):
        return f"'{yes.object_id}' is no object id of Microsoft 365"
    if not yes.by:
        return "nobody's name stands under `by`"
    return None


def _refuse_twice(store: Store, path: Path) -> None:
    """One key for two objects, or two keys for one object: it would not be one to one."""
    faults = [
        f"{path.name} row {later}: {value} stands in row {first} already"
        for column in ("key", "object_id")
        for value, first, later in store.rows(f"""
            SELECT {column}, min(record), max(record) FROM run.accepted
            GROUP BY {column} HAVING count(*) > 1 ORDER BY 2 LIMIT {MOST_FAULTS}""")
    ]
    if faults:
        raise ProfileError(
            f"The accepted matches in {path} are not one to one.",
            [*faults, "One key has one object, and one object one key: take one of the rows out."],
        )
