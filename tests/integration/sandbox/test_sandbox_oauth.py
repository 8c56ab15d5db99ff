"""Tokens: how a code becomes one, who may call, what a new pair does to the old, and what the file keeps of them."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_browser import CLIENT, VERIFIER, Browser, add_client, challenge, token
from sandbox_caller import NOW

from krakenctl.model.permission import SCOPE_PREFIX
from krakenctl.sandbox import clock
from krakenctl.sandbox.connect.scopes import INFO, READ, WRITE
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

WHERE = {"client_id": "app", "redirect_uri": "https://app.example/back"}


@pytest.fixture
def browser(kraken):
    return Browser(kraken).sign_in()


def is_alive(kraken, access_token):
    return kraken.oauth("GET", "/oauth/userinfo", token=access_token).status == 200


def refused(reply):
    return (reply.status, reply.json["error"])


@pytest.mark.parametrize(("switch", "fields"), [("bare", {"result"}), ("envelope", {"error", "result"})])
def test_what_oauth_answers_stands_alone_or_in_the_envelope(kraken, switch, fields):
    set_switch(kraken.sandbox, "oauth-answer", switch)
    named = {"api_key_name": "bot"}
    calls = [kraken.keys("POST", named), kraken.keys("PUT", named), kraken.keys("GET"), kraken.keys("DELETE", named)]
    assert {frozenset(call.json) for call in (*calls, kraken.oauth("GET", "/oauth/userinfo"))} == {frozenset(fields)}
    assert kraken.keys("DELETE", named).json.keys() == {"error"}


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


def test_seeding_again_mints_beside_the_old_token(kraken):
    second = seed.seed_account(kraken.sandbox, username="acme", email="desk@acme.example")
    assert second.iiban == kraken.master.iiban
    assert second.public_key != kraken.master.public_key
    for pair in (kraken.master.token, second.token):
        assert is_alive(kraken, pair["access_token"])


@pytest.mark.parametrize(("kills", "survives"), [("all", False), ("pair", True)])
def test_a_refresh_kills_every_earlier_token_of_its_client_or_only_its_own_pair(kraken, kills, survives):
    set_switch(kraken.sandbox, "new-token-kills", kills)
    second = seed.authorise(kraken.sandbox, "acme")
    assert kraken.refresh(second["refresh_token"]).status == 200
    assert is_alive(kraken, kraken.master.token["access_token"]) is survives
    assert not is_alive(kraken, second["access_token"])


def test_another_accounts_token_survives_a_refresh(kraken):
    other = seed.seed_account(kraken.sandbox, username="other", email="o@acme.example")
    kraken.refresh(kraken.master.token["refresh_token"])
    assert is_alive(kraken, other.token["access_token"])


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


def test_nothing_seeded_shows_its_secrets(kraken):
    shown = repr(kraken.master)
    assert kraken.master.secret not in shown
    assert kraken.master.token["access_token"] not in shown


def test_a_code_becomes_a_pair_with_the_scopes_that_were_asked_for(kraken, browser):
    pair = token(kraken, code=browser.code(scope=INFO)).json
    assert pair["token_type"] == "bearer"
    assert is_alive(kraken, pair["access_token"])
    assert kraken.keys("GET", token=pair["access_token"]).status == 403


def test_a_new_pair_kills_the_old_one_of_the_same_client_at_once(kraken, browser):
    first = token(kraken, code=browser.code()).json
    second = token(kraken, code=browser.code()).json
    assert not is_alive(kraken, first["access_token"])
    assert refused(kraken.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert is_alive(kraken, second["access_token"])


@pytest.mark.parametrize("refreshed", [False, True])
def test_a_code_that_comes_twice_gets_nothing_and_kills_what_came_from_it(kraken, browser, refreshed):
    code = browser.code()
    pair = token(kraken, code=code).json
    if refreshed:
        pair = kraken.refresh(pair["refresh_token"]).json
    assert refused(token(kraken, code=code)) == (400, "invalid_grant")
    assert not is_alive(kraken, pair["access_token"])
    assert kraken.refresh(pair["refresh_token"]).status == 400


def test_a_code_that_comes_twice_may_do_no_harm(kraken, browser):
    set_switch(kraken.sandbox, "code-reuse-kills", "nothing")
    code = browser.code()
    pair = token(kraken, code=code).json
    assert refused(token(kraken, code=code)) == (400, "invalid_grant")
    assert is_alive(kraken, pair["access_token"])


@pytest.mark.parametrize(("fields", "error"), [({"code": "x"}, "invalid_grant"), ({}, "invalid_request")])
def test_a_refused_grant_may_be_a_401(kraken, fields, error):
    set_switch(kraken.sandbox, "token-error-status", "401")
    reply = token(kraken, **fields)
    assert refused(reply) == (401, error)
    assert "WWW-Authenticate" not in reply.headers


def test_somebody_elses_replay_kills_nothing(kraken, browser):
    secret = add_client(kraken, confidential=True)
    code = browser.code()
    pair = token(kraken, code=code).json
    assert refused(token(kraken, f"app:{secret}", code=code)) == (400, "invalid_grant")
    assert is_alive(kraken, pair["access_token"])


def test_a_code_lives_ten_minutes(kraken, browser):
    early, late = browser.code(), browser.code()
    clock.advance(kraken.sandbox, 599)
    assert token(kraken, code=early).status == 200
    clock.advance(kraken.sandbox, 1)
    assert refused(token(kraken, code=late)) == (400, "invalid_grant")


def test_a_code_is_good_only_for_the_address_that_it_was_sent_to(kraken, browser):
    elsewhere = "http://127.0.0.1:1/callback"
    code = browser.code()
    assert refused(token(kraken, code=code, redirect_uri=elsewhere)) == (400, "invalid_grant")
    assert token(kraken, code=code).status == 200


@pytest.mark.parametrize("verifier", ["0123456789abcdef0123456789abcdef01234567", "v" * 128, "~._-" * 5])
def test_a_code_with_a_challenge_needs_its_verifier(kraken, browser, verifier):
    code = browser.code(**challenge(verifier))
    for wrong in ({}, {"code_verifier": verifier[:-1] + "x"}, {"code_verifier": challenge(verifier)["code_challenge"]}):
        assert refused(token(kraken, code=code, **wrong)) == (400, "invalid_grant")
    assert token(kraken, code=code, code_verifier=verifier).status == 200


def test_a_verifier_without_a_challenge_proves_that_somebody_took_the_challenge_out(kraken, browser):
    assert refused(token(kraken, code=browser.code(), code_verifier=VERIFIER)) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["short", "v" * 129, "v" * 42 + "ä"])
def test_a_verifier_of_another_shape_proves_nothing(kraken, browser, verifier):
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = browser.code(code_challenge=digest, code_challenge_method="S256")
    assert refused(token(kraken, code=code, code_verifier=verifier)) == (400, "invalid_grant")


def test_a_confidential_client_proves_itself_with_its_secret_and_gets_a_day(kraken, browser):
    secret = add_client(kraken, confidential=True)
    fields = {"code": browser.code(**WHERE), "redirect_uri": WHERE["redirect_uri"]}
    for wrong in ("app:", "app:wrong", f"app:{secret}x", f"{CLIENT}:{secret}"):
        assert refused(token(kraken, wrong, **fields)) == (401, "invalid_client")
    pair = token(kraken, f"app:{secret}", **fields).json
    assert pair["expires_in"] == 86400
    assert refused(kraken.refresh(pair["refresh_token"])) == (400, "invalid_grant")
    assert kraken.refresh(pair["refresh_token"], f"app:{secret}").status == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"code": "x", "redirect_uri": ""}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "password", "code": "x"}, "unsupported_grant_type"),
        ({"code": "never told"}, "invalid_grant"),
    ],
)
def test_a_bad_token_request_is_told_in_the_words_of_oauth(kraken, fields, error):
    reply = token(kraken, **fields)
    assert refused(reply) == (400, error)
    assert reply.json["error_description"]


def test_the_answer_can_be_a_form_as_the_spec_labels_it(kraken):
    set_switch(kraken.sandbox, "token-answer", "form")
    reply = kraken.refresh(kraken.master.token["refresh_token"])
    fields = dict(parse_qsl(reply.body.decode()))
    assert reply.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert fields["expires_in"] == "14400"
    assert is_alive(kraken, fields["access_token"])


def test_listing_can_be_allowed_by_the_scope_that_the_spec_does_list(kraken):
    writer = seed.authorise(kraken.sandbox, "acme", scopes=[WRITE])["access_token"]
    reader = seed.authorise(kraken.sandbox, "acme", scopes=[READ])["access_token"]
    assert [kraken.keys("GET", token=t).status for t in (writer, reader)] == [403, 200]
    set_switch(kraken.sandbox, "list-scope", "write")
    assert [kraken.keys("GET", token=t).status for t in (writer, reader)] == [200, 403]


@pytest.mark.parametrize(("fate", "left"), [("keep", ["bot"]), ("delete", [])])
def test_a_withdrawn_consent_kills_tokens_and_codes_and_by_a_switch_the_keys(kraken, browser, fate, left):
    set_switch(kraken.sandbox, "withdrawn-consent-keys", fate)
    kraken.issue("bot")
    code = browser.code()
    seed.withdraw_consent(kraken.sandbox, "acme", CLIENT)
    assert not is_alive(kraken, kraken.master.token["access_token"])
    assert kraken.refresh(kraken.master.token["refresh_token"]).status == 400
    assert token(kraken, code=code).status == 400
    again = seed.authorise(kraken.sandbox, "acme")["access_token"]
    assert [key["api_key_name"] for key in kraken.listed(token=again)] == left
    assert kraken.signed("GetApiKeyInfo").result["api_key_name"] == "master"


def bearer_call(kraken, call, access_token):
    return kraken.send("POST", f"/0/private/{call}", b'{"nonce": 1}', HTTP_AUTHORIZATION=f"Bearer {access_token}")


def test_a_bearer_token_signs_nothing_unless_the_switch_says_so(kraken):
    narrow = seed.authorise(kraken.sandbox, "acme", scopes=[SCOPE_PREFIX + "funds-query"])["access_token"]
    assert bearer_call(kraken, "Balance", narrow).error == "EAPI:Invalid key"
    set_switch(kraken.sandbox, "bearer-on-private", "accept")
    assert bearer_call(kraken, "Balance", narrow).result
    assert bearer_call(kraken, "Ledgers", narrow).error == "EGeneral:Permission denied"
    assert bearer_call(kraken, "GetApiKeyInfo", narrow).result["permissions"] == ["query-funds"]
    assert bearer_call(kraken, "Balance", "gone").status == 401
    assert kraken.signed("Balance").result


LAWFUL = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAWFUL
@given(steps=st.lists(st.tuples(st.sampled_from(["code", "refresh"]), st.integers(0, 9)), max_size=9))
def test_a_code_or_refresh_token_never_works_twice_and_only_the_newest_pair_lives(kraken, steps):
    browser, told, spent = Browser(kraken).sign_in(), [seed.authorise(kraken.sandbox, "acme")], set()
    codes = [browser.code() for _ in range(3)]
    for sort, number in steps:
        if sort == "code":
            thing = codes[number % len(codes)]
            reply = token(kraken, code=thing)
        else:
            thing = told[number % len(told)]["refresh_token"]
            reply = kraken.refresh(thing)
        assert reply.status == 400 or thing not in spent
        spent.add(thing)
        if reply.status == 200:
            assert not any(is_alive(kraken, pair["access_token"]) for pair in told)
            told.append(reply.json)
            assert is_alive(kraken, told[-1]["access_token"])


def test_the_file_holds_no_token_code_verifier_or_client_secret(kraken, browser, db):
    secret = add_client(kraken, confidential=True)
    used, unused = browser.code(**challenge()), browser.code()
    pair = token(kraken, code=used, code_verifier=VERIFIER).json
    mine = token(kraken, f"app:{secret}", code=browser.code(**WHERE), redirect_uri=WHERE["redirect_uri"]).json
    told = [
        secret,
        used,
        unused,
        VERIFIER,
        *(p[f"{sort}_token"] for p in (pair, mine) for sort in ("access", "refresh")),
    ]
    told += [kraken.master.token["access_token"], kraken.master.token["refresh_token"]]
    kept = b"".join(path.read_bytes() for path in db.parent.glob(db.name + "*"))
    assert b"https://app.example/back" in kept
    assert [text for text in told if text.encode() in kept] == []
