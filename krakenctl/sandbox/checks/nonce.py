"""Nonces: which texts are one, and which numbers a key still takes. It stores only what a window makes it remember.

Source: docs.kraken.com, Spot REST authentication guide (unsigned 64 bits, always rising, per key) and errors guide
(equal or lower: `EAPI:Invalid nonce`); krakenfx/api-specs `oauth/openapi_v3.yaml` (`nonce_window`: how far below the
highest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key

_HIGHEST = 2**64 - 1


def decimal(value: object) -> str | None:
    """The nonce's decimal text as it is signed: digits in a form, a number or digits in JSON; None: no nonce."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 <= value <= _HIGHEST else ""
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20):
        return None
    return value if int(value) <= _HIGHEST else None


def accepted(context: Context, key: Key, number: int) -> bool:
    """Whether a key takes this nonce. Inside a window, whether one may come again is a switch."""
    highest = int(key.nonce_text)
    if number <= highest - key.nonce_window:
        return False
    if key.nonce_window == 0 or context.switches["nonce-repeat-in-window"] == "accept":
        return True
    if number == highest:  # seen, also where nothing was remembered because the window was not there yet
        return False
    return _first_time(context, key.id, number, max(number, highest) - key.nonce_window)


def _first_time(context: Context, key_id: int, number: int, forgotten: int) -> bool:
    if forgotten > 0:
        old = (key_id, f"{forgotten:020d}")
        context.connection.execute("DELETE FROM seen_nonce WHERE key_id = ? AND nonce <= ?", old)
    new = (key_id, f"{number:020d}")
    return context.connection.execute("INSERT OR IGNORE INTO seen_nonce VALUES (?, ?)", new).rowcount == 1
