"""How far a run may go: `tick` rotates what is due, `rotate` what somebody named. Pure; it only ever takes away.

It looks at causes and never at reasons. A new cause is outside of everybody's authority until it is put in here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from krakenctl.errors import CannotRotate, UsageError
from krakenctl.model.address import Address
from krakenctl.model.desired import Desired
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Action, Cause, Change
from krakenctl.model.recorded import Recorded
from krakenctl.model.silence import ANSWERS_NO_MORE
from krakenctl.plan.changes import blocked
from krakenctl.plan.rotation import Asked

_DUE = frozenset({Cause.DUE, Cause.EXPIRED})
_PRESSING = _DUE | {Cause.SILENT}
_UNSEEN = _PRESSING | {Cause.UNRECORDED}
_CLOSING = frozenset({Cause.RETIRED, Cause.SUPERSEDED, Cause.LEFT})  # what an applied plan, or this one, has led to


@dataclass(frozen=True, slots=True)
class Apply:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The scheduled run: nobody looks at its plan. What no applied plan has brought, it does not bring either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """New secrets for keys that stay as they are."""

    addresses: tuple[Address, ...] = ()  # empty: all there are
    older_than: int = 0  # seconds since their issue
    compromised: bool = False
    reason: str = ""


Errand = Apply | Tick | Rotate
APPLY = Apply()


@dataclass(frozen=True, slots=True)
class Share:
    """Changes, parted into those that belong to an errand and those that are left to `apply`."""

    kept: list[Change] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)


def chosen(errand: Errand, desired: Desired, recorded: Recorded, now: int) -> Mapping[Address, Asked]:
    """The keys that somebody wants rotated. Raises UsageError for an address that nobody knows."""
    if not isinstance(errand, Rotate):
        return {}
    for address in errand.addresses:
        _must_be_known(address, {*desired.keys, *recorded.keys})
    wanted = Asked(errand.reason, errand.compromised)
    old = {key.address for key in recorded.keys.values() if now - key.issued >= errand.older_than}
    return dict.fromkeys(errand.addresses or sorted(old & desired.keys.keys()), wanted)


def _must_be_known(address: Address, known: Collection[Address]) -> None:
    if address in known:
        return
    near = get_close_matches(str(address), [str(each) for each in sorted(known)], n=1)
    hint = f"did you mean {near[0]}?" if near else "`krakenctl tree` shows what is declared"
    raise UsageError(f"there is no {address}", hint=hint)


def share(errand: Errand, changes: Iterable[Change], asked: Collection[Address], known: Collection[Address]) -> Share:
    """`known`: the addresses of keys that were issued. To share twice is to share once."""
    result, beside = Share(), {address.path[0] for address in asked}
    for change in changes:
        match errand:
            case Tick() if _is_held_up(change):
                result.kept.append(_held_up(change))
                result.left.append(change)
            case Tick():
                (result.kept if _tick_may(change, known) else result.left).append(change)
            case Rotate(addresses=named, compromised=compromised):
                may = change.address in asked and _rotate_may(change, compromised=compromised)
                may = may or (change.account in beside and _is_over(change))
                all_the_same = not named and Cause.UNRECORDED in change.causes
                (result.kept if may or all_the_same else result.left).append(change)
            case Apply():
                result.kept.append(change)
    if isinstance(errand, Tick):
        result.kept[:] = spared(result.kept)
    return result


def spared(changes: Iterable[Change]) -> list[Change]:
    """Where no successor comes after all, the overlap of the generation before does not end early for it."""
    changes = list(changes)
    held = {change.address for change in changes if change.action is Action.BLOCKED}
    return [c for c in changes if not (c.address in held and set(c.causes) == {Cause.SUPERSEDED})]


def _tick_may(change: Change, known: Collection[Address]) -> bool:
    causes = set(change.causes)
    match change.action:
        case Action.ROTATE:
            return _is_due(change)
        case Action.REVOKE:
            return bool(causes) and causes <= _CLOSING
        case Action.BLOCKED:  # an account out of reach, or a lost state: policies are broken unseen; or no room
            return bool(causes & _UNSEEN) if causes else change.address in known
        case _:
            return False


def _is_due(change: Change) -> bool:
    """And nothing besides; the text of a trigger changes nothing but the time."""
    causes = set(change.causes)
    return bool(causes & _DUE) and causes <= _DUE | {Cause.TRIGGER}


def _is_held_up(change: Change) -> bool:
    """Due, or silent, but not for `tick`: it brings what nobody has applied, undoes what somebody did, leaves a gap."""
    issues = change.action in (Action.ROTATE, Action.REPLACE)
    return issues and bool(_PRESSING & set(change.causes)) and (not _is_due(change) or _leaves_gap(change))


def _leaves_gap(change: Change) -> bool:
    """Nobody can use a key that has expired: it leaves none when it goes first."""
    return change.gap and Cause.EXPIRED not in change.causes


def _held_up(change: Change) -> Change:
    due = "due, but " if _DUE & set(change.causes) else ""
    why = f"{due}{_obstacle(change)}: left to apply"
    return blocked(change.address, change.account, why, *change.causes)


def _obstacle(change: Change) -> str:
    if Cause.SILENT in change.causes and change.old is not None:
        return f"{change.old.name} {ANSWERS_NO_MORE}"
    if Cause.DRIFT in change.causes:
        return "the live key was changed by somebody"
    if not _is_due(change):
        return "its manifest has changes that are not applied"
    return "there is no room for a second key, and its consumer would stand without one for a moment"


def _rotate_may(change: Change, *, compromised: bool) -> bool:
    """A compromised key goes at once, and takes along what its manifest says by now."""
    if change.action in (Action.ROTATE, Action.REPLACE):
        return compromised or Cause.DECLARED not in change.causes
    return change.action is Action.BLOCKED or set(change.causes) <= _CLOSING


def _is_over(change: Change) -> bool:
    """An overlap that has ended. On an account where a key is rotated its place is needed."""
    return change.action is Action.REVOKE and set(change.causes) == {Cause.RETIRED}


def refuse(errand: Errand, asked: Iterable[Address], share: Share, recorded: Recorded) -> None:
    """Raises CannotRotate for keys that were named and cannot simply get a new secret."""
    if not isinstance(errand, Rotate) or not errand.addresses:
        return
    done = {change.address for change in share.kept if change.action is not Action.REVOKE}
    left = {change.address: change for change in share.left}
    problems = [_problem(address, left.get(address), recorded) for address in asked if address not in done]
    if problems:
        message = f"{'; '.join(problems)}; nothing was done"
        raise CannotRotate(message, hint="`krakenctl plan` shows what apply would do; apply first, or put it right")


def _problem(address: Address, change: Change | None, recorded: Recorded) -> str:
    if address not in recorded.keys:
        return f"{address} was never issued"
    if change is not None and change.action in (Action.ROTATE, Action.REPLACE):
        return f"the manifest of {address} has changes that are not applied, and a rotation brings a new secret only"
    return f"{address}: {change.reasons[0]}" if change is not None else f"{address} has no live key"


def remark(errand: Errand, share: Share) -> Iterator[Finding]:
    """What a run of less authority cannot see or do, each sort in one line."""
    if isinstance(errand, Apply):
        return
    if lost := sum(Cause.UNRECORDED in change.causes for change in share.kept):
        what = "live key carries" if lost == 1 else "live keys carry"
        yield Finding(
            rule="state-lost",
            severity=Severity.WARNING,
            message=f"{lost} {what} this workspace's tag and {'is' if lost == 1 else 'are'} not recorded",
            hint="was the state lost? see `krakenctl state rebuild`",
            addresses=tuple(sorted({str(c.address) for c in share.kept if Cause.UNRECORDED in c.causes})),
        )
    counts = Counter(change.action.value for change in share.left)
    if counts:
        listed = ", ".join(f"{number} {action}" for action, number in sorted(counts.items()))
        yield Finding(
            rule="left-to-apply",
            severity=Severity.NOTE,
            message=f"not part of this run: {listed}",
            hint="`krakenctl plan` says why, and `krakenctl apply` does what can be done",
            addresses=tuple(sorted({str(change.address) for change in share.left})),
        )
