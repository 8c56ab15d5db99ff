"""HTTP against real sockets on 127.0.0.1: what was not sent, what may have been done, and that no token goes astray."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest

from krakenctl import __version__
from krakenctl.errors import AnswerLost, ExchangeError, Unreachable
from krakenctl.testing.examples import SECRET
from krakenctl.testing.leaks import everything_shown
from krakenctl.transport.http import ANSWER_SECONDS, CONNECT_SECONDS, LARGEST_ANSWER, Http
from krakenctl.transport.wsgi import WsgiAdapter

TLS = b"\x16\x03"  # how a client says hello there
BEARER = {"Authorization": f"Bearer {SECRET}"}
PATIENT = (20.0, 20.0)
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"result": 1}'


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


class Server:
    """Says the same to every caller, byte for byte, and hangs up; remembers what it was sent."""

    def __init__(self, says):
        self._says = says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.received = []
        self.heard = threading.Event()  # the first request
        self.done = threading.Event()  # the caller has got what it was waiting for
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        self.done.set()
        with socket.create_connection(self._socket.getsockname()[:2]):  # the last caller: ends the loop
            pass
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.done.is_set():
                    return
                self._answer(connection)

    def _answer(self, connection):
        try:
            self.received.append(_request(connection))
            self.heard.set()
            if self._says is None:
                self.done.wait(20)  # not a word, until the caller has given up
            else:
                connection.sendall(self._says)
        except OSError:  # the caller is gone
            pass


def _request(connection):
    """Head and body of one request; whatever comes of it."""
    content = b""
    while b"\r\n\r\n" not in content:
        if not (piece := connection.recv(65536)):
            return content
        content += piece
        if content.startswith(TLS):
            return content
    head, _, body = content.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    return content + (connection.recv(missing, socket.MSG_WAITALL) if missing > 0 else b"")


@pytest.fixture
def serve():
    servers = []

    def start(says):
        servers.append(Server(says))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@contextmanager
def opened(url, adapter=None, timeout=PATIENT):
    http = Http(url, adapter, timeout=timeout)
    try:
        yield http
    finally:
        http.close()


def call(url, **options):
    with opened(url, **options) as http:
        return http.call("POST", "/deed", body=f'{{"secret": "{SECRET}"}}'.encode(), headers=BEARER)


def failed(kind, deed):
    """The error, which shows no secret however one looks at it."""
    with pytest.raises(ExchangeError) as caught:
        deed()
    assert type(caught.value) is kind
    assert SECRET not in everything_shown(caught.value)
    assert caught.value.__context__ is None
    return caught.value


def nobody():
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_an_answer_is_a_status_and_what_its_json_says(serve):
    answer = call(serve(OK).url)
    assert (answer.status, answer.body) == (200, {"result": 1})


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 429, 500, 502, 503, 520])
def test_every_status_is_an_answer_and_no_error_of_the_transport(serve, status):
    says = f'HTTP/1.1 {status} x\r\nContent-Length: 12\r\n\r\n{{"error": 1}}'
    answer = call(serve(says.encode()).url)
    assert (answer.status, answer.body) == (status, {"error": 1})


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Access denied</html>", b"{", b"\xff\xfe", b'{"a":' * 50_000],
    ids=["", "html", "{", "bytes", "deep"],
)
def test_what_is_not_json_is_none(serve, body):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    assert call(serve(head.encode() + body).url).body is None


def test_the_request_is_sent_as_it_was_given_with_a_name_of_ours(serve):
    server = serve(OK)
    with opened(f"{server.url}/base/") as http:
        http.call("DELETE", "/oauth/fast-api-key", body=b'{"api_key_name": "x"}', headers=BEARER)
    head, _, body = server.received[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert first == "DELETE /base/oauth/fast-api-key HTTP/1.1"
    assert body == '{"api_key_name": "x"}'
    assert {f"User-Agent: krakenctl/{__version__}", "Accept: application/json", f"Authorization: Bearer {SECRET}"} <= {
        *lines
    }


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"], ids=["cut", "503"]
)
def test_nothing_is_ever_sent_twice(serve, says):
    server = serve(says)
    with nullcontext() if says else pytest.raises(AnswerLost):
        call(server.url)
    assert len(server.received) == 1


# Nothing was sent.


def test_where_nobody_listens_nothing_was_sent():
    address = nobody()
    problem = failed(Unreachable, lambda: call(f"http://{address}"))
    assert address in problem.message
    assert "nothing was sent" in problem.message
    assert problem.retryable


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999", "ftp://127.0.0.1", "127.0.0.1", "http://", f"https://{'a' * 70}.invalid",
     "https://a..invalid"],
)  # fmt: skip
def test_an_address_that_is_none_is_unreachable(url):
    failed(Unreachable, lambda: call(url))


def test_a_name_that_no_server_knows_is_unreachable(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failed(Unreachable, lambda: call("http://kraken.invalid"))


def test_a_connection_that_does_not_come_about_in_time_is_unreachable(monkeypatch):
    def silent(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", silent)
    failed(Unreachable, lambda: call("http://127.0.0.1:9"))


def test_https_to_a_server_that_speaks_none_has_sent_nothing(serve):
    server = serve(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    failed(Unreachable, lambda: call(server.url.replace("http:", "https:")))
    assert SECRET.encode() not in b"".join(server.received)


def test_a_certificate_that_is_not_trusted_has_been_sent_nothing(monkeypatch):
    """As of a company's proxy that looks into TLS."""

    def untrusted(*_, **__):
        raise ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(ssl.SSLContext, "wrap_socket", untrusted)
        failed(Unreachable, lambda: call(f"https://127.0.0.1:{listening.getsockname()[1]}"))


@pytest.mark.parametrize("header", ["token\nX-Evil: 1", " token", "tökén—"])
def test_a_header_that_cannot_be_sent_is_not_sent_and_not_shown(serve, header):
    server = serve(OK)
    with opened(server.url) as http, pytest.raises(ExchangeError) as caught:
        http.call("GET", "/", headers={"Authorization": f"{header}{SECRET}\n"})
    assert SECRET not in everything_shown(caught.value)
    assert server.received == []


# It may have been done.


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result": {"secret": "abc',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"resul',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n1234567",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "body", "chunk", "no chunk", "no gzip", "two lengths", "no http", "long head"],
)
def test_a_connection_that_breaks_after_the_request_may_have_done_it(serve, says):
    server = serve(says)
    problem = failed(AnswerLost, lambda: call(server.url))
    assert "may have been done" in problem.message
    assert not problem.retryable
    assert SECRET.encode() in server.received[0]


@pytest.mark.parametrize(
    "says",
    [
        b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"result": {"secr',
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
    ids=["body", "status", "head"],
)
def test_an_end_that_http_cannot_tell_from_a_real_one_is_no_json(serve, says):
    """With status 200 that may have been done too: see answers.py."""
    answer = call(serve(says).url)
    assert (answer.status, answer.body) == (200, None)


def test_who_never_answers_is_not_waited_for_for_ever(serve):
    server = serve(None)
    failed(AnswerLost, lambda: call(server.url, timeout=(20.0, 0.05)))
    assert server.heard.wait(20)
    assert len(server.received) == 1


def test_waiting_has_an_end_unless_told_otherwise():
    assert 0 < CONNECT_SECONDS <= ANSWER_SECONDS <= 60


# What an answer says besides.


def headed(*headers, body=b'{"result": 1}', status="200 OK"):
    head = "".join(f"{header}\r\n" for header in (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n" + body


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], ""),
        (["X-Request-Id: 7f3a"], "7f3a"),
        (["CF-RAY: 8c1-FRA"], "8c1-FRA"),
        (["CF-RAY: b", "X-Request-Id: a"], "a"),
        (["X-Request-Id: " + "x" * 500], "x" * 128),
        (["X-Request-Id: a\x1b[2Jb"], ""),
    ],
)
def test_the_other_sides_name_for_the_call_is_kept(serve, headers, told):
    assert call(serve(headed(*headers)).url).request_id == told


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 0),
        (["Retry-After: 7"], 7),
        (["Retry-After: 0"], 0),
        (["Retry-After: soon"], 0),
        (["Retry-After: -5"], 0),
        (["Retry-After: Fri, 15 Jan 2027 08:01:30 GMT", "Date: Fri, 15 Jan 2027 08:00:00 GMT"], 90),
        (["Retry-After: Fri, 15 Jan 2027 08:00:00 GMT", "Date: Fri, 15 Jan 2027 08:01:30 GMT"], 0),
        (["Retry-After: Fri, 15 Jan 2027 25:61:00 GMT", "Date: Fri, 15 Jan 2027 08:00:00 GMT"], 0),
    ],
)
def test_how_long_to_wait_is_read_in_both_of_its_shapes(serve, headers, seconds):
    assert call(serve(headed(*headers, status="503 Busy")).url).wait == seconds


def test_an_answer_as_large_as_a_full_account_is_read(serve):
    body = b'{"result": "' + b"x" * (LARGEST_ANSWER - 14) + b'"}'
    assert len(call(serve(headed(body=body)).url).body["result"]) == LARGEST_ANSWER - 14


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_answer_that_would_fill_the_memory_is_not_read_to_its_end(serve, packed):
    body = b" " * (LARGEST_ANSWER + 1)
    headers = ["Content-Encoding: gzip"] if packed else []
    server = serve(headed(*headers, body=gzip.compress(body, 1) if packed else body))
    problem = failed(AnswerLost, lambda: call(server.url))
    assert "16 MiB" in problem.message


def test_threads_may_share_it(serve):
    server = serve(headed("Connection: close"))
    with opened(server.url) as http, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: http.call("GET", "/", headers=BEARER), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len(server.received) == 20


# A token must not travel.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(serve, status):
    thief = serve(OK)
    says = f"HTTP/1.1 {status} Moved\r\nLocation: {thief.url}/\r\nContent-Length: 0\r\n\r\n"
    assert call(serve(says.encode()).url).status == status
    assert thief.received == []


def test_netrc_does_not_replace_the_token(serve, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1\nlogin me\npassword mine\ndefault login me password mine\n")
    (tmp_path / ".netrc").chmod(0o600)
    server = serve(OK)
    call(server.url)
    assert f"Authorization: Bearer {SECRET}".encode() in server.received[0]
    with opened(server.url) as http:
        http.call("GET", "/0/public/Time", headers={})
    assert b"authorization" not in server.received[1].lower()


def test_the_proxy_of_the_environment_is_used_for_real_hosts(serve, monkeypatch):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    call("http://kraken.invalid")
    assert proxy.received[0].startswith(b"POST http://kraken.invalid/deed ")


def test_a_proxy_that_is_not_there_has_passed_nothing_on(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{nobody()}")
    monkeypatch.setenv("https_proxy", f"http://{nobody()}")
    for url in ("http://kraken.invalid", "https://kraken.invalid"):
        failed(Unreachable, lambda url=url: call(url))


def test_a_proxy_that_refuses_to_connect_has_passed_nothing_on(serve, monkeypatch):
    proxy = serve(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("https_proxy", proxy.url)
    failed(Unreachable, lambda: call("https://kraken.invalid"))
    assert SECRET.encode() not in b"".join(proxy.received)


def embedded(environ, start_response):
    """Answers with what it was sent."""
    start_response("200 OK", [("Content-Type", "application/json")])
    names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "CONTENT_TYPE", "HTTP_AUTHORIZATION")
    return [json.dumps([environ.get(name) for name in names] + [environ["wsgi.input"].read().decode()]).encode()]


def test_an_embedded_exchange_is_reached_without_a_proxy_a_port_or_a_name(serve, monkeypatch):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("all_proxy", proxy.url)
    with opened("http://sandbox.krakenctl.invalid", WsgiAdapter(embedded, remote_addr="203.0.113.7")) as http:
        headers = BEARER | {"Content-Type": "application/json"}
        answer = http.call("PUT", "/oauth/a%20b?x=1&y=%2F", body=b"{}", headers=headers)
    assert answer.body == [
        "PUT", "/oauth/a b", "x=1&y=%2F", "203.0.113.7", "application/json", f"Bearer {SECRET}", "{}"
    ]  # fmt: skip
    assert proxy.received == []


def test_a_bug_in_the_embedded_exchange_stays_a_traceback():
    def broken(environ, start_response):
        raise ValueError("a bug")

    with opened("http://sandbox.invalid", WsgiAdapter(broken)) as http, pytest.raises(ValueError, match="a bug"):
        http.call("GET", "/", headers={})


def test_an_embedded_exchange_is_closed_with_its_client():
    closed = []
    with opened("http://sandbox.invalid", WsgiAdapter(embedded, on_close=lambda: closed.append(True))):
        assert closed == []
    assert closed == [True]


def test_a_cookie_that_one_account_was_sent_does_not_travel_with_another_ones_token(serve):
    server = serve(headed("Set-Cookie: session=of-the-first; Path=/", "Connection: close"))
    with opened(server.url) as http:
        http.call("GET", "/", headers=BEARER)
        http.call("GET", "/", headers={"Authorization": "Bearer other"})
    assert b"cookie" not in server.received[1].lower()
