"""One account under the kill switch: revoke, look, and again, until none of the keys shows any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from krakenctl.errors import AnswerLost, ExchangeError, LockedOut, NotAuthorised
from krakenctl.model.containment import Doomed, Fate, KeyFate
from krakenctl.model.key import LiveKey
from krakenctl.surfaces.base import Surface

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 0.0)  # seconds, one after each round
_STOPS = (NotAuthorised, LockedOut)  # another call would only make it worse


@dataclass(slots=True, kw_only=True)
class Sweep:
    account: str
    surface: Surface
    targets: dict[str, Doomed]  # by live name; grows when more come to light
    wanted: Callable[[LiveKey], Doomed | None]  # whether a key that shows later goes too
    ended: float = 0.0  # our monotonic clock when it was known how it stands
    _said: dict[str, str] = field(default_factory=dict)  # by live name: why the last try failed; empty: it was taken
    _requests: dict[str, str] = field(default_factory=dict)
    _left: set[str] = field(default_factory=set)  # what the last list still showed
    _doubt: str = ""  # why the last list could not be read
    _stopped: bool = False

    def run(self) -> list[KeyFate]:
        """What became of each. Never raises ExchangeError."""
        todo = list(self.targets)
        for pause in PAUSES:
            for name in todo:
                self._revoke(name)
            todo = self._look()
            if not (todo or self._doubt) or self._stopped:
                break
            time.sleep(pause)
        self.ended = time.monotonic()
        return [self._fate(doomed) for doomed in self.targets.values()]

    def _revoke(self, name: str) -> None:
        if self._stopped:
            return
        try:
            self.surface.revoke(name)
            self._said[name] = ""
        except AnswerLost:  # the list knows
            self._said[name] = ""
        except ExchangeError as problem:
            self._said[name] = problem.message
            self._stopped = isinstance(problem, _STOPS)
        self._requests[name] = self.surface.take_request()

    def _look(self) -> list[str]:
        """The names that are still there, or came to be; after a list that failed, those whose revocation failed."""
        if self._stopped:
            self._doubt = "nothing more could be asked of this account"
            return []
        try:
            live = self.surface.list_keys().keys
        except ExchangeError as problem:
            self._doubt, self._stopped = problem.message, isinstance(problem, _STOPS)
            return [name for name in self.targets if self._said.get(name)]
        self._doubt = ""
        self._left = {key.name for key in live if self._goes(key)}
        return sorted(self._left)

    def _goes(self, live: LiveKey) -> bool:
        known = self.targets.get(live.name)
        if known is not None and known.live.created == live.created:
            return True
        found = self.wanted(live)
        if found is not None:
            self.targets[live.name] = found
        return found is not None

    def _fate(self, doomed: Doomed) -> KeyFate:
        name, message = doomed.name, self._said.get(doomed.name, "it was not tried any more")
        fate = Fate.GONE if message else Fate.REVOKED
        if self._doubt:
            fate, message = Fate.FAILED, message or f"no list has confirmed it: {self._doubt}"
        elif name in self._left:
            fate, message = Fate.FAILED, message or "it still shows in the account's list"
        return KeyFate(
            account=self.account,
            name=name,
            address=doomed.address,
            fate=fate,
            message=message if fate is Fate.FAILED else "",
            request=self._requests.get(name, ""),
        )
