"""Delta queries: everything once, page by page, then what has changed (graph/delta-query-overview).

A token says how far the caller has come: `since` counts in the tenant's clock of changes; while pages go
on, `until` is what the round leads up to and `after` the place, in the order of creation, of the last
object told. An object may be told again, never left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator

from provision.sandbox import errors
from provision.sandbox.call import Call, Result
from provision.sandbox.properties import Resource
from provision.sandbox.query import select
from provision.sandbox.resources import CLASS, EDUCATION_USER, GROUP, SCHOOL, UNIT, USER
from provision.sandbox.tenant import Record, Values

PAGE = 200
RELATIONS = {"groups": ("members", "owners"), "directory/administrativeUnits": ("members",)}


def _delta(resource: Resource, kind: str, education: str, gone: bool) -> Callable[[Call], Result]:
    def answer(call: Call) -> Result:
        return _page(call, resource, kind, education, gone)

    return answer


users = _delta(USER, "user", "", gone=True)
groups = _delta(GROUP, "group", "", gone=True)
units = _delta(UNIT, "administrativeUnit", "", gone=True)
# the education deltas never tell of deleted objects
education_users = _delta(EDUCATION_USER, "user", "", gone=False)
classes = _delta(CLASS, "group", "class", gone=False)
schools = _delta(SCHOOL, "administrativeUnit", "school", gone=False)


def _page(call: Call, resource: Resource, kind: str, education: str, gone: bool) -> Result:
    token = _token(call)
    names, relations = _chosen(call, resource, token)
    since = int(token.get("since", 0))
    until = int(token.get("until", _horizon(call, kind)))
    after = int(token.get("after", 0))
    changes = () if token.get("latest") else _changes(call, kind, education, since, gone)
    rows = sorted((record for record in changes if record.number > after), key=lambda record: record.number)
    page = rows[:PAGE]
    body: Values = {"@odata.context": f"{call.root}/$metadata#{resource.context}"}
    chosen = {"select": call.query.get("$select", token.get("select", ""))}
    if len(rows) > PAGE:
        further = {**chosen, "since": since, "until": until, "after": page[-1].number}
        body["@odata.nextLink"] = f"{call.root}{call.path}?$skiptoken={_spell(further)}"
    else:
        body["@odata.deltaLink"] = f"{call.root}{call.path}?$deltatoken={_spell({**chosen, 'since': until})}"
    body["value"] = [_row(call, resource, record, names, relations, since) for record in page]
    return Result(200, body)


def _token(call: Call) -> Values:
    """What the token of the call says; empty at the start. Raises 400 or 410 for one that is not accepted."""
    query = {name.lower(): value for name, value in call.query.items()}
    text = query.get("$deltatoken") or query.get("$skiptoken") or ""
    if text.lower() == "latest":
        return {"latest": True}
    if text and "$deltatoken" in query and call.faults.delta_tokens != "live":
        if call.faults.delta_tokens == "old":
            raise errors.old_delta_token()
        raise errors.lost_delta_token(f"{call.root}{call.path}?$deltatoken=")
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode())) if text else {}
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, dict):
        raise errors.bad_request("The specified delta token is invalid.")
    return found


def _spell(token: Values) -> str:
    return base64.urlsafe_b64encode(json.dumps(token, separators=(",", ":")).encode()).decode()


def _chosen(call: Call, resource: Resource, token: Values) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The properties and the relations that `$select` asks for. Without it: the default ones, and members."""
    known = RELATIONS.get(resource.context, ())
    text = call.query.get("$select", token.get("select", ""))
    asked = [name.strip() for name in text.split(",") if name.strip()]
    if not asked:
        return None, known[:1]
    relations = tuple(name for name in asked if name in known)
    plain = ",".join(name for name in asked if name not in known)
    inner = Call(**{name: getattr(call, name) for name in call.__slots__})
    inner.query = {"$select": plain}
    return tuple(dict.fromkeys(("id", *(select(inner, resource) or ())))), relations


def _horizon(call: Call, kind: str) -> int:
    """The last change that everybody can see: one before the first object that still lags."""
    lagging = [record.changed for record in call.tenant.live[kind].values() if call.hidden(record)]
    return min(lagging) - 1 if lagging else call.tenant.sequence


def _changes(call: Call, kind: str, education: str, since: int, gone: bool) -> Iterator[Record]:
    """The records that changed after `since`, deleted ones among them."""
    for record in call.seen(call.tenant.live[kind].values()):
        if max(record.changed, record.linked) > since and (not education or record.education == education):
            yield record
    if not gone or not since:
        return
    for record in call.tenant.deleted.values():
        if record.kind == kind and record.changed > since:
            yield record
    for object_id, (purged, place, number) in call.tenant.purged.items():
        if purged == kind and number > since:
            yield Record(object_id, kind, place, number, {})


def _row(
    call: Call,
    resource: Resource,
    record: Record,
    names: tuple[str, ...] | None,
    relations: tuple[str, ...],
    since: int,
) -> Values:
    if record.id not in call.tenant.live[record.kind]:
        reason = "changed" if record.id in call.tenant.deleted else "deleted"
        return {"id": record.id, "@removed": {"reason": reason}}
    # properties that were never set are absent from a delta
    shown = resource.view(record.values, names)
    row = {name: value for name, value in shown.items() if value not in (None, [])}
    for relation in relations:
        if ends := _ends(call, record, relation, since):
            row[f"{relation}@delta"] = ends
    return row


def _ends(call: Call, record: Record, relation: str, since: int) -> list[Values]:
    """The links added and removed after `since`; at the start, those that are there."""
    added = [_end(call, key, None) for key, number in record.ids(relation).items() if number > since]
    left = record.left.get(relation, {}) if since else {}
    return added + [_end(call, key, {"reason": "deleted"}) for key, number in left.items() if number > since]


def _end(call: Call, key: str, removed: Values | None) -> Values:
    other = call.tenant.any(key) or call.tenant.deleted.get(key)
    row = {"@odata.type": f"#microsoft.graph.{other.kind if other else 'user'}", "id": key}
    return row if removed is None else {**row, "@removed": removed}
