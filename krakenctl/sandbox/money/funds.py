"""Money that arrives, leaves and moves, and the addresses it goes by, as rows. Who may do that is not decided here.

A withdrawal can be cancelled for some minutes of the sandbox's clock (the switch `withdrawal-seconds`) and has then
been sent; a transfer to the Futures wallet likewise. Deposits are what the ledger says came in.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import string
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from krakenctl.sandbox import accounts, arguments
from krakenctl.sandbox.envelope import Refusal, invalid
from krakenctl.sandbox.money import books, markets, rails

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.money.markets import Asset
    from krakenctl.sandbox.money.rails import Method

INVALID_AMOUNT = "EFunding:Invalid amount"
UNKNOWN_ASSET = "EFunding:Unknown asset"
NO_METHOD = "EFunding:No funding method"
TOO_MANY_ADDRESSES = "EFunding:Too many addresses"
MAX_FEE_EXCEEDED = "EFunding:Max fee exceeded"
UNKNOWN_KEY = "EFunding:Unknown withdraw key"
DUPLICATE_KEY = "EFunding:Duplicate withdraw key"
WRONG_ADDRESS = "EFunding:Invalid withdrawal address"

WITHDRAWAL, WALLET_TRANSFER = "withdrawal", "wallet-transfer"
NOTHING = Decimal(0)
_CURSOR = re.compile(r"from-([0-9]{1,9})", re.ASCII)
_NO_CURSOR = ("", "0", "1", "false", "true")  # the legacy calls turn paging on with true
_PINNED_SECONDS = 300
_LETTERS = string.ascii_uppercase + string.digits


class Address(NamedTuple):
    """A saved withdrawal address."""

    id: str
    account_id: int
    name: str
    description: str
    scope: str  # the id of the method, network or network group that may use it
    address: str
    tag: str
    verified: int


class DepositAddress(NamedTuple):
    id: str
    account_id: int
    method: str  # its id
    address: str
    tag: str
    created: int


class Payment(NamedTuple):
    """What left an account, or was about to."""

    refid: str
    account_id: int
    direction: str
    at: float
    cancelled: int
    body: str

    @property
    def details(self) -> Mapping[str, str]:
        """Asset, net amount and fee; of a withdrawal also method, address, key and address_id."""
        details: Mapping[str, str] = json.loads(self.body)
        return details

    def is_pending(self, context: Context) -> bool:
        return not self.cancelled and context.now < self.at + int(context.switches["withdrawal-seconds"])

    def status(self, context: Context) -> str:
        """`pending`, `success` or `failure`."""
        return "failure" if self.cancelled else "pending" if self.is_pending(context) else "success"


def reference() -> str:
    """`TOH3AS2-LPCWR8-JDQGEU`. Source: krakenfx/api-specs spot-rest, by its examples."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(19))
    return f"{letters[:7]}-{letters[7:13]}-{letters[13:]}"


def transaction_hash(refid: str) -> str:
    """What a blockchain would call it; made up."""
    return hashlib.sha256(refid.encode()).hexdigest()


# Arguments -----------------------------------------------------------------------------------------------------------


def asset_of(given: Mapping[str, Any], field: str = "asset") -> Asset:
    """The asset that is named, by any of its names."""
    name = given.get(field)
    if not isinstance(name, str) or not name:
        raise invalid(field)
    found = markets.asset(name)
    if found is None or given.get("asset_class", given.get("aclass", "currency")) != "currency":
        raise Refusal(UNKNOWN_ASSET)
    return found


def amount_of(given: Mapping[str, Any], asset: Asset, field: str = "amount") -> Decimal:
    """An amount above zero, of no more decimals than the asset has."""
    if given.get(field) in (None, ""):
        raise invalid(field)
    amount = arguments.decimal(given[field])
    if not amount or amount != Decimal(asset.text(amount)):
        raise Refusal(INVALID_AMOUNT)
    return amount


def page(given: Mapping[str, Any], rows: Sequence[Any], name: str, *, most: int) -> dict[str, Any]:
    """Some of the rows, and with `next_cursor` how to ask for those after them."""
    limit = arguments.whole(given, "limit", most, least=1, most=most)
    cursor = given.get("cursor")
    matched = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    if matched is None and isinstance(cursor, str) and cursor.lower() not in _NO_CURSOR:
        raise invalid("cursor")
    start = int(matched[1]) if matched else 0
    more = {"next_cursor": f"from-{start + limit}"} if start + limit < len(rows) else {}
    return {name: rows[start : start + limit], **more}


# Balances ------------------------------------------------------------------------------------------------------------


def held(connection: sqlite3.Connection, account_id: int, asset: str) -> Decimal:
    return Decimal(accounts.balances(connection, account_id).get(asset, "0"))


def refuse_poor(context: Context, account_id: int, asset: str, amount: Decimal) -> None:
    if held(context.connection, account_id, asset) < amount:
        raise Refusal(context.switches["insufficient-funds-error"])


def move(context: Context, account_id: int, asset: str, amount: Decimal, **entry: Any) -> None:
    """Change a balance and write it into the ledger; `entry`: as `books.add_ledger`."""
    books.add_ledger(context.connection, account_id, at=context.now, asset=asset, amount=amount, **entry)


# Addresses to deposit to ---------------------------------------------------------------------------------------------


def deposit_addresses(connection: sqlite3.Connection, account_id: int) -> list[DepositAddress]:
    """Newest first."""
    query = "SELECT * FROM deposit_address WHERE account_id = ? ORDER BY created DESC, rowid DESC"
    return [DepositAddress._make(row) for row in connection.execute(query, (account_id,))]


def new_deposit_address(context: Context, account_id: int, method: Method) -> DepositAddress:
    """Make one more, up to the account's limit for the method."""
    if not method.makes_addresses:
        raise Refusal(NO_METHOD)
    most = context.switches["deposit-addresses-most"]
    made = [found for found in deposit_addresses(context.connection, account_id) if found.method == method.id]
    if most != "none" and len(made) >= int(most):
        raise Refusal(TOO_MANY_ADDRESSES)
    row = DepositAddress(reference(), account_id, method.id, *method.network.new_address(), context.second)
    context.connection.execute("INSERT INTO deposit_address VALUES (?, ?, ?, ?, ?, ?)", row)
    return row


# Addresses to withdraw to --------------------------------------------------------------------------------------------


def add_withdraw_address(
    connection: sqlite3.Connection,
    account_id: int,
    *,
    name: str,
    scope: str,
    address: str,
    tag: str = "",
    description: str = "",
    verified: bool = True,
) -> str:
    """Save an address for a method, a network or a network group, each by its id. Returns the address's id.

    Raises sqlite3.IntegrityError where the account has that name already.
    """
    row = Address(reference(), account_id, name, description, scope, address, tag, int(verified))
    connection.execute("INSERT INTO withdraw_address VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return row.id


def withdraw_addresses(connection: sqlite3.Connection, account_id: int) -> list[Address]:
    """In order of their names."""
    query = "SELECT * FROM withdraw_address WHERE account_id = ? ORDER BY name"
    return [Address._make(row) for row in connection.execute(query, (account_id,))]


def save_address(connection: sqlite3.Connection, account_id: int, *, name: str, **fields: Any) -> str:
    """As `add_withdraw_address`, where a name that is taken is refused. Source of its error: docs.kraken.com, Embed."""
    _refuse_taken(connection, account_id, name)
    return add_withdraw_address(connection, account_id, name=name, **fields)


def saved_address(connection: sqlite3.Connection, account_id: int, address_id: object) -> Address:
    saved = withdraw_addresses(connection, account_id)
    found = next((row for row in saved if row.id == address_id), None)
    if found is None:
        raise Refusal(UNKNOWN_KEY)
    return found


def known_address(connection: sqlite3.Connection, account_id: int, address_id: object, method: Method) -> Address:
    """A saved address that the method may use. That it must be verified is not documented."""
    found = saved_address(connection, account_id, address_id)
    if not (found.verified and method.takes(found.scope)):
        raise Refusal(UNKNOWN_KEY)
    return found


def rename_address(connection: sqlite3.Connection, saved: Address, name: str, description: str) -> None:
    if name != saved.name:
        _refuse_taken(connection, saved.account_id, name)
    row = (name, description, saved.id)
    connection.execute("UPDATE withdraw_address SET name = ?, description = ? WHERE id = ?", row)


def delete_address(connection: sqlite3.Connection, saved: Address) -> None:
    connection.execute("DELETE FROM withdraw_address WHERE id = ?", (saved.id,))


def _refuse_taken(connection: sqlite3.Connection, account_id: int, name: str) -> None:
    if any(row.name == name for row in withdraw_addresses(connection, account_id)):
        raise Refusal(DUPLICATE_KEY)


# What leaves ---------------------------------------------------------------------------------------------------------


class Quote(NamedTuple):
    """A withdrawal as it would be: gross is what the balance loses, net is what arrives."""

    gross: Decimal
    net: Decimal
    fee: Decimal


def quote(method: Method, amount: Decimal, *, fee_included: bool) -> Quote:
    """Refuses what would arrive as less than the method's minimum."""
    gross, net = (amount, amount - method.fee) if fee_included else (amount + method.fee, amount)
    if net < method.minimum:
        raise Refusal(INVALID_AMOUNT)
    return Quote(gross, net, method.fee)


def fee_token(context: Context, method: Method) -> str:
    """Pins the method's fee for five minutes. Source: docs.kraken.com, Funding (Beta) guide."""
    return f"{method.id}.{context.second + _PINNED_SECONDS}"


def check_fee_token(context: Context, method: Method, token: object) -> None:
    """Refuse a token that is another method's, that has ended, or that is none."""
    method_id, _, until = token.partition(".") if isinstance(token, str) else ("", "", "")
    ends = arguments.decimal(until)
    if method_id != method.id or ends is None or ends < context.second:
        raise invalid("withdrawal_fee_token")


def withdraw(context: Context, account_id: int, method: Method, to: Address, quoted: Quote) -> str:
    """Take the money and remember where it goes. Returns the reference."""
    refuse_poor(context, account_id, method.asset, quoted.gross)
    where = {"method": method.id, "address": to.address, "key": to.name, "address_id": to.id}
    return _leave(context, account_id, WITHDRAWAL, quoted, {"asset": method.asset, **where})


def to_futures_wallet(context: Context, account_id: int, asset: str, amount: Decimal) -> str:
    """Take the money; the Futures wallet itself is not kept. Returns the reference."""
    refuse_poor(context, account_id, asset, amount)
    return _leave(context, account_id, WALLET_TRANSFER, Quote(amount, amount, NOTHING), {"asset": asset})


def payments(connection: sqlite3.Connection, account_id: int, direction: str) -> list[Payment]:
    """Newest first."""
    query = "SELECT * FROM funding WHERE account_id = ? AND direction = ? ORDER BY at DESC, rowid DESC"
    return [Payment._make(row) for row in connection.execute(query, (account_id, direction))]


def payment(connection: sqlite3.Connection, account_id: int, refid: str) -> Payment | None:
    query = "SELECT * FROM funding WHERE account_id = ? AND refid = ?"
    row = connection.execute(query, (account_id, refid)).fetchone()
    return None if row is None else Payment._make(row)


def cancel(context: Context, found: Payment) -> bool:
    """Give the money back, where it has not been sent yet. Returns whether it was given back."""
    if not found.is_pending(context):
        return False
    context.connection.execute("UPDATE funding SET cancelled = 1 WHERE refid = ?", (found.refid,))
    amount, fee = (Decimal(found.details[part]) for part in ("amount", "fee"))
    entry = {"fee": -fee, "type": _ledger_type(found.direction), "refid": found.refid}
    move(context, found.account_id, found.details["asset"], amount, **entry)
    return True


def deposits(connection: sqlite3.Connection, account_id: int) -> list[Mapping[str, Any]]:
    """The ledger's entries of deposits, newest first."""
    query = (
        "SELECT body FROM ledger WHERE account_id = ? AND json_extract(body, '$.type') = 'deposit'"
        " ORDER BY at DESC, number DESC"
    )
    return [json.loads(body) for (body,) in connection.execute(query, (account_id,))]


def deposit_method(entry: Mapping[str, Any]) -> Method | None:
    """The first method of the asset: the ledger does not say which it was."""
    return next(iter(rails.of_asset(entry["asset"])), None)


def _leave(context: Context, account_id: int, direction: str, quoted: Quote, details: Mapping[str, str]) -> str:
    refid = reference()
    body = {"amount": str(quoted.net), "fee": str(quoted.fee), **details}
    context.connection.execute(
        "INSERT INTO funding (refid, account_id, direction, at, body) VALUES (?, ?, ?, ?, ?)",
        (refid, account_id, direction, context.now, json.dumps(body)),
    )
    entry = {"fee": quoted.fee, "type": _ledger_type(direction), "refid": refid}
    move(context, account_id, details["asset"], -quoted.net, **entry)
    return refid


def _ledger_type(direction: str) -> str:
    return "withdrawal" if direction == WITHDRAWAL else "transfer"
