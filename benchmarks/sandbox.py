"""Measures the sandbox: signed calls a second, embedded and served, and the list of one account's keys among many.

    python benchmarks/sandbox.py                      # everything, about a minute
    python benchmarks/sandbox.py calls --seconds 5
    python benchmarks/sandbox.py list --keys 100000 -o json

A signed call is AddOrder with validate=true: it passes every check (signature, nonce, counter, permission, arguments)
and costs nothing on the key's counter, so no limit had to be lifted. Each client has a key of its own, as Kraken
advises. Clients of the served sandbox are processes with one socket each and requests that were signed beforehand: they
cost little, but they share the computer with the server. “hello” is an application of three lines on the same server
with the same settings, called by the same clients with the same requests: what the server alone can do here.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import io
import json
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import machine

from krakenctl.sandbox import Sandbox, open_sandbox
from krakenctl.sandbox.connect import clients
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server

HERE = Path(__file__)
PATH = "/0/private/AddOrder"
ORDER = "pair=XBTUSD&type=buy&ordertype=limit&price=30000&volume=0.01&validate=true"
FORM = "application/x-www-form-urlencoded"
RIGHTS = ["modify-trades", "close-trades"]
CLIENTS = (1, 8)
MOST_A_SECOND = 12_000  # of one client: so many requests are signed beforehand
ACCOUNTS = 1000  # over which the keys of `list` are spread

Pair = tuple[str, str]  # a public key and its secret


@dataclass(frozen=True, slots=True)
class Result:
    what: str
    clients: int
    per_second: float
    median: float  # milliseconds from call to answer
    p99: float
    ratio: float | None = None  # to “hello” with as many clients; None: nothing to compare with


def calls(seconds: float, _keys: int) -> Iterator[Result]:
    """Served and hello take turns, because a machine that is busy for a while must not favour one of them."""
    with _folder() as folder:
        pairs = _seeded(folder / "sandbox.db", max(CLIENTS))
        for count in CLIENTS:
            yield _result("embedded", _embedded(folder / "sandbox.db", pairs[:count], seconds))
        for count in CLIENTS:
            hello = _result("hello", _served(folder / "hello.db", pairs[:count], seconds, "--hello"))
            served = _result("served", _served(folder / "sandbox.db", pairs[:count], seconds))
            yield hello
            yield replace(served, ratio=served.per_second / hello.per_second)


def listing(_seconds: float, keys: int) -> Iterator[Result]:
    """`GET /oauth/fast-api-key` of accounts that have a thousandth of the keys each."""
    with _folder() as folder:
        sandbox, tokens = _crowded(folder / "sandbox.db", keys)
        times = []
        for token in tokens:
            environ = _environ("GET", "/oauth/fast-api-key", b"", {"HTTP_AUTHORIZATION": f"Bearer {token}"})
            start = time.perf_counter()
            answer = _call(sandbox, environ)
            times.append(time.perf_counter() - start)
            assert len(json.loads(answer)["result"]) == keys // ACCOUNTS
        sandbox.close()
    yield _result(f"list of {keys // ACCOUNTS} keys, among {keys:,}", [times])


GROUPS: Mapping[str, Callable[[float, int], Iterator[Result]]] = {"calls": calls, "list": listing}


def _result(what: str, latencies: Sequence[Sequence[float]]) -> Result:
    every = sorted(taken for times in latencies for taken in times)
    rate = sum(len(times) / sum(times) for times in latencies)  # a client waits for each answer before it asks again
    p99 = every[int(len(every) * 0.99)]
    return Result(what, len(latencies), rate, statistics.median(every) * 1000, p99 * 1000)


# Embedded -------------------------------------------------------------------------------------------------------------


def _embedded(db: Path, pairs: Sequence[Pair], seconds: float) -> list[list[float]]:
    """One thread a client, all on one application."""
    sandbox, start = open_sandbox(db), threading.Barrier(len(pairs))

    def client(pair: Pair) -> list[float]:
        bodies = list(_bodies(pair, seconds))
        start.wait()
        return _timed(seconds, bodies, lambda signed: _call(sandbox, _signed_environ(pair, *signed)))

    with ThreadPoolExecutor(len(pairs)) as threads:
        measured = list(threads.map(client, pairs))
    sandbox.close()
    return measured


def _timed(seconds: float, prepared: Sequence[Any], ask: Callable[[Any], bytes]) -> list[float]:
    """How long each call took. What is refused has measured nothing, so it ends the benchmark."""
    times, end = [], time.perf_counter() + seconds
    for each in prepared:
        start = time.perf_counter()
        if start > end:
            return times
        answer = ask(each)
        times.append(time.perf_counter() - start)
        if b'"error":[]' not in answer:
            raise SystemExit(f"refused: {answer!r}")
    raise SystemExit(f"too few requests were signed beforehand; raise MOST_A_SECOND above {MOST_A_SECOND}")


def _call(application: Any, environ: dict[str, Any]) -> bytes:
    return b"".join(application(environ, lambda *_: None))


def _signed_environ(pair: Pair, body: bytes, signature: str) -> dict[str, Any]:
    headers = {"HTTP_API_KEY": pair[0], "HTTP_API_SIGN": signature, "CONTENT_TYPE": FORM}
    return _environ("POST", PATH, body, headers)


def _environ(method: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    base = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "REMOTE_ADDR": "127.0.0.1"}
    return base | headers | {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}


# Served ---------------------------------------------------------------------------------------------------------------


def _served(db: Path, pairs: Sequence[Pair], seconds: float, *more: str) -> list[list[float]]:
    server = _start("--serve", str(db), *more)
    url = server.stdout.readline().strip()
    clients = [_start("--client", url, *pair, "--seconds", str(seconds)) for pair in pairs]
    for client in clients:
        client.stdout.readline()  # it has signed everything, and is connected
    for client in clients:
        client.stdin.write("go\n")
        client.stdin.flush()
    measured = [json.loads(client.communicate()[0]) for client in clients]
    server.communicate()
    return measured


def _start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE), *words]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _serve(db: Path, *, hello: bool) -> None:
    """Until the other side of the pipe says that it is over."""
    with Server(db) as server:
        if hello:
            server._server.application = _hello
        print(server.url, flush=True)
        sys.stdin.read()


def _hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "24")])
    return [b'{"error":[],"result":{}}']


def _client(url: str, pair: Pair, seconds: float) -> None:
    address = urlsplit(url)
    requests = [_request(pair, *signed) for signed in _bodies(pair, seconds)]
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print("ready", flush=True)
        sys.stdin.readline()
        times = _timed(seconds, requests, lambda request: _asked(connection, request))
    print(json.dumps(times))


def _request(pair: Pair, body: bytes, signature: str) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: sandbox\r\nAPI-Key: {pair[0]}\r\nAPI-Sign: {signature}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _asked(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = b""
    while not _is_whole(answer):
        if not (more := connection.recv(65536)):
            raise SystemExit("the server closed the connection")
        answer += more
    return answer


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


# What is signed and seeded --------------------------------------------------------------------------------------------


def _bodies(pair: Pair, seconds: float) -> Iterator[tuple[bytes, str]]:
    """Bodies and their signatures, with nonces of now, so that the next run's are higher."""
    secret, first = base64.b64decode(pair[1]), time.time_ns()
    for number in range(int(seconds * MOST_A_SECOND)):
        nonce = str(first + number)
        body = f"nonce={nonce}&{ORDER}".encode()
        inner = hashlib.sha256(nonce.encode() + body).digest()
        yield body, base64.b64encode(hmac.digest(secret, PATH.encode() + inner, "sha512")).decode()


def _seeded(db: Path, count: int) -> list[Pair]:
    sandbox = open_sandbox(db)
    seed.seed_account(sandbox, username="acme", email="desk@acme.example")
    pairs = [seed.seed_website_key(sandbox, "acme", f"bot-{number}", RIGHTS) for number in range(count)]
    sandbox.close()
    return pairs


def _crowded(db: Path, count: int) -> tuple[Sandbox, list[str]]:
    """So many keys over ACCOUNTS accounts, as rows, because issuing them would take minutes; and a token for each."""
    sandbox = open_sandbox(db)
    with sandbox.database.write() as connection:
        connection.executemany(
            "INSERT INTO account (id, username, email, master, created) VALUES (?, ?, '', 0, 0)",
            [(number, f"desk-{number}") for number in range(1, ACCOUNTS + 1)],
        )
        connection.executemany(
            "INSERT INTO key (account_id, client, name, public_key, secret, permissions, ip_allowlist, nonce_window,"
            " query_from, query_to, valid_until, created, modified)"
            " VALUES (?, ?, ?, ?, ?, 'query-funds modify-trades', '203.0.113.10', 0, 0, 0, 0, 0, 0)",
            [
                (
                    number % ACCOUNTS + 1,
                    clients.DEFAULT,
                    f"bot-{number}",
                    secrets.token_urlsafe(42),
                    secrets.token_urlsafe(64),
                )
                for number in range(count)
            ],
        )
    names = [f"desk-{number}" for number in range(1, ACCOUNTS + 1)]
    return sandbox, [seed.authorise(sandbox, name)["access_token"] for name in names]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="krakenctl-bench-") as name:
        yield Path(name)


# The report -----------------------------------------------------------------------------------------------------------


def as_markdown(where: Mapping[str, str], results: Sequence[Result]) -> str:
    about = f"{where['processor']}, {where['system']}, {where['python']}, krakenctl {where['krakenctl']}"
    lines = [f"{about}, {where['date']}.\n", "| | clients | calls a second | median | p99 | of hello |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    for each in results:
        ratio = "" if each.ratio is None else f"{each.ratio:.0%}"
        times = f"{each.median:.2f} ms | {each.p99:.2f} ms"
        lines.append(f"| {each.what} | {each.clients} | {each.per_second:,.0f} | {times} | {ratio} |")
    return "\n".join(lines)


def as_json(where: Mapping[str, str], results: Sequence[Result]) -> str:
    return json.dumps({"machine": where, "results": [asdict(each) for each in results]}, indent=2)


def _measure(wish: argparse.Namespace) -> None:
    results = []
    for group in GROUPS if wish.group == "all" else [wish.group]:
        for result in GROUPS[group](wish.seconds, wish.keys):
            print(f"{result.what}, {result.clients}: {result.per_second:,.0f}/s", file=sys.stderr)
            results.append(result)
    print((as_json if wish.output == "json" else as_markdown)(machine(1), results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", nargs="?", choices=[*GROUPS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=5, help="that a measurement takes")
    parser.add_argument("--keys", type=int, default=100_000, help=f"of `list`, over {ACCOUNTS:,} accounts")
    parser.add_argument("-o", "--output", choices=["markdown", "json"], default="markdown")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--hello", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", nargs=3, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.serve:
        _serve(wish.serve, hello=wish.hello)
    elif wish.client:
        url, *pair = wish.client
        _client(url, tuple(pair), wish.seconds)
    else:
        _measure(wish)


if __name__ == "__main__":
    main()
