"""Kraken Connect: Fast API keys of one account, with that account's OAuth token.

Source: krakenfx/api-specs oauth/openapi_v3.yaml. The list's path is disputed: we try the specification's first and
the plural of every known client second, once per account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from krakenctl.errors import AnswerLost, ExchangeError, Unreachable
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.live import Coverage
from krakenctl.model.secret import Secret
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.kraken import answers, shapes, spot
from krakenctl.transport.http import Answer, Http

_KEYS = "/oauth/fast-api-key"
_KEYS_PLURAL = "/oauth/fast-api-keys"


class Connect:
    """See `base.Surface`. Whether List shows other clients' keys too is unconfirmed: its coverage is our client's."""

    def __init__(self, http: Http, token: Secret) -> None:
        self._http = http
        self._token = token
        self._list_path = _KEYS

    def iiban(self) -> str:
        answer = self._call("GET", "/oauth/userinfo")
        iban = _object(answers.result(answer, "say whose account this is")).get("iban")
        if not isinstance(iban, str) or not iban.strip():
            raise ExchangeError("Kraken's userinfo names no IIBAN: this krakenctl does not understand the answer")
        return normal_iiban(iban)

    def now(self) -> int:
        return spot.server_time(self._http)

    def list_keys(self) -> Listing:
        rows = answers.result(self._list(), "list the account's keys")
        if not isinstance(rows, list):
            raise ExchangeError("Kraken's list of keys is no list: this krakenctl does not understand the answer")
        return Listing(tuple(shapes.live_key(row) for row in rows), Coverage.OUR_CLIENT)

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        answer = self._call("POST", _KEYS, shapes.fast_key_body(name, spec))
        row = answers.result(answer, f"issue the key {name}")
        issued = _issued(name, row)
        if issued is None:
            raise AnswerLost(f"Kraken's answer to issuing {name} makes no sense: the key may exist")
        return issued

    def update(self, name: str, spec: KeySpec) -> None:
        _must_be_done(self._call("PUT", _KEYS, shapes.fast_key_body(name, spec)), f"update the key {name}")

    def revoke(self, name: str) -> None:
        _must_be_done(self._call("DELETE", _KEYS, {"api_key_name": name}), f"revoke the key {name}")

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        row = spot.call(self._http, pair, "GetApiKeyInfo", nonce, "describe the key")
        return shapes.live_key(_object(row))

    def _list(self) -> Answer:
        answer = self._call("GET", self._list_path)
        if self._list_path == _KEYS and _no_such_path(answer):
            self._list_path = _KEYS_PLURAL
            answer = self._call("GET", self._list_path)
        return answer

    def _call(self, method: str, path: str, body: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        if body is None:
            return self._http.call(method, path, headers=headers)
        headers["Content-Type"] = "application/json"
        return self._http.call(method, path, body=json.dumps(body).encode(), headers=headers)


class ConnectMaster:
    """See `base.Master`. Source: krakenfx/api-specs spot-rest, CreateSubaccount; needs the master account's own key."""

    def __init__(self, http: Http, pair: KeyPair, nonces: Iterable[int]) -> None:
        self._http = http
        self._pair = pair
        self._nonces = iter(nonces)

    def request_subaccount(self, username: str, email: str) -> None:
        deed = f"create the sub-account {username}"
        nonce = next(self._nonces)
        spot.call(self._http, self._pair, "CreateSubaccount", nonce, deed, username=username, email=email)


def _no_such_path(answer: Answer) -> bool:
    """Kraken's ways to say so: a status, or its error string for an unknown method."""
    if answer.status in (404, 405):
        return True
    entries = answer.body.get("error") if isinstance(answer.body, dict) else None
    return isinstance(entries, list) and any("unknown method" in str(entry).lower() for entry in entries)


def _must_be_done(answer: Answer, deed: str) -> None:
    """The specification's answer is `true`. Anything empty does not say that it was done."""
    if not answers.result(answer, deed):
        raise AnswerLost(f"Kraken did not say yes when asked to {deed}: it may have been done")


def _issued(name: str, row: Any) -> IssuedKey | None:
    """None when it makes no sense. An error raised from here would have a context, whose text may hold the secret."""
    if not isinstance(row, dict):
        return None
    public_key, secret = row.get("api_key"), row.get("secret")
    if not (isinstance(public_key, str) and public_key and isinstance(secret, str) and secret):
        return None
    try:
        live = shapes.live_key({"api_key_name": name, **row, "permissions": row.get("permissions") or {}})
    except ExchangeError:
        return None
    if live.name != name:
        return None
    return IssuedKey(live=live, public_key=public_key, secret=Secret(secret))


def _object(row: Any) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    raise Unreachable("Kraken's answer is not an object: this krakenctl does not understand it")
