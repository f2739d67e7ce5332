"""The heart of the fake: a request in, an answer out, the tenant changed in between. No sockets, no files."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from provision.sandbox import batch, errors, routes
from provision.sandbox.call import Call, Result
from provision.sandbox.education import available
from provision.sandbox.errors import GraphError
from provision.sandbox.faults import ConnectionCut, Faults, Trouble
from provision.sandbox.quota import WRITES, cost
from provision.sandbox.tenant import GROUP, USER, Tenant, Values

APP_ROLES = frozenset({"Member.Read.Hidden"})
"""The application permissions whose absence changes an answer. All others are taken as granted."""

_LINK_OF_SCHOOL = re.compile(
    r"/(education/schools/[^/]+/(users|classes)|directory/administrativeUnits/[^/]+/members)(/[^/]+)?/\$ref"
)
_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire, `seconds` after it was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0

    def json(self) -> Values:
        """The body as a JSON object."""
        found: Values = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that was handled. `path` has its query; `batch` numbers the batch it came in, if any.

    A status of 0 is a write that was carried out and whose connection was cut.
    """

    method: str
    path: str
    body: object
    status: int
    batch: int | None = None


class Sandbox:
    """A tenant that answers as Microsoft Graph v1.0 does. Safe to call from several threads."""

    def __init__(
        self,
        tenant: Tenant,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        app_roles: Iterable[str] = APP_ROLES,
        keep: int | None = None,
    ) -> None:
        """`clock` counts seconds for lag and quotas; `keep` bounds `log` (None: everything is kept).

        `answered` counts the entries of the log by method and status, `units` the resource units asked for.
        """
        self.tenant = tenant
        self.clock = clock
        self.app_roles = frozenset(app_roles)
        self.log: list[Logged] = []
        self.batches = 0
        self.units = 0.0
        self.answered: Counter[tuple[str, int]] = Counter()
        self.on_change: Callable[[], None] = lambda: None
        self.lock = threading.RLock()
        self._keep = keep
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """What goes wrong; new faults count from zero, with full buckets."""
        return self._trouble.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._trouble = Trouble(faults, self.clock)

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Answer one HTTP request. Raises `ConnectionCut` where the answer is to be lost that way.

        Whoever sends the answer waits before: here nobody else could be answered meanwhile.
        """
        with self.lock:
            given = {name.lower(): value for name, value in headers.items()}
            try:
                return self._answer(method.upper(), url, given, body)
            except GraphError as error:
                self._note(method.upper(), urlsplit(url).path.removeprefix("/v1.0"), None, error.status, None)
                return self._wire(self._refused(error, given), given)

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask as a program would: `path` follows /v1.0, `body` is made JSON, a token is sent."""
        sent = {"Authorization": "Bearer sandbox", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = b"" if body is None else json.dumps(body).encode()
        return self.handle(method, f"https://graph.microsoft.com/v1.0{path}", sent, content)

    # -- one request, or one part of a batch

    def _answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        if not headers.get("authorization", "").startswith("Bearer "):
            raise errors.no_token()
        parts = urlsplit(url)
        match = re.fullmatch(r"/+(v1\.0|beta)(/.*)?", parts.path)
        if match is None or match[1] != "v1.0":
            raise errors.bad_syntax("Invalid version.")
        root = f"{parts.scheme}://{parts.netloc}/v1.0"
        content = _content(headers, body)
        path = re.sub(r"/{2,}", "/", match[2] or "/")
        if unquote(path) == "/$batch":
            result, requests = self._batch(method, root, content)
            return self._wire(result, headers, self._seconds(requests))
        target = path + (f"?{parts.query}" if parts.query else "")
        part = batch.Part("", method, target, headers, content, None)
        return self._wire(self._one(root, part, None, None), headers, self._seconds([part]))

    def _seconds(self, parts: Sequence[batch.Part]) -> float:
        """How long the answer takes to a call with these parts."""
        return self._trouble.seconds(len(parts)) if any(part.method in WRITES for part in parts) else 0

    def _one(self, root: str, part: batch.Part, number: int | None, error: GraphError | None) -> Result:
        """Answer a request with everything that counts for it: quotas, faults, the log.

        `number` is that of the batch it came in; `error` refuses it before it is looked at.
        """
        call = self._call(root, part)
        self.tenant.requests += 1
        price = cost(call)
        self.units += price.units
        quota: dict[str, str] = {}
        try:
            quota = self._trouble.throttle(price, self.tenant.id)
            if error is not None:
                raise error
            result = self._canned(call) or self._failure() or self._route(call)
        except GraphError as refusal:
            result = self._refused(refusal, part.headers)
        cut = False
        if part.method in WRITES and result.status < 300:
            result, cut = self._written(result)
        self._note(part.method, part.url, part.body, 0 if cut else result.status, number)
        if cut:
            raise ConnectionCut
        return Result(result.status, result.body, {**quota, **result.headers})

    def _call(self, root: str, part: batch.Part) -> Call:
        address = urlsplit(part.url)
        return Call(
            tenant=self.tenant,
            faults=self.faults,
            app_roles=self.app_roles,
            now=self.clock(),
            root=root,
            method=part.method,
            path=unquote(address.path.replace("%2F", "%252F")).rstrip("/"),  # a slash in a name is no segment
            query={unquote(name): value for name, value in parse_qsl(address.query, keep_blank_values=True)},
            headers=part.headers,
            body=part.body,
        )

    def _route(self, call: Call) -> Result:
        handler, call.args = routes.find(call.method, call.path)
        if call.path.startswith("/education/"):
            available(call)
        return handler(call)

    def _canned(self, call: Call) -> Result | None:
        canned = self._trouble.canned(call.method, call.path)
        return Result(canned.status, canned.body, canned.headers) if canned else None

    def _failure(self) -> Result | None:
        """The failure that strikes now, before anything is done."""
        status = self._trouble.fail()
        if not status:
            return None
        if status == 502:
            return Result(502, _HTML.format("502 Bad Gateway"))
        if status == 500:
            raise errors.server_error()
        raise _waiting(status, self._trouble.wait_headers())

    def _written(self, result: Result) -> tuple[Result, bool]:
        """Count a write that was carried out. Its answer may be lost all the same: a 504, or a cut connection."""
        self.tenant.writes += 1
        self.on_change()
        if not self._trouble.lose():
            return result, False
        return Result(504, _HTML.format("504 Gateway Time-out")), self.faults.cut_connections

    # -- batches

    def _batch(self, method: str, root: str, content: object) -> tuple[Result, list[batch.Part]]:
        """The answer to a batch, and its parts."""
        if method != "POST":
            raise errors.no_method()
        if canned := self._trouble.canned(method, "/$batch"):
            return Result(canned.status, canned.body, canned.headers), []
        status = self._trouble.fail_batch()
        if status:
            raise _waiting(status, self._trouble.wait_headers())
        parts = batch.read(content)
        self.batches += 1
        number = self.batches
        cuts: list[ConnectionCut] = []

        def send(part: batch.Part, error: GraphError | None) -> Values:
            try:
                return _part_answer(self._one(root, part, number, error))
            except ConnectionCut as cut:
                cuts.append(cut)
                return {"status": 504, "headers": {}}

        def target(part: batch.Part) -> str | None:
            return self._written_object(part) if self.faults.concurrency else None

        answers = batch.run(parts, send, target)
        if cuts:
            raise cuts[0]
        if self.faults.shuffle:
            self._trouble.random.shuffle(answers)
        return Result(200, {"responses": answers}), parts

    def _written_object(self, part: batch.Part) -> str | None:
        """The id of the object that a part of a batch writes, or None for a read or a creation."""
        if part.method not in WRITES:
            return None
        path = unquote(urlsplit(part.url).path)
        if not self.faults.link_concurrency and _LINK_OF_SCHOOL.fullmatch(path):
            return None
        unique = re.match(r"/groups\(uniqueName='(.+?)'\)", path)
        if unique:
            return (*self.tenant.lookup(GROUP, "uniqueName", unique[1]), unique[1].lower())[0]
        segments = [name for name in path.strip("/").split("/") if name not in ("education", "directory")]
        if len(segments) < 2 or segments[1] == "getByIds":
            return None
        user = self.tenant.find(USER, segments[1])
        return user.id if user is not None else segments[1].lower()

    # -- answers

    def _refused(self, error: GraphError, headers: Mapping[str, str]) -> Result:
        request_id = self._request_id()
        date = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        body = error.envelope(request_id, headers.get("client-request-id", request_id), date)
        return Result(error.status, body, error.headers)

    def _request_id(self) -> str:
        return f"00000000-0000-4000-8000-{self.tenant.requests:012x}"

    def _wire(self, result: Result, headers: Mapping[str, str], seconds: float = 0) -> Answer:
        request_id = self._request_id()
        sent = {
            "Date": format_datetime(dt.datetime.now(dt.timezone.utc), usegmt=True),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
            "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"0"}}',
            "x-ms-resource-unit": "1",
            "OData-Version": "4.0",
            **result.headers,
        }
        if result.body is None:
            return Answer(result.status, sent, b"", seconds)
        if isinstance(result.body, str):
            return Answer(result.status, {**sent, "Content-Type": "text/html"}, result.body.encode(), seconds)
        sent["Content-Type"] = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"
        return Answer(result.status, sent, json.dumps(result.body, separators=(",", ":")).encode(), seconds)

    def _note(self, method: str, path: str, body: object, status: int, number: int | None) -> None:
        self.answered[method, status] += 1
        self.log.append(Logged(method, path, body, status, number))
        if self._keep is not None and len(self.log) > 2 * self._keep:
            del self.log[: -self._keep]


def _content(headers: Mapping[str, str], body: bytes) -> object:
    """The body as JSON. Raises 400 for what is none, or does not say that it is."""
    if not body:
        return None
    if "json" not in headers.get("content-type", ""):
        raise errors.no_json()
    try:
        return json.loads(body)
    except ValueError:
        raise errors.no_json() from None


def _waiting(status: int, headers: Mapping[str, str]) -> GraphError:
    error = errors.throttled(headers) if status == 429 else errors.unavailable()
    error.headers.update(headers)
    return error


def _part_answer(result: Result) -> Values:
    """An answer as it stands in a batch: a body that is not JSON is base64, and 204 has none."""
    answer: Values = {"status": result.status, "headers": dict(result.headers)}
    if isinstance(result.body, str):
        answer["headers"]["Content-Type"] = "text/html"
        answer["body"] = base64.urlsafe_b64encode(result.body.encode()).decode()
    elif result.body is not None:
        answer["headers"]["Content-Type"] = "application/json"
        answer["body"] = result.body
    return answer
