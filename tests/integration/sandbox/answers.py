"""What an answer may look like: a form for each kind of route, whatever was sent to it. And which answers say yes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from bent import Bent

from krakenctl.sandbox.guards import Bearer, Local, Open, Page, Route, Signed
from krakenctl.sandbox.routes import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_caller import Reply

ERROR = re.compile(r"[EW][A-Za-z]+:.+", re.DOTALL)
TOKENS = {"access_token", "token_type", "expires_in", "refresh_token"}
# There is nobody at the desk for over-the-counter trades.
SAYS_NO = {
    "POST /0/private/CreateOtcQuoteRequest": ["EAccount:Invalid permissions"],
    "POST /0/private/UpdateOtcQuote": ["EGeneral:Invalid arguments:quote_id"],
}


def check(request: Bent, reply: Reply) -> None:
    """Never an error of the server's, and always in the form that clients of the route can read."""
    assert reply.status < 500, reply.body
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert b"Traceback" not in reply.body
    found = find(request.method, request.path.partition("?")[0])
    if found is None and reply.body == b"Not Allowed":
        assert (reply.status, _kind(reply)) == (405, "text/plain")
    elif found is None or _is_turned_away(reply):
        _envelope(reply)
    else:
        _form(found[0])(reply)


def is_accepted(route: Route, reply: Reply) -> bool:
    """Whether the call did what it was asked for."""
    if isinstance(route.guard, Page):
        return _leads_on(route, reply)
    return reply.status == 200 and errors(reply) == SAYS_NO.get(f"{route.method} {route.path}", [])


def errors(reply: Reply) -> Any:
    """None where the answer is a bare object, as those of Funding (Beta) are, or an export."""
    return reply.json.get("error", []) if _kind(reply) == "application/json" else []


def _leads_on(route: Route, reply: Reply) -> bool:
    """To a page, or elsewhere; but not to the sign-in page, and back to a client without an error of its making."""
    goal = reply.headers.get("Location", "")
    is_refused = "error=" in goal and "error=access_denied" not in goal
    must_sign_in = goal.startswith("/sign-in") and route.path != "/sign-out"
    return reply.status in {200, 302, 303} and not is_refused and not must_sign_in


def _is_turned_away(reply: Reply) -> bool:
    """Before any route: nobody could read the request, it names no program, or another host."""
    if reply.status not in {400, 403, 421} or _kind(reply) != "application/json":
        return False
    told = str(errors(reply))
    return told.replace(": ", ":") == "['EAPI:Bad request']" or told.endswith("must name this computer']")


def _form(route: Route) -> Callable[[Reply], None]:
    match route.guard:
        case Page():
            return _page
        case Signed():
            return _signed(route.path)
        case Open():
            return {"connect": _tokens, "futures": _futures, "public": _envelope}[route.group]
        case Bearer() | Local():
            return _envelope


def _signed(path: str) -> Callable[[Reply], None]:
    if path.startswith("/funding/"):
        return _bare
    return _export if path == "/0/private/RetrieveExport" else _envelope


def _envelope(reply: Reply) -> None:
    """`error` is a list of Kraken's words; where it is empty or missing there is a result."""
    assert _kind(reply) == "application/json"
    assert reply.json.keys() <= {"error", "result"}
    told = reply.json.get("error", [])
    assert all(ERROR.fullmatch(error) for error in told)
    assert told or "result" in reply.json
    assert reply.status == 200 or told


def _bare(reply: Reply) -> None:
    if "error" in reply.json:
        _envelope(reply)
        return
    assert _kind(reply) == "application/json"
    assert reply.status == 200
    assert isinstance(reply.json, dict)


def _export(reply: Reply) -> None:
    if not reply.body.startswith(b"PK"):
        _envelope(reply)
        return
    assert _kind(reply) in {"application/zip", "application/octet-stream"}


def _tokens(reply: Reply) -> None:
    """A pair, as JSON or as a form; else an object of two texts, as RFC 6749 5.2 has it."""
    if _kind(reply) == "application/x-www-form-urlencoded":
        assert dict(parse_qsl(reply.body.decode())).keys() == TOKENS
        return
    assert _kind(reply) == "application/json"
    assert reply.json.keys() == (TOKENS if reply.status == 200 else {"error", "error_description"})
    assert reply.status in {200, 400, 401}


def _futures(reply: Reply) -> None:
    assert _kind(reply) == "application/json"
    if reply.status == 200:
        assert {"apiKey", "accountUid", "permissions"} <= reply.json.keys()
        return
    assert reply.status == 401
    assert reply.json.keys() == {"error", "message", "suberror"}


def _page(reply: Reply) -> None:
    """Also where something is wrong: people read it."""
    assert _kind(reply) in {"text/html", "text/css"}
    assert reply.body or reply.headers["Location"]


def _kind(reply: Reply) -> str:
    return reply.headers["Content-Type"].partition(";")[0]
