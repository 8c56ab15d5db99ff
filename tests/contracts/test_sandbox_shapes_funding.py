"""Funding, sub-accounts, Earn, OTC, Pay and the Futures check answer in the fields and types of Kraken's reference.

Signatures are tested elsewhere: here the handlers are asked themselves.
"""

from __future__ import annotations

import base64
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from krakenctl.sandbox import accounts, futures, futures_keys
from krakenctl.sandbox.call import Call
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.keys import by_name
from krakenctl.sandbox.money import books, funds, rails
from krakenctl.sandbox.request import read_request
from krakenctl.sandbox.routes import find
from shapes import MONEY, NULL, STAMP, TEXT, TRUTH, WHOLE, AnyNumber, check

NOW = 1_800_000_000
BITCOIN, RIPPLE = rails.named("XXBT", "Bitcoin"), rails.named("XXRP", "Ripple XRP")
assert BITCOIN is not None
assert RIPPLE is not None

REFERENCE = re.compile(r"[A-Z0-9]{7}-[A-Z0-9]{6}-[A-Z0-9]{6}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ASSET = {"class": re.compile("currency|tokenized_asset"), "name": TEXT}
AMOUNT = {"asset": ASSET, "amount": MONEY}
WORTH = {"native": MONEY, "converted": MONEY}
CRYPTO = {"address": TEXT, "tag?": TEXT}

# krakenfx/api-specs spot-rest, schemas/objects/funding
MOVED = {
    "method": TEXT,
    "network?": TEXT,
    "aclass": TEXT,
    "asset": TEXT,
    "refid": TEXT,
    "txid": TEXT,
    "info": TEXT,
    "amount": MONEY,
    "fee": MONEY,
    "time": WHOLE,
    "status": re.compile("Initial|Pending|Settled|Success|Failure"),
    "status-prop?": re.compile("cancel-pending|canceled|cancel-denied|return|onhold"),
}
LEGACY = {
    "DepositMethods": (
        {"asset": "XBT"},
        [{"method": TEXT, "limit": (TRUTH, MONEY), "fee": MONEY, "gen-address": TRUTH, "minimum": MONEY}],
    ),
    "DepositAddresses": (
        {"asset": "XRP", "method": "Ripple XRP", "new": True},
        [{"address": TEXT, "expiretm": TEXT, "new?": TRUTH, "tag?": TEXT}],
    ),
    "DepositStatus": ({}, [MOVED]),
    "WithdrawMethods": (
        {},
        [
            {  # method_id, network_id and fee: krakenfx/wallet, src/api/krakenConnect/types.ts
                "asset": TEXT,
                "method": TEXT,
                "network": TEXT,
                "minimum": MONEY,
                "method_id": UUID,
                "network_id": UUID,
                "fee": {"aclass": TEXT, "asset": TEXT, "fee": MONEY},
            }
        ],
    ),
    "WithdrawAddresses": (
        {},
        [{"address": TEXT, "asset": TEXT, "method": TEXT, "key": TEXT, "tag?": TEXT, "verified": TRUTH}],
    ),
    "WithdrawInfo": (
        {"asset": "XBT", "key": "cold", "amount": "1"},
        {"method": TEXT, "limit": MONEY, "amount": MONEY, "fee": MONEY},
    ),
    "Withdraw": ({"asset": "XBT", "key": "cold", "amount": "1"}, {"refid": REFERENCE}),
    "WithdrawStatus": ({}, [MOVED | {"key": TEXT}]),
    "WithdrawCancel": ({"asset": "XBT", "refid": "{refid}"}, TRUTH),
    "WalletTransfer": (
        {"asset": "XBT", "from": "Spot Wallet", "to": "Futures Wallet", "amount": "1"},
        {"refid": REFERENCE},
    ),
    "CreateSubaccount": ({"username": "new", "email": "new@acme.example"}, TRUTH),
    "AccountTransfer": (
        {"asset": "XBT", "amount": "1", "from": "acme", "to": "desk"},
        {"transfer_id": REFERENCE, "status": re.compile("pending|complete")},
    ),
}

# krakenfx/api-specs spot-rest, Earn
LOCK = {
    "type": re.compile("flex|bonded|timed|instant"),
    "payout_frequency": WHOLE,
    "bonding_period?": WHOLE,
    "bonding_period_variable?": TRUTH,
    "bonding_rewards?": TRUTH,
    "unbonding_period?": WHOLE,
    "unbonding_period_variable?": TRUTH,
    "unbonding_rewards?": TRUTH,
    "exit_queue_period?": WHOLE,
}
STRATEGY = {
    "id": TEXT,
    "asset": TEXT,
    "lock_type": LOCK,
    "apr_estimate": {"low": MONEY, "high": MONEY},
    "user_min_allocation": MONEY,
    "allocation_fee": MONEY,
    "deallocation_fee": MONEY,
    "auto_compound": {"type": TEXT},
    "yield_source": {"type": TEXT},
    "can_allocate": TRUTH,
    "can_deallocate": TRUTH,
    "allocation_restriction_info": AnyNumber(TEXT),
}
ALLOCATION = {
    "strategy_id": TEXT,
    "native_asset": TEXT,
    "amount_allocated": {"total": WORTH},
    "total_rewarded": WORTH,
}
ETHER = {"strategy_id": "ESDQCOL-WTZEU-NU55QF"}
EARN = {
    "Earn/Strategies": ({}, {"items": [STRATEGY], "next_cursor": (TEXT, NULL)}),
    "Earn/Allocate": (ETHER | {"amount": "1"}, TRUTH),
    "Earn/Deallocate": (ETHER | {"amount": "1"}, TRUTH),
    "Earn/AllocateStatus": (ETHER, {"pending": TRUTH}),
    "Earn/DeallocateStatus": (ETHER, {"pending": TRUTH}),
    "Earn/Allocations": (
        {},
        {
            "converted_asset": TEXT,
            "total_allocated": MONEY,
            "total_rewarded": MONEY,
            "next_cursor": (TEXT, NULL),
            "items": [ALLOCATION],
        },
    ),
}

# krakenfx/api-specs otc, pay; nobody is a client of the OTC desk here, so its lists are empty
WISH = {"amount": "1", "asset": "XBT", "external_id": "AQ"}
KNOWN = {"external_id": "Ag"}
DESKS = {
    "CheckOtcClient": ({}, {"permissions": AnyNumber(TEXT)}),
    "GetOtcPairs": ({}, {"spot_pairs": AnyNumber(dict)}),
    "GetOtcActiveQuotes": ({}, AnyNumber(dict)),
    "GetOtcHistoricalQuotes": ({}, AnyNumber(dict)),
    "GetOtcExposures": ({}, {"max_otc": MONEY, "max_rfq": MONEY, "used_otc": MONEY, "used_rfq": MONEY}),
    "Pay/paylink/create": (WISH, {}),
    "Pay/paylink/config": ({}, {"expire_time": WHOLE}),
    "Pay/paylink/get": (KNOWN, {"claim_link": TEXT}),
    "Pay/transfer/create": (WISH | {"to": "friend"}, {}),
    "Pay/transfer/cancel": (KNOWN, {}),
    "Pay/request/create": (WISH, {"view_link": (TEXT, NULL)}),
    "Pay/request/cancel": ({"external_id": "Aw"}, {}),
}

# krakenfx/wallet, src/api/krakenConnect
APP = {
    "CreateFundingAddress": (
        {"network_id": BITCOIN.network.id, "address": {"address": "bc1qapp", "type": "crypto"}},
        {"id": TEXT, "verified": TRUTH},
    ),
    "ListFundingAddresses": (
        {},
        {"items": [{"id": TEXT, "name": TEXT, "description": TEXT, "address": TEXT, "verified": TRUTH}]},
    ),
    "CreateFundingWithdrawal": (
        {"method_id": BITCOIN.id, "address_id": "{address}", "amount": {"amount": "1", "asset": "XBT"}},
        {"transaction_id": TEXT, "fee": {"amount": MONEY, "asset": TEXT, "asset_class": TEXT}},
    ),
    "DeleteFundingAddress": ({"id": "{address}"}, TRUTH),
    "WithdrawFee": (
        {"asset": "XBT", "amount": "1", "method": "Bitcoin"},
        {"asset_class": TEXT, "asset": TEXT, "fee": MONEY, "total": MONEY, "net": MONEY, "fee_token": TEXT},
    ),
}

# docs.kraken.com, Funding (Beta); fields of the lists: thrasher-corp/gocryptotrader, exchanges/kraken
METHOD = {
    "asset": ASSET,
    "method_id": UUID,
    "method_name": TEXT,
    "minimum_amount": MONEY,
    "fees": {"base": AMOUNT, "percentage": MONEY, "included": TRUTH},
    "network": {"network_id": UUID, "network_name": TEXT, "on_chain_asset_symbol": TEXT},
    "withdrawal?": {},
    "deposit?": {"address_generation": {"status": re.compile("unsupported|unlimited|limited"), "limit?": WHOLE}},
}
NESTED = {"asset_amount": AMOUNT}
BETA = {
    f"GET /funding/v1/fees/{BITCOIN.id}": (
        {"amount": "1"},
        {
            "fee": AMOUNT,
            "gross_amount": AMOUNT,
            "net_amount": AMOUNT,
            "fee_details": {"base_fee": AMOUNT, "fee_percentage": MONEY},
            "withdrawal_fee_token": TEXT,
        },
    ),
    "GET /funding/v1/addresses": (
        {},
        {
            "addresses": [
                {
                    "address_id": TEXT,
                    "scope": {"method_id?": UUID, "network_id?": UUID, "network_group_id?": UUID},
                    "address_details": {"crypto": CRYPTO},
                    "name": TEXT,
                    "description": TEXT,
                    "verified": TRUTH,
                }
            ],
            "next_cursor?": TEXT,
        },
    ),
    "GET /funding/v1/assets/deposit": (
        {},
        {"currency": [{"name": TEXT}], "tokenized_asset": AnyNumber({"name": TEXT})},
    ),
    "GET /funding/v1/deposits": (
        {},
        {
            "deposits": [
                {
                    "deposit_id": TEXT,
                    "method_id": UUID,
                    "network_id": UUID,
                    "status": re.compile("initial|pending|settled|success|failure"),
                    "amount": AMOUNT,
                    "fee": AMOUNT,
                    "create_time": STAMP,
                }
            ],
            "next_cursor?": TEXT,
        },
    ),
    "GET /funding/v1/methods/deposit": ({}, {"methods": [METHOD], "next_cursor?": TEXT}),
    "GET /funding/v1/methods/withdraw": ({}, {"methods": [METHOD], "next_cursor?": TEXT}),
    "GET /funding/v1/networks": (
        {},
        {
            "network_groups": [{"network_group_id": UUID, "name": TEXT, "network_ids": [UUID]}],
            "networks": [{"network_id": UUID, "name": TEXT}],
        },
    ),
    "GET /funding/v1/limits/deposit/currency/XBT": (
        {},
        {"deposit_limits": [{"method_id": UUID, "maximum_amount": (NULL, dict), "limits": AnyNumber(dict)}]},
    ),
    "GET /funding/v1/limits/withdrawal/currency/XBT": (
        {},
        {
            "available_balance": AMOUNT,
            "withdrawal_limits": [
                {
                    "method_id": UUID,
                    "maximum_amount": AMOUNT,
                    "maximum_reason": re.compile("balance|limits"),
                    "limits": AnyNumber(dict),
                }
            ],
        },
    ),
    "GET /funding/v1/withdrawals": (
        {},
        {
            "withdrawals": [
                {
                    "withdrawal_id": TEXT,
                    "amount": AMOUNT,
                    "fee": AMOUNT,
                    "method_id": UUID,
                    "status": re.compile("pending|success|failed"),
                    "create_time": STAMP,
                    "address_id": TEXT,
                }
            ],
            "next_cursor?": TEXT,
        },
    ),
    "GET /funding/v2/deposit/addresses": (
        {},
        {"addresses": [{"method_id": UUID, "id": TEXT, "address_details": {"crypto": CRYPTO}}], "next_cursor?": TEXT},
    ),
    "PUT /funding/v1/deposit/address": ({"method_id": RIPPLE.id}, {"address_details": {"crypto": CRYPTO}}),
    "POST /funding/v1/withdrawals": (
        {
            "scope": {"method_id": BITCOIN.id},
            "address_id": "{address}",
            "amount": {"asset_amount": {"asset": {"class": "currency", "name": "XBT"}, "amount": "1"}},
        },
        {"withdrawal_id": TEXT, "net_amount": NESTED, "gross_amount": NESTED, "fee": NESTED},
    ),
    "POST /funding/v1/addresses": (
        {
            "scope": {"network_id": BITCOIN.network.id},
            "address_details": {"crypto": {"address": "bc1qhot"}},
            "name": "hot",
        },
        {"address_id": TEXT, "verified": TRUTH},
    ),
    "PUT /funding/v1/addresses/{address}": ({"name": "colder"}, {"verified": TRUTH}),
    "DELETE /funding/v1/addresses/{address}": ({}, {"result": TRUTH}),
}

# krakenfx/api-specs futures-rest/auth/api-public.yml; the last two: docs.kraken.com from 2026-05
LEVEL = re.compile("NO_ACCESS|READ_ONLY|FULL_ACCESS")
CHECKED = {
    "apiKey": TEXT,
    "accountUid": UUID,
    "iiban": (re.compile(r"AA[A-Z0-9]{2}( [A-Z0-9]{4}){3}"), NULL),
    "createdAt": STAMP,
    "permissions": {"general": LEVEL, "transfer": LEVEL},
    "allowedCidrBlock": TEXT,
    "allowedCidrBlocks": [TEXT],
}

PRIVATE = LEGACY | EARN | DESKS | APP


@pytest.fixture
def names(sandbox):
    """One row of each sort, by what the calls above name it."""
    with sandbox.database.write() as connection:
        context, owner = read_context(connection), accounts.known(connection, "acme").id
        desk = accounts.insert(connection, "desk", "d@acme.example", NOW, master=False, parent=owner)
        accounts.give_iiban(connection, desk)
        books.add_ledger(connection, owner, at=NOW, type="deposit", asset="XBT", amount="5")
        where = {"name": "cold", "scope": BITCOIN.id, "address": "bc1qcold"}
        address = funds.add_withdraw_address(connection, owner, **where)
        [saved] = funds.withdraw_addresses(connection, owner)
        funds.new_deposit_address(context, owner, RIPPLE)
        refid = funds.withdraw(context, owner, BITCOIN, saved, funds.quote(BITCOIN, Decimal(1), fee_included=True))
    for external_id, sort in (("Ag", "paylink"), ("Aw", "request")):
        answer(sandbox, f"POST /0/private/Pay/{sort}/create", WISH | {"external_id": external_id})
    answer(sandbox, "POST /0/private/Earn/Allocate", ETHER | {"amount": "2"})
    return {"address": address, "refid": refid}


def answer(sandbox: Any, endpoint: str, given: dict[str, Any]) -> Any:
    """What the handler answers to the master's own key."""
    method, path = endpoint.split(" ")
    found = find(method, path)
    assert found is not None
    with sandbox.database.write() as connection:
        key = by_name(connection, accounts.known(connection, "acme").id, "master")
        call = Call(read_request({"PATH_INFO": path}), read_context(connection), key, given, found[1])
        return json.loads(found[0].guard.handler(call).body)


def filled_in(given: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    rows = {f"{{{name}}}": row for name, row in names.items()}
    return {field: rows.get(value, value) if isinstance(value, str) else value for field, value in given.items()}


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_answer_has_its_shape(sandbox, names, name):
    given, shape = PRIVATE[name]
    envelope = answer(sandbox, f"POST /0/private/{name}", filled_in(given, names))
    assert envelope["error"] == []
    check(envelope["result"], shape)


@pytest.mark.parametrize("endpoint", BETA)
def test_a_beta_answer_has_its_shape(sandbox, names, endpoint):
    given, shape = BETA[endpoint]
    path = endpoint.replace("{address}", names["address"])
    check(answer(sandbox, path, filled_in(given, names)), shape)


@pytest.mark.parametrize("name", ["DepositStatus", "WithdrawStatus"])
def test_a_page_has_its_shape(sandbox, names, name):
    rows = {"DepositStatus": "deposits", "WithdrawStatus": "withdrawals"}[name]
    [row] = LEGACY[name][1]
    result = answer(sandbox, f"POST /0/private/{name}", {"cursor": True})["result"]
    check(result, {rows: [row], "next_cursor?": TEXT})


def test_the_futures_check_has_its_shape(sandbox):
    path = "/api/auth/v1/api-keys/v3/check"
    with sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        allowed = {"general": "READ_ONLY", "transfer": "NO_ACCESS", "cidr_blocks": ["203.0.113.0/24"]}
        public, secret = futures_keys.insert(connection, owner, now=NOW, **allowed)
        signed = {"PATH_INFO": path, "HTTP_APIKEY": public, "HTTP_AUTHENT": futures.sign(secret, "", "", path)}
        told = futures.check(read_request(signed | {"REMOTE_ADDR": "203.0.113.9"}), read_context(connection))
        refused = futures.check(read_request({"PATH_INFO": path}), read_context(connection))
    check(json.loads(told.body), CHECKED)
    assert len(base64.b64decode(json.loads(told.body)["apiKey"])) == 42
    check(json.loads(refused.body), {"error": TEXT, "message": TEXT, "suberror": (TEXT, NULL)})
