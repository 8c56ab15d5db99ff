"""Which accounts and which keys a wish means, by what is known of them. Reads no exchange; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from krakenctl.errors import UsageError
from krakenctl.model.address import Address
from krakenctl.model.containment import Doomed, Fate, Found, KeyFate, Strayed, SwitchWish
from krakenctl.model.journal import Intent
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import RecordedKey
from krakenctl.tasks.containment.below import Below, below
from krakenctl.tasks.containment.known import Known
from krakenctl.tasks.containment.strayed import is_asked_for, strayed


@dataclass(frozen=True, slots=True)
class Aim:
    known: Known
    wish: SwitchWish
    addresses: frozenset[Address]  # every one that the keys asked for have or had

    def scope(self) -> Below:
        """Raises UsageError for a node that nobody knows."""
        if not self.wish.under:
            return Below(tuple(sorted({address.path[0] for address in self.wish.addresses})), ())
        scope = below(self.wish.under, self.known.ground)
        if not scope.accounts:
            message = f"nobody knows of an account {self.wish.under}; nothing was done"
            raise UsageError(message, hint=self._near(self.wish.under))
        return scope

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        known = self.known.ground.names
        near = get_close_matches(name, known, n=1)
        return f"did you mean {near[0]}?" if near else f"known are: {', '.join(known) or 'none'}"

    def declared(self) -> set[Address]:
        """Keys below the node that were never issued are not to be issued now either."""
        scope = set(self.scope().accounts) if self.wish.under else set()
        keys = self.known.desired.keys if self.known.desired is not None else ()
        return {*self.addresses, *(address for address in keys if address.path[0] in scope)}

    def means(self, each: Doomed, *, unmanaged: bool) -> bool:
        """`unmanaged`: whether keys that are none of ours go too."""
        if self.wish.under:
            return each.address is not None or unmanaged
        return self.known.answers_to(each, self.addresses)

    def given(self, every: Iterable[Doomed]) -> Iterator[Doomed]:
        """What is asked for, and lives on in somebody else's hands."""
        for each in every:
            given = self.known.recorded.given_as(each.account, each.live)
            if given is not None and each.address is None:
                handed = replace(each, address=given.address)
                if self.known.answers_to(handed, self.addresses):
                    yield handed

    def gone(self, live: Sequence[Doomed], lost: Sequence[Strayed], listed: Collection[str]) -> Iterator[Address]:
        """Raises UsageError for an address that nothing has ever been heard of: a slip must not look like a success."""
        for address in self.wish.addresses:
            kin = self.known.kin([address])
            if address.path[0] not in listed or any(self.known.answers_to(each, kin) for each in live):
                continue
            if not kin & self.known.addresses:
                message = f"nobody knows of {address}, and no live key carries its name; nothing was done"
                raise UsageError(message, hint="`krakenctl state list` and `krakenctl tree` print addresses")
            if not any(each.address in kin for each in lost):
                yield address

    def under_way(self) -> Iterator[Intent]:
        """Keys that were asked for, and of which no answer is known."""
        for intent in self.known.recorded.intents:
            if is_asked_for(intent) and (self.wish.under or intent.address in self.addresses):
                yield intent

    def _recorded(self) -> Iterator[RecordedKey]:
        """What is under way is none of them: it may still arrive."""
        for key in self.known.recorded.traces:
            if isinstance(key, RecordedKey) and (self.wish.under or key.address in self.addresses):
                yield key

    def strayed(
        self,
        live: Mapping[str, Sequence[LiveKey]],
        doomed: Iterable[Doomed],
        revoked: Collection[tuple[str, str]] = (),
    ) -> Iterator[Strayed]:
        """`live`: by account, where there is a list."""
        every: list[RecordedKey | Intent] = [*self._recorded(), *self.under_way()]
        keys = (key for key in every if (key.account, key.live_name) not in revoked)
        known = {
            (account, one.name) for account, them in live.items() for one in them if self.known.knows(account, one)
        }
        return strayed(keys, live, known | {(each.account, each.name) for each in doomed})

    def were_gone(self, found: Found) -> Iterator[KeyFate]:
        """What is recorded as live, and asked for by its address; below a node, what was contained before: whoever
        revoked that could not tell the state any more.
        """
        live = {(each.account, each.name) for each in (*found.doomed, *found.given)}
        silent = set(found.gone)
        for key in self._recorded():
            asked = not self.wish.under or key.address in self.known.recorded.contained
            if asked and key.account in found.accounts and (key.account, key.live_name) not in live:
                silent -= self.known.kin([key.address])
                yield KeyFate(account=key.account, name=key.live_name, address=key.address, fate=Fate.GONE)
        for address in sorted(silent):
            yield KeyFate(account=address.path[0], name=address.name, address=address, fate=Fate.GONE)


def aim(known: Known, wish: SwitchWish) -> Aim:
    return Aim(known, wish, known.kin(wish.addresses))
