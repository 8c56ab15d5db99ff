"""A PostgreSQL server of our own, thrown away afterwards: a real one, in a folder, on a port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg

from krakenctl.state.database import Rows
from krakenctl.state.postgres import PostgresDatabase

if TYPE_CHECKING:
    import pytest

DSN = "KRAKENCTL_STATE_DSN"
_DEBIAN = Path("/usr/lib/postgresql")  # apt puts the server's programs here, and on nobody's PATH
_READY = "database system is ready to accept connections"


@cache
def programs() -> Path | None:
    """The folder with initdb and postgres, of the newest version there is."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    best = found[-1] if found else on_path and Path(on_path).resolve()
    return best.parent if best else None


@dataclass
class Server:
    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    ear: Thread | None = None

    @property
    def dsn(self) -> str:
        return self.dsn_of("krakenctl")

    def dsn_of(self, database: str, **more: Any) -> str:
        extra = "".join(f" {name}={value}" for name, value in more.items())
        return f"host=127.0.0.1 port={self.port} user=krakenctl dbname={database}{extra}"

    def start(self, **more: str) -> None:
        """Returns once it takes connections; after a crash, once it has recovered."""
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "logging_collector": "off",
            "log_destination": "stderr",
            "shared_buffers": "16MB",
            "max_connections": "200",
            **more,
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True, **_as_nobody_special())
        heard = []
        for line in self.process.stderr:
            heard.append(line)
            if _READY in line:
                self.ear = Thread(target=self.process.stderr.read, daemon=True)  # a full pipe would stop the server
                self.ear.start()
                return
        raise AssertionError("PostgreSQL did not start:\n" + "".join(heard))

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as in a crash. It must recover from its log at the next start."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.ear.join()
            self.process.stderr.close()
            self.process = None

    def restart(self, how: signal.Signals = signal.SIGINT, **settings: str) -> None:
        self.stop(how)
        self.start(**settings)

    def connect(self, database: str = "krakenctl") -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn_of(database), autocommit=True)

    def sql(self, statement: str, *values: Any, database: str = "krakenctl") -> list[Any]:
        with self.connect(database) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def cut(self, database: str = "krakenctl") -> int:
        """Every connection of krakenctl's to that database; they are gone when this returns. How many there were."""
        others = "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with self.connect("postgres") as connection:
            ended = connection.execute(f"SELECT pg_terminate_backend(pid) {others}", [database]).fetchall()
            while connection.execute(f"SELECT 1 {others}", [database]).fetchall():
                pass
        return len(ended)

    def shut(self, database: str) -> None:
        """For krakenctl it is as if the server were down, and faster."""
        self.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false", database="postgres")
        self.cut(database)

    def reopen(self, database: str) -> None:
        self.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true", database="postgres")

    def fresh_database(self, name: str, like: str = "template0") -> str:
        """Its connection string. Where there was one of that name, it is gone."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", database="postgres")
        self.sql(f"CREATE DATABASE {name} TEMPLATE {like}", database="postgres")
        return self.dsn_of(name)


@dataclass
class Weather:
    """What befalls connections, at a moment of the writes that come: `at once`, `before its commit`, or `after its
    commit`, which is done, and nobody hears of it."""

    cut: Callable[[], object]
    moment: str = ""
    times: float = 0  # how many more writes are struck
    first: int = 0  # the number of the first that is
    mercy: bool = True  # a deed that is repeated is let through
    struck: int = 0
    writes: int = 0  # begun so far
    _spared: bool = False
    _writing: set[int] = field(default_factory=set)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Weather:
        real, weather = PostgresDatabase._execute, self

        def execute(database: PostgresDatabase, statement: str, *values: Any) -> Rows:
            ends = statement == "COMMIT" and id(database) in weather._writing
            if statement.startswith("BEGIN"):
                weather._begin(id(database), writes="READ WRITE" in statement)
            if ends:
                weather._strike("before its commit")
            rows = real(database, statement, *values)
            if ends and weather._strike("after its commit"):
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            return rows

        monkeypatch.setattr(PostgresDatabase, "_execute", execute)
        return self

    def strike(self, moment: str, *, times: float = 1, first: int = 0, mercy: bool = True) -> None:
        self.moment, self.times, self.first, self.mercy, self._spared = moment, times, first, mercy, False

    def _begin(self, database: int, *, writes: bool) -> None:
        self._writing.discard(database)
        if writes:
            self._writing.add(database)
            self.writes += 1
            self._strike("at once")

    def _strike(self, moment: str) -> bool:
        if moment != self.moment or not self.times or self.writes <= self.first:
            return False
        if self._spared and self.mercy:
            self._spared = False
            return False
        self._spared = True
        self.times -= 1
        self.struck += 1
        self.cut()
        return True


@contextmanager
def running() -> Iterator[Server]:
    """Durable as it is delivered: fsync stays on."""
    folder = Path(tempfile.mkdtemp(prefix="krakenctl-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, *_nobody())
        server = Server(folder, _free_port())
        make = [
            programs() / "initdb",
            "-D",
            folder / "data",
            "-U",
            "krakenctl",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
        ]
        subprocess.run(
            [str(word) for word in [*make, "--no-sync", "--no-instructions"]],
            check=True,
            capture_output=True,
            **_as_nobody_special(),
        )
        server.start()
        try:
            server.sql("CREATE DATABASE krakenctl", database="postgres")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_nobody_special() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    user, group = _nobody()
    return {"user": user, "group": group, "extra_groups": [], "cwd": "/"}


def _nobody() -> tuple[int, int]:
    import pwd

    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
