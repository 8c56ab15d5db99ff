"""From a route to its handler, past the checks that its guard asks for. It knows no transaction and no fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import routes
from krakenctl.sandbox.call import Call
from krakenctl.sandbox.checks import signed, wallet
from krakenctl.sandbox.connect import oauth
from krakenctl.sandbox.envelope import BAD_REQUEST, PERMISSION_DENIED, Answer, Refusal, denied
from krakenctl.sandbox.guards import Bearer, Local, Open, Page, Route, Signed
from krakenctl.sandbox.request import Request, arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context

    Found = tuple[Route, Mapping[str, str]]


_OTHER_NAME = f"{PERMISSION_DENIED}: the Host header must name this computer"
_NOT_ALLOWED = Answer(b"Not Allowed", 405, (("Allow", "GET"),), "text/plain")


def handle(found: Found | None, request: Request, context: Context) -> Answer:
    if _is_public_post(request, context):
        return _NOT_ALLOWED
    route, path = reachable(found, request, context)
    match route.guard:
        case Open():
            return route.guard.handler(request, context)
        case Page():
            return route.guard.handler(_by_its_name(request), context, path)
        case Local():
            return route.guard.handler(_local(request), context)
        case Bearer():
            bearer = oauth.check_bearer(request, context, route.guard.scope)
            return route.guard.handler(request, context, bearer)
        case Signed():
            return route.guard.handler(let_in(route.guard, path, request, context))


def reachable(found: Found | None, request: Request, context: Context) -> Found:
    """The route, as far as the switches let it be there."""
    _refuse_nameless(request, context)
    if found is None or routes.is_hidden(request.method, request.path, context.switches):
        raise _nowhere(request, context)
    return found


def let_in(guard: Signed, path: Mapping[str, str], request: Request, context: Context) -> Call:
    """A signed call that has passed every check."""
    given = arguments(request)
    nonce = request.header("HTTP_API_NONCE") if guard.header_nonce else given.get("nonce")
    cost, touches = routes.cost(guard, context.switches), routes.touches(guard, context.switches)
    key = signed.check(request, context, nonce, given, cost, touches=touches)
    if not routes.lets_in(guard, key, context.switches):
        raise denied(context.switches)
    call = Call(request, context, key, given, path)
    if guard.by_wallet:
        wallet.require_own(call)
    return call


def _local(request: Request) -> Request:
    if not request.is_local:
        raise Refusal(PERMISSION_DENIED, status=403)
    if not request.names_this_computer:
        raise Refusal(_OTHER_NAME, status=403)
    return request


def _by_its_name(request: Request) -> Request:
    """A page of another name may point that name here, and would then be let into everything (DNS rebinding)."""
    if not request.names_a_host:
        raise Refusal(_OTHER_NAME, status=421)
    return request


def _refuse_nameless(request: Request, context: Context) -> None:
    """Without a User-Agent, clients report a 403 from the proxy before Kraken: a switch."""
    if context.switches["user-agent"] == "required" and not request.header("HTTP_USER_AGENT"):
        raise Refusal(BAD_REQUEST, status=403)


def _is_public_post(request: Request, context: Context) -> bool:
    """A POST of a public call, where the switch says that it hears no envelope."""
    is_one = request.method == "POST" and request.path.startswith("/0/public/") and routes.methods(request.path)
    return bool(is_one) and context.switches["public-post"] == "not-allowed"


def _nowhere(request: Request, context: Context) -> Refusal:
    """Why there is no route: wrong method, unknown Spot call (HTTP 200, as Kraken answers it), or no such path."""
    methods = [m for m in routes.methods(request.path) if not routes.is_hidden(m, request.path, context.switches)]
    if methods:
        return Refusal(BAD_REQUEST, status=405, headers=(("Allow", ", ".join(methods)),))
    wanted = {"/0/private/": "POST", "/0/public/": "GET"}
    for prefix, method in wanted.items():
        if request.path.startswith(prefix) and request.method == method:
            return Refusal(context.switches["unknown-method-error"])
    return Refusal(context.switches["unknown-method-error"], status=404)
