"""Who may do what, and why: as declared, as last sent, as live. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.origin import Origin
from krakenctl.model.permission import Permission


class Says(StrEnum):
    """What one level says to one permission."""

    ALLOWS = "allows"
    NOT_ALLOWED = "does not allow"  # it has a list of what it allows, and this is not on it
    DENIES = "denies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    address: Address
    says: Says
    origin: Origin


@dataclass(frozen=True, slots=True)
class Link:
    """One step on the way from a key to a permission: “PermissionSet/trader includes monitor”."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A key of this address as it was last sent to the exchange."""

    name: str
    holds: bool
    issued: int
    valid_until: int  # 0: never ends
    retired_until: int = 0  # 0: the current generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a key, or the keys of an account, may have a permission or not. From manifests and state alone."""

    address: Address
    permission: Permission
    declared: bool  # False: no manifest names it (any more); then only `sent` says something
    ways: tuple[tuple[Link, ...], ...] = ()  # each brings it alone; none: it is not granted. Keys only
    levels: tuple[Level, ...] = ()  # from the root down
    surface: str = ""
    grantable: bool = True  # the surface can give it
    sent: tuple[Sent, ...] = ()
    has_state: bool = True
    blind: str = ""  # why the state could not be read; empty: it could, or there is none
    sound: bool = True  # False: the manifests break a rule, which hides nothing of this answer

    @property
    def allowed(self) -> bool:
        return self.grantable and all(level.says is Says.ALLOWS for level in self.levels)


class Standing(StrEnum):
    """What one of the three says of one key."""

    HOLDS = "holds"
    LACKS = "lacks"
    EXPIRED = "expired"  # would hold, but has ended
    ABSENT = "absent"  # there is no such key
    UNSEEN = "unseen"  # nobody could look


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A key that can do it by at least one of the three."""

    account: str
    address: Address | None  # None: nobody here manages it
    name: str  # on the exchange; empty: it has none yet
    desired: Standing
    recorded: Standing
    live: Standing
    ip_allowlist: tuple[str, ...] = ()  # as live, else as sent, else as declared; (): any address
    valid_until: int = 0
    retired_until: int = 0
    unknown: tuple[str, ...] = ()  # codes that nobody here knows: what they allow is not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSight:
    """How much of an account's live keys was seen."""

    account: str
    coverage: Coverage
    looked: bool  # False: --offline
    keys: int = 0
    reason: str = ""  # why nothing was seen
    unasked: tuple[str, ...] = ()  # live names that are there only as recorded: the keys could not be asked
    silent: tuple[str, ...] = ()  # live names of keys that answer no more from here, and may live on
    gone: tuple[str, ...] = ()  # recorded names of keys that are taken for gone, because they answered no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    holders: tuple[Holder, ...]
    doubtful: tuple[Holder, ...]  # not by what is known of them; but they hold codes that nobody here knows
    sights: tuple[AccessSight, ...]
    at: int  # unix seconds on the exchange's clock
    sound: bool = True  # False: the manifests have mistakes, and nothing is known of what they declare
