"""Why a connection did not come about, as real connections tell it."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
import requests

from krakenctl.errors import Unreachable
from krakenctl.transport.hindrance import told
from krakenctl.transport.http import Http


def _why(url: str) -> str:
    http = Http(url)
    try:
        with pytest.raises(Unreachable) as caught:
            http.call("GET", "/0/public/Time", headers={})
    finally:
        http.close()
    assert caught.value.hint
    return caught.value.message


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_nobody_listens() -> None:
    assert "nobody listens there" in _why(f"http://127.0.0.1:{_closed_port()}")


def test_a_name_that_dns_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "DNS does not know its name" in _why("https://kraken.invalid")


@pytest.mark.parametrize(
    ("problem", "says"),
    [(TimeoutError("timed out"), "does not answer in time"),
     (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable")],
)  # fmt: skip
def test_a_network_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, problem: OSError, says: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(socket.socket, "connect", fails)
    assert says in _why("http://127.0.0.1:9")


def test_a_certificate_that_is_not_trusted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def untrusted(*_: object, **__: object) -> None:
        error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        error.verify_message = "certificate has expired"
        raise error

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(ssl.SSLContext, "wrap_socket", untrusted)
        why = _why(f"https://127.0.0.1:{listening.getsockname()[1]}")
    assert "certificate is not trusted: certificate has expired" in why


def test_a_proxy_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://jo:hidden@127.0.0.1:{_closed_port()}")
    why = _why("http://kraken.invalid")
    assert "proxy does not let us through" in why
    assert "hidden" not in why
    http = Http("http://kraken.invalid")
    assert http.proxy == "127.0.0.1"
    http.close()


def test_what_nobody_has_foreseen_is_named() -> None:
    assert told(requests.exceptions.InvalidURL("odd"))[0] == "InvalidURL"
