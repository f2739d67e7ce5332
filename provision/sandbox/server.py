"""The fake over HTTP on this machine: a thread for each connection, the state in a file."""

from __future__ import annotations

import ipaddress
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from provision.errors import UsageError
from provision.sandbox.app import Answer, Sandbox
from provision.sandbox.faults import ConnectionCut

SAVE_EVERY = 0.5
"""Seconds between two writes of the state at least."""


class _Handler(BaseHTTPRequestHandler):
    """One connection. HTTP/1.1, so that it is kept alive."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two of them would wait for each other's acknowledgement
    disable_nagle_algorithm = True
    sandbox: Sandbox

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        url = f"http://{self.headers.get('Host', '127.0.0.1')}{self.path}"
        try:
            answer = self.sandbox.handle(self.command, url, dict(self.headers.items()), body)
        except ConnectionCut:
            self.close_connection = True
            return
        time.sleep(answer.seconds)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815  # the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives it
        """Say nothing: requests are in `Sandbox.log`, and standard error is the command line's."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a client opens many connections at once; the default of 5 makes some wait a second

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # socketserver's signature
        """Say nothing of a client that is gone, as one is that was killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """A running sandbox. A context manager; `close` writes the state a last time."""

    def __init__(self, sandbox: Sandbox, port: int, state: Path | None) -> None:
        self.sandbox = sandbox
        self.state = state
        handler = type("Handler", (_Handler,), {"sandbox": sandbox})
        self._http = _Listener(("127.0.0.1", port), handler)
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)]
        if state is not None:
            sandbox.on_change = self._changed.set
            self._threads.append(threading.Thread(target=self._keep_saving, daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """Where it listens, such as http://127.0.0.1:8080."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def serve_forever(self) -> None:
        """Wait until `close` is called from elsewhere, or Ctrl-C."""
        self._closing.wait()

    def save(self) -> None:
        """Write the state now, if it has a file."""
        if self.state is not None:
            with self.sandbox.lock:
                self.sandbox.tenant.save(self.state)

    def close(self) -> None:
        """Stop listening and write the state. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._changed.set()
        self._http.shutdown()
        for thread in self._threads:
            thread.join()
        self._http.server_close()
        self.save()

    def _keep_saving(self) -> None:
        """Save after changes, at most every `SAVE_EVERY` seconds, and for at most a fifth of the time."""
        while not self._closing.is_set():
            self._changed.wait()
            if self._closing.is_set():
                return
            self._changed.clear()
            started = time.monotonic()
            self.save()
            self._closing.wait(max(SAVE_EVERY, 4 * (time.monotonic() - started)))

    def __enter__(self) -> Server:  # noqa: PYI034  # `Self` came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(sandbox: Sandbox, port: int = 0, state: Path | None = None, *, host: str = "127.0.0.1") -> Server:
    """Start serving on this machine; port 0 takes a free one. With `state`, changes are saved to that file.

    Raises `UsageError` for a host that others could reach: the fake checks no credential.
    """
    if host != "localhost" and not _is_loopback(host):
        raise UsageError(f"The sandbox listens on this machine only, not on {host}.")
    return Server(sandbox, port, state)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
