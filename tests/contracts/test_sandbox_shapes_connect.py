"""Fields and types of Kraken Connect's answers, against a copy by hand of krakenfx/api-specs oauth/openapi_v3.yaml.

What no schema says comes from krakenfx/wallet, which reads these answers in production.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.connect import scopes
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch
from krakenctl.transport.wsgi import WsgiAdapter

URL = "https://api.kraken.example"
BACK = "http://127.0.0.1:8765/callback"
NUMBER = (int, float)

KEY = {
    "api_key_name": str,
    "created_time": str,  # times are texts here and numbers below: so the spec has it
    "id": str,
    "ip_allowlist": list,
    "last_used": NUMBER,
    "modified_time": str,
    "nonce": NUMBER,
    "nonce_window": NUMBER,
    "oauth_client": str,
    "permissions": dict,
    "purpose": str,
    "query_from": NUMBER,
    "query_to": NUMBER,
    "valid_until": NUMBER,
}
ONCE = {"api_key": str, "secret": str}  # only in the answer to Create
TOKEN = {"access_token": str, "token_type": str, "expires_in": NUMBER, "refresh_token": str}
FLAGS = {
    "export_data",
    "funds_add",
    "funds_earn",
    "funds_query",
    "funds_withdraw",
    "ledger_query",
    "trades_close",
    "trades_modify",
    "trades_query_closed",
    "trades_query_open",
}
SCOPES = {
    "account.info:basic",
    "account.fast-api-key:write",
    "account.fast-api-key:funds-query",
    "account.fast-api-key:funds-add",
    "account.fast-api-key:funds-withdraw",
    "account.fast-api-key:funds-earn",
    "account.fast-api-key:trades-query-open",
    "account.fast-api-key:trades-query-closed",
    "account.fast-api-key:trades-modify",
    "account.fast-api-key:trades-close",
    "account.fast-api-key:ledger-query",
    "account.fast-api-key:export-data",
}
UNLISTED = {"account.fast-api-key:read", "account.fast-api-key:multiple"}  # needed by List; sent by krakenfx/wallet
COMMENTED_OUT = {"account.fast-api-key:withdrawal-address-add", "account.fast-api-key:withdrawal-address-update"}

# What krakenfx/wallet sends: src/api/krakenConnect/consts.ts and base/fetchFastApiKeys.ts.
WALLETS_SCOPES = (
    "account.fast-api-key:write",
    "account.fast-api-key:funds-withdraw",
    "account.fast-api-key:withdrawal-address-update",
    "account.fast-api-key:funds-query",
    "account.fast-api-key:multiple",
    "account.fast-api-key:withdrawal-address-add",
    "account.fast-api-key:funds-add",
    "account.info:basic",
)
WALLETS_FLAGS = {
    "funds_withdraw": True,
    "withdrawal_address_update": True,
    "funds_query": True,
    "withdrawal_address_add": True,
    "funds_add": True,
}
WISH = {
    "api_key_name": "krakenWalletApiKey_1605316109249",
    "ip_allowlist": None,
    "nonce_window": None,
    "permissions": {"funds_query": True},
    "query_from": 0,
    "query_to": 0,
    "valid_until": 0,
}


class Kraken:
    """The sandbox, spoken to with requests."""

    def __init__(self, sandbox, access_token):
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.mount(URL, WsgiAdapter(sandbox))
        self.bearer = {"Authorization": f"Bearer {access_token}"}

    def call(self, method, path, body=None):
        return self.http.request(method, f"{URL}/oauth/{path}", headers=self.bearer, json=body).json()

    def token(self, **fields):
        return self.http.post(f"{URL}/oauth/token", data=fields, auth=("krakenctl-sandbox", ""))

    def authorize(self, **more):
        asked = {"client_id": "krakenctl-sandbox", "redirect_uri": BACK, "response_type": "code"} | more
        reply = self.http.get(f"{URL}/oauth/authorize", params=asked, allow_redirects=False)
        assert reply.status_code == 302
        return {name: value for name, [value] in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


@pytest.fixture
def kraken(tmp_path: Path):
    sandbox = open_sandbox(tmp_path / "sandbox.db")
    account = seed.seed_account(sandbox, username="acme", email="desk@acme.example")
    yield Kraken(sandbox, account.token["access_token"])
    sandbox.close()


def has_shape(value, shape):
    return value.keys() == shape.keys() and all(
        isinstance(value[field], sort) and not isinstance(value[field], bool) for field, sort in shape.items()
    )


def test_create_answers_the_key_with_its_pair(kraken):
    answer = kraken.call("POST", "fast-api-key", WISH)
    assert answer.keys() == {"result"}
    assert has_shape(answer["result"], KEY | ONCE)
    assert answer["result"]["purpose"] == "standard"
    assert len(base64.b64decode(answer["result"]["secret"], validate=True)) == 64


@pytest.mark.parametrize("path", ["fast-api-key", "fast-api-keys"])
def test_list_answers_keys_without_their_pairs(kraken, path):
    kraken.call("POST", "fast-api-key", WISH)
    [key] = kraken.call("GET", path)["result"]
    assert has_shape(key, KEY)
    assert key["permissions"].keys() == FLAGS
    assert all(isinstance(on, bool) for on in key["permissions"].values())


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_update_and_delete_answer_true(kraken, method):
    kraken.call("POST", "fast-api-key", {"api_key_name": "bot"})
    assert kraken.call(method, "fast-api-key", {"api_key_name": "bot"})["result"] is True


def test_create_takes_every_flag_of_the_spec(kraken):
    wish = {"api_key_name": "bot", "permissions": dict.fromkeys(FLAGS, True)}
    assert kraken.call("POST", "fast-api-key", wish)["result"]["permissions"] == dict.fromkeys(FLAGS, True)


@pytest.mark.parametrize(
    ("name", "encoded"),
    {
        "a": "YQ--",
        "ci-bot-prod": "Y2ktYm90LXByb2Q-",
        ">>>": "Pj4_",
        "???": "Pz8,",
        "my key": "bXkga2V5",
        "ключ": "0LrQu9GO0Yc-",
    }.items(),
)
def test_an_id_is_the_name_in_krakens_own_base64(kraken, name, encoded):
    made = kraken.call("POST", "fast-api-key", {"api_key_name": name})["result"]["id"]
    assert made == encoded
    plain = made.translate(str.maketrans("_,-", "+/="))
    assert base64.b64decode(plain, validate=True).decode() == name


def test_userinfo_answers_email_and_iban(kraken):
    result = kraken.call("GET", "userinfo")["result"]
    assert has_shape(result, {"email": str, "iban": str})
    assert 1 <= len(result["email"]) <= 128


def test_authorize_and_token_answer_what_the_spec_says(kraken):
    set_switch(kraken.sandbox, "consent", "auto")
    back = kraken.authorize(state="opaque", preferTheme="dark")
    assert back.keys() == {"code", "state"}
    pair = kraken.token(grant_type="authorization_code", code=back["code"], redirect_uri=BACK)
    assert has_shape(pair.json(), TOKEN)
    assert has_shape(kraken.token(grant_type="refresh_token", refresh_token=pair.json()["refresh_token"]).json(), TOKEN)


@pytest.mark.parametrize("answer", ["bare", "envelope"])
def test_krakens_own_wallet_gets_its_key(kraken, answer):
    set_switch(kraken.sandbox, "oauth-answer", answer)
    set_switch(kraken.sandbox, "consent", "auto")
    set_switch(kraken.sandbox, "address-scopes", "granted")
    set_switch(kraken.sandbox, "multiple-scope", "needed")
    verifier = "7b" * 20
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    back = kraken.authorize(scope=" ".join(WALLETS_SCOPES), state=f"{challenge}%2C0", **pkce)
    assert back["state"] == f"{challenge}%2C0"
    fields = {"code": back["code"], "redirect_uri": BACK, "code_verifier": verifier}
    pair = kraken.token(grant_type="authorization_code", **fields).json()
    kraken.bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    key = kraken.call("POST", "fast-api-key", WISH | {"permissions": WALLETS_FLAGS})["result"]
    assert {flag: on for flag, on in key["permissions"].items() if on} == WALLETS_FLAGS
    assert key["api_key"]
    assert key["secret"]


def test_a_token_error_is_an_object_of_two_texts(kraken):
    refused = kraken.token(grant_type="refresh_token", refresh_token="none")
    assert refused.status_code == 400
    assert has_shape(refused.json(), {"error": str, "error_description": str})


def test_the_scopes_are_krakens(kraken):
    set_switch(kraken.sandbox, "consent", "auto")
    assert set(scopes.ALL) == SCOPES | UNLISTED | COMMENTED_OUT
    for scope in SCOPES | UNLISTED:
        assert "code" in kraken.authorize(scope=scope)
    for scope in COMMENTED_OUT:
        assert kraken.authorize(scope=scope)["error"] == "invalid_scope"


def test_an_error_is_an_envelope_without_a_result(kraken):
    answer = kraken.call("POST", "fast-api-key", {"api_key_name": ""})
    assert json.dumps(answer) == '{"error": ["EGeneral:Invalid arguments:api_key_name"]}'
