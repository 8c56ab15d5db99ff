"""Which clients an account's owner has let in, and what happens when the owner changes their mind.

Kraken's users can withdraw a consent on the website; what becomes of the keys then is unconfirmed, and so a switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import keys
from krakenctl.sandbox.connect.clients import Client

if TYPE_CHECKING:
    from krakenctl.sandbox.context import Context


def clients(context: Context, account_id: int) -> list[Client]:
    """The clients that could still get in without asking: they hold a refresh token, or a code not yet used."""
    rows = context.connection.execute(
        "SELECT id, name, secret_hash, redirect_uris, scopes FROM client WHERE"
        " id IN (SELECT client FROM token WHERE account_id = :account AND refresh_until > :now)"
        " OR id IN (SELECT client FROM code WHERE account_id = :account AND until > :now AND NOT used)"
        " ORDER BY name, id",
        {"account": account_id, "now": context.now},
    )
    return [Client._make(row) for row in rows]


def withdraw(context: Context, account_id: int, client: str) -> None:
    """Its tokens and codes die at once; its keys as the switch `withdrawn-consent-keys` says."""
    mine = (account_id, client)
    context.connection.execute("DELETE FROM token WHERE account_id = ? AND client = ?", mine)
    context.connection.execute("DELETE FROM code WHERE account_id = ? AND client = ?", mine)
    if context.switches["withdrawn-consent-keys"] == "delete":
        for key in keys.of_account(context.connection, account_id):
            if key.client == client:
                keys.revoke(context, key.id)
