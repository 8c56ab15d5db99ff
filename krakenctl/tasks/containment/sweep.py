"""One account under the kill switch: revoke, look, and again, until none of the keys shows any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from krakenctl.errors import AnswerLost, ExchangeError, LockedOut, NotAuthorised, PermissionDenied
from krakenctl.model.containment import Doomed, Fate, KeyFate
from krakenctl.model.key import LiveKey
from krakenctl.surfaces.base import Surface
from krakenctl.tasks.containment.remedy import passes, remedy

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 0.0)  # seconds, one after each round
_STOPS = (NotAuthorised, LockedOut)  # another call would only make it worse


@dataclass(slots=True, kw_only=True)
class Sweep:
    account: str
    surface: Surface
    page: str  # where a person revokes what we cannot
    targets: dict[str, Doomed]  # by live name; grows when more come to light
    wanted: Callable[[LiveKey], Doomed | None]  # whether a key that shows later goes too
    ended: float = 0.0  # our monotonic clock when it was known how it stands
    seen: tuple[LiveKey, ...] | None = None  # the last list; None: none could be read
    _refused: dict[str, ExchangeError | None] = field(default_factory=dict)  # by live name; None: it was taken
    _lost: dict[str, str] = field(default_factory=dict)  # by live name: what was said in place of an answer
    _requests: dict[str, str] = field(default_factory=dict)
    _left: set[str] = field(default_factory=set)  # what the last list still showed
    _doubt: ExchangeError | None = None  # why the last list could not be read, or is not asked for any more
    _stop: ExchangeError | None = None  # after which nothing more is asked

    def run(self) -> list[KeyFate]:
        """What became of each. Never raises ExchangeError."""
        todo = list(self.targets)
        for pause in PAUSES:
            for name in todo:
                self._revoke(name)
            todo = [name for name in self._look() if not isinstance(self._refused.get(name), PermissionDenied)]
            if not (todo or self._doubt) or self._stop:
                break
            time.sleep(pause)
        self.ended = time.monotonic()
        return [self._fate(doomed) for doomed in self.targets.values()]

    def _revoke(self, name: str) -> None:
        if self._stop:
            return
        try:
            self.surface.revoke(name)
            self._refused[name] = None
        except AnswerLost as problem:  # the list knows
            self._refused[name], self._lost[name] = None, problem.message
        except ExchangeError as problem:
            self._refused[name] = problem
            self._stop = problem if isinstance(problem, _STOPS) else None
        self._requests[name] = self.surface.take_request()

    def _look(self) -> list[str]:
        """The names that are still there, or came to be; after a list that failed, those whose revocation failed."""
        if self._stop:
            self._doubt = self._stop
            return []
        try:
            live = self.surface.list_keys().keys
        except ExchangeError as problem:
            self._doubt, self._stop = problem, problem if isinstance(problem, _STOPS) else None
            return [name for name in self.targets if self._refused.get(name)]
        self._doubt, self.seen = None, tuple(live)
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
        problem, message = self._failure(doomed.name)
        refused = self._refused.get(doomed.name, problem)
        fate = KeyFate(
            account=self.account,
            name=doomed.name,
            address=doomed.address,
            fate=Fate.GONE if refused else Fate.REVOKED,
            request=self._requests.get(doomed.name, ""),
        )
        if not message:
            return fate
        helps = remedy(problem, self.page)
        return replace(fate, fate=Fate.FAILED, message=message, helps=helps, passes=passes(problem))

    def _failure(self, name: str) -> tuple[ExchangeError | None, str]:
        """What stands in the way, and the same as a sentence; the empty one: it is gone."""
        refused = self._refused.get(name)
        if self._doubt and name not in self._refused:
            return self._doubt, f"it was not tried any more: {self._doubt.message}"
        if self._doubt and refused is None:
            return self._doubt, f"no list has confirmed it: {self._doubt.message}"
        if self._doubt or name in self._left:
            return refused, refused.message if refused else self._still_there(name)
        return None, ""

    def _still_there(self, name: str) -> str:
        lost = f": {self._lost[name]}" if name in self._lost else ""
        return f"it still shows in the account's list{lost}"
