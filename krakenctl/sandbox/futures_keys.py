"""Futures keys as rows: made and found. Spot keys are other keys: neither opens the other venue.

Source: support.kraken.com 360022839451 (two controls with levels, at most 50 keys, the private key shown once);
docs.kraken.com, Derivatives introduction (a public key of 56 characters).
"""

from __future__ import annotations

import uuid
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.sandbox.keys import new_pair

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

LEVELS = ("NO_ACCESS", "READ_ONLY", "FULL_ACCESS")
_MOST = 50


class FuturesKey(NamedTuple):
    public_key: str
    secret: str
    account_id: int
    account_uid: str
    general: str
    transfer: str
    networks: str  # with spaces between; empty: the whole world
    created: int
    nonce_text: str

    def __repr__(self) -> str:
        return f"FuturesKey({self.public_key})"

    @property
    def cidr_blocks(self) -> list[str]:
        return self.networks.split()


def insert(
    connection: sqlite3.Connection,
    account_id: int,
    *,
    general: str,
    transfer: str,
    cidr_blocks: Iterable[str] = (),
    now: int,
) -> tuple[str, str]:
    """A person makes a Futures key. Returns its public key and its secret.

    Raises UsageError for an unknown level, for what is no block of addresses, and when the account has 50 keys.
    """
    blocks = " ".join(_block(block) for block in cidr_blocks)
    _refuse_unknown(general, transfer)
    [held] = connection.execute("SELECT count(*) FROM futures_key WHERE account_id = ?", (account_id,)).fetchone()
    if held >= _MOST:
        raise UsageError(f"an account has at most {_MOST} Futures keys")
    public_key, secret = new_pair()
    row = (public_key, secret, account_id, _account_uid(connection, account_id), general, transfer, blocks, now, "0")
    connection.execute(f"INSERT INTO futures_key VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - marks only
    return public_key, secret


def by_public_key(connection: sqlite3.Connection, public_key: str) -> FuturesKey | None:
    try:
        row = connection.execute("SELECT * FROM futures_key WHERE public_key = ?", (public_key,)).fetchone()
    except UnicodeEncodeError:  # a header that is no text
        return None
    return None if row is None else FuturesKey._make(row)


def use_nonce(connection: sqlite3.Connection, public_key: str, nonce: int) -> None:
    connection.execute("UPDATE futures_key SET nonce = ? WHERE public_key = ?", (str(nonce), public_key))


def _account_uid(connection: sqlite3.Connection, account_id: int) -> str:
    """The same for every key of an account."""
    query = "SELECT account_uid FROM futures_key WHERE account_id = ? LIMIT 1"
    found = connection.execute(query, (account_id,)).fetchone()
    return found[0] if found else str(uuid.uuid4())


def _refuse_unknown(*levels: str) -> None:
    for level in levels:
        if level not in LEVELS:
            raise UsageError(f"a Futures key has no level “{level}”", hint=f"there are: {', '.join(LEVELS)}")


def _block(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise UsageError(f"“{text}” is no block of addresses", hint="write it as 203.0.113.0/24") from error
