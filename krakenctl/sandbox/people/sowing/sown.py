"""What a seed has made, with everything that is shown once. Only values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SownKey:
    name: str  # of a Futures key: what it may do
    public_key: str
    secret: str | None = field(repr=False)  # None: the key was there, and no secret is shown twice


@dataclass(frozen=True, slots=True, kw_only=True)
class SownAccount:
    username: str
    iiban: str
    parent: str  # empty: it is no sub-account
    is_new: bool
    keys: tuple[SownKey, ...]
    futures_keys: tuple[SownKey, ...]
    has_token: bool  # the seed asks for one, so there is one
    token: dict[str, Any] | None = field(repr=False)  # as the token endpoint answers; None: none was minted


@dataclass(frozen=True, slots=True)
class SownClient:
    id: str
    secret: str | None = field(repr=False)  # None: it has none, or it was there
    is_new: bool


@dataclass(frozen=True, slots=True)
class SownFault:
    number: int
    kind: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class SownSwitch:
    name: str
    value: str
    before: str


@dataclass(frozen=True, slots=True)
class SownClock:
    second: int  # what it shows now
    is_new: bool  # False: somebody had frozen or moved it, so it was left


@dataclass(frozen=True, slots=True, kw_only=True)
class Sown:
    clock: SownClock | None  # None: the seed says nothing of it
    switches: tuple[SownSwitch, ...]
    clients: tuple[SownClient, ...]
    accounts: tuple[SownAccount, ...]  # a sub-account comes after its master
    faults: tuple[SownFault, ...]
