"""The tables of a state, in SQL that SQLite and PostgreSQL both speak."""

from __future__ import annotations

VERSION = 2

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE account (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, surface TEXT NOT NULL, username TEXT NOT NULL, iiban TEXT NOT NULL,
  requested INTEGER NOT NULL);
CREATE TABLE key (
  address TEXT NOT NULL, live_name TEXT NOT NULL, generation INTEGER NOT NULL, created BIGINT NOT NULL,
  public_key TEXT NOT NULL, spec TEXT NOT NULL, store TEXT NOT NULL, path TEXT NOT NULL, issued BIGINT NOT NULL,
  trigger_text TEXT NOT NULL, protect INTEGER NOT NULL, retired_until BIGINT NOT NULL,
  PRIMARY KEY (address, live_name));
CREATE TABLE generation (address TEXT PRIMARY KEY, highest INTEGER NOT NULL)
"""
_ADDED = """
CREATE TABLE journal (
  address TEXT NOT NULL, live_name TEXT NOT NULL, stage TEXT NOT NULL, verdict TEXT NOT NULL, began BIGINT NOT NULL,
  run TEXT NOT NULL, change TEXT NOT NULL, sent TEXT NOT NULL,
  PRIMARY KEY (address, live_name));
CREATE TABLE lease (
  one INTEGER PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL, since DOUBLE PRECISION NOT NULL,
  beat DOUBLE PRECISION NOT NULL, seconds DOUBLE PRECISION NOT NULL);
CREATE TABLE log (seq INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL)
"""
# One row for ever: `holder` is empty while nobody holds it, so that `fence` never falls.
_FREE = "INSERT INTO lease VALUES (1, 0, '', 0, 0, 0)"


def statements() -> list[str]:
    return [*_TABLES.split(";"), *additions()]


def additions() -> list[str]:
    """What format 1 had not."""
    return [*_ADDED.split(";"), _FREE, "INSERT INTO meta VALUES ('serial', '0')"]
