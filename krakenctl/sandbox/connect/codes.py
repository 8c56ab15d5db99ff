"""Authorization codes: what a consent yields, good for one pair of tokens. Kept only as SHA-256.

Source: RFC 6749 4.1 and RFC 7636; that Kraken's apps use PKCE with S256: krakenfx/wallet and
krakenfx/react-native-kraken-oauth. How long a code lives is not published.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from krakenctl.sandbox.connect.hashes import kept
from krakenctl.sandbox.connect.tokens import Grant

if TYPE_CHECKING:
    from krakenctl.sandbox.connect.clients import Client
    from krakenctl.sandbox.context import Context

# RFC 7636 wants 43 characters at least; krakenfx/wallet sends 40.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{20,128}")
_PURGE = "DELETE FROM code WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM token WHERE token.code = code.hash)"
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url, without padding


def issue(context: Context, grant: Grant, redirect_uri: str, challenge: str) -> str:
    """A new code for what a person consented to; `challenge` is empty without PKCE.

    Codes past their end go, but for those whose second use would still kill a token.
    """
    context.connection.execute(_PURGE, (context.now,))
    code = secrets.token_urlsafe(32)
    until = context.now + int(context.switches["code-seconds"])
    row = (kept(code), grant.client, grant.account_id, redirect_uri, grant.scopes, challenge, until)
    context.connection.execute(
        "INSERT INTO code (hash, client, account_id, redirect_uri, scopes, challenge, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return code


def redeem(context: Context, client: Client, code: str, redirect_uri: str, verifier: str) -> Grant | None:
    """What the code stands for, once. None: it is not this client's, used, too old, or not proven.

    A second use kills every token that came from the code, where the switch `code-reuse-kills` says so.
    """
    row = context.connection.execute(
        "SELECT account_id, redirect_uri, scopes, challenge, until, used FROM code WHERE hash = ? AND client = ?",
        (kept(code), client.id),
    ).fetchone()
    if row is None:
        return None
    account_id, registered, scopes, challenge, until, used = row
    if used and context.switches["code-reuse-kills"] == "tokens":
        context.connection.execute("DELETE FROM token WHERE code = ?", (kept(code),))
    if used or until <= context.now or registered != redirect_uri or not _is_proven(challenge, verifier):
        return None
    context.connection.execute("UPDATE code SET used = 1 WHERE hash = ?", (kept(code),))
    return Grant(client.id, account_id, scopes, kept(code))


def _is_proven(challenge: str, verifier: str) -> bool:
    """A verifier without a challenge fails too: somebody may have taken the challenge out (RFC 9700 2.1.1)."""
    if not challenge:
        return not verifier
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
