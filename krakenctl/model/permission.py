"""Kraken's 13 permissions and the four spellings of each, in one table.

Source: kraken docs, GetApiKeyInfo (`permissions[]`, website labels); krakenfx/api-specs `oauth/openapi_v3.yaml`
(Fast API flags and OAuth scopes). Everywhere else in krakenctl a permission is its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCOPE_PREFIX = "account.fast-api-key:"


class Permission(StrEnum):
    QUERY_FUNDS = "query-funds"
    ADD_FUNDS = "add-funds"
    WITHDRAW_FUNDS = "withdraw-funds"
    EARN_FUNDS = "earn-funds"
    QUERY_OPEN_TRADES = "query-open-trades"
    QUERY_CLOSED_TRADES = "query-closed-trades"
    MODIFY_TRADES = "modify-trades"
    CLOSE_TRADES = "close-trades"
    QUERY_LEDGER = "query-ledger"
    EXPORT_DATA = "export-data"
    CREATE_WS_TOKEN = "create-ws-token"  # noqa: S105 - a permission's code, not a token
    ADD_WITHDRAW_ADDRESS = "add-withdraw-address"
    UPDATE_WITHDRAW_ADDRESS = "update-withdraw-address"


class Risk(StrEnum):
    """Our reading of what a permission can cost its owner; Kraken publishes no such classes."""

    READ = "read"
    TRADE = "trade"
    MOVE_FUNDS = "move-funds"
    ENABLER = "enabler"  # opens a door for other permissions


@dataclass(frozen=True, slots=True)
class Spelling:
    label: str  # on the website's form
    flag: str | None  # in a Fast API key's `permissions` object; None: Connect cannot grant it
    risk: Risk

    @property
    def scope(self) -> str | None:
        """The OAuth scope that a token needs to grant it, without `SCOPE_PREFIX`."""
        return None if self.flag is None else self.flag.replace("_", "-")


_P, _R = Permission, Risk

SPELLINGS: Mapping[Permission, Spelling] = {
    _P.QUERY_FUNDS: Spelling("Funds permissions – Query", "funds_query", _R.READ),
    _P.ADD_FUNDS: Spelling("Funds permissions – Deposit", "funds_add", _R.MOVE_FUNDS),
    _P.WITHDRAW_FUNDS: Spelling("Funds permissions – Withdraw", "funds_withdraw", _R.MOVE_FUNDS),
    _P.EARN_FUNDS: Spelling("Funds permissions – Earn", "funds_earn", _R.MOVE_FUNDS),
    _P.QUERY_OPEN_TRADES: Spelling("Orders and trades – Query open orders & trades", "trades_query_open", _R.READ),
    _P.QUERY_CLOSED_TRADES: Spelling(
        "Orders and trades – Query closed orders & trades", "trades_query_closed", _R.READ
    ),
    _P.MODIFY_TRADES: Spelling("Orders and trades – Create & modify orders", "trades_modify", _R.TRADE),
    _P.CLOSE_TRADES: Spelling("Orders and trades – Cancel & close orders", "trades_close", _R.TRADE),
    _P.QUERY_LEDGER: Spelling("Data – Query ledger entries", "ledger_query", _R.READ),
    _P.EXPORT_DATA: Spelling("Data – Export data", "export_data", _R.READ),
    _P.CREATE_WS_TOKEN: Spelling("WebSocket interface – On", None, _R.ENABLER),
    _P.ADD_WITHDRAW_ADDRESS: Spelling("Add withdrawal addresses", None, _R.ENABLER),
    _P.UPDATE_WITHDRAW_ADDRESS: Spelling("Update withdrawal addresses", None, _R.ENABLER),
}

ALL: frozenset[Permission] = frozenset(Permission)
ON_CONNECT: frozenset[Permission] = frozenset(p for p, s in SPELLINGS.items() if s.flag is not None)
BY_FLAG: Mapping[str, Permission] = {s.flag: p for p, s in SPELLINGS.items() if s.flag is not None}

_ORDER = {permission: place for place, permission in enumerate(Permission)}


def in_order(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    """Sort as Kraken's table does: funds, trades, data, the rest."""
    return tuple(sorted(permissions, key=_ORDER.__getitem__))
