"""The pages of API keys: list, create, edit, revoke. A secret is in one answer, and in no other.

Source: support.kraken.com 360000919966 and api-key-security (shown once; edited in place; deleted for good). What no
source tells is said where it is decided.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import key_rules, keys
from krakenctl.sandbox.envelope import BAD_REQUEST, Answer, Refusal, redirect
from krakenctl.sandbox.request import text
from krakenctl.sandbox.website import html, key_form
from krakenctl.sandbox.website.session import SECONDS
from krakenctl.sandbox.website.visit import Visit, signed_in

if TYPE_CHECKING:
    from krakenctl.sandbox.keys import KeyWish
    from krakenctl.sandbox.website.key_form import Fields, Problems

_LONGEST_TOKEN = 64
_DONE = {
    "saved": "The API key was saved.",
    "revoked": "The API key was revoked.",
    "2fa": "Two-factor authentication was saved.",
}
_FULL = "This account has as many API keys as it may have. Revoke one first."


@signed_in
def key_list(visit: Visit) -> Answer:
    found = keys.of_account(visit.context.connection, visit.session.account_id)
    return visit.render("keys.html", keys=found, done=_DONE.get(visit.request.query.removeprefix("done="), ""))


@signed_in
def new_key(visit: Visit) -> Answer:
    return _new_form(visit, key_form.blank(visit.context, visit.session.account_id), secrets.token_urlsafe(24), {})


@signed_in
def generate_key(visit: Visit) -> Answer:
    """Each form makes one key at most: to send it again neither makes another nor shows the secret again."""
    form = text(visit.fields, "form", _LONGEST_TOKEN)
    if form is None:
        raise Refusal(BAD_REQUEST, status=400)
    if _is_used(visit, form):
        return visit.render("once.html", status=409)
    wish = key_form.read(visit.fields, visit.context, visit.session.account_id)
    if isinstance(wish, dict):
        return _new_form(visit, visit.fields, form, wish)
    if key_rules.is_full(visit.context, visit.session.account_id):
        return _new_form(visit, visit.fields, form, {"": _FULL})
    _use_up(visit, form)
    return _issue(visit, wish)


@signed_in
def edit_key(visit: Visit) -> Answer:
    return _edit_form(visit, visit.key, key_form.shown(keys.wish_of(visit.key), fix=bool(visit.key.fix)), {})


@signed_in
def save_key(visit: Visit) -> Answer:
    """Every field may change; the pair stays. Which fields Kraken locks after creation is unconfirmed: here none."""
    key = visit.key
    wish = key_form.read(visit.fields, visit.context, visit.session.account_id, key)
    if isinstance(wish, dict):
        return _edit_form(visit, key, visit.fields, wish)
    keys.update(visit.context.connection, key.id, visit.context.second, wish)
    keys.set_fix(visit.context.connection, key.id, on="fix" in visit.fields)
    return redirect(f"{html.HOME}?done=saved")


@signed_in
def ask_revoke(visit: Visit) -> Answer:
    return visit.render("revoke.html", key=visit.key)


@signed_in
def revoke_key(visit: Visit) -> Answer:
    keys.revoke(visit.context, visit.key.id)
    return redirect(f"{html.HOME}?done=revoked")


def _issue(visit: Visit, wish: KeyWish) -> Answer:
    key, secret = keys.issue(visit.context, visit.session.account_id, keys.WEBSITE, wish)
    keys.set_fix(visit.context.connection, key.id, on="fix" in visit.fields)
    return visit.render("key.html", key=key, secret=secret)


def _new_form(visit: Visit, fields: Fields, form: str, problems: Problems) -> Answer:
    return _form(visit, fields, problems, key=None, form=form)


def _edit_form(visit: Visit, key: keys.Key, fields: Fields, problems: Problems) -> Answer:
    return _form(visit, fields, problems, key=key, form="")


def _form(visit: Visit, fields: Fields, problems: Problems, **values: Any) -> Answer:
    status = 422 if problems else 200
    return visit.render(
        "key_form.html", status=status, fields=fields, problems=problems, groups=key_form.GROUPS, **values
    )


def _is_used(visit: Visit, form: str) -> bool:
    found = visit.context.connection.execute("SELECT 1 FROM used_form WHERE form = ?", (form,)).fetchone()
    return found is not None


def _use_up(visit: Visit, form: str) -> None:
    """Remembered until no session is alive that could have been given the form."""
    visit.context.connection.execute("DELETE FROM used_form WHERE until <= ?", (visit.context.now,))
    visit.context.connection.execute("INSERT INTO used_form VALUES (?, ?)", (form, visit.context.now + SECONDS))
