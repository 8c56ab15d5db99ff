"""What one command has heard of an account's keys, where it could not be written down."""

from __future__ import annotations

import pytest

from krakenctl.model.recorded import Recorded
from krakenctl.model.silence import LOCKOUT_SECONDS
from krakenctl.observe.estate import Estate

NOW = 1_800_000_000


class Clock:
    now = NOW


@pytest.fixture
def estate():
    """Its state cannot be written, and has nothing to tell."""
    return Estate(
        recorded=lambda: Recorded(lineage=""),
        declared={},
        open_store=pytest.fail,
        host="desk",
        now=lambda: Clock.now,
        jot=lambda _: False,
        holding=lambda: None,
    )


def test_a_lockout_is_known_to_all_who_ask_about_the_account(estate):
    estate.of("acme").note_lockout()
    assert "locked acme" in estate.of("acme").locked()
    assert not estate.of("other").locked()


def test_a_lockout_ends(estate, monkeypatch):
    estate.of("acme").note_lockout()
    monkeypatch.setattr(Clock, "now", NOW + LOCKOUT_SECONDS)
    assert not estate.of("acme").locked()


def test_a_refusal_is_known_to_all_who_ask_about_the_account(estate):
    estate.of("acme").note_refused("public", "EAPI:Invalid key")
    again = estate.of("acme")
    assert again.rests("public")
    assert not again.remembers


def test_what_is_recorded_meanwhile_is_read_anew():
    states = [Recorded(lineage="", lockouts={"acme": NOW}), Recorded(lineage="")]
    told = Estate(
        recorded=states.pop,
        declared={},
        open_store=pytest.fail,
        host="desk",
        now=lambda: NOW,
        jot=lambda _: False,
        holding=lambda: None,
    )
    assert not told.of("acme").locked()
    assert told.of("acme").locked()
