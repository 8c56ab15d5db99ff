"""Keys that a person may have renamed: no list shows them, and one of the same second has another name. Pure.

No proof, since two keys may be made in one second: such a key is told, and not revoked. But nothing reads as contained.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from krakenctl.model.containment import Fate, KeyFate, Strayed
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import RecordedKey


def strayed(
    keys: Iterable[RecordedKey],
    live: Mapping[str, Sequence[LiveKey]],  # by account, where there is a list
    known: Collection[tuple[str, str]],  # account and name of those of which it is known what they are
) -> Iterator[Strayed]:
    for key in keys:
        there = live.get(key.account, ())
        if any(_is_key(one, key) for one in there):
            continue
        others = (one for one in there if (key.account, one.name) not in known)
        if perhaps := tuple(sorted(one.name for one in others if _may_be(one, key))):
            yield Strayed(account=key.account, name=key.live_name, address=key.address, perhaps=perhaps)


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


def _is_key(live: LiveKey, key: RecordedKey) -> bool:
    return live.name == key.live_name and (live.created == key.created or not (live.created and key.created))


def _may_be(live: LiveKey, key: RecordedKey) -> bool:
    return key.created > 0 and live.created == key.created and live.public_key in ("", key.public_key)
