"""A state that a newer krakenctl has written: one account is managed in a way that this one does not know."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import desk as d


@pytest.fixture
def desk(tmp_path):
    """Its manifests are gone, so that the state alone says how the sub-account is managed."""
    desk = d.make_desk(tmp_path / "acme")
    desk.declare(d.account(), d.subaccount("mm"), d.key("bot"), d.key("bot", on="mm"))
    desk.applied()
    with closing(sqlite3.connect(desk.root / ".krakenctl/state.db")) as state, state:
        state.execute("UPDATE account SET surface = 'prime' WHERE name = 'mm'")
    desk.declare(d.account(), d.key("bot"))
    return desk


def test_the_kill_switch_goes_on_with_the_other_accounts(desk):
    ran = desk.run("revoke", "--under", "acme", "--yes", "-o", "json")
    assert ran.code == 1
    assert desk.ours("acme") == []
    assert [(each["account"], "“prime”" in each["message"]) for each in ran.json["notContained"]] == [("mm", True)]


@pytest.mark.parametrize(
    "command", [["plan"], ["drift"], ["recover", "--absent", "ApiKey/mm/bot"]], ids=lambda words: words[0]
)
def test_no_command_ends_in_a_traceback(desk, command):
    ran = desk.run(*command)
    assert ran.code != 0
    assert "Error" in ran.err
    assert "Traceback" not in ran.err
