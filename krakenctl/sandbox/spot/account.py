"""What an account owns and may: balances, credit lines, volume. There is no credit and no margin in the sandbox."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox import accounts
from krakenctl.sandbox.arguments import names
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.money import books, markets
from krakenctl.sandbox.money.terms import UNKNOWN_PAIR

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.money.markets import FeeTier

_NOTHING = Decimal(0)
_VOLUME_SECONDS = 30 * 86400
_MOST_PAIRS = 100


def balance(call: Call) -> Answer:
    """`POST /0/private/Balance`. Source: krakenfx/api-specs spot-rest."""
    return success(accounts.balances(call.connection, call.account_id))


def balance_ex(call: Call) -> Answer:
    """`POST /0/private/BalanceEx`: with what open orders hold. Source: krakenfx/api-specs spot-rest."""
    books.settle(call.context)
    held = books.held(call.connection, call.account_id)
    return success(
        {
            asset: {"balance": amount, "hold_trade": markets.amount_text(asset, held.get(asset, _NOTHING))}
            for asset, amount in accounts.balances(call.connection, call.account_id).items()
        }
    )


def credit_lines(call: Call) -> Answer:
    """`POST /0/private/CreditLines`: no account has any. Source: krakenfx/api-specs spot-rest."""
    owned = accounts.balances(call.connection, call.account_id)
    monitor = ("total_credit_usd", "total_credit_used_usd", "ongoing_balance", "debt_to_equity")
    worth = _usd(_total(owned))
    return success(
        {
            "asset_details": {asset: _no_credit(asset, amount) for asset, amount in owned.items()},
            "limits_monitor": dict.fromkeys(monitor, _usd(_NOTHING))
            | {"total_collateral_value_usd": worth, "equity_usd": worth},
        }
    )


def trade_balance(call: Call) -> Answer:
    """`POST /0/private/TradeBalance`: everything in one currency. Source: krakenfx/api-specs spot-rest."""
    currency = _currency(call)
    books.settle(call.context)
    held = books.held(call.connection, call.account_id)
    total = currency.text(_total(accounts.balances(call.connection, call.account_id)) / Decimal(currency.usd))
    nothing = currency.text(_NOTHING)
    waiting = currency.text(_total({asset: str(amount) for asset, amount in held.items()}) / Decimal(currency.usd))
    return success(
        dict.fromkeys(("eb", "tb", "e", "mf"), total) | dict.fromkeys(("m", "n", "c", "v"), nothing) | {"uv": waiting}
    )


def trade_volume(call: Call) -> Answer:
    """`POST /0/private/TradeVolume`: of 30 days in dollars, and the fees that follow from it.

    Only a master is shown its sub-accounts. Source: krakenfx/api-specs spot-rest; `volume_subaccounts`: docs.kraken.com
    as modelled by thrasher-corp/gocryptotrader.
    """
    volume = _volume(call, call.account_id)
    pairs = [_pair(name) for name in names(call.given, "pair", _MOST_PAIRS)]
    shown: dict[str, Any] = {"currency": "ZUSD", "volume": _usd(volume)}
    if pairs:
        taker, maker = markets.fee_tiers(volume)
        shown["fees"] = {pair.name: _fees(taker) for pair in pairs}
        shown["fees_maker"] = {pair.name: _fees(maker) for pair in pairs}
    if accounts.by_id(call.connection, call.account_id).master:
        shown["volume_subaccounts"] = _of_subaccounts(call)
    return success(shown)


def _of_subaccounts(call: Call) -> list[dict[str, str]]:
    """Those that are set up; one that is still pending has no IIBAN."""
    rows = call.connection.execute(
        "SELECT id, iiban FROM account WHERE parent_id = ? AND iiban IS NOT NULL ORDER BY id", (call.account_id,)
    ).fetchall()
    volumes = [(iiban, _volume(call, account_id)) for account_id, iiban in rows]
    everyone = call.context.switches["volume-subaccounts"] == "all"
    return [{"iiban": iiban, "volume": _usd(volume)} for iiban, volume in volumes if everyone or volume]


def _volume(call: Call, account_id: int) -> Decimal:
    return books.traded_in_usd(call.connection, account_id, call.context.now - _VOLUME_SECONDS)


def _fees(tier: FeeTier) -> dict[str, str | None]:
    return {
        "fee": tier.fee,
        "minfee": tier.lowest,
        "maxfee": tier.highest,
        "nextfee": tier.next_fee,
        "nextvolume": tier.next_volume,
        "tiervolume": tier.volume,
    }


def _pair(name: str) -> markets.Pair:
    found = markets.pair(name)
    if found is None:
        raise Refusal(UNKNOWN_PAIR)
    return found


def _currency(call: Call) -> markets.Asset:
    name = call.given.get("asset", "ZUSD")
    found = markets.asset(name) if isinstance(name, str) else None
    if found is None:
        raise invalid("asset")
    return found


def _no_credit(asset: str, amount: str) -> dict[str, str]:
    nothing = markets.amount_text(asset, _NOTHING)
    return {"balance": amount, "credit_limit": nothing, "credit_used": nothing, "available_credit": nothing}


def _total(owned: dict[str, str]) -> Decimal:
    """What it is all worth, in dollars."""
    return sum((markets.in_usd(asset, Decimal(amount)) for asset, amount in owned.items()), _NOTHING)


def _usd(amount: Decimal) -> str:
    return markets.ASSETS["ZUSD"].text(amount)
