"""What becomes of one declared key, given what is live and recorded of it. Pure; knows nothing of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredKey
from krakenctl.model.journal import Intent, shown_end
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.plan import Action, Cause, Change, FieldChange, NewKey, Step, Strategy, Verb
from krakenctl.model.recorded import Containment, RecordedKey
from krakenctl.model.silence import ANSWERS_NO_MORE
from krakenctl.model.time import show_time
from krakenctl.model.written import as_written
from krakenctl.plan import diff, rotation, wanted
from krakenctl.plan.changes import by_name_alone, create_first, old_key, revoke, still_protected, turned_round, unheard
from krakenctl.plan.names import live_name

_ADOPTED = "it was adopted without its secret, so its first change replaces it"
_MAYBE = "it could not be asked, so it may be so already"
_EXACT = ("ip_allowlist", "query_from", "query_to", "nonce_window")  # what can be edited, beside the expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySight:
    """Everything known about one declared key."""

    key: DesiredKey
    recorded: RecordedKey | None
    live: LiveKey | None  # the recorded key, if it is still there and still the same
    generation: int  # the next free one
    tag: str
    now: int
    nonce: NonceScale  # what is to be remembered of its program, if it stays
    asked: rotation.Asked | None = None  # somebody wants it rotated, due or not
    contained: Containment | None = None  # the kill switch was used on it, and it was not issued again since
    silent: bool = False  # it answers no more, and nothing proves its end: it is gone, or fenced off
    unseen: bool = False  # it could not be asked: what is taken for live is what was recorded
    shown: Intent | None = None  # of that generation: somebody was told to make it


def decide(sight: KeySight) -> Change | None:
    """The change this key needs; None when it is in order."""
    if has_ended(sight.key, sight.now):
        return _revoke_ended(sight)
    if sight.contained is not None and sight.live is None:
        return issue(sight, Action.CREATE, (contained(sight.contained),), (Cause.CONTAINED,))
    if sight.recorded is None:
        return issue(sight, Action.CREATE, ("declared, and not there yet",), (Cause.DECLARED,))
    if sight.live is None:
        gone = f"{sight.recorded.live_name} is gone from the exchange: somebody revoked it, or it was renamed"
        return issue(sight, Action.CREATE, (gone,), (Cause.LOST,))
    return _compare(sight, sight.recorded, sight.live)


def contained(by: Containment) -> str:
    """What a person should know before such a key comes back."""
    told = f": {by.reason}" if by.reason else ""
    return f"revoked with the kill switch at {show_time(by.at)} by {by.who}{told}"


def _compare(sight: KeySight, recorded: RecordedKey, live: LiveKey) -> Change | None:
    """The dearest of what applies: a replacement covers everything that an update would do."""
    target = wanted.of_live(sight.key, live.spec, recorded.issued)
    doubt = by_name_alone(recorded, live)
    due = dict(_rotate_reasons(sight, recorded, live.spec, target))
    causes = (*_moved(sight, recorded, live.spec), *due, *((Cause.SILENT,) if sight.silent else ()))
    is_fence_meant = target.ip_allowlist != live.spec.ip_allowlist  # the manifest has another list by now
    mute = (f"{live.name} {ANSWERS_NO_MORE}",) if sight.silent and not is_fence_meant else ()
    if reasons := (*mute, *_replace_reasons(sight.key, recorded, live.spec)):
        return issue(sight, Action.REPLACE, (*reasons, *doubt), causes)
    if due:
        return issue(sight, Action.ROTATE, (*due.values(), *doubt), causes)
    if target != live.spec and recorded.without_secret:
        return issue(sight, Action.REPLACE, (_ADOPTED, *doubt), causes)
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


def _rotate_reasons(
    sight: KeySight, recorded: RecordedKey, live: KeySpec, target: KeySpec
) -> Iterator[tuple[Cause, str]]:
    """Each cause with its reason; of several deadlines the nearest is told."""
    key, now = sight.key, sight.now
    if sight.asked is not None:
        yield Cause.ASKED, _asked(sight.asked)
    if key.rotation.trigger != recorded.trigger:
        yield Cause.TRIGGER, f"rotation.trigger changed to “{key.rotation.trigger}”"
    if live.has_ended(now) and (key.valid_until is None or target.valid_until > now):
        yield Cause.EXPIRED, f"expired at {show_time(live.valid_until)}"
        return
    deadlines = rotation.deadlines(key, recorded, target.valid_until)
    if due := [deadline for deadline in deadlines if deadline.due <= now]:
        yield Cause.DUE, min(due, key=lambda deadline: deadline.broken).why


def _asked(asked: rotation.Asked) -> str:
    why = f": {asked.reason}" if asked.reason else ""
    if asked.compromised:
        return f"compromised{why}; the old key goes first, and nothing of it lives on"
    return f"asked for{why}"


def _moved(sight: KeySight, recorded: RecordedKey, live: KeySpec) -> Iterator[Cause]:
    """Whether a new key would differ from the one that was last sent, and whether that one was left as it was."""
    key, sent = sight.key, recorded.spec
    wish = wanted.dated(key, recorded.issued)
    said = (recorded.address, recorded.secret, recorded.protect) == (key.address, key.secret, key.protect)
    if not said or not wanted.same(wish, sent):
        yield Cause.DECLARED
    if not wanted.same(live, sent):
        yield Cause.DRIFT


def issue(sight: KeySight, action: Action, reasons: tuple[str, ...], causes: tuple[Cause, ...]) -> Change:
    """A new generation, create-first; it replaces the live key when there is one."""
    key = sight.key
    name = live_name(key.address.name, sight.tag, sight.generation)
    spec = wanted.at_issue(key)
    overlap = 0 if sight.live is None or Cause.EXPIRED in causes else key.rotation.overlap  # nobody can use a dead key
    end = shown_end(key.valid_for, sight.now, sight.shown) if key.valid_for else 0
    after = as_written(replace(spec, valid_until=end or spec.valid_until), key.secret, None if end else key.valid_for)
    new = NewKey(
        name=name,
        generation=sight.generation,
        spec=spec,
        valid_for=key.valid_for,
        managed=wanted.managed(key),
    )
    change = Change(
        address=key.address,
        account=key.account,
        action=action,
        reasons=reasons,
        causes=causes,
        fields=_fields(sight, after),
        steps=create_first(name, sight.live, overlap),
        strategy=Strategy.CREATE_FIRST,
        old=old_key(sight.live),
        new=new,
        secret=key.secret,
        overlap=overlap,
        trigger=key.rotation.trigger,
        protect=key.protect,
        nonce=key.nonce,
        renamed_from=_former(sight),
    )
    return turned_round(change) if sight.asked and sight.asked.compromised else change


def _fields(sight: KeySight, after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """For a replacement what differs; expiry, counted anew from the issue, is no difference by itself."""
    if sight.live is None or sight.recorded is None:
        return diff.all_fields(after)
    before = as_written(sight.live.spec, sight.recorded.secret)
    target = wanted.of_live(sight.key, sight.live.spec, sight.recorded.issued)
    same_expiry = sight.key.valid_for is not None and target.valid_until == sight.live.spec.valid_until
    differing = diff.fields(before, {**after, "expires": before["expires"]} if same_expiry else after)
    return (*differing, *_protection(sight.key, sight.recorded))


def _protection(key: DesiredKey, recorded: RecordedKey) -> tuple[FieldChange, ...]:
    """It lives in our memory only, where it outlives the manifest."""
    same = key.protect == recorded.protect
    return () if same else (FieldChange("protect", recorded.protect, key.protect),)


def _update(sight: KeySight, recorded: RecordedKey, live: LiveKey, target: KeySpec) -> Change:
    key = sight.key
    before = as_written(live.spec, None)
    drifted = _drifted(recorded.spec, live.spec, target)
    reason = "the live key was changed by somebody" if drifted else "the manifest changed"
    return Change(
        address=key.address,
        account=key.account,
        action=Action.UPDATE,
        reasons=(f"{reason}; these fields can be edited, so key and secret stay", *((_MAYBE,) if sight.unseen else ())),
        causes=(Cause.DRIFT if drifted else Cause.DECLARED,),
        fields=(*diff.fields(before, as_written(target, None)), *_protection(key, recorded)),
        steps=(Step(Verb.UPDATE, live.name), Step(Verb.CHECK, live.name)),
        old=old_key(live),
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
        nonce=sight.nonce,
        renamed_from=_former(sight),
    )


def _drifted(sent: KeySpec, live: KeySpec, target: KeySpec) -> bool:
    """Whether a field to be updated is no longer as we last sent it. What nobody declared is no evidence."""
    moved = wanted.settled(sent.valid_until, live.valid_until) != live.valid_until
    expiry = moved and target.valid_until != live.valid_until
    return expiry or any(getattr(sent, name) != getattr(live, name) != getattr(target, name) for name in _EXACT)


def _remember(sight: KeySight, recorded: RecordedKey, live: LiveKey) -> Change | None:
    """Same key, new address or protection: only our memory changes. Nothing is sent, so there is no step."""
    former, protection = _former(sight), _protection(sight.key, recorded)
    reasons = [f"formerly {former}; the key keeps its live name until it is replaced"] if former else []
    if protection:
        reasons.append("protection is remembered here, so that it outlives the manifest; nothing is sent")
    if not reasons:
        return None
    return replace(
        _update(sight, recorded, live, live.spec),
        reasons=tuple(reasons),
        causes=(Cause.DECLARED,),
        fields=protection,
        steps=(),
    )


def has_ended(key: DesiredKey, now: int) -> bool:
    """`validUntil` ends the grant; `validFor` only one issue of it."""
    return key.valid_until is not None and key.valid_until <= now


def _revoke_ended(sight: KeySight) -> Change | None:
    if sight.recorded is None or sight.live is None:
        return None
    ended = f"its grant ended at {show_time(sight.key.valid_until or 0)} (validUntil)"
    reasons = (ended, *by_name_alone(sight.recorded, sight.live))
    change = revoke(sight.recorded.address, sight.key.account, sight.live, Cause.ENDED, *reasons)
    change = unheard(change) if sight.silent else change
    return still_protected(change) if sight.key.protect else change


def _former(sight: KeySight) -> Address | None:
    if sight.recorded is None or sight.recorded.address == sight.key.address:
        return None
    return sight.recorded.address
