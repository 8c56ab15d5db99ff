"""Which keys can do something: as declared, as last sent and as live, side by side, with what could not be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from krakenctl.model.access import AccessSight, Holder, Holders, Standing
from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import Desired, DesiredKey
from krakenctl.model.journal import Intent
from krakenctl.model.key import KeySpec, LiveKey, same_creation
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import Recorded, RecordedKey

Suffices = Callable[[AbstractSet[Permission]], bool]  # whether what a key holds is enough
_HOLDING = (Standing.HOLDS, Standing.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessScene:
    """`live` is None: nobody looked. `accounts`: which ones are asked about."""

    desired: Desired
    recorded: Recorded
    live: Mapping[str, LiveAccount] | None
    accounts: Collection[str]
    now: int
    sound: bool = True  # False: what is desired is not known


def who(scene: AccessScene, suffices: Suffices) -> Holders:
    """By account, then by address, then by name; keys that nobody here manages come last in their account."""
    rows = sorted(_Rows(scene, suffices).all(), key=_order)
    return Holders(
        holders=tuple(row for row in rows if _can(row)),
        doubtful=tuple(row for row in rows if row.unknown and not _can(row)),
        sights=tuple(_sight(name, scene) for name in sorted(scene.accounts)),
        at=scene.now,
        sound=scene.sound,
    )


def _handle(trace: RecordedKey | Intent) -> tuple[str, str]:
    return trace.account, trace.live_name


def _can(holder: Holder) -> bool:
    return any(each in _HOLDING for each in (holder.desired, holder.recorded, holder.live))


def _order(holder: Holder) -> tuple[str, bool, str, int, str]:
    return holder.account, holder.address is None, str(holder.address or ""), holder.retired_until, holder.name


def _sight(name: str, scene: AccessScene) -> AccessSight:
    if scene.live is None:
        return AccessSight(account=name, coverage=Coverage.NONE, looked=False)
    seen = scene.live.get(name)
    if seen is None:
        return AccessSight(account=name, coverage=Coverage.NONE, looked=True, reason="it cannot be reached any more")
    return AccessSight(
        account=name,
        coverage=_coverage(seen),
        looked=True,
        keys=len(seen.keys),
        reason=seen.reason,
        unasked=tuple(sorted(seen.unasked)),
        silent=tuple(sorted(seen.silent)),
        gone=tuple(sorted(_gone(name, scene.recorded))),
    )


def _gone(account: str, recorded: Recorded) -> Iterator[str]:
    ours = (each for each in recorded.ours if each.account == account)
    return (each.live_name for each in ours if each.public_key in recorded.gone)


def _coverage(seen: LiveAccount) -> Coverage:
    return seen.coverage if seen.phase is Phase.READY else Coverage.NONE


class _Rows:
    """A row for every key that is declared, recorded or live on the accounts asked about."""

    def __init__(self, scene: AccessScene, suffices: Suffices) -> None:
        self._scene = scene
        self._suffices = suffices
        self._live = {name: {key.name: key for key in seen.keys} for name, seen in (scene.live or {}).items()}

    def all(self) -> Iterator[Holder]:
        """What is recorded, what is only declared, what a run has begun, and every other live key."""
        recorded, desired = self._scene.recorded, self._scene.desired
        for record in recorded.ours:
            if record.account in self._scene.accounts:
                yield self._ours(record)
        for address, key in desired.keys.items():
            if address not in recorded.keys and key.account in self._scene.accounts:
                yield self._wished(address, key)
        ours = {_handle(record) for record in recorded.ours if self._find(record)}
        begun = {_handle(intent): intent.address for intent in recorded.intents}
        for account in sorted(self._live.keys() & set(self._scene.accounts)):
            for name, live in self._live[account].items():
                if (account, name) not in ours:
                    yield self._stray(account, live, begun.get((account, name)))

    def _ours(self, record: RecordedKey) -> Holder:
        live = self._find(record)
        key = None if record.retired_until else self._scene.desired.keys.get(record.address)
        spec = live.spec if live else record.spec
        return Holder(
            account=record.account,
            address=record.address,
            name=record.live_name,
            desired=self._of_wish(key),
            recorded=self._of_spec(record.spec),
            live=self._of_live(record.account, live),
            ip_allowlist=spec.ip_allowlist,
            valid_until=spec.valid_until,
            retired_until=record.retired_until,
            unknown=tuple(sorted(spec.unknown_permissions)),
        )

    def _of_live(self, account: str, live: LiveKey | None) -> Standing:
        """What is in an account only as recorded was not seen."""
        if live is None:
            return self._missing(account)
        unasked = (self._scene.live or {})[account].aside(live.name).unasked
        return Standing.UNSEEN if unasked else self._of_spec(live.spec)

    def _find(self, record: RecordedKey) -> LiveKey | None:
        """By name and creation time; another key of its name is not it."""
        live = self._live.get(record.account, {}).get(record.live_name)
        if live is not None and not same_creation(live.created, record.created):
            return None
        return live

    def _wished(self, address: Address, key: DesiredKey) -> Holder:
        return Holder(
            account=key.account,
            address=address,
            name="",
            desired=self._of_wish(key),
            recorded=Standing.ABSENT,
            live=self._missing(key.account),
            ip_allowlist=key.ip_allowlist,
            valid_until=key.valid_until or 0,
        )

    def _stray(self, account: str, live: LiveKey, address: Address | None) -> Holder:
        """Live and not recorded: made by others, or by a run that has not finished."""
        wish = self._scene.desired.keys.get(address) if address else None
        return Holder(
            account=account,
            address=address,
            name=live.name,
            desired=self._of_wish(wish),
            recorded=Standing.ABSENT,
            live=self._of_live(account, live),
            ip_allowlist=live.spec.ip_allowlist,
            valid_until=live.spec.valid_until,
            unknown=tuple(sorted(live.spec.unknown_permissions)),
        )

    def _of_wish(self, key: DesiredKey | None) -> Standing:
        if key is None:
            return Standing.ABSENT if self._scene.sound else Standing.UNSEEN
        return self._standing(key.grants, key.valid_until or 0)

    def _of_spec(self, spec: KeySpec) -> Standing:
        return self._standing(spec.permissions, spec.valid_until)

    def _standing(self, held: frozenset[Permission], until: int) -> Standing:
        if not self._suffices(held):
            return Standing.LACKS
        return Standing.EXPIRED if 0 < until <= self._scene.now else Standing.HOLDS

    def _missing(self, account: str) -> Standing:
        """What is not in a list is absent only where the list would show it."""
        seen = (self._scene.live or {}).get(account)
        return Standing.UNSEEN if seen is None or _coverage(seen) is Coverage.NONE else Standing.ABSENT
