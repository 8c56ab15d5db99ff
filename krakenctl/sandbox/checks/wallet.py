"""Which wallet account a call means by `account_id`. Here everybody has one, the main one.

Source: docs.kraken.com, List Wallet Accounts: account data calls and Funding (Beta) take `account_id` in the query
string. Which error a foreign one gets is not documented.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from krakenctl.sandbox.envelope import invalid
from krakenctl.sandbox.request import query_fields

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_FIELD = "account_id"


def wallet_id(account_id: int) -> str:
    """`WX6V-JUKW-KKPB-QE36`, and the same each time. Source: docs.kraken.com, List Wallet Accounts, by its examples."""
    letters = base64.b32encode(hashlib.sha256(f"wallet {account_id}".encode()).digest()).decode()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def require_own(call: Call) -> None:
    """Refuse a wallet account that is not the caller's, in the query string as in the body. Raises Refusal."""
    asked = (fields.get(_FIELD) for fields in (query_fields(call.request), call.given))
    if any(value is not None and value != wallet_id(call.account_id) for value in asked):
        raise invalid(_FIELD)
