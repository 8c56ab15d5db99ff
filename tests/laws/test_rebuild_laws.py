"""Whatever has happened: delete the state, rebuild it, and nothing is to do; or the command has said why there is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import desk as d
from desk import DAY, Desk, Doc, Wire, account, key, subaccount
from krakenctl.sandbox.people import seed
from lost_state import lose, rebuild

NAMES = ("bot", "view", "sub")
SWITCHES = {"list-api-key": ("absent", "present"), "created-time": ("unix", "absent")}

_wishes = st.fixed_dictionaries(
    {
        "permissions": st.sets(st.sampled_from(["query-funds", "query-ledger", "modify-trades"]), min_size=1).map(
            sorted
        ),
        "overlap": st.sampled_from([None, "24h"]),
        "path": st.sampled_from([None, "bots/{name}"]),
        "addresses": st.sampled_from([1, 2]),
        "trigger": st.sampled_from(["", "again"]),
    }
)
_fleets = st.dictionaries(st.sampled_from(NAMES), _wishes, min_size=1)
_deeds = st.one_of(
    _fleets.map(lambda fleet: ("declare", fleet)),
    st.sampled_from([3600, DAY, 30 * DAY]).map(lambda seconds: ("wait", seconds)),
    st.integers(0, 12).map(lambda number: ("crash", number)),
    st.just(("apply", None)),
    st.just(("person", None)),
)
_histories = st.tuples(_fleets, st.lists(_deeds, max_size=6), *(st.sampled_from(one) for one in SWITCHES.values()))
_told = st.tuples(
    _fleets, st.lists(_deeds, max_size=3), st.just("absent"), st.just("unix")
)  # else nothing proves whose it is
law = settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),  # to shrink a history takes minutes
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Stopped(BaseException):
    """In place of a SIGKILL: nothing of ours catches it."""


class World:
    """A fresh desk for each example, and the one wire."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.wire = wire
        self._folder, self._numbers = folder, itertools.count()
        self._fresh = d.make_desk(folder / "fresh")

    def desk(self) -> Desk:
        return self._fresh.copy(self._folder / f"{next(self._numbers)}")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    d.stop_time(monkeypatch)
    return World(tmp_path, Wire().install(monkeypatch))


@law
@given(history=_histories)
def test_after_any_history_that_came_to_rest_nothing_is_to_do(world: World, history: tuple[Any, ...]):
    desk = _lived(world, history)
    desk.applied().applied()
    before, rows, slots = desk.recorded(), desk.rows(), desk.slots()
    lose(desk)
    told = _rebuilt(desk)
    assert desk.changes() == {}
    assert _lasting(desk.recorded()) == _lasting(before)
    after = {one.live_name: one.retired_until for one in desk.recorded().retired}
    for old in before.retired:  # a place that no manifest names any more is not looked into
        assert after.get(old.live_name) == old.retired_until or old.live_name in told
    assert (desk.rows(), desk.slots()) == (rows, slots)
    first = desk.recorded()
    _rebuilt(desk, "--replace")
    assert desk.recorded() == first


@law
@given(history=_histories, number=st.integers(0, 12))
def test_after_a_crash_too_every_key_of_ours_is_remembered_or_told(world: World, history: tuple[Any, ...], number: int):
    desk = _lived(world, history)
    _crash(desk, world.wire, number)
    alive = set(desk.ours())
    strangers = {name: row for name, row in desk.rows().items() if not row.client}
    lose(desk)
    told = _rebuilt(desk)
    remembered = {trace.live_name for trace in desk.recorded().traces}
    alone = {name for name in alive - remembered if name in told}
    assert alive == remembered & alive | alone
    desk.apply()
    desk.applied()
    assert desk.changes() == {}
    rows = desk.rows()
    assert alone <= set(rows), "what is not known to be ours is not touched"
    assert {name: row for name, row in rows.items() if not row.client} == strangers
    for record in desk.recorded().keys.values():
        assert desk.signs(desk.entry(record.secret.path)) is not None


@law
@given(history=_told, fleet=_fleets, number=st.integers(0, 1), heard=st.booleans())
def test_what_was_under_way_is_ended_also_when_the_state_is_only_doubted(
    world: World, history: tuple[Any, ...], fleet: dict[str, Any], number: int, heard: bool
):
    desk = _lived(world, history)
    _declare(desk, {name: wish | {"trigger": "at last"} for name, wish in fleet.items()})
    _lose_answer(desk, world.wire, number, d.lost_after if heard else d.lost_before)
    under_way = {intent.live_name for intent in desk.recorded().intents if intent.issues}
    told = _rebuilt(desk, "--replace", "--without-secrets")
    assert not [name for name in under_way if name in told]
    desk.apply()
    desk.applied()
    assert desk.changes() == {}
    state = desk.recorded()
    assert under_way & set(desk.ours()) <= {key.live_name for key in state.ours}
    for record in state.keys.values():
        assert desk.signs(desk.entry(record.secret.path)) is not None


def _lived(world: World, history: tuple[Any, ...]) -> Desk:
    desk = world.desk()
    fleet, deeds, *switches = history
    for name, value in zip(SWITCHES, switches, strict=True):
        desk.switch(name, value)
    _declare(desk, fleet)
    desk.apply()
    for deed, how in deeds:
        _DEEDS[deed](desk, world.wire, how)
    return desk


def _declare(desk: Desk, fleet: dict[str, dict[str, Any]]) -> None:
    desk.declare(account(), subaccount("mm"), *(_key(name, wish) for name, wish in fleet.items()))


def _key(name: str, wish: dict[str, Any]) -> Doc:
    rotation = {"trigger": wish["trigger"]} | ({"overlap": wish["overlap"]} if wish["overlap"] else {})
    place = {"secret": {"path": wish["path"].format(name=name)}} if wish["path"] else {}
    addresses = [d.HOME, "198.51.100.7"][: wish["addresses"]]
    return key(
        name,
        *wish["permissions"],
        on="mm" if name == "sub" else "acme",
        rotation=rotation,
        ipAllowlist=addresses,
        **place,
    )


def _crash(desk: Desk, wire: Wire, number: int) -> None:
    """The run dies just before its n-th call, if it has so many."""
    wire.clear()

    def before(_: str) -> None:
        if len(wire.calls) > number:
            raise Stopped

    wire.before = before
    try:
        desk.apply()
    except Stopped:
        pass
    finally:
        wire.before = lambda _: None


def _lose_answer(desk: Desk, wire: Wire, number: int, fault: d.Fault) -> None:
    """To the n-th issue: nobody hears whether it came to be. Then the run dies."""
    wire.clear()

    def before(_: str) -> None:
        issues = [at for at, call in enumerate(wire.calls) if call.startswith("issue")]
        if issues[number:] == [len(wire.calls) - 1]:
            wire.faults[issues[number]] = fault
        elif issues[number:]:
            raise Stopped

    wire.before = before
    with suppress(Stopped):
        desk.apply()
    wire.before = lambda _: None
    wire.clear()


def _person(desk: Desk) -> None:
    """Makes a key by hand."""
    name = f"by hand {len(desk.rows())}"
    seed.seed_website_key(desk.db, "acme", name=name, permissions=["query-funds"])


_DEEDS: dict[str, Callable[[Desk, Wire, Any], object]] = {
    "declare": lambda desk, _, fleet: (_declare(desk, fleet), desk.apply()),
    "wait": lambda desk, _, seconds: desk.advance(seconds),
    "crash": _crash,
    "apply": lambda desk, *_: desk.apply(),
    "person": lambda desk, *_: _person(desk),
}


def _rebuilt(desk: Desk, *args: str) -> str:
    """Everything that it says it did not know."""
    return "\n".join(note["message"] for note in rebuild(desk, *args).json["notes"] if note["sort"] == "unknown")


def _lasting(state: Any) -> object:
    """What has to be the same to the bit; an age counts from now where no list tells when a key was made."""
    return (
        state.lineage,
        state.accounts,
        {
            (one.address, one.live_name, one.generation, one.created, one.public_key, one.spec, one.secret, one.trigger)
            for one in state.keys.values()
        },
    )
