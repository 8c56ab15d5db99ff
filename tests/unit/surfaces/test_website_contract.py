"""The website keeps the contract of every surface, with a robot for the person: also where Kraken is unconfirmed."""

from __future__ import annotations

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.human import Site
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.secret import Secret
from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch
from krakenctl.surfaces.website import Website
from krakenctl.testing.memory import MemoryHeld
from krakenctl.testing.person import Robot
from krakenctl.testing.surface_contract import SurfaceContract
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter

NOW = 1_800_000_000
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


def _held(pair):
    """A key of ours that says whose account it is."""
    record = RecordedKey(
        address=key_address("acme", "good"),
        live_name="good",
        generation=1,
        created=0,
        public_key=pair.public_key,
        spec=KeySpec(permissions=frozenset({Permission.QUERY_FUNDS})),
        secret=SecretRef("main", "good"),
        issued=0,
    )
    return Holding(record=record, scale=NonceScale.MILLISECONDS, pair=pair)


class TestWebsite(SurfaceContract):
    grantable = ALL

    @pytest.fixture(params=SETTINGS, ids="=".join)
    def surface(self, request, tmp_path):
        sandbox = open_sandbox(tmp_path / "sandbox.db")
        clock.freeze(sandbox, NOW)
        seed.seed_account(sandbox, username="acme", email="desk@acme.example")
        set_switch(sandbox, *request.param)
        public_key, secret = seed.seed_website_key(sandbox, "acme", "good", ["query-funds"])
        held = MemoryHeld([_held(KeyPair(public_key=public_key, secret=Secret(secret)))])
        http = Http("http://kraken.invalid", WsgiAdapter(sandbox))
        person = Robot(tmp_path / "sandbox.db")
        yield Website(Site(account="acme"), http, person, held, lambda: NOW * 1_000_000_000, lambda _: None)
        http.close()
        sandbox.close()
