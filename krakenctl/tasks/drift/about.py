"""How an account stands as a whole: was it seen, is it the known one, what has a run left there? Nothing is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.drift import Drift, Kind
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import RecordedKey
from krakenctl.tasks.drift.scene import DriftScene, Place


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a scene, and all that is known of it. A declared key may be recorded under a former address."""

    scene: DriftScene
    place: Place
    live: LiveAccount | None
    declared: tuple[DesiredKey, ...]
    records: dict[Address, RecordedKey]
    retired: tuple[RecordedKey, ...]
    intents: tuple[Intent, ...]

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def ours(self) -> tuple[RecordedKey, ...]:
        return (*self.records.values(), *self.retired)

    def is_asked(self, record: RecordedKey) -> bool:
        """Whether what is live is not only what was recorded."""
        return self.live is None or not self.live.aside(record.live_name).unasked

    @property
    def is_dark(self) -> bool:
        """Whether all that is live there is only what was recorded."""
        return self.live is not None and bool(self.live.keys) and self.live.unasked.keys() >= self.place.live.keys()


def blind(account: Account) -> Iterator[Drift]:
    """An account that is still to be requested has nothing to be seen: that is told by what is to be done."""
    live = account.live
    is_absent = live is not None and live.phase is Phase.ABSENT and not (account.records or account.retired)
    if not account.place.seen and not is_absent:
        yield _unseen(account, (live.reason if live else "") or "its keys could not be listed")
    elif account.is_dark:
        yield _unseen(account, "no list shows its keys, and none of them could be asked")
    for name, remarks in sorted((live.odd if live else {}).items()):
        record = next((each for each in account.records.values() if each.live_name == name), None)
        yield Drift(
            kind=Kind.CHANGED,
            account=account.name,
            address=record.address if record else None,
            name=name,
            message=f"somebody changed {name}: {'; '.join(remarks)}",
        )


def _unseen(account: Account, why: str) -> Drift:
    stopped = account.scene.stopped.get(account.name)
    return Drift(
        kind=Kind.ACCOUNT if stopped else Kind.UNSEEN,
        account=account.name,
        address=_address(account),
        message=stopped or f"nothing is known of what is live on {account.name}: {why}",
    )


def identity(account: Account) -> Iterator[Drift]:
    """Another account than the remembered one is a hard stop, unless the manifest pins the new one."""
    memory = account.scene.recorded.accounts.get(account.name)
    now = account.live.iiban if account.live else ""
    if memory is not None and memory.iiban and now and now != memory.iiban:
        yield Drift(
            kind=Kind.ACCOUNT,
            account=account.name,
            address=_address(account),
            message=f"{account.name} is {now}, and was {memory.iiban} when krakenctl last changed something there",
        )


def _address(account: Account) -> Address | None:
    declared = account.scene.desired.accounts.get(account.name)
    memory = account.scene.recorded.accounts.get(account.name)
    return declared.address if declared else Address(memory.kind, (memory.name,)) if memory else None


def unfinished(scene: DriftScene, intent: Intent) -> Drift:
    since = f"{intent.who or 'an earlier run'} began to {intent.change.action} it"
    if intent.mistaken:
        told = f"{intent.live_name} {intent.mistake}; `krakenctl recover --absent` says that it is gone"
    elif intent.stage is Stage.LOST:
        told = f"whether {intent.live_name} ever came to be is not known: {since}, and no answer came"
    elif scene.running:
        told = f"{since}; {scene.running}"
    elif intent.stage is Stage.SHOWN:
        told = f"a person was told to make {intent.live_name}, and nobody has given its pair yet"
    else:
        told = f"{since} and did not finish ({intent.live_name}: {intent.stage})"
    return Drift(
        kind=Kind.UNFINISHED,
        account=intent.account,
        address=intent.address,
        name=intent.live_name,
        message=told,
        since=intent.began,
    )
