"""What the manifests of today allow of a change that was begun: to go on, to take back, or to issue anew. Pure."""

from __future__ import annotations

from krakenctl.apply.grants import beyond, excess
from krakenctl.apply.recovery.sight import Bounds, Decision, Sight
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.plan import OldKey
from krakenctl.model.recovery import Move


def take_back(intent: Intent, sight: Sight, why: str) -> Decision:
    """What its consumer may read already goes only where the store can be put right.

    Revoke-first, another one is issued in its place, or it would be forgotten that one is owed.
    """
    if intent.stage is Stage.CHECKED and sight.kept.problem:
        return Move.WAIT, f"{why}; but it may be what its consumer reads: {sight.kept.problem}"
    if is_forward_only(intent, sight):
        move, more = forward(intent, sight, f"{why}: it is revoked")
        if move in (Move.ISSUE, Move.WAIT):
            return move, more
    return Move.REVOKE, why


def refusal(intent: Intent, sight: Sight) -> Decision | None:
    """Why the key may not be promoted, by what the manifests say now. None: it may."""
    if sight.contained:
        return take_back(intent, sight, f"the kill switch was used on it by {sight.contained}")
    if not sight.bounds.sound:
        return _unless_no_more_than_before(intent)
    grant = sight.bounds.granted(intent.address)
    if grant is None and not intent.change.gap:
        return take_back(intent, sight, "it is no longer declared")
    if surplus := _surplus(_wanted(intent), intent, sight.bounds):
        return take_back(intent, sight, f"it may {surplus}, which is above its ceiling now")
    if grant is not None and (more := excess(intent, grant)):
        return take_back(intent, sight, f"it {more}, which its manifest does not grant any more")
    return None


def _unless_no_more_than_before(intent: Intent) -> Decision | None:
    """Without sound manifests nothing vouches for a key but the one it replaces."""
    old, new = intent.change.old, intent.change.new
    before = old.spec if old else KeySpec(permissions=frozenset())
    if new is None or not any(beyond(intent.sent or new.spec, before)):
        return None
    return Move.WAIT, "the manifests are not sound, so nothing says that it may do what the key before it may not"


def is_forward_only(intent: Intent, sight: Sight) -> bool:
    """Revoke-first, once the old key is gone: its consumer stands without one."""
    if not intent.change.gap or sight.outgrown or intent.stage is Stage.LOST:
        return False
    return intent.stage not in (Stage.BEGUN, Stage.SHOWN) or not same(intent.change.old, sight)


def forward(intent: Intent, sight: Sight, why: str) -> Decision:
    if sight.contained:
        return _stop(intent, f"the kill switch was used on it by {sight.contained}")
    if not sight.bounds.sound:
        return _unless_no_more_than_before(intent) or (Move.ISSUE, _forward_reason(intent, why))
    grant = sight.bounds.declared.get(intent.address)
    if grant is None:
        return _stop(intent, "it is no longer declared")
    if grant.has_ended(sight.now):
        return _stop(intent, "what its manifest grants has ended")
    if surplus := _surplus(grant.spec.permissions, intent, sight.bounds):
        return _stop(intent, f"it would be able to {surplus}, which is above its ceiling now")
    return Move.ISSUE, _forward_reason(intent, why)


def _forward_reason(intent: Intent, why: str) -> str:
    return f"{intent.old_name} was revoked to make room for it, and {why}; it is issued now"


def _stop(intent: Intent, why: str) -> Decision:
    """Not issued. A name that was asked for stays burned and looked for."""
    return (Move.DROP if intent.sent is None else Move.WATCH), f"{why}: it is not issued"


def _surplus(wanted: frozenset[Permission], intent: Intent, bounds: Bounds) -> str:
    return ", ".join(in_order(wanted - bounds.ceilings.get(intent.account, frozenset())))


def _wanted(intent: Intent) -> frozenset[Permission]:
    return intent.change.new.spec.permissions if intent.change.new else frozenset()


def same(old: OldKey | None, sight: Sight) -> bool:
    """Whether the old key is still there, and still that key."""
    live = sight.live(old.name) if old else None
    return old is not None and live is not None and live.created == old.created
