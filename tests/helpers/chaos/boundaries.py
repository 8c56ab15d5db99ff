"""Every place where a run can be struck: before and after each HTTP call, write of store and state, and deed of the
file system. They are counted as they come, in the process itself; nobody keeps a list."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.hand import Hand
from krakenctl.cli.person import FromStdin
from krakenctl.sandbox.people import operate
from krakenctl.state import sqlite
from krakenctl.state.sqlite import SqliteDatabase
from krakenctl.stores.age import AgeStore
from krakenctl.transport.wsgi import WsgiAdapter

_STORE = ("prove_writable", "put", "promote", "remove")
_PERSON = ("issue", "update", "revoke", "again", "accepts")
_WEBSITE = ("make_key", "edit_key", "revoke_key")
_FILES = {"fsync": 0, "unlink": 0, "mkdir": 0, "rmdir": 0, "replace": 1, "link": 1}  # which argument is the place
_RANDOM = re.compile(r"\.[0-9a-f]{16}\.tmp$|\.canary\.\d+")


@dataclass(frozen=True)
class Boundary:
    number: int
    sort: str  # http | store | state | commit | file | fsync | person | website | end
    what: str
    after: bool = False

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.sort} {self.what}"


Reached = Callable[[Boundary], None]


class Boundaries:
    """Counts them in this process, once installed, and tells `reached` of each. Never taken out again."""

    def __init__(self, root: Path, reached: Reached, *, shared: bool = False) -> None:
        self._root = root
        self._shared = shared  # the state is on a PostgreSQL server
        self._reached = reached
        self._count = 0
        self._turn = threading.RLock()  # accounts may run in parallel
        self.relief: Callable[[], None] = lambda: None  # called when the deed is over that was struck

    def install(self) -> None:
        self._wrap(WsgiAdapter, "send", "http", lambda _, request, *__: f"{request.method} {_path(request)}")
        self._wrap(SqliteDatabase, "write", "state", lambda *_: _who_writes())
        self._wrap(sqlite, "_prepare", "state", lambda *_: "open")
        if self._shared:
            self._install_on_postgres()
        for name in _STORE:
            self._wrap(AgeStore, name, "store", lambda _, path="", *__, name=name: f"{name} {path}".strip())
        for name in _PERSON:
            for somebody in (Hand, FromStdin):
                self._wrap(somebody, name, "person", lambda _, step, *__, name=name: f"{name} {step.name}")
        for name in _WEBSITE:
            self._wrap(operate, name, "website", lambda _, __, key, *___, name=name, **____: f"{name} {key}")
        for name, at in _FILES.items():
            sort = "fsync" if name == "fsync" else "file"
            self._wrap(os, name, sort, lambda *args, name=name, at=at, **_: f"{name} {self._place(args[at])}")

    def _install_on_postgres(self) -> None:
        from krakenctl.state.postgres import PostgresDatabase

        writing: set[int] = set()  # connections in a transaction that writes: only its COMMIT makes a difference

        def statement(database: object, text: str, *_: object) -> str:
            if text.startswith("BEGIN"):
                (writing.add if "READ WRITE" in text else writing.discard)(id(database))
            return "commit" if text == "COMMIT" and id(database) in writing else _ELSEWHERE

        self._wrap(PostgresDatabase, "write", "state", lambda *_: _who_writes())
        self._wrap(PostgresDatabase, "_execute", "commit", statement)

    def end(self) -> None:
        self._reach("end", "the end", after=False)

    def _wrap(self, owner: Any, name: str, sort: str, describe: Callable[..., str]) -> None:
        real = getattr(owner, name)

        def around(*args: Any, **more: Any) -> Any:
            what = describe(*args)
            if what.endswith(_ELSEWHERE):
                return real(*args, **more)
            with self._around(sort, what):
                return real(*args, **more)

        setattr(owner, name, around)

    @contextmanager
    def _around(self, sort: str, what: str) -> Iterator[None]:
        self._reach(sort, what, after=False)
        try:
            yield
        finally:
            self.relief()
        self._reach(sort, what, after=True)

    def _reach(self, sort: str, what: str, *, after: bool) -> None:
        with self._turn:
            number, self._count = self._count, self._count + 1
            self._reached(Boundary(number, sort, what, after))

    def _place(self, path: Any) -> str:
        """Below the workspace, without what is random in it. What the exchange's people do is no boundary of ours."""
        real = os.path.realpath(f"/proc/self/fd/{path}" if isinstance(path, int) else path)
        if not real.startswith(f"{self._root}/") or "/.krakenctl/credentials" in real or "/sandbox.db" in real:
            return _ELSEWHERE
        return _RANDOM.sub("(new)", real[len(str(self._root)) + 1 :])


_ELSEWHERE = "elsewhere"


def _path(request: Any) -> str:
    return str(request.path_url).partition("?")[0]


def _who_writes() -> str:
    """The method of the state that a transaction is for, as `begin`."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_code.co_name
        if "/krakenctl/state/" in frame.f_code.co_filename and not name.startswith(("_", "write")):
            return name
        frame = frame.f_back
    return "write"
