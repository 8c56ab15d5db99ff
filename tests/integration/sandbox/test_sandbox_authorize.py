"""The authorize page: who is asked, who is sent back where, and what an approval is worth."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_browser import BACK, CLIENT, Browser, add_client, asked, challenge, token, told

from krakenctl.errors import UsageError
from krakenctl.model.permission import SPELLINGS
from krakenctl.sandbox.connect import scopes
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

QUERY, WITHDRAW = scopes.SCOPE_PREFIX + "funds-query", scopes.SCOPE_PREFIX + "funds-withdraw"
ADDRESS = scopes.SCOPE_PREFIX + "withdrawal-address-add"


@pytest.fixture
def browser(kraken):
    return Browser(kraken).sign_in()


def text(reply):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.body.decode())).split())


def test_an_approval_goes_back_with_a_code_that_becomes_a_token(kraken, browser):
    answer = told(browser.decide("approve"))
    assert answer.keys() == {"code", "state"}
    pair = token(kraken, code=answer["code"]).json
    assert kraken.oauth("GET", "/oauth/userinfo", token=pair["access_token"]).result["iban"] == kraken.master.iiban


def test_a_denial_goes_back_with_access_denied(browser):
    assert told(browser.decide("deny")) == {"error": "access_denied", "state": "s t"}


def test_without_a_state_none_comes_back(browser):
    assert told(browser.decide("deny", state=None)) == {"error": "access_denied"}


def test_the_page_names_the_client_the_account_and_every_scope(kraken, browser):
    add_client(kraken, name="<b>Bold & Sons</b>")
    page = browser.ask(client_id="app", redirect_uri="https://app.example/back", scope=f"{scopes.INFO} {WITHDRAW}")
    assert b"<b>Bold" not in page.body
    shown = text(page)
    assert "Connect <b>Bold & Sons</b> to your account?" in shown
    assert "acme" in shown
    assert "app.example" in shown
    assert "See the e-mail address and the IIBAN of the account" in shown
    assert "Funds permissions – Withdraw” sensitive" in shown
    assert "Query" not in shown


def test_no_scope_means_every_scope_of_the_client(kraken, browser):
    add_client(kraken, scopes=[scopes.INFO, QUERY])
    where = {"client_id": "app", "redirect_uri": "https://app.example/back"}
    assert text(browser.ask(**where)).count("Give keys the permission") == 1
    assert text(browser.ask()).count("Give keys the permission") == len(SPELLINGS) - 3


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(kraken):
    reply = Browser(kraken).ask()
    assert reply.status == 303
    assert reply.headers["Location"].startswith("/sign-in?next=/oauth/authorize%3Fclient_id%3D")
    posted = Browser(kraken).decide("approve", csrf="x")
    assert posted.headers["Location"].startswith("/sign-in?next=")


def test_an_approval_needs_the_form_of_the_page(browser):
    assert browser.decide("approve", csrf="guessed").status == 403
    assert browser.decide("perhaps").status == 400


@pytest.mark.parametrize("language", ["en-us", "es-es", "fr", "zh-cn"])
def test_the_page_is_served_under_krakens_languages(browser, language):
    assert browser.ask(f"/{language}/oauth/authorize").status == 200


def test_there_is_no_page_under_another_language(browser):
    assert browser.ask("/tlh/oauth/authorize").status == 404


@pytest.mark.parametrize(
    "query",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": [CLIENT, CLIENT]},
        {"redirect_uri": None},
        {"redirect_uri": [BACK, BACK]},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:80@evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1/callback/../x"},
        {"redirect_uri": "http://127.0.0.1/callback#x"},
        {"redirect_uri": "http://127.0.0.1/callback\n"},
        {"redirect_uri": "https://127.0.0.1/callback"},
    ],
)
@pytest.mark.parametrize("consent", ["ask", "auto", "server_error"])
def test_a_stranger_is_told_to_the_person_and_never_redirected(kraken, browser, query, consent):
    set_switch(kraken.sandbox, "consent", consent)
    reply = browser.ask(**query)
    assert (reply.status, "Location" in reply.headers) == (400, False)


@pytest.mark.parametrize(("uri", "says"), [(None, "there is no redirect_uri"), ("http://127.0.0.1", "has no such")])
def test_a_redirect_uri_that_cannot_be_is_told_with_those_that_can(browser, uri, says):
    page = browser.ask(redirect_uri=uri).body.decode()
    assert says in page
    assert "http://127.0.0.1/callback, http://[::1]/callback" in page


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/callback", "http://[::1]:5/callback", "http://localhost:65535/callback"]
)
def test_the_default_client_may_listen_on_any_loopback_port(browser, uri):
    reply = browser.decide("deny", redirect_uri=uri)
    assert reply.headers["Location"].startswith(f"{uri}?error=")


def test_a_redirect_uri_keeps_its_own_query(kraken, browser):
    add_client(kraken, redirect_uris=["https://app.example/back?tenant=7"])
    reply = browser.decide("deny", client_id="app", redirect_uri="https://app.example/back?tenant=7")
    assert told(reply) == {"tenant": "7", "error": "access_denied", "state": "s t"}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ["a", "b"]}, "invalid_request"),
        ({"preferTheme": ["dark", "dark"]}, "invalid_request"),
        ({"preferTheme": "blue"}, "invalid_request"),
        ({"scope": "account.info:everything"}, "invalid_scope"),
        ({"scope": f"{scopes.INFO}  {QUERY}"}, "invalid_scope"),
        ({"scope": ADDRESS}, "invalid_scope"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": challenge()["code_challenge"]}, "invalid_request"),
        (challenge() | {"code_challenge_method": "plain"}, "invalid_request"),
        (challenge() | {"code_challenge": "x" * 42}, "invalid_request"),
    ],
)
def test_a_bad_request_goes_back_with_the_specs_error_and_the_state(kraken, query, error):
    assert told(Browser(kraken).ask(**query)) == {"error": error, "state": "s t"}


@pytest.mark.parametrize("theme", ["dark", "light", ""])
def test_a_theme_is_dark_or_light(browser, theme):
    assert "code" in told(browser.decide("approve", preferTheme=theme))


def test_a_repeated_state_is_not_sent_back(kraken):
    assert told(Browser(kraken).ask(state=["a", "b"])) == {"error": "invalid_request"}


def test_a_scope_that_the_client_does_not_have_is_invalid(kraken, browser):
    add_client(kraken, scopes=[scopes.INFO])
    reply = browser.ask(client_id="app", redirect_uri="https://app.example/back", scope=QUERY)
    assert told(reply)["error"] == "invalid_scope"


def test_pkce_can_be_required_of_public_clients(kraken, browser):
    set_switch(kraken.sandbox, "pkce-public", "required")
    add_client(kraken, confidential=True)
    assert told(browser.ask())["error"] == "invalid_request"
    assert browser.ask(**challenge()).status == 200
    assert browser.ask(client_id="app", redirect_uri="https://app.example/back").status == 200


@pytest.mark.parametrize("error", ["access_denied", "unauthorized_client", "server_error", "temporarily_unavailable"])
def test_the_sandbox_can_answer_any_error_of_the_spec(kraken, error):
    set_switch(kraken.sandbox, "consent", error)
    assert told(Browser(kraken).ask()) == {"error": error, "state": "s t"}


def test_consent_can_be_automatic(kraken):
    set_switch(kraken.sandbox, "consent", "auto")
    assert token(kraken, code=told(Browser(kraken).ask())["code"]).status == 200


def test_automatic_consent_asks_who_it_is_when_there_are_several_accounts(kraken):
    set_switch(kraken.sandbox, "consent", "auto")
    other = seed.seed_account(kraken.sandbox, username="other", email="o@acme.example")
    assert Browser(kraken).ask().status == 303
    pair = token(kraken, code=told(Browser(kraken).sign_in("other").ask())["code"]).json
    assert kraken.oauth("GET", "/oauth/userinfo", token=pair["access_token"]).result["iban"] == other.iiban


def test_a_browser_may_follow_from_the_sign_in_form_to_the_client(kraken, browser):
    set_switch(kraken.sandbox, "consent", "auto")
    seed.seed_account(kraken.sandbox, username="other", email="o@acme.example")
    form = browser.send("GET", Browser(kraken).ask().headers["Location"])
    assert "form-action" not in form.headers["Content-Security-Policy"]
    assert "form-action 'self'" in browser.send("GET", "/sign-in").headers["Content-Security-Policy"]


def test_the_address_scopes_can_be_asked_for_when_the_switch_grants_them(kraken, browser):
    set_switch(kraken.sandbox, "address-scopes", "granted")
    assert "Add withdrawal addresses” sensitive" in text(browser.ask(scope=ADDRESS))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"client": "with:colon"}, "letters, digits"),
        ({"client": CLIENT}, "already has"),
        ({"name": " "}, "a name"),
        ({"redirect_uris": []}, "needs a redirect URI"),
        ({"redirect_uris": ["http://app.example/back"]}, "cannot have the redirect URI"),
        ({"redirect_uris": ["https://app.example/back#x"]}, "cannot have the redirect URI"),
        ({"redirect_uris": ["https://[::1/back"]}, "cannot have the redirect URI"),
        ({"redirect_uris": ["https://me@app.example/back"]}, "cannot have the redirect URI"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "cannot have the redirect URI"),
        ({"redirect_uris": ["https://app.example/\r\nX: y"]}, "cannot have the redirect URI"),
        ({"scopes": ["account.info:everything"]}, "has no scope"),
    ],
)
def test_a_client_that_could_not_work_is_not_added(kraken, wrong, complaint):
    with pytest.raises(UsageError, match=complaint):
        add_client(kraken, **wrong)


LAWFUL = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTILE = st.sampled_from(
    [
        CLIENT,
        BACK,
        "http://127.0.0.1/callback",
        "http://127.0.0.1:1/callback?x",
        "http://127.0.0.1:1@evil.example/callback",
        "//evil.example",
        "https://evil.example",
        "code",
        "S256",
        "\r\nLocation: https://evil.example",
    ]
)
NAMES = st.sampled_from(
    [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "preferTheme",
        "code_challenge",
        "code_challenge_method",
    ]
) | st.text(max_size=5)
PAIRS = st.lists(st.tuples(NAMES, HOSTILE | st.text(max_size=20)), max_size=8)
RAW = st.text(st.characters(max_codepoint=255), max_size=60)


@LAWFUL
@given(more=PAIRS, raw=RAW, method=st.sampled_from(["GET", "POST"]), consent=st.sampled_from(["ask", "auto"]))
def test_whatever_is_asked_nobody_is_sent_to_an_address_that_is_not_registered(kraken, more, raw, method, consent):
    set_switch(kraken.sandbox, "consent", consent)
    for begun in ("", asked() + "&"):
        query = begun + urlencode(more, errors="replace") + raw
        reply = kraken.send(method, f"/oauth/authorize?{query}", raw.encode())
        assert reply.status in (200, 302, 303, 400, 403)
        where = reply.headers.get("Location", "/sign-in?")
        assert re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?/callback\?|/sign-in\?", where), where
        assert "\n" not in where


@LAWFUL
@given(state=st.binary(min_size=1, max_size=40))
def test_a_state_comes_back_byte_by_byte(kraken, state):
    reply = Browser(kraken).ask(response_type="token", state=state)
    assert told(reply)["state"].encode("latin-1") == state
