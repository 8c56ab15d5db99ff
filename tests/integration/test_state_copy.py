"""`krakenctl state copy`: from a file to PostgreSQL and back, with everything, whatever befalls it."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
from contextlib import closing
from functools import partial
from pathlib import Path

import jsonschema_rs
import pytest

import desk as d
from desk import Desk
from krakenctl import schema_files
from krakenctl.errors import LeaseLost, StateError
from krakenctl.model.plan import Mark
from krakenctl.model.recorded import Containment, EndProof, SeenLimit
from krakenctl.model.run import Run
from krakenctl.model.silence import Answer, Refusal
from krakenctl.model.workspace import StateSettings
from krakenctl.state import moving, tables
from krakenctl.state.postgres import PostgresDatabase
from krakenctl.state.sqlite import SqliteDatabase, open_state
from krakenctl.tasks import remembered
from krakenctl.testing.examples import ADDRESS, intent
from krakenctl.wiring import opening
from postgres import DSN, Weather

FILE = {"type": "sqlite"}
TURNS = ("BEGIN", "COMMIT", "INSERT INTO key", "INSERT INTO meta", "UPDATE")  # before and after these lies all else
COPY = jsonschema_rs.validator_for(schema_files.load("state-copy"))
RUN = Run(id="r1", who="desk-lead", host="elsewhere", command="apply")
LINE = jsonschema_rs.validator_for(schema_files.load("log"))
_schemas = itertools.count(1)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Desk:
    """A state with something in every table, and every key as declared."""
    with pytest.MonkeyPatch.context() as patch:
        d.stop_time(patch)
        desk = d.make_desk(tmp_path_factory.mktemp("copy") / "acme")
        d.replace_with_overlap(desk)
        desk.applied()
    with closing(open_state(desk.state_path)) as state:
        state.mark("digest", Mark(change="one", at=5, who="jo", done=True))
        state.learn_limit("acme", SeenLimit(9, 2))
        state.contain([ADDRESS], [], Containment(at=6, who="jo", reason="ü‘; --"))
    return desk


@pytest.fixture
def desk(template, postgres, tmp_path, monkeypatch) -> Desk:
    """Its state is in a file."""
    d.stop_time(monkeypatch)
    monkeypatch.setenv(DSN, postgres.dsn)
    return template.copy(tmp_path / "acme")


@pytest.fixture
def server() -> dict[str, str]:
    """Settings of a state that is not there yet."""
    return {"type": "postgres", "dsn": f"env:{DSN}", "schema": f"copy_{next(_schemas)}"}


def copied(desk, *more):
    return desk.run("state", "copy", "--yes", "--from", "sqlite:.krakenctl/state.db", *more)


def copied_back(desk, schema):
    return desk.run("state", "copy", "--yes", "--from", f"postgres:env:{DSN}", "--from-schema", schema)


def home(desk, settings):
    return opening.state_home(desk.root, StateSettings(**{"path": ".krakenctl/state.db", **settings}))


def rows(home):
    """Everything that lasts, but the line of the log about the copy itself."""
    with home.look() as state:
        if state is None:
            return {}
        names = [name for name in tables.names() if name not in ("meta", "lease")]
        return {
            name: state.database.read(lambda run, n=name: run(f"SELECT * FROM {n} ORDER BY 1, 2")) for name in names
        }


def check_copied(desk, before):
    """All of it is in the state that krakenctl.yaml names, and one more line of the log says whence."""
    after = rows(opening.state_home(desk.root))
    *log, about = after.pop("log")
    assert {**after, "log": log} == before
    told = json.loads(about[2])
    assert told["verb"] == "copy"
    assert not [error.message for error in LINE.iter_errors(told)]
    assert desk.run("log", "verify").code == 0


def held(desk, settings, pid=None):
    """Somebody works with it; `pid`: of the process."""
    state = home(desk, settings).open()
    state.leases.acquire(RUN, 60)
    return closing(state)


def see(state):
    """What calls with keys have told."""
    state.hear("a key", "desk", answers=True, told=Answer("AA12 N84G EXAM PLE1", 3))
    state.refused("a key", "vault", Refusal(d.NOW, 1, "EAPI:Invalid key"))
    state.gone("another", EndProof(since=d.NOW, host="desk", said="EAPI:Invalid key"))
    state.count_refused("acme", d.NOW)
    state.locked_out("acme", d.NOW)


def test_everything_goes_along_to_a_server_and_back_into_the_file_it_came_from(desk, server):
    home(desk, FILE).jot(see)
    before, recorded = rows(home(desk, FILE)), desk.recorded()
    assert all(before[name] for name in before if name not in ("journal", "given", "announced"))
    desk.settings(state=server)
    assert copied(desk).code == 0
    check_copied(desk, before)
    assert remembered.recorded(desk.root) == recorded
    assert remembered.recorded(desk.root).serial > recorded.serial
    there = rows(home(desk, server))
    desk.settings(state=FILE)
    assert copied_back(desk, server["schema"]).code == 0
    check_copied(desk, there)
    assert desk.run("plan", "--detailed-exitcode").code == 0


def test_a_log_of_many_pages_goes_along(desk, server, monkeypatch):
    monkeypatch.setattr(moving, "PAGE", 2)
    monkeypatch.setattr(moving, "_VALUES", 30)
    before = rows(home(desk, FILE))
    assert len(before["log"]) > 2 * moving.PAGE
    desk.settings(state=server)
    assert copied(desk).code == 0
    check_copied(desk, before)


def test_what_was_under_way_is_finished_where_it_went(desk, server):
    with closing(open_state(desk.state_path)) as state:
        state.begin(intent(3))
    desk.settings(state=server)
    told = copied(desk, "-o", "json").json
    assert not [error.message for error in COPY.iter_errors(told)]
    assert told["intents"] == 1
    assert remembered.recorded(desk.root).intents == (intent(3),)


@pytest.mark.parametrize("way", ["to a server", "to a file"])
def test_killed_at_any_turn_it_is_whole_after_the_next_try(desk, server, tmp_path, way):
    for number in itertools.count():
        here = desk.copy(tmp_path / str(number))
        there = server | {"schema": f"{server['schema']}_{number}"}
        here.settings(state=there)
        if way == "to a file":
            assert copied(here).code == 0
            here.settings(state=FILE | {"path": "new.db"})
        source = home(here, there if way == "to a file" else FILE)
        before = rows(source)
        again = partial(copied_back, here, there["schema"]) if way == "to a file" else partial(copied, here)
        survived = killed_at(number, again)
        assert again().code == 0
        check_copied(here, before)
        with pytest.raises(StateError, match="was moved"):
            source.read()
        if survived:
            assert number > 10
            return


def killed_at(number, deed):
    """Run it in a process that dies at the n-th of its statements that matter; True: it has no more than that."""
    child = os.fork()
    if child == 0:
        count = itertools.count()
        for database in (SqliteDatabase, PostgresDatabase):
            database._execute = dying(database._execute, count, number)
        SqliteDatabase._transaction = dying(SqliteDatabase._transaction, count, number)
        deed()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def dying(real, count, number):
    def execute(database, statement, *values):
        if statement.startswith(TURNS) and next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(database, statement, *values)

    return execute


@pytest.mark.parametrize("moment", ["at once", "before its commit", "after its commit"])
def test_a_connection_that_breaks_at_every_write_costs_nothing(postgres, desk, server, monkeypatch, moment):
    weather = Weather(postgres.cut).install(monkeypatch)
    before = rows(home(desk, FILE))
    desk.settings(state=server)
    weather.strike(moment, times=math.inf)
    assert copied(desk).code == 0
    weather.strike("")
    check_copied(desk, before)
    there = rows(home(desk, server))
    desk.settings(state=FILE | {"path": "new.db"})
    weather.strike(moment, times=math.inf)
    assert copied_back(desk, server["schema"]).code == 0
    weather.strike("")
    assert weather.struck >= 2
    check_copied(desk, there)


def test_a_second_time_there_is_nothing_left_to_do(desk, server):
    desk.settings(state=server)
    copied(desk)
    there = rows(home(desk, server))
    told = copied(desk, "-o", "json")
    assert (told.code, told.json["again"]) == (0, True)
    assert rows(home(desk, server)) == there


def test_what_moved_on_after_a_copy_that_was_cut_short_is_not_taken_for_it(desk, server, monkeypatch):
    desk.settings(state=server)
    with monkeypatch.context() as patch:
        patch.setattr(moving.leases, "BREAK", "no SQL")  # after the copy's commit, before the source's
        assert copied(desk).code == 1
    with closing(open_state(desk.state_path)) as state:
        state.learn_limit("acme", None)
    told = copied(desk)
    assert told.code == 1
    assert "is not empty" in told.err


def test_a_state_that_is_not_empty_is_never_overwritten(desk, server):
    with closing(home(desk, server).open()) as state:
        state.learn_limit("other", SeenLimit(1, 1))
    there, here = rows(home(desk, server)), rows(home(desk, FILE))
    desk.settings(state=server)
    told = copied(desk)
    assert told.code == 1
    assert "is not empty" in told.err
    assert (rows(home(desk, server)), rows(home(desk, FILE))) == (there, here)


def test_another_workspaces_state_is_refused(desk, server, tmp_path):
    other = d.make_desk(tmp_path / "other", tag="b2")
    other.declare(d.account(), d.key("bot"))
    other.applied()
    desk.settings(state=server)
    told = desk.run("state", "copy", "--yes", "--from", f"sqlite:{other.state_path}")
    assert told.code == 1
    assert "another workspace's" in told.err
    assert rows(home(desk, server)) == {}


def test_where_no_state_is_none_is_made(desk, server):
    desk.settings(state=server)
    told = desk.run("state", "copy", "--yes", "--from", "sqlite:nowhere.db")
    assert told.code == 1
    assert "is not there" in " ".join(told.err.split())
    assert not (desk.root / "nowhere.db").exists()
    assert rows(home(desk, server)) == {}


@pytest.mark.parametrize(
    "source", ["state.db", "sqlite:", "postgres:postgresql://u:hunter2@h/db", "sqlite:.krakenctl/state.db"]
)
def test_a_source_that_cannot_be_one_is_refused_and_not_repeated(desk, source):
    told = desk.run("state", "copy", "--yes", "--from", source)
    assert told.code == 64
    assert "hunter2" not in told.out + told.err


def test_a_copy_that_differs_is_thrown_away(desk, server, monkeypatch):
    real = moving._insert
    monkeypatch.setattr(moving, "_insert", lambda run, table, rows: table == "log" or real(run, table, rows))
    before = rows(home(desk, FILE))
    desk.settings(state=server)
    told = copied(desk)
    assert told.code == 1
    assert "differs" in told.err
    assert not any(rows(home(desk, server)).values())
    assert rows(home(desk, FILE)) == before
    desk.settings(state=FILE)
    assert desk.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("whose", ["source", "target"])
def test_nothing_is_copied_while_somebody_works_with_either(desk, server, whose):
    desk.settings(state=server)
    before = rows(home(desk, FILE))
    with held(desk, FILE if whose == "source" else server):
        assert copied(desk).code == 6
    assert rows(home(desk, FILE)) == before
    assert not any(rows(home(desk, server)).values())


def test_a_holder_that_slept_through_it_finds_that_its_lease_is_gone(desk, server):
    desk.settings(state=server)
    sleeper = open_state(desk.state_path)
    sleeper.leases.acquire(RUN, 0)
    assert copied(desk).code == 0
    with pytest.raises(LeaseLost):
        sleeper.check()
    with pytest.raises(LeaseLost):
        sleeper.begin(intent(4))
    sleeper.close()


def test_whoever_had_opened_the_old_state_before_does_nothing_with_it(desk, server):
    with closing(open_state(desk.state_path)) as waiting:
        desk.settings(state=server)
        copied(desk)
        for deed in (
            lambda: waiting.leases.acquire(RUN, 60),
            lambda: waiting.contain([ADDRESS], [], Containment(at=1, who="jo")),
        ):
            with pytest.raises(StateError, match="was moved"):
                deed()


def test_with_the_old_settings_nothing_is_planned_or_applied_and_the_log_can_still_be_read(desk, server):
    desk.settings(state=server)
    copied(desk)
    desk.settings(state=FILE)
    for command in (["plan"], ["apply", "--yes"], ["tick"], ["recover"], ["state", "list"], ["state", "rebuild"]):
        told = desk.run(*command)
        assert told.code == 1, command
        assert "was moved to the state in the schema" in " ".join(told.err.split()), command
    assert desk.run("log", "verify").code == 0
    assert "promote" in desk.run("log").out


def test_the_kill_switch_revokes_all_the_same(desk, server):
    desk.settings(state=server)
    copied(desk)
    desk.settings(state=FILE)
    told = desk.run("revoke", "--under", "acme", "--yes", "--reason", "seen in a CI log")
    assert told.code == 4, told.out + told.err
    assert "was moved" in " ".join((told.out + told.err).split())
    assert desk.ours() == []


def test_nobody_to_ask_is_told_which_flag_to_give(desk, server):
    desk.settings(state=server)
    told = desk.run("state", "copy", "--from", "sqlite:.krakenctl/state.db")
    assert told.code == 64
    assert "--yes" in told.err
    assert str(Path(".krakenctl/state.db")) in " ".join(told.err.split())
