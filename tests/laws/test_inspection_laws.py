"""Whatever a program sends, and whenever its key is inspected: the program is never locked out of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.errors import NonceRefused
from krakenctl.model.description import CLOCKS, NonceScale, nonce_at
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.sandbox import open_sandbox, switches
from krakenctl.sandbox.people import operate
from krakenctl.sandbox.people.seed import seed_account
from krakenctl.surfaces.kraken.own_key import FARTHEST, OwnKey
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter
from krakenctl.wiring.exchange import SANDBOX_URL
from signed import signed

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
STATED = FARTHEST + 1  # seconds, and what the program's clock is behind
FARTHEST_OFF = 30  # seconds that its clock may differ: what `--help` and docs/inspect.md say


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes a new key, and gives calls to it."""
    db = tmp_path_factory.mktemp("inspection-laws") / "sandbox.db"
    sandbox = open_sandbox(db)
    seed_account(sandbox, username="acme", email="acme@x.example")
    sandbox.close()
    switches.set_switch(db, "lockout-threshold", "none")  # another law's matter
    sandbox = open_sandbox(db)
    http = Http(SANDBOX_URL, WsgiAdapter(sandbox, on_close=sandbox.close))
    names = iter(range(10**6))

    def key():
        row = operate.make_key(db, "acme", f"key-{next(names)}", ["query-ledger"])
        return KeyPair(public_key=row["apiKey"], secret=Secret(row["secret"]))

    yield http, key
    http.close()


class Scene:
    """A key, the program that uses it, and a clock that both look at, the program with an error."""

    def __init__(self, http, pair, scale, skew):
        self.http, self.pair, self.scale, self.skew = http, pair, scale, skew
        self.now, self.asked, self.last = START, None, 0

    def pass_(self, seconds):
        self.now += round(seconds * SECOND)

    def inspect(self):
        """Another time only after the first is over. Never more than three calls are refused."""
        own = OwnKey(self.http, self.pair, lambda: self.now, wait=self.pass_)
        self.asked = self.now
        try:
            own.discover()
        except NonceRefused:
            assert self.scale is not NonceScale.SECONDS
        assert own.row.refused <= 3

    def use(self):
        """Whether Kraken takes what the program sends; a program never sends a number twice."""
        nonce = max(nonce_at(self.scale, self.now + round(self.skew * SECOND)), self.last + 1)
        try:
            signed(self.http, self.pair, "GetApiKeyInfo", nonce)
        except NonceRefused:
            return False
        self.last = nonce
        return True

    @property
    def stated(self):
        return STATED + max(0, -self.skew)


def steps():
    gaps = st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 90)).map(lambda seconds: round(seconds, 3))
    return st.lists(st.tuples(gaps, st.sampled_from(["inspect", "inspect", "use"])), min_size=1, max_size=9)


@settings(max_examples=150, deadline=None)
@given(scale=st.sampled_from(CLOCKS), skew=st.floats(-FARTHEST_OFF, FARTHEST_OFF), steps=steps())
def test_an_inspected_key_refuses_its_program_no_longer_than_is_stated(made, scale, skew, steps):
    http, key = made
    scene = Scene(http, key(), scale, round(skew, 3))
    scene.use()
    for gap, deed in steps:
        scene.pass_(gap)
        if deed == "inspect":
            scene.inspect()
        elif not scene.use():
            assert scene.now - scene.asked <= scene.stated * SECOND
    scene.pass_(max(5, scene.stated))
    assert scene.use()


def test_a_program_that_is_right_or_ahead_is_refused_for_seconds_only(made):
    http, key = made
    scene = Scene(http, key(), NonceScale.SECONDS, 0)
    scene.use()
    scene.inspect()
    scene.pass_(5)
    assert scene.use()
