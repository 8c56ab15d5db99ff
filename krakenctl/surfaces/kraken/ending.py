"""What it proves that a key which has answered this host is refused twice, though its allow-list lets this host in.

Of a key that somebody says is deleted, and that was heard right before that, it proves the end. Of any other it does
not, be its end planned or not: a person who narrows an allow-list on the website makes the same picture, and the key
lives on.
"""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import NO_KEY, TWICE, silence_proves
from krakenctl.surfaces.kraken.gently import PAUSE, Caller


def may_be_proved(caller: Caller, holding: Holding, pair: KeyPair, others: Iterable[Holding]) -> bool:
    """Whether a second refusal would prove it; asks another key first, whose answer ends the row.

    Where nothing is remembered, only after such an answer: commands may follow each other with nothing in between.
    """
    if caller.held.answer(pair.public_key) is None:
        return False
    allow_list = caller.lists.get(pair.public_key, holding.record.spec.ip_allowlist)
    caller.rest([each for each in others if each.pair is None or each.pair.public_key != pair.public_key], allow_list)
    return would_be_let_in(caller, holding, pair.public_key) and (caller.held.remembers or not caller.row.refused)


def would_be_let_in(caller: Caller, holding: Holding, public_key: str) -> bool:
    """Whether this host's address is in its allow-list as last seen, so that its end or a person keeps it out."""
    allow_list = caller.lists.get(public_key, holding.record.spec.ip_allowlist)
    let_in = [caller.lists[each] for each in caller.let_in - {public_key}]
    return caller.held.answer(public_key) is not None and silence_proves(allow_list, let_in)


def is_refused_again(caller: Caller, pair: KeyPair, *, ends: bool = True) -> bool:
    """The second refusal. `ends`: it proves the end, which is noted."""
    caller.wait(PAUSE)
    if caller.lives(pair, NO_KEY) is not False:
        return False
    if ends:
        caller.held.note_gone(pair.public_key, TWICE)
    return True
