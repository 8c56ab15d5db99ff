"""What recovery would do about one intent, and why. Pure: it is handed everything, and reads and changes nothing.

A key is ours by proof only: the journal holds its very name, no list had shown it before, and it was created no earlier
than the intent. What is ours goes forward when its secret is kept and it is what was asked for, within the ceilings of
today; else it is taken back. Where something cannot be seen or read, recovery waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.apply import check
from krakenctl.apply.grants import Grant, beyond, excess
from krakenctl.model.address import Address
from krakenctl.model.journal import MISMATCH, Intent, Stage
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.live import Coverage, LiveAccount, Phase
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.plan import Action, OldKey, Verb
from krakenctl.model.recovery import JOURNAL_SLACK, Move, Recovery
from krakenctl.stores.base import Entry

Verdict = tuple[Move, str]

_OVER = "it was given up, and would have expired by now"
# Seconds after which a deed that nobody heard of is not done any more. Kraken bounds how late an order may be done (a
# deadline of at most 60 s, docs.kraken.com), says nothing of keys, and maintenance takes hours.
LATEST = 86400
_NEVER = "it was given up, and has not come to be in a day"
_LISTED = (Coverage.COMPLETE, Coverage.OUR_CLIENT)  # where a new key of ours shows
_UNSEEN = (
    "whether a person made it is not known, and nobody has its secret: if the website shows it, delete it there, and"
    " say so with `krakenctl recover --absent {address}`"
)
_UNUSED = (Stage.BEGUN, Stage.REVOKED)  # nothing was stored, as far as the journal knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store holds where an intent's secret goes, as far as this host can tell."""

    pending: Entry | None = None
    current: Entry | None = None
    problem: str = ""  # why it cannot be read here; the two above say nothing then
    pending_taken: bool = False  # also known where nothing can be read

    def entry(self, name: str) -> Entry | None:
        return next((entry for entry in (self.pending, self.current) if entry and entry.live_name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the manifests allow now."""

    ceilings: Mapping[str, frozenset[Permission]] = field(default_factory=dict)  # by account
    declared: Mapping[Address, Grant] = field(default_factory=dict)
    sound: bool = True  # False: the manifests cannot be read, and nothing above is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that bears on one intent."""

    account: LiveAccount
    bounds: Bounds
    kept: Kept = field(default_factory=Kept)
    outgrown: bool = False  # a later issue of the same key is recorded or under way
    requested: bool = True  # of a sub-account: our memory says that we asked for it
    contained: str = ""  # the kill switch was used on this key: by whom
    now: int = 0  # unix seconds on the exchange's clock
    trying: bool = False  # it is done right now, so that somebody may be asked

    def live(self, name: str) -> LiveKey | None:
        return next((key for key in self.account.keys if key.name == name), None)


def decide(intent: Intent, sight: Sight) -> Recovery:
    move, why = _decide(intent, sight)
    return Recovery(address=intent.address, account=intent.account, name=intent.live_name, move=move, why=why)


def _decide(intent: Intent, sight: Sight) -> Verdict:
    if intent.address.kind == "SubAccount":
        return _request(intent, sight)
    if sight.account.phase is not Phase.READY or sight.account.coverage is Coverage.NONE:
        if _has_expired(intent, sight) and sight.bounds.sound and intent.account not in sight.bounds.ceilings:
            return Move.DROP, _OVER
        return Move.WAIT, f"{intent.account} cannot be seen: {sight.account.reason or 'it is not ready'}"
    if intent.issues:
        return _issue(intent, sight)
    return _revoke(intent, sight) if intent.change.action is Action.REVOKE else _update(intent, sight)


# A sub-account, a revoke, an update


def _request(intent: Intent, sight: Sight) -> Verdict:
    if sight.account.phase is Phase.READY:
        return Move.RECORD, "it exists, and its credential works"
    if not sight.requested:
        return Move.DROP, "the request had not been sent"
    answers = f"`krakenctl recover --exists {intent.address}` or `krakenctl recover --absent {intent.address}`"
    where = f"look among the sub-accounts of {intent.account} on Kraken's website for {intent.live_name}"
    return Move.ASK, f"whether it was requested is not known: {where}, and answer with {answers}"


def _revoke(intent: Intent, sight: Sight) -> Verdict:
    if _same(intent.change.old, sight):
        return Move.DROP, "it had not been revoked; the plan decides anew"
    return Move.RECORD, "it is gone from the exchange"


def _update(intent: Intent, sight: Sight) -> Verdict:
    new, live = intent.change.new, sight.live(intent.live_name)
    if new is not None and live is not None and not check.differences(new.spec, live.spec):
        return Move.RECORD, "the exchange has it as asked"
    return Move.DROP, "the exchange has it otherwise; the plan decides anew"


# A key that was, or was to be, issued


def _issue(intent: Intent, sight: Sight) -> Verdict:
    if intent.stage is Stage.PROMOTED:
        return _promoted(intent, sight)
    live = sight.live(intent.live_name)
    if live is None or intent.sent is None:  # what was never asked for is somebody else's
        return _absent(intent, sight)
    if not live.created and sight.kept.problem:
        return Move.WAIT, f"without a creation time only its secret tells whether it is ours: {sight.kept.problem}"
    if not _is_ours(intent, live, sight.kept):
        return Move.UNKNOWN, "a key of that name is live, and nothing proves that it is ours; it is left alone"
    move, why = _present(intent, live, sight)
    by_pair = sight.account.by_person and not sight.kept.problem  # it is held: nobody else's key has our pair
    if move in (Move.REVOKE, Move.ISSUE) and not live.created and not by_pair:
        return Move.UNKNOWN, f"{why}; but no creation time proves that it is ours, so it is left alone"
    return move, why


def _is_ours(intent: Intent, live: LiveKey, kept: Kept) -> bool:
    if entry := _secret(intent, live, kept):
        return entry.created in (0, live.created)  # 0: it was kept before anything was told
    if intent.public_key and live.public_key not in ("", intent.public_key):
        return False
    return live.created >= intent.began - JOURNAL_SLACK


def _secret(intent: Intent, live: LiveKey, kept: Kept) -> Entry | None:
    """What the store keeps of this very key: a name may have been used by another one."""
    entry = kept.entry(intent.live_name)
    known = {live.public_key or intent.public_key} - {""}
    return entry if entry is not None and known <= {entry.public_key} else None


def _promoted(intent: Intent, sight: Sight) -> Verdict:
    """The one before it goes only while the new one is there to take its place."""
    if sight.live(intent.live_name) is None:
        return Move.DROP, "it was promoted, and is gone since; the plan decides anew"
    if not _same(intent.change.old, sight) and (_fate(intent) == "retired" or sight.live(intent.old_name)):
        return Move.DROP, "it is in use, and the one before it is gone"
    return Move.CLOSE, f"it is in use; {intent.old_name} is {_fate(intent)} as planned"


def _fate(intent: Intent) -> str:
    return "retired" if intent.change.steps[-1].verb is Verb.RETIRE else "revoked"


def _absent(intent: Intent, sight: Sight) -> Verdict:
    """No key of that name. One that was asked for may still show up."""
    if intent.stage is Stage.LOST:
        return _given_up(intent, sight)
    if _is_forward_only(intent, sight):
        taken = sight.live(intent.live_name) is not None
        return _forward(intent, sight, "another key has its name" if taken else "its place is empty")
    if intent.sent is None:
        return Move.DROP, "nothing had been done"
    if intent.stage is Stage.CHECKED and sight.kept.problem:
        return Move.WAIT, f"it is gone, and may be what its consumer reads: {sight.kept.problem}"
    if sight.account.by_person:
        return Move.WATCH, _UNSEEN.format(address=intent.address)
    return Move.WATCH, "it is not in the account's list: its name is burned, and looked for on later runs"


def _given_up(intent: Intent, sight: Sight) -> Verdict:
    if _has_expired(intent, sight):
        return Move.DROP, _OVER
    if intent.sent is None or (sight.account.coverage in _LISTED and sight.now - intent.began > LATEST):
        return Move.DROP, _NEVER
    return Move.WATCH, "it was given up, and has not shown up"


def _present(intent: Intent, live: LiveKey, sight: Sight) -> Verdict:
    if sight.outgrown:
        return _take_back(intent, sight, "a later one has taken its place")
    if intent.stage is Stage.LOST:
        return _take_back(intent, sight, "it came to be after it had been given up, and nobody has its secret")
    if waiting := _unreadable(intent, sight.kept):
        return Move.WAIT, waiting
    if _is_nowhere(intent, live, sight.kept):
        return _take_back(intent, sight, "its secret is in no slot, so nobody can use it")
    by_hand = sight.account.by_person and intent.stage is not Stage.CHECKED
    if wrong := "" if by_hand else _flaw(intent, live, sight.now):
        return _take_back(intent, sight, wrong)
    kept = (Move.PROMOTE, "it was issued, and its secret is kept")
    return _refusal(intent, sight) or (_by_hand(intent, live, sight) if by_hand else kept)


def _by_hand(intent: Intent, live: LiveKey, sight: Sight) -> Verdict:
    """What is wrong with it a person may put right, and what cannot be seen somebody may answer for."""
    name = intent.live_name
    wrong = (*sight.account.odd.get(name, ()), *check.differences(intent.sent or live.spec, live.spec))
    unasked = sight.account.unasked.get(name, "")
    if sight.trying or not (wrong or unasked):
        return Move.PROMOTE, "it was made, and its secret is kept"
    if wrong:
        return Move.WAIT, f"it is not as it was asked for: {'; '.join(wrong)}; `krakenctl apply` at a terminal goes on"
    return Move.WAIT, f"{unasked}; run `krakenctl attest {intent.address}` where the key may be used"


def _is_nowhere(intent: Intent, live: LiveKey, kept: Kept) -> bool:
    """Whether nobody has its secret. Where the store cannot be read: nothing was stored, and its slot is free."""
    if kept.problem:
        return intent.stage in _UNUSED and not kept.pending_taken
    return _secret(intent, live, kept) is None


def _has_expired(intent: Intent, sight: Sight) -> bool:
    """Whether a name that was given up could not be used any more, if its key came to be."""
    until = intent.sent.valid_until if intent.sent else 0
    return intent.stage is Stage.LOST and 0 < until <= sight.now


def _is_stale(intent: Intent, now: int) -> bool:
    """Whether recovery came so late that less than a tenth of the new key's life is left."""
    until = intent.sent.valid_until if intent.sent else 0
    return bool(until) and until - now < (until - intent.began) // 10


def _flaw(intent: Intent, live: LiveKey, now: int) -> str:
    if wrong := check.differences(intent.sent or live.spec, live.spec):
        return f"it is not what was asked for: {'; '.join(wrong)}"
    if intent.verdict == MISMATCH:
        return "an earlier run had begun to take it back"
    return "it has expired, or is about to" if _is_stale(intent, now) else ""


def _unreadable(intent: Intent, kept: Kept) -> str:
    """Where the store cannot be read, the journal's word counts; empty: it is enough."""
    if not kept.problem:
        return ""
    if intent.stage is Stage.CHECKED or (kept.pending_taken and intent.stage is Stage.STORED):
        return ""
    if intent.stage in _UNUSED and not kept.pending_taken:  # it is nowhere
        return ""
    return f"whether its secret is kept cannot be read here: {kept.problem}"


def _take_back(intent: Intent, sight: Sight, why: str) -> Verdict:
    """What its consumer may read already goes only where the store can be put right.

    Revoke-first, another one is issued in its place, or it would be forgotten that one is owed.
    """
    if intent.stage is Stage.CHECKED and sight.kept.problem:
        return Move.WAIT, f"{why}; but it may be what its consumer reads: {sight.kept.problem}"
    if _is_forward_only(intent, sight):
        move, more = _forward(intent, sight, f"{why}: it is revoked")
        if move in (Move.ISSUE, Move.WAIT):
            return move, more
    return Move.REVOKE, why


def _refusal(intent: Intent, sight: Sight) -> Verdict | None:
    """Why the key may not be promoted, by what the manifests say now. None: it may."""
    if sight.contained:
        return _take_back(intent, sight, f"the kill switch was used on it by {sight.contained}")
    if not sight.bounds.sound:
        return _unless_no_more_than_before(intent)
    grant = sight.bounds.declared.get(intent.address)
    if grant is None and not intent.change.gap:
        return _take_back(intent, sight, "it is no longer declared")
    if surplus := _surplus(_wanted(intent), intent, sight.bounds):
        return _take_back(intent, sight, f"it may {surplus}, which is above its ceiling now")
    if grant is not None and (more := excess(intent, grant)):
        return _take_back(intent, sight, f"it {more}, which its manifest does not grant any more")
    return None


def _unless_no_more_than_before(intent: Intent) -> Verdict | None:
    """Without sound manifests nothing vouches for a key but the one it replaces."""
    old, new = intent.change.old, intent.change.new
    before = old.spec if old else KeySpec(permissions=frozenset())
    if new is None or not any(beyond(intent.sent or new.spec, before)):
        return None
    return Move.WAIT, "the manifests are not sound, so nothing says that it may do what the key before it may not"


def _is_forward_only(intent: Intent, sight: Sight) -> bool:
    """Revoke-first, once the old key is gone: its consumer stands without one."""
    if not intent.change.gap or sight.outgrown or intent.stage is Stage.LOST:
        return False
    return intent.stage is not Stage.BEGUN or not _same(intent.change.old, sight)


def _forward(intent: Intent, sight: Sight, why: str) -> Verdict:
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


def _stop(intent: Intent, why: str) -> Verdict:
    """Not issued. A name that was asked for stays burned and looked for."""
    return (Move.DROP if intent.sent is None else Move.WATCH), f"{why}: it is not issued"


def _surplus(wanted: frozenset[Permission], intent: Intent, bounds: Bounds) -> str:
    return ", ".join(in_order(wanted - bounds.ceilings.get(intent.account, frozenset())))


def _wanted(intent: Intent) -> frozenset[Permission]:
    return intent.change.new.spec.permissions if intent.change.new else frozenset()


def _same(old: OldKey | None, sight: Sight) -> bool:
    """Whether the old key is still there, and still that key."""
    live = sight.live(old.name) if old else None
    return old is not None and live is not None and live.created == old.created
