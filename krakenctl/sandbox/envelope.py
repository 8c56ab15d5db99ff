"""Kraken's answers as bytes: the envelope and its error strings. It decides nothing.

Source: docs.kraken.com, Spot REST introduction: `{"error": [], "result": …}`, and HTTP 200 for application errors too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krakenctl.sandbox.accounts import SetUp

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
RATE_LIMIT = "EAPI:Rate limit exceeded"
BAD_REQUEST = "EAPI:Bad request"
LOCKOUT = "EGeneral:Temporary lockout"
PERMISSION_DENIED = "EGeneral:Permission denied"
UNKNOWN_METHOD = "EGeneral:Unknown method"
TOO_MANY_KEYS = "EAccount:Too many API keys"
INVALID_SESSION = "ESession:Invalid session"
BUSY = "EService:Busy"

STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
}
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    set_up: SetUp | None = None  # a sub-account whose owner is to be told, once all is committed


class Refusal(Exception):
    """Kraken says no, in its own words. An answer, not an error of ours: it never leaves the sandbox."""

    def __init__(self, error: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers


def invalid(field: str) -> Refusal:
    """A bad or missing parameter. Only the start of a field's name is repeated: it may be the caller's own text."""
    return Refusal(f"EGeneral:Invalid arguments:{field[:64]}")


def success(result: object) -> Answer:
    return Answer(b'{"error":[],"result":' + _encode(result).encode() + b"}")


def failure(refusal: Refusal, *, with_result: bool) -> Answer:
    envelope: dict[str, Any] = {"error": [refusal.error]} | ({"result": {}} if with_result else {})
    return Answer(_encode(envelope).encode(), refusal.status, refusal.headers)


def plain(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """JSON without an envelope, as the token endpoint answers."""
    return Answer(_encode(value).encode(), status, headers)
