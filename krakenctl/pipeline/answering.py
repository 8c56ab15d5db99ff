"""What a person has found out of a sub-account or a key that nobody could tell of: it is there, or it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.plan import Ended, Mark
from krakenctl.model.recorded import Gone, Recorded, RecordedKey
from krakenctl.model.run import Deed, Run
from krakenctl.model.surface import is_by_person

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.state.base import State

# What a person may have made, and is not there, as somebody has seen who looked.
_BY_PERSON = (Stage.LOST, Stage.SHOWN, Stage.STORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`name`: the key's on Kraken, where several of its address are in question; empty: there is one.

    Who has seen that one is not there has not looked for another.
    """

    address: Address
    exists: bool
    name: str = ""


def answer(state: State, run: Run, given: Answer, *, now: int) -> None:
    """Raises UsageError where nothing asks for that, or it is not clear which key is meant."""
    recorded = state.read()
    if given.address.kind == "SubAccount":
        _subaccount(state, run, recorded, given, now=now)
        about = ""
    else:
        about = f" ({_key(state, run, recorded, given, now=now)})"
    told = f"told: {'it exists' if given.exists else 'it does not exist'}{about}"
    state.log.append(Deed(at=now, run=run, verb="recover", outcome="done", address=given.address, message=told))


def _subaccount(state: State, run: Run, recorded: Recorded, given: Answer, *, now: int) -> None:
    account = recorded.accounts.get(given.address.name)
    intents = [intent for intent in recorded.intents if intent.address == given.address]
    if account is None or account.iiban or not (intents or account.requested):
        raise _unasked(given.address)
    state.remember_account(replace(account, requested=given.exists))
    for intent in intents:
        mark = Mark(change=intent.change.handle, at=now, who=run.who, done=True)
        deeds = [Ended(plan=intent.plan, mark=mark)] if given.exists else []
        state.finish(intent.address, intent.live_name, deeds=deeds)


def _key(state: State, run: Run, recorded: Recorded, given: Answer, *, now: int) -> str:
    """Its name. That a key exists answers nothing: without its secret it is of no use."""
    lost, claimed = _lost(recorded, given.address), _claimed(recorded, given.address)
    silent = _silent(recorded, given.address)
    names = {intent.live_name for intent in lost} | {key.live_name for key in (*claimed, *silent)}
    if given.exists or not names:
        raise _unasked(given.address)
    meant = _meant(given, names)
    for key in claimed:
        if key.live_name == meant:
            state.revoked(key.address, meant)
    for key in silent:
        if key.live_name == meant:
            state.gone(key.public_key, Gone(since=now, host="", said=f"as {run.who} says"))
    for intent in lost:
        if intent.live_name == meant:
            state.finish(intent.address, meant)
    return meant


def _lost(recorded: Recorded, address: Address) -> Sequence[Intent]:
    """Given up, or, of a key that a person makes, not seen again."""
    stages = _BY_PERSON if _is_by_person(recorded, address) else (Stage.LOST,)
    return [intent for intent in recorded.intents if intent.address == address and intent.stage in stages]


def _claimed(recorded: Recorded, address: Address) -> Sequence[RecordedKey]:
    """Said to be revoked, or silent when it was replaced."""
    return [key for key in recorded.retired if key.address == address and (key.claimed_by or key.silent)]


def _silent(recorded: Recorded, address: Address) -> Sequence[RecordedKey]:
    """In use, as far as anybody planned, and without an answer."""
    current = recorded.keys.get(address)
    is_asked = _is_by_person(recorded, address) and current is not None and recorded.is_silent(current)
    return [current] if is_asked and current is not None else []


def _is_by_person(recorded: Recorded, address: Address) -> bool:
    known = recorded.accounts.get(address.path[0])
    return known is not None and is_by_person(known.surface)


def _meant(given: Answer, names: set[str]) -> str:
    if given.name in names or (len(names) == 1 and not given.name):
        return given.name or min(names)
    ways = ", ".join(f"`krakenctl recover --absent {given.address}:{one}`" for one in sorted(names))
    told = f"of {given.address}, these are in question: {', '.join(sorted(names))}"
    rest = f"; and no {given.name}" if given.name else "; which of them is not there?"
    raise UsageError(f"{told}{rest}", hint=ways)


def _unasked(address: Address) -> UsageError:
    hint = "`krakenctl recover --dry-run` shows what is asked, if anything is; of keys, --absent ends a warning"
    return UsageError(f"there is no open question whether {address} exists", hint=hint)
