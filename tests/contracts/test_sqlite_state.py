"""The state in one SQLite file: the contract of every state, and what becomes of files that are not as they should."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import stat
from contextlib import closing, suppress

import pytest

from krakenctl.errors import StateError
from krakenctl.model.recorded import Recorded
from krakenctl.model.run import Deed
from krakenctl.state import sqlite
from krakenctl.state.mounts import NETWORK_FILE_SYSTEMS
from krakenctl.state.moving import move
from krakenctl.state.sqlite import SqliteDatabase, SqliteHome, open_state, read_only
from krakenctl.state.tables import VERSION
from krakenctl.testing.examples import ADDRESS, SECRET, STORY, intent, key
from krakenctl.testing.lease_contract import JO, LeaseContract
from krakenctl.testing.state_contract import StateContract


class TestSqliteState(StateContract, LeaseContract):
    @pytest.fixture
    def make_state(self, tmp_path):
        opened = []

        def make(name="state"):
            opened.append(open_state(tmp_path / f"{name}.db"))
            return opened[-1]

        yield make
        for state in opened:
            close_anywhere(state)

    @pytest.fixture
    def opening(self, tmp_path):
        return (
            "from pathlib import Path; from krakenctl.state.sqlite import open_state\n"
            f"state = open_state(Path({str(tmp_path / 'state.db')!r}))"
        )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def state(path):
    with closing(open_state(path)) as opened:
        yield opened


def close_anywhere(state):
    with suppress(sqlite3.ProgrammingError):  # opened by a thread of its own, which has closed it
        state.close()


def execute(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def written(path):
    """A sound file with a bit of everything in it; closed."""
    with closing(open_state(path)) as state:
        state.promote(key(2), key(1, retired_until=5))
        state.begin(intent(3))
    return path


def test_file_and_folder_are_for_their_owner_alone(tmp_path):
    path = tmp_path / "new" / "state.db"
    with closing(open_state(path)) as state:
        state.begin(intent())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "state.db" in modes
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_each_step_survives_a_power_cut(state):
    """FULL: each commit is synced. Only SQLite can show it without pulling a plug."""
    connection = state._database._database._db
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_ordinary_sqlite3_program_could_read_it(path):
    with closing(sqlite3.connect(written(path))) as connection:
        [(name, spec)] = connection.execute("SELECT live_name, spec FROM key WHERE retired_until = 0")
    assert (name, json.loads(spec)["permissions"]) == (key(2).live_name, ["query-funds", "modify-trades"])


def test_it_has_no_place_for_a_secret(path):
    with closing(open_state(path)) as state:
        for deed in STORY:
            deed(state)
    assert SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize("content", [b"this is no database " * 99, bytes(range(256)) * 16])
def test_what_is_no_database_is_told_and_left_alone(path, content):
    path.write_bytes(content)
    for opened in (open_state, read_only):
        with pytest.raises(StateError, match="not a database") as caught:
            opened(path)
        assert "backup" in caught.value.hint
    assert path.read_bytes() == content


def test_a_file_that_was_cut_off_is_told(path):
    content = written(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StateError) as caught:
        read_only(path)
    assert "backup" in caught.value.hint


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE key SET spec = 'no json'",
        "UPDATE key SET spec = '[]'",
        "UPDATE key SET spec = '{}'",
        "UPDATE key SET spec = replace(spec, 'query-funds', 'query-nothing')",
        "UPDATE key SET address = 'mm-btc' WHERE generation = 2",
        "UPDATE journal SET address = 'ApiKey/mm-btc'",
        "INSERT INTO generation VALUES ('', 1)",
        "DROP TABLE journal",
        "DROP TABLE meta",
        "DELETE FROM meta",
        "DELETE FROM lease",
    ],
)
def test_rows_that_nobody_wrote_are_damage_and_not_a_traceback(path, damage):
    execute(written(path), damage)
    with pytest.raises(StateError) as caught:
        read_only(path)
    assert "backup" in caught.value.hint
    with closing(open_state(path)) as state, pytest.raises(StateError):
        state.read()


def test_a_file_of_a_newer_krakenctl_is_refused_and_left_alone(path):
    execute(written(path), f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    for opened in (open_state, read_only):
        with pytest.raises(StateError, match=f"newer krakenctl \\(format {VERSION + 1}\\)") as caught:
            opened(path)
        assert "upgrade" in caught.value.hint
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(path):
    execute(path, "CREATE TABLE contacts (name TEXT)")
    with pytest.raises(StateError, match="another program") as caught:
        open_state(path)
    assert "state.path" in caught.value.hint
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("contacts",)]


def test_an_empty_file_becomes_a_state(path):
    path.touch()
    with closing(open_state(path)) as state:
        assert state.read().lineage


def test_a_state_that_may_not_be_opened_is_told(path, monkeypatch):
    written(path)

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(StateError, match="cannot be opened: Permission denied"):
        open_state(path)


@pytest.mark.parametrize("place", ["file.txt/state.db", "folder"])
def test_a_path_that_cannot_be_a_file_is_told(tmp_path, place):
    (tmp_path / "file.txt").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError):
        open_state(tmp_path / place)


def test_a_copy_that_could_not_be_made_leaves_nothing_behind(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"this is no database" * 1000)
    with closing(SqliteDatabase(sqlite3.connect(path), path)) as database:
        with pytest.raises(StateError):
            database.copy("aside")
        assert not list(path.parent.glob("*aside*"))


def test_a_run_that_finds_it_locked_says_so_instead_of_waiting_for_ever(path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    with closing(open_state(written(path))) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for deed in (lambda: state.begin(intent(7)), lambda: open_state(path)):
            with pytest.raises(StateError, match="locked") as caught:
                deed()
            assert "another krakenctl" in caught.value.hint
        other.execute("ROLLBACK")
        state.begin(intent(7))


def test_who_only_reads_is_not_held_up_by_who_writes(path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    with closing(open_state(written(path))) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM key")
        assert state.read().keys == read_only(path).keys == {ADDRESS: key(2)}


@pytest.mark.parametrize("how", ["ABORT", "ROLLBACK"])  # a failed statement; SQLite gave the whole transaction up
def test_a_deed_that_fails_half_way_is_not_done_at_all(state, path, how):
    execute(path, f"CREATE TRIGGER full BEFORE UPDATE ON journal BEGIN SELECT RAISE({how}, 'disk full'); END")
    state.promote(key(1), None)
    state.begin(intent(2))
    before = state.read()
    with pytest.raises(StateError, match="disk full"):
        state.promote(key(2), key(1, retired_until=5))
    assert state.read() == before
    state.begin(intent(3))
    assert len(state.read().intents) == 2


def test_runs_that_make_the_state_at_the_same_moment_share_it(path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        lineages = pool.map(_lineage, [path] * 6, chunksize=1)
    assert set(lineages) == {read_only(path).lineage}


def _lineage(path):
    with closing(open_state(path)) as state:
        return state.read().lineage


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /mnt/home nfs4 rw 0 0
/dev/sdb1 /mnt/home/local ext4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
tmpfs {tmp} {kind} rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [("/mnt/home/me/state.db", "nfs4"), ("/mnt/my share/state.db", "cifs"), ("/mnt/home/locals/state.db", "nfs4")],
)
def test_a_network_file_system_is_refused_and_not_written_to(tmp_path, place, kind):
    with pytest.raises(StateError, match=f"network file system \\({kind}\\)") as caught:
        open_state(tmp_path.joinpath(place), lambda: MOUNTS.format(tmp="/x", kind="tmpfs"))
    assert "local disk" in caught.value.hint


@pytest.mark.parametrize("kind", sorted(NETWORK_FILE_SYSTEMS))
def test_every_sort_of_network_file_system_is_refused(tmp_path, kind):
    with pytest.raises(StateError, match="network"):
        open_state(tmp_path / "state.db", lambda: MOUNTS.format(tmp=tmp_path, kind=kind))
    assert list(tmp_path.iterdir()) == []


def test_a_link_onto_a_network_file_system_is_refused_too(tmp_path):
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "share")
    with pytest.raises(StateError, match="network"):
        open_state(tmp_path / "link" / "state.db", lambda: MOUNTS.format(tmp=tmp_path / "share", kind="nfs"))


@pytest.mark.parametrize("mounts", ["", "/dev/sda1 / ext4 rw 0 0\n", "nfs:/ /elsewhere nfs rw 0 0\n"])
def test_a_local_disk_is_fine_also_where_no_mounts_can_be_read(tmp_path, mounts):
    with closing(open_state(tmp_path / "state.db", lambda: mounts)) as state:
        assert state.read().lineage


def test_reading_what_is_not_there_makes_nothing(tmp_path):
    for place in ("state.db", "folder/state.db"):
        assert read_only(tmp_path / place) == Recorded(lineage="")
    assert list(tmp_path.iterdir()) == []


def test_reading_an_empty_file_leaves_it_empty(path):
    path.touch()
    assert read_only(path) == Recorded(lineage="")
    assert path.read_bytes() == b""


def test_a_run_that_died_while_it_made_the_state_left_none(path):
    execute(path, "PRAGMA journal_mode = WAL")
    assert path.stat().st_size
    assert read_only(path) == Recorded(lineage="")
    with closing(open_state(path)) as state:
        assert state.read().lineage


def test_another_programs_database_is_not_read_as_a_state(path):
    execute(path, "CREATE TABLE contacts (name TEXT)")
    with pytest.raises(StateError, match="another program"):
        read_only(path)


def test_reading_does_not_touch_the_file(path):
    before = (written(path).read_bytes(), path.stat().st_mtime_ns)
    assert read_only(path).keys == {ADDRESS: key(2)}
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_reading_sees_what_a_run_that_is_still_open_has_done(state, path):
    state.begin(intent(4))
    assert read_only(path).intents == (intent(4),)


def test_a_path_with_odd_characters_is_one_file(tmp_path):
    path = tmp_path / "a b?mode=memory#%41.db"
    with closing(open_state(path)) as state:
        lineage = state.read().lineage
    assert read_only(path).lineage == lineage
    assert [file.name for file in tmp_path.iterdir() if "-" not in file.name] == [path.name]


# What was merely seen


def locks_out(state):
    state.locked_out("acme", 5)


def test_what_was_seen_is_written_down_though_another_run_has_the_lease(path, state):
    state.leases.acquire(JO, 60)
    assert SqliteHome(path).jot(locks_out)
    assert state.read().lockouts == {"acme": 5}
    state.begin(intent())  # which costs its holder nothing


@pytest.mark.parametrize("found", ["nothing", "empty", "older", "newer", "another program's", "damaged"])
def test_for_what_was_seen_nothing_is_made_or_upgraded(path, found):
    if found == "empty":
        path.touch()
    elif found == "damaged":
        path.write_bytes(b"no database " * 99)
    elif found != "nothing":
        version = {"older": VERSION - 1, "newer": VERSION + 1, "another program's": 0}[found]
        execute(written(path), f"PRAGMA user_version = {version}")
    before = path.read_bytes() if path.exists() else None
    assert not SqliteHome(path).jot(locks_out)
    assert (path.read_bytes() if path.exists() else None) == before


def test_what_was_seen_is_forgotten_rather_than_waited_for(path, state, monkeypatch):
    monkeypatch.setattr(sqlite, "JOT_SECONDS", 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not SqliteHome(path).jot(locks_out)
        other.execute("ROLLBACK")
    assert state.read().lockouts == {}


def test_what_was_seen_is_not_written_into_a_state_that_has_moved_away(tmp_path, path, state):
    with closing(open_state(tmp_path / "new.db")) as target:
        move(state, target, Deed(at=1, run=JO, verb="copy", outcome="done"), origin="old", place="new")
        assert not SqliteHome(path).jot(locks_out)
        assert SqliteHome(tmp_path / "new.db").jot(locks_out)
