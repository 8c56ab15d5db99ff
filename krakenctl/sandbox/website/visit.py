"""A request of somebody who is signed in: what the handlers of the settings pages are given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import keys
from krakenctl.sandbox.envelope import UNKNOWN_METHOD, Answer, Refusal
from krakenctl.sandbox.request import form_fields
from krakenctl.sandbox.website import html
from krakenctl.sandbox.website.session import Session, check_csrf, current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

    Handler = Callable[[Request, Context, Mapping[str, str]], Answer]

_MOST_DIGITS = 18  # of a row's number, so that SQLite can hold whatever was asked for


@dataclass(frozen=True, slots=True)
class Visit:
    request: Request
    context: Context
    session: Session
    path: Mapping[str, str]  # what stood in the braces of the route's path
    fields: Mapping[str, Any]  # of the form that was sent; empty when the page was only opened

    @property
    def key(self) -> keys.Key:
        """The key that the address names. Another account's is as unknown as one that never was."""
        number = self.path["id"]
        known = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
        found = keys.by_id(self.context.connection, self.session.account_id, int(number)) if known else None
        if found is None:
            raise Refusal(UNKNOWN_METHOD, status=404)
        return found

    def render(self, template: str, *, status: int = 200, **values: Any) -> Answer:
        return html.render(template, session=self.session, status=status, now=self.context.second, **values)


def signed_in(handler: Callable[[Visit], Answer]) -> Handler:
    """Let in who is signed in, and only forms that came from this session's own pages; ask others to sign in."""

    @wraps(handler)
    def page(request: Request, context: Context, path: Mapping[str, str]) -> Answer:
        session = current(request, context)
        if session is None:
            return html.to_sign_in(request)
        fields: Mapping[str, Any] = {}
        if request.method == "POST":
            fields = form_fields(request.body)
            check_csrf(session, fields)
        return handler(Visit(request, context, session, path, fields))

    return page
