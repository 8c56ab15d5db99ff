"""Looks at the exchange's own tables, at the stores and at whatever was written, and says which promise is broken.

It knows nothing of how krakenctl works: keys by their rows, secrets by what a consumer would read.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chaos.scenarios import Docs, Scenario
from desk import Desk
from krakenctl import plugins
from krakenctl.credentials import Credentials
from krakenctl.model.chain import walk
from krakenctl.model.key import EXPIRY_SLACK
from krakenctl.model.recorded import Recorded
from krakenctl.model.time import parse_duration
from krakenctl.project import read_workspace
from krakenctl.state.base import StateHome
from krakenctl.stores.base import Entry, Slot

OUR_CLIENT = "krakenctl-sandbox"
_COLUMNS = (
    "username, name, public_key, secret, client, permissions, ip_allowlist, nonce_window, query_from, query_to,"
    " valid_until, key.created"
)
_LIVE = f"SELECT {_COLUMNS} FROM key JOIN account ON account.id = account_id WHERE signs_until IS NULL ORDER BY key.id"
_ALLOWLIST, _VALID_UNTIL, _CREATED = 0, 4, 5  # in a row's terms
_WORLD = ["0.0.0.0/0", "::/0"]
# Below .krakenctl: the exchange itself, what its people write for us, and the key of the store.
_MAY_HOLD = ("sandbox.db", "credentials", "identity.txt")


def state_home(desk: Desk) -> StateHome:
    """Wherever the workspace keeps its state."""
    return plugins.state(read_workspace(desk.root).state, desk.root, Credentials(desk.root, {}))


def recorded(desk: Desk) -> Recorded:
    return state_home(desk).read()


@dataclass(frozen=True)
class Row:
    """A live key in the exchange's table, secret included; without what every use of it changes."""

    account: str
    name: str
    public_key: str
    secret: str
    client: str
    permissions: str
    terms: tuple[object, ...]


@dataclass
class Eyes:
    """On one workspace, for as long as the process lives: cheap enough to look at every boundary."""

    root: Path
    _opened: dict[tuple[int, int], Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = read_workspace(self.root).stores["main"]
        self._store = plugins.store(settings, self.root, Credentials(self.root, {}))
        self._exchange = sqlite3.connect(
            f"file:{self.root}/.krakenctl/sandbox.db?mode=ro", uri=True, check_same_thread=False
        )

    def close(self) -> None:
        self._exchange.close()

    def rows(self) -> dict[str, Row]:
        """By public key, in the order in which they were made."""
        found = (Row(*row[:6], tuple(row[6:])) for row in self._exchange.execute(_LIVE))
        return {row.public_key: row for row in found}

    def slow(self) -> set[str]:
        """Keys that the list did not show at once."""
        return {
            public for (public,) in self._exchange.execute("SELECT public_key FROM key WHERE listed_from > created")
        }

    def secrets(self) -> list[str]:
        """Of every key that there ever was, also of those that are gone."""
        return [secret for (secret,) in self._exchange.execute("SELECT secret FROM ever")]

    def deeds(self) -> list[tuple[str, str, str]]:
        """Verb, name and public key of all that was done in our client's name since the scenario began."""
        return self._exchange.execute("SELECT verb, name, public_key FROM deed ORDER BY rowid").fetchall()

    def paths(self) -> list[str]:
        """Of every key whose consumer finds something."""
        folder = self.root / "secrets"
        return sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("current.age"))

    def entry(self, path: str, slot: Slot) -> Entry | None:
        file = self.root / "secrets" / path / f"{slot}.age"
        try:
            seen = file.stat()
        except OSError:
            return None
        key = (seen.st_ino, seen.st_mtime_ns)
        if key not in self._opened:
            entry = self._store.get(path, slot)
            assert entry is not None
            self._opened[key] = entry
        return self._opened[key]

    def entries(self) -> Iterator[tuple[str, Slot, Entry]]:
        for folder in sorted({file.parent for file in (self.root / "secrets").rglob("[cp]*.age")}):
            path = str(folder.relative_to(self.root / "secrets"))
            for slot in Slot:
                if (entry := self.entry(path, slot)) is not None:
                    yield path, slot, entry


@dataclass(frozen=True)
class Before:
    """The template, as the struck run finds it."""

    rows: dict[str, Row]  # by public key
    consumers: frozenset[str]  # paths
    ours: frozenset[str]  # public keys

    @classmethod
    def of(cls, desk: Desk) -> Before:
        state = recorded(desk)
        names = {(trace.account, trace.live_name) for trace in state.traces}
        with closing(Eyes(desk.root)) as eyes:
            rows, paths = eyes.rows(), eyes.paths()
        ours = (public for public, row in rows.items() if (row.account, row.name) in names)
        return cls(rows, frozenset(paths), frozenset(ours))


@dataclass
class Witness:
    scenario: Scenario
    manifests: Docs  # in force
    before: Before
    eyes: Eyes
    provable: bool = True  # the exchange tells when a key was created; else an orphan can only be reported
    # Public keys, of what a person renamed or deleted meanwhile, and made or renamed: not ours to end.
    touched: set[str] = field(default_factory=set)
    stays: set[str] = field(default_factory=set)
    # By the plans of the mending runs, besides what the scenario knows: paths, and names of our keys.
    told_of_a_gap: set[str] = field(default_factory=set)
    told_of_an_end: set[str] = field(default_factory=set)
    handed_out: dict[str, str] = field(default_factory=dict)  # the public key that a path had when this run began

    def __post_init__(self) -> None:
        self._consumers = set(self.before.consumers)  # paths; whoever has found a secret once relies on it
        found = ((path, self.eyes.entry(path, Slot.CURRENT)) for path in self.eyes.paths())
        self.handed_out |= {path: entry.public_key for path, entry in found if entry}

    # While it happens

    def at_this_moment(self) -> Iterator[str]:
        """What a consumer that reads its secret now would find."""
        rows, paths = self.eyes.rows(), self.eyes.paths()
        self._consumers.update(paths)
        excused = self.scenario.ends | self.scenario.gap | self.told_of_a_gap
        for path in sorted(self._consumers - set(paths) - excused):
            yield f"2: {path} has no current secret"
        for path in paths:
            entry = self.eyes.entry(path, Slot.CURRENT)
            if entry is not None and path not in self.scenario.ends:
                yield from self._usable(path, entry, rows.get(entry.public_key))
        slow = self.eyes.slow()  # nobody could know of them when the next one was issued
        generations = Counter(
            (row.account, row.name.rpartition(".g")[0]) for row in self._ours(rows) if row.public_key not in slow
        )
        yield from (
            f"1: {count} generations of {of[1]} are live at once" for of, count in generations.items() if count > 2
        )

    def _usable(self, path: str, entry: Entry, row: Row | None) -> Iterator[str]:
        if row is None or row.secret != entry.secret.reveal():
            if path not in self.scenario.gap | self.told_of_a_gap and entry.public_key not in self.touched:
                yield f"2: what the consumer of {path} reads is {entry.live_name}, which does not work"
        elif row.public_key != self.handed_out.get(path):
            yield from (f"6: {path} was given {row.name}, which {excess}" for excess in self._excess(path, row))

    def _excess(self, path: str, row: Row) -> Iterator[str]:
        """What the key has beyond the manifests in force."""
        if self.denied & set(row.permissions.split()):
            yield f"may {row.permissions}"
        declared = self.declared(path)
        if declared is None:  # somebody else will put that right
            return
        addresses, seconds = declared
        found = [ipaddress.ip_network(word) for word in str(row.terms[_ALLOWLIST]).split() or _WORLD]
        allowed = [ipaddress.ip_network(word) for word in addresses]
        if not all(any(_within(one, other) for other in allowed) for one in found):
            yield f"may be used from {row.terms[_ALLOWLIST] or 'anywhere'}"
        until, created = int(str(row.terms[_VALID_UNTIL])), int(str(row.terms[_CREATED]))
        if not 0 < until <= created + seconds + EXPIRY_SLACK:
            yield f"works until {until}"

    def declared(self, path: str) -> tuple[list[str], int] | None:
        """From where the key of that path may be used, and for how long. None: it is declared no more."""
        documents = {(each["kind"], each["metadata"]["name"]): each["spec"] for each in self.manifests}
        for (kind, name), spec in documents.items():
            if kind == "ApiKey" and self.scenario.path(f"ApiKey/{spec['account']}/{name}") == path:
                below = documents.get(("SubAccount", spec["account"]), {}).get("account", spec["account"])
                terms = {**documents["Account", below]["keyDefaults"], **spec}
                addresses = terms["ipAllowlist"]
                return _WORLD if addresses == "any" else addresses, parse_duration(terms["validFor"])
        return None

    @property
    def denied(self) -> frozenset[str]:
        """What the ceilings of the manifests that are in force now leave out."""
        specs = (document["spec"] for document in self.manifests if document["kind"] == "Account")
        return frozenset(code for spec in specs for code in spec.get("permissions", {}).get("deny", ()))

    # When all is done

    def verdict(self, desk: Desk, reported: str) -> Iterator[str]:
        """`reported`: what the last plan said, for orphans that cannot be proved to be ours."""
        rows = self.eyes.rows()
        yield from self._nothing_lost(desk, rows, reported)
        yield from self._as_declared(desk, rows)
        yield from self._others_untouched(rows)
        yield from self._slots_of_the_dead(rows)
        yield from self._ends_of_the_retired(desk, rows)
        yield from what_was_written(self.eyes, desk)
        yield from self._nothing_untold(desk)

    def _nothing_lost(self, desk: Desk, rows: dict[str, Row], reported: str) -> Iterator[str]:
        state = recorded(desk)
        remembered = {(key.account, key.live_name) for key in (*state.keys.values(), *state.retired)}
        retired = {(key.account, key.live_name) for key in state.retired} if self.touched else set()
        held = {(entry.public_key, entry.secret.reveal()) for _, _, entry in self.eyes.entries()}
        accounts = {account.username or name: name for name, account in state.accounts.items()}
        for row in self._ours(rows):
            account = accounts.get(row.account, row.account)
            known = not self.provable and f"“{row.name}”" in reported and (account, row.name) not in remembered
            # Between a retired key and its slot a person may have put another generation; its end is near anyway.
            if (row.public_key, row.secret) not in held and not known and (account, row.name) not in retired:
                yield f"1: {row.name} is live, and its secret is in no slot"
            if (account, row.name) not in remembered and row.name not in self.scenario.released and not known:
                yield f"1: {row.name} is live, and nobody remembers it"
            if row.name in self.scenario.dies:
                yield f"1: {row.name} is live, and was to be revoked"
        for path, slot, entry in self.eyes.entries():
            if slot is Slot.PENDING and (self.provable or entry.public_key not in rows):
                yield f"1: the slot {path}/pending is still taken"

    def _ours(self, rows: dict[str, Row]) -> Iterator[Row]:
        """Made through our client by this workspace, and left alone by people."""
        for public, row in rows.items():
            stranger = public in self.before.rows and public not in self.before.ours
            if row.client == OUR_CLIENT and not stranger and public not in self.touched:
                yield row

    def _as_declared(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
        state = recorded(desk)
        addresses = {str(address): record for address, record in state.keys.items()}
        if addresses.keys() != self.scenario.grants.keys():
            yield f"4: recorded are {sorted(addresses)}, declared {sorted(self.scenario.grants)}"
        for address, permissions in self.scenario.grants.items():
            entry = self.eyes.entry(self.scenario.path(address), Slot.CURRENT)
            row = rows.get(entry.public_key) if entry else None
            if entry is None or row is None or desk.signs(entry) is None:
                yield f"2: {address} has no working key in the end"
            elif row.permissions != permissions:
                yield f"6: {address} may {row.permissions}, and {permissions} is declared"
            elif [*self._excess(self.scenario.path(address), row)]:
                yield f"6: {address} {', '.join(self._excess(self.scenario.path(address), row))} in the end"
            elif address in addresses and addresses[address].live_name != row.name:
                yield f"4: {address} is recorded as {addresses[address].live_name}, and is {row.name}"

    def _others_untouched(self, rows: dict[str, Row]) -> Iterator[str]:
        goes = self.scenario.goes | self.told_of_an_end
        for public, row in self.before.rows.items():
            if public in self.touched or (public in self.before.ours and row.name in goes):
                continue
            if public not in rows:
                yield f"3: {row.name} was there before, no plan showed its end, and it is gone"
            elif public not in self.before.ours and rows[public] != row:
                yield f"3: {row.name} is a stranger's, and was changed"
        if self.stays - rows.keys():
            yield "3: a key that a person made or renamed is gone"

    def _slots_of_the_dead(self, rows: dict[str, Row]) -> Iterator[str]:
        """Krakenctl revokes a key and clears its slot; what a person deletes may leave its secret behind."""
        for path, slot, entry in self.eyes.entries():
            if path in self.scenario.evidence and slot is not Slot.PENDING:
                continue
            if entry.public_key not in rows and entry.public_key not in self.touched:
                yield f"4: {path}/{slot} still holds {entry.live_name}, which is gone"

    def _ends_of_the_retired(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
        """Kraken itself ends a replaced key, should nobody come back to do it."""
        state = recorded(desk)
        until = {key.public_key: key.retired_until for key in state.retired}
        for public in until.keys() & rows.keys() - self.touched:
            end = int(str(rows[public].terms[_VALID_UNTIL] or 0))
            if not 0 < end <= until[public]:
                yield f"4: {rows[public].name} is retired until {until[public]}, and works until {end}"

    def _nothing_untold(self, desk: Desk) -> Iterator[str]:
        """The audit log tells of each deed once: by its own line, or by that of the run that found it done."""
        lines = [line for line in told(desk) if line["outcome"] in ("done", "found", "gone")]
        for verb, name in {(verb, name) for verb, name, public in self.eyes.deeds() if public not in self.touched}:
            found = [line for line in lines if line["verb"] == verb and line["name"] == name]
            if len(found) > 1 or (not found and self.provable):  # what cannot be proved to be ours is only reported
                yield f"log: {len(found)} lines tell of {verb} {name}"


def _within(one: Any, other: Any) -> bool:
    return one.version == other.version and one.subnet_of(other)


def told(desk: Desk) -> list[dict[str, Any]]:
    """The lines of the audit log, those without a name left out."""
    with state_home(desk).look() as state:
        lines = [json.loads(line) for line in state.log.lines()] if state is not None else []
    return [line for line in lines if "name" in line]


def what_was_written(eyes: Eyes, desk: Desk) -> Iterator[str]:
    """By any of the runs, in files, outputs and the audit log: cheap enough to look after each."""
    yield from _leaks(eyes, desk)
    with state_home(desk).look() as state:
        if state is not None:
            stored = state.log.head()
            yield from _log(list(state.log.lines()), stored)


def _leaks(eyes: Eyes, desk: Desk) -> Iterator[str]:
    secrets = {*eyes.secrets(), *_credentials(desk.root)}
    needles = [needle for secret in sorted(secrets) for needle in _spellings(secret)]
    for file in _written(desk.root):
        content = file.read_bytes()
        if any(needle in content for needle in needles):
            yield f"5: a secret is in {file.relative_to(desk.root.parent)}"


def _log(lines: list[str], stored: str) -> Iterator[str]:
    found = walk(lines, stored=stored)
    if found.broken:
        yield f"log: {found.broken}"


def _written(root: Path) -> Iterator[Path]:
    """Everything below the cell's folder, but for what is the exchange's or is meant to hold a secret."""
    for file in root.parent.rglob("*"):
        parts = file.relative_to(root).parts if file.is_relative_to(root) else ()
        holds = parts[:1] == (".krakenctl",) and parts[1:2] and parts[1].startswith(_MAY_HOLD)
        if file.is_file() and not holds:
            yield file


def _credentials(root: Path) -> Iterator[str]:
    for file in (root / ".krakenctl/credentials").iterdir():
        fields = json.loads(file.read_text())
        yield from (fields[name] for name in ("access_token", "refresh_token", "secret") if name in fields)
    for line in (root / ".krakenctl/identity.txt").read_text().splitlines():
        if line.startswith("AGE-SECRET-KEY"):
            yield line


def _spellings(secret: str) -> Iterable[bytes]:
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].replace("/", "\\/").encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield from (raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    if len(secret) == 88:  # Kraken's secrets are base64
        raw = base64.b64decode(secret)
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.urlsafe_b64encode(raw))
