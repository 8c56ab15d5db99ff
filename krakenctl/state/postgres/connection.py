"""A connection to the server, and in whose words its troubles are told: never in those that may quote a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from krakenctl.errors import StateBusy, StateError
from krakenctl.model.secret import Secret

T = TypeVar("T")

ANSWER_SECONDS = 40.0  # longer than any limit of a transaction: whoever has not answered by then will not
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


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """One that waits for ever for nothing: a server that has been stopped keeps its connections."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)


def connect(dsn: Callable[[], Secret], home: str) -> Connection:
    """Raises StateError, or CredentialError. Outside of `except`, so that no error of libpq's hangs on ours."""
    reason = ""
    try:
        return Connection.connect(_with_defaults(dsn()), autocommit=True, prepare_threshold=None)
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


def is_lost(problem: psycopg.Error) -> bool:
    """Whether this is the end of the connection. What libpq itself tells has no code."""
    if problem.sqlstate is None:
        return isinstance(problem, psycopg.OperationalError)
    return problem.sqlstate.startswith(_SERVER_LEFT)


@contextmanager
def as_state_error(home: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as problem:
        raise (_gone(home) if is_lost(problem) else _refused(home, problem)) from problem
    except UnicodeEncodeError as problem:
        raise StateError(f"{home} cannot hold a text that is no Unicode") from problem


def _gone(home: str) -> StateError:
    return StateError(f"{home} cannot be reached any more: the connection broke", hint="run it again when it is back")


def _refused(home: str, problem: psycopg.Error) -> StateError:
    told = problem.diag.message_primary or str(problem)
    kind = StateBusy if problem.sqlstate == _LOCKED else StateError
    return kind(f"{home} cannot be used: {told}", hint=_HINTS.get(problem.sqlstate or "", ""))
