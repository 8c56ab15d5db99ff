"""The file: who may read it, what is told when it is no sandbox, many users at once, switches and clock."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from sandbox_caller import NOW, Caller, pair

from krakenctl.errors import UsageError, WorkspaceError
from krakenctl.sandbox import clock, database, open_sandbox
from krakenctl.sandbox.database import VERSION
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import DEFAULTS, SWITCHES, all_switches, set_switch, set_switches


def test_only_its_owner_may_read_the_file(kraken, db):
    for path in db.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_what_was_done_is_still_there_when_the_file_is_opened_again(kraken, db):
    kraken.issue("bot")
    kraken.sandbox.close()
    again = Caller(open_sandbox(db), kraken.master)
    assert [key["api_key_name"] for key in again.listed()] == ["bot"]
    again.sandbox.close()


def test_the_folder_is_made_and_a_reset_leaves_nothing(tmp_path):
    db = tmp_path / "deep" / "down" / "it's 100% mine?#.db"
    open_sandbox(db).close()
    seed.seed_account(db, username="acme", email="a@acme.example")
    seed.reset(db)
    seed.reset(db)
    assert list(db.parent.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"this is no database at all, whatever its name says" * 100, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_sandbox_is_refused_and_left_alone(db, content):
    db.write_bytes(content)
    with pytest.raises(WorkspaceError) as caught:
        open_sandbox(db)
    assert "krakenctl sandbox reset" in caught.value.hint
    assert db.read_bytes() == content


def test_the_database_of_another_program_is_refused(db):
    other = sqlite3.connect(db)
    other.execute("CREATE TABLE precious (x)")
    other.close()
    with pytest.raises(WorkspaceError, match="not a krakenctl sandbox"):
        open_sandbox(db)


def test_a_newer_sandbox_is_refused(kraken, db):
    kraken.sandbox.database.connection().execute(f"PRAGMA user_version = {VERSION + 1}")
    kraken.sandbox.close()
    with pytest.raises(WorkspaceError, match="another krakenctl") as caught:
        open_sandbox(db)
    assert "krakenctl sandbox reset" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be created"):
        open_sandbox(tmp_path / "file" / "sandbox.db")


def test_a_file_that_breaks_while_it_is_used_is_said(kraken, db):
    kraken.sandbox.database.connection().execute("DROP TABLE token")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        kraken.listed()


def test_threads_do_not_lose_each_others_keys(kraken):
    with ThreadPoolExecutor(8) as pool:
        issued = list(pool.map(lambda n: kraken.issue(f"bot-{n}"), range(40)))
    assert {key["api_key_name"] for key in kraken.listed()} == {f"bot-{n}" for n in range(40)}
    assert len({pair(key) for key in issued}) == 40


def test_of_many_equal_nonces_one_is_taken(kraken):
    set_switch(kraken.sandbox, "lockout-threshold", "none")
    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda _: kraken.signed("GetApiKeyInfo", nonce=9).json["error"], range(16)))
    assert errors.count([]) == 1


def _issue_ten(db, master, stem):
    sandbox = open_sandbox(db)
    kraken = Caller(sandbox, master)
    for number in range(10):
        kraken.issue(f"{stem}-{number}")


def test_processes_share_one_file(kraken, db):
    forking = get_context("fork")  # a fork in the middle of use: the child must not touch its parent's connection
    kraken.listed()
    children = [forking.Process(target=_issue_ten, args=(db, kraken.master, stem)) for stem in "abc"]
    children.append(forking.Process(target=kraken.issue, args=("inherited",)))
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    assert len(kraken.listed()) == 31


def test_two_who_open_a_new_file_at_once_get_the_same_one(db):
    start = threading.Barrier(6)

    def open_together(_):
        start.wait()
        return open_sandbox(db)

    with ThreadPoolExecutor(6) as pool:
        sandboxes = list(pool.map(open_together, range(6)))
    clock.freeze(sandboxes[0], NOW)
    assert {clock.now(sandbox) for sandbox in sandboxes} == {NOW}
    for sandbox in sandboxes:
        sandbox.close()


def test_a_file_that_others_write_for_too_long_is_busy_and_not_broken(kraken, db, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.01)
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert kraken.keys("POST", {"api_key_name": "bot"}).error == "EService:Busy"
    assert kraken.listed() == []
    other.execute("ROLLBACK")
    other.close()
    kraken.issue("bot")


def test_a_thread_that_writes_for_too_long_makes_the_others_busy_too(kraken, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.01)
    with ThreadPoolExecutor(1) as pool, kraken.sandbox.database.write():
        waits = [pool.submit(kraken.keys, "POST", {"api_key_name": "bot"}) for _ in range(3)]
        assert [wait.result().error for wait in waits] == ["EService:Busy"] * 3
    kraken.issue("bot")


def test_a_part_of_a_transaction_that_fails_is_undone_alone(kraken):
    base = kraken.sandbox.database
    with base.write():
        with pytest.raises(UsageError):
            set_switches(base, {"tier": "starter", "gravity": "off"})
        clock.freeze(base, NOW + 1)
    assert all_switches(base) == DEFAULTS
    assert clock.now(base) == NOW + 1


def test_a_fork_does_not_wait_for_a_thread_that_it_does_not_have(kraken, monkeypatch):
    """Another thread of the parent has its turn to write, and has not begun."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 2.0)
    has_turn, goes_on = threading.Event(), threading.Event()

    def take_turn():
        with kraken.sandbox.database._turn(kraken.sandbox.database.connection()):
            has_turn.set()
            goes_on.wait()

    thread = threading.Thread(target=take_turn)
    thread.start()
    has_turn.wait()
    child = get_context("fork").Process(target=kraken.issue, args=("forked",))
    child.start()
    child.join()
    goes_on.set()
    thread.join()
    assert child.exitcode == 0
    assert [key["api_key_name"] for key in kraken.listed()] == ["forked"]


# The file is removed meanwhile


def is_sound(db):
    connection = sqlite3.connect(db)
    [found] = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return found == "ok"


def _die_in_use(db):
    seed.seed_account(open_sandbox(db), username="lost", email="l@acme.example")
    os._exit(0)


@pytest.mark.parametrize("left", [[""], ["-wal", "-shm"]], ids=["by hand", "by a reset that was killed"])
def test_what_a_killed_server_left_does_not_get_into_the_next_file(db, left):
    died = get_context("fork").Process(target=_die_in_use, args=(db,))
    died.start()
    died.join()
    log = db.with_name(f"{db.name}-wal").read_bytes()
    assert log
    db.unlink()
    if left != [""]:
        db.with_name(f"{db.name}-shm").unlink()
    again = open_sandbox(db)
    clock.freeze(again, NOW)
    assert seed.iibans(db) == frozenset()
    again.close()
    assert is_sound(db)
    assert clock.now(db) == NOW


def test_the_log_goes_before_the_file(kraken, db, monkeypatch):
    """Whoever is killed in between leaves a file that works, and no log that outlives it."""
    gone = []
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda self, **more: (gone.append(self.name), unlink(self, **more)))
    seed.reset(db)
    assert gone[-1] == db.name
    assert f"{db.name}-wal" in gone


def test_whoever_makes_a_file_leaves_the_log_of_one_that_was_faster(db, monkeypatch):
    """Between the look and the making, somebody else has made the file and writes to it."""
    others = []
    build = database._build

    def slow_build(draft):
        build(draft)
        monkeypatch.setattr(database, "_build", build)
        others.append(open_sandbox(db))
        clock.freeze(others[0], NOW)

    monkeypatch.setattr(database, "_build", slow_build)
    sandbox = open_sandbox(db)
    assert clock.now(sandbox) == clock.now(others[0]) == NOW
    assert db.with_name(f"{db.name}-wal").stat().st_size
    sandbox.close()
    others[0].close()
    assert is_sound(db)


def test_everybody_goes_on_with_the_file_that_is_there_after_a_reset(kraken, db):
    with ThreadPoolExecutor(1) as other:
        assert other.submit(clock.now, kraken.sandbox).result() == NOW
        seed.reset(db)
        fresh = open_sandbox(db)
        clock.freeze(fresh, NOW + 5)
        assert clock.now(kraken.sandbox) == NOW + 5
        clock.freeze(kraken.sandbox, NOW + 6)
        assert other.submit(clock.now, kraken.sandbox).result() == clock.now(fresh) == NOW + 6
        assert kraken.keys("GET").status == 401
    fresh.close()
    assert is_sound(db)


def test_whoever_finds_no_file_makes_one(kraken, db):
    seed.reset(db)
    assert kraken.keys("GET").status == 401
    assert is_sound(db)


def test_what_is_written_to_a_removed_file_is_not_said_to_be_done(kraken, db):
    def freeze_while_others_reset():
        with kraken.sandbox.database.write():
            clock.freeze(kraken.sandbox, NOW + 1)
            seed.reset(db)

    with pytest.raises(WorkspaceError, match="removed while it was written to"):
        freeze_while_others_reset()
    assert clock.now(db) != NOW + 1


def test_a_reader_in_the_middle_ends_with_the_file_it_began_with(kraken, db):
    kraken.issue("bot")
    names = kraken.sandbox.database.connection().execute("SELECT name FROM key ORDER BY id")
    assert next(names) == ("master",)
    seed.reset(db)
    open_sandbox(db).close()
    kraken.sandbox.database.connection()
    assert list(names) == [("bot",)]


def test_every_switch_has_a_default_it_takes_and_a_source():
    for switch in SWITCHES.values():
        assert switch.takes(switch.default), switch.name
        assert switch.source, switch.name


def test_switches_are_kept_and_shown(kraken, db):
    set_switch(db, "keys-per-account", "12")
    assert all_switches(kraken.sandbox) == DEFAULTS | {"keys-per-account": "12"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gravity", "off"),
        ("clock-frozen", "1"),
        ("tier", "vip"),
        ("keys-per-account", "-1"),
        ("keys-per-account", "<number>"),
        ("disallowed-ip-error", "no"),
        ("disallowed-ip-error", "<error>"),
    ],
)
def test_an_unknown_switch_or_value_is_refused_and_the_possible_ones_are_named(kraken, name, value):
    with pytest.raises(UsageError) as caught:
        set_switch(kraken.sandbox, name, value)
    assert caught.value.hint.startswith(("there are:", "it can be:"))
    assert all_switches(kraken.sandbox) == DEFAULTS


def test_the_clock_can_be_frozen_moved_and_let_go(kraken, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    clock.advance(kraken.sandbox, 2.5)
    assert clock.now(kraken.sandbox) == NOW + 2.5
    clock.thaw(kraken.sandbox)
    assert clock.now(kraken.sandbox) == 1000
    clock.advance(kraken.sandbox, 5)
    clock.advance(kraken.sandbox, 5)
    assert clock.now(kraken.sandbox) == 1010
    clock.set_offset(kraken.sandbox, -10)
    assert clock.now(kraken.sandbox) == 990


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_the_clock_does_not_run_back_or_out_of_the_calendar(kraken, seconds):
    with pytest.raises(UsageError):
        clock.advance(kraken.sandbox, seconds)
    assert clock.now(kraken.sandbox) == NOW


def test_a_file_that_others_write_to_is_a_sentence_and_no_traceback(db, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    open_sandbox(db).close()
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WorkspaceError, match="is busy"):
            seed.open_account(db, "acme")


def test_reads_wait_as_long_as_ever_after_a_write(db):
    sandbox = open_sandbox(db)
    with sandbox.database.write() as connection:
        connection.execute("DELETE FROM setting")
    [standing] = sandbox.database.connection().execute("PRAGMA busy_timeout").fetchone()
    assert standing == 10_000
    sandbox.close()
