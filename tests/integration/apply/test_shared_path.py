"""Two workspaces keep their secrets at one path of one store: neither takes the other's away."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from desk import Desk, Wire, account, key, make_desk, refused
from krakenctl import plugins
from krakenctl.credentials import Credentials
from krakenctl.project import read_workspace
from krakenctl.stores.base import Entry, Slot

BOT = "ApiKey/acme/bot"
ELSEWHERE = {"secret": {"path": "other/bot"}}


@pytest.fixture
def other(desk: Desk, tmp_path: Path) -> Desk:
    """A second workspace with the same store, where `desk` already keeps the secret of a key of the same address."""
    desk.declare(account(), key("bot"))
    desk.applied()
    other = make_desk(tmp_path / "other", tag="e2")
    for name in (".krakenctl/identity.txt", "recipients.txt"):
        shutil.copy(desk.root / name, other.root / name)
    (other.root / "secrets").symlink_to(desk.root / "secrets")
    return other


def occupy(desk: Desk, entry: Entry) -> Entry:
    """As another workspace would have written it."""
    store = plugins.store(read_workspace(desk.root).stores["main"], desk.root, Credentials(desk.root, {}))
    theirs = replace(entry, lineage="of somebody else")
    store.put("acme/bot", Slot.CURRENT, theirs)
    return theirs


def said(ran):
    return " ".join((ran.out + ran.err).split())


def test_no_key_is_issued_whose_secret_would_take_anothers_place(desk, other):
    before = desk.entry("acme/bot")
    other.declare(account(), key("bot"))
    [finding] = other.plan()["findings"]
    assert (finding["rule"], finding["address"]) == ("secret-foreign", BOT)
    ran = other.apply()
    assert ran.code == 1
    assert f"keeps another workspace's secret at acme/bot: that of bot.a7.g1 ({BOT}, lineage {before.lineage}" in said(
        ran
    )
    assert (other.ours(), desk.entry("acme/bot")) == ([], before)
    desk.check_promises([BOT], desk.strangers())


def test_no_old_key_is_revoked_in_vain_for_one_that_could_not_be_issued(desk, other):
    other.declare(account(limits={"keysPerAccount": 1}), key("bot", **ELSEWHERE))
    other.applied().declare(account(limits={"keysPerAccount": 1}), key("bot"))
    [change] = other.plan()["changes"]
    assert change["strategy"] == "revoke-first"
    assert other.apply().code == 1
    assert other.ours() == ["bot.e2.g1"]


def test_a_recovery_issues_none_either(desk, monkeypatch):
    """The other workspace came while the first one stood between its revoke and its issue."""
    desk.declare(account(), key("bot"))
    before = desk.applied().entry("acme/bot")
    wire = Wire().install(monkeypatch)
    wire.before = lambda word: word.startswith("issue") and wire.faults.setdefault(len(wire.calls) - 1, refused)
    assert desk.run("rotate", BOT, "--compromised", "--yes").code == 4
    wire.before = lambda word: None
    wire.clear()
    occupy(desk, before)
    ran = desk.run("recover")
    assert (ran.code, desk.ours()) == (4, [])
    assert "keeps another workspace's secret" in said(ran)


def test_a_secret_of_another_workspace_is_not_removed_with_a_key_of_ours(desk):
    """It may have been written there before krakenctl looked, even under the same name: of an account of its own."""
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    theirs = occupy(desk, desk.entry("acme/bot"))
    desk.declare(account(), key("view"))
    desk.applied()
    assert (desk.ours(), desk.entry("acme/bot")) == (["view.a7.g1"], theirs)


def test_a_key_with_a_place_of_its_own_is_issued(desk, other):
    other.declare(account(), key("bot", **ELSEWHERE))
    other.applied()
    for one in (desk, other):
        one.check_promises([BOT], one.strangers())


@pytest.fixture
def stranger(other: Desk, tmp_path: Path) -> Desk:
    """The second workspace, with an identity of its own: it cannot read what the first one keeps."""
    fresh = make_desk(tmp_path / "stranger", tag="e3")
    for name in (".krakenctl/identity.txt", "recipients.txt"):
        shutil.copy(fresh.root / name, other.root / name)
    return other


@pytest.mark.parametrize("slot", [Slot.CURRENT, Slot.PENDING])
def test_no_key_takes_the_place_of_a_secret_that_this_host_cannot_read(desk, stranger, slot):
    secrets = desk.root / "secrets/acme/bot"
    (secrets / "current.age").rename(secrets / f"{slot}.age")
    before = (secrets / f"{slot}.age").read_bytes()
    stranger.declare(account(), key("bot"))
    [finding] = stranger.plan()["findings"]
    assert (finding["rule"], finding["address"]) == ("secret-foreign", BOT)
    ran = stranger.apply()
    assert ran.code == 1
    assert f"keeps a secret that this host cannot read at acme/bot ({slot})" in said(ran)
    assert (stranger.ours(), (secrets / f"{slot}.age").read_bytes()) == ([], before)


def test_who_only_writes_issues_as_ever(desk, stranger):
    file = stranger.root / "krakenctl.yaml"
    workspace = json.loads(file.read_text())
    del workspace["spec"]["stores"]["main"]["identity"]
    file.write_text(json.dumps(workspace))
    stranger.declare(account(), key("bot"))
    stranger.applied()
    assert stranger.ours() == ["bot.e2.g1"]


def test_a_place_of_our_own_is_used_again_though_the_identity_has_changed(desk, tmp_path):
    desk.declare(account(), key("bot"))
    desk.applied()
    fresh = make_desk(tmp_path / "fresh", tag="e4")
    for name in (".krakenctl/identity.txt", "recipients.txt"):
        shutil.copy(fresh.root / name, desk.root / name)
    assert not [one for one in desk.plan()["findings"] if one["rule"] == "secret-foreign"]
    assert desk.run("rotate", BOT, "--compromised", "--yes").code == 0
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"
