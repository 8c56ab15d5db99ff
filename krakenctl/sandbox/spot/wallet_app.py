"""What Kraken's wallet app calls under `/0/private`: withdrawal addresses and withdrawals, as Funding (Beta) has them.

Not documented. Source of names and fields: krakenfx/wallet src/api/krakenConnect. Its answers are in the envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import arguments
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.money import funds, markets, rails
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_LONGEST = 255
_NAME = "Kraken Wallet"  # made up; the app sends none


def add_address(call: Call) -> Answer:
    """`POST /0/private/CreateFundingAddress`: for a network."""
    network, given = call.given.get("network_id"), call.given.get("address")
    if not isinstance(network, str) or rails.sort_of(network) != "network_id":
        raise invalid("network_id")
    address = text(given, "address", _LONGEST) if isinstance(given, dict) else None
    if address is None:
        raise invalid("address")
    made = funds.save_address(
        call.connection,
        call.account_id,
        name=text(call.given, "name", _LONGEST) or f"{_NAME} {address}"[:_LONGEST],
        scope=network,
        address=address,
        description=text(call.given, "description", _LONGEST) or "",
    )
    return success({"id": made, "verified": True})


def addresses(call: Call) -> Answer:
    """`POST /0/private/ListFundingAddresses`."""
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "address": row.address,
            "verified": bool(row.verified),
        }
        for row in funds.withdraw_addresses(call.connection, call.account_id)
    ]
    return success({"items": rows})


def delete_address(call: Call) -> Answer:
    """`POST /0/private/DeleteFundingAddress`."""
    funds.delete_address(call.connection, funds.saved_address(call.connection, call.account_id, call.given.get("id")))
    return success(True)


def withdraw(call: Call) -> Answer:
    """`POST /0/private/CreateFundingWithdrawal`: by the id of a method and of an address."""
    given, what = call.given, call.given.get("amount")
    if not isinstance(what, dict):
        raise invalid("amount")
    asset = funds.asset_of(what)
    method = rails.by_id(str(given.get("method_id")))
    if method is None or method.asset != asset.name:
        raise Refusal(funds.NO_METHOD)
    to = funds.known_address(call.connection, call.account_id, given.get("address_id"), method)
    if given.get("fee_token") is not None:
        funds.check_fee_token(call.context, method, given["fee_token"])
    amount = funds.amount_of(what, asset)
    quoted = funds.quote(method, amount, fee_included=arguments.flag(given, "fee_included"))
    fee = {"asset": asset.altname, "asset_class": "currency", "amount": asset.text(quoted.fee)}
    refid = funds.withdraw(call.context, call.account_id, method, to, quoted)
    return success({"transaction_id": refid, "fee": fee})


def fee(call: Call) -> Answer:
    """`POST /0/private/WithdrawFee`: by the name of a method."""
    asset = funds.asset_of(call.given)
    method = rails.named(asset.name, str(call.given.get("method")))
    if method is None:
        raise Refusal(funds.NO_METHOD)
    quoted = funds.quote(method, funds.amount_of(call.given, asset), fee_included=False)
    shown: dict[str, Any] = {"asset_class": "currency", "asset": asset.altname}
    amounts = {"fee": quoted.fee, "total": quoted.gross, "net": quoted.net}
    shown |= {name: markets.amount_text(asset.name, amount) for name, amount in amounts.items()}
    return success(shown | {"fee_token": funds.fee_token(call.context, method)})
