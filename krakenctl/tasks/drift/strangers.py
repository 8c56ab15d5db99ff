"""Live keys that are not recorded, and recorded ones that are not live: which of them are one key? Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from krakenctl.audit.rules import Policy, of_description
from krakenctl.model.description import Description
from krakenctl.model.drift import Drift, Kind
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.permission import in_order
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.span import seen_from
from krakenctl.model.time import show_time
from krakenctl.plan import names, wanted
from krakenctl.tasks.drift.scene import DriftScene, Place


@dataclass(frozen=True, slots=True)
class Matched:
    """`renamed`: by recorded name. `perhaps`: by recorded name, the names that it may have now."""

    renamed: dict[str, LiveKey]
    perhaps: dict[str, tuple[str, ...]]


def unknown(place: Place, records: Iterable[RecordedKey], intents: Iterable[Intent]) -> list[LiveKey]:
    """Live keys that are none of our recorded ones, nor what a run has begun there. By name."""
    ours = {each.live_name for each in records if place.find(each)}
    for intent in intents:
        live = place.live.get(intent.live_name)
        if live is not None and (intent.is_before(live) or (intent.stage is Stage.STORED and not live.created)):
            ours.add(intent.live_name)  # what waits to be looked at tells no time
    return [live for name, live in sorted(place.live.items()) if name not in ours]


def match(lost: Sequence[RecordedKey], found: Sequence[LiveKey]) -> Matched:
    """A person can rename a key, and nothing else of it changes: its public half and its creation time stay.

    Where several were made in the same second, what they may do tells them apart, or nothing does.
    """
    renamed = {record.live_name: key for record in lost for key in found if _is_pair(record, key)}
    taken = {key.name for key in renamed.values()}
    groups: dict[int, list[LiveKey]] = defaultdict(list)
    for key in found:
        if key.created and key.name not in taken:
            groups[key.created].append(key)
    perhaps: dict[str, tuple[str, ...]] = {}
    left = [record for record in lost if record.live_name not in renamed]
    for record in left:
        keys = [key for key in groups.get(record.created, ()) if _may_be(record, key)]
        rivals = [other for other in left if other.created == record.created]
        if (one := _only(record, keys, rivals)) is not None:
            renamed[record.live_name] = one
        elif keys:
            perhaps[record.live_name] = tuple(key.name for key in keys)
    return Matched(renamed, perhaps)


def _is_pair(record: RecordedKey, key: LiveKey) -> bool:
    return bool(key.public_key) and key.public_key == record.public_key


def _may_be(record: RecordedKey, key: LiveKey) -> bool:
    return not (key.public_key and record.public_key) or key.public_key == record.public_key


def _only(record: RecordedKey, keys: Sequence[LiveKey], rivals: Sequence[RecordedKey]) -> LiveKey | None:
    if len(keys) == len(rivals) == 1:
        return keys[0]
    alike = [key for key in keys if wanted.same(key.spec, record.spec)]
    if len(alike) != 1 or sum(wanted.same(alike[0].spec, rival.spec) for rival in rivals) != 1:
        return None
    return alike[0]


def told(
    place: Place, found: Iterable[LiveKey], taken: Collection[str], scene: DriftScene, *, report: bool
) -> Iterator[Drift]:
    """`taken`: the names of ours there. `report` False: of what others made only what bears our tag is told."""
    for live in found:
        given = scene.recorded.given_as(place.name, live)
        if live.name in taken:
            yield _orphan(place, live, f"“{live.name}” has the name of a key of ours, and was made at another time")
        elif given is None and names.carries_tag(live.name, scene.tag):
            yield _orphan(place, live, f"“{live.name}” carries this workspace's tag, and is not recorded")
        elif report:
            yield _unmanaged(place, live, scene.now, scene.within, given_as=str(given.address) if given else "")


def _orphan(place: Place, live: LiveKey, message: str) -> Drift:
    return Drift(
        kind=Kind.ORPHAN,
        account=place.name,
        name=live.name,
        message=f"{message} ({_rights(live)})",
        since=live.created,
        modified=live.modified,
    )


def _unmanaged(place: Place, live: LiveKey, now: int, within: int, given_as: str) -> Drift:
    age = f", made {seen_from(now, live.created)}" if live.created else ""
    given = f"; it was {given_as} until it was handed over" if given_as else ""
    told = Description(live=live, iiban="", nonce=0, modified=live.modified)
    return Drift(
        kind=Kind.UNMANAGED,
        account=place.name,
        name=live.name,
        message=f"“{live.name}” is not managed here{given}: {_rights(live)}, {_reach(live)}{age}",
        since=live.created,
        modified=live.modified,
        risks=of_description(told, now, Policy(idle=0, soon=within)),  # its last use is not in the list
    )


def _rights(live: LiveKey) -> str:
    held: Collection[str] = [*in_order(live.spec.permissions), *sorted(live.spec.unknown_permissions)]
    return ", ".join(held) or "no permission"


def _reach(live: LiveKey) -> str:
    where = ", ".join(live.spec.ip_allowlist) or "any address"
    ends = f", until {show_time(live.spec.valid_until)}" if live.spec.valid_until else ""
    return f"from {where}{ends}"
