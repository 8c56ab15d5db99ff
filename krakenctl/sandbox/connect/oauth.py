"""The OAuth endpoints (token, userinfo) and the bearer check before every `/oauth` call. Keys are not its business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from krakenctl.sandbox import keys
from krakenctl.sandbox.connect import clients, codes, scopes, tokens
from krakenctl.sandbox.envelope import INVALID_SESSION, PERMISSION_DENIED, Answer, Refusal, plain, success
from krakenctl.sandbox.request import form_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.connect.clients import Client
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

_FORM = "application/x-www-form-urlencoded"
_NEEDS = {"authorization_code": ("code", "redirect_uri"), "refresh_token": ("refresh_token",)}


def check_bearer(request: Request, context: Context, scope: str) -> tokens.Bearer:
    """Whom the request's access token speaks for, if it lives and carries the scope."""
    found = _bearer(request, context)
    by_write = scope == scopes.READ and context.switches["list-scope"] == "write"
    require_scope(found, context, scopes.WRITE if by_write else scope)
    return found


def told(result: object, context: Context) -> Answer:
    """What a call with a bearer token answers when all is well: the result alone, or as elsewhere (oauth-answer)."""
    return success(result) if context.switches["oauth-answer"] == "envelope" else plain({"result": result})


def require_scope(bearer: tokens.Bearer, context: Context, scope: str) -> None:
    if scope not in bearer.scopes.split():
        raise _refusal(context.switches["missing-scope-answer"], PERMISSION_DENIED)


def key_of_bearer(request: Request, context: Context) -> keys.Key | None:
    """A key that is in no list: what a bearer token may do on /0/private, where the switch lets it; else None.

    Nothing is signed, so no nonce is checked and no counter rises. Unconfirmed: one client was seen to try it.
    """
    tries = request.header("HTTP_AUTHORIZATION") and not request.header("HTTP_API_KEY")
    if not tries or context.switches["bearer-on-private"] == "refuse":
        return None
    found = _bearer(request, context)
    unlocked = scopes.permissions(found.scopes.split(), context.switches)
    return keys.unlisted(context, found.account_id, found.client, unlocked)


def userinfo(_request: Request, context: Context, bearer: tokens.Bearer) -> Answer:
    """`GET /oauth/userinfo`. Source: krakenfx/api-specs oauth/openapi_v3.yaml."""
    return told({"email": bearer.email, "iban": bearer.iiban}, context)


def token(request: Request, context: Context) -> Answer:
    """`POST /oauth/token`: a form, with the client's name and secret as Basic auth; answered without an envelope.

    Source: krakenfx/api-specs oauth/openapi_v3.yaml; the errors' names are those of RFC 6749, unconfirmed for Kraken.
    """
    client = clients.authenticated(context.connection, request.header("HTTP_AUTHORIZATION"))
    if client is None:
        return _denied("invalid_client", 401, (("WWW-Authenticate", "Basic"),))
    fields = _fields(request)
    error = _error(fields)
    pair = None if error else _pair(fields, client, context)
    if pair is None:
        return _denied(error or "invalid_grant", int(context.switches["token-error-status"]))
    return _minted(pair, context)


def _fields(request: Request) -> Mapping[str, str]:
    """What is no form has no fields."""
    try:
        return form_fields(request.body)
    except Refusal:
        return {}


def _error(fields: Mapping[str, str]) -> str:
    """What is wrong with the request, before anything is looked up; empty: nothing."""
    grant_type = fields.get("grant_type", "")
    if grant_type and grant_type not in _NEEDS:
        return "unsupported_grant_type"
    is_whole = grant_type and all(fields.get(name) for name in _NEEDS[grant_type])
    return "" if is_whole else "invalid_request"


def _pair(fields: Mapping[str, str], client: Client, context: Context) -> dict[str, Any] | None:
    if fields["grant_type"] == "refresh_token":
        return tokens.exchange(context, client, fields["refresh_token"])
    verifier = fields.get("code_verifier", "")
    grant = codes.redeem(context, client, fields["code"], fields["redirect_uri"], verifier)
    return None if grant is None else tokens.mint(context, client, grant)


def _minted(pair: dict[str, Any], context: Context) -> Answer:
    if context.switches["token-answer"] == "form":
        return Answer(urlencode(pair).encode(), content_type=_FORM)
    return plain(pair)


_REASONS = {
    "invalid_client": "send the client's id and secret as HTTP Basic; a public client's secret is empty",
    "invalid_request": "the body is no form, or lacks a field that its grant_type needs",
    "unsupported_grant_type": "grant_type is authorization_code or refresh_token",
    "invalid_grant": "the code or refresh token is unknown, used, expired, another client's, or not proven",
}


def _denied(error: str, status: int, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body: dict[str, Any] = {"error": error, "error_description": _REASONS[error]}
    return plain(body, status, headers)


def _bearer(request: Request, context: Context) -> tokens.Bearer:
    scheme, _, token = request.header("HTTP_AUTHORIZATION").partition(" ")
    found = tokens.bearer(context.connection, token.strip(), context.now) if scheme.lower() == "bearer" else None
    if found is None:
        raise _refusal(context.switches["dead-token-answer"], INVALID_SESSION)
    return found


def _refusal(answer: str, text: str) -> Refusal:
    """A switch's answer: an HTTP status with a plausible text, or an error string with HTTP 200."""
    return Refusal(text, status=int(answer)) if answer.isdigit() else Refusal(answer)
