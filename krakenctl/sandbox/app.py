"""The WSGI application: from a request through the table of routes to an answer. No rule of Kraken's is written here.

Whatever is sent, an answer comes and never a traceback. Only a damaged or full disk raises, as WorkspaceError, because
no answer of Kraken's says that; and ConnectionCut, where a fault wants the connection cut.
"""

from __future__ import annotations

import http
import secrets
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING

from krakenctl.sandbox import accounts, dispatch, faults, routes
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import Database, damaged, is_busy
from krakenctl.sandbox.envelope import BUSY, Answer, Refusal, failure
from krakenctl.sandbox.faults import late, mischief
from krakenctl.sandbox.guards import Page
from krakenctl.sandbox.request import read_request, report
from krakenctl.sandbox.switches import DEFAULTS
from krakenctl.sandbox.website import html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from krakenctl.sandbox.accounts import Owner, SetUp
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.dispatch import Found
    from krakenctl.sandbox.request import Request

_STATUS = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus}


class ConnectionCut(ConnectionError):
    """A fault wants that no answer comes. Whoever carries the application closes the connection."""


class Sandbox:
    """Kraken, as a WSGI application. Any number of threads and processes may use one file at once.

    With an owner, a sub-account sets itself up in the transaction that creates it, and the owner is told after the
    commit. If telling fails, the set-up is undone, the sub-account stays pending (`seed.authorise` can complete it), a
    line goes to `wsgi.errors`, and the answer is still true: Kraken's part was done, and its answer never depends on
    an owner.

    `hold` waits, for an answer that a fault delays. A server lends its thread to others meanwhile.
    """

    def __init__(
        self, database: Database, owner: Owner | None = None, *, hold: Callable[[float], object] = time.sleep
    ) -> None:
        self._database = database
        self._owner = owner
        self._hold = hold

    @property
    def database(self) -> Database:
        return self._database

    def close(self) -> None:
        self._database.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Raises ConnectionCut where a fault says so; what was to be done before that is done."""
        answer = self._answer(environ)
        if answer.held:
            self._hold(answer.held)
        if answer.lost:
            raise ConnectionCut("a fault of the sandbox cut the connection")
        start_response(
            _STATUS.get(answer.status, f"{answer.status} Unknown"),
            [
                ("Content-Type", answer.content_type),
                ("Content-Length", str(len(answer.body))),
                ("Cache-Control", "no-store"),
                ("X-Request-Id", secrets.token_hex(8)),
                *answer.headers,
            ],
        )
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        try:
            return self._told(self._serve(environ), environ)
        except sqlite3.Error as error:
            if not is_busy(error):
                raise damaged(self._database.path, error) from error
            return failure(Refusal(BUSY), DEFAULTS)

    def _serve(self, environ: WSGIEnvironment) -> Answer:
        """Do what is overdue, route, run in one transaction if it writes, and turn a refusal into its envelope.

        A refusal commits: the nonce it spent and the failure it counted are real. Handlers check before they write.
        """
        try:
            request = read_request(environ)
        except Refusal as refusal:
            return failure(refusal, DEFAULTS)
        found = routes.find(request.method, request.path)
        late.catch_up(self, partial(self._tell, environ=environ) if self._owner is not None else None)
        reading = self._database.connection()
        if faults.are_set(reading):
            with self._database.write() as connection:
                return mischief.answered(found, request, self._context(connection), _answered)
        if not (found is not None and found[0].guard.writes):
            return _answered(found, request, self._context(reading))
        with self._database.write() as connection:
            return _answered(found, request, self._context(connection))

    def _context(self, connection: sqlite3.Connection) -> Context:
        return read_context(connection, owned=self._owner is not None)

    def _told(self, answer: Answer, environ: WSGIEnvironment) -> Answer:
        if answer.set_up is not None:
            self._tell(answer.set_up, environ)
        return answer

    def _tell(self, set_up: SetUp, environ: WSGIEnvironment) -> None:
        if self._owner is None:
            return
        try:
            self._owner(set_up)
        except BaseException as error:
            with self._database.write() as connection:
                accounts.undo_set_up(connection, set_up.username)
            if not isinstance(error, Exception):
                raise
            report(environ, f"the owner of {set_up.username!a} could not be told: {type(error).__name__}")


def open_sandbox(db: Path, *, owner: Owner | None = None, hold: Callable[[float], object] = time.sleep) -> Sandbox:
    """Open the sandbox in a file, and make the file first when there is none.

    Raises WorkspaceError when the file is no sandbox, is damaged, or was written by another version.
    """
    return Sandbox(Database(db), owner, hold=hold)


def _answered(found: Found | None, request: Request, context: Context) -> Answer:
    is_page = found is not None and isinstance(found[0].guard, Page)
    try:
        return dispatch.handle(found, request, context)
    except Refusal as refusal:
        return html.refused(refusal) if is_page else failure(refusal, context.switches)
