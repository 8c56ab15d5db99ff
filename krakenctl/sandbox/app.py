"""The WSGI application: from a request through one table of routes to an answer. No rule of Kraken's is written here.

A route names its handler and what must be true before it runs; a new endpoint is a new line. Whatever is sent, the
answer is JSON and never a traceback. Only a damaged or full disk raises, as WorkspaceError, because no answer of
Kraken's says that.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krakenctl.model.permission import Permission
from krakenctl.sandbox import accounts, fast_keys, oauth, spot, tokens
from krakenctl.sandbox.context import Context, read_context
from krakenctl.sandbox.database import Database, damaged, is_busy
from krakenctl.sandbox.envelope import BAD_REQUEST, BUSY, STATUS, UNKNOWN_METHOD, Answer, Refusal, failure
from krakenctl.sandbox.request import Request, arguments, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from krakenctl.sandbox.accounts import Owner, SetUp
    from krakenctl.sandbox.keys import Key


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing is required."""

    handler: Callable[[Request, Context], Answer]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Bearer:
    """A living access token with a scope."""

    handler: Callable[[Request, Context, tokens.Bearer], Answer]
    scope: str
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Signed:
    """A key's signature, and one of these sets of permissions (none: any key)."""

    handler: Callable[[dict[str, Any], Context, Key], Answer]
    needs: tuple[frozenset[Permission], ...] = ()
    needs_switch: str = ""  # in place of `needs`: the switch that names the permission
    cost: int = 1  # on the key's REST counter
    writes: bool = True  # always: nonce, counter and last use


Route = Open | Bearer | Signed


def _any(*permissions: Permission) -> tuple[frozenset[Permission], ...]:
    return tuple(frozenset({permission}) for permission in permissions)


_FAST, _PLURAL = "/oauth/fast-api-key", "/oauth/fast-api-keys"

ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", _FAST): Bearer(fast_keys.create, tokens.WRITE, writes=True),
    ("PUT", _FAST): Bearer(fast_keys.update, tokens.WRITE, writes=True),
    ("DELETE", _FAST): Bearer(fast_keys.delete, tokens.WRITE, writes=True),
    ("GET", _FAST): Bearer(fast_keys.listing, tokens.READ),
    ("GET", _PLURAL): Bearer(fast_keys.listing, tokens.READ),
    ("GET", "/oauth/userinfo"): Bearer(oauth.userinfo, tokens.INFO),
    ("POST", "/oauth/token"): Open(oauth.token, writes=True),
    ("GET", "/0/public/Time"): Open(spot.public_time),
    ("POST", "/0/private/GetApiKeyInfo"): Signed(spot.key_info),
    ("POST", "/0/private/Balance"): Signed(spot.balance, _any(Permission.QUERY_FUNDS)),
    ("POST", "/0/private/CreateSubaccount"): Signed(
        spot.create_subaccount, needs_switch="create-subaccount-permission"
    ),
}
_METHODS: Mapping[str, tuple[str, ...]] = {
    path: tuple(method for method, other in ROUTES if other == path) for _, path in ROUTES
}
_HIDDEN = {"spec": ("GET", _PLURAL), "plural": ("GET", _FAST)}  # by the switch list-path


class Sandbox:
    """Kraken, as a WSGI application. Any number of threads and processes may use one file at once.

    With an owner, a sub-account sets itself up in the transaction that creates it, and the owner is told after the
    commit. If telling fails, the set-up is undone, the sub-account stays pending (`seed.authorise` can complete it), a
    line goes to `wsgi.errors`, and the answer is still true: Kraken's part was done, and its answer never depends on
    an owner.
    """

    def __init__(self, database: Database, owner: Owner | None = None) -> None:
        self._database = database
        self._owner = owner

    @property
    def database(self) -> Database:
        return self._database

    def close(self) -> None:
        self._database.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ)
        start_response(
            STATUS[answer.status],
            [
                ("Content-Type", "application/json; charset=utf-8"),
                ("Content-Length", str(len(answer.body))),
                ("Cache-Control", "no-store"),
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
            return failure(Refusal(BUSY), with_result=False)

    def _serve(self, environ: WSGIEnvironment) -> Answer:
        """Route, run in one transaction if it writes, and turn a refusal into its envelope.

        A refusal commits: the nonce it spent and the failure it counted are real. Handlers check before they write.
        """
        try:
            request = read_request(environ)
        except Refusal as refusal:
            return failure(refusal, with_result=False)
        route = ROUTES.get((request.method, request.path))
        if route is None or not route.writes:
            return self._run(route, request, self._database.connection())
        with self._database.write() as connection:
            return self._run(route, request, connection)

    def _run(self, route: Route | None, request: Request, connection: sqlite3.Connection) -> Answer:
        context = read_context(connection, owned=self._owner is not None)
        try:
            return _handle(route, request, context)
        except Refusal as refusal:
            return failure(refusal, with_result=context.switches["error-result-object"] == "empty")

    def _told(self, answer: Answer, environ: WSGIEnvironment) -> Answer:
        if self._owner is not None and answer.set_up is not None:
            self._tell(self._owner, answer.set_up, environ)
        return answer

    def _tell(self, owner: Owner, set_up: SetUp, environ: WSGIEnvironment) -> None:
        try:
            owner(set_up)
        except BaseException as error:
            with self._database.write() as connection:
                accounts.undo_set_up(connection, set_up.username)
            if not isinstance(error, Exception):
                raise
            _report(environ, f"the owner of {set_up.username!a} could not be told: {type(error).__name__}")


def open_sandbox(db: Path, *, owner: Owner | None = None) -> Sandbox:
    """Open the sandbox in a file, and make the file first when there is none.

    Raises WorkspaceError when the file is no sandbox, is damaged, or was written by another version.
    """
    return Sandbox(Database(db), owner)


def _handle(route: Route | None, request: Request, context: Context) -> Answer:
    if _HIDDEN.get(context.switches["list-path"]) == (request.method, request.path):
        route = None
    match route:
        case Open():
            return route.handler(request, context)
        case Bearer():
            return route.handler(request, context, oauth.check_bearer(request, context, route.scope))
        case Signed():
            return _handle_signed(route, request, context)
        case None:
            raise _nowhere(request, context)


def _handle_signed(route: Signed, request: Request, context: Context) -> Answer:
    given = arguments(request)
    key = spot.check_signed(request, context, given, route.cost)
    switch = route.needs_switch
    spot.require(key, _any(Permission(context.switches[switch])) if switch else route.needs)
    return route.handler(given, context, key)


def _nowhere(request: Request, context: Context) -> Refusal:
    """Why there is no route: wrong method, unknown Spot call (HTTP 200, as Kraken answers it), or no such path."""
    hidden = _HIDDEN.get(context.switches["list-path"])
    methods = [method for method in _METHODS.get(request.path, ()) if (method, request.path) != hidden]
    if methods:
        return Refusal(BAD_REQUEST, status=405, headers=(("Allow", ", ".join(methods)),))
    wanted = {"/0/private/": "POST", "/0/public/": "GET"}
    for prefix, method in wanted.items():
        if request.path.startswith(prefix) and request.method == method:
            return Refusal(UNKNOWN_METHOD)
    return Refusal(UNKNOWN_METHOD, status=404)


def _report(environ: WSGIEnvironment, line: str) -> None:
    """One line for whoever runs the sandbox, where WSGI wants it."""
    errors = environ.get("wsgi.errors")
    if errors is not None:
        errors.write(f"sandbox: {line}\n")
