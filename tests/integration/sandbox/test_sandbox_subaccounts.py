"""From a request for a sub-account to one that is ready, with and without somebody who sets it up."""

from __future__ import annotations

import re

import pytest
from sandbox_caller import Caller, pair

from krakenctl.errors import UsageError
from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

DESK = {"username": "acme-desk", "email": "desk@acme.example"}


def owned(db, owner):
    sandbox = open_sandbox(db, owner=owner)
    return Caller(sandbox, seed.seed_account(sandbox, username="acme", email="a@acme.example"))


def test_a_sub_account_whose_owner_is_there_is_ready_at_once(db):
    told = []
    kraken = owned(db, told.append)
    assert kraken.signed("CreateSubaccount", **DESK).json == {"error": [], "result": True}
    [set_up] = told
    assert (set_up.username, set_up.email) == ("acme-desk", "desk@acme.example")
    assert set_up.token.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert re.fullmatch(r"AA\d\d( [A-Z0-9]{4}){3}", set_up.iiban)
    issued = kraken.issue("bot", "funds_query", token=set_up.token["access_token"])
    assert kraken.signed("GetApiKeyInfo", pair(issued)).result["iban"] == set_up.iiban
    assert kraken.listed() == []
    assert set_up.token["access_token"] not in repr(set_up)
    kraken.sandbox.close()


def test_a_sub_account_waits_for_its_owner(kraken):
    assert kraken.signed("CreateSubaccount", as_json=True, **DESK).result is True
    token = seed.authorise(kraken.sandbox, "acme-desk")
    assert kraken.oauth("GET", "/oauth/userinfo", token=token["access_token"]).result["email"] == DESK["email"]
    iiban = kraken.oauth("GET", "/oauth/userinfo", token=token["access_token"]).result["iban"]
    again = seed.authorise(kraken.sandbox, "acme-desk")
    assert kraken.oauth("GET", "/oauth/userinfo", token=again["access_token"]).result["iban"] == iiban


@pytest.mark.parametrize("failure", [OSError("/home/me/tokens is full"), ValueError("secret")])
def test_an_owner_who_cannot_be_told_leaves_the_sub_account_pending(db, failure):
    told = []

    def owner(set_up):
        told.append(set_up)
        raise failure

    kraken = owned(db, owner)
    assert kraken.signed("CreateSubaccount", **DESK).result is True
    assert kraken.oauth("GET", "/oauth/userinfo", token=told[0].token["access_token"]).status == 401
    assert kraken.errors.getvalue() == (
        f"sandbox: the owner of 'acme-desk' could not be told: {type(failure).__name__}\n"
    )
    assert seed.authorise(kraken.sandbox, "acme-desk")["access_token"]
    kraken.sandbox.close()


def test_an_interrupted_owner_leaves_the_sub_account_pending_and_the_interrupt_goes_on(db):
    def owner(_):
        raise KeyboardInterrupt

    kraken = owned(db, owner)
    with pytest.raises(KeyboardInterrupt):
        kraken.signed("CreateSubaccount", **DESK)
    assert kraken.signed("CreateSubaccount", **DESK).error == "EGeneral:Invalid arguments:username"
    kraken.sandbox.close()


def test_only_a_master_makes_sub_accounts(kraken):
    single = seed.seed_account(kraken.sandbox, username="solo", email="s@acme.example", master=False)
    key = (single.public_key, single.secret)
    assert kraken.signed("CreateSubaccount", key, **DESK).error == "EGeneral:Permission denied"
    set_switch(kraken.sandbox, "institutional", "no")
    assert kraken.signed("CreateSubaccount", **DESK).error == "EAccount:Invalid permissions"


@pytest.mark.parametrize(("switch", "held"), [("withdraw-funds", "modify-trades"), ("modify-trades", "withdraw-funds")])
def test_the_permission_it_takes_is_a_switch(kraken, switch, held):
    key = seed.seed_website_key(kraken.sandbox, "acme", "mine", [held])
    set_switch(kraken.sandbox, "create-subaccount-permission", switch)
    assert kraken.signed("CreateSubaccount", key, **DESK).error == "EGeneral:Permission denied"
    set_switch(kraken.sandbox, "create-subaccount-permission", held)
    assert kraken.signed("CreateSubaccount", key, **DESK).result is True


def test_a_username_is_used_once(kraken):
    kraken.signed("CreateSubaccount", **DESK)
    assert kraken.signed("CreateSubaccount", **DESK).error == "EGeneral:Invalid arguments:username"
    set_switch(kraken.sandbox, "duplicate-username-error", "EAccount:Taken")
    assert kraken.signed("CreateSubaccount", **DESK).error == "EAccount:Taken"


@pytest.mark.parametrize(
    ("field", "value"), [("username", ""), ("username", 5), ("email", "nobody"), ("email", "@" * 129), ("email", None)]
)
def test_a_bad_argument_is_named(kraken, field, value):
    reply = kraken.signed("CreateSubaccount", as_json=True, **DESK | {field: value})
    assert reply.error == f"EGeneral:Invalid arguments:{field}"


def test_helpers_name_what_is_not_there(kraken):
    with pytest.raises(UsageError, match="no account “nobody”"):
        seed.authorise(kraken.sandbox, "nobody")
    with pytest.raises(UsageError, match="no key “x”"):
        seed.delete_key(kraken.sandbox, "acme", "x")
    with pytest.raises(UsageError, match="already has"):
        seed.seed_website_key(kraken.sandbox, "acme", "master", [])
    with pytest.raises(UsageError, match="no such permission"):
        seed.seed_website_key(kraken.sandbox, "acme", "x", ["fly"])


@pytest.mark.parametrize(("by", "code"), [("spec", "withdraw-funds"), ("guide", "modify-trades")])
def test_the_permission_it_takes_is_what_the_sources_say_unless_it_is_named(kraken, by, code):
    key = seed.seed_website_key(kraken.sandbox, "acme", "mine", [code])
    set_switch(kraken.sandbox, "permissions-by", by)
    assert kraken.signed("CreateSubaccount", key, **DESK).result is True
