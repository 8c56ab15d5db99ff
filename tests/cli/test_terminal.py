"""At a terminal: colours, a question, moving progress, and no line that wraps."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import krakenctl
from terminal import on_a_terminal, plain

QUESTION = "Apply this plan?"


def test_apply_asks_and_does_it_after_a_yes(workspace: Path) -> None:
    seen = on_a_terminal("apply", cwd=workspace, answers={QUESTION: "y"})
    assert seen.code == 0
    assert "\x1b[" in seen.out
    assert "2 changes done (2 created)." in plain(seen.out)
    assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("answer", ["n", ""])
def test_apply_does_nothing_after_anything_but_a_yes(workspace: Path, answer: str) -> None:
    seen = on_a_terminal("apply", cwd=workspace, answers={QUESTION: answer})
    assert seen.code == 1
    assert "Nothing of it was done." in plain(seen.out)
    assert krakenctl("-C", workspace, "state", "list").out.startswith("Nothing is recorded yet")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_plan_fits_the_terminal(workspace: Path, columns: int) -> None:
    lines = plain(on_a_terminal("plan", cwd=workspace, columns=columns).out).splitlines()
    too_long = [line for line in lines if len(line) > columns and len(line.split()) > 4]
    assert not too_long


def test_no_color_is_honoured(workspace: Path) -> None:
    assert "\x1b[" in on_a_terminal("tree", cwd=workspace).out
    assert "\x1b[" not in on_a_terminal("tree", "--no-color", cwd=workspace).out
