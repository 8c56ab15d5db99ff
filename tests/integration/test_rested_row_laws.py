"""A full row of refusals that has rested is worth one call: a key that is well makes it, whatever the others are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.errors import Refused
from krakenctl.model.description import NonceScale
from krakenctl.model.silence import MOST_REFUSED
from krakenctl.surfaces.kraken import answers
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.person import Nobody
from website_scene import ORDERS, READ, scene_on, watch

HERE, AWAY = "127.0.0.1", "198.51.100.7"
US, THEM = "desk", "vault"
FINER = {NonceScale.SECONDS: NonceScale.MILLISECONDS, NonceScale.MILLISECONDS: NonceScale.NANOSECONDS}

SCALES = st.sampled_from(tuple(FINER))
WELL = st.tuples(st.sampled_from(["known", "new"]), SCALES)  # open to all, if it has not answered this host yet
# What is wrong with it, who was refused with it, whether it has answered this host before, and whether it has a list
OTHERS = st.lists(
    st.tuples(
        st.sampled_from(["deleted", "shut out", "busy"]),
        st.sampled_from([US, THEM]),
        st.booleans(),
        st.booleans(),
        SCALES,
    ),
    max_size=5,
)
LENGTHS = st.integers(MOST_REFUSED, MOST_REFUSED + 5)


def hold(scene, name, scale, *, listed, known):
    pair = scene.hold(name, replace(READ, ip_allowlist=(HERE,) if listed else ()), scale=scale)
    if known:
        scene.held.note(pair.public_key, answers=True)
    return pair


def spoil(scene, name, what, pair, scale):
    """Returns what Kraken says of it from now on."""
    match what:
        case "deleted":
            scene.revoke(name)
        case "shut out":
            scene.move(name, AWAY)
        case "busy":  # its program sends something finer by now
            OwnKey(scene.http, pair, scene.clock).describe(FINER[scale])
            return "EAPI:Invalid nonce"
    return "EAPI:Invalid key"


def found_out(scene, host, pair, words):
    """A command on that host was refused with it."""
    scene.ours.host = host
    scene.held.note_refused(pair.public_key, words)
    scene.held.count_refused()
    scene.ours.host = US


@pytest.mark.parametrize("order", ORDERS)
def test_with_a_key_that_is_well_the_row_ends_at_the_first_rest(served_sandbox, monkeypatch, order):
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(WELL, OTHERS, LENGTHS, st.randoms(use_true_random=False))
    def law(well, others, length, random):
        with scene_on(served_sandbox, order) as scene, monkeypatch.context() as patch:
            names = random.sample([f"bot-{number}" for number in range(9)], len(others) + 1)
            hold(scene, names.pop(), well[1], listed=False, known=well[0] == "known")
            for name, (what, host, known, listed, scale) in zip(names, others, strict=True):
                pair = hold(scene, name, scale, listed=listed, known=known)
                found_out(scene, host, pair, spoil(scene, name, what, pair, scale))
            while scene.held.refusals() < length:
                scene.held.count_refused()
            scene.sandbox.advance(seconds=scene.ours.recorded.rows["acme"].until - scene.now())
            heard = []
            watch(patch, lambda _, answer: heard.append(refusal(answer)))
            scene.open(Nobody()).list_keys()
            assert heard[0] == "", heard

    law()


def refusal(answer):
    try:
        answers.result(answer, "answer")
    except Refused as problem:
        return problem.message
    return ""
