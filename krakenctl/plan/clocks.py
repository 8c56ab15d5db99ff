"""With which clock a key may be asked: never a finer one than its own program's. Pure.

A manifest says what the program of the current key sends. But somebody may have the next key's program in mind, and
nothing tells us: so of what is recorded and what is declared the coarser counts, unless the key is known to have seen
a number that only a finer one sends. That a finer one is right is a person's to show (`inspect --nonce`): trying it
out would lock a program out that was merely quicker. Where nothing is recorded, the manifest is believed unless it asks
for another key.
"""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.description import CLOCKS, NonceScale, coarser, finer, sent_by
from krakenctl.model.desired import DesiredKey
from krakenctl.model.journal import Intent
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan import rotation, wanted


def clock_of(
    record: RecordedKey, key: DesiredKey | None, now: int, *, seen: int = 0, is_replaced: bool = False
) -> NonceScale:
    """`key`: as declared today, if it is. `seen`: the highest number that it is known to have seen.

    `is_replaced`: a run has begun to replace it, or a person was told to.
    """
    if key is None or _is_of_the_past(record):
        return record.nonce
    is_believed = record.nonce is NonceScale.UNKNOWN and not is_replaced and not _is_for_another(key, record, now)
    told = key.nonce if is_believed else coarser(record.nonce, key.nonce)
    return finer(told, coarser(key.nonce, sent_by(seen)))  # no harm is done by what it has seen already


def correction(
    record: RecordedKey, key: DesiredKey | None, now: int, *, seen: int = 0, is_replaced: bool = False
) -> NonceScale:
    """The finer clock that the manifest says of this very key, and nothing has shown yet; UNKNOWN: there is none."""
    if key is None or _is_of_the_past(record) or is_replaced or _is_for_another(key, record, now):
        return NonceScale.UNKNOWN
    told = clock_of(record, key, now, seen=seen)
    return key.nonce if key.nonce in CLOCKS and told is not key.nonce else NonceScale.UNKNOWN


def remembered(record: RecordedKey, key: DesiredKey, now: int, *, seen: int, is_replaced: bool) -> NonceScale:
    """What is to be on record of a key that stays. That nobody says it any more is no news of its program."""
    told = clock_of(record, key, now, seen=seen, is_replaced=is_replaced)
    return record.nonce if told is NonceScale.UNKNOWN else told


def is_replaced(record: RecordedKey, intents: Iterable[Intent]) -> bool:
    """Whether its successor was begun: what is declared now may be of that one's program.

    `intents`: of any accounts. Names are unique within one only.
    """
    successors = (intent for intent in intents if intent.issues)
    return any((each.account, each.old_name) == (record.account, record.live_name) for each in successors)


def _is_of_the_past(record: RecordedKey) -> bool:
    """No manifest speaks of it."""
    return bool(record.retired_until or record.claimed_by)


def _is_for_another(key: DesiredKey, record: RecordedKey, now: int) -> bool:
    """Whether the manifest asks for another key, as far as our memory tells."""
    if (key.grants, key.secret, key.rotation.trigger) != (record.spec.permissions, record.secret, record.trigger):
        return True
    expires = wanted.of_live(key, record.spec, record.issued).valid_until  # a shorter life may make it due
    return any(deadline.due <= now for deadline in rotation.deadlines(key, record, expires))
