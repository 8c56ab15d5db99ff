"""A key's own second factor: wanted on every signed call, and a rotating code only once."""

from __future__ import annotations

import base64

import pytest
from sandbox_caller import NOW

from krakenctl.sandbox import clock
from krakenctl.sandbox.checks.otp import totp
from krakenctl.sandbox.switches import set_switch

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
INFO, TOKEN = "GetApiKeyInfo", "GetWebSocketsToken"
REFUSED = "EAPI:Invalid signature"


@pytest.fixture
def guard(kraken):
    """Give the master's key a second factor."""

    def give(otp):
        with kraken.sandbox.database.write() as connection:
            connection.execute("UPDATE key SET otp = ?", (otp,))

    return give


def code(at):
    return totp(RFC_SECRET, at // 30)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds, expected):
    """Its appendix B has 8 digits; ours are the last 6 of them."""
    assert totp(RFC_SECRET, seconds // 30) == expected[-6:]


def test_a_secret_need_not_be_padded_nor_in_capitals():
    assert totp("MFRGG", 1) == totp("mfrgg===", 1)


@pytest.mark.parametrize("call", [INFO, TOKEN])
def test_a_key_with_a_password_needs_it_on_every_call(kraken, guard, call):
    guard("static:open sesame")
    assert kraken.signed(call).error == REFUSED
    assert kraken.signed(call, otp="open").error == REFUSED
    assert kraken.signed(call, otp="open sesame").result
    assert kraken.signed(call, otp="open sesame").result


@pytest.mark.parametrize("call", [INFO, TOKEN])
def test_a_rotating_code_works_once(kraken, guard, call):
    guard(f"totp:{RFC_SECRET}")
    assert kraken.signed(call).error == REFUSED
    assert kraken.signed(call, otp=code(NOW)).result
    assert kraken.signed(call, otp=code(NOW)).error == REFUSED
    clock.advance(kraken.sandbox, 30)
    assert kraken.signed(call, otp=code(NOW + 30)).result


def test_a_code_may_be_half_a_minute_early_or_late(kraken, guard):
    guard(f"totp:{RFC_SECRET}")
    assert kraken.signed(INFO, otp=code(NOW - 60)).error == REFUSED
    assert kraken.signed(INFO, otp=code(NOW - 30)).result
    assert kraken.signed(INFO, otp=code(NOW + 30)).result
    assert kraken.signed(INFO, otp=code(NOW + 60)).error == REFUSED


def test_a_code_older_than_the_last_one_is_refused(kraken, guard):
    guard(f"totp:{RFC_SECRET}")
    assert kraken.signed(INFO, otp=code(NOW + 30)).result
    assert kraken.signed(INFO, otp=code(NOW)).error == REFUSED


@pytest.mark.parametrize("otp", [123456, None, True, [], {}, "", "\ud800", "１２３４５６"])
@pytest.mark.parametrize("factor", ["static:x", f"totp:{RFC_SECRET}"])
def test_what_is_no_code_is_refused(kraken, guard, factor, otp):
    guard(factor)
    assert kraken.signed(INFO, as_json=True, otp=otp).error == REFUSED


def test_wrong_codes_lock_out_like_any_failure(kraken, guard):
    guard("static:x")
    set_switch(kraken.sandbox, "lockout-threshold", "2")
    assert kraken.signed(INFO, otp="y").error == REFUSED
    assert kraken.signed(INFO, otp="y").error == REFUSED
    assert kraken.signed(INFO, otp="x").error == "EGeneral:Temporary lockout"


def test_which_error_a_wrong_code_gets_is_a_switch(kraken, guard):
    guard("static:x")
    set_switch(kraken.sandbox, "otp-error", "EGeneral:Permission denied")
    assert kraken.signed(INFO).error == "EGeneral:Permission denied"


def test_a_code_that_nobody_wanted_is_ignored_or_refused(kraken):
    assert kraken.signed(INFO, otp="1").result
    set_switch(kraken.sandbox, "surplus-otp", "EAPI:Invalid key")
    assert kraken.signed(INFO, otp="1").error == "EAPI:Invalid key"
    assert kraken.signed(INFO).result
