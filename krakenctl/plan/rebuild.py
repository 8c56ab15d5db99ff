"""What the state must have been, from the manifests, the live keys and the slots of the stores. Pure.

Only what is proved is recorded: a live key is ours if a slot of ours holds its public key under a declared address.
Everything else is told, and left alone. Where two readings are possible, the one is taken that revokes less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address, key_address
from krakenctl.model.desired import Desired, DesiredAccount, DesiredKey, SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey, same_expiry
from krakenctl.model.live import Coverage, LiveAccount, Phase
from krakenctl.model.plan import Action, Cause, Change, NewKey, OldKey, Strategy
from krakenctl.model.rebuilt import CURRENT, PENDING, Evidence, Kept, Note, Rebuilt, Sort
from krakenctl.model.recorded import Given, Recorded, RecordedAccount, RecordedKey
from krakenctl.model.time import show_time
from krakenctl.plan import names, wanted
from krakenctl.plan import rebuild_words as words
from krakenctl.plan.clocks import clock_of
from krakenctl.plan.keys import create_first


def places(desired: Desired, default_store: str) -> tuple[SecretRef, ...]:
    """Every place to look into: where a key's secret belongs, and where it would be under a former or no path."""
    homes = homes_of(desired)
    return tuple(dict.fromkeys(ref for key in desired.keys.values() for ref in _places(key, homes, default_store)))


def slots_of(
    key: DesiredKey, kept: Mapping[SecretRef, tuple[Kept, ...]], homes: Collection[SecretRef], default_store: str
) -> Iterator[Kept]:
    """What is kept where this key's secret may be, whosever it is. `homes`: see `homes_of`."""
    for place in _places(key, homes, default_store):
        yield from kept.get(place, ())


def rebuild(evidence: Evidence) -> Rebuilt:
    memory = _Memory(evidence, homes_of(evidence.desired))
    declared: dict[str, list[DesiredKey]] = {}
    for key in evidence.desired.keys.values():
        declared.setdefault(key.account, []).append(key)
    for account in evidence.desired.accounts.values():
        memory.account(account, evidence.live[account.name], declared.get(account.name, ()))
    for intent in evidence.begun:
        memory.begun(intent)
    return memory.rebuilt()


@dataclass(slots=True)
class _Memory:
    """Mutable on purpose: what has been put together so far."""

    evidence: Evidence
    homes: frozenset[SecretRef]
    accounts: dict[str, RecordedAccount] = field(default_factory=dict)
    keys: dict[Address, RecordedKey] = field(default_factory=dict)
    retired: list[RecordedKey] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    generations: dict[Address, int] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def rebuilt(self) -> Rebuilt:
        self._note(Sort.ASSUMED, words.AS_DECLARED)
        if self.evidence.lost:
            self._note(Sort.UNKNOWN, words.ONLY_THE_STATE_KNEW)
        recorded = Recorded(
            lineage=self.evidence.lineage,
            accounts=self.accounts,
            keys=self.keys,
            retired=tuple(self.retired),
            intents=tuple(self.intents),
            generations=self.generations,
            given=tuple(self.given),
        )
        return Rebuilt(recorded=recorded, notes=tuple(self.notes), heard=self.evidence.heard)

    def begun(self, intent: Intent) -> None:
        """Kept, and better than what a slot tells of it; but for a key that is known to be in use.

        The last step of a promotion is to end the key before it: that takes a new one whose secret is there.
        """
        handle, in_use = _handle(intent), {_handle(key) for key in (*self.keys.values(), *self.retired)}
        if intent.issues and (handle in in_use) is not (intent.stage is Stage.PROMOTED):
            return
        others = [one for one in self.intents if _handle(one) != handle]
        if len(others) == len(self.intents):
            self._note(Sort.ASSUMED, words.under_way(intent), str(intent.address))
        self.intents = [*others, intent]

    def account(self, account: DesiredAccount, live: LiveAccount, declared: Iterable[DesiredKey]) -> None:
        if live.phase is not Phase.READY:
            self._not_ready(account, live)
        elif live.coverage is not Coverage.NONE:  # else nothing tells of its keys, and none is recorded
            self.accounts[account.name] = RecordedAccount.of(account, live.iiban)
            self._keys_of(account.name, live.keys, declared)
            if live.traits.proved_by_pair:
                self._unlisted(account)

    def _not_ready(self, account: DesiredAccount, live: LiveAccount) -> None:
        about = str(account.address)
        if account.address.kind == "SubAccount":
            self.accounts[account.name] = RecordedAccount.of(account, "")
        if live.phase is Phase.ABSENT:
            message = "taken for requested, because to ask Kraken for it twice would make two"
            self._note(Sort.ASSUMED, f"{message}; if it never was: krakenctl recover --absent {about}", about)
        else:
            why = f"it cannot be seen ({live.reason}), so nothing is recorded of its keys"
            self._note(Sort.UNKNOWN, f"{why}; rebuild again with --replace once it can", about)

    def _keys_of(self, account: str, live: tuple[LiveKey, ...], declared: Iterable[DesiredKey]) -> None:
        self._burn_live(account, live)
        ours = tuple(one for one in live if not self._was_given(account, one))
        known = {one.live_name for one in self.evidence.begun if one.account == account and _is_seen_to(one)}
        for key in declared:
            known |= self._key(key, ours) or self._adopted(key, ours)
        for one in ours:
            if one.name not in known and names.carries_tag(one.name, self.evidence.tag):
                self._stranger(key_address(account, one.name.rsplit(".", 2)[0]), one)

    def _unlisted(self, account: DesiredAccount) -> None:
        """What no list confirms is recorded all the same: to leave it out would be to forget a living key."""
        for heard in self.evidence.heard:
            if heard.address.path[0] == account.name and heard.why:
                self._note(Sort.ASSUMED, words.heard(heard), str(heard.address))
        self._note(Sort.UNKNOWN, words.unlisted(self.evidence.tag), str(account.address))

    def _was_given(self, account: str, live: LiveKey) -> bool:
        """Also if a slot of ours still holds its secret."""
        return any(given.account == account and given.is_key(live) for given in self.evidence.given)

    def _stranger(self, address: Address, live: LiveKey) -> None:
        removal = self.evidence.desired.removals.get(address)
        if removal is None or removal.action != "forget":
            self._note(Sort.UNKNOWN, words.left_alone(live), str(address))
            return
        self.given.append(Given(address=address, live_name=live.name, created=live.created))
        message = f"{live.name} is taken for handed over, as its Removed says (action: forget): none of ours"
        self._note(Sort.ASSUMED, message, str(address))

    def _burn_live(self, account: str, live: Iterable[LiveKey]) -> None:
        for name, generation in names.generations((key.name for key in live), self.evidence.tag).items():
            self._burn(key_address(account, name), generation)

    def _burn(self, address: Address, generation: int) -> None:
        self.generations[address] = max(generation, self.generations.get(address, 0))

    def _key(self, key: DesiredKey, live: tuple[LiveKey, ...]) -> set[str]:
        """Record what is left of one declared key. Returns the names of its live keys."""
        found = [(kept, _find(kept, live)) for kept in self._kept_of(key)]
        for kept, _ in found:
            self._burn(Address.parse(kept.address), kept.generation)
        alive = [_Find(kept, one) for kept, one in found if one is not None]
        current = _current(key, alive)
        self._tell_dead(key, [kept for kept, one in found if one is None], current, live)
        if current is not None:
            self._current(key, current)
        self._older(key, current, alive)
        self._pending(key, current, alive)
        return {find.live.name for find in alive}

    def _adopted(self, key: DesiredKey, live: tuple[LiveKey, ...]) -> set[str]:
        """No slot tells of it, as its secret was never here: what the state that is doubted says of it is kept."""
        record = next((one for one in self.evidence.adopted if one.address == key.address), None)
        if record is None or not any(_is_adopted(record, one) for one in live):
            return set()
        self.keys[key.address] = record
        self._burn(key.address, record.generation)
        message = f"{record.live_name} was adopted without its secret: it is kept as the state that is replaced says"
        self._note(Sort.ASSUMED, message, str(key.address))
        return {record.live_name}

    def _kept_of(self, key: DesiredKey) -> Iterator[Kept]:
        """The slots where this key may be, as far as they hold it and are ours. Others are told."""
        lineage = self.evidence.lineage
        for kept in slots_of(key, self.evidence.kept, self.homes, self.evidence.default_store):
            if kept.is_of(key, lineage):
                yield kept
            elif kept.place == key.secret:
                self._note(Sort.UNKNOWN, words.foreign(kept, lineage), str(key.address))

    def _tell_dead(self, key: DesiredKey, dead: Iterable[Kept], current: _Find | None, live: Iterable[LiveKey]) -> None:
        for kept in dead:
            if kept.slot == PENDING or (kept.slot == CURRENT and current is None):
                perhaps = words.perhaps_renamed(kept, live) or "revoked, or expired"
                why = f"{kept.live_name}, which its store holds as {kept.slot}, is not live: {perhaps}"
                self._note(Sort.UNKNOWN, f"{why}; its number is burned", str(key.address))

    def _current(self, key: DesiredKey, find: _Find) -> None:
        address = key.address if find.kept.place == key.secret else Address.parse(find.kept.address)
        record = self._record(key, find, address)
        self.keys[address] = replace(record, nonce=clock_of(record, key, self.evidence.now))
        if find.live.name != find.kept.live_name:
            was = f"it was issued as {find.kept.live_name}, and is known by its public key"
            self._note(Sort.ASSUMED, f"“{find.live.name}” is the current key: {was}", str(key.address))
        if not (find.live.public_key or (find.live.created and find.kept.created)):
            message = f"the exchange tells no creation time: {find.live.name} is known by its name alone"
            self._note(Sort.ASSUMED, message, str(key.address))
        if not self._created(find):
            issued = show_time(self._issued(key, find))
            message = f"nobody tells when {find.live.name} was issued: going by its expiry, or else now, {issued}"
            self._note(Sort.ASSUMED, message, str(key.address))

    def _older(self, key: DesiredKey, current: _Find | None, alive: Iterable[_Find]) -> None:
        """What was replaced and still lives: an overlap, unless its end has come."""
        for find in _distinct(find for find in alive if find.kept.slot != PENDING):
            if current is not None and find.live.name == current.live.name:
                continue
            until, why = self._end(key, find)
            self.retired.append(replace(self._record(key, find, key.address), retired_until=until))
            if why:
                message = f"{find.live.name} was replaced and is still live: {why}, and the next run revokes it then"
                self._note(Sort.ASSUMED, message, str(key.address))

    def _end(self, key: DesiredKey, find: _Find) -> tuple[int, str]:
        """When a replaced key ends, and why it is taken to be then; the empty text: that is known."""
        issued, live = find.kept.spec.valid_until, find.live.spec.valid_until
        if live and not same_expiry(live, issued):
            return live, ""  # an apply has given it its end
        until = self.evidence.now + key.rotation.overlap
        return until, f"no end of its overlap is known, so it is taken to be {show_time(until)}"

    def _pending(self, key: DesiredKey, current: _Find | None, alive: Iterable[_Find]) -> None:
        for find in alive:
            if find.kept.slot == PENDING and find.live.name == find.kept.live_name:
                self.intents.append(self._intent(key, find, current))
                message = (
                    f"{find.live.name} was issued and stored, and never put into use: the next run goes on from there"
                )
                self._note(Sort.ASSUMED, message, str(key.address))

    def _record(self, key: DesiredKey, find: _Find, address: Address) -> RecordedKey:
        """As last sent: the permissions are those of its issue; of the rest the live value is all there is."""
        issued = find.kept.spec
        spec = replace(find.live.spec, permissions=issued.permissions, unknown_permissions=issued.unknown_permissions)
        return RecordedKey(
            address=address,
            live_name=find.live.name,
            generation=find.kept.generation,
            created=self._created(find),
            public_key=find.kept.public_key,
            spec=spec,
            secret=find.kept.place,
            issued=self._issued(key, find),
            trigger=key.rotation.trigger,
            protect=key.protect,
        )

    def _issued(self, key: DesiredKey, find: _Find) -> int:
        """What its age counts from. A declared `validFor` was counted from there too."""
        counted = find.live.spec.valid_until - key.valid_for if key.valid_for and find.live.spec.valid_until else 0
        return self._created(find) or (counted if 0 < counted <= self.evidence.now else self.evidence.now)

    def _created(self, find: _Find) -> int:
        return find.live.created or find.kept.created

    def _intent(self, key: DesiredKey, find: _Find, current: _Find | None) -> Intent:
        kept, old = find.kept, current.live if current else None
        overlap = key.rotation.overlap if old else 0
        change = Change(
            address=key.address,
            account=key.account,
            action=Action.ROTATE if old else Action.CREATE,
            reasons=("left by a run whose state was lost",),
            causes=(Cause.LEFT,),
            steps=create_first(kept.live_name, old, overlap),
            strategy=Strategy.CREATE_FIRST,
            old=OldKey(name=old.name, created=old.created, spec=old.spec) if old else None,
            new=NewKey(
                name=kept.live_name,
                generation=kept.generation,
                spec=kept.spec,
                valid_for=None,
                managed=wanted.managed(key),
            ),
            secret=kept.place,
            overlap=overlap,
            trigger=key.rotation.trigger,
            protect=key.protect,
        )
        began = self._created(find) or self.evidence.now
        return Intent(change=change, began=began, stage=Stage.STORED, sent=kept.spec, public_key=kept.public_key)

    def _note(self, sort: Sort, message: str, about: str = "") -> None:
        self.notes.append(Note(sort=sort, message=message, about=about))


@dataclass(frozen=True, slots=True)
class _Find:
    """A slot, and the live key whose secret it holds."""

    kept: Kept
    live: LiveKey


def _places(key: DesiredKey, homes: Collection[SecretRef], default_store: str) -> tuple[SecretRef, ...]:
    usual = (SecretRef(default_store, "/".join(address.path)) for address in (key.address, *key.formerly))
    return (key.secret, *(ref for ref in usual if ref not in homes))


def homes_of(desired: Desired) -> frozenset[SecretRef]:
    """Where declared keys belong."""
    return frozenset(key.secret for key in desired.keys.values())


def _find(kept: Kept, live: Iterable[LiveKey]) -> LiveKey | None:
    """By public key, whatever it is called now. Where the list tells none, by name and creation time."""
    for one in live:
        same = one.public_key == kept.public_key if one.public_key else one.name == kept.live_name
        if same and (one.created == kept.created or not (one.created and kept.created)):
            return one
    return None


def _is_adopted(record: RecordedKey, live: LiveKey) -> bool:
    if live.public_key and record.public_key:
        return live.public_key == record.public_key
    return live.name == record.live_name and record.created in (0, live.created)


def _current(key: DesiredKey, alive: Iterable[_Find]) -> _Find | None:
    """What consumers read: where it belongs now, else where it was the last time."""
    current = [find for find in alive if find.kept.slot == CURRENT]
    at_home = [find for find in current if find.kept.place == key.secret]
    return max(at_home or current, key=lambda find: find.kept.generation, default=None)


def _distinct(finds: Iterable[_Find]) -> list[_Find]:
    """One of each live key: a promotion that was cut short leaves it in two slots."""
    return list({find.live.name: find for find in finds}.values())


def _handle(trace: RecordedKey | Intent) -> tuple[Address, str]:
    return trace.address, trace.live_name


def _is_seen_to(intent: Intent) -> bool:
    """Whether recovery finishes with the key that it was to issue, or takes it back."""
    return intent.issues and intent.stage is not Stage.PROMOTED
