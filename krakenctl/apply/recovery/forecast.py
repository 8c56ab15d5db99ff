"""The world as it will be once recovery has done what it decided: what a plan is drawn for meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from krakenctl.apply.recovery.evidence import Decided
from krakenctl.model.address import Address
from krakenctl.model.journal import Intent, Stage, counted_from
from krakenctl.model.key import LiveKey
from krakenctl.model.live import LiveAccount
from krakenctl.model.plan import Action, Verb
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.recovery import Move

Live = Mapping[str, LiveAccount]


def forecast(
    recorded: Recorded, live: Live, decided: Iterable[Decided], now: int
) -> tuple[Recorded, dict[str, LiveAccount]]:
    """What is recorded and live afterwards, if all goes well."""
    world = _World(recorded, live, now)
    for one in decided:
        world.after(one.intent, one.recovery.move, one.fresh)
    return world.recorded(recorded), world.accounts


@dataclass(slots=True, init=False)
class _World:
    """Mutable while it is worked out."""

    keys: dict[Address, RecordedKey]
    retired: list[RecordedKey]
    intents: dict[tuple[Address, str], Intent]
    accounts: dict[str, LiveAccount]
    generations: dict[Address, int]
    now: int

    def __init__(self, recorded: Recorded, live: Live, now: int) -> None:
        self.keys, self.retired = dict(recorded.keys), list(recorded.retired)
        self.intents = {(intent.address, intent.live_name): intent for intent in recorded.intents}
        self.accounts, self.generations, self.now = dict(live), dict(recorded.generations), now

    def recorded(self, before: Recorded) -> Recorded:
        intents = tuple(self.intents[handle] for handle in sorted(self.intents))
        return replace(
            before, keys=self.keys, retired=tuple(self.retired), intents=intents, generations=self.generations
        )

    def after(self, intent: Intent, move: Move, fresh: Intent) -> None:
        handle = (intent.address, intent.live_name)
        match move:
            case Move.WATCH | Move.UNKNOWN:
                self.intents[handle] = replace(intent, stage=Stage.LOST)
            case Move.SHOW:
                self.intents[handle] = replace(intent, stage=Stage.SHOWN)
            case Move.WAIT | Move.ASK:
                return
            case Move.ISSUE:
                del self.intents[handle]
                self._issue(intent, fresh)
            case _:
                del self.intents[handle]
                self._done(intent, move)

    def _done(self, intent: Intent, move: Move) -> None:
        match move:
            case Move.PROMOTE:
                self._promote(intent, self._find(intent.account, intent.live_name))
                self._close(intent)
            case Move.CLOSE:
                self._close(intent)
            case Move.RECORD if intent.change.action is Action.REVOKE:
                self._forget(intent.address, intent.live_name)
            case Move.RECORD if intent.change.action is Action.UPDATE:
                self._update(intent)
            case Move.REVOKE:
                self._remove(intent.account, intent.live_name)

    def _promote(self, intent: Intent, live: LiveKey | None) -> None:
        change = intent.change
        if live is None or change.new is None or change.secret is None:
            return
        old = self.keys.pop(change.renamed_from or change.address, None)
        self.keys[change.address] = RecordedKey(
            address=change.address,
            live_name=live.name,
            generation=change.new.generation,
            created=live.created,
            public_key=intent.public_key,
            spec=intent.sent or live.spec,
            secret=change.secret,
            issued=counted_from(change.new, intent.sent or live.spec, live.created or self.now),
            trigger=change.trigger,
            protect=change.protect,
            nonce=change.nonce,
        )
        if old is not None and old.live_name == intent.old_name and not change.gap:
            self.retired.append(replace(old, address=change.address, retired_until=self._until(intent)))

    def _issue(self, before: Intent, intent: Intent) -> None:
        """What was asked for before is taken back, or looked for."""
        if before.sent is not None:
            self._remove(before.account, before.live_name)
            self.intents[before.address, before.live_name] = replace(before, stage=Stage.LOST)
        if new := intent.change.new:
            valid_until = new.spec.valid_until if new.valid_for is None else self.now + new.valid_for
            made = LiveKey(name=new.name, spec=replace(new.spec, valid_until=valid_until), created=self.now)
            self._add(intent.account, made)
            self.generations[intent.address] = max(new.generation, self.generations.get(intent.address, 0))
            self._promote(replace(intent, sent=made.spec), made)

    def _close(self, intent: Intent) -> None:
        last, old = intent.change.steps[-1], self._find(intent.account, intent.old_name)
        if last.verb is Verb.REVOKE and intent.old_name:
            self._remove(intent.account, intent.old_name)
            self._forget(intent.address, intent.old_name)
        elif last.verb is Verb.RETIRE and old is not None and self.accounts[intent.account].traits.ends_retired:
            end = self._until(intent)
            if not old.spec.valid_until or old.spec.valid_until > end:
                self._remove(intent.account, old.name)
                self._add(intent.account, replace(old, spec=replace(old.spec, valid_until=end)))

    def _until(self, intent: Intent) -> int:
        """When the overlap will end. Counted from what is remembered, so that a plan drawn later is the same plan."""
        for key in self.retired:
            if (key.address, key.live_name) == (intent.address, intent.old_name):
                return key.retired_until
        end = intent.began + intent.change.overlap
        return end if end > self.now else self.now + intent.change.overlap

    def _update(self, intent: Intent) -> None:
        change = intent.change
        record = self.keys.pop(change.renamed_from or change.address, None)
        if record is not None and change.new is not None:
            self.keys[change.address] = replace(
                record,
                address=change.address,
                spec=change.new.spec,
                trigger=change.trigger,
                protect=change.protect,
                nonce=change.nonce,
            )

    def _forget(self, address: Address, name: str) -> None:
        if address in self.keys and self.keys[address].live_name == name:
            del self.keys[address]
        self.retired = [key for key in self.retired if (key.address, key.live_name) != (address, name)]

    def _find(self, account: str, name: str) -> LiveKey | None:
        return next((key for key in self.accounts[account].keys if key.name == name), None)

    def _add(self, account: str, key: LiveKey) -> None:
        live = self.accounts[account]
        self.accounts[account] = replace(live, keys=(*live.keys, key))

    def _remove(self, account: str, name: str) -> None:
        live = self.accounts[account]
        self.accounts[account] = replace(live, keys=tuple(key for key in live.keys if key.name != name))
