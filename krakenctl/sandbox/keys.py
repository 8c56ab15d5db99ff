"""The keys of an account as rows: made, found, changed, deleted. Who may do that is not decided here."""

from __future__ import annotations

import base64
import secrets
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple

from krakenctl.model.permission import SPELLINGS, Permission, in_order

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from krakenctl.sandbox.context import Context

WEBSITE = ""  # in place of an OAuth client: a person made the key

_COLUMNS = (
    "key.id, account_id, name, public_key, client, permissions, ip_allowlist, nonce_window, query_from, query_to,"
    " valid_until, key.created, modified, last_used, nonce, counter, counter_at, otp, otp_step, fix"
)
_BY_PUBLIC = (
    f"SELECT {_COLUMNS}, tier, secret FROM key JOIN account ON account.id = account_id"  # noqa: S608 - constants only
    " WHERE public_key = ? AND signs_from <= ? AND (signs_until IS NULL OR signs_until > ?)"
)
_BY_NAME = f"SELECT {_COLUMNS} FROM key WHERE account_id = ? AND name = ? AND signs_until IS NULL"  # noqa: S608
_BY_ID = f"SELECT {_COLUMNS} FROM key WHERE id = ? AND account_id = ? AND signs_until IS NULL"  # noqa: S608
_OF_ACCOUNT = f"SELECT {_COLUMNS} FROM key WHERE account_id = ? AND signs_until IS NULL ORDER BY id"  # noqa: S608
_LISTED = (
    f"SELECT {_COLUMNS} FROM key WHERE account_id = ? AND listed_from <= ?"  # noqa: S608
    " AND (listed_until IS NULL OR listed_until > ?) ORDER BY id"
)

# A Fast API key's flags that are not published: the spec has two of them commented out, and none for the WebSocket
# token. They show only on keys that a person gave such a right.
_UNPUBLISHED = {
    Permission.CREATE_WS_TOKEN: "create_ws_token",
    Permission.ADD_WITHDRAW_ADDRESS: "withdrawal_address_add",
    Permission.UPDATE_WITHDRAW_ADDRESS: "withdrawal_address_update",
}
_FLAGS = tuple((spelling.flag, code.value) for code, spelling in SPELLINGS.items() if spelling.flag is not None)


class Key(NamedTuple):
    """A row without its secret. (A tuple, because a list call makes one for every key.)"""

    id: int
    account_id: int
    name: str
    public_key: str
    client: str
    codes: str
    networks: str
    nonce_window: int
    query_from: int
    query_to: int
    valid_until: int
    created: int
    modified: int
    last_used: int | None
    nonce_text: str
    counter: float
    counter_at: float
    otp: str  # empty: no second factor
    otp_step: int
    fix: int
    tier: str | None = None  # of its account; None: as the switch says, or not asked for

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset(map(Permission, self.codes.split()))

    @property
    def ip_allowlist(self) -> list[str]:
        return self.networks.split()


def unlisted(context: Context, account_id: int, client: str, permissions: Iterable[Permission]) -> Key:
    """What stands for a key where nothing is signed: in no row, without a pair and without limits."""
    codes, second = " ".join(in_order(permissions)), context.second
    who, terms, times = (0, account_id, "", "", client, codes), ("", 0, 0, 0, 0), (second, second, second)
    return Key(*who, *terms, *times, nonce_text="0", counter=0.0, counter_at=context.now, otp="", otp_step=0, fix=0)


def by_public_key(context: Context, public_key: str) -> tuple[Key, str] | None:
    """The key and its secret: what a signature is checked against. It may be young or revoked, where news is slow."""
    try:
        row = context.connection.execute(_BY_PUBLIC, (public_key, context.now, context.now)).fetchone()
    except UnicodeEncodeError:  # a header that is no text
        return None
    return None if row is None else (Key._make(row[:-1]), row[-1])


def by_name(connection: sqlite3.Connection, account_id: int, name: str) -> Key | None:
    row = connection.execute(_BY_NAME, (account_id, name)).fetchone()
    return None if row is None else Key(*row)


def by_id(connection: sqlite3.Connection, account_id: int, row_id: int) -> Key | None:
    """By its row's number, where the account is its owner."""
    row = connection.execute(_BY_ID, (row_id, account_id)).fetchone()
    return None if row is None else Key(*row)


def of_account(connection: sqlite3.Connection, account_id: int) -> list[Key]:
    """Every key that is not revoked, in order of creation."""
    return list(starmap(Key, connection.execute(_OF_ACCOUNT, (account_id,))))


def listed(context: Context, account_id: int) -> list[Key]:
    """What a list call shows now: `of_account`, but for the news that has not spread yet."""
    return list(starmap(Key, context.connection.execute(_LISTED, (account_id, context.now, context.now))))


def new_pair() -> tuple[str, str]:
    """56 characters for the public half, 64 random bytes in base64 for the secret.

    Source: docs.kraken.com, Spot REST authentication guide, by its examples.
    """
    return base64.b64encode(secrets.token_bytes(42)).decode(), base64.b64encode(secrets.token_bytes(64)).decode()


def insert(
    connection: sqlite3.Connection,
    account_id: int,
    client: str,
    now: int,
    wish: KeyWish,
    *,
    pair: tuple[str, str] | None = None,
) -> tuple[Key, str]:
    """Make a key; its pair is a new one unless it is given."""
    public_key, secret = pair or new_pair()
    connection.execute(
        "INSERT INTO key (account_id, client, public_key, secret, created, modified, name, permissions, ip_allowlist,"
        " nonce_window, query_from, query_to, valid_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (account_id, client, public_key, secret, now, now, *wish.values()),
    )
    key = by_name(connection, account_id, wish.name)
    assert key is not None  # noqa: S101 - just inserted
    return key, secret


def issue(context: Context, account_id: int, client: str, wish: KeyWish) -> tuple[Key, str]:
    """`insert` for whoever asks the sandbox: with the faults that strike the call."""
    _bury(context, account_id)
    key, secret = insert(context.connection, account_id, client, context.second, _misissued(wish, context))
    if "slow-key" in context.faults:
        news = (*_heard(context, "slow-key"), key.id)
        context.connection.execute("UPDATE key SET signs_from = ?, listed_from = ? WHERE id = ?", news)
    return key, secret


def _bury(context: Context, account_id: int) -> None:
    """Delete the keys of an account of whose end the news has reached everybody."""
    gone = (account_id, context.now, context.now)
    context.connection.execute("DELETE FROM key WHERE account_id = ? AND signs_until <= ? AND listed_until <= ?", gone)


def revoke(context: Context, key_id: int) -> None:
    """`delete` for whoever asks the sandbox: where news is slow, the key lives on in some places."""
    if "slow-revoke" not in context.faults:
        delete(context.connection, key_id)
        return
    news = (*_heard(context, "slow-revoke"), key_id)
    context.connection.execute("UPDATE key SET signs_until = ?, listed_until = ? WHERE id = ?", news)


def _heard(context: Context, kind: str) -> tuple[float, float]:
    """When the news has reached signed calls, and when the list."""
    told = context.faults[kind].settings
    late = context.now + told["seconds"]
    return (context.now if told["where"] == "listing" else late, context.now if told["where"] == "signing" else late)


def _misissued(wish: KeyWish, context: Context) -> KeyWish:
    """What is issued instead of what was wished for."""
    if "misissue" not in context.faults:
        return wish
    told = context.faults["misissue"].settings
    added, dropped = (
        frozenset(map(Permission, told[name].split("+") if told[name] else ())) for name in ("add", "drop")
    )
    wish = wish._replace(permissions=(wish.permissions | added) - dropped)
    if (networks := told["ip-allowlist"]) is not None:
        wish = wish._replace(ip_allowlist=() if networks == "any" else tuple(networks.split("+")))
    return wish if told["valid-until"] is None else wish._replace(valid_until=told["valid-until"])


def update(connection: sqlite3.Connection, key_id: int, now: int, wish: KeyWish) -> None:
    connection.execute(
        "UPDATE key SET modified = ?, name = ?, permissions = ?, ip_allowlist = ?, nonce_window = ?, query_from = ?,"
        " query_to = ?, valid_until = ? WHERE id = ?",
        (now, *wish.values(), key_id),
    )


def set_fix(connection: sqlite3.Connection, key_id: int, *, on: bool) -> None:
    """Whether it may log in to FIX: a person's choice on the website alone, so no wish for a key names it."""
    connection.execute("UPDATE key SET fix = ? WHERE id = ?", (on, key_id))


def delete(connection: sqlite3.Connection, key_id: int) -> None:
    connection.execute("DELETE FROM key WHERE id = ?", (key_id,))


class KeyWish(NamedTuple):
    """What can be asked of a key. Zero and () are Kraken's words for “no limit”."""

    name: str
    permissions: frozenset[Permission]
    ip_allowlist: tuple[str, ...] = ()
    nonce_window: int = 0
    query_from: int = 0
    query_to: int = 0
    valid_until: int = 0

    def values(self) -> tuple[str | int, ...]:
        """As its columns hold it."""
        codes, networks = " ".join(in_order(self.permissions)), " ".join(self.ip_allowlist)
        return (self.name, codes, networks, *self[3:])


def wish_of(key: Key) -> KeyWish:
    """What would have to be asked for to get this key again."""
    return KeyWish(
        name=key.name,
        permissions=key.permissions,
        ip_allowlist=tuple(key.ip_allowlist),
        nonce_window=key.nonce_window,
        query_from=key.query_from,
        query_to=key.query_to,
        valid_until=key.valid_until,
    )


def key_id(name: str) -> str:
    """A Fast API key's `id`: base64 of its name with `_`, `,` and `-` for `+`, `/` and `=`.

    Source: krakenfx/api-specs oauth/openapi_v3.yaml.
    """
    return base64.b64encode(name.encode(), b"_,").decode().replace("=", "-")


def flags(codes: Iterable[str], switches: Mapping[str, str]) -> dict[str, bool]:
    """Permission codes as a Fast API key's `permissions` object."""
    held = set(codes)
    shown = {flag: code in held for flag, code in _FLAGS}
    shown |= {flag: True for code, flag in _UNPUBLISHED.items() if code in held}
    return shown if switches["permission-object"] == "all" else {flag: True for flag, on in shown.items() if on}
