"""Requests as nobody should send them: a plausible call with some of its fields bent, in any encoding, to any route.

Signatures are made here, and not by the code that checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st
from scene import Credentials

import kraken_calls
from krakenctl.sandbox.guards import Open, Page, Route, Signed
from krakenctl.sandbox.switches import SWITCHES, Switch

NONCE = "1616492376594"
NASTY: tuple[Any, ...] = (
    *("", " ", "0", "-0", "-1", "+1", "1.5", "00", "0x10", "1_000", "１２", "1e5", "1e400", "1e-400", "NaN", "sNaN"),
    *("Infinity", "-Infinity", "9" * 400, "0." + "0" * 400 + "1", "5%", "+5%", "#5", "true", "TRUE", "null", "a,b,,"),
    *("XBT", "ZUSD", "XBTUSD", "XXBTZUSD", "BTC/USD", "XBT,ETH", "currency", "all", "Bitcoin", "acme", "cold", "1"),
    *("\ud800", "\x00", "\r\n", "é" * 300, "\u202e", "<script>", "' OR 1=1 --", "%s", "../..", "{0}", "x" * 70_000),
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**40, 10**400, 0.1, -0.0, 1e308, 5e-324, 1e19),
    *([], {}, [[]], [None], [{}], {"": {}}, {"a": [1, "b"]}, ["OAAAAA-BBBBB-CCCCCC"] * 60, [0] * 1001),
)
values = st.sampled_from(NASTY) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
garbage = st.binary(max_size=40) | st.sampled_from(
    [b"[" * 100_000, b'{"a":' * 50_000, b"{", b"[1]", b"null", b"\xff\xfe", b"&" * 2000, b"a=1&a=2", b'{"a":1,"a":2}',
     b'{"nonce":1e999}', b'{"nonce":' + b"9" * 5000 + b"}", b'{"nonce":NaN}', b"=", b"%", b"a=%ff", b"nonce=1"]
)  # fmt: skip
headers = st.fixed_dictionaries(
    {},
    optional={
        "CONTENT_TYPE": st.sampled_from(
            ["", "application/json", "APPLICATION/JSON; charset=x", "text/plain", "é", ";"]
        ),
        "HTTP_AUTHORIZATION": st.sampled_from(["", "Bearer", "Bearer x", "Basic x", "Basic Og==", "Basic /w==", "é"]),
        "HTTP_X_SANDBOX_CLIENT_IP": st.sampled_from(["203.0.113.9", "::1", "nobody", "fe80::1%eth0"]),
        "HTTP_COOKIE": st.sampled_from(
            ["", "a", ";;", "sandbox_session_80=", "sandbox_session_80=x; sandbox_session_80=y", "é="]
        ),
        "HTTP_USER_AGENT": st.just("curl/8"),
        "HTTP_HOST": st.sampled_from(["", "localhost", "127.0.0.1:x", "[::1", "kraken.example", "é"]),
        "HTTP_API_NONCE": st.sampled_from(["", "0", "x", "9" * 30, "é"]),
        "HTTP_NONCE": st.sampled_from(["", "0", "x", "9" * 30, "é"]),
        "REMOTE_ADDR": st.sampled_from(["127.0.0.1", "203.0.113.7", "::1", "", "unix:"]),
    },
)


@dataclass(frozen=True)
class Bent:
    """One request; who sends it adds the key, the token or the session."""

    method: str
    path: str
    given: dict[str, Any]
    as_json: bool
    body: bytes | None  # instead of the fields
    is_signed: bool  # and has its token and its session: in order, but for the arguments
    headers: dict[str, str] = field(default_factory=dict)


def straight(route: Route) -> list[Bent]:
    """In order throughout: what a route must accept, in each way there is to ask it."""
    given = kraken_calls.ways(f"{route.method} {route.path}")
    path, as_json = kraken_calls.filled(route.path), _speaks_json(route)
    return [Bent(route.method, path, fields, as_json, body=None, is_signed=True) for fields in given]


def requests(route: Route) -> st.SearchStrategy[Bent]:
    """Mostly in order but for a few fields, so that what is deep in a handler is reached too."""
    endpoint = f"{route.method} {route.path}"
    plausible, more = kraken_calls.arguments(endpoint)
    names = st.sampled_from([*plausible, *more, "nonce", "otp"]) if plausible or more else st.text(max_size=5)
    path = kraken_calls.filled(route.path)
    paths = st.just(path) if "{" not in route.path else st.just(path) | values.map(lambda v: _odd_path(route.path, v))
    return st.builds(
        _bent,
        method=_mostly(st.just(route.method), st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "", "é"])),
        path=paths,
        plausible=st.sampled_from(kraken_calls.ways(endpoint)),
        bent=st.dictionaries(names, values, max_size=3),
        dropped=st.sets(names, max_size=1),
        as_json=_encodings(route),
        body=_mostly(st.none(), garbage),
        is_signed=_mostly(st.just(True), st.just(False)),
        headers=_mostly(st.just({}), headers),
    )


def switch_values(switch: Switch) -> st.SearchStrategy[str]:
    """Any value that the switch takes."""
    stands_for = {
        "<number>": st.sampled_from(["0", "1", "5", "100", "9999999999"]),
        "<error>": st.sampled_from(["EGeneral:Permission denied", "EAPI:Invalid key", "EService:Busy"]),
        "<permission>": st.just("query-funds"),
    }
    chosen = st.one_of([stands_for.get(value, st.just(value)) for value in switch.allowed])
    return chosen.filter(switch.takes)


settings_of_switches = st.lists(st.sampled_from(sorted(SWITCHES)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: switch_values(SWITCHES[name]) for name in names})
)


def environ(bent: Bent, held: Credentials) -> tuple[bytes, str, dict[str, str]]:
    """The body, the query string and the headers, with every proof of who asks where the request is in order."""
    body, query = _written(bent)
    found = {"CONTENT_TYPE": "application/json" if bent.as_json else "application/x-www-form-urlencoded"}
    if bent.is_signed:
        found |= _spot(bent, held.key, body, query) | _futures(bent, held.futures_key, query)
        found |= {"HTTP_AUTHORIZATION": _authorization(bent, held), "HTTP_COOKIE": held.cookie}
        found["REMOTE_ADDR"] = "127.0.0.1"
    return body, query, found | bent.headers


def _written(bent: Bent) -> tuple[bytes, str]:
    """The body and the query string."""
    fields = ({"nonce": NONCE} if bent.path.startswith("/0/private/") else {}) | bent.given
    if bent.method in {"GET", "DELETE"} and not bent.as_json:
        return b"" if bent.body is None else bent.body, form(fields)
    outside = kraken_calls.in_address(bent.path)
    inside = {name: value for name, value in fields.items() if name not in outside}
    content = (json.dumps(inside) if bent.as_json else form(inside)).encode()
    query = form({name: value for name, value in fields.items() if name in outside})
    return content if bent.body is None else bent.body, query


def _spot(bent: Bent, key: tuple[str, str], body: bytes, query: str) -> dict[str, str]:
    in_header = bent.path.startswith("/funding/")
    nonce = bent.headers.get("HTTP_API_NONCE", NONCE) if in_header else str(bent.given.get("nonce", NONCE))
    target = bent.path + (f"?{query}" if query else "")
    message = target.encode("utf-8", "replace") + hashlib.sha256(nonce.encode("utf-8", "replace") + body).digest()
    return {"HTTP_API_KEY": key[0], "HTTP_API_NONCE": NONCE, "HTTP_API_SIGN": _signature(key[1], message)}


def _futures(bent: Bent, key: tuple[str, str], query: str) -> dict[str, str]:
    nonce = bent.headers.get("HTTP_NONCE", NONCE)
    message = hashlib.sha256((query + nonce + bent.path).encode("utf-8", "replace")).digest()
    return {"HTTP_APIKEY": key[0], "HTTP_NONCE": NONCE, "HTTP_AUTHENT": _signature(key[1], message)}


def _authorization(bent: Bent, held: Credentials) -> str:
    """The token endpoint wants the client, which is public: its secret is empty."""
    if bent.path == "/oauth/token":
        return f"Basic {base64.b64encode(f'{kraken_calls.CLIENT}:'.encode()).decode()}"
    return f"Bearer {held.access_token}"


def _signature(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(secret), message, "sha512")).decode()


def form(fields: dict[str, Any]) -> str:
    """As clients write a form; text that is no Unicode becomes bytes that are no UTF-8."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return quote_plus(text.encode("utf-8", "surrogatepass"))


def _mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 7).flatmap(lambda number: other if number == 7 else usual)


def _speaks_json(route: Route) -> bool:
    match route.guard:
        case Open() | Page():
            return False
        case Signed():
            return route.method in {"POST", "PUT"}
        case _:
            return route.method != "GET"


def _encodings(route: Route) -> st.SearchStrategy[bool]:
    """A signed call may have either; every other wants its own."""
    if isinstance(route.guard, Signed):
        return st.booleans()
    return _mostly(st.just(_speaks_json(route)), st.booleans())


def _odd_path(path: str, value: Any) -> str:
    """As a server hands it to the application: bytes as Latin-1."""
    text = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass").decode("latin-1")
    return "/".join(text if part.startswith("{") else part for part in path.split("/"))


def _bent(plausible: dict[str, Any], bent: dict[str, Any], dropped: set[str], **more: Any) -> Bent:
    given = {name: value for name, value in (plausible | bent).items() if name not in dropped}
    return Bent(given=given, **more)
