"""The words in which a rebuilt state is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.rebuilt import Heard, Kept, Word
from krakenctl.model.time import show_time

ONLY_THE_STATE_KNEW = (
    "what the audit log said, which saved plans were applied, how many keys Kraken lets an account have, which keys"
    " were handed over (Removed, action: forget) unless a manifest still says so, which were adopted without their"
    " secrets (krakenctl import --from connect adopts them again, once their manifests are out of the way), which that"
    " a person made were taken unseen, attested, or only claimed to be revoked, and which were revoked with the kill"
    " switch: one of these that is still declared is issued anew"
)
AS_DECLARED = (
    "rotation.trigger and protect are taken from the manifests: whatever of them changed since the last apply rotates"
    " and protects nothing by itself"
)


def perhaps_renamed(kept: Kept, live: Iterable[LiveKey]) -> str:
    """No proof where the list tells no public key: two keys may be made in one second."""
    same = [one.name for one in live if kept.created and one.created == kept.created and not one.public_key]
    if not same:
        return ""
    told = ", ".join(f"“{name}”" for name in same)
    return f"perhaps a person renamed it, as {told} was created in the same second (then rename it back, and rebuild)"


def under_way(intent: Intent) -> str:
    if intent.mistaken:
        return f"{intent.live_name} {intent.mistake}; it is told of until somebody has looked"
    if intent.stage is Stage.LOST:
        return f"{intent.live_name} was given up by an earlier run, and is looked out for as before"
    return f"{intent.live_name}: an earlier run has begun a change of it, and the next run finishes or undoes it"


def left_alone(live: LiveKey) -> str:
    since = f", created {show_time(live.created)}," if live.created else ""
    return (
        f"{live.name}{since} is live and carries this workspace's tag, but no slot of a declared key holds its secret:"
        " it is left alone, and its number is burned; if nobody needs it, revoke it by hand"
    )


def foreign(kept: Kept, lineage: str) -> str:
    whose = f"of {kept.address}" if kept.lineage == lineage else f"of the lineage {kept.lineage}"
    return (
        f"{kept.place.store}:{kept.place.path} holds a key {whose} as {kept.slot} ({kept.live_name}): it is left alone"
    )


def heard(heard: Heard) -> str:
    if heard.word is Word.RECOVERED:
        return f"{heard.name} answered, and {heard.why}"
    return f"{heard.name} is recorded as its store tells, and has not confirmed it: {heard.why}"


def unlisted(tag: str) -> str:
    return (
        "no call lists the keys of this account, so one whose secret no slot holds is not found: look among them on"
        f" Kraken's website for names that end in .{tag}.g and a number, and are not recorded"
    )
