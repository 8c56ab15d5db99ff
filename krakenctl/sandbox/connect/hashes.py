"""How tokens, codes and client secrets are kept: never in clear."""

from __future__ import annotations

import hashlib


def kept(secret: str) -> bytes:
    """SHA-256, unsalted: what is hashed is 32 random bytes, so there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
