"""AccountTransfer: money between a master account and its own sub-accounts."""

from __future__ import annotations

import re
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller

from krakenctl.sandbox import accounts, clock, open_sandbox
from krakenctl.sandbox.money import funds, rails
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch


def family(kraken, *names):
    """Sub-accounts that are set up; their IIBANs by name, the master's among them."""
    for name in names:
        kraken.signed("CreateSubaccount", username=name, email=f"{name}@acme.example")
        seed.authorise(kraken.sandbox, name)
    connection = kraken.sandbox.database.connection()
    return {name: accounts.known(connection, name).iiban for name in ("acme", *names)}


def transfer(kraken, source, target, amount="1", key=None, **more):
    return kraken.signed(
        "AccountTransfer", key, **{"asset": "XBT", "amount": amount, "from": source, "to": target} | more
    )


def held(sandbox, username, asset="XXBT"):
    connection = sandbox.database.connection()
    return funds.held(connection, accounts.known(connection, username).id, asset)


def test_money_moves_at_once_and_both_sides_write_it_down(kraken):
    iibans = family(kraken, "desk")
    moved = transfer(kraken, iibans["acme"], iibans["desk"], "0.25").result
    assert moved["status"] == "complete"
    assert re.fullmatch(r"[A-Z0-9]{7}-[A-Z0-9]{6}-[A-Z0-9]{6}", moved["transfer_id"])
    assert (held(kraken.sandbox, "acme"), held(kraken.sandbox, "desk")) == (Decimal("4"), Decimal("0.25"))
    key = seed.seed_website_key(kraken.sandbox, "desk", "own", ["query-ledger"])
    amounts = [entry for who in (None, key) for entry in kraken.signed("Ledgers", who).result["ledger"].values()]
    assert {entry["refid"] for entry in amounts} == {moved["transfer_id"]}
    assert [Decimal(entry["amount"]) for entry in amounts] == [Decimal("-0.25"), Decimal("0.25")]


def test_a_sub_account_gives_to_its_master_and_to_its_sibling(kraken):
    iibans = family(kraken, "one", "two")
    transfer(kraken, iibans["acme"], iibans["one"], "2")
    transfer(kraken, iibans["one"], iibans["two"], "1")
    transfer(kraken, iibans["one"], iibans["acme"], "0.5")
    assert [held(kraken.sandbox, name) for name in ("acme", "one", "two")] == [Decimal(n) for n in ("2.75", "0.5", "1")]


@pytest.mark.parametrize(
    ("names", "by_iiban", "by_username"), [("both", True, True), ("iiban", True, False), ("username", False, True)]
)
def test_how_accounts_are_named_is_a_switch(kraken, names, by_iiban, by_username):
    iibans = family(kraken, "desk")
    set_switch(kraken.sandbox, "account-transfer-names", names)
    assert (transfer(kraken, iibans["acme"], iibans["desk"]).json["error"] == []) is by_iiban
    assert (transfer(kraken, "acme", "desk").json["error"] == []) is by_username


def test_only_a_master_moves_money_and_only_inside_of_its_own_family(kraken):
    family(kraken, "desk")
    kraken.signed("CreateSubaccount", username="pending", email="p@acme.example")
    seed.seed_account(kraken.sandbox, username="stranger", email="s@acme.example")
    desk = seed.seed_website_key(kraken.sandbox, "desk", "own", ["withdraw-funds"])
    assert transfer(kraken, "desk", "acme", key=desk).error == "EGeneral:Permission denied"
    assert transfer(kraken, "acme", "stranger").error == "EGeneral:Invalid arguments:to"
    assert transfer(kraken, "stranger", "acme").error == "EGeneral:Invalid arguments:from"
    assert transfer(kraken, "acme", "pending").error == "EGeneral:Invalid arguments:to"
    assert transfer(kraken, "acme", "acme").error == "EGeneral:Invalid arguments:to"
    set_switch(kraken.sandbox, "institutional", "no")
    assert transfer(kraken, "acme", "desk").error == "EAccount:Invalid permissions"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"asset": "NOPE"}, "EFunding:Unknown asset"),
        ({"asset": ""}, "EGeneral:Invalid arguments:asset"),
        ({"asset_class": "tokenized_asset"}, "EFunding:Unknown asset"),
        ({"amount": "4.2500000001"}, "EFunding:Invalid amount"),
        ({"amount": "0.00000000001"}, "EFunding:Invalid amount"),
        ({"amount": "0"}, "EFunding:Invalid amount"),
        ({"amount": "-1"}, "EFunding:Invalid amount"),
        ({"from": ""}, "EGeneral:Invalid arguments:from"),
    ],
)
def test_a_transfer_that_cannot_be_moves_nothing(kraken, changed, error):
    family(kraken, "desk")
    assert transfer(kraken, "acme", "desk", **changed).error == error
    assert (held(kraken.sandbox, "acme"), held(kraken.sandbox, "desk")) == (Decimal("4.25"), 0)


AMOUNTS = st.decimals(min_value="0.00000001", max_value="5", places=8).map(str) | st.sampled_from(
    ["0", "-1", "NaN", "1e3"]
)
MEMBERS = st.sampled_from(["acme", "one", "two", "nobody"])
STEPS = st.one_of(
    st.tuples(st.just("AccountTransfer"), MEMBERS, MEMBERS, AMOUNTS),
    st.tuples(st.just("Withdraw"), AMOUNTS),
    st.tuples(st.just("WalletTransfer"), AMOUNTS),
    st.tuples(st.just("WithdrawCancel"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(0, 900)),
)


def _do(kraken, step, refids):
    match step:
        case ("AccountTransfer", source, target, amount):
            transfer(kraken, source, target, amount)
        case ("Withdraw", amount):
            refids += _refid(kraken.signed("Withdraw", asset="XBT", key="cold", amount=amount))
        case ("WalletTransfer", amount):
            wallets = {"from": "Spot Wallet", "to": "Futures Wallet"}
            refids += _refid(kraken.signed("WalletTransfer", asset="XBT", amount=amount, **wallets))
        case ("WithdrawCancel", number) if refids:
            kraken.signed("WithdrawCancel", asset="XBT", refid=refids[number % len(refids)])
        case ("wait", seconds):
            clock.advance(kraken.sandbox, seconds)


def _refid(reply):
    return [reply.result["refid"]] if reply.json["error"] == [] else []


def _gone(sandbox):
    """What has left the family for good, or is about to."""
    connection = sandbox.database.connection()
    acme = accounts.known(connection, "acme").id
    paid = [row for way in ("withdrawal", "wallet-transfer") for row in funds.payments(connection, acme, way)]
    parts = (row.details[part] for row in paid if not row.cancelled for part in ("amount", "fee"))
    return sum(map(Decimal, parts), Decimal(0))


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
def test_no_sequence_of_transfers_and_withdrawals_makes_or_loses_money(steps):
    with tempfile.TemporaryDirectory() as folder:
        sandbox = open_sandbox(Path(folder) / "sandbox.db")
        clock.freeze(sandbox, NOW)
        kraken = Caller(sandbox, seed.seed_account(sandbox, username="acme", email="a@acme.example"))
        family(kraken, "one", "two")
        bitcoin = rails.named("XXBT", "Bitcoin")
        with sandbox.database.write() as connection:
            acme = accounts.known(connection, "acme").id
            funds.add_withdraw_address(connection, acme, name="cold", scope=bitcoin.id, address="bc1q")
        refids: list[str] = []
        for step in steps:
            _do(kraken, step, refids)
            clock.advance(sandbox, 2)  # so that no call is refused for its rate
            balances = [held(sandbox, name) for name in ("acme", "one", "two")]
            assert min(balances) >= 0
            assert sum(balances) + _gone(sandbox) == Decimal("4.25")
        sandbox.close()


def test_an_iiban_is_written_with_spaces_or_without(kraken):
    iibans = family(kraken, "desk")
    plain = {name: iiban.replace(" ", "") for name, iiban in iibans.items()}
    assert transfer(kraken, plain["acme"], iibans["desk"]).result["status"] == "complete"
    assert transfer(kraken, plain["desk"], plain["acme"]).result["status"] == "complete"
    assert transfer(kraken, "ac me", "desk").error == "EGeneral:Invalid arguments:from"


@pytest.mark.parametrize(
    ("switch", "other"), [("withdraw-funds", "modify-trades"), ("modify-trades", "withdraw-funds")]
)
def test_the_permission_it_takes_is_a_switch(kraken, switch, other):
    family(kraken, "desk")
    set_switch(kraken.sandbox, "account-transfer-permission", switch)
    keys = {code: seed.seed_website_key(kraken.sandbox, "acme", code, [code]) for code in (switch, other)}
    assert transfer(kraken, "acme", "desk", key=keys[switch]).result
    assert transfer(kraken, "acme", "desk", key=keys[other]).error == "EGeneral:Permission denied"
