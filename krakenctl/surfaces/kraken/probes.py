"""Calls that tell whether a permission which a key says it holds is let through. They create, move and change nothing.

Kraken's reference and its guide disagree about what some calls need (krakenfx/api-specs, spot-rest; docs.kraken.com,
API keys guide). Nobody outside knows which is right, so answers prove something only if they do by both.

Not probed: GetWebSocketsToken, because it makes a credential; Earn, because its calls that need the permission alone
move funds; addresses, because theirs add, change or delete one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from krakenctl.errors import (
    ExchangeError,
    LockedOut,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
)
from krakenctl.model.description import CLOCKS, Description, NonceScale, tick
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.verification import Probed, Verdict
from krakenctl.surfaces.kraken.answers import says
from krakenctl.surfaces.kraken.meter import TIERS, Counter, Limit
from krakenctl.surfaces.kraken.own_key import OwnKey

Ways = tuple[frozenset[Permission], ...]  # each is enough alone, and all of a way is needed
_P = Permission
_READINGS = 2  # the reference, the guide


def _ways(*ways: tuple[Permission, ...]) -> Ways:
    return tuple(map(frozenset, ways))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`needs`: by Kraken's reference. `guide`: by its guides, where they say something else."""

    name: str
    needs: Ways
    guide: Ways = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    in_window: bool = False  # of history: what lies outside the key's query window is refused, so we stay inside
    cost: int = 1  # the most that anybody says
    beyond: tuple[str, ...] = ()  # errors that only who has the permission gets to see

    @property
    def readings(self) -> tuple[Ways, ...]:
        """One for each document: either is taken to be right as a whole."""
        return (self.needs, self.guide or self.needs)


_NO_ORDER = "OZZZZZ-ZZZZZ-ZZZZZZ"  # the form of an order's id, so that nothing else is meant, and nobody's order
# Should `validate` be overlooked, it is still an order that nobody fills: far below the market, never taking, over in
# ten seconds.
_ORDER = {
    "pair": "XBTUSD",
    "type": "buy",
    "ordertype": "limit",
    "price": "1.0",
    "volume": "1",
    "oflags": "post",
    "timeinforce": "GTD",
    "expiretm": "+10",
    "validate": "true",
}

# None of them changes anything: where nothing is said, it only reads.
_BALANCE = Call(name="Balance", needs=_ways((_P.QUERY_FUNDS,)))
_DEPOSIT_METHODS = Call(  # it lists ways to deposit, and makes no address
    name="DepositMethods",
    needs=_ways((_P.QUERY_FUNDS, _P.ADD_FUNDS)),
    guide=_ways((_P.ADD_FUNDS,)),
    fields={"asset": "XBT"},
)
_WITHDRAW_METHODS = Call(  # it lists ways to withdraw, and names neither address nor amount
    name="WithdrawMethods",
    needs=_ways((_P.QUERY_FUNDS, _P.WITHDRAW_FUNDS)),
    guide=_ways((_P.WITHDRAW_FUNDS,)),
)
_OPEN_ORDERS = Call(name="OpenOrders", needs=_ways((_P.QUERY_OPEN_TRADES,)))
_CLOSED_ORDERS = Call(name="ClosedOrders", needs=_ways((_P.QUERY_CLOSED_TRADES,)), in_window=True, cost=2)
_ADD_ORDER = Call(  # with `validate` an order is checked and not placed
    name="AddOrder",
    needs=_ways((_P.MODIFY_TRADES,)),
    fields=_ORDER,
    cost=0,
    beyond=("EOrder:",),
)
_CANCEL_ORDER = Call(  # it names an order that does not exist
    name="CancelOrder",
    needs=_ways((_P.MODIFY_TRADES,), (_P.CLOSE_TRADES,)),
    guide=_ways((_P.CLOSE_TRADES,)),
    fields={"txid": _NO_ORDER},
    cost=0,
    beyond=("EOrder:",),
)
_EDIT_ORDER = Call(  # it names an order that does not exist, with `validate`, which changes nothing
    name="EditOrder",
    needs=_ways((_P.MODIFY_TRADES, _P.CLOSE_TRADES)),
    guide=_ways((_P.MODIFY_TRADES,)),
    fields={"txid": _NO_ORDER, "pair": "XBTUSD", "price": "1.0", "validate": "true"},
    beyond=("EOrder:",),
)
_LEDGERS = Call(name="Ledgers", needs=_ways((_P.QUERY_LEDGER,)), in_window=True, cost=2)
_EXPORT_STATUS = Call(name="ExportStatus", needs=_ways((_P.EXPORT_DATA,)), fields={"report": "trades"})

# Each permission's calls. CancelOrder alone proves close-trades by the guide, EditOrder alone by the reference.
PROBES: Mapping[Permission, tuple[Call, ...]] = {
    _P.QUERY_FUNDS: (_BALANCE,),
    _P.ADD_FUNDS: (_DEPOSIT_METHODS,),
    _P.WITHDRAW_FUNDS: (_WITHDRAW_METHODS,),
    _P.QUERY_OPEN_TRADES: (_OPEN_ORDERS,),
    _P.QUERY_CLOSED_TRADES: (_CLOSED_ORDERS,),
    _P.MODIFY_TRADES: (_ADD_ORDER,),
    _P.CLOSE_TRADES: (_CANCEL_ORDER, _EDIT_ORDER),
    _P.QUERY_LEDGER: (_LEDGERS,),
    _P.EXPORT_DATA: (_EXPORT_STATUS,),
}
NO_PROBE: Mapping[Permission, str] = {
    _P.EARN_FUNDS: "the calls that need it alone move funds",
    _P.CREATE_WS_TOKEN: "the one call that needs it makes a token",
    _P.ADD_WITHDRAW_ADDRESS: "the calls that need it add, change or delete an address",
    _P.UPDATE_WITHDRAW_ADDRESS: "no call is known to need it and to change nothing",
}


class Pace:
    """When one key may be called again: its nonces must rise, and half of its call counter is its consumer's."""

    def __init__(
        self,
        tier: str = "starter",
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        limit = TIERS[tier]
        self._counter = Counter(Limit(limit.maximum / 2, limit.decay / 2))
        self._clock = clock
        self._wait = wait
        self._is_first = True

    def after_another(self) -> None:
        """The key was called a moment ago."""
        self._is_first = False

    def before(self, scale: NonceScale, cost: int) -> None:
        counted = self._counter.take(self._clock(), cost)
        seconds = counted if self._is_first else max(tick(scale), counted)
        self._is_first = False
        if seconds:
            self._wait(seconds)


def probe(own: OwnKey, description: Description, *, pace: Pace | None = None) -> tuple[Probed, ...]:
    """Each permission that the key says it holds, in Kraken's order. Raises nothing that the exchange may say.

    Ten calls at most, which may take half a minute. A key whose consumer sends anything but a clock is not called.
    """
    pace = pace or Pace()
    pace.after_another()
    probing = _Probing(own, description, pace)
    return tuple(probing.probed(permission) for permission in in_order(description.live.spec.permissions))


@dataclass
class _Probing:
    own: OwnKey
    description: Description
    pace: Pace
    over: str = ""  # why no further call is made
    answers: dict[str, bool | str] = field(default_factory=dict)  # by call: let through, refused, or why nobody knows

    def probed(self, permission: Permission) -> Probed:
        calls = PROBES.get(permission, ())
        if not calls:
            return Probed(permission=permission, verdict=Verdict.LISTED, why=NO_PROBE[permission])
        verdict, why = self._verdict(permission, calls)
        made = tuple(call.name for call in calls if call.name in self.answers)
        return Probed(permission=permission, verdict=verdict, calls=made, why=why)

    def _verdict(self, permission: Permission, calls: tuple[Call, ...]) -> tuple[Verdict, str]:
        """No call is made that some reading would refuse anyway, and none that could prove nothing."""
        made = [call for call in calls if all(_met(ways, self._held) for ways in call.readings)]
        if self._meant(permission, [(call, True) for call in made]) is not Verdict.GRANTED:
            return Verdict.LISTED, "by Kraken's reference or its guide, what could try it needs more than the key holds"
        answers: list[tuple[Call, bool]] = []
        for call in made:
            answer = self._answer(call)
            if isinstance(answer, str):
                return Verdict.LISTED, answer
            answers.append((call, answer))
        verdict = self._meant(permission, answers)
        return verdict, _REFUSED[verdict].format(", ".join(call.name for call, granted in answers if not granted))

    def _meant(self, permission: Permission, answers: list[tuple[Call, bool]]) -> Verdict:
        """GRANTED or DENIED if by no reading the other could have had these answers; else LISTED."""
        with_it, without = (
            any(
                all(_met(call.readings[reading], held) is answer for call, answer in answers)
                for reading in range(_READINGS)
            )
            for held in (self._held, self._held - {permission})
        )
        if with_it == without:
            return Verdict.LISTED
        return Verdict.GRANTED if with_it else Verdict.DENIED

    @cached_property
    def _held(self) -> frozenset[Permission]:
        return self.description.live.spec.permissions

    def _answer(self, call: Call) -> bool | str:
        if call.name not in self.answers:
            if why := self._why_not():
                return why
            self.answers[call.name] = self._made(call)
        return self.answers[call.name]

    def _why_not(self) -> str:
        if self.description.scale not in CLOCKS:
            return "what its consumer sends as nonce is no clock, so it was not called"
        return self.over or self.own.row.no_more

    def _made(self, call: Call, tries: int = 2) -> bool | str:
        """A refused nonce is tried once more: its consumer was quicker."""
        scale, fields = self.description.scale, {**call.fields, **_window(call, self.description.live.spec)}
        self.pace.before(scale, call.cost)
        try:
            self.own.call(call.name, scale, **fields)
        except PermissionDenied:
            self._rest()
            return False
        except NonceRefused:
            return self._made(call, tries - 1) if tries > 1 and not self.own.row.no_more else _BUSY
        except (LockedOut, NotAuthorised, RateLimited) as problem:
            self.over = problem.message
            return self.over
        except Refused as problem:
            return self._other(call, problem)
        except ExchangeError as problem:
            self.over = problem.message
            return self.over
        return True

    def _other(self, call: Call, problem: Refused) -> bool | str:
        if says(problem, *call.beyond):
            self.own.row.was_expected()
            self._rest()
            return True
        return f"{call.name}: {', '.join(problem.errors) or problem.message}"

    def _rest(self) -> None:
        """End a row of refusals with a call that needs no permission."""
        if not self.own.row.no_more:
            self.pace.before(self.description.scale, 1)
            try:
                self.own.describe(self.description.scale)
            except ExchangeError:
                return


_BUSY = "its consumer was using it at the same moments"
_REFUSED = {
    Verdict.GRANTED: "",
    Verdict.DENIED: "Kraken refused {}",
    Verdict.LISTED: "Kraken refused {}, which no document of its own explains",
}


def _met(ways: Ways, held: AbstractSet[Permission]) -> bool:
    return any(way <= held for way in ways)


def _window(call: Call, spec: KeySpec) -> dict[str, Any]:
    """What is asked of history lies inside what the key may see: elsewhere it gets another error."""
    ends = {"start": spec.query_from, "end": spec.query_to} if call.in_window else {}
    return {name: str(moment) for name, moment in ends.items() if moment}
