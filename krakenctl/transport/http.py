"""One call over HTTP and what became of it, in our errors. The only user of requests. No retry, no endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from krakenctl import __version__
from krakenctl.errors import AnswerLost, ExchangeError, Unreachable

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
# Kraken's front refuses clients without one now and then (docs.kraken.com, REST introduction).
USER_AGENT = f"krakenctl/{__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any  # decoded JSON; None when it was not JSON


class Http:
    """Calls to one base URL. Redirects are not followed: a token must not travel to another host."""

    def __init__(self, base: str, adapter: BaseAdapter | None = None) -> None:
        self._base = base.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = adapter is None  # proxies and CA bundles are for real hosts; .netrc is shut off below
        self._session.auth = _no_netrc
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.mount(self._base, adapter or HTTPAdapter(max_retries=0))

    def call(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Answer:
        """Send and wait. Raises Unreachable (nothing was done) or AnswerLost (it may have been done)."""
        try:
            response = self._session.request(
                method,
                self._base + path,
                data=body,
                headers=dict(headers),
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
            )
        except (requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL) as problem:
            raise self._unreachable(problem) from None
        except requests.exceptions.ConnectionError as problem:
            raise self._cut_off(problem) from None
        except requests.exceptions.RequestException as problem:
            raise AnswerLost(f"no answer from {self._base} ({type(problem).__name__}): it may have been done") from None
        return Answer(response.status_code, _decoded(response))

    def close(self) -> None:
        self._session.close()

    def _unreachable(self, problem: Exception) -> Unreachable:
        reason = type(problem).__name__
        return Unreachable(
            f"{self._base} cannot be reached ({reason}); nothing was sent",
            hint="check the network and the workspace's endpoint",
        )

    def _cut_off(self, problem: requests.exceptions.ConnectionError) -> ExchangeError:
        """Before the connection stood nothing was sent; afterwards nobody knows. Reprs may hold headers: `from None`."""
        if "NewConnectionError" in repr(problem) or "NameResolutionError" in repr(problem):
            return self._unreachable(problem)
        return AnswerLost(f"the connection to {self._base} broke before the answer: it may have been done")


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """requests would replace our Authorization header with what ~/.netrc says; an auth hook prevents that."""
    return request


def _decoded(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None
