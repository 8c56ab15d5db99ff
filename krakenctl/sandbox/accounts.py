"""Accounts and sub-accounts as rows, and how a requested one becomes usable. It answers no request.

A sub-account begins pending: requested, with no IIBAN and no token. Its owner sets it up (an e-mail, on the real
Kraken) and then consents for our OAuth client. Source: docs.kraken.com, sub-accounts guide.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.errors import UsageError
from krakenctl.sandbox.connect import tokens

if TYPE_CHECKING:
    import sqlite3

    from krakenctl.sandbox.context import Context

_ALPHABET = string.ascii_uppercase + string.digits
_OPENING = {"ZUSD": "250000.0000", "XXBT": "4.2500000000", "XETH": "61.5000000000"}  # what a seeded account owns


@dataclass(frozen=True, slots=True)
class SetUp:
    """A sub-account whose owner has set it up and consented; the token is told this once."""

    username: str
    email: str
    iiban: str
    token: dict[str, Any] = field(repr=False)  # as the token endpoint answers


Owner = Callable[[SetUp], None]


class Account(NamedTuple):
    id: int
    username: str
    email: str
    iiban: str | None  # None: pending
    master: int


def by_id(connection: sqlite3.Connection, account_id: int) -> Account:
    found = connection.execute(
        "SELECT id, username, email, iiban, master FROM account WHERE id = ?", (account_id,)
    ).fetchone()
    return Account._make(found)


def by_username(connection: sqlite3.Connection, username: str) -> Account | None:
    found = connection.execute(
        "SELECT id, username, email, iiban, master FROM account WHERE username = ?", (username,)
    ).fetchone()
    return None if found is None else Account._make(found)


def known(connection: sqlite3.Connection, username: str) -> Account:
    """The account of that name. Raises UsageError when there is none."""
    account = by_username(connection, username)
    if account is None:
        there = [name for (name,) in connection.execute("SELECT username FROM account ORDER BY id LIMIT 20")]
        hint = f"there are: {', '.join(there)}" if there else "`krakenctl sandbox account create --name …` makes one"
        raise UsageError(f"the sandbox has no account “{username}”", hint=hint)
    return account


def only(connection: sqlite3.Connection) -> Account | None:
    """The one account that is set up; None: there are several, or none."""
    found = connection.execute(
        "SELECT id, username, email, iiban, master FROM account WHERE iiban IS NOT NULL LIMIT 2"
    ).fetchall()
    return Account._make(found[0]) if len(found) == 1 else None


def insert(
    connection: sqlite3.Connection, username: str, email: str, now: int, *, master: bool, parent: int | None = None
) -> Account:
    connection.execute(
        "INSERT INTO account (username, email, master, parent_id, created) VALUES (?, ?, ?, ?, ?)",
        (username, email, master, parent, now),
    )
    return known(connection, username)


def give_iiban(connection: sqlite3.Connection, account: Account) -> str:
    """The account's IIBAN; a pending account gets one, and so is set up."""
    iiban = account.iiban or _new_iiban()
    connection.execute("UPDATE account SET iiban = ? WHERE id = ?", (iiban, account.id))
    return iiban


def set_up(context: Context, account: Account) -> SetUp:
    """Do the owner's part: the IIBAN, and a token for our client."""
    iiban = give_iiban(context.connection, account)
    token = tokens.mint_lasting(context, account.id)
    return SetUp(account.username, account.email, iiban, token)


def undo_set_up(connection: sqlite3.Connection, username: str) -> None:
    """Make a sub-account pending again, because its token reached nobody."""
    account = known(connection, username)
    connection.execute("DELETE FROM token WHERE account_id = ?", (account.id,))
    connection.execute("UPDATE account SET iiban = NULL WHERE id = ?", (account.id,))


def open_balances(connection: sqlite3.Connection, account_id: int) -> None:
    rows = [(account_id, asset, amount) for asset, amount in _OPENING.items()]
    connection.executemany("INSERT OR IGNORE INTO balance VALUES (?, ?, ?)", rows)


def balances(connection: sqlite3.Connection, account_id: int) -> dict[str, str]:
    return dict(connection.execute("SELECT asset, amount FROM balance WHERE account_id = ?", (account_id,)))


def _new_iiban() -> str:
    """Shaped as Kraken's samples are: `AA88 N84G WOAK NMOI`. Source: docs.kraken.com, API reference."""
    first, second = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(2))
    return f"AA{secrets.randbelow(100):02d} N84G {first} {second}"
