"""Which error a call gets that is wrong in two ways, under either value of `check-order`; and what it costs the key."""

from __future__ import annotations

from itertools import combinations

import pytest
from sandbox_caller import NOW, Caller

from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

INFO = "GetApiKeyInfo"
ELSEWHERE, ALLOWED = "203.0.113.7", "198.51.100.7"
ERRORS = {
    "number": "EAPI:Invalid nonce",
    "signature": "EAPI:Invalid signature",
    "nonce": "EAPI:Invalid nonce",
    "otp": "EAPI:Wrong otp",
    "end": "EAPI:Expired",
    "address": "EAPI:Wrong place",
    "permission": "EGeneral:Permission denied",
}
ORDERS = {
    "nonce-first": ("number", "signature", "nonce", "otp", "end", "address", "permission"),
    "address-first": ("end", "address", "number", "signature", "nonce", "otp", "permission"),
}
IMPOSSIBLE = {("number", "nonce")}  # what is no number is neither low nor high
PAIRS = [pair for pair in combinations(ERRORS, 2) if pair not in IMPOSSIBLE]
HIGHEST = 100  # that the key has taken


@pytest.fixture(params=ORDERS)
def order(kraken: Caller, request: pytest.FixtureRequest) -> tuple[str, ...]:
    set_switch(kraken.sandbox, "check-order", request.param)
    for name, flaw in (("otp-error", "otp"), ("expired-key-error", "end"), ("disallowed-ip-error", "address")):
        set_switch(kraken.sandbox, name, ERRORS[flaw])
    return ORDERS[request.param]


def call(kraken: Caller, *flaws: str) -> str:
    """The error of a call of a key that is flawed just so."""
    public, secret = seed.seed_website_key(
        kraken.sandbox,
        "acme",
        "flawed",
        ["query-ledger" if "permission" in flaws else "query-funds"],
        valid_until=NOW if "end" in flaws else 0,
        ip_allowlist=[ALLOWED if "address" in flaws else ELSEWHERE],
        otp="static:sesame",
    )
    with kraken.sandbox.database.write() as connection:
        connection.execute("UPDATE key SET nonce = ? WHERE name = 'flawed'", (str(HIGHEST),))
    nonce = "x" if "number" in flaws else HIGHEST if "nonce" in flaws else HIGHEST + 1
    pair = (public, "AAAA" if "signature" in flaws else secret)
    told = kraken.signed("Balance", pair, nonce=nonce, otp="mellon" if "otp" in flaws else "sesame").json["error"]
    return told[0] if told else ""


def stored_nonce(kraken: Caller) -> int:
    with kraken.sandbox.database.write() as connection:
        [nonce] = connection.execute("SELECT nonce FROM key WHERE name = 'flawed'").fetchone()
    return int(nonce)


@pytest.mark.parametrize("flaws", PAIRS, ids="-".join)
def test_of_two_failures_the_one_that_is_looked_for_first_is_told(kraken, order, flaws):
    assert call(kraken, *flaws) == ERRORS[min(flaws, key=order.index)]


def test_a_call_in_order_is_served_whatever_the_order(kraken, order):
    assert call(kraken) == ""
    assert stored_nonce(kraken) == HIGHEST + 1


@pytest.mark.parametrize("flaw", [flaw for flaw in ERRORS if flaw not in ("number", "nonce")])
def test_a_refused_call_moves_the_nonce_exactly_where_its_nonce_had_passed(kraken, order, flaw):
    assert call(kraken, flaw) == ERRORS[flaw]
    spent = order.index(flaw) > order.index("nonce")
    assert stored_nonce(kraken) == HIGHEST + spent


@pytest.mark.parametrize("flaw", [flaw for flaw in ERRORS if flaw != "permission"])
def test_a_refused_call_counts_towards_the_lockout_whatever_the_order(kraken, order, flaw):
    set_switch(kraken.sandbox, "lockout-threshold", "1")
    assert call(kraken, flaw) == ERRORS[flaw]
    assert kraken.signed(INFO).error == "EGeneral:Temporary lockout"
