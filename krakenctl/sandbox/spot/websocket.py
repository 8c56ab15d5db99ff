"""The token that opens the authenticated WebSocket. The WebSocket itself is not served."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from krakenctl.sandbox.envelope import Answer, success

if TYPE_CHECKING:
    from krakenctl.sandbox.call import Call

_SECONDS = 900


def token(_call: Call) -> Answer:
    """`POST /0/private/GetWebSocketsToken`: good for 15 minutes. Source: krakenfx/api-specs spot-rest."""
    return success({"token": secrets.token_urlsafe(32), "expires": _SECONDS})
