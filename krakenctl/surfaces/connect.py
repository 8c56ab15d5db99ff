"""Kraken Connect: Fast API keys of one account, with that account's OAuth token.

Source: krakenfx/api-specs oauth/openapi_v3.yaml. The list's path is disputed: we try the specification's first and
the plural of every known client second, once per account.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from krakenctl.errors import (
    AnswerLost,
    ExchangeError,
    NeedsPerson,
    NonceRefused,
    Refused,
    Unavailable,
    Unreachable,
)
from krakenctl.model.coverage import Coverage
from krakenctl.model.description import NonceScale, nonce_at
from krakenctl.model.human import Mended, Revocation
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret
from krakenctl.model.silence import NO_KEY, NO_NONCE, NO_SIGNATURE
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.ground import Ground
from krakenctl.surfaces.kraken import answers, shapes, spot
from krakenctl.surfaces.kraken.held import Held, NothingHeld, stop_if_locked
from krakenctl.surfaces.kraken.meter import Meter
from krakenctl.surfaces.kraken.row import Row
from krakenctl.transport.http import Answer, Http

_KEYS = "/oauth/fast-api-key"
_KEYS_PLURAL = "/oauth/fast-api-keys"
_ABOVE = 10  # how far above a refused nonce the second try is: still small, for a key that its consumer will use


def opened(ground: Ground) -> Connect:
    return Connect(ground.http, ground.token(), ground.meter())


class Connect:
    """See `base.Surface`. Whether List shows other clients' keys too is unconfirmed: its coverage is our client's.

    For one thread at a time: what is done on one account is done in order. `meter` counts the calls with the token;
    None: they are not counted.
    """

    def __init__(self, http: Http, token: Secret, meter: Meter | None = None) -> None:
        self._http = http
        self._token = token
        self._meter = meter
        self._list_path = _KEYS
        self._iiban = ""
        self._request = ""

    def iiban(self) -> str:
        """Asked once: a token opens one account for as long as it lives."""
        self._iiban = self._iiban or self._asked_iiban()
        return self._iiban

    def _asked_iiban(self) -> str:
        answer = self._call("GET", "/oauth/userinfo")
        iban = _object(answers.result(answer, "say whose account this is")).get("iban")
        if not isinstance(iban, str) or not iban.strip():
            raise ExchangeError("Kraken's userinfo names no IIBAN: this krakenctl does not understand the answer")
        return normal_iiban(iban)

    def list_keys(self) -> Listing:
        rows = answers.result(self._list(), "list the account's keys")
        if not isinstance(rows, list):
            raise ExchangeError("Kraken's list of keys is no list: this krakenctl does not understand the answer")
        return Listing(tuple(shapes.live_key(row) for row in rows), Coverage.OUR_CLIENT)

    def issue(self, name: str, spec: KeySpec) -> IssuedKey:
        issued = self._issued(name, spec)
        if issued is None:  # told from here, where no variable holds what the answer did
            raise AnswerLost(f"Kraken's answer to issuing {name} makes no sense: the key may exist")
        return issued

    def _issued(self, name: str, spec: KeySpec) -> IssuedKey | None:
        answer = self._call("POST", _KEYS, shapes.fast_key_body(name, spec))
        return _issued(name, _certain(answer, f"issue the key {name}"))

    def update(self, name: str, spec: KeySpec) -> None:
        _must_be_done(self._call("PUT", _KEYS, shapes.fast_key_body(name, spec)), f"update the key {name}")

    def revoke(self, name: str) -> Revocation:
        _must_be_done(self._call("DELETE", _KEYS, {"api_key_name": name}), f"revoke the key {name}")
        return Revocation.PROVED

    def ready(self, verb: Verb, name: str) -> None:
        """Always."""

    def amend(self, name: str, spec: KeySpec, wrong: tuple[str, ...]) -> Mended | None:  # noqa: ARG002 - see Surface
        """A secret that may have leaked must never gain rights: what was issued wrongly goes."""
        return None

    def accept(self, name: str, spec: KeySpec, why: str) -> str:  # noqa: ARG002 - see Surface
        raise NeedsPerson(f"{name} cannot be looked at: {why}")

    def inspect(self, pair: KeyPair, nonce: int) -> LiveKey:
        try:
            row = self._inspected(pair, nonce)
        except NonceRefused:  # an earlier run has asked it too, and did not live to tell
            row = self._inspected(pair, nonce + _ABOVE)
        return shapes.live_key(_object(row))

    def take_request(self) -> str:
        request, self._request = self._request, ""
        return request

    def _inspected(self, pair: KeyPair, nonce: int) -> Any:
        answer = self._noted(spot.send(self._http, pair, "GetApiKeyInfo", nonce))
        return answers.result(answer, "describe the key")

    def _list(self) -> Answer:
        answer = self._call("GET", self._list_path)
        if self._list_path == _KEYS and _no_such_path(answer):
            self._list_path = _KEYS_PLURAL
            answer = self._call("GET", self._list_path)
        return answer

    def _call(self, method: str, path: str, body: object = None) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        headers = {} if sent is None else {"Content-Type": "application/json"}
        if self._meter is not None:
            self._meter.before_call()
        answer = self._noted(self._http.call(method, path, body=sent, headers=headers, bearer=self._token))
        if self._meter is not None and answers.is_rate_limit(answer):
            self._meter.refused()
        return answer

    def _noted(self, answer: Answer) -> Answer:
        self._request = answer.request_id
        return answer


class ConnectMaster:
    """See `base.Master`. Source: krakenfx/api-specs spot-rest, CreateSubaccount; needs the master account's own key.

    `clock`: nanoseconds since 1970, each time a millisecond on at least; `held`: what all commands know of the calls of
    its account. Threads may share it; they take turns, because nonces have to arrive in their order.
    """

    def __init__(
        self,
        http: Http,
        pair: KeyPair,
        clock: Callable[[], int],
        meter: Meter | None = None,
        held: Held | None = None,
    ) -> None:
        self._http = http
        self._pair = pair
        self._clock = clock
        self._meter = meter
        self._held = held or NothingHeld()
        self._row = Row(held=held)
        self._turn = threading.Lock()
        self._told = ""

    def request_subaccount(self, username: str, email: str) -> None:
        with self._turn:
            try:
                self._request(username, email)
            except NonceRefused:  # another program with this key was quicker: the next nonce is higher
                self._request(username, email)

    def take_request(self) -> str:
        request, self._told = self._told, ""
        return request

    def _request(self, username: str, email: str) -> None:
        stop_if_locked(self._held)
        if self._meter is not None:
            self._meter.before_call()
        fields = {"username": username, "email": email}
        answer = spot.send(self._http, self._pair, "CreateSubaccount", self._nonce(), **fields)
        self._told = answer.request_id
        if self._meter is not None and answers.is_rate_limit(answer):
            self._meter.refused()
        with self._noting():
            _certain(answer, f"create the sub-account {username}")

    def _nonce(self) -> int:
        """As most clients of a master key send it, and doctor."""
        return nonce_at(NonceScale.MILLISECONDS, self._clock())

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Refused calls of whichever key add up to a lockout of its account. What is refused for another reason than
        the key itself says nothing of the key."""
        public_key = self._pair.public_key
        try:
            yield
        except Refused as problem:
            self._row.note(problem)
            if answers.says(problem, NO_KEY, NO_SIGNATURE, NO_NONCE):
                self._held.note_refused(public_key, answers.said(problem))
            raise
        self._row.end()
        if self._held.refusal(public_key):
            self._held.note(public_key, answers=True)


def _certain(answer: Answer, deed: str) -> Any:
    """The result of a deed that must not be done twice: of a Kraken that is down, nobody knows what it has done."""
    try:
        return answers.result(answer, deed)
    except Unavailable as problem:
        raise AnswerLost(f"{problem.message}; it may have been done", wait=problem.wait) from None


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
    if not (isinstance(public_key, str) and public_key and isinstance(secret, Secret) and secret.reveal()):
        return None
    try:
        live = shapes.live_key({"api_key_name": name, **row, "permissions": row.get("permissions") or {}})
    except ExchangeError:
        return None
    if live.name != name:
        return None
    return IssuedKey(live=live, public_key=public_key, secret=secret)


def _object(row: Any) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    raise Unreachable("Kraken's answer is not an object: this krakenctl does not understand it")
