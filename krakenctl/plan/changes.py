"""Changes that more than one part of the planner makes, and the steps of a replacement. Pure."""

from __future__ import annotations

from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.key import LiveKey
from krakenctl.model.plan import Action, Cause, Change, OldKey, Step, Strategy, Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.silence import ANSWERS_NO_MORE

BY_NAME_ALONE = "the exchange tells no creation time; matched by its name alone"


def by_name_alone(recorded: RecordedKey, live: LiveKey) -> tuple[str, ...]:
    """What a person should know before a key goes that nothing but its name tells from a stranger's."""
    return () if recorded.created and live.created else (BY_NAME_ALONE,)


def revoke(address: Address, account: str, live: LiveKey, cause: Cause, *reasons: str) -> Change:
    return Change(
        address=address,
        account=account,
        action=Action.REVOKE,
        reasons=reasons,
        causes=(cause,),
        steps=(Step(Verb.REVOKE, live.name),),
        old=old_key(live),
    )


def unheard(change: Change) -> Change:
    """A revoke of a key whose silence proves nothing: somebody has to look."""
    told = f"{change.old.name if change.old else ''} {ANSWERS_NO_MORE}"
    return replace(change, reasons=(*change.reasons, told), causes=(*change.causes, Cause.SILENT))


def still_protected(change: Change) -> Change:
    """A revoke that no plan may make unasked: the guard sees to that. Here it is only shown."""
    why = "it is protected: declare it with protect: false first, or hand it over with Removed and action: forget"
    return replace(change, reasons=(*change.reasons, why), protect=True)


def blocked(address: Address, account: str, reason: str, *causes: Cause) -> Change:
    return Change(address=address, account=account, action=Action.BLOCKED, reasons=(reason,), causes=causes)


def old_key(live: LiveKey | None) -> OldKey | None:
    return None if live is None else OldKey(name=live.name, created=live.created, spec=live.spec)


def create_first(name: str, live: LiveKey | None, overlap: int) -> tuple[Step, ...]:
    if live is None:
        return _issued(name)
    return (*_issued(name), Step(Verb.RETIRE if overlap else Verb.REVOKE, live.name))


def revoke_first(name: str, old: str) -> tuple[Step, ...]:
    return (Step(Verb.REVOKE, old), *_issued(name))


def _issued(name: str) -> tuple[Step, ...]:
    return tuple(Step(verb, name) for verb in (Verb.ISSUE, Verb.STORE, Verb.CHECK, Verb.PROMOTE))


def turned_round(change: Change) -> Change:
    """The old key, if there is one, goes first: the consumer stands without a key for a moment."""
    if change.old is None or change.new is None:
        return change
    steps = revoke_first(change.new.name, change.old.name)
    return replace(change, strategy=Strategy.REVOKE_FIRST, steps=steps, overlap=0)
