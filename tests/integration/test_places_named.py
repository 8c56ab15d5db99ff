"""A place in a store, as people write it for `inspect` and `import --from`: found, or told what there is instead."""

from __future__ import annotations

import pytest

from desk import account, key, make_desk

COMMANDS = [("inspect",), ("import", "--dry-run", "--from")]


@pytest.fixture
def desk(tmp_path):
    desk = make_desk(tmp_path / "acme")
    desk.declare(account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), key("bot", consumer={"nonce": "ms"}))
    return desk.applied()


@pytest.mark.parametrize("place", ["main:acme/bot", "store:main/acme/bot"])
def test_a_place_may_be_written_as_a_reference_is(desk, place):
    ran = desk.run("inspect", place, "-o", "json")
    assert ran.code == 0, ran.err
    assert [each["name"] for each in ran.json["keys"]] == ["bot.a7.g1"]


@pytest.mark.parametrize("command", COMMANDS, ids=["inspect", "import"])
@pytest.mark.parametrize("place", ["nosuch:x", "store:nosuch/x"])
def test_a_store_that_never_was_is_not_said_to_have_kept_secrets(desk, command, place):
    ran = desk.run(*command, place)
    said = " ".join(ran.err.split())
    assert ran.code == 64
    assert "there is no store nosuch in krakenctl.yaml" in said
    assert "there is: main" in said
    assert "any more" not in said


@pytest.mark.parametrize("command", COMMANDS, ids=["inspect", "import"])
@pytest.mark.parametrize("place", ["main:", "store:main"])
def test_a_store_without_a_path_is_asked_for_one(desk, command, place):
    ran = desk.run(*command, place)
    assert (ran.code, "write main:bots/mm-btc" in ran.err) == (64, True), ran.err
