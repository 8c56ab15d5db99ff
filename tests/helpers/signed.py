"""A signed call as a key's own program makes it: one try, with the nonce that is given."""

from __future__ import annotations

from typing import Any

from krakenctl.model.key import KeyPair
from krakenctl.surfaces.kraken import answers, spot
from krakenctl.transport.http import Http


def signed(http: Http, pair: KeyPair, name: str, nonce: int) -> Any:
    """Its result. Raises ExchangeError."""
    return answers.result(spot.send(http, pair, name, nonce), "answer")
