"""Where a seed's accounts may withdraw to. An address has a name, unique in its account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.money import funds, markets, rails
from krakenctl.sandbox.people.sowing.ground import Wrong

if TYPE_CHECKING:
    from krakenctl.model.origin import Path
    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.people.sowing.ground import SeedGround, Spec


def sow_addresses(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> None:
    there = {address.name: address for address in funds.withdraw_addresses(ground.connection, account.id)}
    for number, address in enumerate(wanted.get("withdrawAddresses", ())):
        spot = (*path, "withdrawAddresses", number)
        with ground.at(*spot):
            ground.once("withdrawal address", account.id, address["name"])
            method, known = _method(address), there.get(address["name"])
            if known is None:
                terms = {"address": address["address"], "tag": address.get("tag", "")}
                verified = address.get("verified", True)
                funds.add_withdraw_address(
                    ground.connection, account.id, name=address["name"], scope=method.id, verified=verified, **terms
                )
            else:
                here = {"tag": "", "verified": True, **address, "asset": method.asset}
                ground.compare(spot, _standing(known, method), here)


def _standing(known: funds.Address, method: rails.Method) -> dict[str, Any]:
    """As the seed's fields are named. An address may have been saved for more than one method."""
    saved = rails.by_id(known.scope)
    fits = method.takes(known.scope)
    return {
        "name": known.name,
        "asset": method.asset,
        "method": method.name if fits else (saved.name if saved else "another network"),
        "address": known.address,
        "tag": known.tag,
        "verified": bool(known.verified),
    }


def _method(address: Spec) -> rails.Method:
    asset = markets.name_of(address["asset"])
    there = {method.name: method for method in rails.of_asset(asset)}
    if not there:
        raise Wrong(f"the sandbox knows no way to withdraw “{address['asset']}”", "asset")
    if address["method"] not in there:
        names = ", ".join(f"“{name}”" for name in there)
        raise Wrong(f"“{address['method']}” is no way to withdraw {asset}; there are: {names}", "method")
    return there[address["method"]]
