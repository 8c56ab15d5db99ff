"""Who may change a workspace: real processes that race, are stopped, continued and killed."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema_rs
import pytest

import desk as d
from desk import Desk, make_desk
from holder import at, go_on, stopped
from krakenctl import schema_files
from krakenctl.model.run import Run
from krakenctl.state import sqlite, tenure
from krakenctl.state.sqlite import open_state
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from running import krakenctl, process

LOCKS = jsonschema_rs.validator_for(schema_files.load("locks"))
BOTH = ["ApiKey/acme/bot", "ApiKey/acme/view"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = make_desk(tmp_path_factory.mktemp("leases") / "acme")
    desk.declare(d.account(), d.key("bot"), d.key("view"))
    return desk


@pytest.fixture
def desk(template: Desk, tmp_path: Path) -> Desk:
    return template.copy(tmp_path / "acme")


def locks(desk: Desk) -> list[dict[str, object]]:
    told = desk.run("state", "lock", "list", "-o", "json").json
    assert not [error.message for error in LOCKS.iter_errors(told)]
    return told["locks"]


def issues(desk: Desk) -> dict[str, int]:
    """How often a key of each address was ever asked for: a number that was used once is burned."""
    return {str(address): highest for address, highest in desk.recorded().generations.items()}


def check_peace(desk: Desk) -> None:
    """Every promise, with the key of the account's owner as the only stranger."""
    desk.check_promises(BOTH, {name: row for name, row in desk.rows().items() if not row.client})


def test_a_second_apply_leaves_with_6_and_says_who_is_there(desk: Desk):
    with at(desk, "issue:1", "wait") as running:
        second = desk.apply()
        assert second.code == 6
        told = " ".join(second.err.split())
        for word in ("krakenctl apply", f"process {running.pid}", "since", "last sign of life", "nothing was done"):
            assert word in told
        assert "--lock-timeout" in told
        assert "state unlock" in told
        assert desk.apply("-o", "json").json["error"]["code"] == "lock-held"
        assert go_on(running)[0] == 0
    check_peace(desk)
    assert issues(desk) == dict.fromkeys(BOTH, 1)


def test_a_second_apply_may_wait_and_nothing_is_done_twice(desk: Desk):
    with at(desk, "issue:1", "wait") as running:
        words = [sys.executable, "-m", "krakenctl", "-C", desk.root, "apply", "--yes", "--lock-timeout", "5m"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None
            said = second.stderr.readline()
            assert "is changing this workspace" in said
            assert "waiting" in said
            assert go_on(running)[0] == 0
            second.communicate()
            assert second.returncode == 0
    check_peace(desk)
    assert issues(desk) == dict.fromkeys(BOTH, 1)


def test_several_applies_at_once_make_every_key_once(desk: Desk):
    words = [sys.executable, "-m", "krakenctl", "-C", desk.root, "apply", "--yes", "--lock-timeout", "5m"]
    applies = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for each in applies:
        each.communicate()
    assert [each.returncode for each in applies] == [0, 0, 0]
    check_peace(desk)
    assert issues(desk) == dict.fromkeys(BOTH, 1)


def test_whoever_waits_gives_up_in_the_end(desk: Desk):
    with at(desk, "issue:1", "wait"):
        told = process("-C", desk.root, "apply", "--yes", env={"KRAKENCTL_LOCK_TIMEOUT": "1s"})
        assert told.code == 6
        assert "waiting up to 1 s" in told.err


def test_a_state_that_another_program_has_locked_is_waited_for_like_any_holder(desk: Desk, monkeypatch):
    desk.applied()
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    other = sqlite3.connect(desk.state_path, isolation_level=None)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        told = desk.apply()
        assert (told.code, "nothing was done" in told.err) == (6, True)
        monkeypatch.setattr(tenure.time, "sleep", lambda _: other.execute("ROLLBACK"))
        told = desk.apply("--lock-timeout", "5m")
        assert (told.code, "waiting up to 300 s" in " ".join(told.err.split())) == (0, True)


def test_to_look_needs_no_lease(desk: Desk):
    with at(desk, "issue:1", "wait"):
        for look in (["plan"], ["validate"], ["tree"], ["state", "list"], ["state", "lock", "list"]):
            assert desk.run(*look).code == 0


def test_the_lease_lives_through_a_question_that_nobody_answers(desk: Desk):
    """The lease ends after a second of silence; whoever waits for longer than that is refused all the same."""
    desk.settings(state={"type": "sqlite", "lease": "1s"})
    with at(desk, "list:2", "wait") as running:
        assert desk.apply("--lock-timeout", "2s").code == 6
        assert go_on(running)[0] == 0
    assert issues(desk) == dict.fromkeys(BOTH, 1)


def test_a_killed_holder_is_replaced_at_once(desk: Desk):
    with at(desk, "issue:2", "kill") as running:
        running.wait()
        assert locks(desk)[0]["dead"] is True
        told = desk.apply()
        assert told.code == 0
        assert "Taken over from" in told.err
    check_peace(desk)
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    assert [line["at"] for line in lines if line["verb"] == "takeover"] == [d.NOW], "the exchange's clock"


def test_a_stopped_holder_is_replaced_and_does_nothing_when_it_wakes(desk: Desk):
    desk.settings(state={"type": "sqlite", "lease": "1s"})
    with at(desk, "list:2", "stop") as running:
        stopped(running)
        assert desk.apply("--lock-timeout", "5m").code == 0
        after = desk.standing()
        running.send_signal(signal.SIGCONT)
        code, told = go_on(running)
        assert code == 4
        assert "the lease of this workspace was taken away while this krakenctl was at work" in told
    assert desk.standing() == after
    check_peace(desk)
    assert issues(desk) == dict.fromkeys(BOTH, 1)


def test_what_a_stopped_holder_had_just_sent_is_taken_back_by_the_next_run(desk: Desk):
    """Between the last check and the call nothing can be checked: the exchange takes no fence. The journal knows."""
    desk.settings(state={"type": "sqlite", "lease": "1s"})
    with at(desk, "issue:1", "stop") as running:
        stopped(running)
        assert desk.apply("--lock-timeout", "5m").code == 0
        running.send_signal(signal.SIGCONT)
        assert go_on(running)[0] == 4
    d.recover(desk)
    check_peace(desk)


def test_a_stopped_holder_that_wakes_in_a_write_to_the_store_hands_out_no_dead_key(desk: Desk, monkeypatch):
    """Nothing can be checked between its last look at its fence and the file's rename: whoever promotes looks again."""
    desk.applied()
    desk.declare(d.account(), d.key("bot", "query-ledger"), d.key("view"))
    stale, real = [desk.entry("acme/bot")], AgeStore.promote
    assert stale[0]

    def wakes(store: AgeStore, path: str, live_name: str) -> None:
        if stale:
            store.put(path, Slot.PENDING, stale.pop())
        real(store, path, live_name)

    monkeypatch.setattr(AgeStore, "promote", wakes)
    told = desk.apply()
    assert told.code == 4
    assert "does not hold the secret of bot.a7.g2 any more" in " ".join(told.err.split())
    used = desk.entry("acme/bot")
    assert used
    assert (used.live_name, sorted(desk.ours())) == ("bot.a7.g1", ["bot.a7.g1", "view.a7.g1"])
    assert desk.signs(used)
    assert desk.apply().code == 0
    check_peace(desk)


def test_a_lease_that_hangs_can_be_taken_away_with_a_reason(desk: Desk):
    with at(desk, "list:2", "wait") as running:
        assert desk.run("state", "unlock", "--reason", "its host hangs").code == 64
        assert locks(desk)[0]["process"] == running.pid
        told = desk.run("state", "unlock", "--reason", "its host hangs", "--yes", "-o", "json")
        assert told.code == 0
        assert not [error.message for error in LOCKS.iter_errors(told.json)]
        assert desk.run("log", "verify", "--head", told.json["logHead"]).code == 0
        assert locks(desk) == []
        code, said = go_on(running)
        assert code == 4
        assert "was taken away while this krakenctl was at work" in said
    assert desk.ours() == []
    line = json.loads(desk.run("log", "-o", "json").out.splitlines()[-1])
    assert (line["verb"], line["reason"], line["command"]) == ("unlock", "its host hangs", "state unlock")
    assert desk.apply().code == 0


def test_to_unlock_what_nobody_holds_says_so(desk: Desk):
    told = desk.run("state", "unlock", "--reason", "just in case", "--yes")
    assert (told.code, told.out) == (0, "Nobody is changing this workspace.\n")
    assert not desk.state_path.exists()


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", " ")])
def test_unlock_wants_a_reason(desk: Desk, reason: tuple[str, ...]):
    assert desk.run("state", "unlock", "--yes", *reason).code == 64


def test_a_lease_is_given_back_also_when_nothing_came_of_it(desk: Desk):
    desk.run("apply")  # nobody is there to be asked
    assert locks(desk) == []


def test_reset_waits_for_nobody_and_disturbs_nobody(desk: Desk):
    with at(desk, "issue:1", "wait") as running:
        assert desk.run("sandbox", "reset", "--yes").code == 6
        assert go_on(running)[0] == 0
    assert desk.run("sandbox", "reset", "--yes").code == 0
    assert desk.ours() == []


@pytest.mark.parametrize("text", ["soon", "-1s", "5"])
def test_a_lock_timeout_that_is_no_duration_is_told(desk: Desk, text: str):
    assert desk.apply("--lock-timeout", text).code == 64


def test_another_hosts_lease_is_believed_until_it_is_silent(desk: Desk):
    """A number of a process says nothing about another host's, boot's or container's."""
    desk.applied()
    with closing(open_state(desk.state_path)) as state:
        state.leases.acquire(Run(id="far", who="ann", host="far-away", command="apply"), 3600)
    with closing(sqlite3.connect(desk.state_path)) as connection:
        [(told,)] = connection.execute("SELECT holder FROM lease")
        far = json.loads(told) | {"pid": 2**22 - 1, "process": "another-boot pid:[1] 77"}
        connection.execute("UPDATE lease SET holder = ?", (json.dumps(far),))
        connection.commit()
    assert desk.apply().code == 6
    assert krakenctl("-C", desk.root, "state", "lock", "list").out.count("far-away") == 1
