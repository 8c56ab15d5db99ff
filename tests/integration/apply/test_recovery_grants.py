"""What a manifest does not grant any more is not handed out by a recovery; nor is a key whose secret is not kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import desk as d
from desk import Desk
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot

BOT = "ApiKey/acme/bot"
WRITE_ONLY = {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt"}
Die = Callable[..., None]

WIDER, NARROWER = [d.HOME, "198.51.100.0/28"], [d.HOME, "198.51.100.7"]
SURPLUS = [
    pytest.param({"ipAllowlist": WIDER}, {"ipAllowlist": NARROWER}, "works from", id="allow-list"),
    pytest.param({"ipAllowlist": "any"}, {"ipAllowlist": [d.HOME]}, "works from any address", id="any"),
    pytest.param({"validFor": "100d"}, {"validFor": "10d"}, "lives longer", id="validFor"),
    pytest.param({"validFor": "100d"}, {"validUntil": "2027-02-01T00:00:00Z"}, "lives longer", id="validUntil"),
    pytest.param({}, {"queryWindow": {"from": "2027-01-01"}}, "sees what was before", id="window"),
]


@pytest.mark.parametrize(("before", "today", "why"), SURPLUS)
def test_a_key_that_may_more_than_its_manifest_of_today_is_taken_back_and_issued_anew(
    desk: Desk, die: Die, before: Any, today: Any, why: str
):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().declare(d.account(), d.key("bot", "query-ledger", **before))
    die(desk, AgeStore, "promote")
    desk.declare(d.account(), d.key("bot", "query-ledger", **today))
    [one] = desk.run("recover", "--dry-run", "-o", "json").json["recovery"]
    assert (one["move"], why in one["why"]) == ("revoke", True)
    desk.applied()
    assert desk.ours() == ["bot.a7.g3"]
    desk.check_promises([BOT], desk.strangers())


@pytest.mark.parametrize("today", [{"ipAllowlist": WIDER}, {"validFor": "200d"}])
def test_one_that_may_less_goes_on_and_is_edited_afterwards(desk: Desk, die: Die, today: Any):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().declare(d.account(), d.key("bot", "query-ledger", ipAllowlist=[d.HOME]))
    die(desk, AgeStore, "promote")
    desk.declare(d.account(), d.key("bot", "query-ledger", **today))
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]
    desk.check_promises([BOT], desk.strangers())


@pytest.mark.parametrize(("path", "left"), [("acme/bot", "bot.a7.g1"), ("acme/robot", "robot.a7.g1")])
def test_one_whose_manifest_was_given_another_address_goes_on_as_any_renamed_key(
    desk: Desk, die: Die, path: str, left: str
):
    desk.declare(d.account(), d.key("bot"))
    die(desk, AgeStore, "promote")
    desk.declare(d.account(), d.key("robot", metadata={"formerly": ["bot"]}, secret={"path": path}))
    [one] = desk.run("recover", "--dry-run", "-o", "json").json["recovery"]
    assert (one["address"], one["move"]) == (BOT, "promote")
    desk.applied()
    assert desk.ours() == [left]
    desk.check_promises(["ApiKey/acme/robot"], desk.strangers())


@pytest.mark.parametrize("where", [(AgeStore, "put"), (AgeStore, "promote")])
def test_what_is_owed_is_issued_as_its_manifest_says_today(desk: Desk, die: Die, where: tuple[type, str]):
    full = d.account(limits={"keysPerAccount": 1})
    desk.declare(full, d.key("bot"))
    desk.applied().declare(full, d.key("bot", "query-ledger", ipAllowlist="any"))
    die(desk, *where)
    desk.declare(full, d.key("bot", "query-funds", secret={"path": "elsewhere/bot"}))
    planned = desk.changes()
    assert desk.run("recover").code == 0
    assert (desk.ours(), desk.changes()) == (["bot.a7.g3"], planned)
    assert desk.slots() == ["elsewhere/bot/current"]
    desk.check_promises([BOT], desk.strangers())


def test_manifests_that_are_not_sound_open_no_key_to_more_addresses(desk: Desk, die: Die):
    desk.declare(d.account(), d.key("bot", "query-funds", "query-ledger"))
    desk.applied().declare(d.account(), d.key("bot", ipAllowlist=WIDER))
    die(desk, AgeStore, "promote")
    (desk.root / "manifests/all.yaml").write_text("kind: Nonsense\n")
    ran = desk.run("recover", "-o", "json")
    assert (ran.code, ran.json["recovered"][0]["move"]) == (4, "wait")


def test_a_host_that_cannot_read_the_store_promotes_no_key_whose_secret_was_never_stored(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers = desk.strangers()
    die(desk, AgeStore, "put")
    desk.settings(stores={"main": WRITE_ONLY})
    ran = desk.run("recover", "-o", "json")
    assert (ran.code, ran.json["recovered"][0]["move"]) == (0, "revoke")
    desk.settings(stores={"main": WRITE_ONLY | {"identity": "file:.krakenctl/identity.txt"}})
    assert desk.signs(desk.entry("acme/bot"))
    desk.applied().check_promises(declared, strangers)


def test_a_secret_that_lies_in_pending_under_its_name_and_is_another_keys_promotes_nothing(desk: Desk, die: Die):
    declared = d.replace_create_first(desk)
    strangers = desk.strangers()
    die(desk, AgeStore, "promote")
    entry = desk.entry("acme/bot", Slot.PENDING)
    assert entry is not None
    _store(desk).put("acme/bot", Slot.PENDING, replace(entry, public_key="ANOTHER"))
    [one] = desk.run("recover", "--dry-run", "-o", "json").json["recovery"]
    assert (one["move"], "in no slot" in one["why"]) == ("revoke", True)
    desk.applied().check_promises(declared, strangers)


def _store(desk: Desk) -> AgeStore:
    recipients = (desk.root / "recipients.txt").read_text().split()
    return AgeStore(desk.root / "secrets", [line for line in recipients if line.startswith("age1")], None)
