"""The address that a caller has: its own, or, for whoever sits at this computer, the one that a header names."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, Reply

from krakenctl.sandbox.loopback import is_loopback, names_loopback
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server
from krakenctl.sandbox.switches import set_switch

HERE = ["127.0.0.1", "::1", "::ffff:127.0.0.1"]
LET_IN, ELSEWHERE = "198.51.100.7", "198.51.100.99"


@pytest.fixture
def key(kraken: Caller) -> tuple[str, str]:
    return seed.seed_website_key(kraken.sandbox, "acme", "narrow", ["query-funds"], ip_allowlist=[LET_IN])


def balance(kraken: Caller, key: tuple[str, str], peer: str, pretended: str, **more: Any) -> Reply:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_SANDBOX_CLIENT_IP": pretended} | more
    return kraken.signed("Balance", key, environ=environ)


@pytest.mark.parametrize("peer", HERE)
def test_from_this_computer_the_header_opens_and_shuts_an_allow_list(kraken, key, peer):
    assert balance(kraken, key, peer, LET_IN).result
    assert balance(kraken, key, peer, ELSEWHERE).json["error"] != []
    assert balance(kraken, key, peer, "").json["error"] != []


def test_from_elsewhere_the_header_changes_nothing(kraken, key):
    assert balance(kraken, key, "203.0.113.8", LET_IN).json["error"] != []
    assert balance(kraken, key, LET_IN, ELSEWHERE).result


@pytest.mark.parametrize("peer", HERE)
@pytest.mark.parametrize("pretended", ["nobody", "198.51.100.7:80", "198.51.100.0/24", "198.51.100.7, 10.0.0.1"])
def test_what_is_no_address_is_a_bad_request(kraken, key, peer, pretended):
    assert balance(kraken, key, peer, pretended).status == 400


def test_no_proxys_header_is_believed(kraken, key):
    assert balance(kraken, key, "127.0.0.1", "", HTTP_X_FORWARDED_FOR=LET_IN).json["error"] != []


def test_a_lockout_is_of_the_address_that_the_header_names(kraken, key):
    set_switch(kraken.sandbox, "lockout-threshold", "2")
    unknown = ("unknown", key[1])
    for _ in range(2):
        balance(kraken, unknown, "127.0.0.1", ELSEWHERE)
    assert balance(kraken, key, "127.0.0.1", ELSEWHERE).error == "EGeneral:Temporary lockout"
    assert balance(kraken, key, "127.0.0.1", LET_IN).result


@pytest.mark.parametrize("address", ["127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_this_computer_has_many_addresses(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["203.0.113.7", "::ffff:203.0.113.7", "0.0.0.0", "::", "", "localhost", "unix:"])
def test_no_other_address_is_this_computer(address):
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:1", "kraken.localhost:8080", "127.0.0.1", "[::1]:80", "[::ffff:127.0.0.1]"]
)
def test_a_host_header_names_this_computer(host):
    assert names_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost:80@evil.example", "localhost:port", "[localhost]", "[::1]evil", "::1",
     "127.0.0.1.x", "localhost:80:80", "user@localhost", "localhost/x", "local\u0127ost", "localhost:٨"],
)  # fmt: skip
def test_a_host_header_that_names_another_computer_or_is_none(host):
    assert not names_loopback(host)


@given(host=st.text() | st.text("localhost:[]127.0@/#?"))
def test_whatever_a_host_header_holds_it_is_judged(host):
    assert names_loopback(host) in (True, False)
    if names_loopback(host):
        assert not set(host) & set("@/\\?# ")


@pytest.mark.parametrize(("allow_remote", "status"), [(False, 421), (True, 200)])
def test_a_server_opens_its_website_under_other_names_only_with_allow_remote(db, allow_remote, status):
    with Server(db, allow_remote=allow_remote) as server:
        client = HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        client.request("GET", "/sign-in", headers={"Host": "kraken.lan:8080"})
        assert client.getresponse().status == status
        client.close()
        client.request("GET", "/_sandbox/clock", headers={"Host": "kraken.lan:8080"})
        assert client.getresponse().status == 403
        client.close()
