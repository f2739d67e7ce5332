"""A request to Graph and its answer, as plain values: the same inside a `$batch` and outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A JSON object."""

MADE = "{id}"  # in a later step of a create: the id that the first step's answer gave


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `url` is relative to the version (`/users/…`); `ids` are the objects it speaks of.

    The body may hold a first password, so it is not part of the `repr`.
    """

    method: str
    url: str
    body: Json | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()

    def of(self, object_id: str) -> Request:
        """This request for the object that an earlier step has made."""
        return replace(self, url=self.url.replace(MADE, object_id), ids=(*self.ids, object_id))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` 0 means nothing did: the connection broke or timed out.

    `content` is the raw text of a single call, or the parsed body of a sub-request; header names are in lower
    case.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: str | Json = field(default="", repr=False)
    reason: str = ""
    """Why nothing came back, in the words of the network."""

    @property
    def ok(self) -> bool:
        """Success, with a body that is JSON or nothing: a gateway's HTML page is no success."""
        return 200 <= self.status < 300 and self.is_json

    @property
    def is_json(self) -> bool:
        """Whether the body is a JSON object, or empty."""
        return not isinstance(self.content, str) or self.content[:1] in ("", "{")

    @property
    def lost(self) -> bool:
        """Whether the service may have done what was asked although it did not say so."""
        return self.status in (0, 408, 500, 502, 503, 504) or (200 <= self.status < 300 and not self.is_json)

    @property
    def fields(self) -> Json:
        """The body as an object; empty where there is none."""
        if not isinstance(self.content, str):
            return self.content
        try:
            parsed = json.loads(self.content or "{}")
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}
