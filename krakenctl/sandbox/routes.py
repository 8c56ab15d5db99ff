"""Every endpoint that the sandbox serves, in one table: who is let in, what it costs, who says so, who answers.

A new endpoint is a new line. Gates and costs of the private Spot calls are Kraken's reference ([SPEC] below); where
Kraken's guide says something else, `guide` has it, and the switch `permissions-by` decides. None of this was tested
against the real Kraken.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import control, futures
from krakenctl.sandbox.connect import authorize, fast_keys, oauth, scopes
from krakenctl.sandbox.gate import ANY_KEY, Gate, gate
from krakenctl.sandbox.guards import Bearer, Guard, Local, Open, Page, Route, Signed
from krakenctl.sandbox.spot import (
    account,
    any_key,
    earn,
    exports,
    funding,
    funding_beta,
    history,
    orders,
    otc,
    pay,
    public,
    subaccounts,
    wallet_app,
    websocket,
)
from krakenctl.sandbox.website import apps, key_pages, pages, second_factor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.envelope import Answer
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request


SPEC = "krakenfx/api-specs spot-rest/openapi_v3.yaml"
LIVE = "docs.kraken.com API reference (not in the spec on GitHub)"
BETA = "docs.kraken.com Funding (Beta)"
OTC = "docs.kraken.com OTC REST"
PAY = "docs.kraken.com Pay REST"
WALLET = "krakenfx/wallet (undocumented; gated by its meaning)"
OAUTH = "krakenfx/api-specs oauth/openapi_v3.yaml"
FUTURES = "krakenfx/api-specs futures-rest/auth/api-public.yml"
OURS = "the sandbox's own"
WEB = "support.kraken.com 360000919966; a page of our own making"


def _private(
    group: str, name: str, handler: Callable[[Call], Answer], needs: str = "", *, source: str = SPEC, **more: Any
) -> Route:
    guide = more.pop("guide", None)
    guard = Signed(handler=handler, gate=gate(needs), guide=None if guide is None else gate(guide), **more)
    return Route("POST", f"/0/private/{name}", group, guard, source)


def _funding(method: str, path: str, handler: Callable[[Call], Answer], needs: str, **more: Any) -> Route:
    guard = Signed(handler=handler, gate=gate(needs), by_wallet=True, header_nonce=True, **more)
    return Route(method, f"/funding/{path}", "funding-beta", guard, BETA)


def _account() -> tuple[Route, ...]:
    def row(*args: Any, **more: Any) -> Route:
        return _private("account", *args, by_wallet=True, **more)

    def bare(*args: Any, **more: Any) -> Route:
        return _private("account", *args, source=LIVE, **more)

    return (
        row("Balance", account.balance, "query-funds"),
        row("BalanceEx", account.balance_ex, "query-funds"),
        row("CreditLines", account.credit_lines, "query-funds"),
        row("TradeBalance", account.trade_balance, "query-open-trades", guide="query-funds"),
        row("OpenOrders", orders.open_orders, "query-open-trades"),
        row("ClosedOrders", orders.closed_orders, "query-closed-trades", high=2),
        row(
            "QueryOrders", orders.query_orders, "query-open-trades | query-closed-trades", note="by the order's status"
        ),
        row("OrderAmends", orders.amends, "query-open-trades | query-closed-trades", note="by the order's status"),
        row(
            "TradesHistory",
            history.trades,
            "query-closed-trades",
            guide="query-open-trades | query-closed-trades",
            cost=2,
            low=1,
        ),
        row(
            "QueryTrades",
            history.query_trades,
            "query-closed-trades",
            guide="query-open-trades | query-closed-trades",
            high=2,
        ),
        row("OpenPositions", history.positions, "query-open-trades"),
        row("Ledgers", history.ledgers, "query-ledger", cost=2, low=1),
        row("QueryLedgers", history.query_ledgers, "query-ledger", cost=2),
        row("TradeVolume", account.trade_volume, "query-funds"),
        row("AddExport", exports.add, "export-data"),
        row("ExportStatus", exports.status, "export-data"),
        row("RetrieveExport", exports.retrieve, "export-data"),
        row("RemoveExport", exports.remove, "export-data"),
        bare("GetApiKeyInfo", any_key.key_info, touch_switch="key-info-touches-last-used"),
        bare("ListWalletAccounts", any_key.wallet_accounts),
        bare("Level3", orders.level3, "query-open-trades"),
    )


def _trading() -> tuple[Route, ...]:
    def row(*args: Any, **more: Any) -> Route:
        return _private("trading", *args, **more)

    both, either = "modify-trades + close-trades", "modify-trades | close-trades"
    return (
        row("AddOrder", orders.add, "modify-trades", cost=0),
        row("AddOrderBatch", orders.add_batch, both, guide="modify-trades", low=0),
        row("AmendOrder", orders.amend, either, guide="modify-trades"),
        row("EditOrder", orders.edit, both, guide="modify-trades"),
        row("CancelOrder", orders.cancel, either, guide="close-trades", cost=0),
        row("CancelAll", orders.cancel_all, either, guide="close-trades"),
        row("CancelAllOrdersAfter", orders.cancel_after, either, guide="close-trades"),
        row("CancelOrderBatch", orders.cancel_batch, either, guide="close-trades", low=0),
        row("GetWebSocketsToken", websocket.token, "create-ws-token", fast_switch="fast-key-websocket"),
    )


def _money() -> tuple[Route, ...]:
    def row(*args: Any, **more: Any) -> Route:
        return _private("funding", *args, **more)

    out, into = "query-funds + withdraw-funds", "query-funds + add-funds"
    return (
        row("DepositMethods", funding.deposit_methods, into, guide="add-funds"),
        row("DepositAddresses", funding.deposit_addresses, "query-funds", guide="add-funds"),
        row("DepositStatus", funding.deposit_status, "query-funds", guide="add-funds"),
        row("WithdrawMethods", funding.withdraw_methods, out, guide="withdraw-funds"),
        row("WithdrawAddresses", funding.withdraw_addresses, out, guide="withdraw-funds"),
        row("WithdrawInfo", funding.withdraw_info, out, guide="withdraw-funds"),
        row("Withdraw", funding.withdraw, "withdraw-funds"),
        row("WithdrawStatus", funding.withdraw_status, "withdraw-funds | query-ledger", guide="withdraw-funds"),
        row(
            "WithdrawCancel",
            funding.withdraw_cancel,
            "withdraw-funds",
            unless="a WalletTransfer",
            guide="withdraw-funds",
        ),
        row("WalletTransfer", funding.wallet_transfer, "query-funds"),
    )


def _subaccounts() -> tuple[Route, ...]:
    return (
        _private(
            "sub-accounts",
            "CreateSubaccount",
            subaccounts.create,
            "withdraw-funds",
            guide="modify-trades",
            gate_switch="create-subaccount-permission",
        ),
        _private(
            "sub-accounts",
            "AccountTransfer",
            subaccounts.transfer,
            "withdraw-funds",
            gate_switch="account-transfer-permission",
        ),
    )


def _earn() -> tuple[Route, ...]:
    def row(name: str, *args: Any, **more: Any) -> Route:
        return _private("earn", f"Earn/{name}", *args, **more)

    return (
        row("Allocate", earn.allocate, "earn-funds"),
        row("Deallocate", earn.deallocate, "earn-funds"),
        row("AllocateStatus", earn.allocate_status, "earn-funds | query-funds"),
        row("DeallocateStatus", earn.deallocate_status, "earn-funds | query-funds"),
        row("Strategies", earn.strategies, guide="earn-funds"),
        row("Allocations", earn.allocations, "query-funds", guide="earn-funds"),
    )


def _funding_beta() -> tuple[Route, ...]:
    query, add = "query-funds", "add-withdraw-address"
    update = {"gate_switch": "address-update-permission", "note": "or update-withdraw-address, as its name says"}
    return (
        _funding("GET", "v1/fees/{method_id}", funding_beta.fees, query),
        _funding("GET", "v1/addresses", funding_beta.addresses, query),
        _funding("GET", "v1/assets/{direction}", funding_beta.assets, query),
        _funding("GET", "v1/deposits", funding_beta.deposits, query),
        _funding("GET", "v1/methods/{direction}", funding_beta.methods, query),
        _funding("GET", "v1/networks", funding_beta.networks, query),
        _funding("GET", "v1/limits/deposit/{class}/{asset}", funding_beta.deposit_limits, query),
        _funding("GET", "v1/limits/withdrawal/{class}/{asset}", funding_beta.withdrawal_limits, query),
        _funding("GET", "v1/withdrawals", funding_beta.withdrawals, query),
        _funding("GET", "v2/deposit/addresses", funding_beta.deposit_addresses, query),
        _funding("PUT", "v1/deposit/address", funding_beta.new_deposit_address, "add-funds"),
        _funding("POST", "v1/withdrawals", funding_beta.withdraw, "withdraw-funds"),
        _funding("POST", "v1/addresses", funding_beta.add_address, add),
        _funding("PUT", "v1/addresses/{id}", funding_beta.update_address, add, **update),
        _funding("DELETE", "v1/addresses/{id}", funding_beta.delete_address, add, **update),
        _private("funding-beta", "CreateFundingAddress", wallet_app.add_address, add, source=WALLET),
        _private("funding-beta", "ListFundingAddresses", wallet_app.addresses, query, source=WALLET),
        _private("funding-beta", "DeleteFundingAddress", wallet_app.delete_address, add, source=WALLET),
        _private("funding-beta", "CreateFundingWithdrawal", wallet_app.withdraw, "withdraw-funds", source=WALLET),
        _private("funding-beta", "WithdrawFee", wallet_app.fee, query, source=WALLET),
    )


def _desks() -> tuple[Route, ...]:
    def at_otc(*args: Any) -> Route:
        return _private("otc", *args, source=OTC)

    def at_pay(name: str, *args: Any) -> Route:
        return _private("pay", f"Pay/{name}", *args, source=PAY)

    return (
        at_otc("CheckOtcClient", otc.client, "query-funds + add-funds"),
        at_otc("GetOtcPairs", otc.pairs, "query-funds + add-funds"),
        at_otc("CreateOtcQuoteRequest", otc.create_quote_request, "modify-trades"),
        at_otc("UpdateOtcQuote", otc.update_quote, "modify-trades"),
        at_otc("GetOtcActiveQuotes", otc.active_quotes, "query-open-trades"),
        at_otc("GetOtcExposures", otc.exposures, "query-open-trades"),
        at_otc("GetOtcHistoricalQuotes", otc.historical_quotes, "query-open-trades"),
        at_pay("paylink/create", pay.paylink_create, "query-funds + withdraw-funds"),
        at_pay("paylink/config", pay.paylink_config, "query-funds"),
        at_pay("paylink/get", pay.paylink_get, "query-funds"),
        at_pay("transfer/create", pay.transfer_create, "query-funds + withdraw-funds"),
        at_pay("transfer/cancel", pay.transfer_cancel, "query-funds"),
        at_pay("request/create", pay.request_create, "add-funds"),
        at_pay("request/cancel", pay.request_cancel, "query-funds"),
    )


_FAST, _PLURAL = "/oauth/fast-api-key", "/oauth/fast-api-keys"


def _connect() -> tuple[Route, ...]:
    def row(method: str, path: str, guard: Guard) -> Route:
        return Route(method, path, "connect", guard, OAUTH)

    return (
        row("GET", "/oauth/authorize", Page(authorize.ask, writes=True, by="session")),
        row("POST", "/oauth/authorize", Page(authorize.answer, writes=True, by="session")),
        row("GET", "/{language}/oauth/authorize", Page(authorize.ask, writes=True, by="session")),
        row("POST", "/{language}/oauth/authorize", Page(authorize.answer, writes=True, by="session")),
        row("POST", "/oauth/token", Open(oauth.token, writes=True, by="client, and a code or a refresh token")),
        row("GET", "/oauth/userinfo", Bearer(oauth.userinfo, scopes.INFO)),
        row("POST", _FAST, Bearer(fast_keys.create, scopes.WRITE, writes=True)),
        row("PUT", _FAST, Bearer(fast_keys.update, scopes.WRITE, writes=True)),
        row("DELETE", _FAST, Bearer(fast_keys.delete, scopes.WRITE, writes=True)),
        row("GET", _FAST, Bearer(fast_keys.listing, scopes.READ)),
        row("GET", _PLURAL, Bearer(fast_keys.listing, scopes.READ)),
    )


def _open() -> tuple[Route, ...]:
    def row(name: str, handler: Callable[[Request, Context], Answer]) -> Route:
        return Route("GET", f"/0/public/{name}", "public", Open(handler), SPEC)

    check = "/api/auth/v1/api-keys/v3/check"
    return (
        row("Time", public.server_time),
        row("SystemStatus", public.system_status),
        row("Assets", public.assets),
        row("AssetPairs", public.asset_pairs),
        Route("GET", check, "futures", Open(futures.check, writes=True, by="signature of a Futures key"), FUTURES),
    )


def _website() -> tuple[Route, ...]:
    def row(method: str, path: str, handler: Callable[..., Answer], *, writes: bool = False) -> Route:
        by = "session" if path.startswith("/app/settings") or path == "/sign-out" else ""
        return Route(method, path, "website", Page(handler, writes or method == "POST", by), WEB)

    home = "/app/settings/api"
    return (
        row("GET", "/", pages.home),
        row("GET", "/style.css", pages.style),
        row("GET", "/u/security/api", pages.home),
        row("GET", "/sign-in", pages.sign_in),
        row("POST", "/sign-in", pages.signed_in),
        row("POST", "/sign-out", pages.signed_out),
        row("GET", home, key_pages.key_list),
        row("GET", f"{home}/new", key_pages.new_key),
        row("POST", f"{home}/new", key_pages.generate_key),
        row("GET", f"{home}/{{id}}", key_pages.edit_key),
        row("POST", f"{home}/{{id}}", key_pages.save_key),
        row("GET", f"{home}/{{id}}/revoke", key_pages.ask_revoke),
        row("POST", f"{home}/{{id}}/revoke", key_pages.revoke_key),
        row("GET", f"{home}/{{id}}/2fa", second_factor.second_factor),
        row("POST", f"{home}/{{id}}/2fa", second_factor.save_second_factor),
        row("GET", "/app/settings/apps", apps.app_list),
        row("POST", "/app/settings/apps", apps.withdraw),
    )


def _own() -> tuple[Route, ...]:
    def row(method: str, name: str, handler: Callable[[Request, Context], Answer]) -> Route:
        return Route(method, f"/_sandbox/{name}", "sandbox", Local(handler, writes=method != "GET"), OURS)

    return (
        row("GET", "faults", control.faults),
        row("POST", "faults", control.add_fault),
        row("DELETE", "faults", control.clear_faults),
        row("GET", "clock", control.clock),
        row("POST", "clock", control.set_clock),
        row("GET", "switches", control.switches),
        row("POST", "switches", control.set_switches),
        row("GET", "endpoints", control.endpoints),
    )


ROUTES: tuple[Route, ...] = (
    *_open(),
    *_account(),
    *_trading(),
    *_money(),
    *_subaccounts(),
    *_earn(),
    *_funding_beta(),
    *_desks(),
    *_connect(),
    *_website(),
    *_own(),
)
_EXACT: Mapping[tuple[str, str], Route] = {(r.method, r.path): r for r in ROUTES if "{" not in r.path}
_PATTERNS = tuple((r.method, tuple(r.path.split("/")), r) for r in ROUTES if "{" in r.path)
_HIDDEN = {"spec": ("GET", _PLURAL), "plural": ("GET", _FAST)}  # by the switch list-path


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The route, and what stands in its braces."""
    route = _EXACT.get((method, path))
    if route is not None:
        return route, {}
    parts = path.split("/")
    return next((found for m, wanted, r in _PATTERNS if m == method and (found := _match(r, wanted, parts))), None)


def methods(path: str) -> tuple[str, ...]:
    """What may be done with a path; empty: there is no such path."""
    return tuple(method for method in ("GET", "POST", "PUT", "DELETE") if find(method, path) is not None)


def is_hidden(method: str, path: str, switches: Mapping[str, str]) -> bool:
    """One of the two list paths, when the switch says that Kraken has only the other."""
    return _HIDDEN.get(switches["list-path"]) == (method, path)


def wanted(guard: Signed, switches: Mapping[str, str]) -> Gate:
    """The gate as the switches have it, as far as it holds for every call."""
    named = switches[guard.gate_switch] if guard.gate_switch else "permissions-by"
    if named != "permissions-by":
        return _gate(_EITHER_ADDRESS if named == "either" else named)
    if guard.guide is not None and switches["permissions-by"] == "guide":
        return guard.guide
    return ANY_KEY if guard.unless else guard.gate


def lets_in(guard: Signed, key: Key, switches: Mapping[str, str]) -> bool:
    """Whether a key holds what the call needs, as the switches have it."""
    if key.client and guard.fast_switch and switches[guard.fast_switch] == "allowed":
        return True
    return wanted(guard, switches).lets_through(key.permissions)


def touches(guard: Signed, switches: Mapping[str, str]) -> bool:
    """Whether the call counts as a use of its key, in `last_used`."""
    return not guard.touch_switch or switches[guard.touch_switch] == "yes"


def cost(guard: Signed, switches: Mapping[str, str]) -> int:
    """What the call adds to its key's counter, as the switches have it."""
    disputed = {"low": guard.low, "high": guard.high}.get(switches["call-cost"])
    return guard.cost if disputed is None else disputed


_gate = cache(gate)
_EITHER_ADDRESS = "add-withdraw-address | update-withdraw-address"


def _match(route: Route, wanted: tuple[str, ...], parts: list[str]) -> tuple[Route, Mapping[str, str]] | None:
    if len(wanted) != len(parts):
        return None
    filled = {}
    for want, part in zip(wanted, parts, strict=True):
        if want.startswith("{") and part:
            filled[want[1:-1]] = part
        elif want != part:
            return None
    return route, filled
