"""What becomes of one declared key, given what is live and recorded of it. Pure; knows nothing of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredKey
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.plan import Action, Change, FieldChange, NewKey, OldKey, Step, Strategy, Verb
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.time import show_duration, show_time
from krakenctl.plan import diff, wanted
from krakenctl.plan.names import live_name

NEAR = 86400  # seconds; a key that would expire sooner than this (or than its overlap) is rotated instead
BY_NAME_ALONE = "the exchange tells no creation time; matched by its name alone"
_EXACT = ("ip_allowlist", "query_from", "query_to", "nonce_window")  # what can be edited, beside the expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Everything known about one declared key."""

    key: DesiredKey
    recorded: RecordedKey | None
    live: LiveKey | None  # the recorded key, if it is still there and still the same
    generation: int  # the next free one
    tag: str
    now: int


def decide(sight: Sight) -> Change | None:
    """The change this key needs; None when it is in order."""
    if has_ended(sight.key, sight.now):
        return _revoke_ended(sight)
    if sight.recorded is None:
        return issue(sight, Action.CREATE, ("declared, and not there yet",))
    if sight.live is None:
        gone = f"{sight.recorded.live_name} is gone from the exchange: somebody revoked it, or it was renamed"
        return issue(sight, Action.CREATE, (gone,))
    return _compare(sight, sight.recorded, sight.live)


def _compare(sight: Sight, recorded: RecordedKey, live: LiveKey) -> Change | None:
    """The dearest of what applies: a replacement covers everything that an update would do."""
    target = wanted.of_live(sight.key, live.spec, recorded.issued)
    doubt = by_name_alone(recorded, live)
    if reasons := _replace_reasons(sight.key, recorded, live.spec):
        return issue(sight, Action.REPLACE, (*reasons, *doubt))
    if reasons := _rotate_reasons(sight, recorded, live.spec, target):
        return issue(sight, Action.ROTATE, (*reasons, *doubt))
    if target != live.spec:
        return _update(sight, recorded, live, target)
    return _remember(sight, recorded, live)


def _replace_reasons(key: DesiredKey, recorded: RecordedKey, live: KeySpec) -> tuple[str, ...]:
    reasons = []
    if live.permissions != key.grants or live.unknown_permissions:
        drifted = recorded.spec.permissions != live.permissions or live.unknown_permissions
        cause = "the live key was changed by somebody" if drifted else "the declared grants changed"
        reasons.append(f"{cause}; a key's permissions cannot be edited, so it is replaced")
    if recorded.secret != key.secret:
        old = recorded.secret
        reasons.append(
            "its secret is to live elsewhere, and no secret can be read a second time"
            f" (to keep the key: secret: {{store: {old.store}, path: {old.path}}})"
        )
    return tuple(reasons)


def _rotate_reasons(sight: Sight, recorded: RecordedKey, live: KeySpec, target: KeySpec) -> tuple[str, ...]:
    rotation, now = sight.key.rotation, sight.now
    reasons = []
    if rotation.trigger != recorded.trigger:
        reasons.append(f"rotation.trigger changed to “{rotation.trigger}”")
    if rotation.max_age is not None and now - recorded.issued >= rotation.max_age:
        due = show_time(recorded.issued + rotation.max_age)
        reasons.append(f"due since {due}: rotation.maxAge is {show_duration(rotation.max_age)}")
    return (*reasons, *_expiry_reasons(sight.key, now, live.valid_until, target.valid_until))


def _expiry_reasons(key: DesiredKey, now: int, live: int, target: int) -> tuple[str, ...]:
    """A declared `validUntil` ends the grant, so being near it is no reason; having expired before it is one."""
    if live and live <= now and (key.valid_until is None or target > now):
        return (f"expired at {show_time(live)}",)
    if key.valid_until is None and target and target - now <= _near(key):
        return (f"its expiry, {show_time(target)}, {'is near' if target > now else 'has passed'}",)
    return ()


def _near(key: DesiredKey) -> int:
    """Never in the first half of a key's life: a short-lived key would be rotated for ever, each one new and near."""
    near = max(NEAR, key.rotation.overlap)
    return near if key.valid_for is None else min(near, key.valid_for // 2)


def issue(sight: Sight, action: Action, reasons: tuple[str, ...]) -> Change:
    """A new generation, create-first; it replaces the live key when there is one."""
    key = sight.key
    name = live_name(key.address.name, sight.tag, sight.generation)
    spec = wanted.at_issue(key)
    after = diff.as_written(spec, key.secret, key.valid_for)
    new = NewKey(
        name=name,
        generation=sight.generation,
        spec=spec,
        valid_for=key.valid_for,
        managed=wanted.managed(key),
    )
    return Change(
        address=key.address,
        account=key.account,
        action=action,
        reasons=reasons,
        fields=_fields(sight, after),
        steps=create_first(name, sight.live, key.rotation.overlap),
        strategy=Strategy.CREATE_FIRST,
        old=_old(sight.live),
        new=new,
        secret=key.secret,
        overlap=key.rotation.overlap if sight.live else 0,
        trigger=key.rotation.trigger,
        protect=key.protect,
        renamed_from=_former(sight),
    )


def _fields(sight: Sight, after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """For a replacement what differs; expiry, counted anew from the issue, is no difference by itself."""
    if sight.live is None or sight.recorded is None:
        return diff.all_fields(after)
    before = diff.as_written(sight.live.spec, sight.recorded.secret)
    target = wanted.of_live(sight.key, sight.live.spec, sight.recorded.issued)
    same_expiry = sight.key.valid_for is not None and target.valid_until == sight.live.spec.valid_until
    differing = diff.fields(before, {**after, "expires": before["expires"]} if same_expiry else after)
    return (*differing, *_protection(sight.key, sight.recorded))


def _protection(key: DesiredKey, recorded: RecordedKey) -> tuple[FieldChange, ...]:
    """It lives in our memory only, where it outlives the manifest."""
    same = key.protect == recorded.protect
    return () if same else (FieldChange("protect", recorded.protect, key.protect),)


def create_first(name: str, live: LiveKey | None, overlap: int) -> tuple[Step, ...]:
    new = tuple(Step(verb, name) for verb in (Verb.ISSUE, Verb.STORE, Verb.CHECK, Verb.PROMOTE))
    if live is None:
        return new
    return (*new, Step(Verb.RETIRE if overlap else Verb.REVOKE, live.name))


def revoke_first(name: str, old: str) -> tuple[Step, ...]:
    new = tuple(Step(verb, name) for verb in (Verb.ISSUE, Verb.STORE, Verb.CHECK, Verb.PROMOTE))
    return (Step(Verb.REVOKE, old), *new)


def _update(sight: Sight, recorded: RecordedKey, live: LiveKey, target: KeySpec) -> Change:
    key = sight.key
    before = diff.as_written(live.spec, None)
    drifted = _drifted(recorded.spec, live.spec, target)
    reason = "the live key was changed by somebody" if drifted else "the manifest changed"
    return Change(
        address=key.address,
        account=key.account,
        action=Action.UPDATE,
        reasons=(f"{reason}; these fields can be edited, so key and secret stay",),
        fields=(*diff.fields(before, diff.as_written(target, None)), *_protection(key, recorded)),
        steps=(Step(Verb.UPDATE, live.name), Step(Verb.CHECK, live.name)),
        old=_old(live),
        new=NewKey(
            name=live.name,
            generation=recorded.generation,
            spec=target,
            valid_for=None,
            managed=wanted.managed(key),
        ),
        secret=recorded.secret,
        trigger=key.rotation.trigger,
        protect=key.protect,
        renamed_from=_former(sight),
    )


def _drifted(sent: KeySpec, live: KeySpec, target: KeySpec) -> bool:
    """Whether a field to be updated is no longer as we last sent it. What nobody declared is no evidence."""
    moved = wanted.settled(sent.valid_until, live.valid_until) != live.valid_until
    expiry = moved and target.valid_until != live.valid_until
    return expiry or any(getattr(sent, name) != getattr(live, name) != getattr(target, name) for name in _EXACT)


def _remember(sight: Sight, recorded: RecordedKey, live: LiveKey) -> Change | None:
    """Same key, new address or protection: only our memory changes. Nothing is sent, so there is no step."""
    former, protection = _former(sight), _protection(sight.key, recorded)
    reasons = [f"formerly {former}; the key keeps its live name until it is replaced"] if former else []
    if protection:
        reasons.append("protection is remembered here, so that it outlives the manifest; nothing is sent")
    if not reasons:
        return None
    return replace(_update(sight, recorded, live, live.spec), reasons=tuple(reasons), fields=protection, steps=())


def has_ended(key: DesiredKey, now: int) -> bool:
    """`validUntil` ends the grant; `validFor` only one issue of it."""
    return key.valid_until is not None and key.valid_until <= now


def _revoke_ended(sight: Sight) -> Change | None:
    if sight.recorded is None or sight.live is None:
        return None
    ended = f"its grant ended at {show_time(sight.key.valid_until or 0)} (validUntil)"
    if sight.key.protect:
        return blocked(sight.key.address, sight.key.account, f"{ended}, but it is protected: declare protect: false")
    doubt = by_name_alone(sight.recorded, sight.live)
    return revoke(sight.recorded.address, sight.key.account, sight.live, ended, *doubt)


def by_name_alone(recorded: RecordedKey, live: LiveKey) -> tuple[str, ...]:
    """What a person should know before a key goes that nothing but its name tells from a stranger's."""
    return () if recorded.created and live.created else (BY_NAME_ALONE,)


def revoke(address: Address, account: str, live: LiveKey, *reasons: str) -> Change:
    return Change(
        address=address,
        account=account,
        action=Action.REVOKE,
        reasons=reasons,
        steps=(Step(Verb.REVOKE, live.name),),
        old=_old(live),
    )


def blocked(address: Address, account: str, reason: str) -> Change:
    return Change(address=address, account=account, action=Action.BLOCKED, reasons=(reason,))


def _old(live: LiveKey | None) -> OldKey | None:
    return None if live is None else OldKey(name=live.name, created=live.created, spec=live.spec)


def _former(sight: Sight) -> Address | None:
    if sight.recorded is None or sight.recorded.address == sight.key.address:
        return None
    return sight.recorded.address
