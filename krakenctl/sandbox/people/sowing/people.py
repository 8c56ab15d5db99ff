"""Accounts of a seed: signed up or found, with their balances, keys, history and token."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.iiban import normal_iiban
from krakenctl.sandbox import accounts
from krakenctl.sandbox.connect import clients, tokens
from krakenctl.sandbox.money import markets
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.people.sowing.addresses import sow_addresses
from krakenctl.sandbox.people.sowing.ground import known_asset
from krakenctl.sandbox.people.sowing.history import sow_ledger, sow_orders, sow_trades
from krakenctl.sandbox.people.sowing.pairs import sow_futures_keys, sow_keys
from krakenctl.sandbox.people.sowing.sown import SownAccount

if TYPE_CHECKING:
    from krakenctl.model.origin import Path
    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.people.sowing.ground import SeedGround, Spec

_STANDING = (
    "SELECT account.email, account.iiban, account.tier, account.key_limit, parent.username FROM account"
    " LEFT JOIN account AS parent ON parent.id = account.parent_id WHERE account.id = ?"
)


def sow_account(ground: SeedGround, path: Path, wanted: Spec, parent: str = "") -> SownAccount | None:
    """None: it cannot be, and why is noted."""
    username = wanted["username"]
    known = accounts.by_username(ground.connection, username)
    with ground.at(*path):
        ground.once("account", username)
        account = _opened(ground, wanted, parent) if known is None else _found(ground, path, known, wanted, parent)
        return _furnished(ground, path, account, wanted, parent, is_new=known is None)
    return None


def _opened(ground: SeedGround, wanted: Spec, parent: str) -> Account:
    iiban = normal_iiban(wanted.get("iiban", ""))
    account = seed.open_account(
        ground.database, wanted["username"], email=wanted.get("email", ""), iiban=iiban, parent=parent
    )
    ground.connection.execute(
        "UPDATE account SET tier = ?, key_limit = ? WHERE id = ?",
        (wanted.get("tier"), wanted.get("keyLimit"), account.id),
    )
    return account


def _found(ground: SeedGround, path: Path, known: Account, wanted: Spec, parent: str) -> Account:
    """An account of that username; one that was only requested is set up now."""
    iiban = normal_iiban(wanted.get("iiban", ""))
    if known.iiban is None:
        seed.refuse_iiban(ground.connection, iiban)
        accounts.give_iiban(ground.connection, known._replace(iiban=iiban or None))
    email, there_iiban, tier, limit, above = ground.connection.execute(_STANDING, (known.id,)).fetchone()
    if (above or "") != parent:
        stands = f"a sub-account of “{above}”" if above else "no sub-account"
        raise UsageError(f"in the sandbox “{known.username}” is {stands}, and here it is another's or none")
    there = {"email": email, "iiban": there_iiban, "tier": tier, "keyLimit": limit}
    here = {name: wanted[name] for name in there if name in wanted} | ({"iiban": iiban} if iiban else {})
    ground.compare(path, there, here)
    return accounts.by_id(ground.connection, known.id)


def _furnished(
    ground: SeedGround, path: Path, account: Account, wanted: Spec, parent: str, *, is_new: bool
) -> SownAccount:
    _balances(ground, path, account, wanted, is_new=is_new)
    keys = sow_keys(ground, path, account, wanted)
    futures_keys = sow_futures_keys(ground, path, account, wanted)
    for sow in (sow_ledger, sow_orders, sow_trades, sow_addresses):
        sow(ground, path, account, wanted)
    return SownAccount(
        username=account.username,
        iiban=account.iiban or "",
        parent=parent,
        is_new=is_new,
        keys=tuple(keys),
        futures_keys=tuple(futures_keys),
        has_token=wanted.get("token", False),
        token=_token(ground, account) if wanted.get("token") else None,
    )


def _token(ground: SeedGround, account: Account) -> dict[str, Any] | None:
    """Of our client, with all that it may ask for. None: it has one that lives."""
    ours = clients.ours(ground.connection)
    if tokens.has_living(ground.connection, account.id, ours, ground.context.now):
        return None
    return tokens.mint_seeded(ground.context, account.id, ours.scopes(ground.context.switches), ours)


def _balances(ground: SeedGround, path: Path, account: Account, wanted: Spec, *, is_new: bool) -> None:
    if "balances" not in wanted:
        return
    if is_new:
        ground.connection.execute("DELETE FROM balance WHERE account_id = ?", (account.id,))
    there = accounts.balances(ground.connection, account.id)
    for written, amount in wanted["balances"].items():
        with ground.at(*path, "balances", written):
            asset, here = _amount(written, str(amount))
            ground.once("balance", account.id, asset)
            if is_new:
                ground.connection.execute("INSERT INTO balance VALUES (?, ?, ?)", (account.id, asset, here))
            else:
                _refuse_other(there.get(asset, "0"), here)


def _amount(written: str, amount: str) -> tuple[str, str]:
    """The asset in Kraken's name, and the amount with all of its decimals."""
    asset = known_asset(written)
    if Decimal(amount) < 0:
        raise UsageError("a balance is never below zero")
    return asset, markets.amount_text(asset, Decimal(amount))


def _refuse_other(there: str, here: str) -> None:
    if Decimal(there) != Decimal(here):
        raise UsageError(f"the balance is {there} in the sandbox and {here} here", hint="leave it out to keep it")
