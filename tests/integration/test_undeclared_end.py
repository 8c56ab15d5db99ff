"""What somebody changed on a key though no manifest decides it: plan, verify and drift say the same of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import a_key
from desk import DAY, NOW, Desk, account, make_desk
from krakenctl.sandbox.people import operate
from running import Ran

BOT, NAME = "ApiKey/acme/bot", "bot.a7.g1"
ANY = {"ipAllowlist": "any"}
HINT = "declare it as it is to be, or set it back on Kraken"


@pytest.fixture(params=["connect", "website"])
def surface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(surface: str, tmp_path: Path) -> Desk:
    """A key that has no end, and none declared."""
    desk = make_desk(tmp_path)
    desk.declare(account(keyDefaults=ANY), a_key())
    desk.applied().declare(account(surface=surface, keyDefaults=ANY), a_key())
    return desk


def edited(desk: Desk, **fields: int) -> None:
    """By a person, on the website."""
    operate.edit_key(desk.db, "acme", NAME, ["query-funds"], **fields)


def _run(desk: Desk, *args: str) -> Ran:
    """A minute later: two that ask in one millisecond would be in each other's way."""
    desk.advance(60)
    return desk.run(*args)


def verified(desk: Desk, code: int) -> list[tuple[str, object, bool]]:
    ran = _run(desk, "verify", "-o", "json")
    assert ran.code == code, ran.out + ran.err
    [one] = ran.json["keys"]
    return [(each["field"], each["effective"], each["managed"]) for each in one["fields"] if each["agrees"] is False]


def drifted(desk: Desk) -> list[str]:
    return [field["field"] for each in _run(desk, "drift", "-o", "json").json["drifts"] for field in each["fields"]]


def noted(desk: Desk) -> list[tuple[str, str, str]]:
    plan = _run(desk, "plan", "-o", "json").json
    assert plan["changes"] == [], plan["changes"]
    rules = ("expires-soon", "undeclared-change")
    return [(each["rule"], each["severity"], each["hint"]) for each in plan["findings"] if each["rule"] in rules]


def test_a_key_that_is_left_as_it_was_made_is_as_declared(desk: Desk) -> None:
    assert (verified(desk, 0), noted(desk), drifted(desk)) == ([], [], [])


def test_an_end_that_is_near_is_a_difference_and_a_warning(desk: Desk) -> None:
    edited(desk, valid_until=NOW + 10 * DAY)
    assert verified(desk, 3) == [("expires", "2027-01-25T08:00:00Z", False)]
    assert "expires: not declared, effective 2027-01-25T08:00:00Z" in _run(desk, "verify").out
    assert noted(desk) == [("expires-soon", "warning", HINT)]
    assert drifted(desk) == ["expires"]


def test_an_end_that_is_far_and_a_nonce_window_are_worth_a_note(desk: Desk) -> None:
    edited(desk, valid_until=NOW + 300 * DAY, nonce_window=7)
    assert [field for field, _, _ in verified(desk, 3)] == ["expires", "nonceWindow"]
    assert noted(desk) == [("undeclared-change", "note", HINT)]
    assert drifted(desk) == ["expires", "nonceWindow"]


def test_once_it_is_declared_nothing_is_said_any_more(desk: Desk, surface: str) -> None:
    edited(desk, valid_until=NOW + 300 * DAY)
    desk.declare(account(surface=surface, keyDefaults=ANY), a_key(validUntil="2027-11-11T08:00:00Z"))
    assert (noted(desk), verified(desk, 0)) == ([], [])
