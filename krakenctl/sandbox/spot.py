"""The signed Spot calls and the check before each of them. A bearer token opens none of them.

Order of the checks: key, lockout, signature, nonce, expiry and address, call counter, permission, arguments. Kraken's
real order is unconfirmed; this one is a design choice. A nonce is spent once the signature is right, whatever follows.
"""

from __future__ import annotations

import time as calendar
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import accounts, allowlist, keys, limits, nonce, signature
from krakenctl.sandbox.envelope import (
    INVALID_KEY,
    INVALID_NONCE,
    INVALID_SIGNATURE,
    LOCKOUT,
    PERMISSION_DENIED,
    RATE_LIMIT,
    Answer,
    Refusal,
    invalid,
    success,
)
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from krakenctl.model.permission import Permission
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_EMAIL = 128  # as userinfo can show it; CreateSubaccount publishes no rule
_LONGEST_USERNAME = 255  # a design choice; no rule is published


def check_signed(request: Request, context: Context, given: dict[str, Any], cost: int) -> Key:
    """The key that signed the request, with nonce, counter and last use brought up to date."""
    found = keys.by_public_key(context.connection, request.header("HTTP_API_KEY"))
    subjects = _subjects(request, context, found)
    if limits.is_locked(context, subjects):
        raise Refusal(LOCKOUT)
    if found is None:
        raise _failed(context, subjects, INVALID_KEY)
    key, secret = found
    number = nonce.decimal(given.get("nonce"))
    if number is None:
        raise _failed(context, subjects, INVALID_NONCE)
    if not signature.verify(request.header("HTTP_API_SIGN"), secret, request.target, number, request.body):
        raise _failed(context, subjects, INVALID_SIGNATURE)
    if not nonce.accepted(context, key, int(number)):
        raise _failed(context, subjects, INVALID_NONCE)
    limits.forget_failures(context, subjects)
    return _used(key, int(number), request, context, cost)


def require(key: Key, needs: tuple[frozenset[Permission], ...]) -> None:
    """At least one of these sets must be held whole; no set at all: any key will do."""
    if needs and not any(needed <= key.permissions for needed in needs):
        raise Refusal(PERMISSION_DENIED)


def public_time(_request: Request, context: Context) -> Answer:
    """`GET /0/public/Time`. Source: docs.kraken.com, Get Server Time."""
    at = calendar.gmtime(context.second)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    rfc1123 = f"{day}, {at.tm_mday:02d} {month} {at.tm_year % 100:02d} {clock} +0000"
    return success({"unixtime": context.second, "rfc1123": rfc1123})


def key_info(_given: dict[str, Any], context: Context, key: Key) -> Answer:
    """`POST /0/private/GetApiKeyInfo`: the key that signs, and no other. Source: docs.kraken.com, GetApiKeyInfo."""
    anywhere = [""] if context.switches["empty-allowlist"] == "blank" else []
    shown = {
        "api_key_name": key.name,
        "api_key": key.public_key,
        "nonce": key.nonce_text,
        "nonce_window": key.nonce_window,
        "permissions": key.codes.split(),
        "iban": accounts.by_id(context.connection, key.account_id).iiban or "",
        "valid_until": str(key.valid_until),
        "query_from": str(key.query_from),
        "query_to": str(key.query_to),
        "created_time": str(key.created),
        "modified_time": str(key.modified),
        "ip_allowlist": key.ip_allowlist or anywhere,
        "last_used": str(key.last_used),
    }
    camel = context.switches["key-info-spelling"] == "camel"
    return success({_camel(name): value for name, value in shown.items()} if camel else shown)


def balance(_given: dict[str, Any], context: Context, key: Key) -> Answer:
    """`POST /0/private/Balance`. Source: krakenfx/api-specs spot-rest."""
    return success(accounts.balances(context.connection, key.account_id))


def create_subaccount(given: dict[str, Any], context: Context, key: Key) -> Answer:
    """`POST /0/private/CreateSubaccount`: true, and neither id nor IIBAN. Source: krakenfx/api-specs spot-rest."""
    master = accounts.by_id(context.connection, key.account_id)
    if not master.master:
        raise Refusal(context.switches["not-master-error"])
    if context.switches["institutional"] == "no":
        raise Refusal(context.switches["not-institutional-error"])
    username, email = text(given, "username", _LONGEST_USERNAME), text(given, "email", _LONGEST_EMAIL)
    if username is None:
        raise invalid("username")
    if email is None or "@" not in email:
        raise invalid("email")
    if accounts.by_username(context.connection, username) is not None:
        raise Refusal(context.switches["duplicate-username-error"])
    made = accounts.insert(context.connection, username, email, context.second, master=False, parent=master.id)
    answer = success(True)
    return Answer(answer.body, set_up=accounts.set_up(context, made)) if context.owned else answer


def _subjects(request: Request, context: Context, found: tuple[Key, str] | None) -> tuple[str, ...]:
    """Whom failures are held against: the peer's address, and the key's account where one is known."""
    address = f"address {request.address.encode('ascii', 'replace').decode()}"
    if found is None or context.switches["lockout-scope"] == "address":
        return (address,)
    return (address, f"account {found[0].account_id}")


def _failed(context: Context, subjects: tuple[str, ...], error: str) -> Refusal:
    limits.count_failure(context, subjects[-1])
    return Refusal(error)


def _used(key: Key, number: int, request: Request, context: Context, cost: int) -> Key:
    barred = _barred(key, request, context)
    fits, counter = (True, key.counter) if barred else limits.charge(key.counter, key.counter_at, cost, context)
    used = key._replace(
        nonce_text=str(max(number, int(key.nonce_text))),
        counter=counter,
        counter_at=key.counter_at if barred else context.now,
        last_used=key.last_used if barred else context.second,
    )
    context.connection.execute(
        "UPDATE key SET nonce = ?, counter = ?, counter_at = ?, last_used = ? WHERE id = ?",
        (used.nonce_text, used.counter, used.counter_at, used.last_used, used.id),
    )
    if barred or not fits:
        raise Refusal(barred or RATE_LIMIT)
    return used


def _barred(key: Key, request: Request, context: Context) -> str:
    """The error of a key that is past its end or called from a wrong place; empty: neither."""
    if 0 < key.valid_until <= context.now:
        return context.switches["expired-key-error"]
    if key.networks and not allowlist.lets_in(key.ip_allowlist, request.address):
        return context.switches["disallowed-ip-error"]
    return ""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
