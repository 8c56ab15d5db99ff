"""A key's own two-factor authentication: none, a static password, or an authenticator app.

Source: support.kraken.com 360000714526 (the two sorts). How Kraken makes sure that the app was set up is unconfirmed;
here it asks for one code of it.
"""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING

from krakenctl.sandbox.checks import otp
from krakenctl.sandbox.envelope import BAD_REQUEST, Answer, Refusal, redirect
from krakenctl.sandbox.request import text
from krakenctl.sandbox.website import html
from krakenctl.sandbox.website.visit import Visit, signed_in

if TYPE_CHECKING:
    from krakenctl.sandbox.website.key_form import Fields, Problems

_BASE32 = re.compile(r"[A-Z2-7]{32}")  # 160 bits, as RFC 4226 recommends
_LONGEST_PASSWORD = 255  # a design choice; Kraken's limit is unconfirmed


@signed_in
def second_factor(visit: Visit) -> Answer:
    sort = visit.key.otp.partition(":")[0] or "none"
    return _form(visit, {"sort": sort, "secret": base64.b32encode(secrets.token_bytes(20)).decode()}, {})


@signed_in
def save_second_factor(visit: Visit) -> Answer:
    key = visit.key
    try:
        wanted = _wanted(visit)
    except ValueError as wrong:
        field = {"static": "password", "totp": "code"}[visit.fields["sort"]]
        return _form(visit, visit.fields, {field: str(wrong)})
    visit.context.connection.execute(
        "UPDATE key SET otp = ?, otp_step = 0, modified = ? WHERE id = ?", (wanted, visit.context.second, key.id)
    )
    return redirect(f"{html.HOME}?done=2fa")


def _wanted(visit: Visit) -> str:
    """As the key's row holds it. A secret or a sort that this page never offers is a refusal."""
    sort, secret = visit.fields.get("sort"), visit.fields.get("secret", "")
    if sort not in ("none", "static", "totp") or _BASE32.fullmatch(secret) is None:
        raise Refusal(BAD_REQUEST, status=400)
    if sort == "none":
        return ""
    return f"static:{_password(visit)}" if sort == "static" else f"totp:{_proven(visit, secret)}"


def _password(visit: Visit) -> str:
    password = text(visit.fields, "password", _LONGEST_PASSWORD)
    if password is None:
        raise ValueError(f"Type a password of 1 to {_LONGEST_PASSWORD} characters.")
    return password


def _proven(visit: Visit, secret: str) -> str:
    if not otp.is_current(secret, visit.fields.get("code", "").strip(), visit.context.now):
        raise ValueError("This is not the app's code of now. The app's clock must show the sandbox's time.")
    return secret


def _form(visit: Visit, fields: Fields, problems: Problems) -> Answer:
    """What is typed here is shown again only where it is no secret of the person's."""
    return visit.render(
        "second_factor.html", status=422 if problems else 200, key=visit.key, fields=fields, problems=problems
    )
