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

LASTING_SECONDS = 10 * 365 * 86400  # outlives every demo: a design choice, no real token does


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
    context: Context, account_id: int, wanted: Iterable[str], client: Client, *, seconds: int = 0
) -> dict[str, Any]:
    """A pair as after a consent in the browser, but earlier pairs live on. `seconds`: how long; 0: as Kraken's do."""
    access, refresh = _lifetimes(context, client)
    ends = (seconds or access, max(seconds, refresh))
    return _insert(context, Grant(client.id, account_id, " ".join(wanted)), *ends)


def mint_lasting(context: Context, account_id: int, wanted: Iterable[str] = scopes.ALL) -> dict[str, Any]:
    """`mint_seeded` for our own client, living for ten years: for workspaces, which do not refresh it yet."""
    return _insert(context, Grant(clients.DEFAULT, account_id, " ".join(wanted)), LASTING_SECONDS, LASTING_SECONDS)


def mint(context: Context, client: Client, grant: Grant) -> dict[str, Any]:
    """The pair of a grant. Every earlier pair of this account and client dies, also a seeded one."""
    if context.switches["new-token-kills"] == "all":
        context.connection.execute(
            "DELETE FROM token WHERE account_id = ? AND client = ?", (grant.account_id, grant.client)
        )
    return _insert(context, grant, *_lifetimes(context, client))


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


def has_living(connection: sqlite3.Connection, account_id: int, client: Client, now: float) -> bool:
    """Whether a pair of this account and client can still be used or exchanged."""
    row = connection.execute(
        "SELECT 1 FROM token WHERE account_id = ? AND client = ? AND max(access_until, refresh_until) > ?",
        (account_id, client.id, now),
    ).fetchone()
    return row is not None


def _lifetimes(context: Context, client: Client) -> tuple[int, int]:
    """Seconds of an access token, and of its refresh token."""
    access = "access-token-seconds-confidential" if client.is_confidential else "access-token-seconds"
    return int(context.switches[access]), int(context.switches["refresh-token-seconds"])


def _insert(context: Context, grant: Grant, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ends = (context.second + access_seconds, context.second + refresh_seconds)
    context.connection.execute("DELETE FROM token WHERE max(access_until, refresh_until) <= ?", (context.now,))
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
