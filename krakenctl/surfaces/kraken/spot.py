"""Signed Spot REST calls with one key pair. The nonce is the caller's, and nothing is tried twice.

Source: docs.kraken.com, Spot REST: POST /0/private/<Name>, form body, nonce increasing per key.
"""

from __future__ import annotations

from urllib.parse import urlencode

from krakenctl.errors import ExchangeError
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.surfaces.kraken import answers, shapes
from krakenctl.surfaces.kraken.signing import sign
from krakenctl.transport.http import Answer, Http


def send(http: Http, pair: KeyPair, name: str, nonce: int, otp: Secret | None = None, /, **fields: str) -> Answer:
    """One private call. `nonce` must be above every nonce this key has used. `otp`: of a key with a second factor.

    Raises ExchangeError where there is no answer.
    """
    path = f"/0/private/{name}"
    body = Secret(urlencode({"nonce": nonce, **fields, **({"otp": otp.reveal()} if otp else {})}))
    headers = {
        "API-Key": pair.public_key,
        "API-Sign": sign(pair.secret, path, str(nonce), body),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return http.call("POST", path, body=body, headers=headers)


def server_time(http: Http) -> int:
    """The exchange's clock, unix seconds (public Time call)."""
    told = answers.result(http.call("GET", "/0/public/Time", headers={}), "tell the time")
    seconds = shapes.number(told.get("unixtime")) if isinstance(told, dict) else 0
    if seconds <= 0:
        raise ExchangeError("Kraken's clock shows no time: this krakenctl does not understand the answer")
    return seconds
