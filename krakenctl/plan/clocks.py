"""With which clock a key may be asked: never a finer one than its own program's. Pure.

A manifest says what the program of the current key sends. As soon as it asks for another key as well, it may speak of
the program that the other one is for; and of a key that was replaced it does not speak at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.description import NonceScale, coarser
from krakenctl.model.desired import DesiredKey
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan import rotation


def clock_of(record: RecordedKey, key: DesiredKey | None, now: int, *, is_replaced: bool = False) -> NonceScale:
    """`key`: as declared today, if it is. `is_replaced`: a run has begun to, or a person was told to."""
    if key is None or record.retired_until or record.claimed_by:
        return record.nonce
    if is_replaced or _is_for_another(key, record, now):
        return coarser(record.nonce, key.nonce)
    return key.nonce


def news(record: RecordedKey, key: DesiredKey, now: int, *, is_replaced: bool) -> NonceScale | None:
    """What is to be remembered of a key that stays; None: it is."""
    told = clock_of(record, key, now, is_replaced=is_replaced)
    return None if told is record.nonce else told


def replaced_by(intents: Iterable[Intent]) -> frozenset[str]:
    """Live names of keys whose successor is under way: what is declared now may be of that one's program."""
    return frozenset(intent.old_name for intent in intents if intent.issues and intent.stage is not Stage.LOST)


def _is_for_another(key: DesiredKey, record: RecordedKey, now: int) -> bool:
    """Whether the manifest asks for another key, as far as our memory tells."""
    if (key.grants, key.secret, key.rotation.trigger) != (record.spec.permissions, record.secret, record.trigger):
        return True
    return any(deadline.due <= now for deadline in rotation.deadlines(key, record, record.spec.valid_until))
