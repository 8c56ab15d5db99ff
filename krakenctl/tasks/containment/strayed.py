"""Keys that a person may have renamed: no list shows them, and one of the same second has another name. Pure.

A key that was asked for, and of which no answer is known, has no second: then it is one made since that does the same.

No proof, since two keys may be made in one second: such a key is told, and not revoked. But nothing reads as contained.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from krakenctl.model.containment import Fate, KeyFate, Strayed
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey, same_creation
from krakenctl.model.recorded import RecordedKey
from krakenctl.plan import wanted


def strayed(
    keys: Iterable[RecordedKey | Intent],
    live: Mapping[str, Sequence[LiveKey]],  # by account, where there is a list
    known: Collection[tuple[str, str]],  # account and name of those of which it is known what they are
) -> Iterator[Strayed]:
    for key in keys:
        there = live.get(key.account, ())
        if any(_is_key(one, key) for one in there):
            continue
        others = (one for one in there if (key.account, one.name) not in known)
        if perhaps := tuple(sorted(one.name for one in others if _may_be(one, key))):
            yield Strayed(
                account=key.account,
                name=key.live_name,
                address=key.address,
                perhaps=perhaps,
                under_way=isinstance(key, Intent),
            )


def is_asked_for(intent: Intent) -> bool:
    """A promoted key is recorded: it is known by its second."""
    return intent.issues and intent.sent is not None and intent.stage is not Stage.PROMOTED


def to_come(intents: Iterable[Intent], live: Mapping[str, Sequence[LiveKey]], lost: Iterable[Strayed]) -> Iterator[str]:
    """Of what was asked for, and neither shows nor has perhaps another name."""
    told = {(each.account, each.name) for each in lost}
    for intent in intents:
        there = live.get(intent.account)
        if there is None or (intent.account, intent.live_name) in told or any(_is_key(one, intent) for one in there):
            continue
        yield f"{intent.live_name} was asked for and may still arrive: `krakenctl recover`"


def told(each: Strayed) -> KeyFate:
    return KeyFate(
        account=each.account,
        name=each.name,
        address=each.address,
        fate=Fate.FAILED,
        message=each.sentence,
        helps=f"`krakenctl revoke --under {each.account} --unmanaged` revokes it with all others there that this"
        " krakenctl sees; to spare these, give it its name back, and run this again",
    )


def _is_key(live: LiveKey, key: RecordedKey | Intent) -> bool:
    if isinstance(key, Intent):
        return live.name == key.live_name and _is_since(live, key)
    return live.name == key.live_name and same_creation(live.created, key.created)


def _may_be(live: LiveKey, key: RecordedKey | Intent) -> bool:
    if isinstance(key, Intent):
        if not _is_since(live, key):
            return False
        if live.public_key and key.public_key:
            return live.public_key == key.public_key
        return key.sent is not None and wanted.same(live.spec, key.sent)
    return key.created > 0 and live.created == key.created and live.public_key in ("", key.public_key)


def _is_since(live: LiveKey, intent: Intent) -> bool:
    return not live.created or intent.is_before(live)
