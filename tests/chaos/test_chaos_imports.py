"""An import that is killed anywhere and run again: as if it had never been interrupted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chaos.imports import IMPORTS, killed

KILLS = 3  # `make chaos` kills each before every deed


@pytest.mark.parametrize("name", IMPORTS)
def test_an_import_that_was_killed_is_finished_by_the_same_one(name: str, tmp_path: Path):
    with killed(name, tmp_path) as run:
        kills = 8 if name == "listed" else KILLS  # nothing but the state tells what was begun
        strikes = random.Random(name).sample(range(run.deeds), kills)
        assert {strike: wrong for strike in strikes if (wrong := [*run.at(strike)])} == {}
