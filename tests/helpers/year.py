"""A year in the life of a fleet: a `tick` on each simulated day, and a consumer per key that signs calls all day long.

Everything is real but the time: krakenctl's commands, the sandbox behind its wire, the age files that consumers read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from desk import DAY, HOME, NOW, StandingTime, account, key, make_desk, subaccount
from krakenctl.model.time import parse_duration
from krakenctl.sandbox import Sandbox, clock, open_sandbox
from krakenctl.stores.base import Slot, Store

HOUR = 3600
TICK_AT = 5  # o'clock
GRANT_ENDS = NOW + 200 * DAY
_CALL = "/0/private/Balance"

# On which days krakenctl runs.
SCHEDULES: dict[str, Callable[[int], bool]] = {
    "every tick": lambda _: True,
    "every third tick missed": lambda day: day % 3 != 2,
}

# Every way in which the age of a key can be limited. `any` lets krakenctl ask the new key itself.
POLICIES: dict[str, dict[str, Any]] = {
    "days": {"rotation": {"maxAge": "4d"}},
    "week": {"rotation": {"maxAge": "7d", "overlap": "24h"}},
    "month": {"rotation": {"maxAge": "30d", "overlap": "48h"}, "ipAllowlist": "any"},
    "spread": {"rotation": {"maxAge": "60d", "overlap": "24h", "jitter": "20d"}},
    "quarter": {"rotation": {"maxAge": "90d", "overlap": "24h"}, "validFor": "180d"},
    "half": {"rotation": {"maxAge": "180d", "overlap": "7d"}},
    "lease": {"validFor": "30d", "rotation": {"overlap": "24h"}},
    "short": {"validFor": "10d"},
    "grant": {"validUntil": "2027-08-03T08:00:00Z", "rotation": {"maxAge": "45d", "overlap": "24h"}},
}


@dataclass(frozen=True)
class Live:
    """A key in the sandbox's own table that works right now."""

    account: str  # its username
    name: str
    created: int
    valid_until: int  # 0: never ends

    @property
    def logical(self) -> tuple[str, str]:
        return self.account, self.name.split(".")[0]

    @property
    def generation(self) -> int:
        return int(self.name.rpartition(".g")[2])


@dataclass(frozen=True)
class Declared:
    """One key of the fleet, as its manifest has it."""

    account: str
    username: str
    name: str
    spec: dict[str, Any]

    @property
    def max_age(self) -> int:
        return _seconds(self.spec["rotation"]["maxAge"]) if "maxAge" in self.spec.get("rotation", {}) else 0

    @property
    def overlap(self) -> int:
        return _seconds(self.spec.get("rotation", {}).get("overlap", "0s"))

    @property
    def valid_for(self) -> int:
        return _seconds(self.spec.get("validFor", "0s"))

    @property
    def ends(self) -> int:
        return GRANT_ENDS if "validUntil" in self.spec else 0


def _seconds(text: str) -> int:
    return 0 if text == "0s" else parse_duration(text)


@dataclass
class Year:
    """What happened, for tests to look at and benchmarks to print."""

    calls: int = 0
    ticks: int = 0
    failures: list[str] = field(default_factory=list)  # of consumers
    broken: list[str] = field(default_factory=list)  # policies
    codes: dict[int, int] = field(default_factory=dict)  # of ticks, how often
    rotations: int = 0
    seen: dict[str, int] = field(default_factory=dict)  # limits that Kraken showed, by account
    gaps: int = 0
    shortened: int = 0  # overlaps that found less room than they wanted, or none


@dataclass
class Consumer:
    """A program that reads its secret anew when the file changed, and signs with a rising nonce."""

    declared: Declared
    store: Store
    file: Path
    _seen: object = None
    _pair: tuple[str, bytes] = ("", b"")

    def call(self, sandbox: Sandbox, now: int) -> str:
        """The error of Kraken's answer; empty: it worked."""
        public, secret = self._current()
        nonce = str(now * 1000)
        body = f"nonce={nonce}".encode()
        message = _CALL.encode() + hashlib.sha256(nonce.encode() + body).digest()
        sign = base64.b64encode(hmac.digest(secret, message, "sha512")).decode()
        answer = json.loads(b"".join(sandbox(_environ(public, sign, body), _unheard)))
        return " ".join(answer["error"])

    def _current(self) -> tuple[str, bytes]:
        now = self.file.stat()
        identity = (now.st_ino, now.st_mtime_ns, now.st_size)
        if identity != self._seen:
            entry = self.store.get(f"{self.declared.account}/{self.declared.name}", Slot.CURRENT)
            assert entry is not None
            self._pair = entry.public_key, base64.b64decode(entry.secret.reveal())
            self._seen = identity
        return self._pair


def _unheard(*_: object) -> Callable[[bytes], object]:
    """Of a Spot answer the body says it all."""
    return io.BytesIO().write


def _environ(public: str, sign: str, body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": _CALL,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_API_KEY": public,
        "HTTP_API_SIGN": sign,
        "REMOTE_ADDR": HOME,
        "SERVER_NAME": "sandbox",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }


class Fleet:
    """Keys of all policies on three accounts.

    One has room to spare, one a single free place, and one has a single free place of which nobody has said so.
    """

    def __init__(self, root: Path, keys: int) -> None:
        tight = (keys * 2 + 4) // 5  # of five keys two are on each of the narrow accounts
        places = ["acme"] * (keys - 2 * tight) + ["narrow"] * tight + ["unknown"] * tight
        kinds = itertools.cycle(POLICIES.items())
        self.keys = [
            Declared(home, home if home == "acme" else f"u-{home}", f"{kind}-{n}", policy)
            for n, (home, (kind, policy)) in enumerate(zip(places, kinds, strict=False))
        ]
        self.desk = make_desk(root)
        self.limit = tight + 1
        self.desk.switch("keys-per-account", str(self.limit))
        limits = {"limits": {"keysPerAccount": self.limit}}
        defaults = {"keyDefaults": {"ipAllowlist": [HOME]}}
        self.desk.declare(
            account(**defaults),
            subaccount("narrow", **limits),
            subaccount("unknown"),
            *(key(each.name, on=each.account, **each.spec) for each in self.keys),
        )

    def consumers(self) -> list[Consumer]:
        store = self._store()
        folder = self.desk.root / "secrets"
        return [Consumer(each, store, folder / each.account / each.name / "current.age") for each in self.keys]

    def _store(self) -> Store:
        from krakenctl import plugins
        from krakenctl.credentials import Credentials
        from krakenctl.project import read_workspace

        root = self.desk.root
        return plugins.store(read_workspace(root).stores["main"], root, Credentials(root, {}))


def live_keys(connection: sqlite3.Connection, now: int) -> list[Live]:
    """What works right now of ours, from behind the curtain."""
    query = (
        "SELECT username, name, key.created, valid_until FROM key JOIN account ON account.id = account_id"
        " WHERE client <> '' AND signs_until IS NULL AND (valid_until = 0 OR valid_until > ?)"
    )
    return [Live(*row) for row in connection.execute(query, (now,))]


def outlived(declared: Sequence[Declared], live: Sequence[Live], now: int) -> Iterator[str]:
    """Every key that is there although its policy says otherwise."""
    policies = {(each.username, each.name): each for each in declared}
    generations: dict[tuple[str, str], list[Live]] = {}
    for one in live:
        generations.setdefault(one.logical, []).append(one)
    for handle, found in generations.items():
        policy, ordered = policies[handle], sorted(found, key=lambda one: one.generation)
        if len(ordered) > 2:
            yield f"{ordered[-1].name}: {len(ordered)} generations live"
        for old, new in itertools.pairwise(ordered):
            if now > new.created + policy.overlap:
                yield f"{old.name} outlives its overlap"
        for one in ordered:
            grace = 0 if one is ordered[-1] else policy.overlap
            yield from (f"{one.name} {wrong}" for wrong in _too_old(policy, one, now, grace))


def _too_old(policy: Declared, key: Live, now: int, grace: int) -> Iterator[str]:
    age = now - key.created
    if policy.max_age and age > policy.max_age + grace:
        yield "outlives its maxAge"
    if policy.valid_for and age > policy.valid_for:
        yield "outlives its validFor"
    if policy.ends and now >= policy.ends:
        yield "outlives its grant"


def live_through(
    fleet: Fleet, *, days: int = 365, every: int = 1, ticks: Callable[[int], bool] = lambda day: True
) -> Year:
    """One day after another. `ticks`: on which days krakenctl runs.

    `every`: hours between a consumer's calls. It calls besides just before a tick, when whatever has broken since the
    last one is still broken, and right after it.
    """
    year = Year()
    with patch("krakenctl.wiring.exchange.time", StandingTime()), closing(open_sandbox(fleet.desk.db)) as sandbox:
        made = fleet.desk.apply("--allow", "open", "--reason", "a key that may be used from anywhere")
        assert made.code == 0, made.out + made.err
        consumers = fleet.consumers()
        for hour in range(days * 24):
            day, clock_shows = divmod(hour, 24)
            if clock_shows == TICK_AT and ticks(day):
                _tick(fleet, year)
            with sandbox.database.write() as connection:  # one transaction for the hour: fifty cost ten times as much
                if hour % every == 0 or clock_shows in (TICK_AT - 1, TICK_AT):
                    _work(consumers, sandbox, year, NOW + hour * HOUR)
                    year.broken += outlived(fleet.keys, live_keys(connection, NOW + hour * HOUR), NOW + hour * HOUR)
                clock.advance_in(connection, HOUR)
    state = fleet.desk.recorded()
    year.rotations = sum(state.generations.values()) - len(state.generations)
    year.seen = {name: limit.keys for name, limit in state.limits.items()}
    return year


def _tick(fleet: Fleet, year: Year) -> None:
    ran = fleet.desk.run("tick")
    year.ticks += 1
    year.codes[ran.code] = year.codes.get(ran.code, 0) + 1
    year.gaps += ran.out.count(", with a GAP")
    year.shortened += len(re.findall(r"no\s+overlap\s+this\s+time|the\s+overlap\s+is\s", ran.out))


def _work(consumers: Sequence[Consumer], sandbox: Sandbox, year: Year, now: int) -> None:
    for consumer in consumers:
        if consumer.declared.ends and now >= consumer.declared.ends:
            continue
        year.calls += 1
        if error := consumer.call(sandbox, now):
            year.failures.append(f"{(now - NOW) // HOUR} h: {consumer.declared.name}: {error}")
