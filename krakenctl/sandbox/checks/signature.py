"""Kraken's request signature, written from its description and not shared with our client. Nothing is decided here.

Source: docs.kraken.com, Spot REST authentication guide:
base64(HMAC-SHA512(base64decode(secret), path ++ SHA-256(nonce ++ body))), the path with its query string.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def sign(secret: str, target: str, nonce: str, body: bytes) -> str:
    """The 88 characters of `API-Sign` for a body exactly as it is sent."""
    inner = hashlib.sha256(nonce.encode() + body).digest()
    message = target.encode("utf-8", "replace") + inner
    return base64.b64encode(hmac.digest(base64.b64decode(secret), message, "sha512")).decode()


def verify(signature: str, secret: str, target: str, nonce: str, body: bytes) -> bool:
    expected = sign(secret, target, nonce, body)
    return hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())
