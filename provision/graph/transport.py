"""The one place that sends. It refuses whatever could delete an object, whoever asks.

A DELETE passes only for a link (a member of a group or class, a user of a school), only in the exact spelling
that Graph documents, and only for a group, class or school named beforehand with `allow_removals`. The
requests inside a `$batch` are judged one by one. What cannot be judged is refused. Until `allow_writes` is called,
which only a writer does, nothing but a GET passes: planning could not write if it tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import httpx

from provision.errors import DirectoryError

METHODS = ("GET", "POST", "PATCH", "DELETE")
REMOVALS = re.compile(
    r"/(?:groups|education/classes)/(?P<group>[0-9A-Za-z-]+)/members/[0-9A-Za-z-]+/\$ref"
    r"|/(?:education/schools/(?P<school>[0-9A-Za-z-]+)/users"
    r"|directory/administrativeUnits/(?P<unit>[0-9A-Za-z-]+)/members)/[0-9A-Za-z-]+/\$ref"
)
OVERRIDES = ("x-http-method", "x-http-method-override", "x-method-override")
SUB_REQUEST = {"id", "method", "url", "headers", "body"}


class Guard(httpx.AsyncBaseTransport):
    """A transport that lets through what may be sent to the Graph at `base`, and raises for the rest.

    `base` is the root with its version, e.g. `https://graph.microsoft.com/v1.0`. Raises `DirectoryError`:
    reaching it is a fault of ours, not of the operator.
    """

    def __init__(self, base: str, inner: httpx.AsyncBaseTransport) -> None:
        self._base = httpx.URL(base)
        self._inner = inner
        self._removals: frozenset[str] = frozenset()
        self._may_write = False

    def allow_writes(self) -> None:
        """Let POST and PATCH through, and the removals that are named."""
        self._may_write = True

    def allow_removals(self, ids: Iterable[str]) -> None:
        """Name the groups, classes and schools that links may be removed from, in place of those before."""
        self._removals = frozenset(one.lower() for one in ids)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` if every part of it may be sent."""
        path = request.url.raw_path.decode("ascii", "replace")
        root = self._base.path
        if _origin(request.url) != _origin(self._base) or not path.startswith(root + "/"):
            raise _refusal(request.method, f"{request.url.scheme}://{request.url.host}/…")
        relative = path[len(root) :]
        if "$batch" in _decoded(relative):
            if relative != "/$batch" or request.method != "POST" or _overrides(request.headers):
                raise _refusal(request.method, relative)
            self._judge_batch(await request.aread())
        else:
            self._judge(request.method, relative, dict(request.headers))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _judge(self, method: str, path: str, headers: dict[str, Any]) -> None:
        if method not in METHODS or _overrides(headers) or not (self._may_write or method == "GET"):
            raise _refusal(method, path)
        # actions such as permanentDelete, and the bin itself, are reached by POST and PATCH
        if method in ("POST", "PATCH") and "delete" in _decoded(path.partition("?")[0]):
            raise _refusal(method, path)
        if method == "DELETE":
            link = REMOVALS.fullmatch(path)
            if link is None or (link["group"] or link["school"] or link["unit"]).lower() not in self._removals:
                raise _refusal(method, path)

    def _judge_batch(self, content: bytes) -> None:
        try:
            requests = json.loads(content, object_pairs_hook=_unambiguous)["requests"]
            for one in requests:
                if not set(one) <= SUB_REQUEST or not one["url"].startswith("/"):
                    raise _refusal(str(one.get("method")), str(one.get("url")))
                if "$batch" in _decoded(one["url"]) or one["url"].startswith("//"):
                    raise _refusal(one["method"], one["url"])
                self._judge(one["method"], one["url"], one.get("headers") or {})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _refusal("POST", "/$batch with a body that cannot be judged") from None


def _overrides(headers: Iterable[str]) -> bool:
    """Whether a header asks the service to take the request for one of another method."""
    return any(name.lower() in OVERRIDES for name in headers)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two `method` keys the service might take the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _decoded(path: str) -> str:
    """The path as a lenient server may read it: every percent-encoding undone, in lower case."""
    while (plain := unquote(path)) != path:
        path = plain
    return path.lower()


def _refusal(method: str, path: str) -> DirectoryError:
    shape = re.sub(r"/[^/]*[\d@][^/]*", "/…", path.partition("?")[0])  # no ids, no names
    return DirectoryError(
        f"provision was about to send a request that it must never send: {method} {shape}",
        ["It was not sent. This is a fault in provision: please report it with this message."],
    )
