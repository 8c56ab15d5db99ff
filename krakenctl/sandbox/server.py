"""The sandbox behind a port: a socket, threads, and a clean end. What is answered is the application's business.

On waitress, a real WSGI server in pure Python. It believes no proxy header: the caller is whoever holds the other end
of the connection. It listens on this computer alone unless somebody says otherwise, because its website has no
passwords: whoever reaches it can sign in to every account.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ErrorTask

from krakenctl.errors import UsageError, WorkspaceError
from krakenctl.sandbox.app import ConnectionCut, open_sandbox
from krakenctl.sandbox.envelope import BAD_REQUEST, JSON
from krakenctl.sandbox.request import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from krakenctl.sandbox.app import Sandbox

IDENT = "krakenctl-sandbox"
INTERNAL_ERROR = "EGeneral:Internal error"
_SETTINGS: dict[str, Any] = {
    "ident": IDENT,
    "connection_limit": 800,  # a process may often have 1024 open files, and the database is some of them
    "channel_timeout": 120,  # seconds in which nothing comes
    "max_request_header_size": 64 * 1024,
    "max_request_body_size": 8 * LARGEST_BODY,  # read, so that a body somewhat too large is answered, not cut off
    "log_socket_errors": False,
    "asyncore_use_poll": True,  # select() knows 1024 descriptors only
}
_LOOK = 1.0  # seconds between two looks at who is idle
_ANSWERED_WITHIN = 30.0  # seconds that requests under way may hold up the end
_SENT_WITHIN = 5.0  # seconds that a request may, of which only a part has come
_REASONS = {
    errno.EADDRINUSE: "the port is taken",
    errno.EADDRNOTAVAIL: "this computer has no such address",
    errno.EACCES: "ports below 1024 are reserved",
}


class Server:
    """The sandbox behind a port. It listens as soon as it is made, and answers while it runs."""

    def __init__(
        self, db: Path, *, host: str = "127.0.0.1", port: int = 0, allow_remote: bool = False, threads: int = 8
    ) -> None:
        """Raises UsageError beyond loopback without allow_remote, WorkspaceError for a port or a file out of order."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue is no news where one file is written
        listening = _listen(host, port, allow_remote=allow_remote)
        try:
            self._sandbox = open_sandbox(db)
        except BaseException:
            listening.close()
            raise
        self._map: dict[int, Any] = {}  # waitress' own: what is open, by descriptor
        self._server = _server(_Outside(self._sandbox), listening, threads, self._map)
        self._lock = threading.RLock()  # reentrant: a signal handler may come in the middle of stop() and call it
        self._stopping = self._closed = False
        self._thread: threading.Thread | None = None
        self.url = _url(listening)

    def run(self) -> None:
        """Serve until stop(). Returns when the requests under way are answered; then the port is free."""
        try:
            while not self._stopping:
                self._pass(_LOOK)
            self._drain()
        finally:
            self.close()

    def stop(self) -> None:
        """From any thread or a signal handler, as often as one likes. It does not wait."""
        with self._lock:
            self._stopping = True
            if not self._closed:
                self._server.pull_trigger()

    def close(self) -> None:
        """Give the port back. Only for a server that does not run: run() ends with it."""
        with self._lock:
            self._stopping = self._closed = True
            self._server.task_dispatcher.shutdown(timeout=1)
            wasyncore.close_all(self._map)
            self._server.close()
            self._sandbox.close()

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self.run, name="sandbox-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _pass(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)

    def _drain(self) -> None:
        """Take no new connection, close idle ones, and wait for the others."""
        wasyncore.dispatcher.close(self._server)  # the listening socket alone: threads still ring the bell
        began = time.monotonic()
        while channels := self._channels():
            idle = [channel for channel in channels if not channel.is_busy]
            self._pass(0 if idle else 0.05)  # idle is who is so on both sides of a pass: what has come is read in it
            waited = time.monotonic() - began
            for channel in self._channels():
                patience = _ANSWERED_WITHIN if channel.requests else _SENT_WITHIN
                if waited > patience or (channel in idle and not channel.is_busy):
                    channel.handle_close()

    def _channels(self) -> list[_Channel]:
        return [channel for channel in self._map.values() if isinstance(channel, _Channel)]


class _Outside:
    """The sandbox as WSGI servers like it: an exception is an answer here, or a connection that is closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = self._sandbox(environ, start_response)
        except ConnectionCut:
            raise ClientDisconnected from None  # waitress closes the connection, and writes nothing
        except WorkspaceError as problem:
            _tell(environ, problem.message)
            return _internal_error(start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body


class _ErrorTask(ErrorTask):
    """What waitress answers itself, in Kraken's envelope: to a request that is no HTTP, and after a bug of ours."""

    def execute(self) -> None:
        error: Any = self.request.error  # type: ignore[attr-defined]  # of the parser, not of the error
        body = _envelope(INTERNAL_ERROR if error.code == 500 else BAD_REQUEST)
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", JSON)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _ErrorTask

    @property
    def is_busy(self) -> bool:
        """Whether something was asked, in part at least, and is not answered."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)


def _server(
    application: WSGIApplication, listening: socket.socket, threads: int, sockets: dict[int, Any]
) -> TcpWSGIServer:
    host = listening.getsockname()[0]
    server = create_server(application, sockets, sockets=[listening], server_name=host, threads=threads, **_SETTINGS)
    assert isinstance(server, TcpWSGIServer)  # noqa: S101 - one socket, one server
    server.channel_class = _Channel
    return server


def _listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    family, address = _resolved(host, port)
    if not ip_address(address[0]).is_loopback and not allow_remote:
        raise UsageError(
            f"other computers can reach {host}, and the sandbox's website has no passwords; nothing was started",
            hint="add --allow-remote where that is meant",
        )
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        _bind(listening, address)
    except OSError as problem:
        listening.close()
        reason = _REASONS.get(problem.errno or 0, os.strerror(problem.errno or 0))
        raise WorkspaceError(f"cannot listen on {host}, port {port}: {reason}", hint="--port 0 finds one") from None
    return listening


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    if not 0 <= port <= 65535:
        raise UsageError(f"there is no port {port}", hint="ports go from 1 to 65535; 0 finds one")
    try:
        family, _, _, _, address = socket.getaddrinfo(host or "?", port, type=socket.SOCK_STREAM)[0]
    except (OSError, ValueError):
        raise UsageError(f"“{host}” is no address of this computer", hint="try 127.0.0.1 or ::1") from None
    return family, address


def _bind(listening: socket.socket, address: Any) -> None:
    """Reused at once after a restart, though old connections are still fading."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listening.bind(address)
    listening.listen(1024)


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"


def _internal_error(start_response: StartResponse) -> list[bytes]:
    body = _envelope(INTERNAL_ERROR)
    start_response("500 Internal Server Error", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
    return [body]


def _envelope(error: str) -> bytes:
    return json.dumps({"error": [error]}, separators=(",", ":")).encode()


def _tell(environ: WSGIEnvironment, line: str) -> None:
    """To whoever runs the sandbox, if anybody reads it."""
    with suppress(OSError, ValueError, AttributeError):
        environ["wsgi.errors"].write(f"sandbox: {line}\n")
        environ["wsgi.errors"].flush()
