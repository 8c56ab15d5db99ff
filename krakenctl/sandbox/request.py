"""One HTTP request as the handlers see it, and the reading of its body. Whatever was sent: a value or a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

from krakenctl.sandbox.envelope import BAD_REQUEST, Refusal
from krakenctl.sandbox.loopback import is_loopback, names_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from wsgiref.types import WSGIEnvironment

OVERRIDE = "HTTP_X_SANDBOX_CLIENT_IP"  # a header: the address that allow-lists are to see
REMOTE = "krakenctl.sandbox.remote"  # of the environ, set by the server: other computers are welcome
LARGEST_BODY = 1024 * 1024
_MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Its repr shows no header and no body: both hold secrets."""

    method: str
    path: str
    target: str  # path and query string, as they are signed
    content_type: str
    query: str
    peer: str  # the address at the other end of the connection
    address: str  # the caller's, for allow-lists and lockouts: the peer, unless a test says otherwise
    environ: WSGIEnvironment
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"

    def header(self, name: str) -> str:
        """A request header by its WSGI name, as `HTTP_API_KEY`; empty when it was not sent."""
        return str(self.environ.get(name, ""))

    @property
    def is_local(self) -> bool:
        return is_loopback(self.peer)

    @property
    def names_this_computer(self) -> bool:
        """Whether its Host header does. One that was not sent names no other."""
        host = self.header("HTTP_HOST")
        return not host or names_loopback(host)

    @property
    def names_a_host(self) -> bool:
        """Whether its Host header names where this sandbox is served: any name will do where all are welcome."""
        return self.environ.get(REMOTE) is True or self.names_this_computer


def read_request(environ: WSGIEnvironment) -> Request:
    path, query = str(environ.get("PATH_INFO", "")), str(environ.get("QUERY_STRING", ""))
    peer = str(environ.get("REMOTE_ADDR") or "127.0.0.1")
    return Request(
        method=str(environ.get("REQUEST_METHOD", "GET")),
        path=path,
        target=_as_sent(environ) or (f"{path}?{query}" if query else path),
        content_type=str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower(),
        query=query,
        peer=peer,
        address=_pretended(environ, peer) or peer,
        environ=environ,
        body=_body(environ),
    )


def _as_sent(environ: WSGIEnvironment) -> str:
    """Path and query string before anybody decoded them, where the server tells: that is what clients sign."""
    raw = str(environ.get("REQUEST_URI", ""))
    return raw if raw.startswith("/") else ""


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object, strictly: no NaN, no name twice, no other encoding than UTF-8."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise Refusal(BAD_REQUEST) from None
    if not isinstance(value, dict):
        raise Refusal(BAD_REQUEST)
    return value


def form_fields(body: bytes) -> dict[str, Any]:
    """A form, strictly: no name twice, because the two readings would be signed alike."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        return _distinct(pairs)
    except ValueError:
        raise Refusal(BAD_REQUEST) from None


def arguments(request: Request) -> dict[str, Any]:
    """Of the body, in either encoding; of the query string where there is no body.

    Source: docs.kraken.com, Spot REST introduction (both encodings), Funding (Beta) guide (query strings).
    """
    if not request.body:
        return query_fields(request)
    return (json_object if request.content_type == "application/json" else form_fields)(request.body)


def query_fields(request: Request) -> dict[str, Any]:
    return form_fields(request.query.encode("latin-1", "replace")) if request.query else {}


def text(given: Mapping[str, Any], field: str, longest: int) -> str | None:
    """A field that is text of 1 to `longest` characters and can be stored; else None."""
    value = given.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        return None
    return None if any("\ud800" <= character <= "\udfff" for character in value) else value


def report(environ: WSGIEnvironment, line: str) -> None:
    """One line for whoever runs the sandbox, where WSGI wants it."""
    errors = environ.get("wsgi.errors")
    if errors is not None:
        errors.write(f"sandbox: {line}\n")


def _pretended(environ: WSGIEnvironment, peer: str) -> str:
    """The address that a test wants to call from (OVERRIDE). Only loopback is believed, and X-Forwarded-For never."""
    wanted = str(environ.get(OVERRIDE, ""))
    if not wanted or not is_loopback(peer):
        return ""
    try:
        return str(ip_address(wanted))
    except ValueError:
        raise Refusal(BAD_REQUEST, status=400) from None


def _body(environ: WSGIEnvironment) -> bytes:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(BAD_REQUEST, status=400)
    if len(length.lstrip("0")) > 7 or int(length) > LARGEST_BODY:
        raise Refusal(BAD_REQUEST, status=413)
    if int(length) == 0:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    if len(body) != int(length):
        raise Refusal(BAD_REQUEST, status=400)
    return body


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
