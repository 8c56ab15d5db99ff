"""The served sandbox: processes, ports, concurrent clients, and its end. What is answered is tested elsewhere."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jsonschema_rs
import pytest

from krakenctl import schema_files
from krakenctl.errors import UsageError, WorkspaceError
from krakenctl.sandbox import faults, open_sandbox, switches
from krakenctl.sandbox.people import operate, seed
from krakenctl.sandbox.server import _SETTINGS as serving_settings
from krakenctl.sandbox.server import Server
from running import krakenctl, process

Pair = tuple[str, str]
nonces = itertools.count(1)


class Client:
    """One kept-alive connection, and a signature of its own."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.http = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        self.http.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.http.getresponse()
        return answer.status, answer.read()

    def balance(self, pair: Pair, nonce: int = 0, **headers: str) -> list[str]:
        """The errors of a signed call; none: it was let in."""
        number = nonce or next(nonces)
        body, path = urlencode({"nonce": number}).encode(), "/0/private/Balance"
        inner = path.encode() + hashlib.sha256(str(number).encode() + body).digest()
        sign = base64.b64encode(hmac.digest(base64.b64decode(pair[1]), inner, "sha512")).decode()
        form = "application/x-www-form-urlencoded"
        status, answer = self.send("POST", path, body, API_Key=pair[0], API_Sign=sign, Content_Type=form, **headers)
        assert status == 200
        return json.loads(answer)["error"]


class Served:
    """`krakenctl sandbox serve` in a process of its own."""

    def __init__(self, db: Path, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "krakenctl", "sandbox", "serve", "--db", str(db), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.url: str = self.ready["url"]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Its exit code, and the rest of what it said."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextlib.contextmanager
def serving(db: Path, *args: str) -> Iterator[Served]:
    served = Served(db, *args)
    try:
        yield served
    finally:
        served.process.kill()
        served.process.communicate()


@pytest.fixture
def pairs(db: Path) -> list[Pair]:
    """Nine keys of nine accounts, on a sandbox that locks nobody out."""
    open_sandbox(db).close()
    switches.set_switch(db, "lockout-threshold", "none")
    return [key_of(db, f"account-{number}") for number in range(9)]


def key_of(db: Path, account: str, **fields: object) -> Pair:
    operate.make_account(db, account)
    made = operate.make_key(db, account, "bot", ["query-funds"], **fields)
    return made["apiKey"], made["secret"]


def eventually(holds) -> None:
    """Another process gets its turn; half a minute is a failure, not a measure."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 30
        time.sleep(0.005)


# --- beginning


def test_one_line_of_json_says_that_it_is_ready(db: Path) -> None:
    with serving(db) as served, Client(served.url) as client:
        assert served.ready == {
            "format": "krakenctl.sandbox-ready/v1",
            "url": served.url,
            "db": str(db),
            "pid": served.process.pid,
        }
        assert client.send("GET", "/0/public/Time")[0] == 200
        assert served.end() == (0, "", "")
    jsonschema_rs.validator_for(schema_files.load("sandbox")).validate(served.ready)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_this_computer_nothing_is_served_unless_somebody_says_so(host: str, db: Path) -> None:
    told = process("sandbox", "serve", "--host", host, "--db", db)
    assert told.code == 64
    assert "--allow-remote" in told.err
    assert not db.exists()


def test_with_allow_remote_every_address_is_served(db: Path) -> None:
    with Server(db, host="0.0.0.0", allow_remote=True) as server, Client(server.url) as client:
        assert client.send("GET", "/0/public/Time")[0] == 200


def test_a_port_that_is_taken_is_named(db: Path) -> None:
    with Server(db) as server, pytest.raises(WorkspaceError, match=r"port \d+: the port is taken"):
        Server(db, port=urlsplit(server.url).port)


@pytest.mark.parametrize(("host", "port"), [("", 0), ("no.such.host.invalid", 0), ("127.0.0.1", 65536), ("a" * 300, 0)])
def test_an_address_that_is_none_is_a_usage_error(host: str, port: int, db: Path) -> None:
    with pytest.raises(UsageError):
        Server(db, host=host, port=port)


def test_a_file_that_is_no_sandbox_is_not_served(db: Path) -> None:
    db.write_text("a letter to a friend\n" * 100)
    with pytest.raises(WorkspaceError):
        Server(db)


@pytest.mark.skipif(not socket.has_ipv6, reason="this computer has no IPv6")
def test_every_ipv6_address_is_no_ipv4_address(db: Path) -> None:
    """Else `--host ::` would open more than it says, on computers that are set so."""
    with Server(db, host="::", allow_remote=True) as server:
        assert listens(server.url.replace("[::]", "[::1]"))
        assert not listens(server.url.replace("[::]", "127.0.0.1"))


@pytest.mark.skipif(not socket.has_ipv6, reason="this computer has no IPv6")
def test_the_url_of_an_ipv6_address_has_brackets(db: Path) -> None:
    with Server(db, host="::1") as server, Client(server.url) as client:
        assert server.url.startswith("http://[::1]:")
        assert client.send("GET", "/0/public/Time")[0] == 200


def test_faults_and_switches_may_be_set_by_flags(db: Path) -> None:
    flags = ("--fault", "cut,endpoint=AddOrder", "--fault", "rate-limit,endpoint=Balance", "--switch", "tier=starter")
    with serving(db, *flags):
        assert [fault["kind"] for fault in faults.listing(db)] == ["cut", "rate-limit"]
        assert switches.all_switches(db)["tier"] == "starter"


@pytest.mark.parametrize(
    "flags",
    [("--fault", "cutt"), ("--fault", "cut,endpoint=AdOrder"), ("--switch", "tier=none"), ("--switch", "tier")],
    ids=" ".join,
)
def test_with_a_mistake_in_a_flag_nothing_is_set_and_no_file_is_made(flags: tuple[str, ...], db: Path) -> None:
    told = krakenctl("sandbox", "serve", "--db", db, "--fault", "cut", *flags)
    assert (told.code, told.out) == (64, "")
    assert list(db.parent.glob("sandbox.db*")) == []


def test_a_fault_by_flag_is_there_once_and_strikes_again_after_a_restart(db: Path) -> None:
    for start in range(3):
        with serving(db, "--fault", "rate-limit") as served, Client(served.url) as client:
            assert len(faults.listing(db)) == 1
            if start:  # the first time it is not used up
                assert b"Rate limit" in client.send("GET", "/0/public/Time")[1]


def test_a_reader_of_stdout_that_goes_away_ends_nothing(db: Path) -> None:
    there, gone = os.pipe()
    os.close(there)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "krakenctl", "sandbox", "serve", "--db", str(db), "--port", str(port)]
    served = subprocess.Popen(command, stdout=gone, stderr=subprocess.PIPE, text=True)
    os.close(gone)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: listens(url))
        with Client(url) as client:
            assert client.send("GET", "/0/public/Time")[0] == 200
        served.terminate()
        assert served.communicate(timeout=30)[1] == ""
        assert served.returncode == 0
    finally:
        served.kill()
        served.communicate()


# --- the end


def test_a_request_under_way_is_answered_before_the_end(db: Path, pairs: list[Pair]) -> None:
    with serving(db, "--fault", "delay,seconds=0.7") as served, Client(served.url) as client:
        with ThreadPoolExecutor(1) as pool:
            errors = pool.submit(client.balance, pairs[0])
            eventually(lambda: faults.listing(db)[0]["struck"] == 1)
            ended = served.end()
        assert errors.result() == []
        assert ended == (0, "", "")


def test_what_is_held_back_is_given_at_the_end(db: Path, pairs: list[Pair]) -> None:
    with serving(db, "--fault", "delay,seconds=600") as served, Client(served.url) as client:
        with ThreadPoolExecutor(1) as pool:
            errors = pool.submit(client.balance, pairs[0])
            eventually(lambda: faults.listing(db)[0]["struck"] == 1)
            ended = served.end()  # 30 seconds are its most
        assert errors.result() == []
        assert ended == (0, "", "")


def test_a_request_half_sent_may_be_finished_before_the_end(db: Path) -> None:
    with serving(db) as served, Client(served.url) as client:
        client.send("GET", "/0/public/Time")  # the connection is known by now
        client.http.sock.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: a\r\n")
        served.process.terminate()
        eventually(lambda: not listens(served.url))
        client.http.sock.sendall(b"\r\n")
        assert client.http.sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert served.ended() == (0, "", "")


def listens(url: str) -> bool:
    where = urlsplit(url)
    try:
        socket.create_connection((where.hostname, where.port)).close()
    except OSError:
        return False
    return True


def test_an_idle_connection_does_not_hold_up_the_end(db: Path) -> None:
    with serving(db) as served, Client(served.url) as client:
        client.send("GET", "/0/public/Time")
        assert served.end() == (0, "", "")


def test_ctrl_c_ends_it_in_order_and_says_so(db: Path) -> None:
    with serving(db) as served:
        assert served.end(signal.SIGINT) == (130, "", "Interrupted.\n")


def test_to_stop_twice_is_to_stop_and_the_port_is_free_again(db: Path) -> None:
    with Server(db) as server:
        server.stop()
    server.stop()
    port = urlsplit(server.url).port
    with Server(db, port=port) as again, Client(again.url) as client:
        assert client.send("GET", "/0/public/Time")[0] == 200


def test_a_server_that_never_ran_may_be_closed(db: Path) -> None:
    server = Server(db)
    server.close()
    server.stop()
    assert not listens(server.url)


def test_a_killed_server_leaves_a_file_that_works(db: Path, pairs: list[Pair]) -> None:
    with serving(db) as served, Client(served.url) as client:
        assert client.balance(pairs[0], 5) == []
        served.process.kill()
        served.process.wait()
    with Server(db) as server, Client(server.url) as client:
        assert client.balance(pairs[0], 5) == ["EAPI:Invalid nonce"]
        assert client.balance(pairs[0], 6) == []


# --- many at once


def together(work, number: int = 8) -> list:
    """What each of some threads returns; they begin at once."""
    gate = threading.Barrier(number)

    def begin(place: int):
        gate.wait()
        return work(place)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def test_eight_clients_with_keys_of_their_own_all_succeed(db: Path, pairs: list[Pair]) -> None:
    with Server(db) as server:

        def work(place: int) -> list[str]:
            with Client(server.url) as client:
                return [error for _ in range(15) for error in client.balance(pairs[place])]

        assert together(work) == [[]] * 8


def test_of_eight_clients_with_one_key_each_nonce_is_accepted_at_most_once(db: Path, pairs: list[Pair]) -> None:
    with Server(db) as server:

        def work(_place: int) -> list[int]:
            with Client(server.url) as client:
                return [nonce for nonce in range(1, 16) if not client.balance(pairs[0], nonce)]

        accepted = Counter(itertools.chain(*together(work)))
        assert max(accepted.values()) == 1
        assert 15 in accepted  # the highest one always is


def test_two_servers_and_an_embedded_sandbox_share_one_file(db: Path, pairs: list[Pair]) -> None:
    with serving(db) as served, Server(db) as server, Client(served.url) as one, Client(server.url) as other:
        assert one.balance(pairs[0], 5) == []
        assert other.balance(pairs[0], 5) == ["EAPI:Invalid nonce"]
        assert other.balance(pairs[0], 6) == []
        fresh = key_of(db, "newcomer")
        assert one.balance(fresh) == other.balance(fresh) == []
        operate.revoke_key(db, "newcomer", "bot")
        assert one.balance(fresh) == other.balance(fresh) == ["EAPI:Invalid key"]


def test_hundreds_of_idle_connections_are_in_nobodys_way(db: Path) -> None:
    with Server(db) as server, contextlib.ExitStack() as idle, Client(server.url) as client:
        where = urlsplit(server.url)
        for _ in range(300):
            idle.enter_context(socket.create_connection((where.hostname, where.port)))
        assert client.send("GET", "/0/public/Time")[0] == 200


def test_answers_that_are_held_back_keep_no_thread_from_others(db: Path) -> None:
    faults.add(db, {"kind": "delay", "seconds": 600, "times": "always", "endpoint": "Time"})
    with Server(db, threads=1) as server, Client(server.url) as client, ThreadPoolExecutor(12) as pool:

        def wait(_place: int) -> int:
            with Client(server.url) as waiting:
                return waiting.send("GET", "/0/public/Time")[0]

        held = [pool.submit(wait, place) for place in range(12)]
        eventually(lambda: faults.listing(db)[0]["struck"] == 12)
        assert client.send("DELETE", "/_sandbox/faults")[0] == 200
        assert client.send("GET", "/0/public/Time")[0] == 200
        assert not any(answer.done() for answer in held)
        server.stop()
        assert [answer.result() for answer in held] == [200] * 12


def test_threads_that_were_lent_go_again(db: Path) -> None:
    faults.add(db, {"kind": "delay", "seconds": 0.01, "times": "always"})
    with Server(db, threads=2) as server:

        def work(_place: int) -> int:
            with Client(server.url) as client:
                return client.send("GET", "/0/public/Time")[0]

        assert together(work, 6) == [200] * 6
        eventually(lambda: len(server._pool.threads) == 2)


def test_half_a_request_is_not_waited_for_as_long_as_an_idle_connection(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("krakenctl.sandbox.server._WHOLE_WITHIN", 0.0)
    monkeypatch.setitem(serving_settings, "cleanup_interval", 0)
    with Server(db) as server, Client(server.url) as idle, Client(server.url) as half:
        idle.send("GET", "/0/public/Time")
        half.http.connect()
        half.http.sock.sendall(b"GET /0/public/Time HTTP/1.1\r\n")
        assert half.http.sock.recv(65536) == b""
        kept = idle.http.sock
        idle.send("GET", "/0/public/Time")
        assert idle.http.sock is kept


@pytest.mark.parametrize(("may_open", "connections"), [(256, 128), (1024, 512), (2**20, 800)])
def test_there_are_files_left_for_the_database_when_all_connections_are_taken(
    db: Path, monkeypatch: pytest.MonkeyPatch, may_open: int, connections: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (may_open, may_open))
    server = Server(db)
    assert server._server.adj.connection_limit == connections
    server.close()


def test_a_server_changes_no_logger_of_the_process_that_it_is_in(db: Path) -> None:
    level = logging.getLogger("waitress.queue").getEffectiveLevel()
    with Server(db):
        assert logging.getLogger("waitress.queue").getEffectiveLevel() == level


def test_a_server_goes_on_with_the_file_that_is_there_after_a_reset(db: Path, pairs: list[Pair]) -> None:
    with Server(db) as server, Client(server.url) as client:
        assert client.balance(pairs[0]) == []
        seed.reset(db)
        assert client.balance(pairs[0]) == ["EAPI:Invalid key"]
        assert client.balance(key_of(db, "newcomer")) == []


# --- HTTP


def test_a_connection_is_kept_alive(db: Path) -> None:
    with Server(db) as server, Client(server.url) as client:
        client.send("GET", "/0/public/Time")
        kept = client.http.sock
        client.send("GET", "/0/public/Nonsense")
        assert kept is not None
        assert client.http.sock is kept


@pytest.mark.parametrize("fault", ["cut", "answer-lost"])
def test_a_cut_connection_is_closed_without_a_byte(fault: str, db: Path) -> None:
    with serving(db, "--fault", fault) as served:
        where = urlsplit(served.url)
        with socket.create_connection((where.hostname, where.port)) as raw:
            raw.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: a\r\n\r\n")
            assert raw.recv(65536) == b""
        with Client(served.url) as client:
            assert client.send("GET", "/0/public/Time")[0] == 200
        assert served.end() == (0, "", "")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # a client that speaks TLS
        (b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"POST /0/private/Balance HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /0/private/Balance HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n" + b"x" * 1_048_577, 413),
    ],
    ids=["no HTTP", "length", "encoding", "headers", "huge body", "large body"],
)
def test_what_is_no_request_is_answered_in_the_envelope_too(sent: bytes, status: int, db: Path) -> None:
    with Server(db) as server, Client(server.url) as client:
        client.http.connect()
        client.http.sock.sendall(sent)
        answer = http.client.HTTPResponse(client.http.sock)
        answer.begin()
        assert answer.status == status
        assert json.loads(answer.read()) == {"error": ["EAPI:Bad request"]}


def test_an_answer_to_head_has_no_body(db: Path) -> None:
    with Server(db) as server, Client(server.url) as client:
        assert client.send("HEAD", "/0/public/Time")[1] == b""
        assert client.send("GET", "/0/public/Time")[0] == 200  # and the connection is in step


def test_a_chunked_body_is_read(db: Path, pairs: list[Pair]) -> None:
    with Server(db) as server, Client(server.url) as client:
        client.http.request("POST", "/0/private/Balance", iter([b"nonce", b"=1"]), encode_chunked=True)
        assert json.loads(client.http.getresponse().read())["error"] == ["EAPI:Invalid key"]


def test_the_caller_is_who_connects_whatever_a_proxy_header_says(db: Path) -> None:
    open_sandbox(db).close()
    pair = key_of(db, "acme", ip_allowlist=["203.0.113.10"])
    with Server(db) as server, Client(server.url) as client:
        assert client.balance(pair, X_Forwarded_For="203.0.113.10", Forwarded="for=203.0.113.10") == [
            "EAPI:Invalid key"
        ]


def test_a_damaged_file_is_a_500_and_a_line_for_whoever_runs_it(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Server(db) as server, Client(server.url) as client:
        db.write_bytes(b"\0" * db.stat().st_size)
        status, answer = client.send("GET", "/0/public/Time")
    assert (status, json.loads(answer)) == (500, {"error": ["EGeneral:Internal error"]})
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("sandbox: ")


# --- its first client


def test_krakenctl_applies_to_a_served_sandbox_as_to_an_exchange(workspace: Path) -> None:
    settings = workspace / "krakenctl.yaml"
    with Server(workspace / ".krakenctl" / "sandbox.db") as server:
        settings.write_text(settings.read_text().replace("endpoint: sandbox", f"endpoint: {server.url}"))
        assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 2
        applied = krakenctl("-C", workspace, "apply", "--yes")
        assert applied.code == 0, applied
        assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0
