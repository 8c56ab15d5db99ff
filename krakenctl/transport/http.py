"""One call over HTTP and what became of it, in our errors. The only user of requests. No retry, no endpoint."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import LocationValueError

from krakenctl import __version__
from krakenctl.errors import AnswerLost, ExchangeError, Unreachable
from krakenctl.model.secret import Secret
from krakenctl.transport import hindrance

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes, unpacked; a key in a list takes about 500
MOST_CONNECTIONS = 64  # kept open; threads beyond them get one of their own each time
_PIECE = 16 * 1024  # bytes; packed ones become a thousand times as many at most
_LONGEST_ID = 128  # characters
# Kraken's front refuses clients without one now and then (docs.kraken.com, REST introduction).
USER_AGENT = f"krakenctl/{__version__}"
# A host name that is none, or a header that is no Latin-1: urllib3's and http.client's own words for it.
_ODD = (LocationValueError, requests.exceptions.MissingSchema, UnicodeError)
# How requests shows that TCP or TLS never stood; it has no classes of its own for these.
_NO_CONNECTION = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any  # decoded JSON; None when it was not JSON
    wait: float = 0.0  # seconds, as Retry-After says; 0: it says nothing
    request_id: str = ""  # the other side's name for this call; empty: it told none


class Http:
    """Calls to one base URL; threads may share it. Redirects are not followed: a token must not travel to another host.

    Cookies are not kept either: what one account was sent must not travel with the token of another.
    """

    def __init__(
        self,
        base: str,
        adapter: BaseAdapter | None = None,
        *,
        timeout: tuple[float, float] = (CONNECT_SECONDS, ANSWER_SECONDS),
    ) -> None:
        self.calls = 0  # how many were made
        self._counting = threading.Lock()
        self._base = base.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = adapter is None  # proxies and CA bundles are for real hosts
        self._session.mount(self._base, adapter or HTTPAdapter(pool_maxsize=MOST_CONNECTIONS, max_retries=0))
        # Asked and merged once. Session.request does both again for every call, which is half of a call to the sandbox.
        self._settings = self._session.merge_environment_settings(self._base, {}, True, None, None)
        self._headers = {**self._session.headers, "User-Agent": USER_AGENT, "Accept": "application/json"}

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Secret | None = None,
        headers: Mapping[str, str],
        bearer: Secret | None = None,
    ) -> Answer:
        """Send and wait. Raises Unreachable (nothing was done) or AnswerLost (it may have been done).

        `bearer`: a token that authorises the call. Neither it nor a secret body is in a frame of ours while we wait.
        """
        with self._counting:
            self.calls += 1
        try:
            response = self._session.send(
                self._prepared(method, path, body, headers, bearer),  # which shows the token: no name for it here
                timeout=self._timeout,
                allow_redirects=False,
                **self._settings,
            )
            told, whole = _body(response)
        except (requests.exceptions.RequestException, *_ODD) as problem:
            failure = self._failure(problem)
        else:
            if whole:
                return _answer(response, told)
            failure = AnswerLost(f"{self._base} sent more than {LARGEST_ANSWER >> 20} MiB: it may have been done")
        raise failure  # here, so that it has no context: what requests raises may show our headers

    def _failure(self, problem: Exception) -> ExchangeError:
        """Before the connection stood nothing was sent; afterwards nobody knows."""
        if _never_left(problem):
            return self._unreachable(problem)
        if isinstance(problem, requests.exceptions.ConnectionError):
            return AnswerLost(f"the connection to {self._base} broke before the answer: it may have been done")
        return AnswerLost(f"no answer from {self._base} ({type(problem).__name__}): it may have been done")

    @property
    def proxy(self) -> str:
        """The host that calls go through instead of straight; empty: none."""
        named = requests.utils.select_proxy(self._base, self._settings["proxies"])
        return urlsplit(named).hostname or "" if named else ""

    def close(self) -> None:
        self._session.close()

    def _prepared(
        self, method: str, path: str, body: bytes | Secret | None, headers: Mapping[str, str], bearer: Secret | None
    ) -> requests.PreparedRequest:
        """Our headers as they are: ~/.netrc, which requests would put in place of Authorization, is not read here."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=method,
            url=self._base + path,
            headers={**self._headers, **headers, **_authorised(bearer)},
            data=body.reveal().encode() if isinstance(body, Secret) else body,
            auth=_unchanged,
        )
        return prepared

    def _unreachable(self, problem: Exception) -> Unreachable:
        why, hint = hindrance.told(problem)
        return Unreachable(f"{self._base} cannot be reached ({why}); nothing was sent", hint=hint)


def _never_left(problem: Exception) -> bool:
    """Whether nothing can have been sent: no connection, no proxy, no trust in the certificate, or no sound URL."""
    if isinstance(problem, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    if isinstance(problem, requests.exceptions.ConnectionError):
        return any(sign in repr(problem) for sign in _NO_CONNECTION)
    return isinstance(problem, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, *_ODD))


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth hook, so that a user name in the base URL does not replace our Authorization header."""
    return request


def _authorised(bearer: Secret | None) -> dict[str, str]:
    return {} if bearer is None else {"Authorization": f"Bearer {bearer.reveal()}"}


def _body(response: requests.Response) -> tuple[Any, bool]:
    """The decoded JSON (None: it is none), and whether it was small enough to be read.

    Piece by piece, so that a few bytes that unpack to gigabytes do not fill the memory. It may be a new key's secret:
    no other frame holds what was read.
    """
    content = bytearray()
    for piece in response.iter_content(_PIECE):
        content += piece
        if len(content) > LARGEST_ANSWER:
            response.close()
            return None, False
    try:
        return json.loads(content, object_hook=_hidden), True
    except (ValueError, RecursionError):
        return None, True


def _answer(response: requests.Response, body: Any) -> Answer:
    headers = response.headers
    told = headers.get("X-Request-Id") or headers.get("CF-RAY") or ""
    request_id = told[:_LONGEST_ID] if told.isascii() and told.isprintable() else ""
    return Answer(response.status_code, body, _wait(headers), request_id)


def _wait(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds. A date counts from the answer's own Date: whose clock is right does not matter then."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdecimal():
        return float(told)
    until = _seconds(told)
    if until is None:
        return 0.0
    told_at = _seconds(headers.get("Date", ""))
    return max(0.0, until - (time.time() if told_at is None else told_at))


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _hidden(fields: dict[str, Any]) -> dict[str, Any]:
    """A new key's secret is wrapped here, before any frame above could show it to a crash report."""
    if isinstance(secret := fields.get("secret"), str):
        fields["secret"] = Secret(secret)
    return fields
