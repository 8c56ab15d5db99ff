"""What a doctor makes of what it saw."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.description import Description
from krakenctl.model.diagnosis import Diagnosed, Diagnosis, Health, ok, problem, unknown
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import EndProof
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.run import Lease, Run
from krakenctl.model.silence import TWICE
from krakenctl.render import diagnosis
from krakenctl.render.paint import Paint
from krakenctl.tasks.diagnosis import verdicts
from krakenctl.wiring.clocks import Moment
from plan_builders import NOW, bot, recorded

PIN = "AA12 N84G EXAM PLE1"
SECOND = 1_000_000_000  # nanoseconds


def sample(ahead: float, took: float = 0.1) -> Moment:
    """Of an exchange whose clock stands half a second after NOW."""
    before = NOW * SECOND + int((0.5 + ahead - took / 2) * SECOND)
    return Moment(told=NOW, before=before, took=int(took * SECOND), then=0)


@pytest.mark.parametrize(
    ("ahead", "health"),
    [(0, Health.OK), (1.9, Health.OK), (5, Health.WARNING), (-5, Health.WARNING), (90, Health.PROBLEM)],
)
def test_a_clock_is_judged_by_how_far_it_is_off(ahead: float, health: Health) -> None:
    told = verdicts.clock([sample(ahead)] * 3)
    assert told.health is health
    assert ("ahead of" in told.message, "behind" in told.message) == (ahead > 2, ahead < -2)


@given(ahead=st.floats(-3600, 3600), took=st.floats(0, 60))
def test_what_the_way_to_the_exchange_may_explain_is_no_warning(ahead: float, took: float) -> None:
    told = verdicts.clock([sample(ahead, took)] * 3)
    assert told.health is Health.OK or abs(ahead) - took / 2 > verdicts.SLIGHT


def test_one_slow_answer_of_three_does_not_move_the_clock() -> None:
    assert verdicts.clock([sample(0), sample(20, took=40), sample(0.1)]).health is Health.OK


@pytest.mark.parametrize(
    ("told", "health"),
    [("online", Health.OK), ("maintenance", Health.WARNING), ("post_only", Health.WARNING), (None, Health.UNKNOWN)],
)
def test_the_exchanges_status(told: object, health: Health) -> None:
    assert verdicts.status(told).health is health


@pytest.mark.parametrize(("seconds", "says"), [(1800, "ends in about 30m"), (-7200, "should have ended 2h ago")])
def test_a_token_that_ends_soon_is_told(seconds: float, says: str) -> None:
    [told] = verdicts.token_life(seconds, "acme")
    assert told.health is Health.WARNING
    assert says in told.message


def test_a_token_that_lives_for_hours_is_not_told() -> None:
    assert not list(verdicts.token_life(7200, "acme"))


def test_a_scope_that_is_missing_is_named() -> None:
    [told] = verdicts.scopes(frozenset({"a"}), frozenset({"a", "b"}), "acme")
    assert (told.health, "lacks the scope b" in told.message) == (Health.PROBLEM, True)


OWN = Description(
    live=LiveKey(
        name="own", created=NOW, spec=KeySpec(permissions=frozenset({Permission.WITHDRAW_FUNDS}), ip_allowlist=("::1",))
    ),
    iiban=PIN,
    nonce=1,
)


def _own(seen: Description, *, needed: bool = True, strict: bool = True) -> set[tuple[Health, str]]:
    told = verdicts.own_key(seen, pin=PIN, needed=needed, now=NOW, strict=strict, about="acme")
    return {(each.health, each.message.partition(",")[0]) for each in told}


def _with(**spec: object) -> Description:
    return replace(OWN, live=replace(OWN.live, spec=replace(OWN.live.spec, **spec)))


def test_krakenctls_own_key_as_it_should_be() -> None:
    assert not _own(OWN)


def test_an_own_key_that_cannot_request_sub_accounts_is_a_problem_where_some_are_wanted() -> None:
    assert {health for health, _ in _own(_with(permissions=frozenset()))} == {Health.PROBLEM}
    assert not _own(_with(permissions=frozenset()), needed=False)


def test_an_own_key_of_another_account_is_a_problem() -> None:
    assert {health for health, _ in _own(replace(OWN, iiban="AA00 N84G EXAM PLE2"))} == {Health.PROBLEM}


def test_an_own_key_that_may_too_much_is_a_warning_unless_it_is_a_sandboxs() -> None:
    wide = _with(permissions=frozenset(Permission), ip_allowlist=())
    assert {health for health, _ in _own(wide)} == {Health.WARNING}
    assert not _own(wide, strict=False)


def test_an_own_key_that_ends_soon_is_a_warning() -> None:
    assert {health for health, _ in _own(_with(valid_until=NOW + 86400))} == {Health.WARNING}


LEASE = Lease(
    fence=1, run=Run(id="r", who="jo", host="h", command="apply"), pid=7, process="", since=NOW, beat=NOW, seconds=60,
    asked=NOW,
)  # fmt: skip


def test_a_lease_is_well_while_its_holder_gives_signs_of_life() -> None:
    assert verdicts.lease(None, dead=False).health is Health.OK
    assert verdicts.lease(LEASE, dead=False).health is Health.OK
    assert verdicts.lease(replace(LEASE, asked=NOW + 45), dead=False).health is Health.WARNING
    assert "died" in verdicts.lease(LEASE, dead=True).message


@pytest.mark.parametrize("move", Move)
def test_what_only_a_person_can_find_out_is_a_problem(move: Move) -> None:
    left = Recovery(address=bot().address, account="acme", name="bot", move=move, why="so")
    asks = move in (Move.ASK, Move.UNKNOWN)
    told = verdicts.recovery(left, "so")
    assert told.health is (Health.PROBLEM if asks else Health.WARNING)
    assert (told.hint == "run `krakenctl recover`") == (not asks and move is not Move.WAIT), "it cannot end a wait"


def test_whoever_has_looked_is_not_told_to_look() -> None:
    key = recorded(bot())
    proved = EndProof(since=NOW, host="here", said=TWICE)
    assert "look on the website" in verdicts.gone(proved, key).hint
    assert "`krakenctl plan`" in verdicts.gone(replace(proved, host="", said="as jo says"), key).hint


def _text(*results: Diagnosed) -> str:
    return diagnosis.render(Diagnosis(results=results, calls=0), Paint())


def test_a_fleet_that_is_well_takes_one_line() -> None:
    fleet = [Diagnosed(check="token", title="tokens", told=ok("fine", about=f"a{n}")) for n in range(40)]
    bad = Diagnosed(check="token", title="tokens", told=problem("dead", hint="mend it", about="b"))
    told = _text(*fleet, bad)
    assert "40 are well" in told
    assert "b: dead" in told
    assert "a7" not in told


def test_what_kept_several_things_from_being_looked_at_is_told_once() -> None:
    unseen = [Diagnosed(check=name, title=name, told=unknown("not looked at, because so")) for name in ("x", "y")]
    assert "not looked at, because so: x, y" in _text(*unseen)
    assert _text(*unseen).count("because so") == 1
    assert "2 not known" in _text(*unseen)


def test_foreign_text_moves_no_cursor() -> None:
    assert "\x1b" not in _text(
        Diagnosed(check="token", title="tokens", told=problem("a\x1b[2Jb", about="\x1b", hint="\x1b"))
    )
