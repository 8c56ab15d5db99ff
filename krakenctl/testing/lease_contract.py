"""What the leases of every state keep to. See `krakenctl.state.base.Leases`."""

# ruff: noqa: S101, S603 - these are tests

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from krakenctl.errors import Contained, LeaseLost, LockHeld
from krakenctl.model.address import key_address
from krakenctl.model.recorded import Containment, RecordedAccount
from krakenctl.model.run import Run
from krakenctl.state.base import State
from krakenctl.testing.examples import ADDRESS, OTHER, intent, key

MakeState = Callable[..., State]
JO = Run(id="r1", who="jo", host="desk-1", command="apply")
ANN = Run(id="r2", who="ann", host="desk-2", command="tick")
LONG = 3600.0  # seconds; nobody is silent for so long here
OVER = -1.0  # a lease that is over as soon as it is taken: its holder is silent for longer than that
BY = Containment(at=1, who="sam", reason="broken into")

_DIE_WITH_IT = """
from krakenctl.model.run import Run
import os, signal
state.leases.acquire(Run(id="dead", who="jo", host="desk-1", command="apply"), 3600.0)
os.kill(os.getpid(), signal.SIGKILL)
"""
_RACE = """
import sys
from krakenctl.errors import LockHeld
from krakenctl.model.run import Run
sys.stdin.readline()
try:
    state.leases.acquire(Run(id=sys.argv[1], who="jo", host="desk-1", command="apply"), 3600.0)
    print("held", flush=True)
except LockHeld:
    print("refused", flush=True)
sys.stdin.readline()
"""


class LeaseContract:
    """Subclass it beside `StateContract`, with the same fixtures `make_state` and `opening`."""

    @pytest.fixture
    def make_state(self) -> MakeState:
        raise NotImplementedError("give your contract a fixture make_state")

    @pytest.fixture
    def opening(self) -> str:
        raise NotImplementedError("give your contract a fixture opening: Python that binds `state`")

    @pytest.fixture
    def ours(self, make_state: MakeState) -> State:
        return make_state()

    @pytest.fixture
    def theirs(self, make_state: MakeState) -> State:
        """The same state, opened once more."""
        return make_state()

    def test_whoever_comes_second_is_told_who_was_first(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, LONG)
        with pytest.raises(LockHeld) as caught:
            theirs.leases.acquire(ANN, LONG)
        for word in ("jo", "krakenctl apply", "desk-1", "process", "since", "last sign of life", "nothing was done"):
            assert word in caught.value.message
        assert "--lock-timeout" in caught.value.hint
        assert "unlock" in caught.value.hint

    def test_a_lease_that_is_given_back_is_there_for_the_next(self, ours: State, theirs: State) -> None:
        first = ours.leases.acquire(JO, LONG)
        ours.leases.release()
        assert theirs.leases.holder() is None
        second = theirs.leases.acquire(ANN, LONG)
        assert (second.run, second.dead) == (ANN, None)
        assert second.fence > first.fence

    def test_everybody_sees_who_holds_it(self, ours: State, theirs: State) -> None:
        taken = ours.leases.acquire(JO, LONG)
        seen = theirs.leases.holder()
        assert seen is not None
        assert (seen.run, seen.fence, seen.since) == (JO, taken.fence, taken.since)
        recorded = theirs.read().lease
        assert recorded is not None
        assert recorded == replace(seen, asked=recorded.asked)

    def test_a_holder_that_is_silent_for_too_long_is_replaced(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, OVER)
        assert theirs.leases.acquire(ANN, LONG).dead == JO

    def test_a_heartbeat_keeps_it(self, ours: State, theirs: State) -> None:
        taken = ours.leases.acquire(JO, LONG)
        ours.leases.renew()
        seen = theirs.leases.holder()
        assert seen is not None
        assert seen.beat >= taken.beat
        assert seen.since == taken.since

    def test_who_was_replaced_does_nothing_more(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, OVER)
        theirs.leases.acquire(ANN, LONG)
        before = theirs.read()
        for deed in (
            ours.check,
            ours.leases.renew,
            lambda: ours.begin(intent()),
            lambda: ours.promote(key(1), None),
            lambda: ours.remember_account(RecordedAccount(name="a")),
        ):
            with pytest.raises(LeaseLost):
                deed()
        assert theirs.read() == before
        theirs.check()

    def test_who_was_replaced_takes_nothing_away_when_it_ends(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, OVER)
        theirs.leases.acquire(ANN, LONG)
        ours.leases.release()
        assert theirs.leases.holder() is not None
        theirs.check()

    def test_a_holder_that_wakes_before_anybody_came_goes_on(self, ours: State, theirs: State) -> None:
        """Nobody was in between: the fence says so. From here on it is alive again."""
        ours.leases.acquire(JO, OVER)
        ours.check()
        held = theirs.leases.holder()
        assert held is not None
        assert held.beat > held.since
        ours.begin(intent())
        assert theirs.read().intents

    def test_to_unlock_ends_the_holder_and_not_the_next(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, LONG)
        taken = theirs.leases.unlock()
        assert taken is not None
        assert taken.run == JO
        assert theirs.leases.holder() is None
        with pytest.raises(LeaseLost):
            ours.check()
        with pytest.raises(LeaseLost):
            ours.leases.renew()
        assert theirs.leases.holder() is None
        theirs.leases.acquire(ANN, LONG)
        theirs.check()

    def test_to_unlock_what_nobody_holds_does_nothing(self, ours: State) -> None:
        assert ours.leases.unlock() is None

    def test_to_take_it_twice_in_one_run_is_to_take_it_once(self, ours: State) -> None:
        """The answer to the first one may be lost."""
        assert ours.leases.acquire(JO, LONG).fence == ours.leases.acquire(JO, LONG).fence

    def test_without_a_lease_everything_is_allowed(self, ours: State) -> None:
        ours.check()
        ours.begin(intent())

    def test_a_process_that_was_killed_is_replaced_at_once(self, theirs: State, opening: str) -> None:
        subprocess.run([sys.executable, "-c", opening + _DIE_WITH_IT], check=False, timeout=60)
        taken = theirs.leases.acquire(ANN, LONG)
        assert taken.dead is not None
        assert taken.dead.id == "dead"

    def test_of_processes_that_race_one_gets_it(self, theirs: State, opening: str) -> None:
        assert theirs.leases.holder() is None
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", opening + _RACE, f"run-{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(3)
        ]
        try:
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write("go\n")
                racer.stdin.flush()
            told = [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]
        finally:
            for racer in racers:
                racer.communicate()
        assert sorted(told) == ["held", "refused", "refused"]

    def test_the_kill_switch_stops_what_would_begin_and_not_what_has_begun(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, LONG)
        ours.begin(intent(1))
        theirs.contain([ADDRESS], [], BY)
        for deed in (ours.check, lambda: ours.begin(intent(2))):
            with pytest.raises(Contained) as caught:
                deed()
            assert caught.value.addresses == {str(ADDRESS)}
        ours.revoked(ADDRESS, intent(1).live_name)
        assert theirs.read().intents == ()

    def test_the_kill_switch_needs_no_lease_and_whoever_comes_after_it_may_act(self, ours: State) -> None:
        ours.contain([ADDRESS], [], BY)
        assert ours.read().contained == {ADDRESS: BY}
        ours.leases.acquire(JO, LONG)
        ours.check()

    def test_below_an_account_all_that_is_recorded_or_under_way_is_contained(self, ours: State) -> None:
        ours.promote(key(1), None)
        ours.begin(intent(1, OTHER))
        ours.promote(key(1, key_address("elsewhere", "bot")), None)
        ours.contain([], [ADDRESS.path[0], OTHER.path[0]], BY)
        assert set(ours.read().contained) == {ADDRESS, OTHER}

    def test_a_key_that_is_issued_again_is_contained_no_more(self, ours: State) -> None:
        ours.contain([ADDRESS, OTHER], [], BY)
        ours.leases.acquire(JO, LONG)
        ours.promote(key(2), None)
        assert set(ours.read().contained) == {OTHER}

    def test_a_promotion_that_was_on_its_way_lifts_no_containment(self, ours: State, theirs: State) -> None:
        ours.leases.acquire(JO, LONG)
        theirs.contain([ADDRESS], [], BY)
        ours.promote(key(2), None)
        assert set(ours.read().contained) == {ADDRESS}
