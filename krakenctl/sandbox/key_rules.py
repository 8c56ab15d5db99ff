"""What holds for every key, whether a client asks for it on Connect or a person on the website. It answers nobody.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml`; the limits are unpublished, and so are switches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import keys
from krakenctl.sandbox.checks import allowlist

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context


def is_full(context: Context, account_id: int) -> bool:
    """Whether the account may have no further key. The account's own limit comes before the switch."""
    if "slots-full" in context.faults:
        return True
    own, count = context.connection.execute(
        "SELECT key_limit, (SELECT count(*) FROM key WHERE account_id = account.id AND signs_until IS NULL)"
        " FROM account WHERE id = ?",
        (account_id,),
    ).fetchone()
    limit = context.switches["keys-per-account"] if own is None else own
    return limit != "none" and int(count) >= int(limit)


def is_taken(context: Context, account_id: int, name: str) -> bool:
    """Whether another living key of the account has the name; one account's names are unique on both surfaces."""
    return keys.by_name(context.connection, account_id, name) is not None


def networks(value: object, context: Context) -> tuple[str, ...] | None:
    """An allow-list as it is to be kept; None: it is no list of addresses and blocks, or too long."""
    entries = allowlist.entries(value, context.switches)
    return entries if entries is not None and _within("allowlist-most", len(entries), context) else None


def window_fits(nonce_window: int, context: Context) -> bool:
    return _within("nonce-window-most", nonce_window, context)


def _within(switch: str, number: int, context: Context) -> bool:
    most = context.switches[switch]
    return most == "none" or number <= int(most)
