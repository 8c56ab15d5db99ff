"""What recovery would do about one intent, and why. Pure: it is handed everything, and reads and changes nothing.

A key is ours by proof only. The journal holds its very name, and no list had shown it before; beside that it was
created no earlier than the intent, or it is the one whose pair our store keeps, or that somebody answers for. What is
ours goes forward when its secret is kept and it is what was asked for, within the ceilings of today; else it is taken
back. Where something cannot be seen or read, recovery waits.
"""

from __future__ import annotations

from krakenctl.apply.recovery.allowed import forward, is_forward_only, refusal, same, take_back
from krakenctl.apply.recovery.sight import Decision, Kept, Sight
from krakenctl.apply.steps import check
from krakenctl.apply.steps.advice import COMPARE, MENDING
from krakenctl.model.coverage import Coverage
from krakenctl.model.journal import MISMATCH, Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Asides, Phase
from krakenctl.model.plan import Action, Verb
from krakenctl.model.recovery import Move, Recovery
from krakenctl.stores.base import Entry

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
_ATTEST = (
    "run `krakenctl attest {address}` where the key may be used; or, if it was deleted, `krakenctl recover --absent"
    " {address}`"
)
_UNUSED = (Stage.BEGUN, Stage.REVOKED)  # nothing was stored, as far as the journal knows


def decide(intent: Intent, sight: Sight) -> Recovery:
    move, why = _decide(intent, sight)
    return Recovery(address=intent.address, account=intent.account, name=intent.live_name, move=move, why=why)


def _decide(intent: Intent, sight: Sight) -> Decision:
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


def _request(intent: Intent, sight: Sight) -> Decision:
    if sight.account.phase is Phase.READY:
        return Move.RECORD, "it exists, and its credential works"
    if not sight.requested:
        return Move.DROP, "the request had not been sent"
    answers = f"`krakenctl recover --exists {intent.address}` or `krakenctl recover --absent {intent.address}`"
    where = f"look among the sub-accounts of {intent.account} on Kraken's website for {intent.live_name}"
    return Move.ASK, f"whether it was requested is not known: {where}, and answer with {answers}"


def _revoke(intent: Intent, sight: Sight) -> Decision:
    if same(intent.change.old, sight):
        return Move.DROP, "it had not been revoked; the plan decides anew"
    return Move.RECORD, "it is gone from the exchange"


def _update(intent: Intent, sight: Sight) -> Decision:
    new, live = intent.change.new, sight.live(intent.live_name)
    if new is not None and live is not None and not check.differences(new.spec, live.spec):
        return Move.RECORD, "the exchange has it as asked"
    return Move.DROP, "the exchange has it otherwise; the plan decides anew"


# A key that was, or was to be, issued


def _issue(intent: Intent, sight: Sight) -> Decision:
    if intent.stage is Stage.PROMOTED:
        return _promoted(intent, sight)
    live = sight.live(intent.live_name)
    if live is None or intent.sent is None or intent.mistaken:  # what was never asked for is somebody else's
        return _absent(intent, sight)
    if not live.created and sight.kept.problem and not _is_vouched(intent, live):
        return Move.WAIT, f"without a creation time only its secret tells whether it is ours: {sight.kept.problem}"
    if not _is_ours(intent, live, sight.kept):
        return Move.UNKNOWN, "a key of that name is live, and nothing proves that it is ours; it is left alone"
    move, why = _present(intent, live, sight)
    by_pair = sight.account.traits.proved_by_pair and not sight.kept.problem  # nobody else's key has our pair
    if move in (Move.REVOKE, Move.ISSUE) and not live.created and not by_pair:
        return Move.UNKNOWN, f"{why}; but no creation time proves that it is ours, so it is left alone"
    return move, why


def _is_vouched(intent: Intent, live: LiveKey) -> bool:
    """Whether somebody answers for this very key, so that its creation need not be known."""
    return bool(intent.vouched and intent.public_key) and live.public_key == intent.public_key


def _is_ours(intent: Intent, live: LiveKey, kept: Kept) -> bool:
    if _is_vouched(intent, live):
        return True
    if entry := _secret(intent, live, kept):
        return entry.created in (0, live.created)  # 0: it was kept before anything was told
    if intent.public_key and live.public_key not in ("", intent.public_key):
        return False
    return intent.is_before(live)


def _secret(intent: Intent, live: LiveKey, kept: Kept) -> Entry | None:
    """What the store keeps of this very key: a name may have been used by another one."""
    entry = kept.entry(intent.live_name)
    known = {live.public_key or intent.public_key} - {""}
    return entry if entry is not None and known <= {entry.public_key} else None


def _promoted(intent: Intent, sight: Sight) -> Decision:
    """The one before it goes only while the new one is there to take its place."""
    if sight.live(intent.live_name) is None:
        return Move.DROP, "it was promoted, and is gone since; the plan decides anew"
    if not same(intent.change.old, sight) and (_fate(intent) == "retired" or sight.live(intent.old_name)):
        return Move.DROP, "it is in use, and the one before it is gone"
    if sight.account.traits.asks_for_use and _fate(intent) == "revoked":
        return Move.CLOSE, f"once its program uses it, {intent.old_name} is revoked as planned"
    return Move.CLOSE, closed(intent)


def closed(intent: Intent) -> str:
    """Also for afterwards, when nothing waits any more."""
    return f"it is in use; {intent.old_name} is {_fate(intent)} as planned"


def _fate(intent: Intent) -> str:
    return "retired" if intent.change.steps[-1].verb is Verb.RETIRE else "revoked"


def _absent(intent: Intent, sight: Sight) -> Decision:
    """No key of that name. One that was asked for may still show up."""
    if intent.stage is Stage.LOST:
        return _given_up(intent, sight)
    if is_forward_only(intent, sight):
        return forward(intent, sight, _vacancy(intent, sight))
    if intent.sent is None:
        return Move.DROP, "nothing had been done"
    if intent.stage is Stage.CHECKED and sight.kept.problem:
        return Move.WAIT, f"it is gone, and may be what its consumer reads: {sight.kept.problem}"
    if sight.account.traits.proved_by_pair:
        return _absent_by_pair(intent, sight)
    return Move.WATCH, "it is not in the account's list: its name is burned, and looked for on later runs"


def _vacancy(intent: Intent, sight: Sight) -> str:
    if intent.mistaken:
        return f"{intent.live_name} {intent.mistake}"
    return "its place is empty" if sight.live(intent.live_name) is None else "another key has its name"


def _absent_by_pair(intent: Intent, sight: Sight) -> Decision:
    """Every key shows whose pair is kept, unless it is proved gone; of others nobody knows whether they were made."""
    if intent.mistaken:
        return Move.WATCH, f"{intent.live_name} {intent.mistake}"
    if sight.kept.problem and sight.kept.pending_taken:
        return Move.WAIT, f"whether its secret is kept cannot be read here: {sight.kept.problem}"
    if sight.kept.pending is not None and sight.kept.pending.live_name == intent.live_name:
        return Move.DROP, "it is gone from the website, as its own pair proves"
    asks_again = sight.account.traits.asks_again and intent.stage in (Stage.BEGUN, Stage.SHOWN)
    if asks_again and _is_still_wanted(intent, sight):
        return Move.SHOW, "a person was told to make it, and its pair is in no slot: it is asked for again"
    return Move.WATCH, _UNSEEN.format(address=intent.address)


def _is_still_wanted(intent: Intent, sight: Sight) -> bool:
    """Whether there is to be a key of that address. That it is to be another one by now, whoever makes it will see."""
    if sight.contained or sight.outgrown:
        return False
    grant = sight.bounds.declared.get(intent.address)
    return not sight.bounds.sound or (grant is not None and not grant.has_ended(sight.now))


def _given_up(intent: Intent, sight: Sight) -> Decision:
    if sight.in_use:
        return Move.DROP, "it was made by mistake, and is in use after all"
    if _has_expired(intent, sight):
        return Move.DROP, _OVER
    if intent.sent is None or (sight.account.coverage in _LISTED and sight.now - intent.began > LATEST):
        return Move.DROP, _NEVER
    return Move.WATCH, "it was given up, and has not shown up"


def _present(intent: Intent, live: LiveKey, sight: Sight) -> Decision:
    if sight.outgrown:
        return take_back(intent, sight, "a later one has taken its place")
    if intent.stage is Stage.LOST:
        return take_back(intent, sight, "it came to be after it had been given up, and nobody has its secret")
    if waiting := _unreadable(intent, sight.kept):
        return Move.WAIT, waiting
    if _is_nowhere(intent, live, sight.kept):
        return take_back(intent, sight, "its secret is in no slot, so nobody can use it")
    is_open = intent.stage is not Stage.CHECKED or bool(doubted(intent, sight.account))
    mendable = sight.account.traits.mendable and is_open
    if wrong := _staleness(intent, sight.now) if mendable else _flaw(intent, live, sight.now):
        return take_back(intent, sight, wrong)
    kept = (Move.PROMOTE, "it was issued, and its secret is kept")
    return refusal(intent, sight) or (_unless_wrong(intent, live, sight) if mendable else kept)


def doubted(intent: Intent, seen: Asides) -> str:
    """Why what was attested elsewhere need not be so of the pair that is kept, which nobody has tried; empty: it is."""
    aside = seen.aside(intent.live_name)
    return aside.unasked if intent.is_untried and aside.mispaired else ""


def _unless_wrong(intent: Intent, live: LiveKey, sight: Sight) -> Decision:
    """What is wrong with it may be put right, and what cannot be seen somebody may answer for."""
    name, aside = intent.live_name, sight.account.aside(intent.live_name)
    wrong = (*aside.odd, *check.differences(intent.sent or live.spec, live.spec))
    if sight.trying or not (wrong or aside.unasked):
        return Move.PROMOTE, "it was made, and its secret is kept"
    if told := "; ".join(wrong) or intent.flaw:
        return Move.WAIT, f"{name} was made, and is not as it was asked for: {told}; {MENDING}"
    way = COMPARE if doubted(intent, sight.account) else _ATTEST
    return Move.WAIT, f"{aside.unasked}; {way.format(address=intent.address)}"


def _is_nowhere(intent: Intent, live: LiveKey, kept: Kept) -> bool:
    """Whether nobody has its secret. Where the store cannot be read: nothing was stored, and its slot is free."""
    if kept.problem:
        return intent.stage in _UNUSED and not kept.pending_taken
    return _secret(intent, live, kept) is None


def _has_expired(intent: Intent, sight: Sight) -> bool:
    """Whether a name that was given up could not be used any more, if its key came to be."""
    return intent.stage is Stage.LOST and intent.sent is not None and intent.sent.has_ended(sight.now)


def _staleness(intent: Intent, now: int) -> str:
    """Where recovery came so late that less than a tenth of the new key's life is left."""
    until = intent.sent.valid_until if intent.sent else 0
    return "it has expired, or is about to" if until and until - now < (until - intent.began) // 10 else ""


def _flaw(intent: Intent, live: LiveKey, now: int) -> str:
    if wrong := check.differences(intent.sent or live.spec, live.spec):
        return f"it is not what was asked for: {'; '.join(wrong)}"
    if intent.verdict == MISMATCH:
        return "an earlier run had begun to take it back"
    return _staleness(intent, now)


def _unreadable(intent: Intent, kept: Kept) -> str:
    """Where the store cannot be read, the journal's word counts; empty: it is enough."""
    if not kept.problem:
        return ""
    if intent.stage is Stage.CHECKED or (kept.pending_taken and intent.stage is Stage.STORED):
        return ""
    if intent.stage in _UNUSED and not kept.pending_taken:  # it is nowhere
        return ""
    return f"whether its secret is kept cannot be read here: {kept.problem}"
