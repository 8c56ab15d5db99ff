"""The state in a schema of a PostgreSQL database, for hosts that share it. The only user of psycopg.

Everything a transaction depends on is said in the transaction itself, not in the session: a connection pooler in
between may hand each transaction to another session.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from krakenctl.errors import CredentialError, StateBusy, StateError
from krakenctl.model.recorded import Recorded
from krakenctl.model.secret import Secret
from krakenctl.state import tables
from krakenctl.state.base import State
from krakenctl.state.database import Execute, Rows, labels
from krakenctl.state.sql import SqlState

T = TypeVar("T")

JOT_SECONDS = 1  # for what may as well be forgotten
ANSWER_SECONDS = 40.0  # longer than any limit below: whoever has not answered by then will not
_NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
# A run that was stopped in the middle of a transaction loses it before others give up waiting for it.
_LIMITS = {"idle_in_transaction_session_timeout": 5, "lock_timeout": 10, "statement_timeout": 30}
# Unless the connection string says otherwise. A copy that lags behind would show a state that is no more.
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "target_session_attrs": "primary",
    "application_name": "krakenctl",
}
# What libpq says about a connection that did not come about may quote the connection string: it is not repeated.
_REASONS = {
    "refused": "nobody listens there",
    "authentication failed": "it refuses the user or the password",
    "no password supplied": "it asks for a password",
    "no pg_hba.conf entry": "it does not let this user in from here",
    "does not exist": "it has no such database or user",
    "translate host name": "there is no such host",
    "resolve host": "there is no such host",
    "timeout": "it does not answer",
    "starting up": "it is still starting",
    "shutting down": "it is shutting down",
    "too many": "it takes no more connections",
    "remaining connection slots": "it takes no more connections",
    "SSL": "no encrypted connection could be agreed on",
    "certificate": "its certificate is not accepted",
    "hot standby": "it is only a copy",
    "No such file": "nobody listens there",
}
_SERVER_LEFT = ("08", "57P", "25P03")  # how the codes begin with which a server ends a connection
_LOCKED = "55P03"
_HINTS = {
    _LOCKED: "another krakenctl may be writing; run it again when that one is done",
    "57014": "the server may be busy; run it again",
    "42501": "let its user create and use the schema: see docs/state.md",
    "42P01": "restore it from a backup",
    "42703": "restore it from a backup",
    "53100": "make room on the server's disk",
    "25006": "name the primary server in the connection string",
}


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """One that waits for ever for nothing: a server that has been stopped keeps its connections."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """See `base.StateHome`."""

    dsn: Callable[[], Secret]  # asked at every connection; raises CredentialError
    told: str  # the reference to the connection string, which is all that people are shown of it
    schema: str

    def read(self) -> Recorded:
        with self.look() as state:
            return Recorded(lineage="") if state is None else state.read()

    @contextmanager
    def look(self) -> Iterator[SqlState | None]:
        with closing(PostgresDatabase(self)) as database:
            yield SqlState(database) if database.read(lambda run: _version(run, self.schema)) else None

    def jot(self, deed: Callable[[State], None]) -> bool:
        try:
            with closing(PostgresDatabase(self, {"lock_timeout": JOT_SECONDS})) as database:
                if database.read(lambda run: _version(run, self.schema)) != tables.VERSION:
                    return False
                deed(SqlState(database))
        except (StateError, CredentialError):
            return False
        return True

    def open(self) -> SqlState:
        database = PostgresDatabase(self)
        try:
            database.create()
        except BaseException:
            database.close()
            raise
        return SqlState(database)

    def remove(self) -> None:
        with closing(PostgresDatabase(self)) as database:
            database.remove()

    def __str__(self) -> str:
        return f"the state in the schema {self.schema} of {self.told}"


class PostgresDatabase:
    """See `database.Database`. It connects when it is first needed, and again when it must.

    A transaction whose connection broke is run once more: every deed may be repeated. The first one has come to its
    end by then, for the server keeps its lock until it has, so that it cannot be done after the second.
    """

    def __init__(self, home: PostgresHome, limits: dict[str, int] | None = None) -> None:
        self._home = home
        self._limits = limits or {}  # seconds, in place of the usual ones
        self._connection: _Connection | None = None
        self._closed = False
        self._inside = False  # a transaction
        self._turn = RLock()

    def read(self, deed: Callable[[Execute], T]) -> T:
        return self._transaction(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self._local()}", deed)

    def write(self, deed: Callable[[Execute], T]) -> T:
        def counted(run: Execute) -> T:
            done = deed(run)
            run(tables.COUNT_UP)
            return done

        return self._alone(counted)

    def create(self) -> None:
        """The tables, with a lineage of its own, if they are not there. Two at once make one."""
        self._alone(lambda run: _create(run, self._home.schema))

    def now(self) -> float:
        with self._turn:
            rows = self._execute(_NOW) if self._inside else self._surely(lambda: self._execute(_NOW))
        return float(rows[0][0])

    def another(self) -> PostgresDatabase:
        return PostgresDatabase(self._home)

    def copy(self, label: str) -> str:
        schema = self._home.schema

        def deed(run: Execute) -> str:
            # PostgreSQL would cut a name off at 63 characters without a word.
            names = (f"{schema[:40]}_{each}" for each in labels(label))
            name = next(each for each in names if not _namespace(run, each))
            run(f"CREATE SCHEMA {_quoted(name)}")
            for (table,) in run("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", schema):
                here, there = (f"{_quoted(place)}.{_quoted(table)}" for place in (schema, name))
                run(f"CREATE TABLE {there} AS TABLE {here}")
            return f"the schema {name}"

        return self.write(deed)

    def remove(self) -> None:
        """All that `create` made but the schema, which may have been somebody else's gift."""
        self._alone(lambda run: [run(f"DROP TABLE IF EXISTS {name}") for name in tables.names()])

    def close(self) -> None:
        with self._turn:
            self._closed = True
            self._hang_up()

    def _alone(self, deed: Callable[[Execute], T]) -> T:
        """Read committed: once the lock is ours, what whoever had it before us has written is seen."""
        begin = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {self._local()}"
        return self._transaction(f"{begin}; SELECT pg_advisory_xact_lock({_lock(self._home.schema)})", deed)

    def _local(self) -> str:
        return _local(self._home.schema, {**_LIMITS, **self._limits})

    def _transaction(self, begin: str, deed: Callable[[Execute], T]) -> T:
        def whole() -> T:
            self._inside = True
            try:
                self._execute(begin)
                done = deed(self._execute)
                self._execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._inside = False
            return done

        return self._surely(whole)

    def _surely(self, deed: Callable[[], T]) -> T:
        """Once more over a new connection, if the one it began on broke. Raises StateError."""
        with self._turn, _as_damage(self._home), _as_state_error(self._home):
            if self._closed:
                raise StateError(f"{self._home} is closed")
            try:
                return deed()
            except psycopg.Error as problem:
                if not _is_lost(problem):
                    raise
            self._hang_up()
            return deed()

    def _execute(self, statement: str, *values: Any) -> Rows:
        """Without values, several statements may go at once; with values, a percent sign would mean something."""
        if self._connection is None:
            self._connection = _connect(self._home)
        text = statement.replace("%", "%%").replace("?", "%s") if values else statement
        with self._connection.cursor() as cursor:
            cursor.execute(text.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _roll_back(self) -> None:
        """A connection that cannot even do that is given up, and the server rolls back by itself."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except psycopg.Error:
            self._hang_up()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _connect(home: PostgresHome) -> _Connection:
    """Raises StateError, or CredentialError. Outside of `except`, so that no error of libpq's hangs on ours."""
    reason = ""
    try:
        return _Connection.connect(_with_defaults(home.dsn()), autocommit=True, prepare_threshold=None)
    except psycopg.Error as problem:
        reason = _reason(problem)
    raise StateError(
        f"{home} cannot be reached: {reason}", hint="check the connection string, and that its server runs"
    )


def _with_defaults(dsn: Secret) -> str:
    return make_conninfo("", **{**_DEFAULTS, **conninfo_to_dict(dsn.reveal()), "client_encoding": "utf8"})


def _reason(problem: psycopg.Error) -> str:
    if isinstance(problem, psycopg.ProgrammingError):
        return "this is no connection string of PostgreSQL's"
    text = str(problem)
    return next((reason for sign, reason in _REASONS.items() if sign in text), "its server cannot be talked to")


def _local(schema: str, limits: dict[str, int]) -> str:
    """Durable whatever the server's default is; our tables and no others; nothing waits for ever."""
    text = "; ".join(f"SET LOCAL {name} = '{seconds}s'" for name, seconds in limits.items())
    return f"SET LOCAL synchronous_commit = on; SET LOCAL search_path = {_quoted(schema)}, pg_temp; {text}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _lock(schema: str) -> int:
    """The number of the lock of whoever writes there."""
    return int.from_bytes(hashlib.sha256(f"krakenctl {schema}".encode()).digest()[:8], signed=True)


def _version(run: Execute, schema: str) -> int:
    """Of what is there; 0: nothing. Raises StateError for what is newer than we are."""
    if not run("SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = ? AND tablename = 'meta'", schema):
        return 0
    # By its full name: a schema that we may not use would otherwise be passed over without a word.
    version = int(run(f"SELECT value FROM {_quoted(schema)}.meta WHERE name = 'version'")[0][0])  # noqa: S608 - quoted
    if version > tables.VERSION:
        message = f"the state in the schema {schema} was written by a newer krakenctl (format {version})"
        raise StateError(message, hint="upgrade krakenctl")
    return version


def _create(run: Execute, schema: str) -> None:
    _refuse_unfit(run)
    if _version(run, schema):
        return
    found = _namespace(run, schema)
    if not found:
        run(f"CREATE SCHEMA {_quoted(schema)}")
    elif run("SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = ?", found[0][0]):
        message = f"the schema {schema} holds another program's tables"
        raise StateError(message, hint="name another schema as state.schema")
    for statement in tables.statements():
        run(statement.replace(" TEXT", ' TEXT COLLATE "C"'))  # sorted as SQLite sorts, wherever the server stands
    run("INSERT INTO meta VALUES ('lineage', ?), ('version', ?)", str(uuid.uuid4()), str(tables.VERSION))


def _namespace(run: Execute, schema: str) -> Rows:
    """Its number; no row: there is no such schema."""
    return run("SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ?", schema)


def _refuse_unfit(run: Execute) -> None:
    """Rather now than in the middle of an apply."""
    [(fsync, encoding)] = run("SELECT current_setting('fsync'), current_setting('server_encoding')")
    if fsync != "on":
        message = (
            "this PostgreSQL does not flush what it writes to its disk (fsync is off): a state would not be safe there"
        )
        raise StateError(message, hint="set fsync = on")
    if encoding != "UTF8":
        message = f"this database cannot hold every text: its encoding is {encoding}"
        raise StateError(message, hint="name a database whose encoding is UTF8")


def _is_lost(problem: psycopg.Error) -> bool:
    """Whether this is the end of the connection. What libpq itself tells has no code."""
    if problem.sqlstate is None:
        return isinstance(problem, psycopg.OperationalError)
    return problem.sqlstate.startswith(_SERVER_LEFT)


@contextmanager
def _as_state_error(home: PostgresHome) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as problem:
        raise (_gone(home) if _is_lost(problem) else _refused(home, problem)) from problem
    except UnicodeEncodeError as problem:
        raise StateError(f"{home} cannot hold a text that is no Unicode") from problem


def _gone(home: PostgresHome) -> StateError:
    return StateError(f"{home} cannot be reached any more: the connection broke", hint="run it again when it is back")


def _refused(home: PostgresHome, problem: psycopg.Error) -> StateError:
    told = problem.diag.message_primary or str(problem)
    kind = StateBusy if problem.sqlstate == _LOCKED else StateError
    return kind(f"{home} cannot be used: {told}", hint=_HINTS.get(problem.sqlstate or "", ""))


@contextmanager
def _as_damage(home: PostgresHome) -> Iterator[None]:
    """Rows that read as nothing that was ever written."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise StateError(f"{home} is damaged", hint="restore it from a backup") from problem
