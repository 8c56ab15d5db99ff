"""Standard input is for pipes and files: what is typed at a terminal would be seen there, secrets too."""

from __future__ import annotations

import pytest

from running import krakenctl
from terminal import on_a_terminal, plain

READERS = [
    "inspect --stdin",
    "import --from -",
    "attest --print --stdin",
    "attest ApiKey/acme/bot --stdin",
    "attest ApiKey/acme/bot --from -",
    "apply --yes --stdin",
]


@pytest.mark.parametrize("command", READERS)
def test_a_terminal_is_refused_at_once(tmp_path, command):
    told = on_a_terminal(*command.split(), cwd=tmp_path)
    assert told.code == 64, told.out
    assert "a terminal would show what is typed" in " ".join(plain(told.out).split())


@pytest.mark.parametrize("command", READERS)
def test_a_standard_input_that_is_closed_is_told(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    ran = krakenctl(*command.split())
    assert ran.code == 64, ran.err
    assert "there is none" in ran.err
