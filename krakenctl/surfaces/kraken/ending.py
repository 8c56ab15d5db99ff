"""The proof that a key has ended: it answered from here before, and is refused twice where it would be let in."""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair
from krakenctl.model.silence import silence_proves
from krakenctl.surfaces.kraken.answers import NO_KEY
from krakenctl.surfaces.kraken.gently import PAUSE, Caller


def may_be_proved(caller: Caller, holding: Holding, pair: KeyPair, others: Iterable[Holding]) -> bool:
    """Whether a second refusal would prove it; asks another key first, whose answer ends the row.

    Where nothing is remembered, only after such an answer: commands may follow each other with nothing in between.
    """
    if caller.held.answer(pair.public_key) is None:
        return False
    allow_list = caller.lists.get(pair.public_key, holding.record.spec.ip_allowlist)
    caller.rest([each for each in others if each.pair is None or each.pair.public_key != pair.public_key], allow_list)
    let_in = [caller.lists[each] for each in caller.let_in - {pair.public_key}]
    return silence_proves(allow_list, let_in) and (caller.held.remembers or not caller.row)


def is_refused_again(caller: Caller, pair: KeyPair, said: str) -> bool:
    """The second refusal: then it is noted as gone. `said`: what Kraken said first."""
    caller.wait(PAUSE)
    if caller.lives(pair) is not False:
        return False
    caller.held.note_gone(pair.public_key, f"{said}, {NO_KEY}")
    return True
