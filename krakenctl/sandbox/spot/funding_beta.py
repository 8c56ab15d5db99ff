"""Funding (Beta): `/funding/v1` and `/v2`, whose nonce is a header and whose answers are bare objects.

Source: docs.kraken.com, Funding (Beta), reference and guide; field names that its pages leave to examples are as
thrasher-corp/gocryptotrader reads them. An address that is saved here is verified at once. A method's id is the same in
both directions here. Errors keep the envelope of every other call; that Kraken answers problem details with an error
status is second-hand. Filters by time are ignored; what lies outside the key's query window is left out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission
from krakenctl.sandbox import arguments
from krakenctl.sandbox.checks import window
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, plain, success
from krakenctl.sandbox.money import funds, markets, rails
from krakenctl.sandbox.request import report, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.funds import Address, Payment
    from krakenctl.sandbox.money.markets import Asset
    from krakenctl.sandbox.money.rails import Method

_PAGE = 500
_SCOPES = ("method_id", "network_id", "network_group_id")
_LONGEST = 255
_ADDRESS_CODES = (Permission.ADD_WITHDRAW_ADDRESS, Permission.UPDATE_WITHDRAW_ADDRESS)
_STATUS = {"pending": "pending", "success": "success", "failure": "failed"}
_IN_QUERY = re.compile(r"(\w+)\[(\w+)\]", re.ASCII)


# What there is -------------------------------------------------------------------------------------------------------


def assets(call: Call) -> Answer:
    """`GET /funding/v1/assets/{direction}`."""
    _check_direction(call)
    names = dict.fromkeys(markets.ASSETS[method.asset].altname for method in rails.METHODS)
    return _answer(call, {"currency": [{"name": name} for name in names], "tokenized_asset": []})


def methods(call: Call) -> Answer:
    """`GET /funding/v1/methods/{direction}`."""
    direction = _check_direction(call)
    asset = _asset_filter(call)
    chosen = rails.METHODS if asset is None else rails.of_asset(asset.name)
    rows = [_method(call, method, direction) for method in chosen]
    return _answer(call, funds.page(call.given, rows, "methods", most=10_000))


def networks(call: Call) -> Answer:
    """`GET /funding/v1/networks`."""
    groups = [
        {
            "network_group_id": group.id,
            "name": group.name,
            "network_ids": [network.id for network in rails.NETWORKS if network.group == group],
        }
        for group in rails.GROUPS
    ]
    names = [{"network_id": network.id, "name": network.name} for network in rails.NETWORKS]
    return _answer(call, {"network_groups": groups, "networks": names})


def fees(call: Call) -> Answer:
    """`GET /funding/v1/fees/{method_id}`: a quote for a withdrawal, and a token that pins its fee for five minutes."""
    method = _known_method(call.path["method_id"])
    if call.given.get("withdrawal_fee_token"):
        funds.check_fee_token(call.context, method, call.given["withdrawal_fee_token"])
    asset = markets.ASSETS[method.asset]
    amount = funds.amount_of(call.given, asset)
    quoted = funds.quote(method, amount, fee_included=arguments.flag(call.given, "fee_included"))
    return _answer(
        call,
        {
            "fee": _amount(asset, quoted.fee),
            "gross_amount": _amount(asset, quoted.gross),
            "net_amount": _amount(asset, quoted.net),
            "fee_details": {"base_fee": _amount(asset, method.fee), "fee_percentage": "0"},
            "withdrawal_fee_token": funds.fee_token(call.context, method),
        },
    )


def deposit_limits(call: Call) -> Answer:
    """`GET /funding/v1/limits/deposit/{class}/{asset}`: none."""
    asset = _asset_of_path(call)
    unlimited = {"maximum_amount": None, "limits": list[Any]()}
    rows = [{"method_id": method.id, **unlimited} for method in rails.of_asset(asset.name)]
    return _answer(call, {"deposit_limits": rows})


def withdrawal_limits(call: Call) -> Answer:
    """`GET /funding/v1/limits/withdrawal/{class}/{asset}`: only the balance limits."""
    asset = _asset_of_path(call)
    balance = funds.held(call.connection, call.account_id, asset.name)
    rows = [
        {
            "method_id": method.id,
            "maximum_amount": _amount(asset, max(balance - method.fee, funds.NOTHING)),
            "maximum_reason": "balance",
            "limits": [],
        }
        for method in rails.of_asset(asset.name)
    ]
    return _answer(call, {"available_balance": _amount(asset, balance), "withdrawal_limits": rows})


# Deposits ------------------------------------------------------------------------------------------------------------


def deposits(call: Call) -> Answer:
    """`GET /funding/v1/deposits`: newest first; of listed assets."""
    span = window.key_span(call)
    entries = [entry for entry in funds.deposits(call.connection, call.account_id) if span.holds(int(entry["time"]))]
    rows = [_deposit(entry, method) for entry in entries if (method := funds.deposit_method(entry)) is not None]
    return _answer(call, funds.page(call.given, _chosen(call, rows), "deposits", most=_PAGE))


def deposit_addresses(call: Call) -> Answer:
    """`GET /funding/v2/deposit/addresses`: those that were claimed, newest first."""
    scope = _scope_filter(call)
    rows = [
        {
            "method_id": row.method,
            "id": row.id,
            "address_details": {"crypto": _crypto(row.address, row.tag)},
        }
        for row in funds.deposit_addresses(call.connection, call.account_id)
        if scope is None or _known_method(row.method).takes(scope)
    ]
    return _answer(call, funds.page(call.given, rows, "addresses", most=_PAGE))


def new_deposit_address(call: Call) -> Answer:
    """`PUT /funding/v1/deposit/address`: claim one."""
    method = _known_method(call.given.get("method_id"))
    row = funds.new_deposit_address(call.context, call.account_id, method)
    return _answer(call, {"address_details": {"crypto": _crypto(row.address, row.tag)}})


# Withdrawals ---------------------------------------------------------------------------------------------------------


def withdrawals(call: Call) -> Answer:
    """`GET /funding/v1/withdrawals`: newest first."""
    span = window.key_span(call)
    paid = funds.payments(call.connection, call.account_id, funds.WITHDRAWAL)
    rows = [_withdrawal(payment, call) for payment in paid if span.holds(int(payment.at))]
    return _answer(call, funds.page(call.given, _chosen(call, rows), "withdrawals", most=_PAGE))


def withdraw(call: Call) -> Answer:
    """`POST /funding/v1/withdrawals`: to a saved address, by its id."""
    given = call.given
    asset, amount = _read_amount(_part(given, "amount"))
    method = _method_for(_part(given, "scope"), asset)
    to = funds.known_address(call.connection, call.account_id, given.get("address_id"), method)
    if given.get("expected_address") not in (None, "", to.address):
        raise Refusal(funds.WRONG_ADDRESS)
    fee = _part(given, "fee") if given.get("fee") is not None else {}
    _check_fee(call, method, fee)
    quoted = funds.quote(method, amount, fee_included=arguments.flag(fee, "fee_included"))
    refid = funds.withdraw(call.context, call.account_id, method, to, quoted)
    shown = {"net_amount": quoted.net, "gross_amount": quoted.gross, "fee": quoted.fee}
    amounts = {field: {"asset_amount": _amount(asset, value)} for field, value in shown.items()}
    return _answer(call, {"withdrawal_id": refid, **amounts})


# Saved addresses -----------------------------------------------------------------------------------------------------


def addresses(call: Call) -> Answer:
    """`GET /funding/v1/addresses`: by scope, those that it may use."""
    scope = _scope_filter(call)
    saved = funds.withdraw_addresses(call.connection, call.account_id)
    rows = [_address(row) for row in saved if scope is None or row.scope in rails.covering(scope)]
    return _answer(call, funds.page(call.given, rows, "addresses", most=_PAGE))


def add_address(call: Call) -> Answer:
    """`POST /funding/v1/addresses`: for a method, a network or a network group; of crypto only."""
    scope = _scope(_part(call.given, "scope"))
    crypto = _part(_part(call.given, "address_details"), "crypto")
    address = text(crypto, "address", _LONGEST)
    if address is None:
        raise invalid("address")
    made = funds.save_address(
        call.connection,
        call.account_id,
        name=_name(call.given),
        scope=scope,
        address=address,
        tag=text(crypto, "tag", _LONGEST) or text(crypto, "memo", _LONGEST) or "",
        description=text(call.given, "description", _LONGEST) or "",
    )
    return _answer(call, {"address_id": made, "verified": True})


def update_address(call: Call) -> Answer:
    """`PUT /funding/v1/addresses/{id}`: its name, its description or both."""
    saved = funds.saved_address(call.connection, call.account_id, call.path["id"])
    if call.given.get("name") is None and call.given.get("description") is None:
        raise invalid("name")
    name = saved.name if call.given.get("name") is None else _name(call.given)
    description = text(call.given, "description", _LONGEST) or saved.description
    funds.rename_address(call.connection, saved, name, description)
    _report_permission(call)
    return _answer(call, {"verified": bool(saved.verified)})


def delete_address(call: Call) -> Answer:
    """`DELETE /funding/v1/addresses/{id}`."""
    funds.delete_address(call.connection, funds.saved_address(call.connection, call.account_id, call.path["id"]))
    _report_permission(call)
    return _answer(call, {"result": True})


def _report_permission(call: Call) -> None:
    """Which of the two permissions opened the door: sources disagree, so whoever tests against both wants to know."""
    admitted = call.context.switches["address-update-permission"]
    used = [code for code in _ADDRESS_CODES if admitted in ("either", code) and code in call.key.permissions]
    report(call.request.environ, f"{call.request.method} of a withdrawal address, by {' and '.join(used)}")


# Reading -------------------------------------------------------------------------------------------------------------


def _answer(call: Call, value: object) -> Answer:
    return plain(value) if call.context.switches["funding-beta-answer"] == "bare" else success(value)


def _check_direction(call: Call) -> str:
    return arguments.choice(call.path, "direction", ("deposit", "withdraw"))


def _part(given: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """An object inside of the body."""
    value = given.get(field)
    if not isinstance(value, dict):
        raise invalid(field)
    return value


def _in_query(call: Call, name: str) -> dict[str, Any]:
    """What a query spells as `scope[method_id]=…`."""
    matches = ((_IN_QUERY.fullmatch(field), value) for field, value in call.given.items())
    return {match[2]: value for match, value in matches if match and match[1] == name}


def _name(given: Mapping[str, Any]) -> str:
    name = text(given, "name", _LONGEST)
    if name is None or not name.strip():
        raise invalid("name")
    return name


def _known_method(method_id: object) -> Method:
    method = rails.by_id(method_id) if isinstance(method_id, str) else None
    if method is None:
        raise Refusal(funds.NO_METHOD)
    return method


def _scope(given: Mapping[str, Any]) -> str:
    """The one id that is set."""
    found = [(sort, given[sort]) for sort in _SCOPES if given.get(sort) is not None]
    if len(found) != 1 or not isinstance(found[0][1], str) or rails.sort_of(found[0][1]) != found[0][0]:
        raise invalid("scope")
    return found[0][1]


def _scope_filter(call: Call) -> str | None:
    given = _in_query(call, "scope")
    return _scope(given) if given else None


def _method_for(given: Mapping[str, Any], asset: Asset) -> Method:
    """The method that is named, or the only one of the asset on a network."""
    scope = _scope(given)
    found = [method for method in rails.of_asset(asset.name) if scope in (method.id, method.network.id)]
    if len(found) != 1:
        raise Refusal(funds.NO_METHOD)
    return found[0]


def _read_asset(given: Mapping[str, Any]) -> Asset:
    return funds.asset_of({"asset": given.get("name"), "asset_class": given.get("class", "currency")})


def _read_amount(given: Mapping[str, Any]) -> tuple[Asset, Decimal]:
    """`{"asset_amount": {"asset": {"class": …, "name": …}, "amount": …}}`."""
    inner = _part(given, "asset_amount")
    asset = _read_asset(_part(inner, "asset"))
    return asset, funds.amount_of(inner, asset)


def _asset_filter(call: Call) -> Asset | None:
    given = _in_query(call, "asset")
    return _read_asset(given) if "name" in given else None


def _asset_of_path(call: Call) -> Asset:
    return funds.asset_of({"asset": call.path["asset"], "asset_class": call.path["class"]})


def _check_fee(call: Call, method: Method, fee: Mapping[str, Any]) -> None:
    """A pinned fee must be this method's, and a current one not above the caller's."""
    if fee.get("quoted_fee") is not None:
        funds.check_fee_token(call.context, method, _part(fee, "quoted_fee").get("token"))
    current = _part(fee, "current_fee") if fee.get("current_fee") is not None else {}
    if current.get("max_fee") is not None:
        inner = _part(_part(current, "max_fee"), "asset_amount")
        most = arguments.decimal(inner.get("amount"))
        if most is None:
            raise invalid("max_fee")
        if method.fee > most:
            raise Refusal(funds.MAX_FEE_EXCEEDED)


def _chosen(call: Call, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By asset, scope and status, where they are given."""
    asset, scope, status = _asset_filter(call), _scope_filter(call), call.given.get("status")
    return [
        row
        for row in rows
        if (asset is None or row["amount"]["asset"]["name"] == asset.altname)
        and (scope is None or _known_method(row["method_id"]).takes(scope))
        and status in (None, row["status"])
    ]


# Showing -------------------------------------------------------------------------------------------------------------


def _amount(asset: Asset, amount: Decimal) -> dict[str, Any]:
    return {"asset": {"class": "currency", "name": asset.altname}, "amount": asset.text(amount)}


def _time(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _crypto(address: str, tag: str) -> dict[str, str]:
    return {"address": address, "tag": tag} if tag else {"address": address}


def _address(row: Address) -> dict[str, Any]:
    return {
        "address_id": row.id,
        "scope": {str(rails.sort_of(row.scope)): row.scope},
        "address_details": {"crypto": _crypto(row.address, row.tag)},
        "name": row.name,
        "description": row.description,
        "verified": bool(row.verified),
    }


def _deposit(entry: Mapping[str, Any], method: Method) -> dict[str, Any]:
    asset = markets.ASSETS[method.asset]
    return {
        "deposit_id": entry["refid"],
        "method_id": method.id,
        "network_id": method.network.id,
        "status": "success",
        "amount": _amount(asset, Decimal(entry["amount"])),
        "fee": _amount(asset, Decimal(entry["fee"])),
        "create_time": _time(entry["time"]),
    }


def _withdrawal(payment: Payment, call: Call) -> dict[str, Any]:
    details = payment.details
    asset = markets.ASSETS[details["asset"]]
    return {
        "withdrawal_id": payment.refid,
        "amount": _amount(asset, Decimal(details["amount"])),
        "fee": _amount(asset, Decimal(details["fee"])),
        "method_id": details["method"],
        "status": _STATUS[payment.status(call.context)],
        "create_time": _time(payment.at),
        "address_id": details["address_id"],
    }


def _method(call: Call, method: Method, direction: str) -> dict[str, Any]:
    asset = markets.ASSETS[method.asset]
    fee = method.fee if direction == "withdraw" else funds.NOTHING
    shown: dict[str, Any] = {
        "asset": {"class": "currency", "name": asset.altname},
        "method_id": method.id,
        "method_name": method.name,
        "minimum_amount": asset.text(method.minimum),
        "fees": {"base": _amount(asset, fee), "percentage": "0", "included": False},
        "network": {
            "network_id": method.network.id,
            "network_name": method.network.name,
            "on_chain_asset_symbol": asset.altname,
        },
    }
    if direction == "withdraw":
        return shown | {"withdrawal": {}}
    return shown | {"deposit": {"address_generation": _generation(call, method)}}


def _generation(call: Call, method: Method) -> dict[str, Any]:
    if not method.makes_addresses:
        return {"status": "unsupported"}
    most = call.context.switches["deposit-addresses-most"]
    return {"status": "unlimited"} if most == "none" else {"status": "limited", "limit": int(most)}
