"""However commands, keys, hosts, persons and answers follow each other: few calls in a row are refused."""

from __future__ import annotations

import base64
import itertools
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from krakenctl.errors import ExchangeError, KrakenctlError, RateLimited, Refused
from krakenctl.model.description import NonceScale
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.model.silence import MOST_BY_WORD, MOST_REFUSED, ROW_SECONDS
from krakenctl.surfaces.kraken import answers
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.probes import Pace
from krakenctl.surfaces.kraken.row import Row
from krakenctl.surfaces.person import Nobody
from krakenctl.tasks.verification.asking import Asking
from krakenctl.testing.person import Robot
from website_scene import ORDERS, READ, scene_on, watch

HOSTS = ("runner-a", "runner-b")
NAMES = tuple(f"bot-{number}" for number in range(6))
HERE, AWAY = "127.0.0.1", "198.51.100.7"
TRADER = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS, Permission.MODIFY_TRADES}))

hosts, names = st.sampled_from(HOSTS), st.sampled_from(NAMES)
thens = st.none() | hosts  # whose command is next


class Typist(Robot):
    """Types pairs of which Kraken knows nothing, and never the same twice."""

    numbers = itertools.count()

    def issue(self, step):
        number = next(self.numbers)
        return KeyPair(
            public_key=f"mistyped-{number}", secret=Secret(base64.b64encode(bytes([number % 256] * 64)).decode())
        )

    def again(self, step, differences):
        return self.issue(step)


class Machine(RuleBasedStateMachine):
    sandbox, patch, order = None, None, ""

    @initialize(well=st.booleans(), dead=st.integers(0, 3))
    def begin(self, well, dead):
        self.opened = scene_on(self.sandbox, self.order)
        self.scene = self.opened.__enter__()
        self.sandbox.switch("lockout-threshold", "none")  # nothing but our own count keeps it short
        self.row, self.made, self.alive, self.inside = [], {}, set(), set()
        watch(self.patch, self.heard)
        for name in NAMES[:dead]:
            self.make(name=name, scale=NonceScale.MILLISECONDS, listed=False, trades=False, fresh=False, claimed=False)
            self.delete(name=name)
        if well:
            self.make(name="well", scale=NonceScale.MILLISECONDS, listed=False, trades=True, fresh=False, claimed=False)
            for host in HOSTS:
                self.plan(host=host, attended=False, then=None)

    def heard(self, pair, answer):
        """Raises what a test raises, at the very call."""
        try:
            answers.result(answer, "answer")
        except RateLimited:
            return
        except Refused:
            self.row.append(self.scene.ours.now())
        except ExchangeError:
            return
        else:
            self.row.clear()
        lately = [at for at in self.row if at > self.scene.ours.now() - ROW_SECONDS]
        assert len(lately) <= MOST_BY_WORD, lately
        beyond = itertools.pairwise(self.row[MOST_BY_WORD - 1 :])
        assert all(later - one >= ROW_SECONDS for one, later in beyond), self.row

    def teardown(self):
        if hasattr(self, "opened"):
            self.patch.undo()
            self.opened.__exit__(None, None, None)

    # What happens to keys

    @rule(name=names, scale=st.sampled_from([NonceScale.MILLISECONDS, NonceScale.UNKNOWN]), listed=st.booleans(),
          trades=st.booleans(), fresh=st.booleans(), claimed=st.booleans())  # fmt: skip
    def make(self, name, scale, listed, trades, fresh, claimed):
        if name in self.made:
            return
        spec = replace(TRADER if trades else READ, ip_allowlist=(HERE,) if listed else ())
        more = {"fresh": True} if fresh else {"claimed_by": "alice" if claimed else ""}
        self.made[name] = self.scene.hold(name, spec, scale=scale, **more)
        self.alive.add(name)
        self.inside.add(name)

    @rule(name=names)
    def delete(self, name):
        if name in self.alive:
            self.scene.revoke(name)
            self.alive.discard(name)

    @rule(name=names, inside=st.booleans())
    def restrict(self, name, inside):
        if name in self.alive:
            self.scene.move(name, HERE if inside else AWAY)
            (self.inside.add if inside else self.inside.discard)(name)

    @rule(name=names, nonce=st.integers(2, 40))
    def use(self, name, nonce):
        """Elsewhere, by its program: that ends no row of ours, as far as anybody here knows."""
        if name in self.alive & self.inside:
            row = list(self.row)
            with suppress(KrakenctlError):
                OwnKey(self.scene.http, self.made[name], self.scene.clock).describe_with(nonce)
            self.row[:] = row

    @rule(name=names)
    def forget(self, name):
        """Whatever is known of it goes; and it may be made once more."""
        for each in self.scene.ours.recorded.traces:
            if each.live_name == name and name not in self.alive:
                self.scene.ours.state.revoked(each.address, name)
                self.made.pop(name, None)

    @rule(minutes=st.sampled_from([1, 1, 20, 61, 25 * 60]))
    def wait(self, minutes):
        self.scene.sandbox.advance(minutes=minutes)

    # Commands

    @rule(host=hosts, attended=st.booleans(), then=thens)
    def plan(self, host, attended, then):
        self.scene.ours.host = host
        with suppress(KrakenctlError):
            self.scene.open(None if attended else Nobody()).list_keys()
        self.whoever_is_well_is_asked(then)

    @rule(host=hosts, failures=st.integers(0, 4), probing=st.booleans(), then=thens)
    def verify(self, host, failures, probing, then):
        self.scene.ours.host = host
        share = self.scene.held
        caller = Caller(http=self.scene.http, held=share, clock=self.scene.clock, wait=self.scene.waited.append,
                        budget=Row(left=failures))  # fmt: skip
        asking = Asking(caller=caller, gone=share.gone, pace=lambda: Pace("pro", lambda: 0.0, lambda _: None),
                        now=self.scene.ours.now(), lists={}, probing=probing)  # fmt: skip
        asking.all([each for each in share.holdings() if not each.fresh])
        self.whoever_is_well_is_asked(then)

    @rule(host=hosts, name=names, deletes=st.booleans(), then=thens)
    def revoke(self, host, name, deletes, then):
        self.scene.ours.host = host
        if name in self.made:
            with suppress(KrakenctlError):
                self.scene.open(Robot(self.sandbox.db, deletes=deletes, gives_up=True)).revoke(name)
            if deletes:
                self.alive.discard(name)
        self.whoever_is_well_is_asked(then)

    @rule(host=hosts, listed=st.booleans(), times=st.sampled_from([0, 0, 1, 4]), then=thens)
    def mistype(self, host, listed, times, then):
        """A person is asked for a new key, and types in nonsense again and again."""
        self.scene.ours.host = host
        website, spec = self.scene.open(Typist(self.sandbox.db)), replace(READ, ip_allowlist=(AWAY,) if listed else ())
        with suppress(KrakenctlError):
            website.issue("new", spec)
            website.list_keys()
            for _ in range(times):
                website.amend("new", spec, ("it is not known",))
                website.list_keys()
        self.whoever_is_well_is_asked(then)

    # And who is well is asked

    def well(self, name):
        return name in self.alive & self.inside

    def whoever_is_well_is_asked(self, host):
        """By the next command; None: there is none yet."""
        if host is None:
            return
        self.scene.ours.host = host
        share, holdings = self.scene.held, list(self.scene.held.holdings())
        usable = [each for each in holdings if not each.fresh and each.scale is NonceScale.MILLISECONDS]
        usable = [each for each in usable if not each.record.claimed_by and each.pair is not None]
        known = [each.record.live_name for each in usable
                 if share.answer(each.pair.public_key) and not share.rests(each.pair.public_key)]  # fmt: skip
        if share.refusals() > MOST_REFUSED or not all(map(self.well, known)):
            return
        with suppress(KrakenctlError):
            assert not {*known} & self.scene.open(Nobody()).list_keys().unasked.keys()


@pytest.mark.parametrize("order", ORDERS)
def test_refused_calls_in_a_row_stay_few_and_whoever_is_well_is_asked(served_sandbox, monkeypatch, order):
    Machine.sandbox, Machine.patch, Machine.order = served_sandbox, monkeypatch, order
    usual = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=usual)
