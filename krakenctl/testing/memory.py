"""The smallest store and the smallest state that keep the contracts, in dictionaries. Nothing survives the process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from krakenctl.errors import SecretGone, StoreError
from krakenctl.model.address import Address
from krakenctl.model.chain import hash_of, line_of
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.plan import Mark
from krakenctl.model.recorded import (
    Announced,
    Containment,
    EndProof,
    Given,
    Recorded,
    RecordedAccount,
    RecordedKey,
    SeenLimit,
)
from krakenctl.model.run import Deed, Lease, Run
from krakenctl.model.silence import NO_ROW, UNTOLD, Answer, Refusal, RefusalRow
from krakenctl.state.base import Told
from krakenctl.stores.base import Entry, Slot


class MemoryStore:
    """See `krakenctl.stores.base.Store`."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Slot], Entry] = {}

    def prove_writable(self) -> None:
        pass

    def put(self, path: str, slot: Slot, entry: Entry) -> None:
        self._kept[path, slot] = entry

    def get(self, path: str, slot: Slot) -> Entry | None:
        return self._kept.get((path, slot))

    def exists(self, path: str, slot: Slot) -> bool:
        return (path, slot) in self._kept

    def promote(self, path: str, live_name: str) -> None:
        pending, current = self.get(path, Slot.PENDING), self.get(path, Slot.CURRENT)
        if pending is None and current is None:
            raise StoreError(f"nothing was ever put into {path}, so there is nothing to promote")
        if pending is None or pending.live_name != live_name:
            if current is None or current.live_name != live_name:
                raise SecretGone(f"{path} does not hold the secret of {live_name} any more")
            return
        if current is not None:
            self.put(path, Slot.PREVIOUS, current)
        self.put(path, Slot.CURRENT, pending)
        self.remove(path, Slot.PENDING)

    def remove(self, path: str, slot: Slot) -> None:
        self._kept.pop((path, slot), None)


class MemoryLog:
    """See `krakenctl.state.base.Log`."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def append(self, deed: Deed, *more: Deed) -> str:
        for one in (deed, *more):
            self._lines.append(line_of(len(self._lines) + 1, self.head(), one))
        return self.head()

    def head(self) -> str:
        return hash_of(self._lines[-1]) if self._lines else ""

    def lines(self) -> Iterator[str]:
        return iter(list(self._lines))


class MemoryLeases:
    """See `krakenctl.state.base.Leases`. One process has it to itself, so whoever asks gets it."""

    def __init__(self) -> None:
        self._held: Lease | None = None
        self._fence = 0

    def acquire(self, run: Run, seconds: float) -> Lease:
        self._fence += 1
        self._held = Lease(fence=self._fence, run=run, pid=0, process="", since=0, beat=0, seconds=seconds, asked=0)
        return self._held

    def renew(self) -> None:
        pass

    def release(self) -> None:
        self._held = None

    def holder(self) -> Lease | None:
        return self._held

    def unlock(self) -> Lease | None:
        held, self._held = self._held, None
        return held


class MemoryState:
    """See `krakenctl.state.base.State`."""

    def __init__(self, lineage: str = "in-memory") -> None:
        self._lineage = lineage
        self._accounts: dict[str, RecordedAccount] = {}
        self._keys: dict[tuple[Address, str], RecordedKey] = {}
        self._intents: dict[tuple[Address, str], Intent] = {}
        self._generations: dict[Address, int] = {}
        self._limits: dict[str, SeenLimit | None] = {}
        self._contained: dict[Address, Containment] = {}
        self._given: dict[tuple[Address, str], Given] = {}
        self._announced: dict[Address, Announced] = {}
        self._answered: dict[tuple[str, str], Answer] = {}
        self._refused: dict[tuple[str, str], Refusal] = {}
        self._rows: dict[str, RefusalRow] = {}
        self._lockouts: dict[str, int] = {}
        self._gone: dict[str, EndProof] = {}
        self._marks: dict[tuple[str, str], Mark] = {}
        self.aside: list[Recorded] = []
        self.log = MemoryLog()
        self.leases = MemoryLeases()

    def read(self) -> Recorded:
        keys = [self._keys[handle] for handle in sorted(self._keys)]
        return Recorded(
            lineage=self._lineage,
            accounts=dict(self._accounts),
            keys={key.address: key for key in keys if not key.retired_until},
            retired=tuple(key for key in keys if key.retired_until),
            intents=tuple(self._intents[handle] for handle in sorted(self._intents)),
            generations=dict(self._generations),
            contained=dict(self._contained),
            given=tuple(self._given[handle] for handle in sorted(self._given)),
            announced=dict(self._announced),
            answered=dict(self._answered),
            refused=dict(self._refused),
            rows=dict(self._rows),
            lockouts=dict(self._lockouts),
            gone=dict(self._gone),
            limits={account: seen for account, seen in self._limits.items() if seen is not None},
        )

    def remember_account(self, account: RecordedAccount, *more: RecordedAccount, deeds: Sequence[Told] = ()) -> None:
        self._accounts |= {each.name: each for each in (account, *more)}
        self._tell(deeds)

    def begin(self, intent: Intent, *, deeds: Sequence[Told] = ()) -> None:
        self._intents[intent.address, intent.live_name] = intent
        if intent.issues:
            self._burn(intent.address, intent.generation)
        self._tell(deeds)

    def advance(
        self,
        address: Address,
        live_name: str,
        stage: Stage,
        verdict: str = "",
        public_key: str = "",
        *,
        deeds: Sequence[Told] = (),
    ) -> None:
        intent = self._intents.get((address, live_name))
        if intent is not None:
            public_key = public_key or intent.public_key
            self._intents[address, live_name] = replace(intent, stage=stage, verdict=verdict, public_key=public_key)
        self._tell(deeds)

    def promote(
        self,
        key: RecordedKey,
        retired: RecordedKey | None,
        former: Address | None = None,
        *,
        deeds: Sequence[Told] = (),
    ) -> None:
        self.update(key, former)
        intent = self._intents.pop((key.address, key.live_name), None)
        if retired is not None:
            self._put(retired)
            if intent is not None:
                self._intents[key.address, key.live_name] = replace(intent, stage=Stage.PROMOTED)
        self._burn(key.address, key.generation)
        self._contained.pop(key.address, None)
        self._tell(deeds)

    def update(
        self, key: RecordedKey, former: Address | None = None, *, ends: str = "", deeds: Sequence[Told] = ()
    ) -> None:
        if former is not None:
            self.forget(former)
        if not key.retired_until:
            self.forget(key.address)
        self._put(key)
        self._intents.pop((key.address, ends), None)
        self._tell(deeds)

    def revoked(self, address: Address, live_name: str, *, ends: str = "", deeds: Sequence[Told] = ()) -> None:
        key = self._keys.get((address, live_name))
        if key is not None:
            for seen in (self._answered, self._refused):
                for handle in [each for each in seen if each[0] == key.public_key]:
                    seen.pop(handle)
            self._gone.pop(key.public_key, None)
        for kept in (self._keys, self._intents, self._given):
            kept.pop((address, live_name), None)
        self._intents.pop((address, ends), None)
        self._tell(deeds)

    def forget(self, address: Address, given: Given | None = None, *, deeds: Sequence[Told] = ()) -> None:
        current = self.read().keys.get(address)
        if current is not None:
            del self._keys[address, current.live_name]
        if given is not None:
            self._give(given)
        self._tell(deeds)

    def hear(self, public_key: str, host: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        self._answered.pop((public_key, host), None)
        self._refused.pop((public_key, host), None)
        if answers:
            self._answered[public_key, host] = told
            self._gone.pop(public_key, None)

    def refused(self, public_key: str, host: str, refusal: Refusal) -> None:
        self._refused[public_key, host] = refusal

    def count_refused(self, account: str, at: int) -> None:
        self._rows[account] = self._rows.get(account, NO_ROW).after(at)

    def end_row(self, account: str) -> None:
        self._rows.pop(account, None)

    def locked_out(self, account: str, at: int) -> None:
        self._lockouts[account] = at

    def gone(self, public_key: str, proof: EndProof) -> None:
        self._gone[public_key] = proof

    def learn_limit(self, account: str, seen: SeenLimit | None) -> None:
        self._limits[account] = seen

    def announce(self, *keys: Announced) -> None:
        self._announced |= {key.address: key for key in keys}

    def finish(self, address: Address, live_name: str, *, free: int = 0, deeds: Sequence[Told] = ()) -> None:
        self._intents.pop((address, live_name), None)
        if free and self._generations.get(address) == free:
            self._generations[address] = free - 1
            if free == 1:
                del self._generations[address]
        self._tell(deeds)

    def mark(self, plan: str, mark: Mark) -> None:
        before = self._marks.get((plan, mark.change))
        if before is None or not before.done:
            self._marks[plan, mark.change] = mark

    def marks(self, plan: str) -> tuple[Mark, ...]:
        return tuple(self._marks[handle] for handle in sorted(self._marks) if handle[0] == plan)

    def check(self) -> None:
        pass

    def contain(self, addresses: Collection[Address], accounts: Collection[str], by: Containment) -> None:
        keys = (trace.address for trace in self.read().traces if trace.address.kind == "ApiKey")
        below = (address for address in keys if address.path[0] in accounts)
        self._contained |= dict.fromkeys({*addresses, *below}, by)

    def restore(self, recorded: Recorded) -> None:
        self._lineage = recorded.lineage or self._lineage
        self._accounts |= recorded.accounts
        self._keys = {}
        self._intents = {(intent.address, intent.live_name): intent for intent in recorded.intents}
        for key in recorded.ours:
            self._put(key)
        for given in recorded.given:
            self._give(given)
        for address, generation in recorded.generations.items():
            self._burn(address, generation)

    def set_aside(self) -> str:
        self.aside.append(self.read())
        return f"copy {len(self.aside)}"

    def close(self) -> None:
        pass

    def _tell(self, deeds: Sequence[Told]) -> None:
        for deed in deeds:
            if isinstance(deed, Deed):
                self.log.append(deed)
            elif (deed.plan, deed.mark.change) in self._marks:
                self.mark(deed.plan, deed.mark)

    def _put(self, key: RecordedKey) -> None:
        self._keys[key.address, key.live_name] = key
        self._given.pop((key.address, key.live_name), None)  # it is ours again
        self._announced.pop(key.address, None)

    def _give(self, given: Given) -> None:
        self._given[given.address, given.live_name] = given

    def _burn(self, address: Address, generation: int) -> None:
        self._generations[address] = max(generation, self._generations.get(address, 0))
