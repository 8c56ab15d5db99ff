"""The state in PostgreSQL: the contract of every state, and what becomes of connections, servers and rights."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from krakenctl import plugins
from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialMissing, StateBusy, StateError
from krakenctl.model.recorded import Recorded
from krakenctl.model.run import Deed, Run
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import StateSettings
from krakenctl.state.postgres import PostgresHome, connection
from krakenctl.state.postgres import database as adapter
from krakenctl.state.tables import VERSION
from krakenctl.testing.examples import SECRET, STORY, intent, key
from krakenctl.testing.lease_contract import BY, JO, LeaseContract
from krakenctl.testing.state_contract import StateContract
from postgres import Weather

_numbers = itertools.count(1)


@pytest.fixture
def schema():
    return f"krakenctl_{next(_numbers)}"


@pytest.fixture
def home(postgres, schema):
    return home_of(postgres.dsn, schema)


@pytest.fixture
def state(home):
    with closing(home.open()) as opened:
        yield opened


def home_of(dsn, schema="krakenctl_acme"):
    return PostgresHome(lambda: Secret(dsn), "env:KRAKENCTL_STATE_DSN", schema)


def written(home):
    """A sound state with a bit of everything in it; closed."""
    with closing(home.open()) as state:
        state.promote(key(2), key(1, retired_until=5))
        state.begin(intent(3))
    return home


def line():
    run = Run(id="r1", who="desk-lead", host="desk", command="apply")
    return Deed(at=1, run=run, verb="issue", outcome="done")


class TestPostgresState(StateContract, LeaseContract):
    @pytest.fixture
    def make_state(self, postgres, schema):
        opened = []

        def make(name="state"):
            opened.append(home_of(postgres.dsn, f"{schema}_{name}").open())
            return opened[-1]

        yield make
        for state in opened:
            state.close()

    @pytest.fixture
    def opening(self, postgres, schema):
        return (
            "from krakenctl.model.secret import Secret; from krakenctl.state.postgres import PostgresHome\n"
            f"state = PostgresHome(lambda: Secret({postgres.dsn!r}), 'env:DSN', '{schema}_state').open()"
        )


# What is there, and what is not


def test_reading_what_is_not_there_makes_nothing(postgres, home, schema):
    assert home.read() == Recorded(lineage="")
    assert postgres.sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema) == []


def test_reading_sees_what_a_run_that_is_still_open_has_done(state, home):
    state.begin(intent(4))
    assert home.read().intents == (intent(4),)


def test_runs_that_make_the_state_at_the_same_moment_share_it(home):
    start = threading.Barrier(6)

    def lineage(_):
        start.wait(timeout=20)
        with closing(home.open()) as state:
            return state.read().lineage

    with ThreadPoolExecutor(6) as pool:
        lineages = set(pool.map(lineage, range(6)))
    assert lineages == {home.read().lineage}


def test_a_workspace_does_not_see_the_state_of_another(postgres, schema, home):
    written(home)
    assert home_of(postgres.dsn, f"{schema}_other").read() == Recorded(lineage="")


def test_a_state_of_a_newer_krakenctl_is_refused_and_left_alone(postgres, home, schema):
    written(home)
    postgres.sql(f"UPDATE {schema}.meta SET value = '{VERSION + 1}' WHERE name = 'version'")
    for opened in (home.open, home.read):
        with pytest.raises(StateError, match=f"newer krakenctl \\(format {VERSION + 1}\\)") as caught:
            opened()
        assert "upgrade" in caught.value.hint
    assert postgres.sql(f"SELECT count(*) FROM {schema}.journal") == [(1,)]


def test_another_programs_schema_is_refused_and_left_alone(postgres, home, schema):
    postgres.sql(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.contacts (name TEXT)")
    with pytest.raises(StateError, match="another program") as caught:
        home.open()
    assert "state.schema" in caught.value.hint
    assert postgres.sql("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema) == [("contacts",)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE key SET spec = 'no json'",
        "UPDATE key SET spec = '{}'",
        "UPDATE key SET address = 'mm-btc' WHERE generation = 2",
        "UPDATE journal SET address = 'ApiKey/mm-btc'",
        "INSERT INTO generation VALUES ('', 1)",
        "DROP TABLE journal",
        "DELETE FROM meta WHERE name = 'lineage'",
        "DELETE FROM meta",
        "DELETE FROM lease",
    ],
)
def test_rows_that_nobody_wrote_are_damage_and_not_a_traceback(postgres, home, schema, damage):
    written(home)
    postgres.sql(f"SET search_path = {schema}; {damage}")
    with pytest.raises(StateError) as caught:
        home.read()
    assert "backup" in caught.value.hint


def test_it_has_no_place_for_a_secret(postgres, state, schema):
    for deed in STORY:
        deed(state)
    tables = [name for (name,) in postgres.sql("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)]
    assert tables
    for table in tables:
        assert SECRET not in str(postgres.sql(f"SELECT * FROM {schema}.{table}"))


@pytest.mark.parametrize("text", ["nul \0", "half a pair \ud800"], ids=["nul", "surrogate"])
def test_a_text_that_it_cannot_hold_is_told_and_nothing_is_done(state, text):
    before = state.read()
    with pytest.raises(StateError, match="cannot"):
        state.promote(key(1, trigger=text), None)
    assert state.read() == before


def test_texts_are_sorted_as_sqlite_sorts_them_wherever_the_server_stands(postgres, state, schema):
    query = (
        "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = %s AND data_type = 'text'"
    )
    assert postgres.sql(query, schema) == [("C",)]


# Rights


@pytest.fixture
def dsn_of_team(postgres):
    """A user of its own with no rights at all."""
    name = f"team_{next(_numbers)}"
    postgres.sql(f"CREATE ROLE {name} LOGIN")
    return name, postgres.dsn.replace("user=krakenctl", f"user={name}")


def test_a_schema_that_an_administrator_made_is_enough(postgres, schema, dsn_of_team):
    team, dsn = dsn_of_team
    postgres.sql(f"CREATE SCHEMA {schema} AUTHORIZATION {team}")
    with closing(home_of(dsn, schema).open()) as state:
        state.begin(intent())
        assert state.read().intents == (intent(),)


def test_who_may_only_read_can_plan_and_cannot_apply(postgres, home, schema, dsn_of_team):
    team, dsn = dsn_of_team
    written(home)
    postgres.sql(f"GRANT USAGE ON SCHEMA {schema} TO {team}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {team}")
    assert home_of(dsn, schema).read() == home.read()
    with closing(home_of(dsn, schema).open()) as state, pytest.raises(StateError, match="permission denied") as caught:
        state.begin(intent(9))
    assert "docs/state.md" in caught.value.hint


@pytest.mark.parametrize("there", [True, False])
def test_who_may_not_use_the_schema_is_told_so(postgres, home, schema, dsn_of_team, there):
    if there:
        written(home)
    with pytest.raises(StateError, match="permission denied") as caught:
        home_of(dsn_of_team[1], schema).open()
    assert caught.value.hint


# Durability


def test_each_deed_is_flushed_whatever_the_servers_default_is(postgres):
    home = home_of(postgres.fresh_database("lazy"))
    postgres.sql("ALTER DATABASE lazy SET synchronous_commit = off")
    postgres.sql("ALTER DATABASE lazy SET default_transaction_isolation = 'serializable'")
    with closing(home.open()) as state:
        database = state._database
        assert database.write(lambda run: run("SHOW synchronous_commit")) == [("on",)]
        assert database.write(lambda run: run("SHOW transaction_isolation")) == [("read committed",)]


def test_a_server_that_does_not_flush_is_refused(postgres, home):
    postgres.restart(fsync="off")
    try:
        with pytest.raises(StateError, match="fsync is off"):
            home.open()
    finally:
        postgres.restart()


def test_a_database_that_cannot_hold_every_text_is_refused(postgres):
    postgres.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(StateError, match="LATIN1") as caught:
        home_of(postgres.dsn_of("latin")).open()
    assert "UTF8" in caught.value.hint


def test_what_was_done_survives_a_crash_of_the_server(postgres, home):
    with closing(home.open()) as state:
        for deed in STORY[:5]:
            deed(state)
        before = state.read()
        postgres.restart(how=signal.SIGQUIT)
        assert state.read() == home.read() == before


# Connections that break


def test_a_connection_that_broke_between_two_deeds_is_made_again(postgres, state):
    state.begin(intent(1))
    assert postgres.cut()
    state.begin(intent(2))
    assert len(state.read().intents) == 2


@pytest.mark.parametrize("moment", ["at once", "before its commit", "after its commit"])
def test_a_deed_whose_connection_breaks_is_done_once(postgres, schema, monkeypatch, moment):
    calm, stormy = home_of(postgres.dsn, f"{schema}_calm"), home_of(postgres.dsn, f"{schema}_stormy")
    with closing(calm.open()) as one, closing(stormy.open()) as other:
        weather = Weather(postgres.cut).install(monkeypatch)
        for number, deed in enumerate((*STORY, lambda state: state.log.append(line())), start=1):
            deed(one)
            weather.strike(moment)
            deed(other)
            assert weather.struck == number
            assert replace(other.read(), lineage="") == replace(one.read(), lineage="")
            assert list(other.log.lines()) == list(one.log.lines())


def test_a_connection_that_breaks_again_and_again_is_told(postgres, state, monkeypatch):
    weather = Weather(postgres.cut).install(monkeypatch)
    weather.strike("before its commit", times=2, mercy=False)
    with pytest.raises(StateError, match="the connection broke") as caught:
        state.begin(intent(1))
    assert "run it again" in caught.value.hint
    assert state.read().intents == ()


def test_a_server_that_is_gone_is_told_and_works_again_when_it_is_back(postgres, state, home):
    state.begin(intent(1))
    postgres.stop()
    try:
        for deed in (lambda: state.begin(intent(2)), state.read, home.open, home.read):
            with pytest.raises(StateError, match="cannot be reached: nobody listens there"):
                deed()
    finally:
        postgres.start()
    state.begin(intent(2))
    assert len(home.read().intents) == 2


def test_a_server_that_has_stopped_does_not_stop_us(postgres, state, monkeypatch):
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.3)
    [(hanging,)] = state._database.read(lambda run: run("SELECT pg_backend_pid()"))
    os.kill(hanging, signal.SIGSTOP)
    try:
        state.begin(intent(1))
        assert state.read().intents == (intent(1),)
    finally:
        os.kill(hanging, signal.SIGCONT)


# One writer at a time


@pytest.fixture
def held(home, state):
    """Another run, in the middle of a deed until it is told to go on."""
    inside, go_on = threading.Event(), threading.Event()

    def deed(run):
        inside.set()
        assert go_on.wait(timeout=20)
        run("UPDATE account SET iiban = ''")

    with closing(home.open()) as other, ThreadPoolExecutor(1) as pool:
        done = pool.submit(other._database.write, deed)
        assert inside.wait(timeout=20)
        yield lambda: (go_on.set(), done.result(timeout=20))
        go_on.set()


def test_a_run_that_finds_it_locked_says_so_instead_of_waiting_for_ever(state, held, monkeypatch):
    monkeypatch.setitem(adapter._LIMITS, "lock_timeout", 0.05)
    with pytest.raises(StateError, match="lock timeout") as caught:
        state.begin(intent(7))
    assert "another krakenctl" in caught.value.hint
    held()
    state.begin(intent(7))


def test_who_only_reads_is_not_held_up_by_who_writes(home, state, held):
    assert state.read() == home.read()


def test_to_ask_leave_and_to_look_wait_for_no_write_of_the_same_run(state):
    """Threads share a state. What they look at includes what time it is there."""
    inside, go_on = threading.Event(), threading.Event()
    state.leases.acquire(JO, 3600)

    def slow(run):
        inside.set()
        assert go_on.wait(timeout=20)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(state._database.write, slow)
        assert inside.wait(timeout=20)
        looking = pool.submit(lambda: (state.check(), state.leases.holder(), state.read().lease))
        try:
            _, holder, lease = looking.result(timeout=10)
        finally:
            go_on.set()
        writing.result(timeout=20)
    assert (holder.run, lease.run) == (JO, JO)


@pytest.fixture
def row_lock(postgres, schema):
    """Somebody at a psql has changed a row of every state, and not ended the transaction yet."""
    with postgres.connect() as connection:
        yield lambda: connection.execute(f"BEGIN; UPDATE {schema}.lease SET fence = fence"), connection.rollback


def test_a_row_that_somebody_holds_is_a_state_that_is_busy(state, row_lock, monkeypatch):
    monkeypatch.setitem(adapter._LIMITS, "lock_timeout", 0.05)
    hold, let_go = row_lock
    state.begin(intent(1))
    hold()
    for deed in (lambda: state.leases.acquire(JO, 60), lambda: state.contain([], [], BY), state.leases.unlock):
        with pytest.raises(StateBusy, match="lock timeout") as caught:
            deed()
        assert caught.value.retryable
    assert state.read().lease is None, "to look is possible"
    let_go()
    assert state.leases.acquire(JO, 60).run == JO
    assert state.read().contained == {}


def test_a_run_that_was_stopped_in_a_deed_holds_nobody_up_and_does_it_afterwards(home, schema, monkeypatch):
    monkeypatch.setitem(adapter._LIMITS, "idle_in_transaction_session_timeout", 0.1)
    tries, go_on = [], threading.Event()

    def deed(run):
        tries.append(run("SELECT count(*) FROM journal"))
        if len(tries) == 1:
            assert go_on.wait(timeout=20)
        run("UPDATE account SET iiban = ''")

    with closing(home.open()) as state, closing(home.open()) as stopped, ThreadPoolExecutor(1) as pool:
        done = pool.submit(stopped._database.write, deed)
        while not tries:
            state.read()
        state.begin(intent(1))
        go_on.set()
        done.result(timeout=20)
    assert tries == [[(0,)], [(1,)]]


def test_all_go_by_the_clock_of_the_server(postgres, state):
    def server():
        return float(postgres.sql("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])

    before = server()
    times = [before, state._database.now(), state._database.read(lambda run: state._database.now()), server()]
    assert times == sorted(times)


# The way there


def test_without_psycopg_it_is_said_what_to_install(monkeypatch, tmp_path):
    for module in [name for name in sys.modules if name.startswith("krakenctl.state.postgres")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings = StateSettings(type="postgres", dsn="env:DSN", schema="krakenctl_acme")
    with pytest.raises(StateError, match="psycopg") as caught:
        plugins.state(settings, tmp_path, Credentials(tmp_path, {}))
    assert caught.value.hint == "pip install 'krakenctl[postgres]'"


def test_a_connection_string_that_is_not_there_is_told_by_its_reference(tmp_path):
    settings = StateSettings(type="postgres", dsn="env:DSN", schema="krakenctl_acme")
    with pytest.raises(CredentialMissing, match="DSN is not set"):
        plugins.state(settings, tmp_path, Credentials(tmp_path, {})).read()


CANARY = "c4n4ry-pa55w0rd"
MALFORMED = [
    CANARY,
    f"host=127.0.0.1 password='{CANARY}",
    f"postgresql://krakenctl:{CANARY}@127.0.0.1:1/krakenctl",
    f"postgresql://krakenctl:x@{CANARY}@127.0.0.1:1/krakenctl",
    f"postgresql://krakenctl:a/{CANARY}@127.0.0.1:1/krakenctl",
    f"postgresql://krakenctl:{CANARY}#@127.0.0.1:1/krakenctl",
    f"postgresql://krakenctl:{CANARY}%@127.0.0.1:1/krakenctl",
    f"host=127.0.0.1 port={CANARY}",
    f"host=127.0.0.1 port=1 sslmode={CANARY}",
    f"host={CANARY}.invalid",
    f"host=127.0.0.1 port=1 {CANARY}=x",
]


@pytest.mark.parametrize("dsn", MALFORMED)
def test_no_part_of_a_connection_string_is_ever_shown(dsn):
    home = home_of(dsn)
    for opened in (home.read, home.open):
        with pytest.raises(StateError, match="cannot be reached") as caught:
            opened()
        told = "".join(
            traceback.TracebackException.from_exception(caught.value, capture_locals=True).format(chain=True)
        )
        ours = told.replace(repr(dsn), "")  # this test's own variables hold it
        assert CANARY not in f"{caught.value.message} {caught.value.hint} {home!r} {home}"
        assert CANARY not in str(caught.value.__context__)
        assert "env:KRAKENCTL_STATE_DSN" in caught.value.message
        assert "psycopg.connect" not in ours


def test_a_wrong_user_and_a_missing_database_are_told(postgres):
    for wrong in (postgres.dsn_of("nowhere"), postgres.dsn.replace("user=krakenctl", "user=nobody")):
        with pytest.raises(StateError, match="no such database or user"):
            home_of(wrong).read()


def locks_out(state):
    state.locked_out("acme", 5)


def test_what_was_seen_is_written_down_though_another_run_has_the_lease(home, state):
    state.leases.acquire(JO, 60)
    assert home.jot(locks_out)
    assert state.read().lockouts == {"acme": 5}


def test_what_was_seen_makes_no_state_and_needs_none(home):
    assert not home.jot(locks_out)
    assert home.read() == Recorded(lineage="")


def test_a_role_that_may_only_read_forgets_what_it_saw(postgres, home, schema, dsn_of_team):
    team, dsn = dsn_of_team
    written(home)
    postgres.sql(f"GRANT USAGE ON SCHEMA {schema} TO {team}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {team}")
    assert home_of(dsn, schema).read().keys
    assert not home_of(dsn, schema).jot(locks_out)


def test_a_server_that_is_gone_costs_no_more_than_what_was_seen(home):
    assert not replace(home, dsn=lambda: Secret("host=127.0.0.1 port=1 dbname=nowhere")).jot(locks_out)
