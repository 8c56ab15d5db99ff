"""Deposits, withdrawals and wallet transfers: the legacy group.

Source: krakenfx/api-specs spot-rest, Funding. A withdrawal's amount includes its fee (docs.kraken.com, Get Withdrawal
Information: the net amount is what is left after fees).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission
from krakenctl.sandbox import arguments
from krakenctl.sandbox.checks import window
from krakenctl.sandbox.envelope import Answer, Refusal, denied, invalid, success
from krakenctl.sandbox.money import funds, markets, rails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.funds import Address, DepositAddress, Payment
    from krakenctl.sandbox.money.markets import Asset
    from krakenctl.sandbox.money.rails import Method

_UNKNOWN_REFERENCE = "EFunding:Unknown reference id"
_PAGE = 500
_ALL_AT_ONCE = ("none", "", "false", "0")
_STATUS = {"pending": "Pending", "success": "Success", "failure": "Failure"}


def deposit_methods(call: Call) -> Answer:
    """`POST /0/private/DepositMethods`."""
    asset = funds.asset_of(call.given)
    return success(
        [
            {
                "method": method.name,
                "limit": False,
                "fee": asset.text(funds.NOTHING),
                "gen-address": method.makes_addresses,
                "minimum": asset.text(method.minimum),
            }
            for method in rails.of_asset(asset.name)
        ]
    )


def deposit_addresses(call: Call) -> Answer:
    """`POST /0/private/DepositAddresses`: with `new`, one more; a key that only queries funds may make it."""
    method = _method(call, funds.asset_of(call.given))
    if arguments.flag(call.given, "new"):
        return success([_deposit_address(funds.new_deposit_address(call.context, call.account_id, method), new=True)])
    made = funds.deposit_addresses(call.connection, call.account_id)
    return success([_deposit_address(found, new=False) for found in made if found.method == method.id])


def deposit_status(call: Call) -> Answer:
    """`POST /0/private/DepositStatus`: newest first."""
    rows = [_deposit(entry) for entry in funds.deposits(call.connection, call.account_id)]
    return success(_page(call, _chosen(call, rows), "deposits"))


def withdraw_methods(call: Call) -> Answer:
    """`POST /0/private/WithdrawMethods`, by asset or network where they are named."""
    asset = funds.asset_of(call.given) if "asset" in call.given else None
    network = call.given.get("network")
    return success(
        [
            _withdraw_method(method)
            for method in rails.METHODS
            if (asset is None or method.asset == asset.name) and network in (None, method.network.name)
        ]
    )


def withdraw_addresses(call: Call) -> Answer:
    """`POST /0/private/WithdrawAddresses`: an address shows once for each method that may use it."""
    asset = funds.asset_of(call.given) if "asset" in call.given else None
    rows = [
        _withdraw_address(address, method)
        for address in funds.withdraw_addresses(call.connection, call.account_id)
        for method in rails.METHODS
        if method.takes(address.scope) and (asset is None or method.asset == asset.name)
    ]
    wanted = {field: call.given[field] for field in ("method", "key") if field in call.given}
    if "verified" in call.given:
        wanted["verified"] = arguments.flag(call.given, "verified")
    return success([row for row in rows if all(row[field] == value for field, value in wanted.items())])


def withdraw_info(call: Call) -> Answer:
    """`POST /0/private/WithdrawInfo`: what a withdrawal would cost; whether there is enough is not looked at."""
    asset, method, _, amount = _withdrawal(call)
    quoted = funds.quote(method, amount, fee_included=True)
    limit = funds.held(call.connection, call.account_id, asset.name) - method.fee
    return success(
        {
            "method": method.name,
            "limit": asset.text(max(limit, funds.NOTHING)),
            "amount": asset.text(quoted.net),
            "fee": asset.text(quoted.fee),
        }
    )


def withdraw(call: Call) -> Answer:
    """`POST /0/private/Withdraw`: to a saved address, by its name."""
    _, method, address, amount = _withdrawal(call)
    if call.given.get("address") not in (None, "", address.address):
        raise Refusal(funds.WRONG_ADDRESS)
    most = call.given.get("max_fee")
    if most not in (None, "") and method.fee > _number(most, "max_fee"):
        raise Refusal(funds.MAX_FEE_EXCEEDED)
    quoted = funds.quote(method, amount, fee_included=True)
    return success({"refid": funds.withdraw(call.context, call.account_id, method, address, quoted)})


def withdraw_status(call: Call) -> Answer:
    """`POST /0/private/WithdrawStatus`: newest first; without transfers to the Futures wallet."""
    paid = funds.payments(call.connection, call.account_id, funds.WITHDRAWAL)
    rows = [_paid(payment, call) for payment in paid]
    return success(_page(call, _chosen(call, rows), "withdrawals"))


def withdraw_cancel(call: Call) -> Answer:
    """`POST /0/private/WithdrawCancel`: whether the money came back; it does until it has been sent.

    Source of the permission: krakenfx/api-specs spot-rest: Withdraw, unless the withdrawal is a WalletTransfer.
    """
    refid = call.given.get("refid")
    found = _payment(call, refid)
    is_transfer = found is not None and found.direction == funds.WALLET_TRANSFER
    if not is_transfer and Permission.WITHDRAW_FUNDS not in call.key.permissions:
        raise denied(call.context.switches)
    if not isinstance(refid, str):
        raise invalid("refid")
    asset = funds.asset_of(call.given)
    if found is None or found.details["asset"] != asset.name:
        raise Refusal(_UNKNOWN_REFERENCE)
    return success(funds.cancel(call.context, found))


def wallet_transfer(call: Call) -> Answer:
    """`POST /0/private/WalletTransfer`: Spot to Futures; the way back is the Futures API's."""
    asset = funds.asset_of(call.given)
    arguments.choice(call.given, "from", ("Spot Wallet",))
    arguments.choice(call.given, "to", ("Futures Wallet",))
    amount = funds.amount_of(call.given, asset)
    return success({"refid": funds.to_futures_wallet(call.context, call.account_id, asset.name, amount)})


def _method(call: Call, asset: Asset) -> Method:
    name = call.given.get("method")
    if not isinstance(name, str) or not name:
        raise invalid("method")
    found = rails.named(asset.name, name)
    if found is None:
        raise Refusal(funds.NO_METHOD)
    return found


def _withdrawal(call: Call) -> tuple[Asset, Method, Address, Decimal]:
    """What WithdrawInfo and Withdraw are both asked for. That an address must be verified is not documented."""
    asset = funds.asset_of(call.given)
    name = call.given.get("key")
    if not isinstance(name, str) or not name:
        raise invalid("key")
    saved = funds.withdraw_addresses(call.connection, call.account_id)
    address = next((found for found in saved if found.name == name and found.verified), None)
    method = next((m for m in rails.of_asset(asset.name) if address is not None and m.takes(address.scope)), None)
    if address is None or method is None:
        raise Refusal(funds.UNKNOWN_KEY)
    return asset, method, address, funds.amount_of(call.given, asset)


def _payment(call: Call, refid: object) -> Payment | None:
    if not isinstance(refid, str) or not arguments.is_storable(refid):
        return None
    return funds.payment(call.connection, call.account_id, refid)


def _deposit_address(row: DepositAddress, *, new: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"address": row.address, "expiretm": "0"}
    if new:
        shown["new"] = True
    return shown | ({"tag": row.tag} if row.tag else {})


def _deposit(entry: Mapping[str, Any]) -> dict[str, Any]:
    method = funds.deposit_method(entry)
    return {
        "method": "" if method is None else method.name,
        "aclass": "currency",
        "asset": entry["asset"],
        "refid": entry["refid"],
        "txid": funds.transaction_hash(entry["refid"]),
        "info": "",
        "amount": entry["amount"],
        "fee": entry["fee"],
        "time": int(entry["time"]),
        "status": "Success",
    }


def _withdraw_method(method: Method) -> dict[str, Any]:
    return {
        "asset": method.asset,
        "method_id": method.id,
        "method": method.name,
        "network_id": method.network.id,
        "network": method.network.name,
        "minimum": markets.amount_text(method.asset, method.minimum),
        "fee": {
            "aclass": "currency",
            "asset": method.asset,
            "fee": markets.amount_text(method.asset, method.fee),
        },
    }


def _withdraw_address(row: Address, method: Method) -> dict[str, Any]:
    shown = {
        "address": row.address,
        "asset": method.asset,
        "method": method.name,
        "key": row.name,
        "verified": bool(row.verified),
    }
    return shown | ({"tag": row.tag} if row.tag else {})


def _paid(payment: Payment, call: Call) -> dict[str, Any]:
    details, status = payment.details, payment.status(call.context)
    method = rails.by_id(details["method"])
    shown = {
        "method": "" if method is None else method.name,
        "network": "" if method is None else method.network.name,
        "aclass": "currency",
        "asset": details["asset"],
        "refid": payment.refid,
        "txid": funds.transaction_hash(payment.refid) if status == "success" else "",
        "info": details["address"],
        "amount": markets.amount_text(details["asset"], Decimal(details["amount"])),
        "fee": markets.amount_text(details["asset"], Decimal(details["fee"])),
        "time": int(payment.at),
        "status": _STATUS[status],
        "key": details["key"],
    }
    return shown | ({"status-prop": "canceled"} if payment.cancelled else {})


def _chosen(call: Call, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By asset, method, start and end, where they are given, and inside the key's query window."""
    given = call.given
    asset = funds.asset_of(given).name if given.get("asset") else None
    method = given.get("method")
    span = window.closed_span(call)
    return [
        row
        for row in rows
        if asset in (None, row["asset"]) and method in (None, "", row["method"]) and span.holds(row["time"])
    ]


def _page(call: Call, rows: list[Mapping[str, Any]], name: str) -> object:
    """A list; or, where `cursor` asks for pages, a page and the cursor of the next."""
    shown = funds.page(call.given, rows, name, most=_PAGE)
    cursor = call.given.get("cursor")
    return shown[name] if str(cursor).lower() in _ALL_AT_ONCE else shown


def _number(value: object, field: str) -> Decimal:
    number = arguments.decimal(value)
    if number is None:
        raise invalid(field)
    return number
