"""The Futures v3 key check."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from krakenctl.errors import UsageError
from krakenctl.sandbox import accounts, futures, futures_keys
from krakenctl.sandbox.switches import set_switch

CHECK = "/api/auth/v1/api-keys/v3/check"


@pytest.fixture
def make(kraken):
    """Makes a Futures key of the account."""

    def insert(general="READ_ONLY", transfer="NO_ACCESS", **more):
        with kraken.sandbox.database.write() as connection:
            acme = accounts.known(connection, "acme")
            return futures_keys.insert(
                connection, acme.id, general=general, transfer=transfer, now=1_800_000_000, **more
            )

    return insert


def check(kraken, key, nonce="", query="", path=CHECK, **environ):
    inner = hashlib.sha256((query + nonce + path).encode()).digest()
    authent = base64.b64encode(hmac.new(base64.b64decode(key[1]), inner, hashlib.sha512).digest()).decode()
    headers = {"HTTP_APIKEY": key[0], "HTTP_AUTHENT": authent} | ({"HTTP_NONCE": nonce} if nonce else {})
    return kraken.send("GET", f"{CHECK}?{query}" if query else CHECK, **headers | environ)


def test_the_signature_is_krakens():
    """The WebSocket challenge of docs.kraken.com is signed in the same way: what is hashed is one text."""
    secret = "7zxMEF5p/Z8l2p2U7Ghv6x14Af+Fx+92tPgUdVQ748FOIrEoT9bgT+bTRfXc5pz8na+hL/QdrCVG7bh9KpT0eMTm"
    signature = "4JEpF3ix66GA2B+ooK128Ift4XQVtc137N9yeg4Kqsn9PI0Kpzbysl9M1IeCEdjg0zl00wkVqcsnG4bmnlMb3A=="
    assert futures.sign(secret, "", "", "c100b894-1729-464d-ace1-52dbce11db42") == signature


def test_a_key_is_shown_what_it_is(kraken, make):
    key = make("FULL_ACCESS", "NO_ACCESS")
    shown = check(kraken, key).json
    assert shown["apiKey"] == key[0]
    assert len(key[0]) == 56
    assert shown["permissions"] == {"general": "FULL_ACCESS", "transfer": "NO_ACCESS"}
    assert shown["iiban"] == kraken.master.iiban
    assert shown["createdAt"] == "2027-01-15T08:00:00Z"
    assert check(kraken, make()).json["accountUid"] == shown["accountUid"]


def test_a_key_without_any_access_can_be_checked_too(kraken, make):
    assert check(kraken, make("NO_ACCESS")).status == 200


def test_the_blocks_are_shown_by_a_switch(kraken, make):
    key = make(cidr_blocks=["203.0.113.0/24", "2001:db8::/32"])
    shown = check(kraken, key).json
    assert shown["allowedCidrBlock"] == "203.0.113.0/24"
    assert shown["allowedCidrBlocks"] == ["203.0.113.0/24", "2001:db8::/32"]
    assert check(kraken, make()).json["allowedCidrBlock"] is None
    set_switch(kraken.sandbox, "futures-cidr-fields", "absent")
    assert not [field for field in check(kraken, key).json if field.startswith("allowed")]


def test_a_key_opens_only_from_its_blocks(kraken, make):
    key = make(cidr_blocks=["203.0.113.0/24"])
    assert check(kraken, key, REMOTE_ADDR="203.0.113.99").status == 200
    assert check(kraken, key, REMOTE_ADDR="198.51.100.1").status == 401


def test_the_query_is_signed_with_the_path(kraken, make):
    key = make()
    assert check(kraken, key, query="a=1").status == 200
    assert check(kraken, key, path="/derivatives" + CHECK).status == 401


@pytest.mark.parametrize(
    "wrong", [{"HTTP_AUTHENT": "x"}, {"HTTP_AUTHENT": "é"}, {"HTTP_APIKEY": "x"}, {"HTTP_APIKEY": ""}]
)
def test_a_wrong_key_or_signature_is_refused(kraken, make, wrong):
    reply = check(kraken, make(), **wrong)
    assert reply.status == 401
    assert reply.json["error"] == "authenticationError"
    assert reply.json.keys() == {"error", "message", "suberror"}


def test_spot_keys_and_futures_keys_do_not_open_each_others_venue(kraken, make):
    assert check(kraken, (kraken.master.public_key, kraken.master.secret)).status == 401
    assert kraken.signed("Balance", make()).error == "EAPI:Invalid key"


def test_a_nonce_must_rise_where_one_is_sent(kraken, make):
    key = make()
    assert check(kraken, key, nonce="5").status == 200
    assert check(kraken, key, nonce="5").json["error"] == "nonceDuplicate"
    assert check(kraken, key, nonce="4").json["error"] == "nonceBelowThreshold"
    assert check(kraken, key, nonce="soon").json["error"] == "authenticationError"
    assert check(kraken, key).status == 200
    assert check(kraken, key, nonce=str(2**64 - 1)).status == 200


def test_a_nonce_under_a_wrong_signature_is_not_spent(kraken, make):
    key = make()
    assert check(kraken, key, nonce="9", HTTP_AUTHENT="x").status == 401
    assert check(kraken, key, nonce="9").status == 200


def test_an_account_has_at_most_50_keys(make):
    for _ in range(50):
        make()
    with pytest.raises(UsageError, match="at most 50"):
        make()


def test_what_is_no_level_or_no_block_is_named(make):
    with pytest.raises(UsageError, match="no level “ALL”"):
        make("ALL")
    with pytest.raises(UsageError, match="no block of addresses"):
        make(cidr_blocks=["203.0.113.9/24"])


def test_no_secret_shows_in_a_repr(kraken, make):
    key = make()
    found = futures_keys.by_public_key(kraken.sandbox.database.connection(), key[0])
    assert key[1] not in repr(found)
