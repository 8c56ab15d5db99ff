"""Who brings a drift to its end, and what is to be done: as the plan, drawn for the same picture, has it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.drift import Drift, Kind, Mends
from krakenctl.model.plan import Action, Change
from krakenctl.model.recovery import Recovery

_OF_A_NAME = (Kind.RETIRED, Kind.CLAIMED)  # about one key of several that have been its address's
_NEEDS_A_NEW_KEY = (Kind.NO_SECRET, Kind.RENAMED, Kind.UNVERIFIED)
_NO_PLAN = (Kind.STORE_ONLY, Kind.ORPHAN, Kind.UNMANAGED, Kind.ACCOUNT, Kind.UNSEEN, Kind.CONTAINED)
_LATER = (Kind.EXPIRED, Kind.OVERDUE, Kind.DUE, Kind.RETIRED)  # an apply to come ends them, whoever it asks for that
_WORDS = {
    Action.CREATE: "issues a new key",
    Action.REPLACE: "issues a new key in its place",
    Action.ROTATE: "issues a new key in its place",
    Action.UPDATE: "sets it as declared; key and secret stay",
    Action.REVOKE: "revokes it",
    Action.FORGET: "forgets it",
}


Handle = tuple[Address, str]  # of what is under way: its address and its live name


def by_account(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """What a plan does on each; the request of a sub-account is its own."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.home].append(change)
    return found


class Remedies:
    """Of one account. `by_person`: there apply walks a person through its steps."""

    def __init__(self, changes: Iterable[Change], recovery: Mapping[Handle, Recovery], *, by_person: bool) -> None:
        self._by_person = by_person
        self._recovery = recovery
        self._changes: dict[Address, list[Change]] = defaultdict(list)
        for change in changes:
            for address in {change.address, change.renamed_from or change.address}:
                self._changes[address].append(change)

    def of(self, drift: Drift) -> Drift:
        """The same drift, with its end."""
        if drift.kind is Kind.UNFINISHED:
            return _recovered(drift, self._recovery)
        changes = self._changes.get(drift.address, []) if drift.address else []
        done = next((change for change in changes if change.is_change and _covers(change, drift)), None)
        if done is not None:
            return replace(drift, mends=Mends.APPLY, do=self._words(done))
        blocked = next((change for change in changes if change.action is Action.BLOCKED), None)
        if blocked is not None and blocked.reasons and drift.kind not in _NO_PLAN:
            return replace(drift, do=f"apply cannot mend it: {blocked.reasons[0]}")
        if drift.kind is Kind.UNSEEN and self._by_person:
            return replace(drift, do=_NOBODY_ASKED)
        if self._by_person and drift.kind in _LATER:
            return replace(drift, do="`krakenctl apply` walks a person through it")
        mends, do = _otherwise(drift)
        return replace(drift, mends=mends, do=do)

    def _words(self, change: Change) -> str:
        words = _WORDS[change.action]
        if change.action is Action.UPDATE and not change.steps:
            return "`krakenctl apply` remembers it; nothing is sent"
        if self._by_person and change.action is not Action.FORGET:
            return f"`krakenctl apply` walks a person through it: it {words}"
        return f"`krakenctl apply` {words}"


def _covers(change: Change, drift: Drift) -> bool:
    old = change.old.name if change.old else ""
    if drift.kind in _NO_PLAN:
        return False
    if drift.kind in _OF_A_NAME:
        return old == drift.name
    if drift.kind in _NEEDS_A_NEW_KEY:
        return change.strategy is not None
    return not (old and drift.name and old != drift.name) and _is_mended(change, drift)


def _is_mended(change: Change, drift: Drift) -> bool:
    """What no manifest decides stays as it is, unless the key is issued anew."""
    if drift.kind in (Kind.EXPIRES_SOON, Kind.EXPIRED, Kind.OVERDUE, Kind.DUE):
        return change.action is not Action.UPDATE or any(field.field == "expires" for field in change.fields)
    if drift.kind is not Kind.CHANGED or not drift.fields or change.action is not Action.UPDATE:
        return True
    touched = {field.field for field in change.fields}
    return any(field.field in touched for field in drift.fields)


def _recovered(drift: Drift, recovery: Mapping[Handle, Recovery]) -> Drift:
    one = recovery.get((drift.address, drift.name)) if drift.address else None
    if one is not None:
        stays = one.move.stays
        return replace(drift, mends=Mends.PERSON if stays else Mends.RECOVER, do=_recovery_words(one, stays=stays))
    do = f"it is looked for on every run; if it is not on Kraken: `krakenctl recover --absent {drift.address}`"
    return replace(drift, do=do)


def _recovery_words(one: Recovery, *, stays: bool) -> str:
    return f"`krakenctl recover` cannot end it yet: {one.why}" if stays else f"`krakenctl recover`: {one.why}"


def _otherwise(drift: Drift) -> tuple[Mends, str]:
    if drift.kind is Kind.CHANGED and drift.fields and not any(field.managed for field in drift.fields):
        return Mends.PERSON, "no manifest decides this: declare it as it is to be, or set it back on Kraken"
    if drift.kind is Kind.CHANGED and not drift.fields:
        return Mends.PERSON, "look at it on Kraken: set it back there, or write what is meant into its manifest"
    mends, do = _BY_KIND[drift.kind]
    return mends, do.format(address=drift.address)


_NOBODY_ASKED = (
    "declare consumer.nonce, keep the secrets where this host can read them, and run it where the keys may be used;"
    " `krakenctl verify` says of each what is in the way"
)
_BY_KIND = {
    **dict.fromkeys(_LATER, (Mends.TIME, "the next run sees to it")),
    Kind.CHANGED: (Mends.PERSON, "set it back on Kraken, or see what `krakenctl plan` says"),
    Kind.MISSING: (Mends.TIME, "nothing is to be done on Kraken; the next apply forgets it"),
    Kind.SILENT: (Mends.PERSON, "look on Kraken: if it is gone, `krakenctl recover --absent {address}`"),
    Kind.RENAMED: (Mends.PERSON, "give it its name back on Kraken"),
    Kind.CONTAINED: (Mends.PERSON, "`krakenctl revoke {address}`"),
    Kind.EXPIRES_SOON: (Mends.TIME, "a declared validFor is renewed in time by `krakenctl tick`; prolong a validUntil"),
    Kind.CLAIMED: (Mends.PERSON, "look on Kraken whether it is gone; a later run proves it, or `plan` says how to"),
    Kind.UNVERIFIED: (
        Mends.PERSON,
        "`krakenctl verify {address}` where it may be used tells what it is, and an apply there remembers that;"
        " a new key ends this, too: `krakenctl rotate {address}`",
    ),
    Kind.UNDEPLOYED: (Mends.PERSON, "see what `krakenctl plan` says"),
    Kind.NO_SECRET: (Mends.PERSON, "restore the secret, or issue a new key: `krakenctl rotate {address}`"),
    Kind.STORE_ONLY: (Mends.PERSON, "see that nobody reads it; the next key issued takes its place"),
    Kind.ORPHAN: (Mends.PERSON, "was the state lost (`krakenctl state rebuild`)? If not, delete it on Kraken"),
    Kind.UNMANAGED: (Mends.PERSON, "manage it (`krakenctl import`), or delete it on Kraken if nobody uses it"),
    Kind.ACCOUNT: (Mends.PERSON, "correct the credential, or pin the account in its manifest (iiban)"),
    Kind.UNSEEN: (Mends.PERSON, "`krakenctl doctor` says what is missing"),
}


def unsaid(changes: Iterable[Change], told: Sequence[Drift], *, blind: bool) -> Iterator[Drift]:
    """What a plan shows and no comparison did: nothing that apply would do is left out."""
    mended = {drift.address for drift in told if drift.mends is Mends.APPLY}
    known = {drift.address for drift in told}
    for change in changes:
        name = change.old.name if change.old else ""
        if change.is_change and not mended & {change.address, change.renamed_from}:
            yield _of_change(change, name, Mends.APPLY, f"`krakenctl apply` {_WORDS[change.action]}")
        elif change.action is Action.BLOCKED and not blind and change.address not in known:
            yield _of_change(change, name, Mends.PERSON, "see `krakenctl plan`")


def _of_change(change: Change, name: str, mends: Mends, do: str) -> Drift:
    is_request = change.address.kind == "SubAccount" and change.action is Action.CREATE
    return Drift(
        kind=Kind.UNDEPLOYED,
        account=change.address.name if is_request else change.account,
        address=change.address,
        name=name,
        message="; ".join(change.reasons) or "the plan has a change of it",
        mends=mends,
        do="`krakenctl apply` requests it" if is_request else do,
    )
