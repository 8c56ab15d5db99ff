"""From all evidence to what the state must have been."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address, key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import DesiredAccount, DesiredKey, SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.rebuilt import CURRENT, PENDING, Evidence, Kept, Note, Rebuilt, Sort
from krakenctl.model.recorded import Given, Recorded, RecordedAccount, RecordedKey
from krakenctl.model.time import show_time
from krakenctl.plan import names
from krakenctl.plan.clocks import clock_of
from krakenctl.plan.rebuild import finds, records, words
from krakenctl.plan.rebuild.finds import Find
from krakenctl.plan.rebuild.places import homes_of, slots_of


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
        found = [(kept, finds.find(kept, live)) for kept in self._kept_of(key)]
        for kept, _ in found:
            self._burn(Address.parse(kept.address), kept.generation)
        alive = [Find(kept, one) for kept, one in found if one is not None]
        current = finds.current(key, alive)
        self._tell_dead(key, [kept for kept, one in found if one is None], current, live)
        if current is not None:
            self._current(key, current)
        self._older(key, current, alive)
        self._pending(key, current, alive)
        return {find.live.name for find in alive}

    def _adopted(self, key: DesiredKey, live: tuple[LiveKey, ...]) -> set[str]:
        """No slot tells of it, as its secret was never here: what the state that is doubted says of it is kept."""
        record = next((one for one in self.evidence.adopted if one.address == key.address), None)
        if record is None or not any(finds.is_adopted(record, one) for one in live):
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

    def _tell_dead(self, key: DesiredKey, dead: Iterable[Kept], current: Find | None, live: Iterable[LiveKey]) -> None:
        for kept in dead:
            if kept.slot == PENDING or (kept.slot == CURRENT and current is None):
                perhaps = words.perhaps_renamed(kept, live) or "revoked, or expired"
                why = f"{kept.live_name}, which its store holds as {kept.slot}, is not live: {perhaps}"
                self._note(Sort.UNKNOWN, f"{why}; its number is burned", str(key.address))

    def _current(self, key: DesiredKey, find: Find) -> None:
        address = key.address if find.kept.place == key.secret else Address.parse(find.kept.address)
        record = records.record(key, find, address, self.evidence.now)
        self.keys[address] = replace(record, nonce=clock_of(record, key, self.evidence.now))
        if find.live.name != find.kept.live_name:
            was = f"it was issued as {find.kept.live_name}, and is known by its public key"
            self._note(Sort.ASSUMED, f"“{find.live.name}” is the current key: {was}", str(key.address))
        if not (find.live.public_key or (find.live.created and find.kept.created)):
            message = f"the exchange tells no creation time: {find.live.name} is known by its name alone"
            self._note(Sort.ASSUMED, message, str(key.address))
        if not records.created(find):
            issued = show_time(records.issued(key, find, self.evidence.now))
            message = f"nobody tells when {find.live.name} was issued: going by its expiry, or else now, {issued}"
            self._note(Sort.ASSUMED, message, str(key.address))

    def _older(self, key: DesiredKey, current: Find | None, alive: Iterable[Find]) -> None:
        """What was replaced and still lives: an overlap, unless its end has come."""
        for find in finds.distinct(find for find in alive if find.kept.slot != PENDING):
            if current is not None and find.live.name == current.live.name:
                continue
            until, why = records.end(key, find, self.evidence.now)
            self.retired.append(replace(records.record(key, find, key.address, self.evidence.now), retired_until=until))
            if why:
                taken = "was replaced, and is taken to live on"
                message = f"{find.live.name} {taken}: {why}, and the next run revokes it then"
                self._note(Sort.ASSUMED, message, str(key.address))

    def _pending(self, key: DesiredKey, current: Find | None, alive: Iterable[Find]) -> None:
        for find in alive:
            if find.kept.slot == PENDING and find.live.name == find.kept.live_name:
                self.intents.append(records.intent(key, find, current, self.evidence.now))
                message = (
                    f"{find.live.name} was issued and stored, and never put into use: the next run goes on from there"
                )
                self._note(Sort.ASSUMED, message, str(key.address))

    def _note(self, sort: Sort, message: str, about: str = "") -> None:
        self.notes.append(Note(sort=sort, message=message, about=about))


def _handle(trace: RecordedKey | Intent) -> tuple[Address, str]:
    return trace.address, trace.live_name


def _is_seen_to(intent: Intent) -> bool:
    """Whether recovery finishes with the key that it was to issue, or takes it back."""
    return intent.issues and intent.stage is not Stage.PROMOTED
