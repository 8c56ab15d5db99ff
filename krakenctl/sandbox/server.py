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
import resource
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from krakenctl.errors import UsageError, WorkspaceError
from krakenctl.sandbox.app import ConnectionCut, open_sandbox
from krakenctl.sandbox.envelope import BAD_REQUEST, JSON
from krakenctl.sandbox.loopback import is_loopback
from krakenctl.sandbox.request import LARGEST_BODY, REMOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from krakenctl.sandbox.app import Sandbox

IDENT = "krakenctl-sandbox"
INTERNAL_ERROR = "EGeneral:Internal error"
_SETTINGS: dict[str, Any] = {
    "ident": IDENT,
    "channel_timeout": 120,  # seconds in which nothing comes
    "cleanup_interval": 5,  # seconds between two looks at who is too slow
    "max_request_header_size": 64 * 1024,
    "max_request_body_size": 8 * LARGEST_BODY,  # read, so that a body somewhat too large is answered, not cut off
    "log_socket_errors": False,
    "asyncore_use_poll": True,  # select() knows 1024 descriptors only
}
_LOOK = 1.0  # seconds between two looks at whether to stop
_MOST_CONNECTIONS = 800
_MOST_LENT = 128  # threads that others get while answers are held back; whatever is held back beyond keeps its own
_WHOLE_WITHIN = 20.0  # seconds from a request's first byte to its last
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
        listening = _listen(host, port, allow_remote=allow_remote)
        try:
            self._sandbox = open_sandbox(db, hold=self._hold)
        except BaseException:
            listening.close()
            raise
        self._map: dict[int, Any] = {}  # waitress' own: what is open, by descriptor
        self._pool = _Pool(threads)
        self._server = _server(_Outside(self._sandbox, is_remote=allow_remote), listening, self._pool, self._map)
        self._ending = threading.Event()  # what is held back is given
        self._lock = threading.RLock()  # reentrant: a signal handler may come in the middle of stop() and call it
        self._stopping = self._closed = False
        self._thread: threading.Thread | None = None
        self.url = _url(listening)

    def run(self) -> None:
        """Serve until stop(). Returns when the requests under way are answered; then the port is free.

        An answer that a fault delays is given at once then.
        """
        try:
            while not self._stopping:
                self._pass(_LOOK)
            self._drain()
        finally:
            self.close()

    def stop(self) -> None:
        """From any thread or a signal handler, as often as one likes. It does not wait."""
        with self._lock:
            self._end()
            if not self._closed:
                self._server.pull_trigger()

    def close(self) -> None:
        """Give the port back. Only for a server that does not run: run() ends with it."""
        with self._lock:
            self._end()
            self._closed = True
            self._pool.shutdown(timeout=1)
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

    def _end(self) -> None:
        if not self._stopping:  # asked, because a signal may come while an event is being set
            self._stopping = True
            self._ending.set()

    def _hold(self, seconds: float) -> None:
        """Hold an answer back until its time or the end, in nobody's way."""
        with self._pool.lent():
            self._ending.wait(seconds)

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

    def __init__(self, sandbox: Sandbox, *, is_remote: bool) -> None:
        self._sandbox = sandbox
        self._is_remote = is_remote

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[REMOTE] = self._is_remote
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
    begun = 0.0  # when the request that is coming began to come

    @property
    def is_busy(self) -> bool:
        """Whether something was asked, in part at least, and is not answered."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.begun = time.time()
        return bool(super().received(data))

    def is_too_slow(self, now: float) -> bool:
        """Whether only a part of a request has come for too long, be it byte by byte."""
        return self.request is not None and not self.requests and now - self.begun > _WHOLE_WITHIN


class _Waitress(TcpWSGIServer):
    channel_class = _Channel

    def maintenance(self, now: float) -> None:
        """Waitress knows who is idle. Who sends half a request is shut out sooner: many could shut out the rest."""
        super().maintenance(now)  # type: ignore[arg-type]  # its stubs are mistaken
        channels: dict[int, _Channel] = self.active_channels  # type: ignore[assignment]  # likewise
        for channel in channels.values():
            if channel.is_too_slow(now):
                channel.will_close = True


class _Pool(ThreadedTaskDispatcher):
    """Threads that answer, and more of them while some only wait."""

    queue_logger = logging.Logger("sandbox", logging.ERROR)  # a queue is no news where one file is written

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._own, self._waiting, self._open = threads, 0, True
        self._most_lent = min(_MOST_LENT, _descriptors() // 8)  # each has the database open, and its log
        self._lending = threading.Lock()
        self.set_thread_count(threads)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """For as long as the block runs, its thread counts as none."""
        self._count(+1)
        try:
            yield
        finally:
            self._count(-1)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        with self._lending:
            self._open = False
        return bool(super().shutdown(cancel_pending, timeout))

    def _count(self, change: int) -> None:
        with self._lending:
            self._waiting += change
            if self._open:
                self.set_thread_count(self._own + min(self._waiting, self._most_lent))


def _server(application: WSGIApplication, listening: socket.socket, pool: _Pool, sockets: dict[int, Any]) -> _Waitress:
    address = listening.getsockname()
    limit = min(_MOST_CONNECTIONS, _descriptors() // 2)
    settings = Adjustments(server_name=address[0], connection_limit=limit, **_SETTINGS)
    about = (listening.family, listening.type, listening.proto, address)
    return _Waitress(
        application, sockets, _sock=listening, dispatcher=pool, adj=settings, sockinfo=about, bind_socket=False
    )


def _descriptors() -> int:
    """How many files this process may have open, connections among them. It is not for a server to change that."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65536 if soft == resource.RLIM_INFINITY else soft


def _listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    family, address = _resolved(host, port)
    if not is_loopback(address[0]) and not allow_remote:
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
