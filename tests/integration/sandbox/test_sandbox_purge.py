"""What has had its time leaves the file: a sandbox that runs for months does not grow by it."""

from __future__ import annotations

import base64

from sandbox_caller import Caller

from krakenctl.sandbox import clock
from krakenctl.sandbox.connect import codes
from krakenctl.sandbox.connect.clients import DEFAULT
from krakenctl.sandbox.connect.tokens import Grant
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.people import operate, seed
from krakenctl.sandbox.switches import set_switch

MONTHS = 90 * 86400
CALLBACK = "http://127.0.0.1/callback"


def count(kraken: Caller, table: str) -> int:
    [number] = kraken.sandbox.database.connection().execute(f"SELECT count(*) FROM {table}").fetchone()
    return number


def consent(kraken: Caller) -> str:
    with kraken.sandbox.database.write() as connection:
        return codes.issue(read_context(connection), Grant(DEFAULT, 1, "account.info:basic"), CALLBACK, "")


def redeem(kraken: Caller, code: str) -> int:
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    body = f"grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}".encode()
    basic = base64.b64encode(f"{DEFAULT}:".encode()).decode()
    return kraken.send("POST", "/oauth/token", body, HTTP_AUTHORIZATION=f"Basic {basic}", **form).status


def test_codes_that_nobody_used_go_with_the_next_one(kraken):
    consent(kraken)
    clock.advance(kraken.sandbox, MONTHS)
    consent(kraken)
    assert count(kraken, "code") == 1


def test_a_used_code_is_known_for_as_long_as_its_tokens_live(kraken):
    """Because its second use, however late, kills them."""
    used = consent(kraken)
    assert redeem(kraken, used) == 200
    clock.advance(kraken.sandbox, 86400)
    consent(kraken)
    assert count(kraken, "token") == 1
    assert redeem(kraken, used) == 400
    assert count(kraken, "token") == 0


def test_tokens_that_can_no_longer_be_refreshed_go_with_the_next_one(kraken):
    before = count(kraken, "token")
    operate.mint_token(kraken.sandbox, "acme", ())
    clock.advance(kraken.sandbox, 86400)
    operate.mint_token(kraken.sandbox, "acme", ())
    assert count(kraken, "token") == before + 2  # the first one can be refreshed
    clock.advance(kraken.sandbox, MONTHS)
    operate.mint_token(kraken.sandbox, "acme", ())
    assert count(kraken, "token") == before + 1


def test_lockouts_that_are_over_go_with_the_next_failure(kraken):
    set_switch(kraken.sandbox, "lockout-threshold", "1")
    for number in range(3):
        fail(kraken, f"198.51.100.{number}")
    clock.advance(kraken.sandbox, MONTHS)
    fail(kraken, "198.51.100.9")
    assert count(kraken, "failure") == 1


def fail(kraken: Caller, address: str) -> None:
    unknown = ("unknown", kraken.master.secret)
    assert kraken.signed("Balance", unknown, environ={"REMOTE_ADDR": address}).error == "EAPI:Invalid key"


def test_exports_past_their_end_go_with_the_next_one(kraken):
    kraken.signed("AddExport", report="ledgers", description="old")
    clock.advance(kraken.sandbox, MONTHS)
    kraken.signed("AddExport", report="ledgers", description="new")
    assert [export["descr"] for export in kraken.signed("ExportStatus", report="ledgers").result] == ["new"]
    assert count(kraken, "export") == 1


def test_the_nonces_of_a_key_go_with_the_key(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "wide", ["query-funds"], nonce_window=100)
    kraken.signed("Balance", key)
    assert count(kraken, "seen_nonce") > 0
    operate.revoke_key(kraken.sandbox, "acme", "wide")
    assert count(kraken, "seen_nonce") == 0
