"""The state in a schema of a PostgreSQL database, for hosts that share it.

Everything a transaction depends on is said in the transaction itself, not in the session: a connection pooler in
between may hand each transaction to another session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

import psycopg

from krakenctl.errors import CredentialError, StateError
from krakenctl.model.recorded import Recorded
from krakenctl.model.secret import Secret
from krakenctl.state import tables
from krakenctl.state.base import State
from krakenctl.state.database import Execute, Rows, as_damage, labels
from krakenctl.state.postgres.connection import Connection, as_state_error, connect, is_lost
from krakenctl.state.postgres.schema import create, local, lock, namespace, quoted, version
from krakenctl.state.sql import SqlState

T = TypeVar("T")

JOT_SECONDS = 1  # for what may as well be forgotten
_NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
# A run that was stopped in the middle of a transaction loses it before others give up waiting for it.
_LIMITS = {"idle_in_transaction_session_timeout": 5, "lock_timeout": 10, "statement_timeout": 30}
_RESTORE = "restore it from a backup"


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
            yield SqlState(database) if database.read(lambda run: version(run, self.schema)) else None

    def jot(self, deed: Callable[[State], None]) -> bool:
        try:
            with closing(PostgresDatabase(self, {"lock_timeout": JOT_SECONDS})) as database:
                if database.read(lambda run: version(run, self.schema)) != tables.VERSION:
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
        self._connection: Connection | None = None
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
        self._alone(lambda run: create(run, self._home.schema))

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
            name = next(each for each in names if not namespace(run, each))
            run(f"CREATE SCHEMA {quoted(name)}")
            for (table,) in run("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", schema):
                here, there = (f"{quoted(place)}.{quoted(table)}" for place in (schema, name))
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
        return self._transaction(f"{begin}; SELECT pg_advisory_xact_lock({lock(self._home.schema)})", deed)

    def _local(self) -> str:
        return local(self._home.schema, {**_LIMITS, **self._limits})

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
        home = str(self._home)
        with self._turn, as_damage(home, _RESTORE), as_state_error(home):
            if self._closed:
                raise StateError(f"{self._home} is closed")
            try:
                return deed()
            except psycopg.Error as problem:
                if not is_lost(problem):
                    raise
            self._hang_up()
            return deed()

    def _execute(self, statement: str, *values: Any) -> Rows:
        """Without values, several statements may go at once; with values, a percent sign would mean something."""
        if self._connection is None:
            self._connection = connect(self._home.dsn, str(self._home))
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
