"""The signature of a Spot REST call. Pure.

Source: docs.kraken.com, guide “Spot REST authentication”; its vectors are tests.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from krakenctl.errors import CredentialError
from krakenctl.model.secret import Secret


def sign(secret: Secret, path: str, nonce: str, body: Secret) -> str:
    """API-Sign for `body` exactly as it will be sent; `path` from `/0/private/` on, with its query string.

    The body is a secret because it may hold a second factor. Raises CredentialError when `secret` is not base64.
    """
    signed = _signed(secret, path.encode() + hashlib.sha256((nonce + body.reveal()).encode()).digest())
    if signed is None:
        raise CredentialError("the private key is not base64: was it cut off when it was copied?")
    return base64.b64encode(signed).decode()


def _signed(secret: Secret, message: bytes) -> bytes | None:
    """None when it cannot be; raising from here would give the error a context that shows the secret."""
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return hmac.new(key, message, hashlib.sha512).digest() if key else None
