"""Whatever manifests say one after the other, and whatever is run, the program of the key in use goes on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_corrected_clocks import mistaken, rotate
from test_old_programs_clock import BOT, Stops

from by_hand import a_key, by_hand, run
from desk import NOW, Desk, make_desk
from krakenctl.errors import KrakenctlError
from krakenctl.model.description import CLOCKS, NonceScale, nonce_at
from krakenctl.testing.person import Robot
from waiting import ORDERS, nonce, set_nonce

PROGRAMS = ("s", "ms", "us", "counter")
SOON = 60  # seconds, after which whoever asked ahead of the time is no longer in the way
COMMANDS = {
    "plan": ("plan",),
    "verify": ("verify",),
    "drift": ("drift",),
    "apply": ("apply", "--yes"),
    "tick": ("tick",),
    "inspect": ("inspect", str(BOT), "--yes"),
    "recover": ("recover", "--absent", str(BOT)),
}
EDITS = st.fixed_dictionaries(
    {"nonce": st.sampled_from(NonceScale)},
    optional={
        "grant": st.just("query-ledger"),
        "validFor": st.just("45d"),
        "trigger": st.just("leak"),
        "formerly": st.just(["bot"]),
    },
)
RUNS = st.sampled_from([*COMMANDS, "rotate and stop", "rotate by mistake"])
STEPS = st.lists(st.tuples(EDITS, RUNS, st.sampled_from([60, 3600, 40 * 86400])), min_size=2, max_size=5)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A desk for each clock that may be on record."""
    return {which: make(tmp_path_factory.mktemp("begun"), *which) for which in product(PROGRAMS, ORDERS)}


def make(root, scale, order):
    desk = make_desk(root / "acme")
    desk.switch("check-order", order)
    desk.declare(by_hand(), a_key(consumer={"nonce": scale}))
    run(desk, Robot(desk.db))
    return desk


def edited(desk, edit):
    spec = {"consumer": {"nonce": edit["nonce"].value}}
    name, spec["secret"] = ("new", {"path": "acme/bot"}) if "formerly" in edit else ("bot", {"path": "acme/bot"})
    if "validFor" in edit:
        spec["validFor"] = edit["validFor"]
    if "trigger" in edit:
        spec["rotation"] = {"trigger": edit["trigger"]}
    if "formerly" in edit:
        spec["metadata"] = {"formerly": edit["formerly"]}
    desk.declare(by_hand(), a_key(name, edit.get("grant", "query-funds"), **spec))


def carry_out(desk, what):
    match what:
        case "rotate and stop" | "rotate by mistake":
            with suppress(KrakenctlError):  # of a key that the manifests change otherwise, or have moved
                rotate(desk, Stops(desk.db)) if what == "rotate and stop" else mistaken(desk)
        case _:
            desk.run(*COMMANDS[what])


def sends(desk, program, now):
    """What the program does next; it would be refused if the key had seen as much."""
    seen = nonce(desk)
    number = nonce_at(NonceScale(program), now * 10**9) if program in CLOCKS else max(seen, 5000) + 1
    assert seen < number
    assert program in CLOCKS or seen < NOW
    set_nonce(desk, number)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(program=st.sampled_from(PROGRAMS), order=st.sampled_from(ORDERS), steps=STEPS, is_guessed=st.booleans())
def test_no_edit_and_no_command_locks_a_program_out(begun, tmp_path_factory, program, order, steps, is_guessed):
    """`is_guessed`: its key was imported before it was used, so that seconds are on record."""
    recorded = "s" if is_guessed and program != "counter" else program
    desk = Desk(tmp_path_factory.mktemp("law") / "acme")
    shutil.copytree(begun[recorded, order].root, desk.root)
    now = NOW
    for edit, what, seconds in steps:
        now += SOON
        desk.advance(SOON)
        sends(desk, program, now)
        edited(desk, edit)
        now += seconds
        desk.advance(seconds)
        carry_out(desk, what)
    desk.advance(SOON)
    sends(desk, program, now + SOON)
