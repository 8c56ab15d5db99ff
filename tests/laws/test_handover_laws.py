"""A key that was handed over with `Removed` and `action: forget` is none of ours, whatever is done afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import desk as d
from desk import DAY, Desk, Row, make_desk, stop_time
from krakenctl.model.address import Address, key_address

KEYS = {key_address("acme", "bot"): "acme", key_address("acme", "view"): "acme", key_address("mm", "bot"): "u-mm"}
DECLARED, FORGET, LEFT_OUT = "declared", "forget", "left out"

_fates = st.fixed_dictionaries({address: st.sampled_from([DECLARED, DECLARED, FORGET, LEFT_OUT]) for address in KEYS})
_rights = st.sampled_from(["query-funds", "query-ledger"])
_deeds = st.one_of(
    st.tuples(st.just("apply"), st.tuples(_fates, _rights)),
    st.tuples(st.just("apply"), st.tuples(_fates, _rights)),
    st.sampled_from(["acme", "mm"]).map(lambda node: ("run", ("revoke", "--under", node, "--yes"))),
    st.sampled_from(sorted(KEYS)).map(lambda address: ("run", ("revoke", str(address), "--yes"))),
    st.just(("run", ("rotate", "--all", "--yes"))),
    st.just(("run", ("tick",))),
    st.just(("run", ("state", "rebuild", "--replace", "--yes"))),
    st.just(("wait", 2 * DAY)),
)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Desk]:
    for module in ("sweep", "switch"):
        monkeypatch.setattr(f"krakenctl.tasks.containment.{module}.time", stop_time(monkeypatch))
    fresh = make_desk(tmp_path / "fresh")
    _declare(fresh, dict.fromkeys(KEYS, DECLARED), "query-funds")
    fresh.applied()
    numbers = itertools.count()
    return lambda: fresh.copy(tmp_path / str(next(numbers)))


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),  # to shrink a history takes minutes
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=st.lists(_deeds, min_size=2, max_size=8))
def test_a_key_that_was_handed_over_is_never_touched_again(make: Callable[[], Desk], deeds: list[tuple[str, Any]]):
    desk, handed = make(), dict[tuple[str, str], Row]()
    for deed, how in deeds:
        if deed == "wait":
            desk.advance(how)
        elif deed == "run":
            desk.run(*how)
        else:
            handed |= _applied(desk, *how)
        assert {handle: _row(desk, handle) for handle in handed} == handed
    assert {(_username(given.address), given.live_name) for given in desk.recorded().given} == handed.keys()
    assert not [finding for finding in desk.plan()["findings"] if finding["rule"] == "unknown-key"]


def _applied(desk: Desk, fates: dict[Address, str], rights: str) -> dict[tuple[str, str], Row]:
    """What is handed over with it."""
    leaving = {a: key for a, key in desk.recorded().keys.items() if fates[a] == FORGET}
    _declare(desk, fates, rights)
    desk.apply("--allow", "contained")
    left = desk.recorded().keys
    handles = [(_username(address), key.live_name) for address, key in leaving.items() if address not in left]
    return {handle: row for handle in handles if (row := _row(desk, handle)) is not None}


def _declare(desk: Desk, fates: dict[Address, str], rights: str) -> None:
    documents = [d.account(), d.subaccount("mm")]
    for address, fate in fates.items():
        account, name = address.path
        if fate == DECLARED:
            documents.append(d.key(name, rights, on=account, rotation={"overlap": "24h"}))
        elif fate == FORGET:
            documents.append(d.removed(str(address), "forget") | {"metadata": {"name": f"{account}-{name}"}})
    desk.declare(*documents)


def _row(desk: Desk, handle: tuple[str, str]) -> Row | None:
    username, name = handle
    return desk.rows(username).get(name)


def _username(address: Address) -> str:
    return KEYS[address]
