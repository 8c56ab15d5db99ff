"""Probing permissions on a real sandbox: what is said of them is true, and nothing is created, moved or changed."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kraken_permissions import read, ways
from krakenctl.model.description import CLOCKS, NonceScale, nonce_at
from krakenctl.model.key import KeyPair
from krakenctl.model.permission import ALL, Permission, in_order
from krakenctl.model.secret import Secret
from krakenctl.model.silence import MOST_REFUSED
from krakenctl.model.verification import Verdict
from krakenctl.sandbox.switches import set_switches
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.probes import NO_PROBE, PROBES, Pace, probe
from krakenctl.surfaces.kraken.row import Row
from krakenctl.testing.sandbox import served
from krakenctl.transport.http import Http
from signed import signed

SECOND = 1_000_000_000
ACCOUNTS = itertools.count()
MOVES_BY_ITSELF = {"nonce", "counter", "counter_at", "last_used"}  # of a key that is called
OTHERWISE = [
    {"permissions-by": "spec"},
    {"permissions-by": "guide"},
    {"permissions-by": "guide", "permission-error": "EAPI:Permission denied", "error-space": "space"},
    {"permissions-by": "spec", "query-window-open-end": "refuse", "call-cost": "high", "tier": "starter"},
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("probes") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


@pytest.fixture(scope="module")
def http(sandbox):
    http = Http(sandbox.url)
    yield http
    http.close()


def _turned(sandbox, wanted):
    """These switches so, and all others at their defaults."""
    set_switches(sandbox.db, wanted, afresh=True)


def _own(sandbox, http, permissions, *, row=None, **more):
    key = sandbox.key(in_order(permissions), **more)
    pair = KeyPair(public_key=key.public_key, secret=Secret(key.secret))
    return OwnKey(http, pair, lambda: int(sandbox.now * SECOND), row=row)


def _pace(sandbox):
    return Pace("starter", lambda: sandbox.now, lambda seconds: sandbox.advance(seconds=seconds + 0.01))


def _probed(sandbox, own, claims=None, scale=NonceScale.MILLISECONDS):
    """What is found of each permission. `claims`: what the key says it holds; None: the truth."""
    sandbox.advance(seconds=1)
    told = own.describe(scale)
    spec = replace(told.live.spec, permissions=told.live.spec.permissions if claims is None else claims)
    told = replace(told, live=replace(told.live, spec=spec))
    return {one.permission: one for one in probe(own, told, pace=_pace(sandbox))}


def _world(db):
    """Every row of every table, but for what moves because a key is called at all."""
    with closing(sqlite3.connect(db)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    for moving in ("failure", "seen_nonce", "setting"):  # refused calls, nonces, the clock
        rows.pop(moving)
    return {name: [{k: r[k] for k in r.keys() if k not in MOVES_BY_ITSELF} for r in rs] for name, rs in rows.items()}  # noqa: SIM118


@pytest.mark.parametrize("switches", OTHERWISE, ids=lambda switches: " ".join(switches.values()))
@pytest.mark.parametrize("truth", ["alone", "all but one"])
@pytest.mark.parametrize("permission", Permission)
def test_no_answer_is_wrong_and_nothing_changes(sandbox, http, permission, truth, switches):
    _turned(sandbox, switches)
    held = frozenset({permission}) if truth == "alone" else ALL - {permission}
    own = _own(sandbox, http, held)
    own_before = _world(sandbox.db)
    found = _probed(sandbox, own)
    assert _world(sandbox.db) == own_before
    assert found.keys() == held
    assert not [one for one in found.values() if one.verdict is Verdict.DENIED]
    _probed(sandbox, own, claims=ALL)
    assert _world(sandbox.db) == own_before


@pytest.mark.parametrize("switches", OTHERWISE[:2], ids=lambda switches: " ".join(switches.values()))
def test_a_key_that_holds_all_is_granted_whatever_can_be_tried(sandbox, http, switches):
    _turned(sandbox, switches)
    found = _probed(sandbox, _own(sandbox, http, ALL))
    assert {permission for permission, one in found.items() if one.verdict is Verdict.GRANTED} == PROBES.keys()
    assert all(found[permission].why == why for permission, why in NO_PROBE.items())


@pytest.mark.parametrize("switches", OTHERWISE[:3], ids=lambda switches: " ".join(switches.values()))
@pytest.mark.parametrize("permission", PROBES)
def test_a_permission_that_is_listed_and_not_let_through_is_denied(sandbox, http, permission, switches):
    _turned(sandbox, switches)
    found = _probed(sandbox, _own(sandbox, http, ALL - {permission}), claims=ALL)
    assert found[permission].verdict is Verdict.DENIED
    assert found[permission].why.startswith("Kraken refused ")


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sets(st.sampled_from(Permission)), st.sampled_from(["spec", "guide"]))
def test_what_is_granted_is_held_and_what_is_held_is_not_denied(sandbox, http, held, document):
    _turned(sandbox, {"permissions-by": document})
    verdicts = {one.verdict for one in _probed(sandbox, _own(sandbox, http, held)).values()}
    assert verdicts <= {Verdict.GRANTED, Verdict.LISTED}


@pytest.mark.parametrize("open_end", ["clamp", "refuse"])
@pytest.mark.parametrize(
    "window", [{"query_from": 1_700_000_000}, {"query_to": 1_750_000_000}, {"query_from": 1, "query_to": 1_750_000_000}]
)
def test_a_query_window_is_not_taken_for_a_refusal(sandbox, http, window, open_end):
    _turned(sandbox, {"query-window-open-end": open_end})
    history = {Permission.QUERY_CLOSED_TRADES, Permission.QUERY_LEDGER}
    found = _probed(sandbox, _own(sandbox, http, history, **window))
    assert {one.verdict for one in found.values()} == {Verdict.GRANTED}


@pytest.mark.parametrize("scale", CLOCKS)
def test_the_consumer_is_not_refused_afterwards(sandbox, http, scale):
    own = _own(sandbox, http, ALL)
    found = _probed(sandbox, own, scale=scale)
    assert found[Permission.MODIFY_TRADES].verdict is Verdict.GRANTED
    sandbox.advance(seconds=1)
    signed(http, own._pair, "Balance", nonce_at(scale, int(sandbox.now * SECOND)))


@pytest.mark.parametrize("tier", ["starter", "intermediate", "pro"])
def test_half_of_the_call_counter_is_left_to_the_consumer(sandbox, http, tier):
    _turned(sandbox, {"tier": tier, "call-cost": "documented"})
    own = _own(sandbox, http, ALL)
    told = own.describe(NonceScale.MILLISECONDS)
    pace = Pace(tier, lambda: sandbox.now, lambda seconds: sandbox.advance(seconds=seconds))
    probe(own, told, pace=pace)
    sandbox.advance(seconds=0.01)
    for _ in range(5):
        own.call("Balance", NonceScale.MILLISECONDS)
        sandbox.advance(seconds=0.001)


def test_the_allowance_ends_it_and_what_was_not_tried_says_so(sandbox, http):
    _turned(sandbox, {"permissions-by": "spec"})
    row = Row(left=2)
    found = _probed(sandbox, _own(sandbox, http, set(), row=row), claims=ALL)
    refused = [one for one in found.values() if one.verdict is Verdict.DENIED]
    assert (len(refused), row.left) == (2, 0)
    assert "could lock it" in found[Permission.EXPORT_DATA].why


def test_where_other_keys_were_refused_as_often_as_may_be_nothing_is_tried(sandbox, http):
    own = _own(sandbox, http, ALL)
    told = own.describe(NonceScale.MILLISECONDS)
    own.row.refused = MOST_REFUSED
    found = probe(own, told, pace=_pace(sandbox))
    assert not any(one.calls for one in found)
    assert all("could lock it" in one.why for one in found if one.permission in PROBES)


def test_a_lockout_ends_it(sandbox, http):
    name = f"account-{next(ACCOUNTS)}"
    sandbox.account(name)
    own = _own(sandbox, http, ALL, account=name)
    told = own.describe(NonceScale.MILLISECONDS)
    sandbox.fault("lockout", account=name)
    found = probe(own, told, pace=_pace(sandbox))
    assert own.row.locked
    assert {one.verdict for one in found} == {Verdict.LISTED}
    assert all("lock" in one.why.lower() for one in found if one.permission in PROBES)
    sandbox.clear_faults()


def test_a_key_whose_consumer_counts_is_not_called(sandbox, http):
    own = _own(sandbox, http, ALL)
    told = own.describe_with(1)
    assert {one.verdict for one in probe(own, told, pace=_pace(sandbox))} == {Verdict.LISTED}
    own.describe_with(2)


def test_the_table_needs_what_kraken_documents():
    documented = {row.path: row for row in read()}
    for call in itertools.chain.from_iterable(PROBES.values()):
        row = documented[f"/0/private/{call.name}"]
        assert set(call.needs) == {frozenset(map(Permission, way)) for way in ways(row.requirement)}
        assert set(call.readings[1]) == {frozenset(map(Permission, w)) for w in ways(row.guide or row.requirement)}
        assert call.cost == row.high
    assert PROBES.keys() | NO_PROBE.keys() == ALL


@pytest.mark.parametrize("error", ["EAPI:Rate limit exceeded", "EAPI:Invalid key", "EService:Unavailable"])
def test_what_ends_every_call_ends_it_at_once(sandbox, http, error):
    own = _own(sandbox, http, ALL)
    told = own.describe(NonceScale.MILLISECONDS)
    sandbox.fault("error", error=error, times=1)
    found = probe(own, told, pace=_pace(sandbox))
    sandbox.clear_faults()
    assert {one.verdict for one in found} == {Verdict.LISTED}
    assert {call for one in found for call in one.calls} == {"Balance"}
