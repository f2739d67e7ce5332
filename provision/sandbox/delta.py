"""Delta queries: everything once, page by page, then what has changed (graph/delta-query-overview).

A token says how far the caller has come: `since` counts in the tenant's clock of changes; while pages go
on, `until` is what the round leads up to and `after` the place, in the order of creation, of the last
object told. An object may be told again, never left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from provision.sandbox import errors
from provision.sandbox.call import Call, Result
from provision.sandbox.properties import Resource
from provision.sandbox.query import known, split_names
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


@dataclass(frozen=True, slots=True)
class Token:
    """How far a caller has come."""

    select: str = ""
    since: int = 0
    until: int = 0
    after: int = 0
    latest: bool = False

    def spell(self) -> str:
        """The token as it stands in a link."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode()

    @classmethod
    def read(cls, text: str) -> Token:
        """What `spell` wrote. Raises 400."""
        try:
            token = cls(**json.loads(base64.urlsafe_b64decode(text.encode())))
        except (ValueError, TypeError):
            token = None
        if token is None or not all(isinstance(number, int) for number in (token.since, token.until, token.after)):
            raise errors.bad_request("The specified delta token is invalid.")
        return token


def _page(call: Call, resource: Resource, kind: str, education: str, gone: bool) -> Result:
    token = _token(call, kind)
    names, relations = _chosen(resource, token)
    changes = () if token.latest else _changes(call, kind, education, token.since, gone)
    rows = sorted((record for record in changes if record.number > token.after), key=lambda record: record.number)
    page = rows[:PAGE]
    body: Values = {"@odata.context": f"{call.root}/$metadata#{resource.context}"}
    if len(rows) > PAGE:
        further = replace(token, after=page[-1].number)
        body["@odata.nextLink"] = f"{call.root}{call.path}?$skiptoken={further.spell()}"
    else:
        done = Token(select=token.select, since=token.until)
        body["@odata.deltaLink"] = f"{call.root}{call.path}?$deltatoken={done.spell()}"
    body["value"] = [_row(call, resource, record, names, relations, token.since) for record in page]
    return Result(200, body)


def _token(call: Call, kind: str) -> Token:
    """What the call asks for: a start, the next page of a round, or a new round. Raises 400 or 410."""
    query = {name.lower(): value for name, value in call.query.items()}
    page, round_ = query.get("$skiptoken", ""), query.get("$deltatoken", "")
    if page:
        return Token.read(page)
    until = _horizon(call, kind)
    if not round_ or round_.lower() == "latest":
        return Token(query.get("$select", ""), until=until, latest=bool(round_))
    if call.faults.delta_tokens == "old":
        raise errors.old_delta_token()
    if call.faults.delta_tokens == "gone":
        raise errors.lost_delta_token(f"{call.root}{call.path}?$deltatoken=")
    return replace(Token.read(round_), until=until)


def _chosen(resource: Resource, token: Token) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The properties and the relations that `$select` asks for. Without it: the default ones, and members."""
    relations = RELATIONS.get(resource.context, ())
    asked = split_names(token.select)
    if not asked:
        return None, relations[:1]
    names = known(tuple(name for name in asked if name not in relations), resource)
    return tuple(dict.fromkeys(("id", *names))), tuple(name for name in asked if name in relations)


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
