"""The state in a schema of a PostgreSQL database. The only user of psycopg."""

from __future__ import annotations

from krakenctl.state.postgres.database import PostgresDatabase, PostgresHome

__all__ = ["PostgresDatabase", "PostgresHome"]
