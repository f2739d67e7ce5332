"""Lists: `$select`, `$filter`, `$top`, `$count`, `$orderby`, and pages that go on at `@odata.nextLink`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from provision.sandbox import errors
from provision.sandbox.call import Call, Result
from provision.sandbox.filters import Filter, parse
from provision.sandbox.properties import Resource
from provision.sandbox.tenant import INDEXED, Record, Values

PAGE, MOST = 100, 999
MOST_EXPANDED = 20

_KNOWN = ("$select", "$filter", "$top", "$count", "$orderby", "$expand", "$search", "$skiptoken", "$format")


@dataclass(frozen=True, slots=True)
class Query:
    """The options of a list, checked."""

    select: tuple[str, ...] | None
    filter: Filter | None
    top: int
    start: int
    count: bool
    order: str
    expand: str

    @classmethod
    def read(cls, call: Call, resource: Resource) -> Query:
        """The options that `call` asks for. Raises `GraphError` for unknown, wrong or advanced ones."""
        query = call.query
        for name in query:
            if name.startswith("$") and name not in _KNOWN:
                raise errors.bad_syntax(f"The query parameter '{name}' is not supported.")
        advanced = call.headers.get("consistencylevel", "").lower() == "eventual"
        count = query.get("$count", "").lower() == "true"
        if "$search" in query:
            raise (
                errors.needs_consistency_level("$search query")
                if not advanced
                else errors.unsupported("Unsupported Query.")
            )
        found = parse(query["$filter"], resource) if query.get("$filter") else None
        if found is not None and found.advanced and not (advanced and count):
            raise errors.unsupported("Unsupported Query.")
        order = query.get("$orderby", "").removesuffix(" asc")
        if order and (order != "displayName" or (found is not None and not advanced)):
            raise errors.unsupported("Unsupported Query.")
        expand = _expand(query.get("$expand", ""), resource)
        return cls(
            select(call, resource),
            found,
            _top(query.get("$top", str(PAGE)), PAGE if expand else MOST),
            _offset(query.get("$skiptoken", "")),
            advanced and count and "$skiptoken" not in query,
            order,
            expand,
        )


def select(call: Call, resource: Resource) -> tuple[str, ...] | None:
    """The properties that `$select` names, or None. Raises 400 for one that the type does not have."""
    return known(split_names(call.query.get("$select", "")), resource) or None


def split_names(text: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def known(names: tuple[str, ...], resource: Resource) -> tuple[str, ...]:
    """The same names. Raises 400 for one that the type does not have."""
    for name in names:
        if not resource.has(name):
            raise errors.unknown_selected(name, resource.wire)
    return names


def _top(text: str, most: int) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise errors.bad_syntax(f"Invalid value '{text}' for $top query option found.")
    if int(text) > MOST:
        raise errors.bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {MOST} inclusive.")
    return min(int(text), most)


def _expand(text: str, resource: Resource) -> str:
    if text and (resource.context != "groups" or text not in ("members", "owners")):
        raise errors.unknown_selected(text.partition("(")[0], resource.wire)
    return text


def _offset(token: str) -> int:
    try:
        offset = int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except (ValueError, binascii.Error):
        offset = -1
    if offset < 0:
        raise errors.bad_request("The specified skip token is invalid.")
    return offset


def listing(call: Call, resource: Resource, records: Iterable[Record], kind: str | None = None) -> Result:
    """A page of `records`, all of one type. With `kind`, a filter may use the tenant's indexes."""
    query = Query.read(call, resource)
    rows = call.seen(_candidates(call, query, kind, records))
    if query.filter is not None:
        test = query.filter.test
        rows = (record for record in rows if test(record.values))
    if query.order:
        rows = iter(sorted(rows, key=lambda record: str(record.values.get(query.order, "")).lower()))
    body: Values = {"@odata.context": f"{call.root}/$metadata#{resource.context}"}
    if query.count:
        whole = list(rows)
        body["@odata.count"] = len(whole)
        rows = iter(whole)
    page, more = cut(rows, query.start, query.top)
    if more:
        body["@odata.nextLink"] = next_link(call, query.start + query.top)
    body["value"] = [_row(call, resource, record, query) for record in page]
    return Result(200, body)


def _candidates(call: Call, query: Query, kind: str | None, records: Iterable[Record]) -> Iterable[Record]:
    """The records that can match: those an index names, in order of creation, or all of them."""
    lookup = query.filter.lookup if query.filter is not None else None
    if kind is None or lookup is None or not all(name == "id" or name in INDEXED[kind] for name, _ in lookup):
        return records
    live = call.tenant.live[kind]
    ids = {
        key for name, value in lookup for key in ((value,) if name == "id" else call.tenant.lookup(kind, name, value))
    }
    return sorted((live[key] for key in ids if key in live), key=lambda record: record.number)


def _row(call: Call, resource: Resource, record: Record, query: Query) -> Values:
    row = resource.view(record.values, query.select)
    if query.expand:
        others = islice(call.seen(call.tenant.others(record, query.expand)), MOST_EXPANDED)
        row[query.expand] = [{"@odata.type": f"#microsoft.graph.{other.kind}", "id": other.id} for other in others]
    return row


def cut(rows: Iterable[Record], start: int, size: int) -> tuple[list[Record], bool]:
    """A page, and whether there is more after it."""
    part = list(islice(rows, start, start + size + 1))
    return part[:size], len(part) > size


def next_link(call: Call, offset: int) -> str:
    """The address of the next page: the same question, further on."""
    token = base64.urlsafe_b64encode(str(offset).encode()).decode()
    return call.root + call.path + query_string({**call.query, "$skiptoken": token})


def query_string(query: dict[str, str]) -> str:
    """`?name=value&…`, as the service writes it."""
    return "?" + "&".join(f"{name}={quote(value, safe=chr(39) + '(),/:$')}" for name, value in query.items())


def mixed(call: Call, records: Iterator[Record], resources: dict[str, Resource]) -> Result:
    """A page of directory objects of several types, each row naming its own."""
    rows = (record for record in call.seen(records) if record.kind in resources)
    top = _top(call.query.get("$top", str(PAGE)), MOST)
    start = _offset(call.query.get("$skiptoken", ""))
    names = split_names(call.query.get("$select", ""))
    page, more = cut(rows, start, top)
    body: Values = {"@odata.context": f"{call.root}/$metadata#directoryObjects"}
    if more:
        body["@odata.nextLink"] = next_link(call, start + top)
    body["value"] = [typed(resources[record.kind], record, names) for record in page]
    return Result(200, body)


def typed(resource: Resource, record: Record, names: tuple[str, ...] = ()) -> Values:
    """A row that says what it is; properties that its type lacks are left out, as the service does."""
    known = tuple(name for name in names if resource.has(name))
    row = resource.view(record.values, known or (None if not names else ("id",)))
    return {"@odata.type": f"#{resource.wire}", **row}
