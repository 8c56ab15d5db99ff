"""Pay: paylinks, transfers, requests. Their ids are remembered; no money moves, because nobody ever claims or pays.

Source: krakenfx/api-specs pay. An `external_id` is the caller's, 1–16 bytes as base64 without padding, and can be used
once. The errors for a used and for an unknown one are unconfirmed.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from krakenctl.sandbox.envelope import Answer, invalid, success
from krakenctl.sandbox.money import funds
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_EXPIRE_SECONDS = 30 * 86_400  # made up
_LONGEST_ID = 22  # 16 bytes
_LONGEST_NAME = 255


def paylink_create(call: Call) -> Answer:
    """`POST /0/private/Pay/paylink/create`: the code is asked for with `get`."""
    _remember(call, "paylink")
    return success({})


def paylink_config(_call: Call) -> Answer:
    """`POST /0/private/Pay/paylink/config`."""
    return success({"expire_time": _EXPIRE_SECONDS})


def paylink_get(call: Call) -> Answer:
    """`POST /0/private/Pay/paylink/get`."""
    return success({"claim_link": _link("claim", _remembered(call, "paylink"))})


def transfer_create(call: Call) -> Answer:
    """`POST /0/private/Pay/transfer/create`: to a kraktag."""
    if text(call.given, "to", _LONGEST_NAME) is None:
        raise invalid("to")
    _remember(call, "transfer")
    return success({})


def transfer_cancel(call: Call) -> Answer:
    """`POST /0/private/Pay/transfer/cancel`: of a transfer or a paylink."""
    _cancel(call, "transfer", "paylink")
    return success({})


def request_create(call: Call) -> Answer:
    """`POST /0/private/Pay/request/create`: with a link to show, unless it goes to somebody by name."""
    to_somebody = call.given.get("from") is not None
    external_id = _remember(call, "request")
    return success({"view_link": None if to_somebody else _link("request", external_id)})


def request_cancel(call: Call) -> Answer:
    """`POST /0/private/Pay/request/cancel`."""
    _cancel(call, "request")
    return success({})


def _remember(call: Call, sort: str) -> str:
    external_id = _external_id(call)
    funds.amount_of(call.given, funds.asset_of(call.given))
    row = (call.account_id, external_id, sort)
    new = call.connection.execute("INSERT OR IGNORE INTO pay (account_id, external_id, sort) VALUES (?, ?, ?)", row)
    if new.rowcount == 0:
        raise invalid("external_id")
    return external_id


def _remembered(call: Call, *sorts: str) -> str:
    """An id of one of these sorts that has not been cancelled."""
    external_id = _external_id(call)
    query = "SELECT sort FROM pay WHERE account_id = ? AND external_id = ? AND NOT cancelled"
    found = call.connection.execute(query, (call.account_id, external_id)).fetchone()
    if found is None or found[0] not in sorts:
        raise invalid("external_id")
    return external_id


def _cancel(call: Call, *sorts: str) -> None:
    row = (call.account_id, _remembered(call, *sorts))
    call.connection.execute("UPDATE pay SET cancelled = 1 WHERE account_id = ? AND external_id = ?", row)


def _external_id(call: Call) -> str:
    given = text(call.given, "external_id", _LONGEST_ID)
    if given is None or not _is_base64(given):
        raise invalid("external_id")
    return given


def _is_base64(given: str) -> bool:
    try:
        base64.b64decode(given + "=" * (-len(given) % 4), validate=True)
    except ValueError:
        return False
    return True


def _link(sort: str, external_id: str) -> str:
    """Made up, and the same each time; it leads nowhere."""
    return f"https://pay.kraken.example/{sort}/{hashlib.sha256(external_id.encode()).hexdigest()[:16]}"
