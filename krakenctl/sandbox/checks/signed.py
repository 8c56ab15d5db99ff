"""The checks before every signed Spot call, and their order. A bearer token comes past them by a switch only.

Order: key, lockout, then what the switch `check-order` has (`_ORDERS`), call counter, permission; then the handler
looks at the arguments. Kraken's real order is unconfirmed. A nonce is spent once it was taken, whatever follows; what
is refused before that leaves it. What is refused before the call counter is a failure, and failures in a row lock out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.sandbox import keys
from krakenctl.sandbox.checks import allowlist, limits, nonce, otp, signature
from krakenctl.sandbox.connect import oauth
from krakenctl.sandbox.envelope import INVALID_KEY, INVALID_NONCE, INVALID_SIGNATURE, LOCKOUT, RATE_LIMIT, Refusal

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request


class _Attempt(NamedTuple):
    """A signed call of a known key, of which nothing is checked yet."""

    request: Request
    context: Context
    key: Key
    secret: str
    nonce: str | None  # in decimal; None: it is none
    given: Mapping[str, Any]


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
    attempt = _Attempt(request, context, key, secret, nonce.decimal(nonce_text), given)
    if error := _refused(attempt):
        raise _failed(context, subjects, error)
    limits.forget_failures(context, subjects)
    return _used(attempt, cost, touches=touches)


def _failed(context: Context, subjects: tuple[str, ...], error: str) -> Refusal:
    limits.count_failure(context, subjects[-1])
    return Refusal(error)


def _refused(attempt: _Attempt) -> str:
    """The error of the first check that fails; empty: none does."""
    passed: list[_Check] = []
    for one in _ORDERS[attempt.context.switches["check-order"]]:
        if error := one(attempt):
            if _taken in passed:
                _spend(attempt)
            return error
        passed.append(one)
    return ""


def _numbered(attempt: _Attempt) -> str:
    return "" if attempt.nonce is not None else INVALID_NONCE


def _signed(attempt: _Attempt) -> str:
    request = attempt.request
    told = request.header("HTTP_API_SIGN")
    right = signature.verify(told, attempt.secret, request.target, attempt.nonce or "", request.body)
    return "" if right else INVALID_SIGNATURE


def _taken(attempt: _Attempt) -> str:
    return "" if nonce.accepted(attempt.context, attempt.key, _number(attempt)) else INVALID_NONCE


def _second(attempt: _Attempt) -> str:
    return otp.error(attempt.context, attempt.key, attempt.given) or ""


def _living(attempt: _Attempt) -> str:
    is_over = 0 < attempt.key.valid_until <= attempt.context.now
    return attempt.context.switches["expired-key-error"] if is_over else ""


def _placed(attempt: _Attempt) -> str:
    key = attempt.key
    lets_in = not key.networks or allowlist.lets_in(key.ip_allowlist, attempt.request.address)
    return "" if lets_in else attempt.context.switches["disallowed-ip-error"]


_Check = Callable[[_Attempt], str]  # the error; empty: all is well
_ORDERS: Mapping[str, tuple[_Check, ...]] = {
    "nonce-first": (_numbered, _signed, _taken, _second, _living, _placed),
    "address-first": (_living, _placed, _numbered, _signed, _taken, _second),
}


def _number(attempt: _Attempt) -> int:
    return int(attempt.nonce or 0)


def _highest(attempt: _Attempt) -> str:
    return str(max(_number(attempt), int(attempt.key.nonce_text)))


def _spend(attempt: _Attempt) -> None:
    attempt.context.connection.execute("UPDATE key SET nonce = ? WHERE id = ?", (_highest(attempt), attempt.key.id))


def _used(attempt: _Attempt, cost: int, *, touches: bool) -> Key:
    key, context = attempt.key, attempt.context
    fits, counter = limits.charge(key, cost, context)
    used = key._replace(
        nonce_text=_highest(attempt),
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
