"""What is said of an account whose keys no list shows: what could not be asked, and what is only claimed. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.live import LiveAccount
from krakenctl.model.plan import Change
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_time

NOT_ASKED, ODD, CLAIMED, UNSEEN, UNPINNED, MISTAKEN, UNVERIFIED = (
    "key-not-asked",
    "key-odd",
    "revoke-claimed",
    "key-unseen",
    "account-not-checked",
    "key-mistaken",
    "key-unverified",
)

_PUT_RIGHT = "look at it on Kraken's website, and put it right there, or write what is meant into its manifest"
_PROVABLE = (
    "a run from where it has answered before, and where another key with its allow-list answers, proves it; or, once"
    " you have seen that it is gone, {said}"
)
_UNHEARD = (
    "nobody heard it right before, so its silence proves nothing: look whether the website still shows it, and delete"
    " it there if it does; then {said}"
)


def claimed(record: RecordedKey, why: str) -> Finding:
    """A revoke that nothing has proved. The silence of one that was not heard right before never will."""
    when = show_time(record.claimed_at)
    said = f"`krakenctl recover --absent {shlex.quote(f'{record.address}:{record.live_name}')}`"
    return Finding(
        rule=CLAIMED,
        severity=Severity.WARNING,
        message=f"{record.live_name} is claimed by {record.claimed_by} at {when} to be revoked, and not proved: {why}",
        hint=(_UNHEARD if record.unheard else _PROVABLE).format(said=said),
        address=str(record.address),
    )


def findings(
    live: LiveAccount,
    records: Iterable[RecordedKey],
    intents: Iterable[Intent],
    changes: Iterable[Change],
    *,
    pin: str,
) -> Iterator[Finding]:
    """`pin`: the IIBAN that is declared; empty: none. What one of the `changes` asks for needs no word here."""
    if not live.traits.proved_by_pair:
        return
    for name, odd in sorted(live.odd.items()):
        for each in odd:
            message = f"{name} on {live.name}: {each}"
            yield Finding(rule=ODD, severity=Severity.WARNING, message=message, hint=_PUT_RIGHT)
    for name, called in sorted(live.called.items()):
        message = f"{name} on {live.name} was renamed by a person: Kraken calls it “{called}”"
        yield Finding(rule=ODD, severity=Severity.WARNING, message=message, hint="give it its name back on Kraken")
    for name, why in sorted(live.unasked.items()):
        message = f"{name} on {live.name} is taken as recorded: {why}"
        yield Finding(rule=NOT_ASKED, severity=Severity.NOTE, message=message)
    for record in records:
        if record.unverified:
            message = f"{record.live_name} on {live.name} was taken unseen: {record.unverified}"
            yield Finding(rule=UNVERIFIED, severity=Severity.NOTE, message=message, address=str(record.address))
    if pin and not live.iiban and live.keys:
        message = f"whether the keys of {live.name} belong to {pin} could not be checked: none could be asked"
        yield Finding(rule=UNPINNED, severity=Severity.NOTE, message=message)
    asked = {change.new.name for change in changes if change.new is not None}
    for intent in intents:
        if intent.mistaken:
            yield mistaken(intent)
        elif intent.stage is Stage.LOST or (intent.stage is Stage.SHOWN and intent.live_name not in asked):
            yield _unseen(intent)


def remembered(retired: Iterable[RecordedKey], intents: Iterable[Intent], why: str) -> Iterator[Finding]:
    """About keys that may live on an account which cannot be seen, for the reason `why`."""
    yield from (claimed(record, why) for record in retired if record.claimed_by)
    yield from (mistaken(intent) for intent in intents if intent.mistaken)


def unseen(intents: Iterable[Intent]) -> Iterator[Finding]:
    """Likewise, of those of which nobody knows whether they were made."""
    return (_unseen(intent) for intent in intents if intent.stage is Stage.LOST and not intent.mistaken)


def mistaken(intent: Intent) -> Finding:
    """It is none of ours, and may be used by whoever reads the website: only a person can end it."""
    said = shlex.quote(f"{intent.address}:{intent.live_name}")
    return Finding(
        rule=MISTAKEN,
        severity=Severity.WARNING,
        message=f"{intent.live_name} {intent.mistake}; nobody keeps its secret",
        hint="see on the website, where it was made, that it is gone, or delete it there; then"
        f" `krakenctl recover --absent {said}` ends this warning",
        address=str(intent.address),
    )


def _unseen(intent: Intent) -> Finding:
    return Finding(
        rule=UNSEEN,
        severity=Severity.WARNING,
        message=f"whether a person made {intent.live_name} on {intent.account} is not known, and nobody has its secret",
        hint="if the website shows it, delete it there; then `krakenctl recover --absent"
        f" {intent.address}` ends this warning",
        address=str(intent.address),
    )
