"""GetApiKeyInfo and ListWalletAccounts: what any key may ask. It shows the key that signs, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox import accounts
from krakenctl.sandbox.checks.wallet import wallet_id
from krakenctl.sandbox.envelope import Answer, success

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call


def key_info(call: Call) -> Answer:
    """`POST /0/private/GetApiKeyInfo`: the key that signs, and no other. Source: docs.kraken.com, GetApiKeyInfo."""
    context, key = call.context, call.key
    anywhere = [""] if context.switches["empty-allowlist"] == "blank" else []
    shown = {
        "api_key_name": key.name,
        "api_key": key.public_key,
        "nonce": key.nonce_text,
        "nonce_window": str(key.nonce_window) if context.switches["nonce-window-type"] == "text" else key.nonce_window,
        "permissions": key.codes.split()[:: -1 if context.switches["permissions-order"] == "reversed" else 1],
        "iban": accounts.by_id(context.connection, key.account_id).iiban or "",
        "valid_until": str(key.valid_until),
        "query_from": str(key.query_from),
        "query_to": str(key.query_to),
        "created_time": str(key.created),
        "modified_time": str(key.modified),
        "ip_allowlist": key.ip_allowlist or anywhere,
        "last_used": None if key.last_used is None else str(key.last_used),
    }
    camel = context.switches["key-info-spelling"] == "camel"
    return success({_camel(name): value for name, value in shown.items()} if camel else shown)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def wallet_accounts(call: Call) -> Answer:
    """`POST /0/private/ListWalletAccounts`: here everybody has one, the main one.

    Source: docs.kraken.com, List Wallet Accounts; its fields as modelled by thrasher-corp/gocryptotrader.
    """
    main = {
        "account_id": wallet_id(call.account_id),
        "flags": {"user_defined": False, "active": True},
        "status": "active",
        "type": "main",
        "name": "Main",
    }
    return success({"accounts": [main], "cursor": {"next": ""}})
