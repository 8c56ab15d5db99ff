"""`krakenctl state rebuild` where people make the keys: no list tells of them, and what the stores keep is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import desk as d
from by_hand import OPEN, a_key, by_hand, run
from desk import Desk, Wire, account, key
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot
from lost_state import lose, rebuild
from running import Ran

ELSEWHERE = ["203.0.113.99"]
BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    d.stop_time(monkeypatch)
    return d.make_desk(tmp_path / "acme")


def made(desk: Desk, *documents: dict) -> Desk:
    """By a person, as these say."""
    desk.declare(by_hand(), *documents)
    run(desk, Robot(desk.db, reason="a test"))
    desk.advance(3600)  # whatever was refused meanwhile is forgiven
    run(desk, Robot(desk.db, reason="a test"))
    desk.advance(3600)
    return desk


def results(ran: Ran) -> dict[str, str]:
    return {one["name"]: one["result"] for one in ran.json["byPerson"]}


def why(ran: Ran, name: str) -> str:
    [found] = [one for one in ran.json["byPerson"] if one["name"] == name]
    return found.get("why", "")


def remembered(desk: Desk) -> dict[str, tuple[str, str, int, object]]:
    return {
        str(record.address): (record.live_name, record.public_key, record.generation, record.spec)
        for record in desk.recorded().keys.values()
    }


def test_a_lost_state_comes_back_from_keys_that_speak_for_themselves(desk: Desk):
    made(desk, a_key("bot"), a_key("view", "query-ledger"))
    before = remembered(desk)
    lose(desk)
    ran = rebuild(desk)
    assert results(ran) == {"bot.a7.g1": "recovered", "view.a7.g1": "recovered"}
    assert remembered(desk) == before
    assert desk.recorded().accounts["acme"].iiban
    assert desk.changes() == {}


@pytest.mark.parametrize("scale", ["unknown", "counter"])
def test_a_key_whose_consumer_a_call_could_lock_out_is_recorded_as_its_store_tells(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, scale: str
):
    made(desk, a_key("bot", consumer={"nonce": scale}))
    before = remembered(desk)
    lose(desk)
    wire = Wire().install(monkeypatch)
    ran = rebuild(desk)
    assert (results(ran), "inspect" in wire.calls) == ({"bot.a7.g1": "unasked"}, False)
    assert "consumer.nonce" in why(ran, "bot.a7.g1")
    assert remembered(desk) == before
    assert desk.changes() == {}


def test_a_key_that_is_refused_is_recorded_all_the_same_and_told(desk: Desk):
    made(desk, a_key("bot", ipAllowlist=ELSEWHERE), a_key("view"))
    before = remembered(desk)
    lose(desk)
    ran = rebuild(desk)
    assert results(ran) == {"bot.a7.g1": "refused", "view.a7.g1": "recovered"}
    assert "allow-list" in why(ran, "bot.a7.g1")
    assert remembered(desk) == before
    assert any("bot.a7.g1 is recorded as its store tells" in note["message"] for note in ran.json["notes"])


@pytest.mark.parametrize("order", ["nonce-first", "address-first"])
def test_no_more_than_three_calls_of_an_account_are_refused_in_a_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, order: str
):
    desk.switch("check-order", order)
    names = [f"k{number}" for number in range(6)]
    made(desk, *(a_key(name, ipAllowlist=[f"203.0.113.{place}"]) for place, name in enumerate(names, 50)))
    lose(desk)
    wire = Wire().install(monkeypatch)
    ran = rebuild(desk)
    assert wire.calls.count("inspect") <= 3
    assert set(results(ran).values()) == {"refused", "unasked"}
    assert len(remembered(desk)) == 6


def test_a_key_that_a_person_renamed_keeps_its_name_here_and_is_told(desk: Desk):
    made(desk, a_key("bot"))
    before = remembered(desk)
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["query-funds"], renamed="mine", ip_allowlist=OPEN)
    lose(desk)
    ran = rebuild(desk)
    assert "“mine”" in why(ran, "bot.a7.g1")
    assert list(remembered(desk)) == list(before)


def test_what_a_person_changed_on_the_website_is_drift_after_it_too(desk: Desk):
    made(desk, a_key("bot"))
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["query-funds", "withdraw-funds"], ip_allowlist=OPEN)
    lose(desk)
    assert results(rebuild(desk)) == {"bot.a7.g1": "recovered"}
    assert desk.changes() == {BOT: "replace"}


def test_a_key_that_was_replaced_and_whose_end_was_only_claimed_is_not_forgotten(desk: Desk):
    made(desk, a_key("bot", ipAllowlist=ELSEWHERE))
    desk.declare(by_hand(), a_key("bot", "query-ledger", ipAllowlist=ELSEWHERE))
    run(desk, Robot(desk.db, reason="a test", deletes=False))
    assert [one.claimed_by for one in desk.recorded().retired] == ["alice"]
    lose(desk)
    rebuild(desk)
    assert [one.live_name for one in desk.recorded().retired] == ["bot.a7.g1"]
    assert remembered(desk)[BOT][0] == "bot.a7.g2"


def test_that_there_may_be_keys_without_a_slot_is_said(desk: Desk):
    made(desk, a_key("bot"))
    lose(desk)
    told = [note["message"] for note in rebuild(desk).json["notes"] if note["sort"] == "unknown"]
    assert any(".a7.g and a number" in message for message in told)


def test_a_key_of_another_account_stops_it(desk: Desk):
    made(desk, a_key("bot"))
    lose(desk)
    desk.declare(by_hand(iiban="AA12 N84G EXAM PLE1"), a_key("bot"))
    ran = desk.run("state", "rebuild", "--yes")
    assert (ran.code, "the keys kept for acme" in ran.err) == (7, True), ran.out + ran.err
    assert not desk.state_path.exists() or not desk.recorded().keys


def test_a_dry_run_asks_and_remembers_nothing(desk: Desk):
    made(desk, a_key("bot"))
    lose(desk)
    ran = desk.run("state", "rebuild", "--dry-run")
    assert (ran.code, "1 answered" in ran.out) == (0, True), ran.out + ran.err
    assert not desk.state_path.exists()


def test_the_secret_of_a_pending_key_is_left_to_the_next_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """To ask it with a clock's number would make it look like a key that was in use already."""
    made(desk, a_key("view"))
    desk.declare(by_hand(), a_key("view"), a_key("bot", ipAllowlist=ELSEWHERE))
    run(desk, Robot(desk.db))  # nobody accepts it unseen
    assert any(slot.endswith("bot/pending") for slot in desk.slots())
    desk.advance(60)
    lose(desk)
    wire = Wire().install(monkeypatch)
    ran = rebuild(desk)
    assert results(ran) == {"view.a7.g1": "recovered", "bot.a7.g1": "unasked"}
    assert wire.calls.count("inspect") == 1
    assert [intent.live_name for intent in desk.recorded().intents] == ["bot.a7.g1"]


def test_accounts_with_a_list_come_back_beside_it(desk: Desk):
    beta = account("beta")
    desk.declare(by_hand(), a_key("bot"), beta, key("beat", on="beta"))
    desk.run("init")
    run(desk, Robot(desk.db))
    lose(desk)
    ran = rebuild(desk)
    assert results(ran) == {"bot.a7.g1": "recovered"}
    assert sorted(remembered(desk)) == [BOT, "ApiKey/beta/beat"]
    assert desk.changes() == {}


def test_no_secret_is_in_what_it_says(desk: Desk):
    made(desk, a_key("bot"))
    secret = desk.rows()["bot.a7.g1"].secret
    lose(desk)
    assert secret not in json.dumps(rebuild(desk).json)
