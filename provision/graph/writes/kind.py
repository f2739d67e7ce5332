"""What a kind of object needs to be written, and small helpers that all kinds share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from provision.apply.writer import Write
from provision.graph.request import Answer, Request

Get: TypeAlias = Callable[[str], Awaitable[Answer]]
"""Reads one url; the answer is final."""

EXTERNAL_SOURCE = "sis"  # where education data comes from, in Graph's words
UNSEEN = 12  # looks where there is no other way to know of an object: six minutes, for lists have lagged by five


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind becomes requests.

    `requests` gives the chain for a write; `root` is the address with its version, for references. `singles`
    gives one request for each reference, in their order: what is sent when the one for all was refused.
    `find` looks for an object by its anchor, for a create whose answer was lost; it is given up after `looks`
    looks.
    """

    name: str
    requests: Callable[[Write, str], list[Request]]
    singles: Callable[[Write, str], list[Request]] | None = None
    find: Callable[[Write, Get], Awaitable[str | None]] | None = None
    looks: int = 1


def properties(fields: Mapping[str, object], names: Mapping[str, str], *, blanks: bool) -> dict[str, Any]:
    """The part of `fields` that `names` knows, under Microsoft's names; None is sent only with `blanks`."""
    return {
        theirs: fields[ours]
        for ours, theirs in names.items()
        if ours in fields and (blanks or fields[ours] is not None)
    }


def with_parts(
    fields: Mapping[str, object],
    names: Mapping[str, str],
    parts: Mapping[str, Mapping[str, str]],
    *,
    blanks: bool,
) -> dict[str, Any]:
    """As `properties`, with nested objects: those of `parts` of which anything is given."""
    body = properties(fields, names, blanks=blanks)
    for part, inner in parts.items():
        if values := properties(fields, inner, blanks=blanks):
            body[part] = values
    return body


def quoted(value: object) -> str:
    """`value` as a string literal of OData, for a url."""
    return "'" + quote(str(value).replace("'", "''"), safe="") + "'"


def upsert(unique_name: object, body: Mapping[str, Any]) -> Request:
    """Make the group of this unique name, or bring it up to date: it may be sent twice."""
    return Request("PATCH", _by_name(unique_name), body, {"Prefer": "create-if-missing"})


async def find_by_name(unique_name: object, get: Get) -> str | None:
    """The group with this unique name: an upsert that found one does not say its id."""
    answer = await get(f"{_by_name(unique_name)}?$select=id")
    return str(answer.fields["id"]) if answer.ok else None


def _by_name(unique_name: object) -> str:
    return f"/groups(uniqueName={quoted(unique_name)})"


def first_id(answer: Answer) -> str | None:
    """The id of the first object of a list, or None."""
    found = answer.fields.get("value") if answer.ok else None
    return str(found[0]["id"]) if found else None


def target(write: Write) -> str:
    """The object that an update or a link is about."""
    if write.object_id is None:
        raise ValueError(f"{write.kind} {write.action} without an object id")
    return write.object_id
