"""OAuth token pairs: minted, checked, exchanged. Kept only as SHA-256, and told once.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml` (scopes, lifetimes) and the Kraken Connect guide (a refresh returns
a new pair, and the previous one is dead at once).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from krakenctl.sandbox.context import Context

CLIENT = "krakenctl-sandbox"  # the one OAuth client; public, so its secret is empty
INFO = "account.info:basic"
WRITE = SCOPE_PREFIX + "write"
READ = SCOPE_PREFIX + "read"
ALL_SCOPES = (INFO, WRITE, READ, *(SCOPE_PREFIX + s.scope for s in SPELLINGS.values() if s.scope is not None))
SEEDED_SECONDS = 10 * 365 * 86400  # a seeded token outlives every demo: a design choice, no real token does


class Bearer(NamedTuple):
    """Whom a valid access token speaks for."""

    account_id: int
    client: str
    scopes: str
    email: str
    iiban: str


def mint_seeded(context: Context, account_id: int, scopes: Iterable[str] = ALL_SCOPES) -> dict[str, Any]:
    """A pair as after a consent in the browser, but living for ten years."""
    return _mint(context, account_id, " ".join(scopes), SEEDED_SECONDS, SEEDED_SECONDS)


def bearer(connection: sqlite3.Connection, token: str, now: float) -> Bearer | None:
    """Who a living access token speaks for. Reads only."""
    row = connection.execute(
        "SELECT token.account_id, client, scopes, email, iiban FROM token JOIN account ON account.id = account_id"
        " WHERE access_hash = ? AND access_until > ?",
        (_hash(token), now),
    ).fetchone()
    return None if row is None else Bearer._make(row)


def exchange(context: Context, refresh_token: str) -> dict[str, Any] | None:
    """A new pair for a living refresh token; the old pair dies. None: it is dead or was never minted."""
    old = _hash(refresh_token)
    row = context.connection.execute(
        "SELECT account_id, scopes FROM token WHERE refresh_hash = ? AND refresh_until > ?", (old, context.now)
    ).fetchone()
    if row is None:
        return None
    context.connection.execute("DELETE FROM token WHERE refresh_hash = ?", (old,))
    lives = (int(context.switches[f"{sort}-token-seconds"]) for sort in ("access", "refresh"))
    return _mint(context, *row, *lives)


def _mint(context: Context, account_id: int, scopes: str, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
    if context.switches["new-token-kills"] == "all":
        context.connection.execute("DELETE FROM token WHERE account_id = ? AND client = ?", (account_id, CLIENT))
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ends = (context.second + access_seconds, context.second + refresh_seconds)
    row = (_hash(access), _hash(refresh), account_id, CLIENT, scopes, *ends)
    context.connection.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return {
        "access_token": access,
        "token_type": "bearer",
        "expires_in": access_seconds,
        "refresh_token": refresh,
    }


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
