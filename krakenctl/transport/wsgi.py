"""A WSGI application behind a requests session: a server without a port. It knows nothing of what it serves."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import ProtocolError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiAdapter(BaseAdapter):
    """Mount it on a base URL; calls below that URL reach the application in this very thread."""

    def __init__(
        self, application: Application, *, remote_addr: str = "127.0.0.1", on_close: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._application = application
        self._remote_addr = remote_addr
        self._on_close = on_close

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], None]:
            started[:] = [status, headers]
            return _no_write

        try:
            content = b"".join(self._application(self._environ(request), start_response))
        except ConnectionError as cut:  # shown as a broken connection is
            raise requests.exceptions.ConnectionError(
                ProtocolError("Connection aborted.", cut), request=request
            ) from cut
        status, headers = started
        return _response(request, int(status.split(" ", 1)[0]), headers, content)

    def close(self) -> None:
        if self._on_close is not None:
            self._on_close()

    def _environ(self, request: requests.PreparedRequest) -> dict[str, Any]:
        url = urlsplit(request.url or "")
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "latin-1"),
            "REQUEST_URI": request.path_url,
            "QUERY_STRING": url.query,
            "SERVER_NAME": url.hostname,
            "SERVER_PORT": str(url.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._remote_addr,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": url.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        environ.update(_as_environ(request.headers.items()))
        return environ


def _no_write(_: bytes) -> None:
    """WSGI's old way to send a body; nothing here uses it."""


def _as_environ(headers: Iterable[tuple[str, str | bytes]]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        yield key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", text


def _response(
    request: requests.PreparedRequest, status: int, headers: Iterable[tuple[str, str]], content: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    response.raw = io.BytesIO(content)
    response._content = content
    vars(response)["_content_consumed"] = True  # there is nothing left to read
    response.request = request
    response.url = request.url or ""
    return response
