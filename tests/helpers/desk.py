"""A small workspace on the embedded sandbox, its commands, its wire, and a look behind every curtain. No network."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from krakenctl.credentials import Credentials
from krakenctl.errors import NotAuthorised
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.recorded import Recorded
from krakenctl.project import read_workspace
from krakenctl.sandbox import clock, faults, open_sandbox, switches
from krakenctl.state.sqlite import read_only
from krakenctl.stores.base import Entry, Slot
from krakenctl.surfaces.kraken import shapes
from krakenctl.tasks.initialise import Wish, initialise
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter
from krakenctl.wiring.exchange import SANDBOX_URL
from running import Ran, krakenctl
from signed import signed

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z, where the sandbox's clock stands
HOME = "203.0.113.10"  # in every key's allow-list, and the address our own test calls come from
DAY = 86400
MEANT = ("--allow", "open", "--allow", "withdraw", "--allow", "empty", "--reason", "a test")

Doc = dict[str, Any]


def account(name: str = "acme", **spec: Any) -> Doc:
    base = {"surface": "connect", "keyDefaults": {"ipAllowlist": [HOME], "validFor": "180d"}}
    return _doc("Account", name, {**base, **spec})


def subaccount(name: str, parent: str = "acme", **spec: Any) -> Doc:
    return _doc("SubAccount", name, {"account": parent, "username": f"u-{name}", "email": f"{name}@x.example"} | spec)


def key(name: str, *permissions: str, on: str = "acme", metadata: Doc | None = None, **spec: Any) -> Doc:
    grants = {"permissions": list(permissions or ("query-funds",))}
    made = _doc("ApiKey", name, {"account": on, "grants": grants, **spec})
    made["metadata"] |= metadata or {}
    return made


def removed(address: str, action: str) -> Doc:
    return _doc("Removed", address.rpartition("/")[2], {"address": address, "action": action})


def _doc(kind: str, name: str, spec: Doc) -> Doc:
    return {"apiVersion": "krakenctl/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True)
class Row:
    """A key in the sandbox's own table, secret included."""

    account: str  # its username
    name: str
    public_key: str
    secret: str
    client: str  # empty: made by a person
    valid_until: int
    created: int


@dataclass
class Desk:
    """`root` is the workspace. Everything here may be asked at any time; nothing is kept open."""

    root: Path
    nonces: Iterator[int] = field(default_factory=lambda: itertools.count(NOW * 1000))

    @property
    def db(self) -> Path:
        return self.root / ".krakenctl/sandbox.db"

    @property
    def state_path(self) -> Path:
        return self.root / ".krakenctl/state.db"

    # What a person does

    def declare(self, *documents: Doc) -> None:
        """These are all the manifests now. (JSON is YAML.)"""
        text = "\n---\n".join(json.dumps(document, indent=1) for document in documents)
        (self.root / "manifests/all.yaml").write_text(text + "\n")

    def settings(self, **spec: Any) -> None:
        """Lay these over the workspace's spec."""
        path = self.root / "krakenctl.yaml"
        document = json.loads(path.read_text())
        document["spec"] |= spec
        path.write_text(json.dumps(document, indent=1))

    def run(self, *args: str | Path) -> Ran:
        return krakenctl("-C", self.root, *args)

    def apply(self, *args: str | Path) -> Ran:
        """Whatever the scene is: its dangers are meant."""
        return self.run("apply", "--yes", *MEANT, *args)

    def applied(self) -> Desk:
        ran = self.apply()
        assert ran.code == 0, ran.out + ran.err
        return self

    def changes(self, *args: str) -> dict[str, str]:
        """What a plan would do: action by address. Two changes of one address are joined with +."""
        found: dict[str, str] = {}
        for change in self.plan(*args)["changes"]:
            before = found.get(change["address"])
            found[change["address"]] = f"{before}+{change['action']}" if before else change["action"]
        return found

    def plan(self, *args: str) -> Any:
        ran = self.run("plan", "-o", "json", *args)
        assert ran.code == 0, ran.out + ran.err
        return ran.json

    def report(self) -> dict[str, Doc]:
        """`apply -o json`: outcome by address."""
        return {outcome["address"]: outcome for outcome in self.apply("-o", "json").json["outcomes"]}

    # What time and Kraken do

    def advance(self, seconds: float) -> None:
        clock.advance(self.db, seconds)

    def switch(self, name: str, value: str) -> None:
        switches.set_switch(self.db, name, value)

    def fault(self, kind: str, **told: Any) -> None:
        """Set a fault in the sandbox, as JSON has it."""
        faults.add(self.db, {"kind": kind, **told})

    def mend(self) -> None:
        faults.clear(self.db)

    # A look behind the curtains

    def rows(self, username: str = "acme") -> dict[str, Row]:
        query = (
            "SELECT username, name, public_key, secret, client, valid_until, key.created FROM key"
            " JOIN account ON account.id = account_id WHERE username = ? AND signs_until IS NULL ORDER BY key.id"
        )
        with closing(sqlite3.connect(self.db)) as connection:
            return {row[1]: Row(*row) for row in connection.execute(query, (username,))}

    def ours(self, username: str = "acme") -> list[str]:
        """Names of the keys that our OAuth client made."""
        return [name for name, row in self.rows(username).items() if row.client]

    def usernames(self) -> list[str]:
        with closing(sqlite3.connect(self.db)) as connection:
            return [name for (name,) in connection.execute("SELECT username FROM account ORDER BY id")]

    def recorded(self) -> Recorded:
        return read_only(self.state_path)

    def entry(self, path: str, slot: Slot = Slot.CURRENT) -> Entry | None:
        from krakenctl import plugins

        settings = read_workspace(self.root).stores["main"]
        return plugins.store(settings, self.root, Credentials(self.root, {})).get(path, slot)

    def slots(self) -> list[str]:
        """Every slot that is taken, as `acme/bot/current`."""
        folder = self.root / "secrets"
        return sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.age"))

    def signs(self, entry: Entry | None) -> LiveKey | None:
        """What Kraken says to a call signed with it, from where it may be used; None: it is refused."""
        assert entry is not None
        pair = KeyPair(public_key=entry.public_key, secret=entry.secret)
        sandbox = open_sandbox(self.db)
        http = Http(SANDBOX_URL, WsgiAdapter(sandbox, remote_addr=HOME, on_close=sandbox.close))
        try:
            return shapes.live_key(signed(http, pair, "GetApiKeyInfo", next(self.nonces)))
        except NotAuthorised:
            return None
        finally:
            http.close()

    def check_promises(self, declared: Sequence[str], strangers: dict[str, Row]) -> None:
        """After any run that ended in peace. `declared`: addresses of keys that must be there and no others."""
        state = self.recorded()
        assert sorted(map(str, state.keys)) == sorted(declared)
        names = [record.live_name for record in state.ours]
        assert sorted(self.ours()) == sorted(names), "live keys of ours are exactly the recorded ones"
        rows = self.rows()
        for record in state.keys.values():
            entry, row = self.entry(record.secret.path), rows[record.live_name]
            assert entry is not None
            assert (entry.live_name, entry.public_key, entry.secret.reveal()) == (row.name, row.public_key, row.secret)
            assert (record.public_key, record.created) == (row.public_key, row.created)
            live = self.signs(entry)
            assert live is not None
            assert live.spec.permissions == record.spec.permissions
            assert live.spec.ip_allowlist == record.spec.ip_allowlist
        assert {n: r for n, r in rows.items() if not r.client or n in strangers} == strangers
        assert not [slot for slot in self.slots() if slot.endswith("pending")]
        plan = self.run("plan", "--detailed-exitcode", "-o", "json")
        assert (plan.code, plan.json["changes"]) == (0, [])

    def standing(self) -> object:
        """All that lasts: when two desks stand alike, the same runs bring them to the same end."""
        state = self.recorded()
        return self.rows(), state.keys, state.retired, state.intents, state.generations, self.slots()

    def strangers(self) -> dict[str, Row]:
        """Everything on the account that this workspace did not make."""
        ours = {trace.live_name for trace in self.recorded().traces}
        return {name: row for name, row in self.rows().items() if name not in ours}

    def copy(self, to: Path) -> Desk:
        shutil.copytree(self.root, to)
        return Desk(to)


def make_desk(root: Path, *, tag: str = "a7") -> Desk:
    """A workspace `acme` with one account and no key. The sandbox's clock stands still."""
    desk = Desk(root)
    (root / ".krakenctl").mkdir(parents=True, mode=0o700)
    clock.freeze(desk.db, NOW)
    initialise(root, Wish("acme", tag, "sandbox"))
    refs = credentials_in("{account}")
    store = {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt"}
    spec = {
        "endpoint": "sandbox",
        "tag": tag,
        "manifests": ["manifests/*.yaml"],
        "stores": {"main": store | {"identity": "file:.krakenctl/identity.txt"}},
        "credentials": {"*": refs},
    }
    workspace = {"apiVersion": "krakenctl/v1", "kind": "Workspace", "metadata": {"name": "acme"}, "spec": spec}
    (root / "krakenctl.yaml").write_text(json.dumps(workspace, indent=1))
    for file in (root / "manifests").iterdir():
        file.unlink()
    desk.declare(account())
    return desk


def credentials_in(name: str) -> Doc:
    """References to the files that the sandbox's people write; `{account}` and `{username}` may stand in the name."""
    folder = "file:.krakenctl/credentials"
    return {"token": f"{folder}/{name}.json", "apiKey": f"{folder}/{name}.key.json"}


class StandingTime:
    """In place of `time` in the exchange and the workflow: our own clock stands, and nobody sleeps."""

    def __init__(self) -> None:
        self._nonce = itertools.count(NOW * 1000, 10)  # between two looks a command makes a few calls
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 0.0

    def time(self) -> float:
        return NOW

    def time_ns(self) -> int:
        return next(self._nonce) * 1_000_000

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def stop_time(monkeypatch: pytest.MonkeyPatch) -> StandingTime:
    still = StandingTime()
    monkeypatch.setattr("krakenctl.wiring.exchange.time", still)
    monkeypatch.setattr("krakenctl.workflow.time", still)
    return still


# The wire

_WORDS = {
    "GET /0/public/Time": "time",
    "GET /oauth/userinfo": "who",
    "GET /oauth/fast-api-key": "list",
    "POST /oauth/fast-api-key": "issue",
    "PUT /oauth/fast-api-key": "update",
    "DELETE /oauth/fast-api-key": "revoke",
    "POST /0/private/GetApiKeyInfo": "inspect",
    "POST /0/private/CreateSubaccount": "request",
}

Deed = Callable[[], requests.Response]
Fault = Callable[[requests.PreparedRequest, Deed], requests.Response]


@dataclass
class Wire:
    """Every call between krakenctl and its sandbox, and what happens to the n-th of them."""

    calls: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)  # of the answers
    faults: dict[int, Fault] = field(default_factory=dict)  # by the call's number, from 0
    before: Callable[[str], None] = lambda word: None  # told before a call

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Wire:
        real, wire = WsgiAdapter.send, self

        def send(adapter: WsgiAdapter, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
            number, word = len(wire.calls), _word(request)
            wire.calls.append(word)
            wire.before(word)

            def deed() -> requests.Response:
                response = real(adapter, request)
                wire.bodies.append(response.content)
                return response

            fault = wire.faults.get(number)
            return deed() if fault is None else fault(request, deed)

        monkeypatch.setattr(WsgiAdapter, "send", send)
        return self

    def clear(self) -> None:
        self.calls.clear()
        self.faults.clear()

    def deeds(self) -> list[str]:
        """What changes something, and every look at the list."""
        return [call for call in self.calls if call.partition(" ")[0] not in ("time", "who")]


def _word(request: requests.PreparedRequest) -> str:
    path = (request.path_url or "").partition("?")[0]
    word = _WORDS.get(f"{request.method} {path}", f"{request.method} {path}")
    if word in ("issue", "update", "revoke"):
        word += f" {json.loads(request.body or b'{}')['api_key_name']}"
    return word


def lost_after(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
    """The deed is done, and its answer never arrives."""
    deed()
    raise requests.exceptions.ConnectionError("Connection aborted.")


def lost_before(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
    """Nothing is done, but nobody can know."""
    raise requests.exceptions.ReadTimeout("read timed out")


def refused(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
    raise requests.exceptions.ConnectTimeout("no connection")


def server_error(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
    return answer(request, 502, b"")


def html(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
    return answer(request, 200, b"<html>checking your browser</html>")


def error_string(text: str) -> Fault:
    def fault(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
        return answer(request, 200, json.dumps({"error": [text]}).encode())

    return fault


def answer(request: requests.PreparedRequest, status: int, body: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content, response.request = status, body, request
    response._content_consumed = True
    return response


# Scenes: a workspace in which one run has something to do

Scene = Callable[[Desk], list[str]]  # prepares, and returns the addresses that must be there afterwards
_BOT, _VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"


def create(desk: Desk) -> list[str]:
    desk.declare(account(), key("bot", "query-funds", "modify-trades"))
    return [_BOT]


def create_for_anywhere(desk: Desk) -> list[str]:
    desk.declare(account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), key("bot"))
    return [_BOT]


def replace_create_first(desk: Desk) -> list[str]:
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().declare(account(), key("bot", "query-ledger"), key("view"))
    return [_BOT, _VIEW]


def replace_revoke_first(desk: Desk) -> list[str]:
    room = account(limits={"keysPerAccount": 2})
    desk.declare(room, key("bot"), key("view"))
    desk.applied().declare(room, key("bot", "query-ledger"), key("view"))
    return [_BOT, _VIEW]


def replace_with_overlap(desk: Desk) -> list[str]:
    overlap = {"rotation": {"overlap": "24h"}}
    desk.declare(account(), key("bot", **overlap))
    desk.applied().declare(account(), key("bot", "query-ledger", **overlap))
    return [_BOT]


def edit_in_place(desk: Desk) -> list[str]:
    desk.declare(account(), key("bot"))
    desk.applied().declare(account(), key("bot", ipAllowlist=[HOME, "198.51.100.7"]))
    return [_BOT]


def revoke(desk: Desk) -> list[str]:
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().declare(account(), key("view"))
    return [_VIEW]


def recover(desk: Desk) -> None:
    """At most two ordinary runs without any fault."""
    for _ in range(2):
        if desk.apply().code == 0:
            return
