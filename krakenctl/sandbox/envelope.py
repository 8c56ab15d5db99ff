"""The sandbox's answers as bytes: Kraken's envelope and its error strings, and pages. It decides nothing.

Source: docs.kraken.com, Spot REST introduction: `{"error": [], "result": …}`, and HTTP 200 for application errors too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.accounts import SetUp

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
RATE_LIMIT = "EAPI:Rate limit exceeded"
BAD_REQUEST = "EAPI:Bad request"
LOCKOUT = "EGeneral:Temporary lockout"
PERMISSION_DENIED = "EGeneral:Permission denied"
INVALID_ARGUMENTS = "EGeneral:Invalid arguments"
UNKNOWN_METHOD = "EGeneral:Unknown method"
TOO_MANY_KEYS = "EAccount:Too many API keys"
INVALID_SESSION = "ESession:Invalid session"
BUSY = "EService:Busy"

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON
    set_up: SetUp | None = None  # a sub-account whose owner is to be told, once all is committed
    held: float = 0.0  # seconds to wait before it is given
    lost: bool = False  # the connection is cut instead


class Refusal(Exception):
    """Kraken says no, in its own words. An answer, not an error of ours: it never leaves the sandbox."""

    def __init__(self, error: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers


def invalid(field: str) -> Refusal:
    """A bad or missing parameter. Only the start of a field's name is repeated: it may be the caller's own text."""
    return Refusal(f"{INVALID_ARGUMENTS}:{field[:64]}")


def denied(switches: Mapping[str, str]) -> Refusal:
    """The key does not hold what the call takes."""
    return Refusal(switches["permission-error"])


def success(result: object) -> Answer:
    return Answer(b'{"error":[],"result":' + _encode(result).encode() + b"}")


def failure(refusal: Refusal, switches: Mapping[str, str]) -> Answer:
    """The error in its envelope; what sources disagree about is a switch."""
    envelope: dict[str, Any] = {"error": [_spelt(refusal.error, switches)]}
    if switches["error-result-object"] == "empty":
        envelope["result"] = {}
    return Answer(_encode(envelope).encode(), refusal.status, refusal.headers)


def warned(answer: Answer, warning: str, switches: Mapping[str, str]) -> Answer:
    """The answer with a warning beside its result. One without an envelope has no place for it and stays as it is."""
    body = json.loads(answer.body) if answer.body and answer.content_type == JSON else None
    if not isinstance(body, dict) or not body.keys() <= {"error", "result"}:
        return answer
    told = body | {"error": [*body.get("error", []), _spelt(warning, switches)]}
    return replace(answer, body=_encode(told).encode())


def _spelt(error: str, switches: Mapping[str, str]) -> str:
    return ": ".join(error.split(":", 1)) if switches["error-space"] == "space" else error


def plain(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """JSON without an envelope, as the token endpoint answers."""
    return Answer(_encode(value).encode(), status, headers)


def page(html: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(html.encode(), status, headers, HTML)


def redirect(location: str, headers: tuple[tuple[str, str], ...] = (), status: int = 303) -> Answer:
    return Answer(b"", status, (("Location", location), *headers), HTML)
