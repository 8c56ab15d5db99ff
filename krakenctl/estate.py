"""What is ours on each account and may be asked about itself: keys with their secrets, and what they have answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from krakenctl.holdings import OpenStore, holdings, under_way
from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.holding import Holding
from krakenctl.model.recorded import Gone, Recorded
from krakenctl.model.run import Run
from krakenctl.state.base import State


@dataclass(slots=True, kw_only=True)
class Estate:
    """For one command. Nothing is read before an account is asked about, and then anew for every look."""

    recorded: Callable[[], Recorded]
    declared: Mapping[Address, DesiredKey]
    open_store: OpenStore
    host: str
    holding: Callable[[], tuple[State, Run] | None] = lambda: None  # the state, while it may be written
    now: Callable[[], int] = lambda: int(time.time())  # unix seconds

    def of(self, account: str) -> Share:
        return Share(self, account)


@dataclass(slots=True)
class Share:
    """One account's part of it. See `surfaces.kraken.roll.Held`."""

    estate: Estate
    account: str
    _said: dict[str, bool | None] = field(default_factory=dict)  # by public key: what this command has heard
    _remembered: Mapping[tuple[str, str], bool] | None = None
    _gone: dict[str, Gone] = field(default_factory=dict)  # by public key

    def holdings(self) -> Iterator[Holding]:
        estate, recorded = self.estate, self.estate.recorded()
        self._recall(recorded)
        ours = [each for each in (*recorded.keys.values(), *recorded.retired) if each.account == self.account]
        begun = [intent for intent in recorded.intents if intent.account == self.account]
        yield from holdings(ours, estate.declared, estate.open_store)
        yield from under_way(begun, estate.declared, estate.open_store)

    def other_accounts(self) -> Mapping[str, str]:
        known = self.estate.recorded().accounts.values()
        return {each.iiban: each.name for each in known if each.iiban and each.name != self.account}

    def answers(self, public_key: str) -> bool | None:
        if public_key in self._said:
            return self._said[public_key]
        return self._known().get((public_key, self.estate.host))

    def has_answered(self, public_key: str) -> bool:
        return self.answers(public_key) is True

    def note(self, public_key: str, *, answers: bool | None) -> None:
        """Written down where the state may be written; else for this command only."""
        self._said[public_key] = answers
        is_known = (self._remembered or {}).get((public_key, self.estate.host)) is answers
        if not is_known and (held := self.estate.holding()) is not None:
            held[0].hear(public_key, self.estate.host, answers=answers)

    @property
    def remembers(self) -> bool:
        return self.estate.holding() is not None

    def gone(self, public_key: str) -> Gone | None:
        self._known()
        return self._gone.get(public_key)

    def is_gone(self, public_key: str) -> bool:
        return self.gone(public_key) is not None

    def note_gone(self, public_key: str, said: str) -> None:
        if (held := self.estate.holding()) is not None:
            held[0].gone(public_key, Gone(since=self.estate.now(), host=self.estate.host, said=said))

    def _known(self) -> Mapping[tuple[str, str], bool]:
        return self._recall(self.estate.recorded()) if self._remembered is None else self._remembered

    def _recall(self, recorded: Recorded) -> Mapping[tuple[str, str], bool]:
        self._remembered, self._gone = recorded.answered, dict(recorded.gone)
        return recorded.answered
