"""How the keys of one account are asked on a real sandbox: few calls are refused, and never several in a row."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import Gone, RecordedKey
from krakenctl.model.secret import Secret
from krakenctl.model.verification import Verdict
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.probes import Allowance, Pace
from krakenctl.testing.sandbox import served
from krakenctl.transport.http import Http
from krakenctl.verification.asking import Asking

ELSEWHERE, ALSO_ELSEWHERE = ("198.51.100.1",), ("198.51.100.2",)
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def served_sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("asking") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


class Scene:
    """One account. Every call of a key of it is noted: how many failures in a row Kraken has seen after it."""

    def __init__(self, sandbox, http):
        self.sandbox, self.http, self.holdings, self.answered = sandbox, http, [], set()
        self.account = f"account-{next(NUMBERS)}"
        sandbox.account(self.account)
        self.worst, self.gone = 0, None

    def hold(self, name, networks=(), *, scale=NonceScale.MILLISECONDS, gone=False, answered=False, otp=""):
        made = self.sandbox.key(["query-funds"], name=name, account=self.account, ip_allowlist=networks, otp=otp)
        if gone:
            self.sandbox.revoke(name, account=self.account)
        if answered:
            self.answered.add(made.public_key)
        record = RecordedKey(
            address=key_address("acme", name),
            live_name=name,
            generation=1,
            created=0,
            public_key=made.public_key,
            spec=KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}), ip_allowlist=networks),
            secret=SecretRef("main", name),
            issued=0,
        )
        pair = KeyPair(public_key=made.public_key, secret=Secret(made.secret))
        self.holdings.append(Holding(record=record, scale=scale, pair=pair))

    def ask(self, *, failures=3, probing=False):
        asking = Asking(
            own_key=lambda pair: OwnKey(self.http, pair, lambda: int(self.sandbox.now * 1_000_000_000)),
            pace=lambda: Pace("pro", lambda: self.sandbox.now, self._wait),
            now=int(self.sandbox.now),
            lists={},
            has_answered=self.answered.__contains__,
            gone=lambda _: self.gone,
            probing=probing,
            allowance=Allowance(failures),
        )
        found = asking.all(self.holdings)
        self._look()
        return found

    def _wait(self, seconds):
        self._look()
        self.sandbox.advance(seconds=seconds + 0.001)

    def _look(self):
        with closing(sqlite3.connect(self.sandbox.db)) as connection:
            [[count]] = connection.execute("SELECT coalesce(max(count), 0) FROM failure").fetchall()
        self.worst = max(self.worst, count)


@pytest.fixture
def scene(served_sandbox):
    http = Http(served_sandbox.url)
    with closing(sqlite3.connect(served_sandbox.db)) as connection, connection:
        connection.execute("DELETE FROM failure")
    yield Scene(served_sandbox, http)
    http.close()


def test_a_key_that_answered_before_and_is_not_known_any_more_is_revoked(scene):
    scene.hold("gone", gone=True, answered=True)
    scene.hold("shows", answered=True)
    scene.hold("gone-too", ELSEWHERE, gone=True, answered=True)
    found = scene.ask(failures=4)
    assert {found[name].verdict for name in ("gone", "gone-too")} == {Verdict.REVOKED}
    assert scene.worst <= 2


def test_nothing_is_remembered_so_a_key_is_not_refused_twice_with_no_answer_in_between(scene):
    scene.hold("gone", gone=True, answered=True)
    asked = scene.ask()["gone"]
    assert (asked.verdict, "once only" in asked.why, scene.worst) == (Verdict.UNKNOWN, True, 1)


def test_a_key_that_is_proved_gone_is_not_asked(scene):
    scene.hold("gone", gone=True, answered=True)
    scene.gone = Gone(since=1_800_000_000, host="desk", said="EAPI:Invalid key")
    asked = scene.ask()["gone"]
    assert (asked.verdict, "proved before" in asked.why, scene.worst) == (Verdict.REVOKED, True, 0)


def test_half_a_proof_is_none(scene):
    scene.hold("gone", gone=True, answered=True)
    assert scene.ask(failures=1)["gone"].verdict is Verdict.UNKNOWN


def test_a_second_factor_is_unknown(scene):
    scene.hold("guarded", otp="a password")
    asked = scene.ask()["guarded"]
    assert (asked.verdict, "2FA" in asked.why) == (Verdict.UNKNOWN, True)


def test_a_refusal_is_followed_by_a_call_that_is_answered(scene):
    for n in range(4):
        scene.hold(f"gone-{n}", gone=True)
    scene.hold("shut", ELSEWHERE)
    scene.hold("shut-too", ALSO_ELSEWHERE)
    scene.hold("good")
    scene.holdings.insert(0, scene.holdings.pop())
    found = scene.ask(failures=10)
    assert scene.worst == 1
    assert [asked.verdict for asked in found.values()].count(Verdict.DENIED) == 4
    assert found["shut"].verdict is Verdict.UNKNOWN


def test_without_such_a_call_the_allowance_is_the_most(scene):
    for n in range(6):
        scene.hold(f"gone-{n}", gone=True)
    found = scene.ask()
    assert scene.worst == 3
    assert sum("could lock it" in asked.why for asked in found.values()) == 3


def test_a_key_behind_an_allow_list_that_let_another_in_is_judged_by_that(scene):
    here = ("127.0.0.1",)
    scene.hold("good", here)
    scene.hold("gone", here, gone=True)
    found = scene.ask()
    assert (found["good"].verdict, found["gone"].verdict) == (None, Verdict.DENIED)


def test_a_busy_consumer_proves_life(scene):
    scene.hold("busy")
    [holding] = scene.holdings
    OwnKey(scene.http, holding.pair, lambda: int((scene.sandbox.now + 60) * 1_000_000_000)).describe(holding.scale)
    asked = scene.ask()["busy"]
    assert (asked.verdict, asked.lives) == (Verdict.UNKNOWN, True)


def test_an_outage_is_no_verdict(scene):
    scene.hold("bot")
    scene.sandbox.fault("error", error="EService:Unavailable", times=1)
    asked = scene.ask()["bot"]
    scene.sandbox.clear_faults()
    assert (asked.verdict, asked.lives) == (Verdict.UNKNOWN, False)
