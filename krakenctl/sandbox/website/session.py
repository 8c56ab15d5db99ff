"""Who is signed in: a cookie against a row. No passwords, because it is a sandbox; no page is written here.

The cookie is HttpOnly and SameSite=Lax, and ends with the browser; its name holds the port, because cookies know none
and two sandboxes of one computer would sign each other out. The row keeps only its SHA-256 and ends after eight hours
of the sandbox's own time. Every form of a signed-in page carries the session's `csrf` text.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.connect.hashes import kept
from krakenctl.sandbox.envelope import PERMISSION_DENIED, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

SECONDS = 8 * 3600  # a design choice: a working day; how long Kraken's own session lives is not published
_ATTRIBUTES = "; Path=/; HttpOnly; SameSite=Lax"


@dataclass(frozen=True, slots=True)
class Session:
    account_id: int
    username: str
    csrf: str = field(repr=False)


def current(request: Request, context: Context) -> Session | None:
    """Whose browser sent the request; None: nobody is signed in, or was too long ago. Reads only."""
    row = context.connection.execute(
        "SELECT account_id, username, csrf FROM session JOIN account ON account.id = account_id"
        " WHERE hash = ? AND until > ?",
        (kept(_cookie(request)), context.now),
    ).fetchone()
    return None if row is None else Session(*row)


def check_csrf(session: Session, fields: Mapping[str, Any]) -> None:
    """Refuse a form that did not come from a page of this session."""
    given = str(fields.get("csrf", "")).encode("utf-8", "replace")
    if not hmac.compare_digest(given, session.csrf.encode()):
        raise Refusal(PERMISSION_DENIED, status=403)


def sign_in(request: Request, context: Context, account_id: int) -> tuple[str, str]:
    """Begin a session, in place of the one this browser had. Returns the header that sets its cookie."""
    token = secrets.token_urlsafe(32)
    _end(request, context)
    context.connection.execute("DELETE FROM session WHERE until <= ?", (context.now,))
    row = (kept(token), account_id, secrets.token_urlsafe(32), context.now + SECONDS)
    context.connection.execute("INSERT INTO session (hash, account_id, csrf, until) VALUES (?, ?, ?, ?)", row)
    return ("Set-Cookie", f"{_name(request)}={token}{_ATTRIBUTES}")


def sign_out(request: Request, context: Context) -> tuple[str, str]:
    """End this browser's session. Returns the header that takes its cookie away."""
    _end(request, context)
    return ("Set-Cookie", f"{_name(request)}=; Max-Age=0{_ATTRIBUTES}")


def _end(request: Request, context: Context) -> None:
    context.connection.execute("DELETE FROM session WHERE hash = ?", (kept(_cookie(request)),))


def _cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.header("HTTP_COOKIE")).get(_name(request))
    except CookieError:
        return ""
    return "" if found is None else found.value


def _name(request: Request) -> str:
    return f"sandbox_session_{request.environ.get('SERVER_PORT', '')}"
