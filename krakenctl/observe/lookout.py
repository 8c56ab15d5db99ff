"""The accounts of a workspace: which ones are looked at, what is seen, and which of them nobody has seen before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from krakenctl import parallel
from krakenctl.errors import SafetyStop
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import RecordedAccount
from krakenctl.observe import accounts as observe

if TYPE_CHECKING:
    from krakenctl.model.desired import DesiredAccount
    from krakenctl.model.plan import Plan, PlannedAccount
    from krakenctl.model.recorded import Recorded
    from krakenctl.surfaces.base import Surface


class Lookout:
    """For one command. `usernames`: by account; the exchange reads it. `most`: how many accounts at once."""

    def __init__(
        self,
        declared: Mapping[str, DesiredAccount],
        surface: Callable[[str], Surface],
        usernames: dict[str, str],
        most: int,
    ) -> None:
        self._declared = declared
        self._surface = surface
        self._usernames = usernames
        self._most = most
        self._turn = threading.Lock()  # of who compares what it saw with what is remembered

    def see(self, recorded: Recorded, only: Collection[str] | None = None) -> dict[str, LiveAccount]:
        """Every account; or only those of these names. Raises SafetyStop for one that is not the known one."""
        declared = {name: each for name, each in self._declared.items() if only is None or name in only}
        live = observe.accounts(declared, recorded.accounts, self._surface, self._most)
        gone = [*self._undeclared(recorded, only)]
        self._usernames.update((account.name, account.username) for account in gone)
        seen = parallel.each(lambda account: observe.undeclared(account, self._surface), gone, self._most)
        live.update((account.name, account) for account in seen)
        observe.refuse_twins(live)
        return live

    def _undeclared(self, recorded: Recorded, only: Collection[str] | None) -> Iterator[RecordedAccount]:
        """Where keys of ours are still recorded."""
        traces = {trace.account for trace in recorded.traces if only is None or trace.account in only}
        left = sorted(traces - self._declared.keys())
        return (recorded.accounts[name] for name in left if name in recorded.accounts)

    def see_what_can_be(
        self, recorded: Recorded, only: Collection[str] | None
    ) -> tuple[dict[str, LiveAccount], dict[str, str]]:
        """An account that is not the known one stops a run; here it is told of, and the others are looked at."""
        names = {*self._declared, *(trace.account for trace in recorded.traces)}
        stopped: dict[str, str] = {}
        while True:
            try:
                live = self.see(recorded, (names if only is None else set(only)) - stopped.keys())
            except SafetyStop as problem:
                if problem.address not in names - stopped.keys():
                    raise
                stopped[problem.address] = problem.message
            else:
                return live | {name: _blind(name, why) for name, why in stopped.items()}, stopped

    def look_again(
        self, name: str, recorded: Callable[[], Recorded], remember: Callable[[RecordedAccount], None]
    ) -> LiveAccount:
        """At one that was not ready. Raises SafetyStop if it turns out to be another account that is known."""
        desired = self._declared[name]
        live = observe.account(desired, recorded().accounts.get(name), self._surface)
        with self._turn:  # of two accounts that turn out to be one, the second must see the first
            observe.refuse_known(live, recorded().accounts)
            if live.iiban:
                remember(RecordedAccount.of(desired, live.iiban))
        return live

    def new(self, plan: Plan, recorded: Recorded) -> list[RecordedAccount]:
        """For the first time: the first IIBAN seen of an account is the only one we shall accept."""
        declared = ((account, self._declared.get(account.name)) for account in plan.accounts)
        return [
            RecordedAccount.of(desired, account.iiban)
            for account, desired in declared
            if desired is not None and _is_new(account, recorded.accounts.get(account.name))
        ]


def _is_new(account: PlannedAccount, known: RecordedAccount | None) -> bool:
    """Keys that people make have an account before anybody can ask which."""
    if known is None:
        return bool(account.iiban or not account.traits.has_credential)
    return bool(account.iiban and account.iiban != known.iiban)


def _blind(name: str, why: str) -> LiveAccount:
    return LiveAccount(name=name, phase=Phase.REQUESTED, reason=why)
