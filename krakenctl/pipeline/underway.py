"""What an earlier run has begun and not ended: how it stands, what is to be done about it, and the world afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from krakenctl import parallel
from krakenctl.errors import KrakenctlError, StoreError
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.recovery import Move, Recovery

if TYPE_CHECKING:
    from krakenctl.apply.grants import Grant
    from krakenctl.apply.ports import Ports
    from krakenctl.apply.recovery.evidence import Decided
    from krakenctl.apply.recovery.sight import Bounds
    from krakenctl.model.address import Address
    from krakenctl.model.desired import DesiredKey
    from krakenctl.model.recorded import Recorded
    from krakenctl.project import Project
    from krakenctl.stores.base import Store
    from krakenctl.surfaces.base import Surface

Live = Mapping[str, LiveAccount]


class UnderWay:
    """For one command. Most have nothing to recover, and then it costs nothing."""

    def __init__(
        self,
        project: Project,
        surface: Callable[[str], Surface],
        store: Callable[[str], Store],
        usernames: dict[str, str],
        now: Callable[[], int],
        *,
        parallelism: int = 1,
    ) -> None:
        self._project = project
        self._surface = surface
        self._store = store
        self._usernames = usernames  # by account; the exchange reads it
        self._now = now  # the exchange's clock
        self._parallelism = parallelism  # how many accounts are looked at at once
        self._in_vain: dict[Address, Recovered] = {}  # what this command could not recover

    def recover(self, recorded: Recorded, ports: Ports) -> tuple[Recovered, ...]:
        """Do it, and tell what is worth telling. Raises LeaseLost, Contained or StateError."""
        if not recorded.intents:
            return ()
        from krakenctl.apply.recovery.run import recover

        live = self._observe(recorded)
        decided = self._decided(recorded, live, trying=True)
        told = recover(decided, recorded, live, ports)
        self._in_vain = {one.recovery.address: one for one in told if one.result is not Result.DONE}
        news = {_handle(one.recovery) for one in decided if one.is_news}
        return tuple(one for one in told if _handle(one.recovery) in news)

    def foresee(self, recorded: Recorded) -> tuple[Recovery, ...]:
        """What `recover` would do."""
        if not recorded.intents:
            return ()
        decided = self._decided(recorded, self._observe(recorded))
        return tuple(one.recovery for one in decided if one.is_news)

    def after(
        self, recorded: Recorded, live: dict[str, LiveAccount], now: int
    ) -> tuple[Recorded, dict[str, LiveAccount], tuple[Recovery, ...]]:
        """The world that a plan is drawn for, and what makes it so."""
        if not recorded.intents:
            return recorded, live, ()
        from krakenctl.apply.recovery.forecast import forecast

        decided = self._decided(recorded, live)
        after, seen = forecast(recorded, live, decided, now)
        return after, seen, tuple(one.recovery for one in decided if one.is_news and not self._is_left(one.recovery))

    def _decided(self, recorded: Recorded, live: Live, *, trying: bool = False) -> tuple[Decided, ...]:
        from krakenctl.apply.recovery.evidence import decide_all

        decided = decide_all(recorded, live, self._bounds(recorded), self._store, self._now(), trying=trying)
        return tuple(self._sobered(one) for one in decided)

    def _sobered(self, decided: Decided) -> Decided:
        """What this very command has tried in vain is not planned upon."""
        vain = self._in_vain.get(decided.recovery.address)
        if vain is None or decided.recovery.move.stays:
            return decided
        move = Move.DROP if self._is_left(decided.recovery) else Move.WAIT
        return replace(decided, recovery=replace(decided.recovery, move=move, why=vain.message))

    def _is_left(self, recovery: Recovery) -> bool:
        """An old key that stays because the store, as this host sees it, does not hold its successor.

        It is recorded as replaced and goes with the plan, or with the next secret that is issued from here: nothing
        has to wait for the one that never arrived.
        """
        vain = self._in_vain.get(recovery.address)
        return vain is not None and vain.recovery.move is Move.CLOSE and vain.code == StoreError.code

    def _bounds(self, recorded: Recorded) -> Bounds:
        from krakenctl.apply.recovery.sight import Bounds
        from krakenctl.plan.homes import moved

        desired = self._project.desired
        ceilings = {name: account.ceiling for name, account in desired.accounts.items()}
        declared = {key.address: _grant(key) for key in desired.keys.values()}
        homes = moved(desired.keys.values(), recorded.keys)
        return Bounds(ceilings=ceilings, declared=declared, moved=homes, sound=self._project.sound)

    def _observe(self, recorded: Recorded) -> dict[str, LiveAccount]:
        """Only the accounts that recovery is about. One that cannot be seen has to wait, and holds up no other."""
        names = sorted({intent.home for intent in recorded.intents})
        self._usernames |= {name: recorded.accounts[name].username for name in self._undeclared(names, recorded)}
        seen = parallel.each(lambda name: self._see(name, recorded), names, self._parallelism)
        return dict(zip(names, seen, strict=True))

    def _undeclared(self, names: Iterable[str], recorded: Recorded) -> Iterator[str]:
        declared = self._project.desired.accounts
        return (name for name in names if name not in declared and name in recorded.accounts)

    def _see(self, name: str, recorded: Recorded) -> LiveAccount:
        from krakenctl.observe import accounts as observe

        desired, known = self._project.desired.accounts.get(name), recorded.accounts.get(name)
        try:
            if desired is not None:
                return observe.account(desired, known, self._surface)
            if known is not None:
                return observe.undeclared(known, self._surface)
        except KrakenctlError as problem:
            return LiveAccount(name=name, phase=Phase.REQUESTED, reason=problem.message)
        return LiveAccount(name=name, phase=Phase.ABSENT, reason="nothing is known of it any more")


def _grant(key: DesiredKey) -> Grant:
    from krakenctl.apply.grants import Grant
    from krakenctl.plan import wanted

    return Grant(
        spec=wanted.at_issue(key),
        valid_for=key.valid_for,
        managed=wanted.managed(key),
        secret=key.secret,
        trigger=key.rotation.trigger,
        protect=key.protect,
        nonce=key.nonce,
    )


def _handle(recovery: Recovery) -> tuple[Address, str]:
    return recovery.address, recovery.name
