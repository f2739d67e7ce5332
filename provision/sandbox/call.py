"""One request, alone or as part of a batch, on its way to the function that answers it; and its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from provision.sandbox import errors
from provision.sandbox.faults import Faults
from provision.sandbox.properties import Resource
from provision.sandbox.tenant import GROUP, UNIT, USER, Record, Tenant, Values


@dataclass(frozen=True, slots=True)
class Result:
    """What a function answers: a JSON value, or text that is none (a gateway's HTML)."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


NO_CONTENT = Result(204)


@dataclass(slots=True)
class Call:
    """A request, taken apart. `args` are the parts of the path that the route names; `root` ends in /v1.0."""

    tenant: Tenant
    faults: Faults
    app_roles: frozenset[str]
    now: float
    root: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object = None
    args: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Values:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise errors.no_json()
        return self.body

    # -- objects, as far as they can be seen yet

    def hidden(self, record: Record) -> bool:
        """Whether the object is too young to have reached the replica that answers."""
        return record.born + self.faults.lag_seconds > self.now

    def seen(self, records: Iterable[Record]) -> Iterable[Record]:
        """The records without the hidden ones."""
        return (record for record in records if not self.hidden(record)) if self.faults.lag_seconds else records

    def find(self, kind: str, key: str, education: str = "") -> Record:
        """The object that a path names. Raises 404."""
        record = self.tenant.find(kind, key)
        if record is None or self.hidden(record) or (education and record.education != education):
            raise errors.not_found(key)
        return record

    def create(self, kind: str, values: Values, education: str = "") -> Record:
        """Keep a new object, which lags if the tenant does."""
        record = self.tenant.add(kind, values, education)
        record.born = self.now if self.faults.lag_seconds else record.born
        return record

    def referenced(self, url: object, kinds: tuple[str, ...]) -> Record:
        """The object that an `@odata.id` or `@odata.bind` URL points to. Raises 400, or 404 naming the id."""
        kind, key = split_reference(url)
        record = self.tenant.find(kind, key) if kind else self.tenant.any(key)
        if record is None or self.hidden(record) or record.kind not in kinds:
            raise errors.not_found(key)
        return record

    def created(self, resource: Resource, record: Record) -> Result:
        """201 with the new object."""
        location = f"{self.root}/{resource.context}/{record.id}"
        return Result(201, self.entity(resource, record, None), {"Location": location})

    def entity(self, resource: Resource, record: Record, names: tuple[str, ...] | None) -> Values:
        """One object with its context."""
        context = f"{self.root}/$metadata#{resource.context}/$entity"
        return {"@odata.context": context, **resource.view(record.values, names)}


_KINDS = {
    "users": USER,
    "education/users": USER,
    "groups": GROUP,
    "education/classes": GROUP,
    "directory/administrativeUnits": UNIT,
    "administrativeUnits": UNIT,
    "education/schools": UNIT,
    "directoryObjects": "",
}
_REFERENCE = re.compile(r"^(?:.*/(?:v1\.0|beta)/+)?(?P<set>[A-Za-z/]+?)(?:/(?P<key>[^/()]+)|\('(?P<quoted>[^']+)'\))$")


def split_reference(url: object) -> tuple[str, str]:
    """(kind, key) of a reference URL; the kind is empty where the URL does not say."""
    text = unquote(urlsplit(url).path) if isinstance(url, str) else ""
    match = _REFERENCE.match(text.strip("/") if not text.startswith("/") else text)
    name = match["set"].strip("/") if match else ""
    if match is None or name not in _KINDS:
        raise errors.bad_request("The value of the reference is no valid resource address.")
    return _KINDS[name], match["key"] or match["quoted"]
