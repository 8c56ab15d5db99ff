"""The schema that holds the tables: is it there, is it ours, and what a transaction in it starts with."""

from __future__ import annotations

import hashlib
import uuid

from krakenctl.errors import StateError
from krakenctl.state import tables
from krakenctl.state.database import Execute, Rows


def version(run: Execute, schema: str) -> int:
    """Of what is there; 0: nothing. Raises StateError for what is newer than we are."""
    if not run("SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = ? AND tablename = 'meta'", schema):
        return 0
    # By its full name: a schema that we may not use would otherwise be passed over without a word.
    version = int(run(f"SELECT value FROM {quoted(schema)}.meta WHERE name = 'version'")[0][0])  # noqa: S608 - quoted
    if version > tables.VERSION:
        message = f"the state in the schema {schema} was written by a newer krakenctl (format {version})"
        raise StateError(message, hint="upgrade krakenctl")
    return version


def create(run: Execute, schema: str) -> None:
    _refuse_unfit(run)
    if version(run, schema):
        return
    found = namespace(run, schema)
    if not found:
        run(f"CREATE SCHEMA {quoted(schema)}")
    elif run("SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = ?", found[0][0]):
        message = f"the schema {schema} holds another program's tables"
        raise StateError(message, hint="name another schema as state.schema")
    for statement in tables.statements():
        run(statement.replace(" TEXT", ' TEXT COLLATE "C"'))  # sorted as SQLite sorts, wherever the server stands
    run("INSERT INTO meta VALUES ('lineage', ?), ('version', ?)", str(uuid.uuid4()), str(tables.VERSION))


def namespace(run: Execute, schema: str) -> Rows:
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


def local(schema: str, limits: dict[str, int]) -> str:
    """Durable whatever the server's default is; our tables and no others; nothing waits for ever."""
    text = "; ".join(f"SET LOCAL {name} = '{seconds}s'" for name, seconds in limits.items())
    return f"SET LOCAL synchronous_commit = on; SET LOCAL search_path = {quoted(schema)}, pg_temp; {text}"


def lock(schema: str) -> int:
    """The number of the lock of whoever writes there."""
    return int.from_bytes(hashlib.sha256(f"krakenctl {schema}".encode()).digest()[:8], signed=True)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
