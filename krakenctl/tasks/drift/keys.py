"""How one key of ours stands: declared, recorded, live. Pure; who mends it is said elsewhere (`remedy`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.drift import Drift, FieldDrift, Kind
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.recorded import Containment, RecordedKey
from krakenctl.model.silence import ANSWERS_NO_MORE
from krakenctl.model.span import seen_from
from krakenctl.model.time import show_duration, show_time
from krakenctl.model.written import FIELDS, as_written, show_secret
from krakenctl.plan import diff, rotation, wanted
from krakenctl.plan.keys import has_ended
from krakenctl.tasks.drift.scene import UNKNOWN, Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentKey:
    """One current key. `key` None: it is no longer declared; `seen` False: nobody can tell whether it lives.

    `asked` False: what is live is what was recorded, for nobody could ask.
    """

    key: DesiredKey | None
    record: RecordedKey
    live: LiveKey | None
    seen: bool
    now: int
    within: int
    contained: Containment | None = None
    slots: Slots | None = None  # None: not looked at
    asked: bool = True
    silent: bool = False  # it answers no more, and nothing proves its end

    @property
    def lives(self) -> str:
        """As part of a sentence."""
        return "is live" if self.asked else "is live as recorded (it was not asked)"


def of_current(current: CurrentKey) -> Iterator[Drift]:
    """All but what a name tells: a key that is not there is told together with those that may be it."""
    live, record = current.live, current.record
    if live is not None:
        yield from _silent(current)
        yield from _changed(current, live)
        yield from _contained(current)
        yield from _ends(current, live)
        yield from _secret(current)
    if record.unverified:
        message = f"{record.live_name} was taken unseen: {record.unverified}; what it may do is only what was asked for"
        yield _drift(Kind.UNVERIFIED, current, message, since=record.issued)
    if current.key is None:
        gone = ", and gone already" if current.seen and live is None else ""
        yield _drift(Kind.UNDEPLOYED, current, f"{record.live_name} is no longer declared{gone}")
    elif fields := tuple(_undeployed(current, current.key)):
        message = f"what is declared is not {_as_known(record, 'what was last sent', 'what was')}"
        yield _drift(Kind.UNDEPLOYED, current, message, fields=fields)


def _silent(current: CurrentKey) -> Iterator[Drift]:
    if current.silent:
        yield _drift(Kind.SILENT, current, f"{current.record.live_name} {ANSWERS_NO_MORE}")


def _drift(
    kind: Kind, current: CurrentKey, message: str, *, fields: tuple[FieldDrift, ...] = (), since: int = 0
) -> Drift:
    return Drift(
        kind=kind,
        account=current.record.account,
        address=current.key.address if current.key else current.record.address,
        name=current.record.live_name,
        message=message,
        fields=fields,
        since=since,
        sent=sent_at(current.record),
        modified=current.live.modified if current.live else 0,
    )


def sent_at(record: RecordedKey) -> int:
    """When it was issued; 0: it was imported, and bears a name that this workspace does not give."""
    return record.issued if record.generation else 0


def _as_known(record: RecordedKey, sent: str, was: str) -> str:
    return sent if sent_at(record) else f"{was} imported, or sent since"


# Fields


def _changed(current: CurrentKey, live: LiveKey) -> Iterator[Drift]:
    """What somebody else did, unless it is what the manifests ask for by now."""
    record, key = current.record, current.key
    if wanted.same(live.spec, record.spec):  # nearly always
        return
    wish = wanted.of_live(key, live.spec, record.issued) if key else None
    rows = _rows(wish, record.spec, live.spec, key)
    fields = tuple(row for row in rows if row.recorded != row.live and not (row.managed and row.desired == row.live))
    if fields:
        told = _as_known(record, "as krakenctl last sent it", "as it was")
        message = f"somebody changed {record.live_name}: it is not {told}"
        yield _drift(Kind.CHANGED, current, message, fields=fields, since=live.modified)


def _undeployed(current: CurrentKey, key: DesiredKey) -> Iterator[FieldDrift]:
    """What was never sent, as far as nobody else has made it so."""
    record = current.record
    live = current.live.spec if current.live else record.spec
    wish = wanted.of_live(key, live, record.issued)
    if not wanted.same(wish, record.spec):
        for row in _rows(wish, record.spec, live, key):
            if row.managed and row.recorded == row.live != row.desired:
                yield row if current.live and current.asked else replace(row, live=None, asked=current.asked)
    yield from _remembered(key, record)


def _remembered(key: DesiredKey, record: RecordedKey) -> Iterator[FieldDrift]:
    """What lives on no exchange: where the secret is, and what the state keeps of a manifest."""
    pairs: dict[str, tuple[object, object]] = {
        "metadata.name": (str(key.address), str(record.address)),
        "secret": (show_secret(key.secret), show_secret(record.secret)),
        "rotation.trigger": (key.rotation.trigger, record.trigger),
        "protect": (key.protect, record.protect),
    }
    for name, (desired, recorded) in pairs.items():
        if desired != recorded:
            yield FieldDrift(field=name, desired=desired, recorded=recorded, live=None)


def _rows(wish: KeySpec | None, record: KeySpec, live: KeySpec, key: DesiredKey | None) -> Iterator[FieldDrift]:
    """Every field of which two of the three differ. An expiry is near enough within two minutes."""
    sent = as_written(_settled(record, live), None)
    there = as_written(live, None)
    wished = as_written(wish, None) if wish else sent
    touched = {one.field for pair in ((sent, there), (wished, sent)) for one in diff.fields(*pair)}
    declared = wanted.managed(key) if key else frozenset()
    for name, part in FIELDS.items():
        if name in touched:
            managed = part in declared
            desired = wished[name] if managed else None
            yield FieldDrift(field=name, desired=desired, recorded=sent[name], live=there[name], managed=managed)


def _settled(spec: KeySpec, live: KeySpec) -> KeySpec:
    return replace(spec, valid_until=wanted.settled(spec.valid_until, live.valid_until))


def of_retired(record: RecordedKey, live: LiveKey | None, *, seen: bool, now: int, asked: bool) -> Iterator[Drift]:
    """A replaced key: to live until its overlap ends, and no longer. `asked`: see `CurrentKey`."""

    def drift(kind: Kind, message: str, *, since: int = 0, fields: tuple[FieldDrift, ...] = ()) -> Drift:
        return Drift(
            kind=kind,
            account=record.account,
            address=record.address,
            name=record.live_name,
            message=message,
            fields=fields,
            since=since,
            sent=sent_at(record),
            modified=live.modified if live else 0,
        )

    until = record.retired_until
    if record.claimed_by and seen and live is None:
        return  # proved, and the next run writes it down
    if record.claimed_by:
        claim = f"{record.claimed_by} says that {record.live_name} is revoked, and nothing has proved it yet"
        yield drift(Kind.CLAIMED, claim, since=record.claimed_at)
    elif live is None:
        if seen and until > now:
            ends = f"{record.live_name} is gone, and its overlap was to last until {show_time(until)}"
            yield drift(Kind.MISSING, f"{ends}: whoever still used it has no working key")
    elif until <= now:
        lives = "it is live" if asked else "it is live as recorded (it was not asked)"
        yield drift(Kind.RETIRED, f"{record.live_name} was replaced, its overlap is over, and {lives}", since=until)
    if live is not None and not _as_retired(live.spec, record):
        rows = tuple(row for row in _rows(None, record.spec, live.spec, None) if row.recorded != row.live)
        yield drift(Kind.CHANGED, f"somebody changed {record.live_name}, which lives on for its overlap", fields=rows)


def _as_retired(live: KeySpec, record: RecordedKey) -> bool:
    """As it was sent, with its own end or with that of its overlap, which is set where the surface can."""
    ends = (record.spec.valid_until, record.retired_until)
    return any(wanted.same(live, replace(record.spec, valid_until=end)) for end in ends)


# Time


def _ends(current: CurrentKey, live: LiveKey) -> Iterator[Drift]:
    key, record, now = current.key, current.record, current.now
    end = live.spec.valid_until
    if key is not None and has_ended(key, now):
        message = f"the grant of {key.address} ended (validUntil), and {record.live_name} {current.lives}"
        yield _drift(Kind.EXPIRED, current, message, since=key.valid_until or 0)
    elif live.spec.has_ended(now):
        as_recorded = "" if current.asked else ", as recorded: it was not asked"
        yield _drift(Kind.EXPIRED, current, f"{record.live_name} has expired{as_recorded}", since=end)
    elif end and _is_soon(end, record.issued, current):
        yield _drift(Kind.EXPIRES_SOON, current, f"{record.live_name} expires {seen_from(now, end)}, {show_time(end)}")
    if key is not None and not has_ended(key, now) and not live.spec.has_ended(now):
        yield from _age(current, key, live)


def _is_soon(end: int, issued: int, current: CurrentKey) -> bool:
    """Not in the first half of its life: a key that is to live for a week is not drifting from its first day on."""
    return end - current.now < min(current.within, max(end - issued, 0) // 2)


def _age(current: CurrentKey, key: DesiredKey, live: LiveKey) -> Iterator[Drift]:
    record, now = current.record, current.now
    oldest = key.rotation.max_age
    if oldest is not None and now >= record.issued + oldest:
        message = f"{record.live_name} is older than its maxAge, {show_duration(oldest)}"
        yield _drift(Kind.OVERDUE, current, message, since=record.issued + oldest)
        return
    target = wanted.of_live(key, live.spec, record.issued)
    due = [each for each in rotation.deadlines(key, record, target.valid_until) if each.due <= now]
    if due:
        nearest = min(due, key=lambda each: each.broken)
        message = f"{record.live_name} is to be rotated before {show_time(nearest.broken)}"
        yield _drift(Kind.DUE, current, message, since=nearest.due)


def _contained(current: CurrentKey) -> Iterator[Drift]:
    if by := current.contained:
        why = f": {by.reason}" if by.reason else ""
        message = f"{by.who} used the kill switch on it{why}, and {current.record.live_name} {current.lives}"
        yield _drift(Kind.CONTAINED, current, message, since=by.at)


# Stores


def _secret(current: CurrentKey) -> Iterator[Drift]:
    """A live key whose secret is in no slot works for whoever holds it elsewhere, or for nobody."""
    slots, record = current.slots, current.record
    if record.without_secret:  # adopted: its consumer has it, which `plan` notes
        return
    if slots is None or record.live_name in slots or slots.current == UNKNOWN:
        return
    where = show_secret(record.secret)
    holds = f"it holds {slots.current} instead" if slots.current else "its slot is empty"
    message = f"{record.live_name} {current.lives}, and its secret is not kept in {where}: {holds}"
    yield _drift(Kind.NO_SECRET, current, message)


def of_slots(address: Address, slots: Slots, live: Mapping[str, LiveKey], known: frozenset[str]) -> Iterator[Drift]:
    """Secrets of keys that are gone. `known`: names that are told of otherwise."""
    for slot, name in zip(Slots._fields, slots, strict=True):
        if name not in ("", UNKNOWN) and name not in live and name not in known:
            message = f"the {slot} slot holds the secret of {name}, which is not live: whoever reads it is refused"
            yield Drift(kind=Kind.STORE_ONLY, account=address.path[0], address=address, name=name, message=message)
