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


def sign(secret: Secret, path: str, nonce: str, body: bytes) -> str:
    """API-Sign for `body` exactly as it will be sent; `path` from `/0/private/` on, with its query string.

    Raises CredentialError when the secret is not base64.
    """
    key = _decoded(secret)
    if not key:
        raise CredentialError("the private key is not base64: was it cut off when it was copied?")
    inner = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(key, path.encode() + inner, hashlib.sha512).digest()).decode()


def _decoded(secret: Secret) -> bytes | None:
    """None when it cannot be; raising from here would give the error a context that shows the secret."""
    try:
        return base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        return None
