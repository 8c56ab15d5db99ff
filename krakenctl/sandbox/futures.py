"""The Futures v3 key check, and the signature before it.

Sources: krakenfx/api-specs futures-rest/auth/api-public.yml (fields, the 401); docs.kraken.com, Derivatives REST
(headers, signature). Kraken tolerates nonces out of order “for a brief period”; here the highest is the threshold.
Which text stands in `error` and which in `suberror` is unconfirmed: here the name of the error, and nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import accounts, futures_keys
from krakenctl.sandbox.checks import allowlist
from krakenctl.sandbox.checks.nonce import decimal
from krakenctl.sandbox.envelope import Answer, plain

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.futures_keys import FuturesKey
    from krakenctl.sandbox.request import Request

_SAYS = {
    "authenticationError": "The API key is unknown, its signature is wrong, or it may not be used from this address",
    "nonceDuplicate": "The nonce has been used before",
    "nonceBelowThreshold": "The nonce is lower than one that has been used before",
}


def check(request: Request, context: Context) -> Answer:
    """`GET /api/auth/v1/api-keys/v3/check`: the key that signs, whatever it may do."""
    key = futures_keys.by_public_key(context.connection, request.header("HTTP_APIKEY"))
    if key is None or not _is_let_in(request, key):
        return _refused("authenticationError")
    nonce = request.header("HTTP_NONCE")
    if nonce and (error := _wrong_nonce(key, nonce)):
        return _refused(error)
    if nonce:
        futures_keys.use_nonce(context.connection, key.public_key, int(nonce))
    return plain(_shown(key, context))


def sign(secret: str, post_data: str, nonce: str, path: str) -> str:
    """What `Authent` holds."""
    inner = hashlib.sha256((post_data + nonce + path).encode("utf-8", "replace")).digest()
    return base64.b64encode(hmac.digest(base64.b64decode(secret), inner, "sha512")).decode()


def _is_let_in(request: Request, key: FuturesKey) -> bool:
    expected = sign(key.secret, request.query, request.header("HTTP_NONCE"), request.path)
    given = request.header("HTTP_AUTHENT").encode("utf-8", "replace")
    if not hmac.compare_digest(given, expected.encode()):
        return False
    return not key.networks or allowlist.lets_in(key.cidr_blocks, request.address)


def _wrong_nonce(key: FuturesKey, nonce: str) -> str:
    """The error; empty: none."""
    if decimal(nonce) is None:
        return "authenticationError"
    number, highest = int(nonce), int(key.nonce_text)
    if number > highest:
        return ""
    return "nonceDuplicate" if number == highest else "nonceBelowThreshold"


def _shown(key: FuturesKey, context: Context) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "apiKey": key.public_key,
        "accountUid": key.account_uid,
        "iiban": accounts.by_id(context.connection, key.account_id).iiban,
        "createdAt": datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": {"general": key.general, "transfer": key.transfer},
    }
    if context.switches["futures-cidr-fields"] == "present":
        blocks = key.cidr_blocks
        shown |= {"allowedCidrBlock": blocks[0] if blocks else None, "allowedCidrBlocks": blocks}
    return shown


def _refused(error: str) -> Answer:
    return plain({"error": error, "message": _SAYS[error], "suberror": None}, 401)
