"""One account and all that bears on its plan: declared, live, recorded, asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, DesiredAccount, DesiredKey
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey, same_creation
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import Containment, Given, Recorded, RecordedKey, SeenLimit, keys_limit
from krakenctl.plan.authority import Errand
from krakenctl.plan.rotation import Asked


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`account` is None when it is no longer declared."""

    name: str
    account: DesiredAccount | None
    declared: tuple[DesiredKey, ...]
    removals: Mapping[Address, str]  # forget | revoke, for keys that are no longer declared
    live: LiveAccount
    recorded: tuple[RecordedKey, ...]  # current keys of this account
    retired: tuple[RecordedKey, ...]
    intents: tuple[Intent, ...]
    generations: Mapping[Address, int]  # burned, of all accounts
    tag: str
    now: int
    limit_seen: SeenLimit | None
    errand: Errand
    asked: Mapping[Address, Asked]  # keys that somebody wants rotated now
    waiting: Mapping[Address, str]  # why a change of an earlier run, which must be finished first, has to wait
    contained: Mapping[Address, Containment]  # the kill switch was used on these, and they were not issued since
    given: tuple[Given, ...]  # handed over: none of ours, whatever they are called
    seen: Mapping[str, int]  # the highest nonce that a key is known to have seen, by its public half

    @cached_property
    def by_name(self) -> Mapping[str, LiveKey]:
        return {key.name: key for key in self.live.keys}

    @property
    def keys_limit(self) -> int | None:
        declared = self.account.keys_limit if self.account else None
        return keys_limit(declared, self.limit_seen, len(self.live.keys))

    @property
    def traces(self) -> tuple[RecordedKey | Intent, ...]:
        """All by which the state knows of a key."""
        return (*self.recorded, *self.retired, *self.intents)

    def is_silent(self, record: RecordedKey | None) -> bool:
        """Whether it answers no more, and nothing proves its end."""
        return record is not None and self.live.aside(record.live_name).silent

    @cached_property
    def held_up(self) -> frozenset[str]:
        """Replaced keys whose end was begun and has to wait, so that it is not planned beside that."""
        begun = (intent for intent in self.intents if intent.stage is Stage.PROMOTED)
        return frozenset(intent.old_name for intent in begun if intent.address in self.waiting)

    def shown(self, address: Address) -> Mapping[int, Intent]:
        """By generation: of that key, what a person was told to make, and has not given the pair of."""
        told = (intent for intent in self.intents if intent.stage is Stage.SHOWN and intent.address == address)
        return {intent.generation: intent for intent in told}

    def same_key(self, record: RecordedKey | None) -> LiveKey | None:
        """The live key of that name, unless it was created at another time: then it is somebody else's.

        Where a time is not told the name has to do, and what ends the key says so (`changes.by_name_alone`).
        """
        live = self.by_name.get(record.live_name) if record else None
        if live is None or record is None or not same_creation(live.created, record.created):
            return None
        return live


def scenes(
    desired: Desired,
    live: Mapping[str, LiveAccount],
    state: Recorded,
    *,
    tag: str,
    now: int,
    errand: Errand,
    asked: Mapping[Address, Asked],
    waiting: Mapping[Address, str],
) -> list[Scene]:
    """One per account, declared ones first in their order; then those whose keys are still recorded."""
    declared = _by_account(desired.keys.values())
    current, retired, intents = _by_account(state.keys.values()), _by_account(state.retired), _by_account(state.intents)
    given, seen = _by_account(state.given), state.seen()
    removals = {removal.address: removal.action for removal in desired.removals.values()}
    undeclared = (current.keys() | retired.keys() | intents.keys()) - desired.accounts.keys()
    return [
        Scene(
            name=name,
            account=desired.accounts.get(name),
            declared=tuple(declared.get(name, ())),
            removals=removals,
            live=live.get(name) or LiveAccount(name=name, phase=Phase.ABSENT),
            recorded=tuple(current.get(name, ())),
            retired=tuple(retired.get(name, ())),
            intents=tuple(intents.get(name, ())),
            generations=state.generations,
            tag=tag,
            now=now,
            limit_seen=state.limits.get(name),
            errand=errand,
            asked=asked,
            waiting=waiting,
            contained=state.contained,
            given=tuple(given.get(name, ())),
            seen=seen,
        )
        for name in [*desired.accounts, *sorted(undeclared)]
    ]


class _OfAccount(Protocol):
    @property
    def account(self) -> str: ...


T = TypeVar("T", bound=_OfAccount)


def _by_account(values: Iterable[T]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for value in values:
        groups.setdefault(value.account, []).append(value)
    return groups
