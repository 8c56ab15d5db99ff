"""Tokens: who may call, what a refresh does to the old pair, and what the file keeps of them."""

from __future__ import annotations

import pytest
from sandbox_caller import NOW

from krakenctl.sandbox import clock, seed
from krakenctl.sandbox.switches import set_switch
from krakenctl.sandbox.tokens import INFO, READ, WRITE


def test_userinfo_tells_email_and_iiban(kraken):
    assert kraken.oauth("GET", "/oauth/userinfo").result == {"email": "desk@acme.example", "iban": kraken.master.iiban}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer \ud800"])
def test_without_a_living_token_nothing_is_answered(kraken, header):
    reply = kraken.send("GET", "/oauth/userinfo", HTTP_AUTHORIZATION=header)
    assert (reply.status, reply.error) == (401, "ESession:Invalid session")


def test_a_refresh_answers_a_new_pair_and_kills_the_old_one_at_once(kraken):
    old = kraken.master.token
    new = kraken.refresh(old["refresh_token"]).json
    assert {key: new[key] for key in ("token_type", "expires_in")} == {"token_type": "bearer", "expires_in": 14400}
    assert kraken.oauth("GET", "/oauth/userinfo", token=new["access_token"]).result
    assert kraken.oauth("GET", "/oauth/userinfo", token=old["access_token"]).status == 401
    again = kraken.refresh(old["refresh_token"])
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


def test_tokens_end_when_their_time_is_over(kraken):
    new = kraken.refresh(kraken.master.token["refresh_token"]).json
    clock.advance(kraken.sandbox, 14399)
    assert kraken.oauth("GET", "/oauth/userinfo", token=new["access_token"]).status == 200
    clock.advance(kraken.sandbox, 1)
    assert kraken.oauth("GET", "/oauth/userinfo", token=new["access_token"]).status == 401
    clock.freeze(kraken.sandbox, NOW + 30 * 86400)
    assert kraken.refresh(new["refresh_token"]).status == 400


def test_a_seeded_token_outlives_a_demo(kraken):
    clock.advance(kraken.sandbox, 9 * 365 * 86400)
    assert kraken.oauth("GET", "/oauth/userinfo").status == 200


@pytest.mark.parametrize("client", ["krakenctl-sandbox:secret", "somebody:", "krakenctl-sandbox", ""])
def test_only_our_client_may_refresh(kraken, client):
    reply = kraken.refresh(kraken.master.token["refresh_token"], client)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert kraken.oauth("GET", "/oauth/userinfo").status == 200


def test_seeding_again_mints_beside_the_old_token_unless_the_switch_says_so(kraken):
    def seed_again():
        return seed.seed_account(kraken.sandbox, username="acme", email="desk@acme.example")

    second = seed_again()
    assert second.iiban == kraken.master.iiban
    assert second.public_key != kraken.master.public_key
    assert kraken.oauth("GET", "/oauth/userinfo").status == 200
    set_switch(kraken.sandbox, "new-token-kills", "all")
    third = seed_again()
    assert kraken.oauth("GET", "/oauth/userinfo").status == 401
    assert kraken.oauth("GET", "/oauth/userinfo", token=third.token["access_token"]).status == 200


@pytest.mark.parametrize(
    ("scopes", "method", "path", "body"),
    [
        ((READ, WRITE), "GET", "/oauth/userinfo", None),
        ((INFO, WRITE), "GET", "/oauth/fast-api-key", None),
        ((INFO, READ), "POST", "/oauth/fast-api-key", {"api_key_name": "bot"}),
        ((INFO, READ), "DELETE", "/oauth/fast-api-key", {"api_key_name": "bot"}),
        ((WRITE,), "POST", "/oauth/fast-api-key", {"api_key_name": "bot", "permissions": {"funds_withdraw": True}}),
    ],
)
def test_a_token_does_only_what_its_scopes_name(kraken, scopes, method, path, body):
    token = seed.authorise(kraken.sandbox, "acme", scopes=scopes)["access_token"]
    reply = kraken.oauth(method, path, body, token=token)
    assert (reply.status, reply.error) == (403, "EGeneral:Permission denied")
    assert kraken.listed() == []


def test_dead_tokens_and_missing_scopes_can_answer_otherwise(kraken):
    set_switch(kraken.sandbox, "dead-token-answer", "EAPI:Invalid key")
    set_switch(kraken.sandbox, "missing-scope-answer", "401")
    dead = kraken.oauth("GET", "/oauth/userinfo", token="gone")
    assert (dead.status, dead.error) == (200, "EAPI:Invalid key")
    token = seed.authorise(kraken.sandbox, "acme", scopes=[READ])["access_token"]
    assert kraken.oauth("GET", "/oauth/userinfo", token=token).status == 401


def test_the_file_holds_no_token(kraken, db):
    kraken.sandbox.close()
    kept = db.read_bytes()
    for token in (kraken.master.token["access_token"], kraken.master.token["refresh_token"]):
        assert token.encode() not in kept


def test_nothing_seeded_shows_its_secrets(kraken):
    shown = repr(kraken.master)
    assert kraken.master.secret not in shown
    assert kraken.master.token["access_token"] not in shown
