"""What time it is at the exchange, and what time the programs that use keys take it for; nonces are made of that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from krakenctl.errors import ExchangeError
from krakenctl.surfaces.kraken import spot
from krakenctl.transport.http import Http

_SECOND = 1_000_000_000  # nanoseconds, as all numbers here that are not said to be seconds
_MILLISECOND = 1_000_000
_SLOW = 0.5  # seconds: a look that took longer leaves much open, and is taken again
_LOOKS = 3
_ASLEEP = _SECOND  # by which our wall clock may get ahead of our monotonic one


class OwnTime(Protocol):
    """Ours; the module `time` is one."""

    def time_ns(self) -> int: ...
    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the exchange's clock, between two at ours. What our wall clock does afterwards does not matter."""

    told: int  # the exchange's, unix seconds; it tells whole ones
    before: int  # ours, since 1970, when the question was sent
    took: int  # until the answer was there, by our monotonic clock
    then: int  # our monotonic clock, when the answer was there

    @property
    def after(self) -> int:
        return self.before + self.took

    @property
    def seconds(self) -> float:
        """That the call took."""
        return self.took / _SECOND

    @property
    def ahead(self) -> float:
        """Seconds that our clock is ahead of the exchange's, give or take `doubt`: the middle of what is possible."""
        return (self.before - self.told * _SECOND) / _SECOND + self.seconds / 2 - 0.5

    @property
    def doubt(self) -> float:
        """Seconds: half of what the call took, and half of what whole seconds leave open."""
        return 0.5 + self.seconds / 2

    @property
    def is_right(self) -> bool:
        """Whether our clock, too, may have shown the second that was told when that was told."""
        return self.before < (self.told + 1) * _SECOND and self.after >= self.told * _SECOND

    @property
    def consumers(self) -> int:
        """Since 1970, when the answer was there: ours if it is right, else by the slower of the two.

        A nonce of a fast clock locks a consumer out. A program with the faster clock is at worst quicker than we are:
        our call is refused, and nothing is spent.
        """
        return self.after if self.is_right else min(self.after, self.told * _SECOND)

    @property
    def embedded(self) -> int:
        """The same of an exchange in this process: nobody else uses its keys, and its clock may be set anywhere."""
        theirs = self.told * _SECOND
        return self.after if self.after >= theirs else theirs + self.after % _SECOND


def look(http: Http, own: OwnTime = time) -> Moment:
    """By a public call. Raises ExchangeError."""
    before, began = own.time_ns(), _monotonic(own)
    told = spot.server_time(http)
    then = _monotonic(own)
    return Moment(told, before, then - began, then)


def _monotonic(own: OwnTime) -> int:
    return round(own.monotonic() * _SECOND)


class _Rising:
    def __init__(self) -> None:
        self._last = 0
        self._turn = threading.Lock()

    def to(self, at: int) -> int:
        with self._turn:
            self._last = max(self._last + _MILLISECOND, at)
            return self._last


class Clocks:
    """Both clocks, from one look on; our monotonic clock counts on. Threads may share it.

    The look is taken when the first of them is asked for the time, and again where this host has slept since, which its
    monotonic clock does not count. Raises ExchangeError while there is none.
    """

    def __init__(self, look: Callable[[], Moment], own: OwnTime = time, *, embedded: bool = False) -> None:
        self._look = look
        self._own = own
        self._embedded = embedded
        self._moment: Moment | None = None
        self._told, self._told_own = _Rising(), _Rising()
        self._turn = threading.Lock()

    @property
    def is_known(self) -> bool:
        return self._moment is not None

    def now(self) -> int:
        """The exchange's clock, unix seconds; never ahead of it."""
        moment = self._anchor()
        return moment.told + self._since(moment) // _SECOND

    def clock(self) -> int:
        """Nanoseconds since 1970, as the consumers of keys have it: never back, and a millisecond on at least."""
        moment = self._anchor()
        began = moment.embedded if self._embedded else moment.consumers
        return self._told.to(began + self._since(moment))

    def own_clock(self) -> int:
        """The same for krakenctl's own keys. An embedded exchange's clock may stand still from command to command."""
        return self._told_own.to(self._own.time_ns()) if self._embedded else self.clock()

    def _since(self, moment: Moment) -> int:
        return _monotonic(self._own) - moment.then

    def _anchor(self) -> Moment:
        with self._turn:
            if self._moment is None:
                self._moment = self._quickest()
            elif not self._embedded and self._has_slept(self._moment):
                with suppress(ExchangeError):  # then the time is behind, as it is for a consumer with a slow clock
                    self._moment = self._quickest()
            return self._moment

    def _has_slept(self, moment: Moment) -> bool:
        """Or somebody has put our wall clock on. One that is put back changes nothing."""
        return self._own.time_ns() - moment.after - self._since(moment) > _ASLEEP

    def _quickest(self) -> Moment:
        """What one look leaves open, a quicker one may tell. Raises ExchangeError where not even the first succeeds."""
        found = [self._look()]
        with suppress(ExchangeError):
            while found[-1].seconds > _SLOW and len(found) < _LOOKS:
                found.append(self._look())
        return min(found, key=lambda each: each.took)
