"""What krakenctl remembers: the state, who holds its lease, what runs have left, and whether its log is whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from krakenctl.errors import KrakenctlError
from krakenctl.model.chain import walk
from krakenctl.model.description import CLOCKS
from krakenctl.model.diagnosis import Told, ok, problem, warning
from krakenctl.model.time import show_time
from krakenctl.observe.holdings import declared_as
from krakenctl.plan.clocks import clock_of, is_replaced
from krakenctl.plan.names import carries_tag
from krakenctl.render.paint import count
from krakenctl.stores.base import Slot
from krakenctl.tasks.diagnosis import verdicts
from krakenctl.tasks.diagnosis.check import Check, Needs
from krakenctl.tasks.diagnosis.ground import DoctorGround, Party
from krakenctl.wiring import opening

if TYPE_CHECKING:
    from krakenctl.model.recorded import Recorded, RecordedKey

_NAMED = 5  # keys, or changes, that are named one by one
_RECENT = 600  # seconds after its end in which a key may wait for the next run


def state(ground: DoctorGround) -> Iterator[Told]:
    """Can it be opened and read, and is its file whole?"""
    recorded = ground.recorded
    if not recorded.lineage:
        yield _none(ground)
        return
    told = f"{count(len(recorded.keys), 'key')} on {count(len(recorded.accounts), 'account')}"
    if ground.workspace.state.type != "sqlite":
        yield ok(f"{told}, in {ground.workspace.state.type}")
        return
    from krakenctl.state.health import health

    path = ground.root / ground.workspace.state.path
    seen = health(path)
    if seen.damage:
        hint = "restore it from a backup; or move it away, and see `krakenctl state rebuild`"
        yield problem(f"its file is damaged: {seen.damage[0]}", hint=hint)
    if seen.mode & 0o077:
        yield warning(f"others can read {path} (mode {seen.mode:04o})", hint=f"chmod 600 {path}")
    older = ", of an earlier format: the next run brings it up to date" if seen.older else ""
    if not seen.damage:
        yield ok(f"{told}; its file is whole, and takes {max(1, seen.size // 1024)} KiB{older}")


def _none(ground: DoctorGround) -> Told:
    """Nothing was ever applied; or what was is forgotten, which a store or the exchange still shows."""
    traces = _kept(ground) or _live(ground)
    if not traces:
        return ok("there is none yet: the first apply makes it")
    hint = "restore it from a backup, or run krakenctl where it is; where it is gone: `krakenctl state rebuild`"
    return problem(f"the state is lost, or not on this host: {traces}", hint=hint)


def _kept(ground: DoctorGround) -> str:
    """Of which declared key a store holds a secret, as a sentence. A store that cannot be read is told by itself."""
    for key in ground.project.desired.keys.values():
        with suppress(KrakenctlError):
            if ground.store(key.secret.store).exists(key.secret.path, Slot.CURRENT):
                return f"the store {key.secret.store} keeps a secret of {key.address}, and nothing is recorded"
    return ""


def _live(ground: DoctorGround) -> str:
    """Which live key carries our tag, as a sentence. An account that cannot be asked is told by itself."""
    if ground.wish.offline or ground.unreachable:
        return ""
    tag = ground.workspace.tag
    for party in ground.parties:
        if party.traits.proved_by_pair or party.name in ground.locked:
            continue
        with suppress(KrakenctlError):
            if not ground.credentials.token(ground.refs(party).token):
                continue
            for live in ground.exchange.surface(party.name).list_keys().keys:
                if carries_tag(live.name, tag):
                    return f"{live.name} is live on {party.name} with this workspace's tag, and nothing is recorded"
    return ""


def lease(ground: DoctorGround) -> Iterator[Told]:
    from krakenctl.state.leases import is_dead

    held = ground.recorded.lease
    yield verdicts.lease(held, dead=held is not None and is_dead(held))


def recovery(ground: DoctorGround) -> Iterator[Told]:
    """What runs have begun and not ended. What would be done about it needs a look at the exchange."""
    recorded = ground.recorded
    if not recorded.intents:
        yield ok("no run has left anything behind")
    elif _is_running(recorded):
        yield ok(f"{count(len(recorded.intents), 'change')} under way right now")
    elif ground.wish.offline or ground.unreachable or not ground.project.sound:
        for intent in recorded.intents[:_NAMED]:
            message = f"an earlier run has left {intent.live_name} at “{intent.stage}”"
            yield warning(message, hint="run `krakenctl recover`", about=str(intent.address))
        if len(recorded.intents) > _NAMED:
            yield warning(f"and {len(recorded.intents) - _NAMED} more", hint="run `krakenctl recover`")
    else:
        yield from _foreseen(ground)


def _is_running(recorded: Recorded) -> bool:
    from krakenctl.state.leases import is_dead

    return recorded.lease is not None and not is_dead(recorded.lease)


def _foreseen(ground: DoctorGround) -> Iterator[Told]:
    from krakenctl.pipeline.underway import UnderWay
    from krakenctl.render.recovery import to_do

    usernames = {party.name: party.username for party in ground.parties}
    exchange = ground.exchange
    under_way = UnderWay(
        ground.project, exchange.surface, ground.store, usernames, exchange.now, parallelism=ground.parallelism
    )
    foreseen = under_way.foresee(ground.recorded)
    for one in foreseen:
        yield verdicts.recovery(one, to_do(one))
    if not foreseen:
        yield ok("what earlier runs have left is known already, and watched")


def refusals(ground: DoctorGround) -> Iterator[Told]:
    """What this host was told not long ago. Nobody is asked: failed calls in a row lock an account."""
    told = [each for party in ground.parties for each in _refused(ground, party)]
    yield from told[:_NAMED]
    if len(told) > _NAMED:
        yield warning(f"and {len(told) - _NAMED} more", hint="`krakenctl verify` names them")
    if not told:
        yield ok("no account is locked, and no key of ours was refused from this host")


def _refused(ground: DoctorGround, party: Party) -> Iterator[Told]:
    memory = ground.memory(party)
    is_told = party.name in ground.locked
    why = "" if is_told else memory.locked()
    if why:
        yield warning(
            why, hint="let no program call it until then, and see which of its keys is refused", about=party.name
        )
    elif full := memory.enough():
        yield warning(full, hint="see which of its keys is refused, and why", about=party.name)
    for key in ground.recorded.keys.values():
        seen = memory.refusal(key.public_key) if key.account == party.name else None
        if seen is not None and not memory.is_gone(key.public_key):
            declared = declared_as(key.address, ground.project.desired.keys)
            replaced, highest = is_replaced(key, ground.recorded.intents), memory.nonce(key.public_key)
            scale = clock_of(key, declared, ground.now, seen=highest, is_replaced=replaced)
            yield verdicts.refusal(seen, key, has_clock=scale in CLOCKS, locked=is_told or bool(why))
    for key in ground.recorded.ours:
        proof = ground.recorded.gone.get(key.public_key) if key.account == party.name else None
        if proof is not None:
            yield verdicts.gone(proof, key)


def overdue(ground: DoctorGround) -> Iterator[Told]:
    """Replaced keys whose time is over: `krakenctl tick` should have ended them."""
    recorded, now = ground.recorded, ground.now
    late = [key for key in recorded.retired if 0 < key.retired_until < now - _RECENT]
    ended = [key for key in recorded.keys.values() if key.spec.has_ended(now)]
    by_person = {party.name for party in ground.parties if party.traits.by_person}
    for key in late[:_NAMED]:
        message = f"{key.live_name} was to be revoked {show_time(key.retired_until)}, and is still recorded"
        yield warning(message, hint=_ending(key, by_person), about=str(key.address))
    for key in ended[:_NAMED]:
        message = f"{key.live_name} has ended {show_time(key.spec.valid_until)}, and has no successor"
        yield problem(message, hint=_ending(key, by_person), about=str(key.address))
    if more := max(0, len(late) - _NAMED) + max(0, len(ended) - _NAMED):
        yield warning(f"and {more} more keys", hint="`krakenctl plan` shows them")
    if not late and not ended:
        yield ok("no key is past its end")


def _ending(key: RecordedKey, by_person: Collection[str]) -> str:
    """Who ends it, or makes its successor. `by_person`: accounts where nobody else can."""
    if key.account in by_person:
        return "run `krakenctl apply` at a terminal: it walks a person through it"
    return "run `krakenctl tick`, and let it run every day"


def log(ground: DoctorGround) -> Iterator[Told]:
    """The chain of the audit log, from its first line to its last."""
    home = opening.state_home(ground.root, ground.workspace.state, ground.environ)
    with home.look() as state:
        if state is None:
            yield ok("there is none yet")
            return
        found = walk(state.log.lines(), stored=state.log.head())
    if found.broken:
        hint = "keep a copy of the state as it is, and find out who could write to it"
        yield problem(f"it is not whole: {found.broken}", hint=hint)
    else:
        yield ok(f"{count(found.lines, 'line')}, each following from the one before")


CHECKS = (
    Check("state", "state", state, Needs.WORKSPACE),
    Check("lease", "lease", lease, Needs.WORKSPACE | Needs.STATE),
    Check("recovery", "recovery", recovery, Needs.WORKSPACE | Needs.STATE),
    Check("refusal", "refused calls", refusals, Needs.WORKSPACE | Needs.STATE),
    Check("overdue", "keys past their end", overdue, Needs.WORKSPACE | Needs.STATE),
    Check("log", "audit log", log, Needs.WORKSPACE | Needs.STATE),
)
