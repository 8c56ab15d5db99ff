"""Whatever is sent, the answer is JSON that a client can read, and never a traceback."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.sandbox import clock
from krakenctl.sandbox.checks.signature import sign
from krakenctl.sandbox.guards import Page
from krakenctl.sandbox.routes import ROUTES
from krakenctl.sandbox.switches import set_switch

PATHS = sorted({route.path for route in ROUTES if not isinstance(route.guard, Page)})  # what answers in JSON


def test_a_path_that_is_not_there_is_404(kraken):
    reply = kraken.send("GET", "/oauth/nowhere")
    assert (reply.status, reply.json) == (404, {"error": ["EGeneral:Unknown method"]})
    assert reply.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/0/private/Balance", "POST"),
        ("POST", "/0/public/Time", "GET"),
        ("PATCH", "/oauth/fast-api-key", "GET, POST, PUT, DELETE"),
        ("HEAD", "/oauth/userinfo", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_the_right_ones_are_named(kraken, method, path, allowed):
    reply = kraken.send(method, path, raw=True)
    assert (reply.status, reply.headers["Allow"]) == (405, allowed)


def test_a_body_above_one_mebibyte_is_413_and_is_not_read(kraken):
    class Unreadable(io.BytesIO):
        def read(self, *_):
            raise AssertionError("read")

    reply = kraken.send(
        "POST", "/oauth/fast-api-key", CONTENT_LENGTH=str(2**20 + 1), raw=True, **{"wsgi.input": Unreadable()}
    )
    assert reply.status == 413


@pytest.mark.parametrize("length", ["-1", "x", "１", "1_0", "9"])
def test_a_length_that_is_none_or_is_not_kept_is_400(kraken, length):
    assert kraken.send("POST", "/oauth/token", b"{}", CONTENT_LENGTH=length, raw=True).status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    *("api_key_name", "new_api_key_name", "ip_allowlist", "nonce_window", "permissions", "query_from", "query_to"),
    *("valid_until", "nonce", "username", "email", "grant_type", "refresh_token", "colour"),
]
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(FIELDS), json_values | st.just("bot"), max_size=6).map(
        lambda value: json.dumps(value).encode()
    ),
    st.sampled_from([b"grant_type=refresh_token", b"nonce=1", b"nonce=1&nonce=2", b"a=%ff", b'{"nonce":1e999}']),
)
headers = st.dictionaries(
    st.sampled_from(
        ["HTTP_AUTHORIZATION", "HTTP_API_KEY", "HTTP_API_SIGN", "REMOTE_ADDR", "QUERY_STRING", "CONTENT_TYPE"]
    ),
    st.text(max_size=40) | st.sampled_from(["application/json", "application/x-www-form-urlencoded"]),
)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", ""]) | st.text(max_size=5)
paths = st.sampled_from(PATHS) | st.text(max_size=30).map(lambda text: f"/0/private/{text}") | st.text(max_size=30)
fuzzed = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def assert_readable(reply):
    assert reply.status in {200, 400, 401, 403, 404, 405, 413}
    envelope = reply.json
    assert isinstance(envelope, dict)
    assert envelope.keys() & {"error", "result", "access_token"}


@fuzzed
@given(method=methods, path=paths, body=bodies, sent=headers)
def test_anything_from_a_stranger_is_answered(kraken, method, path, body, sent):
    assert_readable(kraken.send(method, path, body, raw=True, **sent))


@fuzzed
@given(method=st.sampled_from(["POST", "PUT", "DELETE", "GET"]), body=bodies, plural=st.sampled_from(["", "s"]))
def test_anything_from_the_holder_of_a_token_is_answered(kraken, method, body, plural):
    assert_readable(kraken.oauth(method, f"/oauth/fast-api-key{plural}", body, raw=True))


calls = st.sampled_from(["GetApiKeyInfo", "Balance", "CreateSubaccount"])
given_arguments = st.dictionaries(st.sampled_from(["username", "email", "otp", "x"]), json_values, max_size=4)


@pytest.fixture
def patient(kraken):
    """A sandbox that locks nobody out, so that every call gets as far as it can."""
    set_switch(kraken.sandbox, "lockout-threshold", "none")
    return kraken


@fuzzed
@given(call=calls, arguments=given_arguments)
def test_anything_from_the_holder_of_a_key_is_answered(patient, call, arguments):
    clock.advance(patient.sandbox, 1)
    reply = patient.signed(call, as_json=True, **arguments)
    assert_readable(reply)
    assert reply.json["error"] != ["EAPI:Invalid signature"]


@fuzzed
@given(nonce=json_values.filter(lambda value: value is not None), as_json=st.booleans())
def test_any_nonce_is_answered(patient, nonce, as_json):
    clock.advance(patient.sandbox, 1)
    with suppress(UnicodeEncodeError):  # a form cannot even say it
        assert_readable(patient.signed("GetApiKeyInfo", nonce=nonce, as_json=as_json))


def test_a_path_is_signed_as_it_was_sent_not_as_the_server_decoded_it(kraken):
    sent = "/funding/v1/fees/a%20b"
    key = {"HTTP_API_KEY": kraken.master.public_key, "HTTP_API_NONCE": "1"}
    key["HTTP_API_SIGN"] = sign(kraken.master.secret, sent, "1", b"")
    reply = kraken.send("GET", "/funding/v1/fees/a b", REQUEST_URI=sent, **key)
    assert reply.error != "EAPI:Invalid signature"
