"""The OAuth endpoints (token, userinfo) and the bearer check before every `/oauth` call. Keys are not its business.

The authorize page is not served yet: `krakenctl.sandbox.seed.authorise` stands in for the browser.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import tokens
from krakenctl.sandbox.envelope import INVALID_SESSION, PERMISSION_DENIED, Answer, Refusal, plain, success
from krakenctl.sandbox.request import form_fields

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request


def check_bearer(request: Request, context: Context, scope: str) -> tokens.Bearer:
    """Whom the request's access token speaks for, if it lives and carries the scope."""
    scheme, _, token = request.header("HTTP_AUTHORIZATION").partition(" ")
    found = tokens.bearer(context.connection, token.strip(), context.now) if scheme.lower() == "bearer" else None
    if found is None:
        raise _refusal(context.switches["dead-token-answer"], INVALID_SESSION)
    require_scope(found, context, scope)
    return found


def require_scope(bearer: tokens.Bearer, context: Context, scope: str) -> None:
    if scope not in bearer.scopes.split():
        raise _refusal(context.switches["missing-scope-answer"], PERMISSION_DENIED)


def userinfo(_request: Request, _context: Context, bearer: tokens.Bearer) -> Answer:
    """`GET /oauth/userinfo`. Source: krakenfx/api-specs oauth/openapi_v3.yaml."""
    return success({"email": bearer.email, "iban": bearer.iiban})


def token(request: Request, context: Context) -> Answer:
    """`POST /oauth/token`: a form, Basic auth with the client's name and an empty secret; JSON without an envelope.

    Source: krakenfx/api-specs oauth/openapi_v3.yaml; the errors' names are those of RFC 6749, unconfirmed for Kraken.
    """
    if not _is_our_client(request.header("HTTP_AUTHORIZATION")):
        return _denied("invalid_client", status=401, headers=(("WWW-Authenticate", "Basic"),))
    try:
        fields = form_fields(request.body)
    except Refusal:
        return _denied("invalid_request")
    if fields.get("grant_type") != "refresh_token":
        return _denied("unsupported_grant_type" if fields.get("grant_type") else "invalid_request")
    pair = tokens.exchange(context, fields.get("refresh_token", ""))
    return _denied("invalid_grant") if pair is None else plain(pair)


_REASONS = {
    "invalid_client": "unknown client or wrong client secret",
    "invalid_request": "the body is no form with a grant_type",
    "unsupported_grant_type": "the sandbox has no authorize page; it takes refresh_token only",
    "invalid_grant": "the refresh token is unknown, used or expired",
}


def _denied(error: str, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body: dict[str, Any] = {"error": error, "error_description": _REASONS[error]}
    return plain(body, status, headers)


def _is_our_client(authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    try:
        return (
            scheme.lower() == "basic" and base64.b64decode(credentials, validate=True) == f"{tokens.CLIENT}:".encode()
        )
    except (binascii.Error, ValueError):
        return False


def _refusal(answer: str, text: str) -> Refusal:
    """A switch's answer: an HTTP status with a plausible text, or an error string with HTTP 200."""
    return Refusal(text, status=int(answer)) if answer.isdigit() else Refusal(answer)
