"""The state of the fake tenant: objects, links, licences, and a clock of changes. It knows nothing of HTTP.

Objects are held as Graph shows them: a dictionary of wire names. A class is a group and a school an
administrative unit (learn.microsoft.com/graph/api/resources/educationclass), so each is one record with two
faces. Every change takes the next number of `Tenant.sequence`, which is what delta queries count in.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER, GROUP, UNIT = "user", "group", "administrativeUnit"
KINDS = (USER, GROUP, UNIT)
CLASS, SCHOOL = "class", "school"

Values = dict[str, Any]
"""A JSON object under its wire names."""

INDEXED = {
    USER: ("userPrincipalName", "mail", "mailNickname", "employeeId"),
    GROUP: ("mailNickname", "mail", "uniqueName", "externalId"),
    UNIT: ("externalId",),
}


@dataclass(slots=True, eq=False)
class Record:
    """One directory object. `links` and `left` map a relation to {other id: number of the change}."""

    id: str
    kind: str
    number: int
    changed: int
    values: Values
    education: str = ""
    linked: int = 0
    passwords: int = 0
    born: float = float("-inf")
    links: dict[str, dict[str, int]] = field(default_factory=dict)
    left: dict[str, dict[str, int]] = field(default_factory=dict)

    def ids(self, relation: str) -> dict[str, int]:
        """The other ends of `relation` ("members" or "owners"), in the order they were added."""
        return self.links.get(relation, {})


class Tenant:
    """Everything a fake tenant holds. Methods keep the indexes true; they check nothing (the handlers do)."""

    def __init__(self, tenant_id: str, name: str, domains: list[Values], education: bool = True) -> None:
        self.id = tenant_id
        self.name = name
        self.domains = domains
        self.education = education
        self.mail_domain = next(str(domain["id"]) for domain in domains if domain["isDefault"])
        self.skus: dict[str, Values] = {}
        self.consumed: dict[str, int] = {}
        self.roles: list[Values] = []
        self.teams: dict[str, Values] = {}
        self.sequence = 0
        self.created = 0
        self.requests = 0
        self.writes = 0
        self.live: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        self.deleted: dict[str, Record] = {}
        self.purged: dict[str, tuple[str, int, int]] = {}
        """Kind, place in the order of creation, number of the change."""
        self._index: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
            (kind, name): {} for kind, names in INDEXED.items() for name in names
        }

    # -- making one, keeping one

    @classmethod
    def new(
        cls,
        domains: tuple[str, ...] = ("contoso.edu", "students.contoso.edu", "contoso.onmicrosoft.com"),
        *,
        name: str = "Contoso School District",
        seats: int = 500,
        education: bool = True,
    ) -> Tenant:
        """A fresh school tenant: verified domains, three SKUs of `seats` each, two administrators.

        The first domain is the default one, the last the initial one.
        """
        from provision.sandbox.seed import fresh  # the seed fills a Tenant, so it must import this module

        return fresh(domains, name, seats, education)

    @classmethod
    def load(cls, path: Path) -> Tenant:
        """The tenant that `save` wrote. Raises `OSError`, or `ValueError` if the file is no such thing."""
        state = json.loads(Path(path).read_text("utf-8"))
        if not isinstance(state, dict) or state.get("format") != "provision sandbox 1":
            raise ValueError(f"{path} is not the state of a sandbox tenant")
        try:
            return cls._restored(state)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is the state of a sandbox tenant, damaged: {error}") from None

    @classmethod
    def _restored(cls, state: Values) -> Tenant:
        tenant = cls(state["id"], state["name"], state["domains"], state["education"])
        for name in _PLAIN:
            setattr(tenant, name, state[name])
        tenant.purged = {key: (kind, place, number) for key, (kind, place, number) in state["purged"].items()}
        deleted = set(state["deleted"])
        for row in state["records"]:
            record = Record(**row)
            if record.id in deleted:
                tenant.deleted[record.id] = record
            else:
                tenant._keep(record)
        return tenant

    def save(self, path: Path) -> None:
        """Write everything to `path` (mode 0600): a reader sees the old file or the new one, never a part."""
        records = [_row(record) for kind in KINDS for record in self.live[kind].values()]
        records += [_row(record) for record in self.deleted.values()]
        state = {
            "format": "provision sandbox 1",
            "id": self.id,
            "name": self.name,
            "domains": self.domains,
            "education": self.education,
            **{name: getattr(self, name) for name in _PLAIN},
            "purged": self.purged,
            "deleted": list(self.deleted),
            "records": records,
        }
        write_private(Path(path), json.dumps(state, ensure_ascii=False, separators=(",", ":")))

    def dump(self) -> Values:
        """The tenant as people read it: names instead of ids where there is one, sorted. See `dump.py`."""
        from provision.sandbox.dump import readable  # reads a Tenant, so it must import this module

        return readable(self)

    # -- finding

    def find(self, kind: str, key: str) -> Record | None:
        """The live object of a kind by id, or a user by sign-in name."""
        record = self.live[kind].get(key) or self.live[kind].get(key.lower())
        if record is None and kind == USER:
            found = self.lookup(USER, "userPrincipalName", key)
            record = self.live[USER][found[0]] if found else None
        return record

    def any(self, object_id: str) -> Record | None:
        """The live object with this id, whatever its kind."""
        return next((found for kind in KINDS if (found := self.live[kind].get(object_id))), None)

    def lookup(self, kind: str, name: str, value: str) -> tuple[str, ...]:
        """The ids of the live objects whose indexed property `name` is `value`, ignoring case."""
        return self._index[kind, name].get(value.lower(), ())

    def educational(self, what: str) -> Iterator[Record]:
        """The classes or the schools."""
        kind = GROUP if what == CLASS else UNIT
        return (record for record in self.live[kind].values() if record.education == what)

    def others(self, record: Record, relation: str) -> Iterator[Record]:
        """The live objects that `record` is linked to; a soft-deleted one is out of sight."""
        return (other for key in record.ids(relation) if (other := self.any(key)) is not None)

    def roles_of(self, user_id: str) -> list[Values]:
        """The directory role assignments of a user."""
        return [role for role in self.roles if role["principalId"] == user_id]

    # -- changing

    def next(self) -> int:
        """Step the clock of changes."""
        self.sequence += 1
        return self.sequence

    def new_id(self) -> str:
        """A GUID that no object has, the same ones in the same order for the same tenant."""
        while True:
            self.created += 1
            made = str(uuid.uuid5(uuid.UUID(self.id), str(self.created)))
            if self.any(made) is None:  # a copy has objects of another tenant's making
                return made

    def add(self, kind: str, values: Values, education: str = "") -> Record:
        """Keep a new object and return its record."""
        return self.put(kind, self.new_id(), values, education)

    def put(self, kind: str, object_id: str, values: Values, education: str = "") -> Record:
        """Keep an object under the id that it has, and return its record."""
        record = Record(object_id, kind, self.created, self.next(), {"id": object_id, **values}, education)
        self._keep(record)
        return record

    def change(self, record: Record, values: Values) -> None:
        """Set properties of a live object; None clears one."""
        self._forget(record)
        for name, value in values.items():
            if value is None:
                record.values.pop(name, None)
            else:
                record.values[name] = value
        record.changed = self.next()
        self._remember(record)

    def link(self, record: Record, relation: str, other_id: str) -> None:
        """Make `other_id` a member or owner of `record`."""
        record.linked = self.next()
        record.links.setdefault(relation, {})[other_id] = record.linked
        record.left.get(relation, {}).pop(other_id, None)

    def unlink(self, record: Record, relation: str, other_id: str) -> None:
        """Undo `link`."""
        record.linked = self.next()
        del record.links[relation][other_id]
        record.left.setdefault(relation, {})[other_id] = record.linked

    def delete(self, record: Record) -> None:
        """Soft delete: out of every list, restorable; its seats are free again."""
        self._forget(record)
        del self.live[record.kind][record.id]
        record.changed = self.next()
        self.deleted[record.id] = record
        self._count_seats(record, -1)

    def restore(self, record: Record) -> None:
        """Undo `delete`."""
        del self.deleted[record.id]
        record.changed = self.next()
        self._keep(record)
        self._count_seats(record, 1)

    def purge(self, record: Record) -> None:
        """Delete for good what was soft-deleted."""
        del self.deleted[record.id]
        self.purged[record.id] = (record.kind, record.number, self.next())
        for kind in (GROUP, UNIT):
            for holder in self.live[kind].values():
                for relation in ("members", "owners"):
                    if record.id in holder.ids(relation):
                        self.unlink(holder, relation, record.id)

    # -- conveniences for tests and demonstrations: seeds, unchecked

    def add_user(self, **values: Any) -> str:  # noqa: ANN401  # a seed is any JSON
        """Add a user from Graph's own property names; what every account has is filled in."""
        number = self.created + 1
        principal = values.setdefault("userPrincipalName", f"user{number}@{self.mail_domain}")
        filled = {
            "accountEnabled": True,
            "displayName": principal.partition("@")[0],
            "mailNickname": principal.partition("@")[0],
            "userType": "Member",
            "primaryRole": "none",
            **values,
        }
        return self.add(USER, filled).id

    def add_group(self, **values: Any) -> str:  # noqa: ANN401
        """Add a security group, or a Microsoft 365 group with `groupTypes=["Unified"]`."""
        unified = "Unified" in values.get("groupTypes", ())
        nickname = values.setdefault("mailNickname", f"group{self.created + 1}")
        filled = {
            "displayName": nickname,
            "groupTypes": [],
            "mailEnabled": unified,
            "securityEnabled": not unified,
            **({"mail": f"{nickname}@{self.mail_domain}", "visibility": "Public"} if unified else {}),
            **values,
        }
        return self.add(GROUP, filled).id

    def add_class(self, **values: Any) -> str:  # noqa: ANN401
        """Add a class: a Microsoft 365 group with hidden membership and education data."""
        group_id = self.add_group(**{"groupTypes": ["Unified"], "visibility": "HiddenMembership", **values})
        self.live[GROUP][group_id].education = CLASS
        return group_id

    def add_school(self, **values: Any) -> str:  # noqa: ANN401
        """Add a school: an administrative unit with education data."""
        return self.add(UNIT, {"displayName": f"School {self.created + 1}", **values}, SCHOOL).id

    def add_unit(self, **values: Any) -> str:  # noqa: ANN401
        """Add a plain administrative unit."""
        return self.add(UNIT, {"displayName": f"Unit {self.created + 1}", **values}).id

    def add_member(self, holder_id: str, other_id: str) -> None:
        """Make a user a member of a group, or a user or class part of a school."""
        self.link(self._holder(holder_id), "members", other_id)

    def add_owner(self, group_id: str, user_id: str) -> None:
        """Make a user an owner of a group. A teacher needs `add_member` as well."""
        self.link(self._holder(group_id), "owners", user_id)

    def remove_member(self, holder_id: str, other_id: str) -> None:
        """Take someone out by hand."""
        self.unlink(self._holder(holder_id), "members", other_id)

    def assign_role(self, user_id: str, role: str = "62e90394-69f5-4237-9190-012177145e10") -> None:
        """Give a user a directory role, by template id (default: the global administrator's)."""
        self.roles.append(
            {"id": self.new_id(), "principalId": user_id, "roleDefinitionId": role, "directoryScopeId": "/"}
        )

    def assign_license(self, user_id: str, sku: str) -> None:
        """Give a user a seat of a SKU (id or part number)."""
        from provision.sandbox.licenses import grant  # knows the shapes of licence states

        grant(self, self.live[USER][user_id], self.sku(sku)["skuId"], [], None)

    def update(self, object_id: str, **values: Any) -> None:  # noqa: ANN401
        """Change an object by hand."""
        self.change(self._holder(object_id), values)

    def delete_user(self, user_id: str) -> None:
        """Soft-delete a user by hand."""
        self.delete(self.live[USER][user_id])

    def delete_group(self, group_id: str) -> None:
        """Soft-delete a group or class by hand."""
        self.delete(self.live[GROUP][group_id])

    def sku(self, key: str) -> Values:
        """The SKU with this id or part number. Raises `KeyError`."""
        for sku in self.skus.values():
            if key in (sku["skuId"], sku["skuPartNumber"]):
                return sku
        raise KeyError(key)

    # -- inside

    def _holder(self, object_id: str) -> Record:
        record = self.any(object_id)
        if record is None:
            raise KeyError(object_id)
        return record

    def _keep(self, record: Record) -> None:
        self.live[record.kind][record.id] = record
        self._remember(record)

    def _remember(self, record: Record) -> None:
        for name in INDEXED[record.kind]:
            if value := record.values.get(name):
                index = self._index[record.kind, name]
                index[value.lower()] = (*index.get(value.lower(), ()), record.id)

    def _forget(self, record: Record) -> None:
        for name in INDEXED[record.kind]:
            if value := record.values.get(name):
                index = self._index[record.kind, name]
                rest = tuple(key for key in index[value.lower()] if key != record.id)
                if rest:
                    index[value.lower()] = rest
                else:
                    del index[value.lower()]

    def _count_seats(self, record: Record, step: int) -> None:
        for license_ in record.values.get("assignedLicenses", ()) if record.kind == USER else ():
            self.consumed[license_["skuId"]] = self.consumed.get(license_["skuId"], 0) + step


_PLAIN = ("mail_domain", "skus", "consumed", "roles", "teams", "sequence", "created", "requests", "writes")


def _row(record: Record) -> Values:
    row = {name: getattr(record, name) for name in Record.__slots__}
    del row["born"]  # replication lag does not outlive the process
    return row


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
