"""The pages before the settings: the way in, the way out, and the style of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import accounts
from krakenctl.sandbox.envelope import PERMISSION_DENIED, Answer, Refusal, redirect
from krakenctl.sandbox.request import form_fields
from krakenctl.sandbox.website import html, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request


def home(_request: Request, _context: Context, _path: Mapping[str, str]) -> Answer:
    """`/`, and the classic `/u/security/api`, which forwards to Kraken Pro. Source: support.altrady.com."""
    return redirect(html.HOME)


def style(_request: Request, _context: Context, _path: Mapping[str, str]) -> Answer:
    return html.style()


def sign_in(request: Request, context: Context, _path: Mapping[str, str]) -> Answer:
    given = form_fields(request.query.encode("latin-1", "replace"))
    return _ask_who(request, context, html.local(given.get("next", html.HOME)))


def signed_in(request: Request, context: Context, _path: Mapping[str, str]) -> Answer:
    """Begin a session, and go where the visitor was going."""
    _refuse_foreign(request)
    fields = form_fields(request.body)
    account = accounts.by_username(context.connection, fields.get("account", ""))
    goal = html.local(fields.get("next", html.HOME))
    if account is None or account.iiban is None:
        return _ask_who(request, context, goal, problem="Choose an account from the list.")
    return redirect(goal, (session.sign_in(request, context, account.id),))


def signed_out(request: Request, context: Context, _path: Mapping[str, str]) -> Answer:
    visitor = session.current(request, context)
    if visitor is not None:
        session.check_csrf(visitor, form_fields(request.body))
    return redirect("/sign-in", (session.sign_out(request, context),))


def _ask_who(request: Request, context: Context, goal: str, problem: str = "") -> Answer:
    """The accounts that are set up: a pending one has no login yet."""
    rows = context.connection.execute("SELECT username FROM account WHERE iiban IS NOT NULL ORDER BY username")
    return html.render(
        "sign_in.html",
        session=session.current(request, context),
        status=422 if problem else 200,
        usernames=[username for (username,) in rows],
        goal=goal,
        leads_away="/oauth/authorize?" in goal,  # a consent may be automatic, and then the client comes next
        problem=problem,
    )


def _refuse_foreign(request: Request) -> None:
    """Another site's form may not sign a browser in. (There is no session yet that could have made a token.)"""
    origin = request.header("HTTP_ORIGIN")
    if origin and origin.rpartition("//")[2] != request.header("HTTP_HOST"):
        raise Refusal(PERMISSION_DENIED, status=403)
