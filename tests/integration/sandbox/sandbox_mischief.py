"""Faults set on a sandbox, and what came of them."""

from __future__ import annotations

from typing import Any

from sandbox_caller import Caller

from krakenctl.sandbox import faults
from krakenctl.sandbox.database import opened

ISSUE = "POST /oauth/fast-api-key"
INFO = "GetApiKeyInfo"


def set_fault(kraken: Caller, kind: str, **told: Any) -> int:
    return faults.add(kraken.sandbox, {"kind": kind, **told})


def names(kraken: Caller) -> list[str]:
    return [key["api_key_name"] for key in kraken.listed()]


def on_website(kraken: Caller) -> list[str]:
    """Every key, a person's too, as the file has it."""
    with opened(kraken.sandbox) as database:
        return [name for (name,) in database.connection().execute("SELECT name FROM key ORDER BY id")]


def counts(kraken: Caller) -> tuple[int, int]:
    [fault] = faults.listing(kraken.sandbox)
    return fault["seen"], fault["struck"]
