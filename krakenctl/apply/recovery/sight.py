"""All that bears on one intent of a run that died: list, slots, manifests of today. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.apply.grants import Grant
from krakenctl.model.address import Address
from krakenctl.model.key import LiveKey
from krakenctl.model.live import LiveAccount
from krakenctl.model.permission import Permission
from krakenctl.model.recovery import Move
from krakenctl.stores.base import Entry

Decision = tuple[Move, str]  # and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store holds where an intent's secret goes, as far as this host can tell."""

    pending: Entry | None = None
    current: Entry | None = None
    problem: str = ""  # why it cannot be read here; the two above say nothing then
    pending_taken: bool = False  # also known where nothing can be read

    def entry(self, name: str) -> Entry | None:
        return next((entry for entry in (self.pending, self.current) if entry and entry.live_name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the manifests allow now."""

    ceilings: Mapping[str, frozenset[Permission]] = field(default_factory=dict)  # by account
    declared: Mapping[Address, Grant] = field(default_factory=dict)
    moved: Mapping[Address, Address] = field(default_factory=dict)  # by former address: under which one it is declared
    sound: bool = True  # False: the manifests cannot be read, and nothing above is known

    def granted(self, address: Address) -> Grant | None:
        """To a key that was made under this address; None: it is no longer declared, under any."""
        return self.declared.get(self.moved.get(address, address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that bears on one intent."""

    account: LiveAccount
    bounds: Bounds
    kept: Kept = field(default_factory=Kept)
    outgrown: bool = False  # a later issue of the same key is recorded or under way
    requested: bool = True  # of a sub-account: our memory says that we asked for it
    in_use: bool = False  # of a key that was made by mistake: it was put right after all
    contained: str = ""  # the kill switch was used on this key: by whom
    now: int = 0  # unix seconds on the exchange's clock
    trying: bool = False  # it is done right now, so that somebody may be asked

    def live(self, name: str) -> LiveKey | None:
        return next((key for key in self.account.keys if key.name == name), None)
