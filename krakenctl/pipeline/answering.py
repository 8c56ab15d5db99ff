"""What a person has found out of a sub-account or a key that nobody could tell of: it is there, or it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import TYPE_CHECKING

from krakenctl.errors import ExchangeError, UsageError
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.plan import Ended, Mark
from krakenctl.model.recorded import EndProof, Recorded, RecordedKey
from krakenctl.model.run import Deed, Run
from krakenctl.model.surface import presumed

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.state.base import State
    from krakenctl.surfaces.base import Listing

# What a person may have made, and is not there, as somebody has seen who looked.
_BY_PAIR = (Stage.LOST, Stage.SHOWN, Stage.STORED)
_WITHOUT_PAIR = (Stage.LOST, Stage.SHOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`name`: the key's on Kraken, where several of its address are in question; empty: there is one.

    Who has seen that one is not there has not looked for another.
    """

    address: Address
    exists: bool
    name: str = ""


def answer(state: State, run: Run, given: Answer, look: Callable[[str], Listing], *, now: int) -> str:
    """Why nothing but their word says so of a key that a person made; empty: it does not answer from here either.

    `look`: at the keys of an account, by its name. Raises UsageError where nothing asks for that, or it is not clear
    which key is meant, or that key lives.
    """
    recorded, told, doubt = state.read(), f"told: {'it exists' if given.exists else 'it does not exist'}", ""
    if given.address.kind == "SubAccount":
        _subaccount(state, run, recorded, given, now=now)
    else:
        meant = _key_meant(recorded, given)
        doubt = _doubt(recorded, given.address, meant, look) if _is_proved_by_pair(recorded, given.address) else ""
        _absent(state, run, recorded, given.address, meant, now=now)
        told += f" ({meant})" + (f"; only their word says so: {doubt}" if doubt else "")
    state.log.append(Deed(at=now, run=run, verb="recover", outcome="done", address=given.address, message=told))
    return doubt


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


def _key_meant(recorded: Recorded, given: Answer) -> str:
    """Its name. That a key exists answers nothing: without its secret it is of no use."""
    lost, claimed = _lost(recorded, given.address), _claimed(recorded, given.address)
    silent = _silent(recorded, given.address)
    names = {intent.live_name for intent in lost} | {key.live_name for key in (*claimed, *silent)}
    if given.exists or not names:
        raise _unasked(given.address)
    return _meant(given, names)


def _doubt(recorded: Recorded, address: Address, name: str, look: Callable[[str], Listing]) -> str:
    """See `answer`. It is asked as every look does it: where its consumer does not notice, and not while it rests."""
    if any(intent.live_name == name and intent.stage in _WITHOUT_PAIR for intent in _lost(recorded, address)):
        return "nobody has its pair"
    try:
        listing = look(address.path[0])
    except ExchangeError as problem:
        return problem.message
    aside = listing.aside(name)
    if all(key.name != name for key in listing.keys) or aside.silent:
        return ""
    told = "; ".join(filter(None, (*aside.odd, aside.unasked)))
    if aside.lives:
        why = told or "it answers from here"
        raise UsageError(f"{name} lives: {why}; nothing was noted", hint=f"if it is to go, delete {name} first")
    return told


def _absent(state: State, run: Run, recorded: Recorded, address: Address, name: str, *, now: int) -> None:
    for key in _claimed(recorded, address):
        if key.live_name == name:
            state.revoked(key.address, name)
    for key in _silent(recorded, address):
        if key.live_name == name:
            state.gone(key.public_key, EndProof(since=now, host="", said=f"as {run.who} says"))
    for intent in _lost(recorded, address):
        if intent.live_name == name:
            state.finish(intent.address, name)


def _lost(recorded: Recorded, address: Address) -> Sequence[Intent]:
    """Given up, or, of a key that a person makes, not seen again."""
    stages = _BY_PAIR if _is_proved_by_pair(recorded, address) else (Stage.LOST,)
    return [intent for intent in recorded.intents if intent.address == address and intent.stage in stages]


def _claimed(recorded: Recorded, address: Address) -> Sequence[RecordedKey]:
    """Said to be revoked, or replaced and silent."""
    retired = [key for key in recorded.retired if key.address == address]
    return [key for key in retired if key.claimed_by or recorded.is_silent(key)]


def _silent(recorded: Recorded, address: Address) -> Sequence[RecordedKey]:
    """In use, as far as anybody planned, and without an answer."""
    current = recorded.keys.get(address)
    is_asked = _is_proved_by_pair(recorded, address) and current is not None and recorded.is_silent(current)
    return [current] if is_asked and current is not None else []


def _is_proved_by_pair(recorded: Recorded, address: Address) -> bool:
    known = recorded.accounts.get(address.path[0])
    return known is not None and presumed(known.surface).proved_by_pair


def _meant(given: Answer, names: set[str]) -> str:
    if given.name in names or (len(names) == 1 and not given.name):
        return given.name or min(names)
    ways = ", ".join(f"`krakenctl recover --absent {quote(f'{given.address}:{one}')}`" for one in sorted(names))
    told = f"of {given.address}, these are in question: {', '.join(sorted(names))}"
    rest = f"; and no {given.name}" if given.name else "; which of them is not there?"
    raise UsageError(f"{told}{rest}", hint=ways)


def _unasked(address: Address) -> UsageError:
    hint = "`krakenctl recover --dry-run` shows what is asked, if anything is; of keys, --absent ends a warning"
    return UsageError(f"there is no open question whether {address} exists", hint=hint)
