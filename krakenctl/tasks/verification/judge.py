"""From what was declared of a key and what was seen of it to a verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.desired import DesiredKey
from krakenctl.model.key import KeySpec, LiveKey, same_creation
from krakenctl.model.permission import in_order
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_time
from krakenctl.model.verification import Probed, Right, Setting, Source, Verdict, Verified
from krakenctl.model.written import FIELDS, as_written
from krakenctl.plan import wanted
from krakenctl.tasks.verification.asked import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was seen of one key."""

    record: RecordedKey
    pin: str  # the IIBAN that its account must have; empty: none is known
    has_list: bool  # its account's keys were listed
    listed: LiveKey | None = None
    iiban: str = ""  # whose list it is
    blind: str = ""  # why there was no list, where there should be one
    asked: Asked


def never_issued(key: DesiredKey, contained: str) -> Verified:
    """`contained`: who used the kill switch on it; empty: nobody."""
    verdict = Verdict.REVOKED if contained else Verdict.DENIED
    why = f"the kill switch was used on it by {contained}" if contained else "it was never issued"
    rights = tuple(Right(code=p.value, declared=True, verdict=verdict) for p in in_order(key.grants))
    return Verified(
        address=key.address, name="", verdict=verdict, why=why, source=Source.RECORDED, rights=rights, unasked=why
    )


def under_way(key: DesiredKey, name: str, why: str) -> Verified:
    """One that was issued, and that nobody has looked at yet: it may be right. `why`: how it stands, and what to do."""
    rights = tuple(Right(code=p.value, declared=True, verdict=Verdict.UNKNOWN) for p in in_order(key.grants))
    return Verified(
        address=key.address,
        name=name,
        verdict=Verdict.UNKNOWN,
        why=why,
        source=Source.RECORDED,
        rights=rights,
        unasked=why,
    )


def judged(key: DesiredKey, seen: Seen, now: int) -> Verified:
    live, source = _effective(seen)
    verdict, why = _verdict(key, seen, live, source, now)
    rights = tuple(_rights(key, live.spec, seen, verdict, source))
    if verdict is Verdict.LISTED:
        verdict, why = _by_rights(rights, why)
    told = seen.asked.told
    return Verified(
        address=key.address,
        name=seen.record.live_name,
        verdict=verdict,
        why=why,
        source=source,
        rights=rights,
        settings=tuple(_settings(key, seen, live, source)),
        asked=told is not None,
        unasked="" if told is not None else seen.asked.why,
        probed=any(one.calls for one in seen.asked.probed),
        remarks=tuple(_remarks(seen)),
        iiban=_iiban(seen),
    )


def _effective(seen: Seen) -> tuple[LiveKey, Source]:
    """The key knows best, then its account's list."""
    if seen.asked.told is not None:
        return seen.asked.told.live, Source.KEY
    if seen.listed is not None:
        return seen.listed, Source.LIST
    return seen.record.as_live(), Source.RECORDED


def _verdict(key: DesiredKey, seen: Seen, live: LiveKey, source: Source, now: int) -> tuple[Verdict, str]:
    if live.spec.has_ended(now):
        as_recorded = ", as recorded" if source is Source.RECORDED else ""
        return Verdict.EXPIRED, f"it ended at {show_time(live.spec.valid_until)}{as_recorded}"
    if _is_gone(seen, source):
        return Verdict.REVOKED, "its account's list does not show it"
    if seen.asked.verdict is Verdict.DENIED and source is Source.RECORDED and not _is_sent(key, seen.record):
        return Verdict.UNKNOWN, f"{seen.asked.why}; what is declared was not sent, and a person may have done it"
    if seen.asked.verdict in (Verdict.BLOCKED_BY_IP, Verdict.DENIED, Verdict.REVOKED, Verdict.LOCKED_OUT):
        return seen.asked.verdict, seen.asked.why
    if source is Source.RECORDED:
        return Verdict.UNKNOWN, "; ".join(filter(None, (seen.blind, seen.asked.why)))
    return Verdict.LISTED, ""


def _is_sent(key: DesiredKey, record: RecordedKey) -> bool:
    """Whether what decides if it may be used, from where and until when, is declared as it was last sent."""
    should = wanted.of_live(key, record.spec, record.issued)
    return (should.ip_allowlist, should.valid_until) == (record.spec.ip_allowlist, record.spec.valid_until)


def _is_gone(seen: Seen, source: Source) -> bool:
    return source is Source.RECORDED and seen.has_list and not seen.asked.lives


def _by_rights(rights: tuple[Right, ...], why: str) -> tuple[Verdict, str]:
    lacking = [right.code for right in rights if right.declared and right.verdict is Verdict.DENIED]
    if lacking:
        return Verdict.DENIED, f"it lacks {', '.join(lacking)}"
    tried = any(right.verdict is Verdict.GRANTED for right in rights)
    return (Verdict.GRANTED if tried else Verdict.LISTED), why


def _rights(key: DesiredKey, spec: KeySpec, seen: Seen, verdict: Verdict, source: Source) -> Iterator[Right]:
    """Declared or effective ones. What has ended has ended for each; a refused pair tells nothing of what it may do."""
    whole = _ENDED.get(verdict) or (_UNSEEN.get(verdict, verdict) if source is Source.RECORDED else None)
    probed = {one.permission: one for one in seen.asked.probed}
    for permission in in_order(key.grants | spec.permissions):
        declared = permission in key.grants
        if whole is not None:
            yield Right(code=permission.value, declared=declared, verdict=whole)
        elif permission in spec.permissions:
            yield _listed(permission.value, probed.get(permission), declared=declared)
        else:
            yield Right(code=permission.value, declared=declared, verdict=Verdict.DENIED, why="not listed")
    for code in sorted(spec.unknown_permissions):
        why = "this krakenctl does not know it"
        yield Right(code=code, declared=False, verdict=whole or Verdict.LISTED, why=why)


_ENDED = {verdict: verdict for verdict in (Verdict.EXPIRED, Verdict.REVOKED)}
_UNSEEN = {Verdict.DENIED: Verdict.UNKNOWN}


def _listed(code: str, probed: Probed | None, *, declared: bool) -> Right:
    if probed is None:
        return Right(code=code, declared=declared, verdict=Verdict.LISTED)
    return Right(code=code, declared=declared, verdict=probed.verdict, why=probed.why, calls=probed.calls)


def _settings(key: DesiredKey, seen: Seen, live: LiveKey, source: Source) -> Iterator[Setting]:
    should = wanted.of_live(key, live.spec, seen.record.issued)
    if _is_gone(seen, source):
        return
    before, after = as_written(should, None), as_written(live.spec, None)
    managed = wanted.managed(key)
    for name, field in FIELDS.items():
        if field in managed and name != "permissions":  # each of these has its own verdict
            agrees = None if source is Source.RECORDED else getattr(should, field) == getattr(live.spec, field)
            yield Setting(name=name, declared=before[name], effective=after[name], source=source, agrees=agrees)
    for name in wanted.changed(key, seen.record.spec, live.spec):
        yield Setting(name=name, declared=None, effective=after[name], source=source, agrees=False, managed=False)
    yield from _whose(seen)
    if live.name != seen.record.live_name:
        yield Setting(name="name", declared=seen.record.live_name, effective=live.name, source=source, agrees=False)


def _iiban(seen: Seen) -> str:
    told = seen.asked.told
    return told.iiban if told is not None and told.iiban else seen.iiban


def _whose(seen: Seen) -> Iterator[Setting]:
    told, found = seen.asked.told, _iiban(seen)
    if seen.pin:
        source = Source.KEY if told is not None and told.iiban else Source.LIST if seen.iiban else Source.RECORDED
        agrees = found == seen.pin if found else None
        yield Setting(name="account", declared=seen.pin, effective=found or None, source=source, agrees=agrees)


def _remarks(seen: Seen) -> Iterator[str]:
    told = seen.asked.told
    if told is None:
        if seen.record.unverified:
            yield f"somebody accepted it unseen: {seen.record.unverified}"
        return
    if seen.has_list and seen.listed is None:
        yield "it answers, although its account's list does not show it"
    if seen.listed is not None and _essence(seen.listed.spec) != _essence(told.live.spec):
        yield "its account's list describes it otherwise than the key does itself; the key is believed"


def _essence(spec: KeySpec) -> KeySpec:
    return replace(spec, unknown_permissions=frozenset())


def by_recorded_name(records: Mapping[str, RecordedKey], listed: tuple[LiveKey, ...]) -> dict[str, LiveKey]:
    """What a list shows of these keys; one that a person has renamed is known by when it was made, and by its pair.

    Another key that was given the name of ours is none of them.
    """
    names = {live.name: live for live in listed if not _is_another(records.get(live.name), live)}
    found = {}
    for name, record in records.items():
        live = names.get(name) or next((one for one in listed if _is_renamed(record, one, records)), None)
        if live is not None:
            found[name] = live
    return found


def _is_another(record: RecordedKey | None, live: LiveKey) -> bool:
    return record is not None and not same_creation(record.created, live.created)


def _is_renamed(record: RecordedKey, live: LiveKey, records: Mapping[str, RecordedKey]) -> bool:
    if live.name in records:
        return False
    if live.public_key and record.public_key:
        return live.public_key == record.public_key
    return bool(record.created) and live.created == record.created
