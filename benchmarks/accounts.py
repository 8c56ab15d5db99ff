"""Measures an apply over many accounts of an exchange that is far away: wall time beside what its latency allows.

    python benchmarks/accounts.py                               # 200 accounts with 5 keys each, 50 ms a call
    python benchmarks/accounts.py --accounts 50 --parallelism 8
    python benchmarks/accounts.py -o json

The exchange is the sandbox, served by a process of its own, which waits before it answers each call and counts what
it is asked. Everything else is as people meet it: `krakenctl apply --yes`, a whole process, with encrypted secrets, a
state and a log that are flushed at every step. The first run issues every key, the second one rotates all of them.
“Ideal” is calls × latency ÷ parallelism: what is left when all that krakenctl itself does takes no time. The server
shares the computer's cores with it, so the ratio is best where there are some; “bare” is what is left of it on this
computer at this moment: as many calls by threads that do nothing else, on connections that are kept open. “Commits”
are the state's, each flushed to the disk. By design a key costs four or five writes, with the lines of the log in
them (begun, stored, checked, promoted; the old one revoked); accounts that write at the same moment share a commit.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import KRAKENCTL, Run, _run, machine

from krakenctl import parallel
from krakenctl.files import write_private
from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.people.seed import seed_account
from krakenctl.sandbox.server import Server
from krakenctl.state.sqlite import SqliteHome
from krakenctl.tasks.initialise import Wish, initialise

HERE = Path(__file__)
ACCOUNT = """apiVersion: krakenctl/v1
kind: Account
metadata: {{name: {name}}}
spec:
  surface: connect
  keyDefaults: {{ipAllowlist: [203.0.113.10], validFor: 180d}}
"""
KEY = """---
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {{name: {name}}}
spec:
  account: {account}
  grants: {{permissions: [query-funds, query-open-trades]}}
  rotation: {{trigger: "{trigger}"}}
"""
WORKSPACE: dict[str, Any] = {
    "tag": "a7",
    "manifests": ["manifests/*.yaml"],
    "stores": {
        "main": {
            "type": "age",
            "path": "secrets",
            "recipientsFile": "recipients.txt",
            "identity": "file:.krakenctl/identity.txt",
        }
    },
    "credentials": {"*": {"token": "file:.krakenctl/credentials/{account}.json"}},
}
# design: one list at the start of an account's queue, one after its issues, one before its first revoke; plan asks
# each account who it is and for its list, and everybody for the time once.
CALLS: Mapping[str, Callable[[int, int], int]] = {
    "issue": lambda accounts, keys: 1 + accounts * (2 + 1 + keys + 1),
    "rotate": lambda accounts, keys: 1 + accounts * (2 + 1 + keys + 1 + 1 + keys),
}
# A key: begun, stored, checked, promoted; its old one revoked. A run: its lease; and once, what it has seen.
WRITES: Mapping[str, Callable[[int, int], int]] = {
    "issue": lambda accounts, keys: accounts * keys * 4 + 3,
    "rotate": lambda accounts, keys: accounts * keys * 5 + 2,
}


@dataclass(frozen=True, slots=True)
class Result:
    what: str
    wall: float  # seconds, of the whole process
    cpu: float
    calls: int
    planned_calls: int  # by design
    ideal: float  # seconds
    ratio: float  # of wall to ideal
    bare: float  # seconds for as many calls and nothing else, right after
    commits: int  # of the state, each of which is flushed
    writes: int  # by design: accounts that write at the same moment share a commit


@dataclass(frozen=True, slots=True)
class Wishes:
    accounts: int
    keys: int
    latency: float  # seconds
    parallelism: int


def measured(wish: Wishes) -> Iterator[Result]:
    with _folder() as folder, _served(folder / "sandbox.db", wish) as exchange:
        root = folder / "workspace"
        _set_up(root, folder / "sandbox.db", exchange.url, wish)
        for what in CALLS:
            _declare(root, wish, trigger=what)
            before, committed = exchange.calls(), _committed(root)
            run = _run([*KRAKENCTL, "-C", str(root), "apply", "--yes", "--parallelism", str(wish.parallelism)])
            calls, commits = exchange.calls() - before, _committed(root) - committed
            yield _result(what, run, calls, commits, _bare(exchange.url, calls, wish.parallelism), wish)


def _committed(root: Path) -> int:
    """How many transactions the state has seen."""
    return SqliteHome(root / ".krakenctl/state.db").read().serial


def _result(what: str, run: Run, calls: int, commits: int, bare: float, wish: Wishes) -> Result:
    ideal = calls * wish.latency / wish.parallelism
    size = (wish.accounts, wish.keys)
    planned, writes = CALLS[what](*size), WRITES[what](*size)
    return Result(what, run.wall, run.cpu, calls, planned, ideal, run.wall / ideal, bare, commits, writes)


def _bare(url: str, calls: int, parallelism: int) -> float:
    def ask(count: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        for _ in range(count):
            connection.request("GET", "/0/public/Time")
            connection.getresponse().read()
        connection.close()

    start = time.perf_counter()
    shares = [len(range(number, calls, parallelism)) for number in range(parallelism)]
    parallel.each(ask, shares, parallelism)
    return time.perf_counter() - start


# The workspace --------------------------------------------------------------------------------------------------------


def _set_up(root: Path, db: Path, url: str, wish: Wishes) -> None:
    initialise(root, Wish("acme", "a7", url))
    spec = WORKSPACE | {"endpoint": url}
    document = {"apiVersion": "krakenctl/v1", "kind": "Workspace", "metadata": {"name": "acme"}, "spec": spec}
    (root / "krakenctl.yaml").write_text(json.dumps(document, indent=1), encoding="utf-8")
    for file in (root / "manifests").iterdir():
        file.unlink()
    sandbox = open_sandbox(db)
    for name in _names(wish):
        made = seed_account(sandbox, username=name, email=f"{name}@acme.example")
        write_private(root / f".krakenctl/credentials/{name}.json", json.dumps(made.token))
    sandbox.close()


def _declare(root: Path, wish: Wishes, *, trigger: str) -> None:
    for name in _names(wish):
        keys = [KEY.format(name=f"bot-{n}", account=name, trigger=trigger) for n in range(wish.keys)]
        (root / f"manifests/{name}.yaml").write_text("".join([ACCOUNT.format(name=name), *keys]), encoding="utf-8")


def _names(wish: Wishes) -> list[str]:
    return [f"client-{number:04d}" for number in range(wish.accounts)]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="krakenctl-bench-") as name:
        yield Path(name)


# The exchange ---------------------------------------------------------------------------------------------------------


class Exchange:
    """The other process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._line()

    def calls(self) -> int:
        self._process.stdin.write("how many?\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        return self._process.stdout.readline().strip()


@contextmanager
def _served(db: Path, wish: Wishes) -> Iterator[Exchange]:
    command = [sys.executable, str(HERE), "--serve", str(db), "--latency", str(wish.latency)]
    command += ["--parallelism", str(wish.parallelism)]
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Exchange(process)
    finally:
        process.communicate()


class Far:
    """An application that is far away: its answers take their time, and somebody counts the questions."""

    def __init__(self, application: Callable[..., Any], latency: float) -> None:
        self._application = application
        self._latency = latency
        self._turn = threading.Lock()
        self.calls: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        arrived = time.perf_counter()
        with self._turn:
            self.calls[f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"] += 1
        answer = self._application(environ, start_response)
        time.sleep(max(0.0, self._latency - (time.perf_counter() - arrived)))
        return answer


def _serve(db: Path, latency: float, threads: int) -> None:
    """Until the other side of the pipe says that it is over."""
    with Server(db, threads=threads) as server:
        far = server._server.application = Far(server._server.application, latency)
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(far.calls.total(), flush=True)


# The report -----------------------------------------------------------------------------------------------------------


def as_markdown(where: Mapping[str, str], wish: Wishes, results: Sequence[Result]) -> str:
    about = f"{where['processor']}, {where['system']}, {where['python']}, krakenctl {where['krakenctl']}"
    lines = [
        f"{wish.accounts} accounts with {wish.keys} keys each, {wish.latency * 1000:.0f} ms a call,"
        f" {wish.parallelism} accounts at once. {about}, {where['date']}.\n",
        "| apply | wall | CPU | ideal | of the ideal | bare | calls | by design | commits | writes |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        times = f"{each.wall:.2f} s | {each.cpu:.2f} s | {each.ideal:.2f} s | {each.ratio:.2f} × | {each.bare:.2f} s"
        counts = " | ".join(f"{n:,}" for n in (each.calls, each.planned_calls, each.commits, each.writes))
        lines.append(f"| {each.what} every key | {times} | {counts} |")
    return "\n".join(lines)


def as_json(where: Mapping[str, str], wish: Wishes, results: Sequence[Result]) -> str:
    document = {"machine": where, "wish": asdict(wish), "results": [asdict(each) for each in results]}
    return json.dumps(document, indent=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--keys", type=int, default=5, help="of each account")
    parser.add_argument("--latency", type=float, default=0.05, help="of each call, in seconds")
    parser.add_argument("--parallelism", type=int, default=parallel.usual(), help="accounts at once")
    parser.add_argument("-o", "--output", choices=["markdown", "json"], default="markdown")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        _serve(given.serve, given.latency, given.parallelism)
        return
    wish = Wishes(given.accounts, given.keys, given.latency, given.parallelism)
    results = list(measured(wish))
    print((as_json if given.output == "json" else as_markdown)(machine(1), wish, results))


if __name__ == "__main__":
    main()
