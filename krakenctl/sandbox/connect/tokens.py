"""OAuth token pairs: minted, checked, exchanged. Kept only as SHA-256, and told once.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml` (lifetimes) and the Kraken Connect guide (to issue a new token makes
the previous one invalid at once; a refresh returns a new pair).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.sandbox.connect import clients, scopes
from krakenctl.sandbox.connect.hashes import kept

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from krakenctl.sandbox.connect.clients import Client
    from krakenctl.sandbox.context import Context

SEEDED_SECONDS = 10 * 365 * 86400  # a seeded token outlives every demo: a design choice, no real token does


class Grant(NamedTuple):
    """What a person consented to."""

    client: str
    account_id: int
    scopes: str  # with spaces between
    code: bytes | None = None  # the hash of the code it was told by; None: seeded


class Bearer(NamedTuple):
    """Whom a valid access token speaks for."""

    account_id: int
    client: str
    scopes: str
    email: str
    iiban: str


def mint_seeded(
    context: Context, account_id: int, wanted: Iterable[str] = scopes.ALL, client: str = clients.DEFAULT
) -> dict[str, Any]:
    """A pair as after a consent in the browser, but living for ten years; earlier pairs live on."""
    return _insert(context, Grant(client, account_id, " ".join(wanted)), SEEDED_SECONDS, SEEDED_SECONDS)


def mint(context: Context, client: Client, grant: Grant) -> dict[str, Any]:
    """The pair of a grant. Every earlier pair of this account and client dies, also a seeded one."""
    if context.switches["new-token-kills"] == "all":
        context.connection.execute(
            "DELETE FROM token WHERE account_id = ? AND client = ?", (grant.account_id, grant.client)
        )
    access = "access-token-seconds-confidential" if client.is_confidential else "access-token-seconds"
    return _insert(context, grant, int(context.switches[access]), int(context.switches["refresh-token-seconds"]))


def exchange(context: Context, client: Client, refresh_token: str) -> dict[str, Any] | None:
    """A new pair for a living refresh token; the old pair dies. None: it is dead, or was never this client's."""
    row = context.connection.execute(
        "SELECT client, account_id, scopes, code FROM token"
        " WHERE refresh_hash = ? AND client = ? AND refresh_until > ?",
        (kept(refresh_token), client.id, context.now),
    ).fetchone()
    if row is None:
        return None
    context.connection.execute("DELETE FROM token WHERE refresh_hash = ?", (kept(refresh_token),))
    return mint(context, client, Grant._make(row))


def bearer(connection: sqlite3.Connection, token: str, now: float) -> Bearer | None:
    """Who a living access token speaks for. Reads only."""
    row = connection.execute(
        "SELECT token.account_id, client, scopes, email, iiban FROM token JOIN account ON account.id = account_id"
        " WHERE access_hash = ? AND access_until > ?",
        (kept(token), now),
    ).fetchone()
    return None if row is None else Bearer._make(row)


def _insert(context: Context, grant: Grant, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ends = (context.second + access_seconds, context.second + refresh_seconds)
    context.connection.execute(
        "INSERT INTO token (access_hash, refresh_hash, client, account_id, scopes, code, access_until, refresh_until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (kept(access), kept(refresh), *grant, *ends),
    )
    return {
        "access_token": access,
        "token_type": "bearer",
        "expires_in": access_seconds,
        "refresh_token": refresh,
    }
