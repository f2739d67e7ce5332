"""$batch: up to 20 requests in one call, each answered by itself, in any order (graph/json-batching)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from provision.sandbox import errors
from provision.sandbox.tenant import Values

MOST_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: object
    after: str | None


def read(body: object) -> list[Part]:
    """The parts of a batch, in their order. Raises 400 for the whole where the payload breaks a rule."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise errors.bad_syntax("Invalid batch payload format.")
    if len(requests) > MOST_REQUESTS:
        raise errors.too_large_batch()
    parts: list[Part] = []
    seen: set[str] = set()
    for item in requests:
        part = _part(item, seen)
        if part.id.lower() in seen:
            raise errors.bad_syntax(f"Request Id {part.id} has to be unique in a batch.")
        seen.add(part.id.lower())
        parts.append(part)
    _check_order(parts)
    return parts


def _part(item: object, earlier: set[str]) -> Part:
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in ("id", "method", "url")):
        raise errors.bad_syntax("Invalid batch payload format.")
    headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    method = item["method"].upper()
    if ("body" in item or method in ("POST", "PATCH", "PUT")) and not ("body" in item and "content-type" in headers):
        raise errors.bad_syntax(f"Write request id : {item['id']} does not contain Content-Type header or body.")
    if re.search(r"\$batch\b", item["url"]):
        raise errors.bad_syntax("A batch cannot contain another batch.")
    after = item.get("dependsOn") or []
    if not isinstance(after, list) or len(after) > 1 or any(str(key).lower() not in earlier for key in after):
        raise errors.bad_syntax(f"Invalid dependency for request Id {item['id']}.")
    url = "/" + item["url"].lstrip("/")
    return Part(item["id"], method, url, headers, item.get("body"), str(after[0]).lower() if after else None)


def _check_order(parts: list[Part]) -> None:
    """All at once, one after the other, or all after the same one: nothing else is run."""
    if not any(part.after for part in parts):
        return
    ids = [part.id.lower() for part in parts]
    serial = all(part.after == before for part, before in zip(parts[1:], ids, strict=False))
    fan = len({part.after for part in parts if part.after}) == 1 and sum(part.after is None for part in parts) == 1
    if not (serial or fan):
        raise errors.bad_syntax("Requests must be all parallel, all serial, or dependent on the same one.")


Send = Callable[[Part, "errors.GraphError | None"], Values]


def run(parts: list[Part], send: Send, target: Callable[[Part], str | None]) -> list[Values]:
    """The answers, in order of execution.

    `send` answers a part, or refuses it with the error it is given; `target` names the object a part writes.
    A part whose dependency failed gets 424; one that writes what another writes at the same time gets 409.
    """
    answers: dict[str, Values] = {}
    writers: dict[str, str] = {}
    for part in parts:
        key = target(part)
        error = None
        if part.after and answers[part.after]["status"] >= 400:
            error = errors.failed_dependency()
        elif key is not None and key in writers and not _comes_after(part, writers[key], parts):
            error = errors.concurrent()
        elif key is not None:
            writers[key] = part.id.lower()
        answers[part.id.lower()] = {"id": part.id, **send(part, error)}
    return list(answers.values())


def _comes_after(part: Part, other: str, parts: list[Part]) -> bool:
    """Whether `part` waits for the part `other`, directly or through others."""
    after = {each.id.lower(): each.after for each in parts}
    step = part.after
    while step is not None and step != other:
        step = after[step]
    return step == other
