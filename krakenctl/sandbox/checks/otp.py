"""A key's own second factor: the `otp` in a signed body, against a static password or a rotating code.

Source: support.kraken.com 360000714526 (two sorts); docs.kraken.com, Spot REST authentication guide (`otp` is needed on
every signed call). Which error a missing or wrong one gets, sources disagree about: the switch `otp-error`.
"""

from __future__ import annotations

import base64
import hmac
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key

_STEP_SECONDS = 30
_DIGITS = 6


def error(context: Context, key: Key, given: Mapping[str, Any]) -> str | None:
    """What is wrong with the call's `otp`; None: nothing."""
    otp = given.get("otp")
    if not key.otp:
        surplus = context.switches["surplus-otp"]
        return None if otp is None or surplus == "ignore" else surplus
    sort, _, secret = key.otp.partition(":")
    right = isinstance(otp, str) and (
        hmac.compare_digest(otp.encode("utf-8", "replace"), secret.encode())
        if sort == "static"
        else _fresh_code(context, key, otp, secret)
    )
    return None if right else context.switches["otp-error"]


def totp(secret: str, step: int) -> str:
    """The code of RFC 6238 (SHA-1, 6 digits, 30 s) for base32, padded or not. Raises ValueError: it is none."""
    padded = secret + "=" * (-len(secret) % 8)
    digest = hmac.digest(base64.b32decode(padded, casefold=True), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def is_current(secret: str, code: str, now: float) -> bool:
    """Whether it is the code of this half minute or its neighbours. Remembers nothing."""
    return any(code == totp(secret, step) for step in _steps(now))


def _fresh_code(context: Context, key: Key, otp: str, secret: str) -> bool:
    """A code of this half minute or its neighbours, that was not used before: Kraken refuses a code's second use."""
    step = next((s for s in _steps(context.now) if s > key.otp_step and otp == totp(secret, s)), None)
    if step is None:
        return False
    context.connection.execute("UPDATE key SET otp_step = ? WHERE id = ?", (step, key.id))
    return True


def _steps(now: float) -> range:
    step = int(now) // _STEP_SECONDS
    return range(max(step - 1, 0), step + 2)
