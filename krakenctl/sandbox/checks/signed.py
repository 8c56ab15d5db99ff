"""The checks before every signed Spot call, and their order. A bearer token comes past them by a switch only.

Order: key, lockout, signature, nonce, otp, expiry and address, call counter, permission; then the handler looks at the
arguments. Kraken's real order is unconfirmed; this one is a design choice. A nonce is spent once the signature is
right, whatever follows. What is refused before the call counter is a failure, and failures in a row lock out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import keys
from krakenctl.sandbox.checks import allowlist, limits, nonce, otp, signature
from krakenctl.sandbox.connect import oauth
from krakenctl.sandbox.envelope import INVALID_KEY, INVALID_NONCE, INVALID_SIGNATURE, LOCKOUT, RATE_LIMIT, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request


def check(
    request: Request,
    context: Context,
    nonce_text: object,
    given: Mapping[str, Any],
    cost: int,
    *,
    touches: bool = True,
) -> Key:
    """The key that signed the request, with nonce, counter and (if the call touches it) last use brought up to date."""
    unsigned = oauth.key_of_bearer(request, context)
    if unsigned is not None:
        return unsigned
    found = keys.by_public_key(context, request.header("HTTP_API_KEY"))
    subjects = limits.subjects(request.address, found[0].account_id if found else None, context)
    if limits.is_locked(context, subjects):
        raise Refusal(LOCKOUT)
    if found is None:
        raise _failed(context, subjects, INVALID_KEY)
    key, secret = found
    number = nonce.decimal(nonce_text)
    if number is None:
        raise _failed(context, subjects, INVALID_NONCE)
    if not signature.verify(request.header("HTTP_API_SIGN"), secret, request.target, number, request.body):
        raise _failed(context, subjects, INVALID_SIGNATURE)
    if not nonce.accepted(context, key, int(number)):
        raise _failed(context, subjects, INVALID_NONCE)
    if error := otp.error(context, key, given) or _barred(key, request, context):
        _spend(key, int(number), context)
        raise _failed(context, subjects, error)
    limits.forget_failures(context, subjects)
    return _used(key, int(number), context, cost, touches=touches)


def _failed(context: Context, subjects: tuple[str, ...], error: str) -> Refusal:
    limits.count_failure(context, subjects[-1])
    return Refusal(error)


def _spend(key: Key, number: int, context: Context) -> None:
    context.connection.execute("UPDATE key SET nonce = ? WHERE id = ?", (_highest(key, number), key.id))


def _highest(key: Key, number: int) -> str:
    return str(max(number, int(key.nonce_text)))


def _used(key: Key, number: int, context: Context, cost: int, *, touches: bool) -> Key:
    fits, counter = limits.charge(key, cost, context)
    used = key._replace(
        nonce_text=_highest(key, number),
        counter=counter,
        counter_at=context.now,
        last_used=_last_used(key, context) if touches else key.last_used,
    )
    context.connection.execute(
        "UPDATE key SET nonce = ?, counter = ?, counter_at = ?, last_used = ? WHERE id = ?",
        (used.nonce_text, used.counter, used.counter_at, used.last_used, used.id),
    )
    if not fits:
        raise Refusal(RATE_LIMIT)
    return used


def _last_used(key: Key, context: Context) -> int:
    """Now; or, where the switch lets it lag, what it was until so many seconds are over."""
    last, every = key.last_used, int(context.switches["last-used-every"])
    return context.second if last is None or abs(context.second - last) >= every else last


def _barred(key: Key, request: Request, context: Context) -> str:
    """The error of a key that is past its end or called from a wrong place; empty: neither."""
    if 0 < key.valid_until <= context.now:
        return context.switches["expired-key-error"]
    if key.networks and not allowlist.lets_in(key.ip_allowlist, request.address):
        return context.switches["disallowed-ip-error"]
    return ""
