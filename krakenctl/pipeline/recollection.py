"""Keys that a person made, when the state is lost: those that the stores keep are asked about themselves, where their
consumers do not notice. No list tells of such keys, so one without a slot is not found. Nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from krakenctl.errors import LockedOut, RateLimited, Refused
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import DesiredAccount, DesiredKey
from krakenctl.model.holding import Holding
from krakenctl.model.live import Aside, LiveAccount, Phase
from krakenctl.model.rebuilt import CURRENT, PENDING, Heard, Kept, Word
from krakenctl.model.recorded import RecordedAccount, RecordedKey, pin_of
from krakenctl.model.surface import traits
from krakenctl.observe import accounts as observe
from krakenctl.observe.estate import Share
from krakenctl.observe.holdings import OpenStore
from krakenctl.pipeline.rebuild import Evidences
from krakenctl.plan.clocks import clock_of
from krakenctl.plan.rebuild.places import homes_of, slots_of
from krakenctl.project import Project
from krakenctl.stores.base import Slot
from krakenctl.surfaces.kraken import look
from krakenctl.surfaces.kraken.answers import said
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.look import Look
from krakenctl.wiring.exchange import Exchange

_UNUSED = "it was never put into use; the next run asks it"
Stored = tuple[DesiredKey, Kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """For one command. `share`: what calls of an account have told; `known`: accounts that are remembered still.

    `listed`: accounts that have a list of their keys, as it shows them.
    """

    project: Project
    exchange: Exchange
    share: Callable[[str], Share]
    store: OpenStore
    known: Mapping[str, RecordedAccount]
    listed: Mapping[str, LiveAccount]

    def accounts(self, kept: Evidences, lineage: str) -> tuple[dict[str, LiveAccount], tuple[Heard, ...]]:
        """All of them, and what keys say that a person made. Raises SafetyStop for one that is not the one we know."""
        live, heard = dict(self.listed), list[Heard]()
        for account in self.project.desired.accounts.values():
            if traits(account.surface).proved_by_pair:
                told = [self._told(*one) for one in self._asked(account.name, [*self._stored(account, kept, lineage)])]
                heard += (each for each, _ in told)
                live[account.name] = self._live(account, {each.name: seen for each, seen in told})
        observe.refuse_twins(live)
        return live, tuple(heard)

    def _stored(self, account: DesiredAccount, kept: Evidences, lineage: str) -> Iterator[Stored]:
        """Each key once: a promotion that was cut short leaves it in two slots."""
        desired, seen = self.project.desired, set[str]()
        homes, default_store = homes_of(desired), self.project.workspace.default_store
        for key in (key for key in desired.keys.values() if key.account == account.name):
            slots = slots_of(key, kept, homes, default_store)
            for slot in sorted(slots, key=lambda one: one.slot == PENDING):
                if slot.is_of(key, lineage) and slot.live_name not in seen:
                    seen.add(slot.live_name)
                    yield key, slot

    def _asked(self, account: str, stored: list[Stored]) -> Iterator[tuple[DesiredKey, Word, Look]]:
        """Those first that any address may use: they end a row of refusals."""
        caller = Caller(http=self.exchange.http, held=self.share(account), clock=self.exchange.clock, wait=time.sleep)
        try:
            for key, kept in sorted(stored, key=lambda one: bool(one[1].spec.ip_allowlist)):
                word, seen = self._look(caller, self._holding(key, kept), is_unused=kept.slot == PENDING)
                yield key, word, seen
        finally:
            caller.keep()

    def _look(self, caller: Caller, holding: Holding, *, is_unused: bool) -> tuple[Word, Look]:
        """A pending key is left to the next run: a clock's number would make it look as if it had been in use."""
        pair, why = holding.pair, _UNUSED if is_unused else caller.objection(holding, self.exchange.now())
        if why or pair is None:
            return Word.UNASKED, look.as_recorded(holding, why or holding.problem)
        try:
            return Word.RECOVERED, look.described(holding, caller.describe(pair, holding.scale))
        except (LockedOut, RateLimited) as problem:
            return Word.UNASKED, look.as_recorded(holding, problem.message)
        except Refused as problem:
            words = said(problem)
            seen = look.refused(holding, words, f"refused from here ({words})", has_answered=False)
            return Word.REFUSED, seen

    def _holding(self, key: DesiredKey, kept: Kept) -> Holding:
        record = RecordedKey(
            address=key.address,
            live_name=kept.live_name,
            generation=kept.generation,
            created=kept.created,
            public_key=kept.public_key,
            spec=kept.spec,
            secret=kept.place,
            issued=kept.created or self.exchange.now(),
            trigger=key.rotation.trigger,
        )
        entry = self.store(kept.place.store).get(kept.place.path, Slot(kept.slot))
        pair = entry.pair if entry else None
        scale = clock_of(record, key, self.exchange.now()) if kept.slot == CURRENT else NonceScale.UNKNOWN
        return Holding(record=record, scale=scale, pair=pair, problem="its slot is empty now")

    @staticmethod
    def _told(key: DesiredKey, word: Word, seen: Look) -> tuple[Heard, Look]:
        name, called = seen.live.name if seen.live else "", f"Kraken calls it “{seen.called}”" if seen.called else ""
        return Heard(address=key.address, name=name, word=word, why=seen.unasked or called), seen

    def _live(self, account: DesiredAccount, looks: Mapping[str, Look]) -> LiveAccount:
        known = self.known.get(account.name)
        iiban = look.one_account((name, one.iiban) for name, one in looks.items())
        opener = f"the keys kept for {account.name} belong to"
        wrong = "correct the manifests, or the secrets in the store; nothing was done"
        observe.refuse_another(account.name, iiban, pin_of(account, known), opener, hint=wrong)
        return LiveAccount(
            name=account.name,
            phase=Phase.READY,
            iiban=iiban or (known.iiban if known else ""),
            coverage=traits(account.surface).coverage,
            keys=tuple(one.live for one in looks.values() if one.live is not None),
            surface=account.surface,
            asides={name: Aside(unasked=one.unasked) for name, one in looks.items() if one.unasked},
        )
