"""`krakenctl state rebuild`: the state is lost, and the exchange and the stores are not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import desk as d
from desk import DAY, Desk, Wire, account, key, subaccount
from krakenctl.model.journal import Stage
from krakenctl.sandbox.people import seed
from krakenctl.state.sqlite import SqliteHome
from krakenctl.stores.base import Slot
from lost_state import JUDGE, lose, rebuild
from running import Ran

OVERLAP = {"rotation": {"overlap": "24h"}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    d.stop_time(monkeypatch)
    return d.make_desk(tmp_path / "acme")


def notes(ran: Ran, sort: str) -> str:
    return "\n".join(f"{one.get('about')} {one['message']}" for one in ran.json["notes"] if one["sort"] == sort)


def test_a_lost_state_comes_back_as_it_was(desk: Desk):
    desk.declare(account(), subaccount("mm"), key("bot", **OVERLAP), key("view", protect=True), key("sub", on="mm"))
    desk.applied()
    before = desk.recorded()
    lose(desk)
    rebuild(desk)
    assert desk.recorded() == before
    assert desk.changes() == {}


def test_a_running_overlap_goes_on_and_ends_when_it_was_to_end(desk: Desk):
    desk.declare(account(), key("bot", **OVERLAP))
    desk.applied().declare(account(), key("bot", "query-ledger", **OVERLAP))
    desk.applied()
    before = desk.recorded().retired
    desk.advance(DAY // 2)
    lose(desk)
    rebuild(desk)
    assert [(one.live_name, one.retired_until) for one in desk.recorded().retired] == [
        (one.live_name, one.retired_until) for one in before
    ]
    assert desk.changes() == {}
    desk.advance(DAY)
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]


def test_what_was_edited_in_place_is_no_drift(desk: Desk):
    d.edit_in_place(desk)
    desk.applied()
    lose(desk)
    rebuild(desk)
    assert desk.changes() == {}


def test_nothing_is_done_while_there_is_a_state_that_remembers_keys(desk: Desk):
    d.create(desk)
    desk.applied()
    before = desk.recorded()
    ran = desk.run("state", "rebuild", "--yes")
    assert ran.code == 1
    assert "--replace" in ran.err
    assert desk.recorded() == before


def test_the_state_that_is_replaced_is_kept_aside_and_its_log_goes_on(desk: Desk):
    d.create(desk)
    head = desk.applied().run("log", "verify", "-o", "json").json["head"]
    before = desk.recorded()
    with closing(sqlite3.connect(desk.state_path)) as connection, connection:
        connection.execute("DELETE FROM key")
    aside = rebuild(desk, "--replace").json["aside"]
    assert desk.recorded() == before
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT count(*) FROM key").fetchone() == (0,)
    assert Path(aside).stat().st_mode & 0o777 == 0o600
    assert desk.run("log", "verify", "--head", head).code == 0


def test_a_state_that_was_lost_and_rebuilt_twice_is_kept_aside_twice(desk: Desk):
    """A new state counts from the beginning again, so that its copies would be called the same."""
    d.create(desk)
    desk.applied()
    kept = set()
    for _ in range(2):
        SqliteHome(desk.state_path).remove()
        rebuild(desk)
        kept.add(rebuild(desk, "--replace").json["aside"])
    assert len(kept) == 2
    assert all(Path(aside).stat().st_size for aside in kept)


def test_a_second_rebuild_finds_the_same(desk: Desk):
    d.replace_with_overlap(desk)
    desk.applied()
    lose(desk)
    rebuild(desk)
    first = desk.recorded()
    rebuild(desk, "--replace")
    assert desk.recorded() == first


def test_a_dry_run_shows_it_and_makes_no_state(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    ran = desk.run("state", "rebuild", "--dry-run", "-o", "json")
    JUDGE.validate(ran.json)
    assert [one["liveName"] for one in ran.json["keys"]] == ["bot.a7.g1"]
    assert ran.json["written"] is False
    assert not desk.state_path.exists()


def test_without_a_terminal_and_without_yes_nothing_is_remembered(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    assert desk.run("state", "rebuild").code == 64
    assert desk.recorded().keys == {}


def test_a_host_that_cannot_read_the_store_changes_nothing(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    (desk.root / ".krakenctl/identity.txt").unlink()
    ran = desk.run("state", "rebuild", "--yes")
    assert ran.code == 1
    assert "nothing was done" in ran.err
    assert desk.recorded().keys == {}


def test_another_account_than_the_pinned_one_is_refused(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    desk.declare(account(iiban="AA12 N84G AAAA AAAA"), key("bot"))
    assert desk.run("state", "rebuild", "--yes").code == 7
    assert desk.recorded().keys == {}


def test_a_key_whose_secret_is_nowhere_is_told_burned_and_left_alone(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    (desk.root / "secrets/acme/bot/current.age").unlink()
    assert "bot.a7.g1" in notes(rebuild(desk, "--without-secrets"), "unknown")
    assert desk.changes() == {"ApiKey/acme/bot": "create"}
    desk.applied()
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]


def hand_over(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().declare(account(), key("view"), d.removed("ApiKey/acme/bot", "forget"))
    desk.applied()


def test_a_key_that_was_handed_over_stays_so_where_its_manifest_says_it(desk: Desk):
    hand_over(desk)
    before = desk.recorded().given
    lose(desk)
    assert "bot.a7.g1 is taken for handed over" in notes(rebuild(desk), "assumed")
    assert desk.recorded().given == before
    assert [finding["rule"] for finding in desk.plan()["findings"]] == ["unmanaged-key"]


def test_that_a_key_was_handed_over_is_not_known_where_no_manifest_says_it(desk: Desk):
    hand_over(desk)
    desk.declare(account(), key("view"))
    lose(desk)
    told = notes(rebuild(desk), "unknown")
    assert "which keys were handed over" in told
    assert "bot.a7.g1" in told
    assert desk.recorded().given == ()


def test_a_state_that_is_only_doubted_still_knows_what_was_handed_over(desk: Desk):
    """Also where the store holds its secret, and it is declared again."""
    hand_over(desk)
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}), key("view"))
    desk.applied()
    given, row = desk.recorded().given, desk.rows()["bot.a7.g1"]
    rebuild(desk, "--replace")
    assert (desk.recorded().given, desk.recorded().retired) == (given, ())
    desk.advance(2 * DAY)
    desk.applied()
    assert desk.rows()["bot.a7.g1"] == row


def test_a_key_that_a_person_renamed_is_known_by_its_public_key(desk: Desk):
    desk.switch("list-api-key", "present")
    d.create(desk)
    desk.applied()
    seed.rename_key(desk.db, "acme", "bot.a7.g1", "my bot")
    lose(desk)
    assert "my bot" in notes(rebuild(desk), "assumed")
    assert desk.changes() == {}


def test_a_key_that_a_person_renamed_is_told_of_where_no_list_tells_public_keys(desk: Desk):
    d.create(desk)
    desk.applied()
    seed.rename_key(desk.db, "acme", "bot.a7.g1", "my bot")
    lose(desk)
    assert "perhaps a person renamed it, as “my bot”" in notes(rebuild(desk), "unknown")
    assert desk.recorded().keys == {}


def test_a_key_that_was_renamed_in_the_manifests_is_found_where_its_secret_is(desk: Desk):
    place = {"secret": {"path": "bots/one"}}
    desk.declare(account(), key("old", **place))
    desk.applied().declare(account(), key("new", metadata={"formerly": ["old"]}, **place))
    desk.applied()
    lose(desk)
    rebuild(desk)
    assert [str(address) for address in desk.recorded().keys] == ["ApiKey/acme/new"]
    assert desk.changes() == {}


def test_a_slot_that_holds_somebody_elses_key_is_told_and_left_alone(desk: Desk):
    place = {"secret": {"path": "bots/one"}}
    desk.declare(account(), key("old", **place))
    desk.applied().declare(account(), key("new", **place))
    lose(desk)
    assert "ApiKey/acme/old" in notes(rebuild(desk), "unknown")
    desk.applied()
    assert set(desk.ours()) == {"old.a7.g1", "new.a7.g1"}


def test_a_secret_that_was_stored_and_not_yet_used_is_for_the_next_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wire = Wire().install(monkeypatch)
    d.create(desk)
    wire.before = lambda word: _stop() if word == "list" and "issue bot.a7.g1" in wire.calls else None
    with pytest.raises(Stopped):
        desk.apply()
    wire.before = lambda word: None
    assert desk.slots() == ["acme/bot/pending"]
    lose(desk)
    rebuild(desk)
    [intent] = desk.recorded().intents
    assert (intent.live_name, intent.stage) == ("bot.a7.g1", Stage.STORED)


def test_a_key_replaced_without_a_known_end_is_closed_by_the_next_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wire = Wire().install(monkeypatch)
    d.replace_create_first(desk)
    wire.before = lambda word: _stop() if word == "revoke bot.a7.g1" else None
    with pytest.raises(Stopped):
        desk.apply()
    wire.before = lambda word: None
    lose(desk)
    assert "bot.a7.g1" in notes(rebuild(desk), "assumed")
    desk.applied()
    desk.check_promises(["ApiKey/acme/bot", "ApiKey/acme/view"], {n: r for n, r in desk.rows().items() if not r.client})


def test_a_key_that_nobody_heard_of_is_taken_back_also_when_the_state_is_only_doubted(desk: Desk):
    d.replace_create_first(desk)
    desk.fault("answer-lost", endpoint="POST /oauth/fast-api-key")
    assert desk.apply().code == 1
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1", "bot.a7.g2"]
    ran = rebuild(desk, "--replace")
    assert "bot.a7.g2: an earlier run has begun a change of it" in notes(ran, "assumed")
    assert "bot.a7.g2" not in notes(ran, "unknown")
    desk.mend()
    assert desk.run("recover").code == 0
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]


def test_a_name_that_was_given_up_is_still_looked_out_for(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wire = Wire().install(monkeypatch)
    d.replace_create_first(desk)
    wire.before = lambda word: word.startswith("issue") and wire.faults.setdefault(len(wire.calls) - 1, d.lost_before)
    assert desk.apply().code == 1
    wire.before = lambda word: None
    wire.clear()
    assert desk.run("recover").code == 0
    before = desk.recorded().intents
    assert [(intent.live_name, intent.stage) for intent in before] == [("bot.a7.g2", Stage.LOST)]
    rebuild(desk, "--replace")
    assert desk.recorded().intents == before


def test_the_journal_tells_more_of_a_stored_secret_than_its_slot(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wire = Wire().install(monkeypatch)
    d.replace_revoke_first(desk)
    wire.before = lambda word: _stop() if word == "list" and "issue bot.a7.g2" in wire.calls else None
    with pytest.raises(Stopped):
        desk.apply()
    wire.before = lambda word: None
    before = desk.recorded().intents
    assert [(intent.stage, intent.change.gap) for intent in before] == [(Stage.STORED, True)]
    rebuild(desk, "--replace")
    assert desk.recorded().intents == before


def test_a_promotion_that_was_under_way_still_ends_the_key_before_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wire = Wire().install(monkeypatch)
    desk.declare(account(), key("bot"))
    desk.applied().declare(account(), key("bot", "query-ledger"))
    wire.before = lambda word: _stop() if word == "revoke bot.a7.g1" else None
    with pytest.raises(Stopped):
        desk.apply()
    wire.before = lambda word: None
    rebuild(desk, "--replace")
    assert [intent.stage for intent in desk.recorded().intents] == [Stage.PROMOTED]
    assert desk.run("recover").code == 0
    assert desk.ours() == ["bot.a7.g2"]


def test_what_an_old_copy_of_the_state_says_is_under_way_does_not_end_an_overlap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """That key was promoted and replaced since."""
    wire = Wire().install(monkeypatch)
    desk.declare(account(), key("bot", **OVERLAP))
    wire.before = lambda word: _stop() if word == "list" and "issue bot.a7.g1" in wire.calls else None
    with pytest.raises(Stopped):
        desk.apply()
    wire.before = lambda word: None
    old_copy = desk.copy(desk.root.parent / "before").state_path
    desk.applied()
    assert desk.run("rotate", "--all", "--yes").code == 0
    lose(desk)
    shutil.copy(old_copy, desk.state_path)
    rebuild(desk, "--replace")
    desk.applied()
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]


def test_a_sub_account_without_a_credential_is_not_asked_for_twice(desk: Desk):
    desk.declare(account(), subaccount("mm"))
    ran = rebuild(desk)
    assert "SubAccount/mm" in notes(ran, "assumed")
    assert desk.changes() == {"SubAccount/mm": "blocked"}
    assert desk.usernames() == ["acme"]


def test_keys_of_two_lineages_have_to_be_told_apart_by_a_person(desk: Desk):
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    _of_another_lineage(desk, "acme/view")
    lineage = desk.recorded().lineage
    lose(desk)
    ran = desk.run("state", "rebuild", "--yes")
    assert ran.code == 64
    assert lineage in ran.err
    ran = rebuild(desk, "--lineage", lineage)
    assert desk.recorded().lineage == lineage
    assert [str(address) for address in desk.recorded().keys] == ["ApiKey/acme/bot"]
    assert "view.a7.g1" in notes(ran, "unknown")


def test_the_new_log_begins_with_what_is_not_known(desk: Desk):
    d.create(desk)
    desk.applied()
    lose(desk)
    head = rebuild(desk).json["logHead"]
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    assert {line["verb"] for line in lines} == {"rebuild"}
    assert [line["outcome"] for line in lines][::3] == ["begun", "done"]
    assert desk.run("log", "verify", "-o", "json").json["head"] == head


class Stopped(BaseException):
    """In place of a SIGKILL: nothing of ours catches it."""


def _stop() -> None:
    raise Stopped


def _of_another_lineage(desk: Desk, path: str) -> None:
    """As another workspace would have written it."""
    from dataclasses import replace

    from krakenctl import plugins
    from krakenctl.credentials import Credentials
    from krakenctl.project import read_workspace

    entry = desk.entry(path)
    assert entry is not None
    store = plugins.store(read_workspace(desk.root).stores["main"], desk.root, Credentials(desk.root, {}))
    store.put(path, Slot.CURRENT, replace(entry, lineage="of somebody else"))


def test_stores_that_are_not_there_are_not_taken_for_empty(desk: Desk):
    desk.declare(account(), key("bot"), key("view"))
    desk.applied()
    lose(desk)
    shutil.rmtree(desk.root / "secrets")
    ran = desk.run("state", "rebuild", "--yes")
    assert ran.code == 1
    assert "tag: 2; and the stores hold the secret of none; nothing was done" in " ".join(ran.err.split())
    rebuild(desk, "--without-secrets")
    assert desk.recorded().traces == ()
    rebuild(desk, "--without-secrets")  # numbers that were burned are no keys


def test_what_is_assumed_of_many_keys_is_told_once(desk: Desk):
    names = [f"bot{number}" for number in range(6)]
    desk.declare(account(), *(key(name, **OVERLAP) for name in names))
    desk.applied().declare(account(), *(key(name, "query-ledger", **OVERLAP) for name in names))
    desk.applied()
    lose(desk)
    for name in names:
        (desk.root / f"secrets/acme/{name}/current.age").unlink()
    told = " ".join(desk.run("state", "rebuild", "--dry-run").out.split())
    assert told.count("it is left alone") == 1
    assert "(and likewise 5 more: ApiKey/acme/bot1, ApiKey/acme/bot2, ApiKey/acme/bot3, …)" in told
