"""What is live on an account, or why that cannot be seen: the kill switch goes on without it, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from krakenctl import parallel
from krakenctl.errors import CredentialError, CredentialMissing, ExchangeError, KrakenctlError, WorkspaceError
from krakenctl.model.address import Address
from krakenctl.model.containment import Blind
from krakenctl.model.coverage import Coverage
from krakenctl.model.page import in_words
from krakenctl.model.surface import Traits, traits
from krakenctl.observe.premises import Grounds
from krakenctl.surfaces.base import Listing, Surface
from krakenctl.tasks.containment.known import Known
from krakenctl.tasks.containment.remedy import passes, remedy


@dataclass(frozen=True, slots=True)
class Eyes:
    known: Known
    grounds: Grounds
    surface: Callable[[str], Surface]  # by account name; raises CredentialMissing
    most: int  # how many accounts at once

    def see(self, accounts: Sequence[str]) -> Mapping[str, Listing | Blind]:
        return dict(zip(accounts, parallel.each(self._look, accounts, self.most), strict=True))

    def addresses(self) -> Iterator[Address]:
        """As live names tell them, of every account that we know of."""
        for account, told in self.see(self.known.ground.names).items():
            keys = told.keys if isinstance(told, Listing) else ()
            yield from filter(None, (self.known.address_of(account, key) for key in keys))

    def traits(self, account: str) -> Traits:
        return traits(self.grounds.of(account).surface)

    def _look(self, account: str) -> Listing | Blind:
        try:
            return self._blind_by_hand(account) or self._listed(account)
        except CredentialMissing as missing:
            return Listing((), Coverage.COMPLETE) if self._never_was(account) else self._blind(account, missing)
        except (CredentialError, ExchangeError, WorkspaceError) as problem:
            return self._blind(account, problem)

    def _blind_by_hand(self, account: str) -> Blind | None:
        """Raises WorkspaceError for a surface that nobody here knows."""
        traits = self.traits(account)
        if not traits.proved_by_pair or self.known.recorded.lineage:
            return None
        why = f"its keys were made through {traits.called}, no call lists them, and no state tells which there are"
        return Blind(account=account, why=why, helps=f"revoke them at {in_words(self.grounds.page)}")

    def _listed(self, account: str) -> Listing | Blind:
        surface = self.surface(account)
        if (pin := self.known.pin(account)) and (iiban := surface.iiban()) not in ("", pin):
            why = f"its credential opens {iiban}, and {pin} is the account we know"
            return Blind(account=account, why=why, helps="correct its credential, and run it again")
        return surface.list_keys()

    def _never_was(self, account: str) -> bool:
        """A sub-account that is declared, and that nobody has asked the exchange for yet."""
        if not self.known.recorded.lineage or self.known.pin(account):
            return False
        memory = self.known.recorded.accounts.get(account)
        return self.known.ground.is_master(account) is False and not (memory is not None and memory.requested)

    def _blind(self, account: str, problem: KrakenctlError) -> Blind:
        helps = remedy(problem, self.grounds.page)
        return Blind(account=account, why=problem.message, helps=helps, passes=passes(problem))
