"""The website keeps the contract of every surface, with a robot for the person: also where Kraken is unconfirmed."""

from __future__ import annotations

import pytest

from krakenctl.model.description import NonceScale
from krakenctl.model.human import Site
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.secret import Secret
from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch
from krakenctl.surfaces.website import Website
from krakenctl.testing.person import Robot
from krakenctl.testing.surface_contract import SurfaceContract
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter
from ours import Ours

NOW = 1_800_000_000
READ = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))
SETTINGS = [
    ("key-info-spelling", "snake"),
    ("key-info-spelling", "camel"),
    ("lockout-scope", "address"),
    ("error-space", "space"),
    ("error-result-object", "empty"),
    ("empty-allowlist", "blank"),
    ("allowlist-echo", "cidr"),
    ("nonce-window-type", "text"),
    ("nonce-repeat-in-window", "accept"),
    ("refused-call-cost", "counted"),
]


class TestWebsite(SurfaceContract):
    grantable = ALL

    @pytest.fixture
    def now(self):
        return NOW

    @pytest.fixture(params=SETTINGS, ids="=".join)
    def surface(self, request, tmp_path):
        sandbox = open_sandbox(tmp_path / "sandbox.db")
        clock.freeze(sandbox, NOW)
        seed.seed_account(sandbox, username="acme", email="desk@acme.example")
        set_switch(sandbox, *request.param)
        public_key, secret = seed.seed_website_key(sandbox, "acme", "good", ["query-funds"])
        ours, pair = Ours(now=lambda: NOW), KeyPair(public_key=public_key, secret=Secret(secret))
        ours.keep("good", pair, READ, NonceScale.MILLISECONDS)  # which says whose account it is
        http = Http("http://kraken.invalid", WsgiAdapter(sandbox))
        person = Robot(tmp_path / "sandbox.db")
        clocks = {"clock": lambda: NOW * 1_000_000_000, "wait": lambda _: None, "now": lambda: NOW}
        yield Website(site=Site(account="acme"), http=http, person=person, held=ours.share(), **clocks)
        http.close()
        sandbox.close()
