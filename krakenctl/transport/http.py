"""One call over HTTP and what became of it, in our errors. The only user of requests. No retry, no endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import LocationValueError

from krakenctl import __version__
from krakenctl.errors import AnswerLost, ExchangeError, Unreachable

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
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


class Http:
    """Calls to one base URL. Redirects are not followed: a token must not travel to another host."""

    def __init__(
        self,
        base: str,
        adapter: BaseAdapter | None = None,
        *,
        timeout: tuple[float, float] = (CONNECT_SECONDS, ANSWER_SECONDS),
    ) -> None:
        self._base = base.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = adapter is None  # proxies and CA bundles are for real hosts
        self._session.mount(self._base, adapter or HTTPAdapter(max_retries=0))
        # Asked and merged once. Session.request does both again for every call, which is half of a call to the sandbox.
        self._settings = self._session.merge_environment_settings(self._base, {}, None, None, None)
        self._headers = {**self._session.headers, "User-Agent": USER_AGENT, "Accept": "application/json"}

    def call(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Answer:
        """Send and wait. Raises Unreachable (nothing was done) or AnswerLost (it may have been done)."""
        try:
            prepared = self._prepared(method, path, body, headers)
            response = self._session.send(prepared, timeout=self._timeout, allow_redirects=False, **self._settings)
        except (requests.exceptions.RequestException, *_ODD) as problem:
            failure = self._failure(problem)
        else:
            return Answer(response.status_code, _decoded(response))
        raise failure  # here, so that it has no context: what requests raises may show our headers

    def _failure(self, problem: Exception) -> ExchangeError:
        """Before the connection stood nothing was sent; afterwards nobody knows."""
        if _never_left(problem):
            return self._unreachable(problem)
        if isinstance(problem, requests.exceptions.ConnectionError):
            return AnswerLost(f"the connection to {self._base} broke before the answer: it may have been done")
        return AnswerLost(f"no answer from {self._base} ({type(problem).__name__}): it may have been done")

    def close(self) -> None:
        self._session.close()

    def _prepared(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> requests.PreparedRequest:
        """Our headers as they are: ~/.netrc, which requests would put in place of Authorization, is not read here."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=method,
            url=self._base + path,
            headers={**self._headers, **headers},
            data=body,
            auth=_unchanged,
            cookies=self._session.cookies,
        )
        return prepared

    def _unreachable(self, problem: Exception) -> Unreachable:
        reason = type(problem).__name__
        return Unreachable(
            f"{self._base} cannot be reached ({reason}); nothing was sent",
            hint="check the network and the workspace's endpoint",
        )


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


def _decoded(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None
