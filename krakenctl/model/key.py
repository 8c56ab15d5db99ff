"""A key as the exchange sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret

EXPIRY_SLACK = 120  # seconds: an expiry is counted from the exchange's clock at issue, and answers take their time


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Everything about a key that we can ask for. Zero and () are Kraken's words for “no limit”."""

    permissions: frozenset[Permission]
    ip_allowlist: tuple[str, ...] = ()  # canonical and sorted; (): the whole world
    valid_until: int = 0  # unix seconds
    query_from: int = 0
    query_to: int = 0
    nonce_window: int = 0  # in the unit of the nonce
    unknown_permissions: frozenset[str] = frozenset()  # codes or flags of a Kraken newer than this krakenctl

    def has_ended(self, now: int) -> bool:
        return 0 < self.valid_until <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKey:
    name: str  # unique in its account, and the only handle there is
    spec: KeySpec
    created: int  # unix seconds; the second handle, for a key renamed by a person; 0: not told
    public_key: str = ""  # empty: the list does not tell
    modified: int = field(default=0, compare=False)  # unix seconds; 0: not told. Says when, and never whether


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """The one answer that holds the secret."""

    live: LiveKey
    public_key: str
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """What signs a Spot call."""

    public_key: str
    secret: Secret


def same_expiry(one: int, other: int) -> bool:
    """Whether two expiries mean the same moment. 0, “never”, is near nothing."""
    return one == other or bool(one and other and abs(one - other) <= EXPIRY_SLACK)


def same_creation(one: int, other: int) -> bool:
    """Whether two keys of one name may be one. 0, “not told”, speaks against nothing: then the name has to do."""
    return one == other or not (one and other)
