"""By how a world stands it is drawn what comes after the struck run: so a cell that is run again is mended alike."""

from __future__ import annotations

import pytest

from chaos.by_person import ALL
from chaos.scenarios import prepare
from chaos.standing import standing
from chaos.still import still
from desk import Desk
from elsewhere import KILLED, krakenctl_on

BEGUN = 20  # deeds: by then an intent is in the state


@pytest.mark.parametrize("scenario", ["replace", "hand-unseen"])
def test_worlds_with_one_history_stand_alike_whatever_is_random(scenario, tmp_path):
    def world(number: int) -> Desk:
        with still(None):
            return prepare(ALL[scenario], tmp_path / str(number) / "acme", lambda _: None)

    worlds = [world(number) for number in range(3)]
    for desk in worlds if scenario == "replace" else ():
        assert krakenctl_on("desk", "127.0.0.1", "apply", "--yes", root=desk.root, strike=BEGUN).code == KILLED
        assert desk.recorded().intents
    assert len({standing(desk) for desk in worlds}) == 1
