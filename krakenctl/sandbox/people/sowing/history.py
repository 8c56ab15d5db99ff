"""The past of a seed's accounts: ledger entries, orders, trades. No balance moves by it.

None of them has a name: one that is there and agrees with all that the seed says of it is taken for the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.money import books, markets
from krakenctl.sandbox.money.terms import read_pair, read_terms
from krakenctl.sandbox.people.sowing.ground import Wrong, known_asset

if TYPE_CHECKING:
    from krakenctl.model.origin import Path
    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.people.sowing.ground import SeedGround, Spec

_NOT_ADDORDERS = ("status", "opened", "closed")  # fields of a seed's order that AddOrder does not have


def sow_ledger(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> None:
    there = list(books.ledgers(ground.connection, account.id).values())
    missing: list[dict[str, Any]] = []
    for number, entry in enumerate(wanted.get("ledger", ())):
        with ground.at(*path, "ledger", number):
            said = _ledger_entry(ground, entry)
            if not _take(there, said):
                missing.append({"at": said.pop("time", ground.context.second), **said})
    for fields in sorted(missing, key=lambda each: each["at"]):  # each shows the sum of what came before it
        books.add_ledger(ground.connection, account.id, **fields, moves=False)


def sow_orders(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> None:
    connection = ground.connection
    known = (*books.open_orders(connection, account.id), *books.ended_orders(connection, account.id))
    there = [{"terms": o.terms, "status": o.status, "opened": o.opened, "closed": o.closed} for o in known]
    for number, order in enumerate(wanted.get("orders", ())):
        with ground.at(*path, "orders", number):
            status, times = order.get("status", "open"), _order_times(ground, order)
            fields = {name: value for name, value in order.items() if name not in _NOT_ADDORDERS}
            terms = read_terms(fields, times.get("opened", ground.context.now))
            if not _take(there, {"terms": terms, "status": status, **times}):
                books.add_order(ground.context, account.id, fields, status=status, **times)


def sow_trades(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> None:
    there = list(books.trades(ground.connection, account.id).values())
    for number, trade in enumerate(wanted.get("trades", ())):
        with ground.at(*path, "trades", number):
            said = _trade(ground, trade)
            if not _take(there, said):
                at = said.pop("time", ground.context.second)
                books.add_trade(ground.connection, account.id, at=at, **said)


def _take(rows: list[dict[str, Any]], said: dict[str, Any]) -> bool:
    """Whether a row agrees with all that is said; it then stands for nothing else."""
    found = next((row for row in rows if all(row[name] == value for name, value in said.items())), None)
    if found is not None:
        rows.remove(found)
    return found is not None


def _ledger_entry(ground: SeedGround, entry: Spec) -> dict[str, Any]:
    """What the seed says of it, as the books write it."""
    asset = known_asset(entry["asset"], "asset")
    amounts = {name: markets.amount_text(asset, Decimal(entry.get(name, 0))) for name in ("amount", "fee")}
    said = {"type": entry["type"], "asset": asset, **amounts}
    return said | _if_there(entry, "refid") | _time(ground, entry)


def _trade(ground: SeedGround, trade: Spec) -> dict[str, Any]:
    """What the seed says of it, as the books write it."""
    market = read_pair(trade)
    price, volume = _positive(trade, "price"), _positive(trade, "volume")
    said = {
        "pair": market.name,
        "type": trade["type"],
        "ordertype": trade.get("ordertype", "limit"),
        "price": market.price_text(price),
        "vol": market.volume_text(volume),
    }
    fee = {"fee": market.cost_text(Decimal(trade["fee"]))} if "fee" in trade else {}
    return said | fee | _time(ground, trade)


def _order_times(ground: SeedGround, order: Spec) -> dict[str, float]:
    """Those that are given."""
    times: dict[str, float] = {name: ground.time(order, name) for name in ("opened", "closed") if name in order}
    if "closed" in times and order.get("status", "open") == "open":
        raise Wrong("an order that is open has not ended", "closed")
    if "closed" in times and times["closed"] < times.get("opened", ground.context.now):
        raise Wrong("this order ends before it is placed", "closed")
    return times


def _positive(spec: Spec, name: str) -> Decimal:
    amount = Decimal(spec[name])
    if amount <= 0:
        raise Wrong(f"“{name}” is above zero", name)
    return amount


def _time(ground: SeedGround, spec: Spec) -> dict[str, Any]:
    return {"time": ground.time(spec, "at")} if "at" in spec else {}


def _if_there(spec: Spec, name: str) -> dict[str, Any]:
    return {name: spec[name]} if name in spec else {}
