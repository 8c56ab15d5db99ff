"""Libraries that other people wrote for Kraken, pointed at a served sandbox: they work, and fail as at Kraken.

Each is called as its own users call it, and must raise its own class for each refusal. No other computer is reached.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
from ipaddress import ip_address

import pytest

from krakenctl.model.permission import ALL
from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server

# The libraries leave their connections to the garbage collector; aiohttp's timeouts are asyncio's business.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
NOW = 1_800_000_000
PRICE, VOLUME = 30000, 0.01


class Said(Exception):
    """What krakenex would hand back: it has no classes for errors."""


class ByName:
    """A library that has one way to call everything: by the call's name."""

    def balance(self):
        return self.call("Balance")

    def open_orders(self):
        return list(self.call("OpenOrders")["open"])

    def add(self):
        order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": PRICE, "volume": VOLUME}
        return self.call("AddOrder", **order)["txid"][0]

    def cancel(self, txid):
        self.call("CancelOrder", txid=txid)

    def ledgers(self):
        return self.call("Ledgers")

    def token(self):
        return self.call("GetWebSocketsToken")["token"]


class Krakenex(ByName):
    library = "krakenex"
    refusals = dict.fromkeys(["permission", "key", "signature", "nonce", "rate", "lockout", "unavailable"], Said)

    def __init__(self, url, key, secret):
        import krakenex

        self.api = krakenex.API(key, secret)
        self.api.uri = url
        nonces = itertools.count(1)
        self.api._nonce = lambda: next(nonces)  # its own counts milliseconds, and a sandbox is faster than those

    def call(self, name, **arguments):
        answer = self.api.query_private(name, arguments)
        if answer["error"]:
            raise Said(*answer["error"])
        return answer["result"]

    def repeat_nonces(self):
        self.api._nonce = lambda: 10**15

    def close(self):
        self.api.close()


class Sdk:
    library = "kraken"

    def __init__(self, url, key, secret):
        from kraken.spot import Trade, User

        self.user, self.trade = User(key, secret, url), Trade(key, secret, url)

    @property
    def refusals(self):
        from kraken import exceptions

        return {
            "permission": exceptions.KrakenPermissionDeniedError,
            "key": exceptions.KrakenInvalidAPIKeyError,
            "signature": exceptions.KrakenInvalidSignatureError,
            "nonce": exceptions.KrakenInvalidNonceError,
            "rate": exceptions.KrakenApiLimitExceededError,
            "lockout": exceptions.KrakenTemporaryLockoutError,
            "unavailable": exceptions.KrakenServiceUnavailableError,
        }

    def balance(self):
        return self.user.get_account_balance()

    def open_orders(self):
        return list(self.user.get_open_orders()["open"])

    def add(self):
        return self.trade.create_order("limit", "buy", "XBTUSD", VOLUME, PRICE)["txid"][0]

    def cancel(self, txid):
        self.trade.cancel_order(txid)

    def ledgers(self):
        return self.user.get_ledgers_info()

    def token(self):
        return self.user.request("POST", "/0/private/GetWebSocketsToken")["token"]

    def repeat_nonces(self):
        self.user.get_nonce = lambda: str(2**63)

    def close(self):
        pass


class AsyncSdk(ByName, Sdk):
    """It has one asynchronous client, to which the path is told."""

    def __init__(self, url, key, secret):
        from kraken.spot import SpotAsyncClient

        self.runner = asyncio.Runner()

        async def made():
            return SpotAsyncClient(key, secret, url)

        self.client = self.runner.run(made())

    def call(self, name, **params):
        return self.runner.run(self.client.request("POST", f"/0/private/{name}", params))

    def repeat_nonces(self):
        self.client.get_nonce = lambda: str(2**63)

    def close(self):
        self.runner.run(self.client.close())
        self.runner.close()


class Ccxt:
    library = "ccxt"

    def __init__(self, url, key, secret):
        import ccxt

        self.api = self.pointed(ccxt.kraken, url, key, secret)

    @staticmethod
    def pointed(exchange, url, key, secret):
        api = exchange({"apiKey": key, "secret": secret, "enableRateLimit": False})
        api.urls["api"] |= {"public": url, "private": url}
        return api

    @property
    def refusals(self):
        import ccxt

        return {
            "permission": ccxt.PermissionDenied,
            "key": ccxt.AuthenticationError,
            "signature": ccxt.ExchangeError,
            "nonce": ccxt.InvalidNonce,
            "rate": ccxt.DDoSProtection,
            "lockout": ccxt.DDoSProtection,
            "unavailable": ccxt.ExchangeNotAvailable,
        }

    def run(self, answer):
        return answer

    def balance(self):
        return self.run(self.api.fetch_balance())

    def open_orders(self):
        return [order["id"] for order in self.run(self.api.fetch_open_orders())]

    def add(self):
        return self.run(self.api.create_order("BTC/USD", "limit", "buy", VOLUME, PRICE))["id"]

    def cancel(self, txid):
        self.run(self.api.cancel_order(txid))

    def ledgers(self):
        return self.run(self.api.fetch_ledger())

    def token(self):
        return self.run(self.api.private_post_getwebsocketstoken())["result"]["token"]

    def repeat_nonces(self):
        self.api.incrementing_nonce = lambda: 2**63

    def close(self):
        pass


class AsyncCcxt(Ccxt):
    def __init__(self, url, key, secret):
        import ccxt.async_support

        self.runner = asyncio.Runner()
        self.api = self.pointed(ccxt.async_support.kraken, url, key, secret)

    def run(self, answer):
        return self.runner.run(answer)

    def close(self):
        self.runner.run(self.api.close())
        self.runner.close()


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch):
    """A library that talks to anybody else fails its test."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family != socket.AF_UNIX and not ip_address(address[0]).is_loopback:
            raise AssertionError(f"somebody tried to reach {address!a}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def server(tmp_path):
    db = tmp_path / "sandbox.db"
    sandbox = open_sandbox(db)
    clock.freeze(sandbox, NOW)
    seed.seed_account(sandbox, username="acme", email="desk@acme.example")
    with Server(db) as running:
        running.sandbox = sandbox
        yield running
    sandbox.close()


@pytest.fixture(params=[Krakenex, Sdk, AsyncSdk, Ccxt, AsyncCcxt], ids=lambda client: client.__name__)
def client(request, server):
    """Call it with permissions to get the library with a key that holds them; or with a key and secret of your own."""
    pytest.importorskip(request.param.library)
    made, numbers = [], itertools.count()

    def make(*permissions, key=None, secret=None):
        pair = seed.seed_website_key(server.sandbox, "acme", f"bot-{next(numbers)}", permissions)
        made.append(request.param(server.url, key or pair[0], secret or pair[1]))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_signed_calls_succeed(client):
    library = client(*ALL)
    assert "USD" in str(library.balance())
    txid = library.add()
    assert library.open_orders() == [txid]
    library.cancel(txid)
    assert library.open_orders() == []
    assert library.ledgers() is not None
    assert library.token()


def test_a_missing_permission_is_the_librarys_own_error(client):
    library = client(*(ALL - {"query-funds", "modify-trades", "query-ledger", "create-ws-token"}))
    for call in (library.balance, library.add, library.ledgers, library.token):
        assert refusal(call, library, "permission") == "EGeneral:Permission denied"


def test_an_unknown_key_is_the_librarys_own_error(client):
    library = client(key="nobody")
    assert refusal(library.balance, library, "key") == "EAPI:Invalid key"


def test_a_wrong_secret_is_the_librarys_own_error(client):
    library = client(*ALL, secret="AAAA")
    assert refusal(library.balance, library, "signature") == "EAPI:Invalid signature"


def test_a_nonce_that_comes_again_is_the_librarys_own_error(client):
    library = client(*ALL)
    library.token()
    library.repeat_nonces()
    library.balance()
    assert refusal(library.balance, library, "nonce") == "EAPI:Invalid nonce"


def test_a_full_counter_is_the_librarys_own_error(client):
    library = client(*ALL)
    for _ in range(20):
        library.balance()
    assert refusal(library.balance, library, "rate") == "EAPI:Rate limit exceeded"


def test_a_lockout_is_the_librarys_own_error(client):
    library = client(key="nobody")
    for _ in range(5):
        refusal(library.balance, library, "key")
    assert refusal(library.balance, library, "lockout") == "EGeneral:Temporary lockout"


def test_a_service_that_is_away_is_the_librarys_own_error(client, server):
    library = client(*ALL)
    library.token()
    faults.add(server.sandbox, {"kind": "error", "endpoint": "Balance*", "error": "EService:Unavailable"})
    assert refusal(library.balance, library, "unavailable") == "EService:Unavailable"
    assert library.balance()


def refusal(call, library, kind):
    """Kraken's words, out of exactly the class that the library has for them."""
    with pytest.raises(library.refusals[kind]) as raised:
        call()
    assert type(raised.value) is library.refusals[kind]
    return re.search(r"E[A-Z][A-Za-z]*:[A-Za-z ]+", str(raised.value))[0]
