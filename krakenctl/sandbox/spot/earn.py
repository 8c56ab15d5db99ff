"""Earn: three fixed strategies, and what is allocated to them. Nothing is ever earned.

Sources: krakenfx/api-specs spot-rest, Earn; docs.kraken.com, Spot REST Earn. Kraken allocates and deallocates in its
own time; here both are done at once, whatever the strategy's lock, so that no status is ever pending. What is allocated
has left the spot balance and shows in Allocations only.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import arguments
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.money import funds, markets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.markets import Asset

_BELOW_MINIMUM = "EEarnings:Below min:(De)allocation operation amount less than minimum"
_INSUFFICIENT = "EEarnings:Insufficient funds:Insufficient funds to complete the (de)allocation request"
_UNKNOWN_STRATEGY = "EGeneral:Invalid arguments:Invalid strategy ID"
_WEEK = 604_800


@dataclass(frozen=True, slots=True)
class _Strategy:
    id: str
    asset: str  # Kraken's name for it
    minimum: Decimal
    lowest: str  # of the yearly rate, in per cent
    highest: str
    unbonding: int = 0  # seconds; 0: instant

    @property
    def lock(self) -> str:
        return "bonded" if self.unbonding else "instant"


_STRATEGIES = (
    _Strategy("ESRFUO3-Q62XD-WIOIL7", "DOT", Decimal("0.01"), "7.0000", "11.0000"),
    _Strategy("ESMWVX6-JAPVY-23L3CV", "DOT", Decimal("0.01"), "15.0000", "21.0000", 4 * _WEEK),
    _Strategy("ESDQCOL-WTZEU-NU55QF", "XETH", Decimal("0.001"), "2.0000", "4.0000", _WEEK),
)
_BY_ID = {strategy.id: strategy for strategy in _STRATEGIES}


def strategies(call: Call) -> Answer:
    """`POST /0/private/Earn/Strategies`: all on the first page, as Kraken says it does too."""
    asset = funds.asset_of(call.given).name if call.given.get("asset") else None
    locks = arguments.names(call.given, "lock_type", 10)
    shown = [
        _shown(strategy)
        for strategy in _STRATEGIES
        if asset in (None, strategy.asset) and (not locks or strategy.lock in locks)
    ]
    return success({"items": _ordered(call, shown), "next_cursor": None})


def allocations(call: Call) -> Answer:
    """`POST /0/private/Earn/Allocations`, with worth in another currency by the table's prices."""
    into = _converted_asset(call.given)
    rows = [(_BY_ID[id], amount) for id, amount in _allocated(call).items()]
    hidden = arguments.flag(call.given, "hide_zero_allocations")
    items = [_allocation(strategy, amount, into) for strategy, amount in rows if amount or not hidden]
    total = sum((_worth(strategy.asset, amount, into) for strategy, amount in rows), funds.NOTHING)
    return success(
        {
            "converted_asset": into.altname,
            "total_allocated": into.text(total),
            "total_rewarded": into.text(funds.NOTHING),
            "next_cursor": None,
            "items": _ordered(call, items),
        }
    )


def allocate(call: Call) -> Answer:
    """`POST /0/private/Earn/Allocate`: from the spot balance."""
    strategy = _strategy(call)
    amount = _amount(call, strategy)
    if funds.held(call.connection, call.account_id, strategy.asset) < amount:
        raise Refusal(_INSUFFICIENT)
    _change(call, strategy, amount, "allocation")
    return success(True)


def deallocate(call: Call) -> Answer:
    """`POST /0/private/Earn/Deallocate`: back to the spot balance."""
    strategy = _strategy(call)
    amount = _amount(call, strategy)
    if _allocated(call).get(strategy.id, funds.NOTHING) < amount:
        raise Refusal(_INSUFFICIENT)
    _change(call, strategy, -amount, "deallocation")
    return success(True)


def allocate_status(call: Call) -> Answer:
    """`POST /0/private/Earn/AllocateStatus`."""
    return _nothing_pending(call)


def deallocate_status(call: Call) -> Answer:
    """`POST /0/private/Earn/DeallocateStatus`."""
    return _nothing_pending(call)


def _nothing_pending(call: Call) -> Answer:
    _strategy(call)
    return success({"pending": False})


def _strategy(call: Call) -> _Strategy:
    name = call.given.get("strategy_id")
    if not isinstance(name, str) or not name:
        raise invalid("strategy_id")
    if name not in _BY_ID:
        raise Refusal(_UNKNOWN_STRATEGY)
    return _BY_ID[name]


def _amount(call: Call, strategy: _Strategy) -> Decimal:
    amount = arguments.amount(call.given, "amount")
    if amount != Decimal(markets.amount_text(strategy.asset, amount)):
        raise invalid("amount")
    if amount < strategy.minimum:
        raise Refusal(_BELOW_MINIMUM)
    return amount


def _allocated(call: Call) -> dict[str, Decimal]:
    """What the account has or had in each strategy, by the strategy's id."""
    query = "SELECT strategy_id, amount FROM earn_allocation WHERE account_id = ?"
    return {id: Decimal(amount) for id, amount in call.connection.execute(query, (call.account_id,))}


def _change(call: Call, strategy: _Strategy, amount: Decimal, subtype: str) -> None:
    """Move an amount into the strategy; a negative one out of it."""
    total = _allocated(call).get(strategy.id, funds.NOTHING) + amount
    row = (call.account_id, strategy.id, str(total))
    call.connection.execute("INSERT OR REPLACE INTO earn_allocation VALUES (?, ?, ?)", row)
    funds.move(call.context, call.account_id, strategy.asset, -amount, type="earn", subtype=subtype)


def _ordered(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows[::-1] if arguments.flag(call.given, "ascending") else rows


def _converted_asset(given: Mapping[str, Any]) -> Asset:
    return funds.asset_of(given, "converted_asset") if given.get("converted_asset") else markets.ASSETS["ZUSD"]


def _worth(asset: str, amount: Decimal, into: Asset) -> Decimal:
    return markets.in_usd(asset, amount) / Decimal(into.usd)


def _allocation(strategy: _Strategy, amount: Decimal, into: Asset) -> dict[str, Any]:
    def pair(native: Decimal) -> dict[str, str]:
        converted = into.text(_worth(strategy.asset, native, into))
        return {"native": markets.amount_text(strategy.asset, native), "converted": converted}

    return {
        "strategy_id": strategy.id,
        "native_asset": markets.ASSETS[strategy.asset].altname,
        "amount_allocated": {"total": pair(amount)},
        "total_rewarded": pair(funds.NOTHING),
    }


def _shown(strategy: _Strategy) -> dict[str, Any]:
    return {
        "id": strategy.id,
        "asset": markets.ASSETS[strategy.asset].altname,
        "lock_type": _lock(strategy),
        "apr_estimate": {"low": strategy.lowest, "high": strategy.highest},
        "user_min_allocation": format(strategy.minimum, "f"),
        "allocation_fee": "0.0000",
        "deallocation_fee": "0.0000",
        "auto_compound": {"type": "enabled"},
        "yield_source": {"type": "staking"},
        "can_allocate": True,
        "can_deallocate": True,
        "allocation_restriction_info": [],
    }


def _lock(strategy: _Strategy) -> dict[str, Any]:
    lock: dict[str, Any] = {"type": strategy.lock, "payout_frequency": _WEEK}
    if strategy.unbonding:
        lock |= {
            "bonding_period": 0,
            "bonding_period_variable": False,
            "bonding_rewards": False,
            "unbonding_period": strategy.unbonding,
            "unbonding_period_variable": False,
            "unbonding_rewards": False,
            "exit_queue_period": 0,
        }
    return lock
