"""For each call that the sandbox serves: arguments that Kraken's reference would call plausible, and its other fields.

Source of the names: docs.kraken.com API reference and krakenfx/api-specs. Tests send the first as they are, and bend
all of them.
"""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "30000", "volume": "0.01"}
_ORDER_FIELDS = (
    "userref cl_ord_id displayvol price2 trigger leverage reduce_only stptype oflags timeinforce starttm expiretm"
    " close[ordertype] close[price] close[price2] close deadline validate margin asset_class"
)
_PAGE = "trades userref cl_ord_id start end ofs without_count consolidate_taker closetime rebase_multiplier"
ORDER_ID, TRADE_ID, LEDGER_ID = "OAAAAA-BBBBB-CCCCCC", "TAAAAA-BBBBB-CCCCCC", "LAAAAA-BBBBB-CCCCCC"
REFERENCE, EXPORT_ID, STRATEGY = "FTQcuak-V6Za8qrWnhzTx67yYHz8Tg", "AAAA", "ESRFUO3-Q62XD-WIOIL7"
ADDRESS_ID = "5f3b5c1e-6c0f-4b4e-9a55-1f0d1c6e9a01"
CLIENT, BACK, CODE, REFRESH_TOKEN = "krakenctl-sandbox", "http://127.0.0.1/callback", "a-code", "a-refresh-token"
_METHOD = "e6f3eca1-e611-50f5-9b83-4bc79cb1a4e5"  # of Bitcoin, in the sandbox
_NETWORK = "7523c138-b45b-5c63-ab6e-a3335d13c696"
_ALLOCATION = {"strategy_id": STRATEGY, "amount": "5"}
_BODY = {"asset": "XBT", "method": "Bitcoin"}
_AMOUNT = {"asset": "XBT", "amount": "0.1"}
_ADDRESS = "bc1qar0srr7xfkvy5l643lydnw9re59gtzzwf5mdq"
_PAY = {**_AMOUNT, "external_id": "bmV3"}

# endpoint: (plausible arguments, further fields)
CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "POST /0/private/Balance": ({}, "rebase_multiplier account_id"),
    "POST /0/private/BalanceEx": ({}, "rebase_multiplier account_id"),
    "POST /0/private/CreditLines": ({}, "rebase_multiplier"),
    "POST /0/private/TradeBalance": ({"asset": "ZUSD"}, "rebase_multiplier"),
    "POST /0/private/OpenOrders": ({"trades": "true"}, "userref cl_ord_id rebase_multiplier"),
    "POST /0/private/ClosedOrders": ({}, _PAGE),
    "POST /0/private/QueryOrders": ({"txid": ORDER_ID}, "trades userref consolidate_taker rebase_multiplier"),
    "POST /0/private/OrderAmends": ({"order_id": ORDER_ID}, "rebase_multiplier"),
    "POST /0/private/TradesHistory": ({}, f"{_PAGE} type ledgers"),
    "POST /0/private/QueryTrades": ({"txid": TRADE_ID}, "trades rebase_multiplier"),
    "POST /0/private/OpenPositions": ({}, "txid docalcs consolidation rebase_multiplier"),
    "POST /0/private/Ledgers": ({}, f"{_PAGE} asset aclass type"),
    "POST /0/private/QueryLedgers": ({"id": LEDGER_ID}, "trades rebase_multiplier"),
    "POST /0/private/TradeVolume": ({"pair": "XBTUSD"}, "rebase_multiplier fee-info"),
    "POST /0/private/AddExport": (
        {"report": "ledgers", "description": "last year"},
        "format fields starttm endtm",
    ),
    "POST /0/private/ExportStatus": ({"report": "trades"}, "id"),
    "POST /0/private/RetrieveExport": ({"id": EXPORT_ID}, ""),
    "POST /0/private/RemoveExport": ({"id": EXPORT_ID, "type": "delete"}, ""),
    "POST /0/private/GetApiKeyInfo": ({}, ""),
    "POST /0/private/ListWalletAccounts": ({}, "cursor limit"),
    "POST /0/private/Level3": ({"pair": "XBTUSD"}, "depth"),
    "POST /0/private/AddOrder": (ORDER, _ORDER_FIELDS),
    "POST /0/private/AddOrderBatch": (
        {"pair": "XBTUSD", "orders": [{k: v for k, v in ORDER.items() if k != "pair"}] * 2},
        "deadline validate asset_class",
    ),
    "POST /0/private/AmendOrder": (
        {"txid": ORDER_ID, "limit_price": "30001"},
        "cl_ord_id order_qty display_qty trigger_price pair post_only deadline",
    ),
    "POST /0/private/EditOrder": (
        {"txid": ORDER_ID, "pair": "XBTUSD", "price": "30001"},
        "userref volume displayvol price2 oflags deadline cancel_response validate asset_class",
    ),
    "POST /0/private/CancelOrder": ({"txid": ORDER_ID}, "cl_ord_id userref"),
    "POST /0/private/CancelAll": ({}, ""),
    "POST /0/private/CancelAllOrdersAfter": ({"timeout": "60"}, ""),
    "POST /0/private/CancelOrderBatch": ({"orders": [ORDER_ID]}, "cl_ord_ids"),
    "POST /0/private/GetWebSocketsToken": ({}, ""),
    "POST /0/private/DepositMethods": ({"asset": "XBT"}, "aclass rebase_multiplier"),
    "POST /0/private/DepositAddresses": (_BODY, "aclass new amount"),
    "POST /0/private/DepositStatus": ({}, "asset aclass method start end cursor limit rebase_multiplier"),
    "POST /0/private/WithdrawMethods": ({}, "asset aclass network rebase_multiplier"),
    "POST /0/private/WithdrawAddresses": ({}, "asset aclass method key verified"),
    "POST /0/private/WithdrawInfo": ({**_AMOUNT, "key": "cold"}, "aclass rebase_multiplier"),
    "POST /0/private/Withdraw": ({**_AMOUNT, "key": "cold"}, "aclass address max_fee rebase_multiplier"),
    "POST /0/private/WithdrawStatus": ({}, "asset aclass method start end cursor limit rebase_multiplier"),
    "POST /0/private/WithdrawCancel": ({"asset": "XBT", "refid": REFERENCE}, ""),
    "POST /0/private/WalletTransfer": ({**_AMOUNT, "from": "Spot Wallet", "to": "Futures Wallet"}, ""),
    "POST /0/private/CreateSubaccount": ({"username": "acme-desk", "email": "desk@acme.example"}, ""),
    "POST /0/private/AccountTransfer": ({**_AMOUNT, "from": "acme", "to": "acme-sub"}, "asset_class"),
    "POST /0/private/Earn/Allocate": (_ALLOCATION, ""),
    "POST /0/private/Earn/Deallocate": (_ALLOCATION, ""),
    "POST /0/private/Earn/AllocateStatus": ({"strategy_id": STRATEGY}, ""),
    "POST /0/private/Earn/DeallocateStatus": ({"strategy_id": STRATEGY}, ""),
    "POST /0/private/Earn/Strategies": ({}, "ascending asset cursor limit lock_type"),
    "POST /0/private/Earn/Allocations": ({}, "ascending converted_asset hide_zero_allocations"),
    "GET /funding/v1/fees/{method_id}": ({"amount": "1"}, "account_id asset"),
    "GET /funding/v1/addresses": ({}, "account_id asset method_id cursor limit"),
    "GET /funding/v1/assets/{direction}": ({}, "account_id cursor limit"),
    "GET /funding/v1/deposits": ({}, "account_id asset cursor limit start end"),
    "GET /funding/v1/methods/{direction}": ({}, "account_id asset asset_class network"),
    "GET /funding/v1/networks": ({}, "account_id asset"),
    "GET /funding/v1/limits/deposit/{class}/{asset}": ({}, "account_id"),
    "GET /funding/v1/limits/withdrawal/{class}/{asset}": ({}, "account_id"),
    "GET /funding/v1/withdrawals": ({}, "account_id asset cursor limit start end"),
    "GET /funding/v2/deposit/addresses": ({"asset": "XBT"}, "account_id method_id asset_class cursor limit"),
    "PUT /funding/v1/deposit/address": ({"method_id": _METHOD}, "asset asset_class account_id"),
    "POST /funding/v1/withdrawals": (
        {
            "amount": {"asset_amount": {"asset": {"class": "currency", "name": "XBT"}, "amount": "0.1"}},
            "scope": {"method_id": _METHOD},
            "address_id": ADDRESS_ID,
        },
        "fee expected_address account_id",
    ),
    "POST /funding/v1/addresses": (
        {"name": "colder", "scope": {"method_id": _METHOD}, "address_details": {"crypto": {"address": _ADDRESS}}},
        "description account_id",
    ),
    "PUT /funding/v1/addresses/{id}": ({"name": "warm"}, "description account_id"),
    "DELETE /funding/v1/addresses/{id}": ({}, "account_id"),
    "POST /0/private/CreateFundingAddress": (
        {"network_id": _NETWORK, "address": {"address": _ADDRESS}, "name": "hot"},
        "description method_id",
    ),
    "POST /0/private/ListFundingAddresses": ({}, "asset method_id cursor limit"),
    "POST /0/private/DeleteFundingAddress": ({"id": ADDRESS_ID}, "address_id"),
    "POST /0/private/CreateFundingWithdrawal": (
        {"amount": _AMOUNT, "method_id": _METHOD, "address_id": ADDRESS_ID},
        "fee_token fee_included",
    ),
    "POST /0/private/WithdrawFee": ({**_AMOUNT, "method": "Bitcoin"}, "asset_class fee_token"),
    "POST /0/private/CheckOtcClient": ({}, ""),
    "POST /0/private/GetOtcPairs": ({}, ""),
    "POST /0/private/CreateOtcQuoteRequest": ({"base": "XBT", "quote": "USD", "type": "buy", "amount": "1"}, "total"),
    "POST /0/private/UpdateOtcQuote": ({"quote_id": "A", "status": "accepted"}, ""),
    "POST /0/private/GetOtcActiveQuotes": ({}, ""),
    "POST /0/private/GetOtcExposures": ({}, ""),
    "POST /0/private/GetOtcHistoricalQuotes": ({}, "start end ofs cursor limit"),
    "POST /0/private/Pay/paylink/create": (_PAY, "aclass description expiry"),
    "POST /0/private/Pay/paylink/config": ({}, "asset"),
    "POST /0/private/Pay/paylink/get": ({"external_id": "cGF5"}, ""),
    "POST /0/private/Pay/transfer/create": ({**_PAY, "to": "@acme"}, "note"),
    "POST /0/private/Pay/transfer/cancel": ({"external_id": "cGF5"}, ""),
    "POST /0/private/Pay/request/create": (_PAY, "from note"),
    "POST /0/private/Pay/request/cancel": ({"external_id": "YXNr"}, ""),
    "GET /0/public/Time": ({}, ""),
    "GET /0/public/SystemStatus": ({}, ""),
    "GET /0/public/Assets": ({"asset": "XBT"}, "aclass assetVersion"),
    "GET /0/public/AssetPairs": ({"pair": "XBTUSD"}, "info country_code aclass_base assetVersion"),
    "GET /api/auth/v1/api-keys/v3/check": ({}, ""),
    "POST /oauth/token": (
        {"grant_type": "authorization_code", "code": CODE, "redirect_uri": BACK},
        "client_id client_secret code_verifier refresh_token scope",
    ),
    "GET /oauth/userinfo": ({}, ""),
    "POST /oauth/fast-api-key": (
        {"api_key_name": "new-bot", "permissions": {"funds_query": True}},
        "ip_allowlist nonce_window query_from query_to valid_until purpose",
    ),
    "PUT /oauth/fast-api-key": (
        {"api_key_name": "bot", "permissions": {"funds_query": True}},
        "new_api_key_name ip_allowlist nonce_window query_from query_to valid_until",
    ),
    "DELETE /oauth/fast-api-key": ({"api_key_name": "bot"}, ""),
    "GET /oauth/fast-api-key": ({}, ""),
    "GET /oauth/fast-api-keys": ({}, ""),
    "POST /_sandbox/faults": (
        {"kind": "delay", "endpoint": "POST /0/private/Balance", "seconds": 0},
        "account nth times probability seed error status body settings",
    ),
    "DELETE /_sandbox/faults": ({}, "id"),
    "POST /_sandbox/clock": ({"advance": 1}, "freeze offset run"),
    "POST /_sandbox/switches": ({"tier": "pro"}, "name value lockout-seconds"),
}
_CONSENT = {
    "client_id": CLIENT,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "account.info:basic",
    "state": "s",
}
_CONSENT_FIELDS = "code_challenge code_challenge_method preferTheme prompt"
CSRF = "token"
_KEY_FORM = {
    "csrf": CSRF,
    "form": "a-form",
    "name": "bot-2",
    "query-funds": "on",
    "restrict_ip": "on",
    "ip_allowlist": "203.0.113.10",
}
_KEY_FIELDS = "custom_nonce_window nonce_window valid_until query_from query_to withdraw-funds fix"
_CODE_FORM = {"csrf": CSRF, "sort": "static", "secret": "A" * 32, "password": "open sesame"}
_PAGES: dict[str, tuple[dict[str, Any], str]] = {
    "GET /oauth/authorize": (_CONSENT, _CONSENT_FIELDS),
    "POST /oauth/authorize": ({**_CONSENT, "csrf": CSRF, "decision": "approve"}, _CONSENT_FIELDS),
    "POST /sign-in": ({"account": "acme"}, "next csrf"),
    "GET /sign-in": ({}, "next"),
    "POST /app/settings/api/new": (_KEY_FORM, _KEY_FIELDS),
    "POST /app/settings/api/{id}": (_KEY_FORM, _KEY_FIELDS),
    "POST /app/settings/api/{id}/2fa": (_CODE_FORM, "code"),
    "POST /app/settings/apps": ({"csrf": CSRF, "client": CLIENT}, ""),
}
_OTHER_WAYS: dict[str, dict[str, Any]] = {
    "POST /oauth/token": {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN},
    "POST /oauth/authorize": {**_CONSENT, "csrf": CSRF, "decision": "deny"},
    "POST /app/settings/api/{id}/2fa": {**_CODE_FORM, "sort": "none"},
    "PUT /oauth/fast-api-key": {"api_key_name": "bot", "new_api_key_name": "renamed"},
}


def arguments(endpoint: str) -> tuple[dict[str, Any], list[str]]:
    """Plausible arguments, and every further field. A form on a page carries its session's CSRF, if nothing else."""
    endpoint = endpoint.replace("/{language}/", "/")
    alone: dict[str, Any] = {"csrf": CSRF} if endpoint.startswith("POST ") else {}
    plausible, more = CALLS.get(endpoint) or _PAGES.get(endpoint, (alone, ""))
    return plausible, more.split()


def ways(endpoint: str) -> list[dict[str, Any]]:
    """The plausible arguments, and others that lead elsewhere in the same call."""
    other = _OTHER_WAYS.get(endpoint.replace("/{language}/", "/"))
    return [arguments(endpoint)[0], *([] if other is None else [other])]


def in_address(path: str) -> frozenset[str]:
    """The fields that a request with a body has in its address all the same: what a consent page was asked for."""
    return frozenset([*_CONSENT, *_CONSENT_FIELDS.split()]) if path.endswith("/oauth/authorize") else frozenset()


def filled(path: str) -> str:
    """A route's path with something plausible in its braces."""
    values = {
        "{direction}": "withdraw",
        "{class}": "currency",
        "{asset}": "XBT",
        "{language}": "en-us",
        "{method_id}": _METHOD,
        "{id}": ADDRESS_ID if path.startswith("/funding/") else "1",
    }
    return "/".join(values.get(part, part) for part in path.split("/"))
