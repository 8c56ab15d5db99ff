"""What the manifests ask for, once every reference is followed, every default inherited and every ceiling applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.origin import Place
from krakenctl.model.permission import Permission


@dataclass(frozen=True, slots=True)
class SecretRef:
    store: str
    path: str  # within the store: `bots/mm-btc`


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    max_age: int | None = None  # seconds; None: age is no reason to rotate
    overlap: int = 0  # seconds both generations live
    trigger: str = ""  # a change of this text forces a rotation
    jitter: int | None = None  # seconds over which rotations of a fleet are spread; None: as it seems fit


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAccount:
    address: Address  # Account/… or SubAccount/…
    master: str  # the name of the root of the hierarchy; its own name for an Account
    surface: str  # connect | website
    ceiling: frozenset[Permission]  # what keys directly on it may hold at most
    own_allow: frozenset[Permission] | None  # as written here; None: nothing written
    own_deny: frozenset[Permission]
    place: Place
    iiban: str = ""  # the pin; empty: the first one seen is remembered
    username: str = ""  # sub-accounts only
    email: str = ""
    keys_limit: int | None = None
    report_unmanaged: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.address.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredKey:
    """None in a field means: not managed. It is sent as Kraken's default at issue and never compared afterwards."""

    address: Address
    grants: frozenset[Permission]
    ip_allowlist: tuple[str, ...]  # canonical and sorted; () is `any`, the whole world, as on Kraken
    valid_for: int | None  # seconds from each issue
    valid_until: int | None  # unix seconds; at most one of the two
    query_from: int | None
    query_to: int | None
    nonce_window: int | None  # in the unit of the nonce
    rotation: Rotation
    consumer_nonce: str  # s | ms | us | ns | counter | unknown
    secret: SecretRef
    protect: bool
    place: Place
    formerly: tuple[Address, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.address.path[0]

    @property
    def nonce(self) -> NonceScale:
        return NonceScale(self.consumer_nonce)


@dataclass(frozen=True, slots=True)
class Removal:
    """What becomes of a key that is no longer declared."""

    address: Address
    action: str  # revoke | forget
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The whole of it. Accounts come parents first; keys in address order."""

    accounts: Mapping[str, DesiredAccount]
    keys: Mapping[Address, DesiredKey]
    removals: Mapping[Address, Removal]
    digest: str  # sha256 of the manifests' bytes and names
