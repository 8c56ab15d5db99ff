"""The tables of a state, in SQL that SQLite and PostgreSQL both speak."""

from __future__ import annotations

import re

VERSION = 2
COUNT_UP = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'serial'"

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
  run TEXT NOT NULL, who TEXT NOT NULL, plan TEXT NOT NULL, change TEXT NOT NULL, sent TEXT NOT NULL,
  public_key TEXT NOT NULL,
  PRIMARY KEY (address, live_name));
CREATE TABLE lease (
  one INTEGER PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL, since DOUBLE PRECISION NOT NULL,
  beat DOUBLE PRECISION NOT NULL, seconds DOUBLE PRECISION NOT NULL, alarms INTEGER NOT NULL);
CREATE TABLE mark (
  plan TEXT NOT NULL, change TEXT NOT NULL, at BIGINT NOT NULL, who TEXT NOT NULL, done INTEGER NOT NULL,
  PRIMARY KEY (plan, change));
CREATE TABLE room (account TEXT PRIMARY KEY, keys INTEGER NOT NULL, declared INTEGER NOT NULL);
CREATE TABLE contained (address TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE given (
  address TEXT NOT NULL, live_name TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (address, live_name));
CREATE TABLE announced (address TEXT PRIMARY KEY, live_name TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE answered (
  public_key TEXT NOT NULL, host TEXT NOT NULL, iiban TEXT NOT NULL, spent BIGINT NOT NULL, nonce BIGINT NOT NULL,
  PRIMARY KEY (public_key, host));
CREATE TABLE refused (
  public_key TEXT NOT NULL, host TEXT NOT NULL, at BIGINT NOT NULL, times INTEGER NOT NULL, said TEXT NOT NULL,
  PRIMARY KEY (public_key, host));
CREATE TABLE refusal_row (
  account TEXT PRIMARY KEY, at BIGINT NOT NULL, calls INTEGER NOT NULL, write TEXT NOT NULL);
CREATE TABLE lockout (account TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE gone (public_key TEXT PRIMARY KEY, since BIGINT NOT NULL, host TEXT NOT NULL, said TEXT NOT NULL);
ALTER TABLE key ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN claimed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key ADD COLUMN unverified TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN without_secret INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key ADD COLUMN unheard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key ADD COLUMN nonce TEXT NOT NULL DEFAULT 'unknown';
CREATE TABLE log (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, line TEXT NOT NULL, hash TEXT NOT NULL)
"""
# One row for ever: `holder` is empty while nobody holds it, so that `fence` never falls. `alarms` counts how often the
# kill switch was used.
_FREE = "INSERT INTO lease VALUES (1, 0, '', 0, 0, 0, 0)"


def statements() -> list[str]:
    return [*_TABLES.split(";"), *additions()]


def names() -> list[str]:
    return re.findall(r"CREATE TABLE (\w+)", _TABLES + _ADDED)


def additions() -> list[str]:
    """What format 1 had not."""
    return [*_ADDED.split(";"), _FREE, "INSERT INTO meta VALUES ('serial', '0')"]
