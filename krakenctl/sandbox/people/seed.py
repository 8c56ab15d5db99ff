"""What is there because somebody says so: the embedded workspace's accounts, a seed's, a test's. It serves no request.

The website's rules do not hold here: a key may have ended, have a pair that was chosen, or be one too many, and people
may rename, edit and delete keys behind a client's back. Who wants the rules uses `operate`.

Tokens minted here live for ten years, because the workspaces that get them do not refresh them yet; a refresh turns one
into an ordinary pair. They leave earlier tokens alive, whatever the switch `new-token-kills` says.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.permission import ALL, Permission
from krakenctl.sandbox import accounts, keys
from krakenctl.sandbox.checks import allowlist
from krakenctl.sandbox.connect import consents, tokens
from krakenctl.sandbox.connect import scopes as all_scopes
from krakenctl.sandbox.context import Context, read_context
from krakenctl.sandbox.database import Where, damaged, opened, remove
from krakenctl.sandbox.faults import late
from krakenctl.sandbox.switches import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from krakenctl.sandbox.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededAccount:
    """An account with everything that is shown once."""

    username: str
    iiban: str
    token: dict[str, Any] = field(repr=False)  # as the token endpoint answers
    public_key: str
    secret: str = field(repr=False)


def seed_account(db: Where, *, username: str, email: str, master: bool = True) -> SeededAccount:
    """An account with a login of its own, our client's token for it, and a website key with all 13 permissions.

    An account of that username is kept as it is; token and key are new each time, because neither can be shown again.
    """
    with _writing(db) as context:
        account = accounts.by_username(context.connection, username)
        if account is None:
            account = accounts.insert(context.connection, username, email, context.second, master=master)
            accounts.open_balances(context.connection, account.id)
        done = accounts.set_up(context, account)
        wish = keys.KeyWish(_free_name(context, account), ALL)
        key, secret = keys.insert(context.connection, account.id, keys.WEBSITE, context.second, wish)
    return SeededAccount(
        username=username, iiban=done.iiban, token=done.token, public_key=key.public_key, secret=secret
    )


def open_account(db: Where, username: str, *, email: str = "", iiban: str = "", parent: str = "") -> Account:
    """Somebody signs up; with a parent, as its sub-account, which begins empty. Raises UsageError."""
    with _writing(db) as context:
        connection = context.connection
        if accounts.by_username(connection, username) is not None:
            raise UsageError(f"the sandbox already has an account “{username}”")
        refuse_iiban(connection, iiban)
        above = accounts.known(connection, parent).id if parent else None
        email = email or f"{username}@sandbox.invalid"
        account = accounts.insert(connection, username, email, context.second, master=not parent, parent=above)
        accounts.give_iiban(connection, account._replace(iiban=iiban or None))
        if not parent:
            accounts.open_balances(connection, account.id)
        return accounts.by_id(connection, account.id)


def authorise(db: Where, username: str, *, scopes: Iterable[str] = all_scopes.ALL) -> dict[str, Any]:
    """Do what an account's owner does: set it up if it is pending, and consent. Returns the token's answer."""
    with _writing(db) as context:
        account = accounts.known(context.connection, username)
        accounts.give_iiban(context.connection, account)
        return tokens.mint_lasting(context, account.id, scopes)


def withdraw_consent(db: Where, username: str, client: str) -> None:
    """An account's owner shuts a client out: its tokens die; its keys as the switch `withdrawn-consent-keys` says."""
    with _writing(db) as context:
        consents.withdraw(context, accounts.known(context.connection, username).id, client)


def iibans(db: Path) -> frozenset[str]:
    """Of every account that is set up. Raises WorkspaceError when the file cannot be read; makes none."""
    if not db.exists():
        return frozenset()
    with opened(db) as database:
        try:
            rows = database.connection().execute("SELECT iiban FROM account WHERE iiban IS NOT NULL").fetchall()
        except sqlite3.Error as error:
            raise damaged(db, error) from error
    return frozenset(iiban for (iiban,) in rows)


def reset(db: Path) -> None:
    """Delete the sandbox. Close it first."""
    remove(db)


def seed_website_key(
    db: Where,
    username: str,
    name: str,
    permissions: Iterable[Permission | str],
    *,
    ip_allowlist: Iterable[str] = (),
    nonce_window: int = 0,
    query_from: int = 0,
    query_to: int = 0,
    valid_until: int = 0,
    otp: str = "",
    fix: bool = False,
    pair: tuple[str, str] | None = None,
) -> tuple[str, str]:
    """A key as a person makes one, whatever its terms. Returns its public key and its secret.

    `otp`: its second factor, as `static:PASSWORD` or `totp:BASE32`. `fix`: with the FIX permission. `pair`: what the
    two are to be; None: new ones.
    """
    wish = keys.KeyWish(
        name=name,
        permissions=_permissions(permissions),
        ip_allowlist=networks(ip_allowlist),
        nonce_window=nonce_window,
        query_from=query_from,
        query_to=query_to,
        valid_until=valid_until,
    )
    with _writing(db) as context:
        account = accounts.known(context.connection, username)
        _refuse_taken(context, account, name)
        _refuse_pair(context, pair)
        key, secret = keys.insert(context.connection, account.id, keys.WEBSITE, context.second, wish, pair=pair)
        context.connection.execute("UPDATE key SET otp = ? WHERE id = ?", (otp, key.id))
        keys.set_fix(context.connection, key.id, on=fix)
    return key.public_key, secret


def rename_key(db: Where, username: str, name: str, new_name: str) -> None:
    """A person renames a key on the website."""
    with _writing(db) as context:
        account = accounts.known(context.connection, username)
        key = _key(context, account, name)
        _refuse_taken(context, account, new_name)
        keys.update(context.connection, key.id, context.second, keys.wish_of(key)._replace(name=new_name))


def edit_key(
    db: Where,
    username: str,
    name: str,
    *,
    permissions: Iterable[Permission | str] | None = None,
    ip_allowlist: Iterable[str] | None = None,
    valid_until: int | None = None,
) -> None:
    """A person changes a key on the website; None leaves a field as it is."""
    changed: dict[str, Any] = {} if valid_until is None else {"valid_until": valid_until}
    if permissions is not None:
        changed["permissions"] = _permissions(permissions)
    if ip_allowlist is not None:
        changed["ip_allowlist"] = tuple(ip_allowlist)
    with _writing(db) as context:
        key = _key(context, accounts.known(context.connection, username), name)
        keys.update(context.connection, key.id, context.second, keys.wish_of(key)._replace(**changed))


def delete_key(db: Where, username: str, name: str) -> None:
    """A person deletes a key on the website."""
    with _writing(db) as context:
        keys.delete(context.connection, _key(context, accounts.known(context.connection, username), name).id)


@contextmanager
def _writing(db: Where) -> Iterator[Context]:
    """What is due by now has happened before."""
    with opened(db) as database:
        late.catch_up(database)
        with database.write() as connection:
            yield read_context(connection)


def networks(entries: Iterable[str]) -> tuple[str, ...]:
    """An allow-list as it is kept. Raises UsageError for an entry that is no address and no block."""
    kept = tuple(entries)
    for entry in kept:
        if allowlist.entries([entry], DEFAULTS) is None:
            raise UsageError(allowlist.complaint(entry))
    return kept


def _permissions(codes: Iterable[Permission | str]) -> frozenset[Permission]:
    try:
        return frozenset(map(Permission, codes))
    except ValueError as error:
        raise UsageError(f"Kraken has no such permission: {error}") from error


def _key(context: Context, account: Account, name: str) -> keys.Key:
    key = keys.by_name(context.connection, account.id, name)
    if key is None:
        raise UsageError(f"the account {account.username} has no key “{name}” in the sandbox")
    return key


def _refuse_pair(context: Context, pair: tuple[str, str] | None) -> None:
    if pair and context.connection.execute("SELECT 1 FROM key WHERE public_key = ?", pair[:1]).fetchone():
        raise UsageError("another key of the sandbox has this public key already")


def refuse_iiban(connection: sqlite3.Connection, iiban: str) -> None:
    """Raises UsageError where an account has it. The empty one nobody has."""
    if iiban and connection.execute("SELECT 1 FROM account WHERE iiban = ?", (iiban,)).fetchone():
        raise UsageError(f"another account of the sandbox has the IIBAN {iiban}")


def _refuse_taken(context: Context, account: Account, name: str) -> None:
    if keys.by_name(context.connection, account.id, name) is not None:
        raise UsageError(f"the account {account.username} already has a key “{name}” in the sandbox")


def _free_name(context: Context, account: Account) -> str:
    """`master`, `master-2`, … or `own`, `own-2`, …"""
    stem = "master" if account.master else "own"
    taken = {key.name for key in keys.of_account(context.connection, account.id)}
    number = next(n for n in range(1, len(taken) + 2) if _numbered(stem, n) not in taken)
    return _numbered(stem, number)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
