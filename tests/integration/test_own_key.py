"""Asking a key about itself on a real sandbox, without its consumer noticing."""

from __future__ import annotations

import traceback
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.errors import LockedOut, NonceRefused, NotAuthorised
from krakenctl.model.description import CLOCKS, NonceScale, nonce_at
from krakenctl.model.key import KeyPair
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.surfaces.kraken.own_key import FARTHEST, OwnKey
from krakenctl.surfaces.kraken.row import Row
from krakenctl.testing.sandbox import served
from krakenctl.transport.http import Http
from signed import signed

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("own-key") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


@pytest.fixture
def http(sandbox):
    http = Http(sandbox.url)
    yield http
    http.close()


def _pair(key):
    return KeyPair(public_key=key.public_key, secret=Secret(key.secret))


def _own(sandbox, http, pair, **more):
    return OwnKey(http, pair, lambda: int(sandbox.now * SECOND), wait=lambda _: None, **more)


def test_it_says_what_the_key_is_and_whose(sandbox, http):
    iiban = sandbox.account("desk-1")
    key = sandbox.key(["query-funds"], name="bot", account="desk-1", ip_allowlist=["127.0.0.1"], valid_for="30d")
    told = _own(sandbox, http, _pair(key)).discover()
    assert (told.live.name, told.live.public_key, told.iiban) == ("bot", key.public_key, iiban)
    assert told.live.spec.permissions == {Permission.QUERY_FUNDS}
    assert told.live.spec.ip_allowlist == ("127.0.0.1",)
    assert told.live.spec.valid_until == pytest.approx(sandbox.now + 30 * 86_400, abs=2)


def _consume(sandbox, http, pair, scale, ahead=0):
    """As a program whose clock is so many seconds ahead."""
    signed(http, pair, "Balance", nonce_at(scale, int((sandbox.now + ahead) * SECOND)))


@pytest.mark.parametrize("scale", CLOCKS)
def test_a_consumer_whose_clock_is_known_is_asked_beside_without_noticing(sandbox, http, scale):
    pair = _pair(sandbox.key(["query-funds"]))
    _consume(sandbox, http, pair, scale)
    sandbox.advance(seconds=1)
    assert _own(sandbox, http, pair).describe(scale).live.public_key == pair.public_key
    sandbox.advance(seconds=1)
    _consume(sandbox, http, pair, scale)


@pytest.mark.parametrize("since", [0, 1, 60], ids="{} seconds after its last call".format)
@pytest.mark.parametrize("ahead", [0, 0.05, 1, 3], ids="clock {} seconds ahead".format)
@pytest.mark.parametrize("scale", CLOCKS)
def test_a_consumer_with_any_clock_is_refused_no_longer_than_is_stated(sandbox, http, scale, ahead, since):
    own = _own(sandbox, http, pair := _pair(sandbox.key(["query-funds"])))
    _consume(sandbox, http, pair, scale, ahead)
    sandbox.advance(seconds=since)
    with suppress(NonceRefused):
        assert own.discover().scale == scale
    assert own.row.refused <= 3
    sandbox.advance(seconds=FARTHEST + 1 - ahead)
    _consume(sandbox, http, pair, scale, ahead)


@pytest.mark.parametrize("scale", CLOCKS[2:])
def test_a_finer_clock_than_milliseconds_is_never_guessed_at(sandbox, http, scale):
    own = _own(sandbox, http, pair := _pair(sandbox.key(["query-funds"])))
    _consume(sandbox, http, pair, scale)
    sandbox.advance(seconds=60)
    with pytest.raises(NonceRefused):
        own.discover()
    assert own.row.refused == 3


@pytest.mark.parametrize("scale", CLOCKS[1:])
def test_a_program_that_polls_all_the_time_is_refused_three_times_at_most(sandbox, http, scale):
    own = _own(sandbox, http, pair := _pair(sandbox.key(["query-funds"])))
    refused = 0
    for step in range(20):
        if step == 5:
            with suppress(NonceRefused):
                own.discover()
        try:
            _consume(sandbox, http, pair, scale, ahead=1)
        except NonceRefused:
            refused += 1
        sandbox.advance(seconds=0.3)
    assert refused <= 3
    _consume(sandbox, http, pair, scale, ahead=1)


def test_failed_calls_in_a_row_are_counted(sandbox, http):
    own = _own(sandbox, http, _pair(sandbox.key(["query-funds"])))
    assert (own.discover().scale, own.row.refused) == (NonceScale.SECONDS, 0)
    for failed in (1, 2):
        assert own.lives()
        assert own.row.refused == failed
    sandbox.advance(seconds=10)
    own.discover()
    assert own.row.refused == 0


@pytest.mark.parametrize("scale", CLOCKS[:2])
def test_what_it_has_answered_to_can_be_asked_once_more_and_ends_a_row(sandbox, http, scale):
    row = Row()
    pair = _pair(sandbox.key(["query-funds"]))
    own = OwnKey(http, pair, lambda: int(sandbox.now * SECOND), wait=lambda _: sandbox.advance(seconds=1), row=row)
    assert not own.repeat()
    if scale is NonceScale.MILLISECONDS:
        _consume(sandbox, http, pair, scale)
        sandbox.advance(seconds=1)
    assert own.discover().scale is scale
    sandbox.advance(seconds=1)
    assert _own(sandbox, http, pair, row=row).lives()
    assert (row.refused, row.by_nonce) == (1, True)
    assert own.repeat()
    assert row.refused == 0


def test_a_key_that_nobody_has_used_answers_to_the_coarsest_clock(sandbox, http):
    assert _own(sandbox, http, _pair(sandbox.key())).discover().scale is NonceScale.SECONDS


def test_a_key_whose_nonce_is_beyond_every_clock_says_so(sandbox, http):
    pair = _pair(sandbox.key(account="acme"))
    signed(http, pair, "GetApiKeyInfo", 10**19)
    with pytest.raises(NonceRefused):
        _own(sandbox, http, pair).discover()
    assert _own(sandbox, http, pair).describe_with(10**19 + 1).nonce == 10**19 + 1


@pytest.mark.parametrize("used", [0, 1, 5, 10**12])
def test_a_living_key_lives_and_can_be_used_as_before(sandbox, http, used):
    key = sandbox.key()
    pair = _pair(key)
    if used:
        signed(http, pair, "GetApiKeyInfo", used)
    assert _own(sandbox, http, pair).lives()
    signed(http, pair, "GetApiKeyInfo", max(used, 1) + 1)
    sandbox.revoke(key.name)
    assert not _own(sandbox, http, pair).lives()


def test_a_second_factor_is_sent_along(sandbox, http):
    pair = _pair(sandbox.key(otp="beside the point", name="guarded"))
    with pytest.raises(NotAuthorised):
        _own(sandbox, http, pair).discover()
    assert _own(sandbox, http, pair, otp=Secret("beside the point")).discover().live.name == "guarded"


def test_a_lockout_is_no_proof_that_a_key_is_gone(sandbox, http):
    sandbox.account("locked")
    key = sandbox.key(account="locked")
    sandbox.fault("lockout", account="locked")
    with pytest.raises(LockedOut):
        _own(sandbox, http, _pair(key)).lives()


def test_neither_pair_nor_otp_shows_in_its_errors(sandbox, http):
    key = sandbox.key()
    otp = f"canary-{key.name}"
    sandbox.revoke(key.name)
    with pytest.raises(NotAuthorised) as raised:
        _own(sandbox, http, _pair(key), otp=Secret(otp)).discover()
    told = "".join(traceback.format_exception(raised.value))
    assert not any(canary in told for canary in (key.secret, key.public_key, otp))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CLOCKS), st.integers(1_300_000_000 * SECOND, 4_000_000_000 * SECOND), st.integers(0, SECOND))
def test_a_coarser_clock_is_always_below_a_finer_one(scale, moment, later):
    finer = CLOCKS[CLOCKS.index(scale) + 1 :]
    assert all(nonce_at(scale, moment + later) < nonce_at(other, moment) for other in finer)
