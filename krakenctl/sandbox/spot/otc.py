"""OTC: the gates are real, the desk behind them is closed. No account here is a client of the desk.

Source: krakenfx/api-specs otc. What an account that is no client hears is unconfirmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import arguments
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_NO_CLIENT = "EAccount:Invalid permissions"
_LONGEST = 64


def client(_call: Call) -> Answer:
    """`POST /0/private/CheckOtcClient`."""
    return success({"permissions": []})


def pairs(_call: Call) -> Answer:
    """`POST /0/private/GetOtcPairs`."""
    return success({"spot_pairs": []})


def create_quote_request(call: Call) -> Answer:
    """`POST /0/private/CreateOtcQuoteRequest`: of either an amount of the base or a total in the quote."""
    for field in ("base", "quote"):
        if text(call.given, field, _LONGEST) is None:
            raise invalid(field)
    arguments.choice(call.given, "type", ("buy", "sell"))
    if ("amount" in call.given) == ("total" in call.given):
        raise invalid("amount")
    arguments.amount(call.given, "amount" if "amount" in call.given else "total")
    raise Refusal(_NO_CLIENT)


def update_quote(call: Call) -> Answer:
    """`POST /0/private/UpdateOtcQuote`: there is no quote to accept or to reject."""
    arguments.choice(call.given, "status", ("accepted", "rejected"))
    raise invalid("quote_id")


def active_quotes(_call: Call) -> Answer:
    """`POST /0/private/GetOtcActiveQuotes`."""
    return success([])


def exposures(_call: Call) -> Answer:
    """`POST /0/private/GetOtcExposures`."""
    return success(dict.fromkeys(("max_otc", "max_rfq", "used_otc", "used_rfq"), "0"))


def historical_quotes(_call: Call) -> Answer:
    """`POST /0/private/GetOtcHistoricalQuotes`."""
    return success([])
