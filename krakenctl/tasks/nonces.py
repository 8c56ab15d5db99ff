"""What a key is to be asked with, as people say it and as manifests do. Pure."""

from __future__ import annotations

from krakenctl.errors import UsageError
from krakenctl.model.description import CLOCKS, NonceScale

Nonce = NonceScale | int | None  # a clock's unit, the very number, or None: nobody knows


def nonce_of(text: str) -> Nonce:
    """`s`, `ms`, `us`, `ns` or a whole number; nothing: nobody knows. Raises UsageError."""
    if not text:
        return None
    if text in CLOCKS:
        return NonceScale(text)
    if text.isascii() and text.isdecimal() and 0 < int(text) < 2**64:
        return int(text)
    raise UsageError("a nonce is s, ms, us, ns, or a whole number below 2^64", hint="see `krakenctl inspect --help`")


def nonce_beside(scale: NonceScale) -> Nonce:
    """How to ask a key of whose consumer the manifests say this. Raises UsageError where a person has to say it."""
    if scale is NonceScale.COUNTER:
        raise UsageError(
            "the program that uses this key counts its nonces, and a clock's number would lock it out for ever",
            hint="give the next number that it would send: --nonce N",
        )
    return None if scale is NonceScale.UNKNOWN else scale
