"""What differs between surfaces is asked by the name of a question, never by who does it."""

from pathlib import Path

import pytest

import krakenctl
from krakenctl.errors import WorkspaceError
from krakenctl.model.surface import SURFACES, traits

ROOT = Path(krakenctl.__file__).parent
# Which steps are a person's, which were shown to one, and what they are told: there it is the question itself.
ASKED_OUTRIGHT = {ROOT / "plan" / "human.py", ROOT / "pipeline" / "onrecord.py", ROOT / "observe" / "premises.py"}


@pytest.mark.parametrize("stage", ["apply", "plan", "pipeline", "observe"])
def test_no_stage_asks_who_makes_the_keys(stage: str):
    files = sorted(set((ROOT / stage).rglob("*.py")) - ASKED_OUTRIGHT)
    assert files
    for word in ("by_person", "SURFACES", "Coverage.HELD", *(f'"{name}"' for name in SURFACES)):
        assert [file.name for file in files if word in file.read_text(encoding="utf-8")] == [], word


def test_a_surface_that_this_version_does_not_know_is_named():
    with pytest.raises(WorkspaceError, match="knows no surface “prime”") as told:
        traits("prime")
    assert "connect and website" in told.value.hint
