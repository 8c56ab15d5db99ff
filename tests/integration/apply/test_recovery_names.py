"""A name that Kraken refuses is burned and the next one asked for; one that was given up is not looked for for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import desk as d
from desk import Desk, Wire
from krakenctl.sandbox.people import seed
from krakenctl.stores.age import AgeStore

BOT = "ApiKey/acme/bot"
Die = Callable[..., None]


def _taken(desk: Desk, name: str) -> None:
    """By a person, whose keys no list shows."""
    seed.seed_website_key(desk.db, "acme", name, ["query-funds"])


def _left(desk: Desk) -> list[tuple[str, str]]:
    return [(intent.live_name, intent.stage.value) for intent in desk.recorded().intents]


def test_a_name_that_somebody_has_unseen_is_burned_and_the_next_one_taken_at_once(desk: Desk):
    declared = d.create(desk)
    _taken(desk, "bot.a7.g1")
    strangers = desk.strangers()
    ran = desk.apply()
    assert ran.code == 0, ran.out
    assert "Kraken does not take bot.a7.g1" in ran.err
    assert desk.ours() == ["bot.a7.g2"]
    desk.check_promises(declared, strangers)


def test_so_it_is_where_the_old_key_was_revoked_for_it(desk: Desk):
    declared = d.replace_revoke_first(desk)
    _taken(desk, "bot.a7.g2")
    strangers = desk.strangers()
    desk.applied()
    assert "bot.a7.g3" in desk.ours()
    desk.check_promises(declared, strangers)


def test_what_is_refused_for_another_reason_is_tried_once_more_and_no_oftener(desk: Desk, wire: Wire):
    d.create(desk)
    desk.fault("error", error="EGeneral:Invalid arguments", endpoint="POST /oauth/fast-api-key", times="always")
    wire.clear()
    assert desk.apply().code == 1
    assert [deed for deed in wire.deeds() if deed.startswith("issue")] == ["issue bot.a7.g1", "issue bot.a7.g2"]
    assert _left(desk) == []


@pytest.mark.parametrize(
    "error", ["EGeneral:Permission denied", "EAPI:Invalid key", "EGeneral:Temporary lockout", "EAPI:Invalid nonce"]
)
def test_a_run_that_is_refused_every_time_burns_nothing_and_leaves_nothing_behind(desk: Desk, wire: Wire, error: str):
    declared = d.replace_create_first(desk)
    strangers, before = desk.strangers(), desk.recorded()
    desk.fault("error", error=error, endpoint="POST /oauth/fast-api-key", times="always")
    wire.clear()
    for _ in range(3):
        assert desk.apply().code != 0
    assert {deed for deed in wire.deeds() if deed.startswith("issue")} == {"issue bot.a7.g2"}
    assert (desk.recorded().generations, _left(desk)) == (before.generations, [])
    desk.mend()
    desk.applied()
    assert "bot.a7.g2" in desk.ours()
    desk.check_promises(declared, strangers)


@pytest.mark.parametrize("command", ["recover", "tick"])
def test_a_key_that_is_owed_is_asked_for_under_another_name_by_the_next_run(desk: Desk, command: str):
    declared = d.replace_revoke_first(desk)
    for number in (2, 3):
        _taken(desk, f"bot.a7.g{number}")
    strangers = desk.strangers()
    assert desk.apply().code == 4
    assert _left(desk) == [("bot.a7.g4", "revoked")]
    assert desk.run(command).code == 0
    assert "bot.a7.g4" in desk.ours()
    desk.check_promises(declared, strangers)


def test_a_key_that_is_owed_gives_way_to_one_that_shows_under_its_name(desk: Desk):
    d.replace_revoke_first(desk)
    desk.fault("error", error="EGeneral:Temporary lockout", endpoint="POST /oauth/fast-api-key", times="always")
    assert desk.apply().code == 4
    desk.mend()
    assert _left(desk) == [("bot.a7.g2", "revoked")]
    _taken(desk, "bot.a7.g2")
    desk.switch("list-coverage", "all")
    stranger = desk.rows()["bot.a7.g2"]
    assert desk.run("recover").code == 0
    assert "bot.a7.g3" in desk.ours()
    assert desk.rows()["bot.a7.g2"] == stranger
    assert _left(desk) == []


def _given_up(desk: Desk, account: str = "acme") -> None:
    desk.fault("cut", endpoint="POST /oauth/fast-api-key")
    desk.apply()
    desk.mend()
    assert desk.run("recover").code == 0
    assert [stage for _, stage in _left(desk)] == ["lost"]


def test_a_name_that_was_given_up_is_looked_for_a_day_and_no_longer(desk: Desk):
    desk.declare(d.account(keyDefaults={"ipAllowlist": [d.HOME]}), d.key("bot"))
    _given_up(desk)
    desk.advance(d.DAY)
    desk.run("recover")
    assert _left(desk) == [("bot.a7.g1", "lost")]
    desk.advance(1)
    desk.run("recover")
    assert _left(desk) == []
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"], "its number stays burned"


def test_where_nobody_can_look_a_person_ends_it(desk: Desk):
    never = {"keyDefaults": {"ipAllowlist": [d.HOME]}}
    desk.declare(d.account(), d.account("beta", **never), d.key("b", on="beta"))
    assert desk.run("init").code == 0
    _given_up(desk)
    desk.declare(d.account())
    (desk.root / ".krakenctl/credentials/beta.json").unlink()
    desk.advance(400 * d.DAY)
    [finding] = desk.plan()["findings"]
    assert "krakenctl recover --absent ApiKey/beta/b" in finding["hint"]
    ran = desk.run("recover", "--absent", "ApiKey/beta/b")
    assert "ApiKey/beta/b: noted: not there; it is not looked for any more" in ran.err
    assert desk.plan()["findings"] == []


def test_a_key_that_is_under_way_is_no_question_to_a_person(desk: Desk, die: Die):
    d.create(desk)
    die(desk, AgeStore, "promote")
    assert desk.run("recover", "--absent", BOT).code == 64
    assert _left(desk) == [("bot.a7.g1", "checked")]
