"""What an earlier run has begun and not ended: how it stands, what is to be done about it, and the world afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from krakenctl import parallel
from krakenctl.errors import KrakenctlError, StoreError, UsageError
from krakenctl.model.journal import Stage
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.plan import Ended, Mark
from krakenctl.model.recorded import Gone
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.run import Deed, Run
from krakenctl.model.surface import is_by_person

if TYPE_CHECKING:
    from krakenctl.apply.evidence import Decided
    from krakenctl.apply.grants import Grant
    from krakenctl.apply.ports import Ports
    from krakenctl.apply.sight import Bounds
    from krakenctl.model.address import Address
    from krakenctl.model.desired import DesiredKey
    from krakenctl.model.journal import Intent
    from krakenctl.model.recorded import Recorded, RecordedKey
    from krakenctl.project import Project
    from krakenctl.state.base import State
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
        from krakenctl.apply.recovery import recover

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
        from krakenctl.apply.forecast import forecast

        decided = self._decided(recorded, live)
        after, seen = forecast(recorded, live, [(one.intent, one.recovery, one.fresh) for one in decided], now)
        return after, seen, tuple(one.recovery for one in decided if one.is_news and not self._is_left(one.recovery))

    def _decided(self, recorded: Recorded, live: Live, *, trying: bool = False) -> tuple[Decided, ...]:
        from krakenctl.apply.evidence import decide_all

        decided = decide_all(recorded, live, self._bounds(), self._store, self._now(), trying=trying)
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

    def _bounds(self) -> Bounds:
        from krakenctl.apply.sight import Bounds

        desired = self._project.desired
        ceilings = {name: account.ceiling for name, account in desired.accounts.items()}
        declared = {key.address: _grant(key) for key in desired.keys.values()}
        return Bounds(ceilings=ceilings, declared=declared, sound=self._project.sound)

    def _observe(self, recorded: Recorded) -> dict[str, LiveAccount]:
        """Only the accounts that recovery is about. One that cannot be seen has to wait, and holds up no other."""
        about = {i.address.name if i.address.kind == "SubAccount" else i.account for i in recorded.intents}
        names = sorted(about)
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


# What a person may have made, and is not there, as somebody has seen who looked.
_BY_PERSON = (Stage.LOST, Stage.SHOWN, Stage.STORED)


def answer(state: State, run: Run, address: Address, *, exists: bool, now: int, name: str = "") -> None:
    """A person found out whether it came to be: a sub-account, or a key that was given up, or said to be revoked.

    `name`: the key's on Kraken, where several of its address are in question: who has seen that one is not there has
    not looked for another. Raises UsageError where nothing asks for that, or it is not clear which is meant.
    """
    recorded = state.read()
    intents = [intent for intent in recorded.intents if intent.address == address]
    claimed: list[RecordedKey] = []
    if address.kind == "SubAccount":
        account = recorded.accounts.get(address.name)
        if account is None or account.iiban or not (intents or account.requested):
            raise _unasked(address)
        state.remember_account(replace(account, requested=exists))
    else:
        known = recorded.accounts.get(address.path[0])
        by_person = known is not None and is_by_person(known.surface)
        intents = [intent for intent in intents if intent.stage in (_BY_PERSON if by_person else (Stage.LOST,))]
        claimed = [key for key in recorded.retired if key.address == address and (key.claimed_by or key.silent)]
        current = recorded.keys.get(address)
        silent = [current] if by_person and current is not None and recorded.is_silent(current) else []
        if exists or not (intents or claimed or silent):
            raise _unasked(address)
        in_question = {key.live_name for key in (*claimed, *silent)} | {intent.live_name for intent in intents}
        meant = _meant(address, in_question, name)
        intents = [intent for intent in intents if intent.live_name == meant]
        claimed = [key for key in claimed if key.live_name == meant]
        for key in claimed:
            state.revoked(key.address, key.live_name)
        silent = [key for key in silent if key.live_name == meant]
        for key in silent:
            state.gone(key.public_key, Gone(since=now, host="", said=f"as {run.who} says"))
        claimed += silent
    for intent in intents:
        mark = Mark(change=intent.change.handle, at=now, who=run.who, done=True)
        state.finish(intent.address, intent.live_name, deeds=[Ended(plan=intent.plan, mark=mark)] if exists else ())
    every: list[Intent | RecordedKey] = [*intents, *claimed]
    keys = [] if address.kind == "SubAccount" else [one.live_name for one in every]
    names = f" ({', '.join(keys)})" if keys else ""
    told = f"told: {'it exists' if exists else 'it does not exist'}{names}"
    state.log.append(Deed(at=now, run=run, verb="recover", outcome="done", address=address, message=told))


def _meant(address: Address, names: set[str], name: str) -> str:
    if name in names or (len(names) == 1 and not name):
        return name or min(names)
    ways = ", ".join(f"`krakenctl recover --absent {address}:{one}`" for one in sorted(names))
    told = f"of {address}, these are in question: {', '.join(sorted(names))}"
    raise UsageError(f"{told}; and no {name}" if name else f"{told}; which of them is not there?", hint=ways)


def _unasked(address: Address) -> UsageError:
    hint = "`krakenctl recover --dry-run` shows what is asked, if anything is; of keys, --absent ends a warning"
    return UsageError(f"there is no open question whether {address} exists", hint=hint)


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
    )


def _handle(recovery: Recovery) -> tuple[Address, str]:
    return recovery.address, recovery.name
