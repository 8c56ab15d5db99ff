"""What every page has: the frame, the error page, the headers that keep a browser safe. No page needs JavaScript."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from krakenctl.model.permission import SPELLINGS, in_order
from krakenctl.model.time import show_time
from krakenctl.sandbox.envelope import Answer, page, redirect

if TYPE_CHECKING:
    from jinja2 import Environment

    from krakenctl.sandbox.envelope import Refusal
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request
    from krakenctl.sandbox.website.session import Session

HOME = "/app/settings/api"  # source: support.altrady.com and help.haasonline.com, the path on pro.kraken.com
APPS = "/app/settings/apps"
_FOLDER = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_SAFE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # no-referrer would hide from the sign-in page where its form came from
)
_REASONS = {
    403: "This form cannot be used: its page is too old, or you signed in anew since. Open the page again.",
    404: "There is nothing here, or it belongs to another account.",
    421: "This sandbox is for this computer alone. Open it as localhost or 127.0.0.1, or serve it with --allow-remote.",
}


def render(
    template: str, *, session: Session | None = None, status: int = 200, leads_away: bool = False, **values: Any
) -> Answer:
    """A page from a file of `templates/`, with every value escaped.

    A page whose form may be answered with a redirect to another site says `leads_away`: browsers hold the policy for
    forms against the redirect too.
    """
    text = _templates().get_template(template).render(session=session, **values)
    policy = _POLICY if leads_away else f"{_POLICY}; form-action 'self'"
    return page(text, status, (("Content-Security-Policy", policy), *_SAFE))


def to_sign_in(request: Request) -> Answer:
    """Ask who it is, and come back to this address afterwards."""
    return redirect(f"/sign-in?next={quote(request.target, safe='/', encoding='latin-1', errors='replace')}")


def local(address: str) -> str:
    """An address of this website as it is, any other as the start page: nobody is sent elsewhere."""
    printable = all("!" <= character <= "~" and character != "\\" for character in address)
    return address if printable and address.startswith("/") and not address.startswith("//") else HOME


def refused(refusal: Refusal) -> Answer:
    """A refusal as a page. Where a program would get HTTP 200 with an error in it, a browser gets 400."""
    status = 400 if refusal.status == HTTPStatus.OK else refusal.status
    reason = _REASONS.get(status, "This request could not be understood.")
    answer = render("error.html", status=status, reason=reason, error=refusal.error)
    return Answer(answer.body, status, (*answer.headers, *refusal.headers), answer.content_type)


def style() -> Answer:
    return Answer((_FOLDER / "static" / "style.css").read_bytes(), 200, _SAFE, "text/css; charset=utf-8")


def _time(seconds: int) -> str:
    return show_time(seconds).replace("T", " ").replace("Z", " UTC")


def _labels(key: Key) -> list[str]:
    return [SPELLINGS[code].label for code in in_order(key.permissions)]


def _factor(key: Key) -> str:
    return {"": "none", "static": "a static password", "totp": "an authenticator app"}[key.otp.partition(":")[0]]


@cache
def _templates() -> Environment:
    """Loaded with the first page: a sandbox without people needs no templates."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"time": _time, "labels": _labels, "factor": _factor}
    environment.globals |= {"home": HOME, "apps": APPS}
    return environment
