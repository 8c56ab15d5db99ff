"""Looks at the exchange's own tables, at the stores and at whatever was written, and says which promise is broken.

It knows nothing of how krakenctl works: keys by their rows, secrets by what a consumer would read.
"""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from chaos.eyes import Eyes, Row, recorded, state_home
from chaos.leaks import what_was_written
from chaos.scenarios import Docs, Scenario
from desk import NOW, Desk
from krakenctl.model.key import EXPIRY_SLACK
from krakenctl.model.time import parse_duration, parse_time
from krakenctl.stores.base import Entry, Slot

OUR_CLIENT = "krakenctl-sandbox"
_ALLOWLIST, _VALID_UNTIL, _CREATED = 0, 4, 5  # in a row's terms
_WORLD = ["0.0.0.0/0", "::/0"]


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
        slow = self._unheard_of(rows)
        generations = Counter(
            (row.account, row.name.rpartition(".g")[0]) for row in self._ours(rows) if row.public_key not in slow
        )
        yield from (
            f"1: {count} generations of {of[1]} are live at once" for of, count in generations.items() if count > 2
        )

    def _unheard_of(self, rows: dict[str, Row]) -> set[str]:
        """Nobody could know of them when the next one was issued; or end them, where nothing proves whose they are."""
        return self.eyes.slow() if self.provable else self.eyes.slow() | self._orphans(rows)

    def _orphans(self, rows: dict[str, Row]) -> set[str]:
        """New keys whose secret is in no slot."""
        return rows.keys() - self.before.rows.keys() - {entry.public_key for _, _, entry in self.eyes.entries()}

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
                until = terms.get("validUntil")
                seconds = parse_time(until) - NOW if until else parse_duration(terms["validFor"])
                return _WORLD if addresses == "any" else addresses, seconds
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
        yield from self._slots_of_the_dead(desk, rows)
        yield from self._ends_of_the_retired(desk, rows)
        yield from what_was_written(self.eyes, desk)
        yield from self._nothing_untold(desk)

    def _nothing_lost(self, desk: Desk, rows: dict[str, Row], reported: str) -> Iterator[str]:
        state = recorded(desk)
        remembered = {(key.account, key.live_name) for key in state.ours}
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

    def _slots_of_the_dead(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
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
