"""Deeds that come late: nobody hears of them when they are asked for."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fnmatch import fnmatchcase
from typing import Any

import pytest
from sandbox_caller import NOW, Caller
from sandbox_mischief import INFO, ISSUE, counts, names, on_website, set_fault

from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import late
from krakenctl.sandbox.faults.kinds import KINDS
from krakenctl.sandbox.guards import Bearer, Signed
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.routes import ROUTES

CANARY = "canary-Zq7"


def give_up(kraken: Caller, name: str, **told: Any) -> None:
    set_fault(kraken, "late-deed", endpoint=ISSUE, **told)
    with pytest.raises(ConnectionError):
        kraken.issue(name, "funds_query")


def test_a_late_deed_happens_at_its_time_and_not_before(kraken):
    give_up(kraken, "bot", seconds=30)
    assert names(kraken) == []
    clock.advance(kraken.sandbox, 29)
    assert names(kraken) == []
    clock.advance(kraken.sandbox, 500)
    [key] = kraken.listed()
    assert (key["api_key_name"], key["created_time"]) == ("bot", str(NOW + 30))


def test_a_deed_that_is_not_due_is_in_nobodys_way(kraken):
    give_up(kraken, "bot")
    with ThreadPoolExecutor(1) as pool, kraken.sandbox.database.write():
        assert pool.submit(kraken.send, "GET", "/0/public/Time").result().result


def test_late_deeds_happen_in_the_order_of_their_times(kraken):
    give_up(kraken, "slow", seconds=60)
    give_up(kraken, "quick", seconds=30)
    clock.advance(kraken.sandbox, 90)
    assert names(kraken) == ["quick", "slow"]


def test_whoever_was_let_in_stays_let_in(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["withdraw-funds"])
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", key, username="late", email="l@acme.example")
    seed.delete_key(kraken.sandbox, "acme", "hand")
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed("CreateSubaccount", username="late", email="l@acme.example").error.endswith("username")


def test_who_is_not_let_in_does_nothing_late(kraken):
    key = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["query-funds"])
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", key, username="late", email="l@acme.example")
    clock.advance(kraken.sandbox, 60)
    assert kraken.signed("CreateSubaccount", username="late", email="l@acme.example").result is True


def test_a_late_deed_has_spent_its_nonce_when_it_came(kraken):
    set_fault(kraken, "late-deed", endpoint=INFO)
    with pytest.raises(ConnectionError):
        kraken.signed(INFO, nonce=9)
    assert kraken.signed(INFO, nonce=9).error == "EAPI:Invalid nonce"


def test_a_late_deed_that_is_refused_by_then_leaves_nothing(kraken):
    give_up(kraken, "bot", seconds=30)
    kraken.issue("bot")
    clock.advance(kraken.sandbox, 30)
    assert names(kraken) == ["bot"]
    assert not faults.are_set(kraken.sandbox.database.connection()) or counts(kraken) == (2, 1)


def test_a_late_deed_may_be_misissued_too(kraken):
    set_fault(kraken, "misissue", add="withdraw-funds")
    give_up(kraken, "bot")
    clock.advance(kraken.sandbox, 60)
    assert kraken.listed()[0]["permissions"]["funds_withdraw"] is True


def test_the_owner_of_a_late_sub_account_is_told_when_it_is_made(db):
    told = []
    sandbox = open_sandbox(db, owner=told.append)
    clock.freeze(sandbox, NOW)
    kraken = Caller(sandbox, seed.seed_account(sandbox, username="acme", email="desk@acme.example"))
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", username="late", email="l@acme.example")
    assert told == []
    clock.advance(sandbox, 60)
    kraken.send("GET", "/0/public/Time")
    assert [set_up.username for set_up in told] == ["late"]
    sandbox.close()


def test_a_look_at_the_file_sees_what_is_overdue(kraken, db):
    give_up(kraken, "bot")
    clock.advance(db, 60)
    assert "bot" not in on_website(kraken)
    late.catch_up(db)
    assert "bot" in on_website(kraken)


def test_clearing_faults_leaves_what_is_on_its_way(kraken):
    give_up(kraken, "bot")
    faults.clear(kraken.sandbox)
    clock.advance(kraken.sandbox, 60)
    assert names(kraken) == ["bot"]


def test_every_call_with_a_credential_can_be_late():
    only = KINDS["late-deed"].only
    for route in ROUTES:
        assert any(fnmatchcase(route.path, path) for path in only) is isinstance(route.guard, Bearer | Signed), route


def test_no_credential_is_kept_for_a_late_deed(kraken, db):
    public, secret = seed.seed_website_key(kraken.sandbox, "acme", "hand", ["withdraw-funds"])
    with opened(kraken.sandbox) as database, database.write() as connection:
        connection.execute("UPDATE key SET otp = ? WHERE name = 'hand'", (f"static:{CANARY}",))
    set_fault(kraken, "late-deed", endpoint="CreateSubaccount")
    with pytest.raises(ConnectionError):
        kraken.signed("CreateSubaccount", (public, secret), otp=CANARY, username="late", email="l@acme.example")
    give_up(kraken, "bot")
    with closing(sqlite3.connect(db)) as connection:
        rows = [*connection.execute("SELECT * FROM late_deed"), *connection.execute("SELECT * FROM fault")]
    assert len(rows) == 4
    for canary in (CANARY, secret, kraken.master.token["access_token"], kraken.master.secret):
        assert canary not in repr(rows)
