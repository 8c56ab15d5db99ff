"""Replaced keys that are no longer there when their overlap is over."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

import desk as d
from chaos.eyes import state_home
from krakenctl.model.address import key_address
from krakenctl.model.recorded import Containment
from krakenctl.sandbox.people import operate

OVERLAP = {"rotation": {"overlap": "24h"}}


def retired(desk):
    for permission in ("query-funds", "query-ledger"):
        desk.declare(d.account(), d.key("bot", permission, **OVERLAP))
        desk.applied()


def told_of(desk, name):
    with state_home(desk).look() as state:
        lines = [json.loads(line) for line in state.log.lines()]
    return [(line["verb"], line["outcome"]) for line in lines if line.get("name") == name and line["verb"] == "revoke"]


@pytest.mark.parametrize("contained", [True, False])
def test_the_end_of_a_key_is_told_that_a_killed_kill_switch_has_revoked(desk, contained):
    """Killed between the revoke and the record of it, and nobody comes back before the overlap is over."""
    retired(desk)
    if contained:
        with closing(state_home(desk).open()) as state:
            by = Containment(at=1, who="alice", reason="leaked")
            state.contain({key_address("acme", "bot")}, (), by)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.advance(31 * d.DAY)
    for _ in range(2):
        assert desk.run("tick").code == 0
    assert told_of(desk, "bot.a7.g1") == ([("revoke", "found")] if contained else [])
    assert desk.recorded().retired == ()
