"""What manifests, state and live names tell about keys: which are ours, and which addresses are those of one key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from krakenctl.errors import KrakenctlError
from krakenctl.model.address import Address, key_address
from krakenctl.model.containment import Doomed
from krakenctl.model.desired import Desired
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import Recorded, RecordedKey, pin_of
from krakenctl.model.workspace import Workspace
from krakenctl.plan import names
from krakenctl.plan.homes import homes
from krakenctl.project import examine
from krakenctl.state.base import StateHome
from krakenctl.tasks.containment.below import AccountsGround, credentialed
from krakenctl.tasks.containment.memory import glance

_BY_TAG = (
    "so every key that carries our tag is taken for ours, also one that was handed over (Removed, action: forget),"
    " unless a manifest still says so"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What could be read, and what could not."""

    workspace: Workspace
    desired: Desired | None
    recorded: Recorded
    stateless: bool  # nothing was ever recorded; False also where it could not be read
    credentialed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ground(self) -> AccountsGround:
        declared = self.desired.accounts if self.desired is not None else None
        return AccountsGround(declared=declared, recorded=self.recorded.accounts, credentialed=self.credentialed)

    @property
    def usernames(self) -> dict[str, str]:
        declared = self.desired.accounts if self.desired is not None else {}
        recorded = {name: account.username for name, account in self.recorded.accounts.items()}
        return recorded | {name: account.username for name, account in declared.items()}

    @property
    def addresses(self) -> set[Address]:
        declared = self.desired.keys.keys() if self.desired is not None else set()
        traces = (trace.address for trace in self.recorded.traces)
        return {*declared, *traces, *self.recorded.generations, *self.recorded.contained}

    def pin(self, account: str) -> str:
        declared = self.desired.accounts.get(account) if self.desired is not None else None
        return pin_of(declared, self.recorded.accounts.get(account))

    def address_of(self, account: str, live: LiveKey) -> Address | None:
        """Of a key of ours; None: it is none. One that somebody made anew under a recorded name is none either, nor is
        one that was handed over."""
        for trace in self.recorded.traces:
            if (trace.account, trace.live_name) == (account, live.name):
                made = trace.created if isinstance(trace, RecordedKey) else 0
                return trace.address if made in (0, live.created) or not live.created else None
        address = self.called(account, live.name)
        if address is None or self.recorded.given_as(account, live) or self._is_given(address):
            return None
        return address

    def knows(self, account: str, live: LiveKey) -> bool:
        """Whether it is recorded what this very key is, or was."""
        traces = ((trace.account, trace.live_name) for trace in self.recorded.traces)
        is_ours = (account, live.name) in traces and self.address_of(account, live) is not None
        return is_ours or self.recorded.given_as(account, live) is not None

    def called(self, account: str, name: str) -> Address | None:
        """The address that a live name tells, under which it need not be recorded any more; None: not our tag."""
        tag = self.workspace.tag
        return key_address(account, name.partition(f".{tag}.g")[0]) if names.carries_tag(name, tag) else None

    def answers_to(self, each: Doomed, addresses: Collection[Address]) -> bool:
        """Whether a key of ours has one of these addresses, or tells it by its name."""
        if each.address is None:
            return False
        return each.address in addresses or self.called(each.account, each.name) in addresses

    def kin(self, addresses: Iterable[Address]) -> frozenset[Address]:
        """These, and what else the same keys are or were called: whoever names a key by a former address, or by a new
        one that no apply has heard of yet, means that key."""
        links, found = tuple(self._links()), frozenset(addresses)
        while more := frozenset(each for link in links if link & found for each in link) - found:
            found |= more
        return found

    def _links(self) -> Iterator[frozenset[Address]]:
        """Addresses of one key: by the manifests, by what is under way, and by live names, which outlive a rename."""
        declared = self.desired.keys if self.desired is not None else {}
        if self.recorded.lineage:  # a former address whose key is another one is that key's alone
            each = homes(declared.values(), self.recorded.keys).items()
            yield from (frozenset(pair) for pair in each if not self._was_another(*pair))
        else:
            yield from (frozenset((key.address, *key.formerly)) for key in declared.values())
        renames = ((intent.address, intent.change.renamed_from) for intent in self.recorded.intents)
        yield from (frozenset((address, former)) for address, former in renames if former is not None)
        for trace in self.recorded.traces:
            called = self.called(trace.account, trace.live_name)
            if called is not None and called not in declared and called not in self.recorded.keys:
                yield frozenset((trace.address, called))  # else another key has been given that address since

    def _was_another(self, former: Address, address: Address) -> bool:
        """Whether the key of an address was one of its own, and left alone, when the former address was contained."""
        by, key = self.recorded.contained.get(former), self.recorded.keys.get(address)
        if by is None or key is None or address in self.recorded.contained:
            return False
        return self.called(key.account, key.live_name) == address and key.issued <= by.at

    def _is_given(self, address: Address) -> bool:
        """As its manifest says; without a state that is all there is."""
        removal = self.desired.removals.get(address) if self.desired is not None else None
        return removal is not None and removal.action == "forget"


def read_known(root: Path, workspace: Workspace, home: StateHome) -> Known:
    notes, desired, recorded, stateless = [], None, Recorded(lineage=""), False
    try:
        desired = examine(root).desired
    except KrakenctlError as problem:
        notes.append(f"without the manifests: {problem.message}")
    else:
        notes += [] if desired else ["without the manifests: they are not sound (`krakenctl validate`)"]
    try:
        recorded = glance(home)
    except KrakenctlError as problem:
        notes.append(f"without the state: {problem.message}; {_BY_TAG}")
    else:
        stateless = not recorded.lineage
        notes += [f"without a state: there is none here; {_BY_TAG}"] if stateless else []
    return Known(
        workspace=workspace,
        desired=desired,
        recorded=recorded,
        stateless=stateless,
        credentialed=credentialed(root, workspace),
        notes=tuple(notes),
    )
