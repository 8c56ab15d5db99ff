"""From a node or addresses to revoked keys: what is below, what is live, what was told to whom."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from krakenctl import opening, parallel
from krakenctl.apply.patience import PatientSurface, Quietly
from krakenctl.containment.below import Below, below
from krakenctl.containment.byhand import HandSweep
from krakenctl.containment.known import Known, read_known
from krakenctl.containment.memory import Memory
from krakenctl.containment.remedy import passes, remedy
from krakenctl.containment.strayed import is_asked_for, strayed, to_come, told
from krakenctl.containment.sweep import Sweep
from krakenctl.credentials import Credentials
from krakenctl.errors import (
    CredentialError,
    CredentialMissing,
    ExchangeError,
    InvalidManifests,
    KrakenctlError,
    UsageError,
    WorkspaceError,
)
from krakenctl.exchange import Exchange
from krakenctl.model.address import Address
from krakenctl.model.containment import (
    WEBSITE,
    Blind,
    ContainmentReport,
    Doomed,
    Fate,
    Found,
    KeyFate,
    Seen,
    Strayed,
    Wish,
)
from krakenctl.model.desired import Desired
from krakenctl.model.journal import Intent
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Coverage
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.run import Run
from krakenctl.model.surface import SURFACES, Traits
from krakenctl.premises import Grounds
from krakenctl.project import Project, read_workspace
from krakenctl.state.base import StateHome
from krakenctl.state.leases import is_dead
from krakenctl.surfaces.base import Listing, Surface
from krakenctl.surfaces.person import Person


class Switch:
    """`find`, show it, ask, `contain`. `open_switch` makes and closes it."""

    def __init__(self, known: Known, home: StateHome, exchange: Exchange, grounds: Grounds, most: int) -> None:
        self._grounds = grounds
        self._most = most  # how many accounts at once
        self._known = known
        self._home = home
        self._exchange = exchange

    def find(self, wish: Wish) -> Found:
        """What is live and would go. Raises UsageError for a node or a key that nobody knows."""
        scope, meant = self._scope(wish), self._meant(wish)
        seen = dict(zip(scope.accounts, parallel.each(self._look, scope.accounts, self._most), strict=True))
        listed = {account: listing for account, listing in seen.items() if isinstance(listing, Listing)}
        blind = [blind for blind in seen.values() if isinstance(blind, Blind)]
        every = [self._doomed(account, live) for account, listing in listed.items() for live in listing.keys]
        given = tuple(self._given(meant, every))
        doomed = [each for each in every if self._goes(meant, each)]
        lists = {account: listing.keys for account, listing in listed.items()}
        lost = tuple(self._strayed(meant, lists, doomed))
        return Found(
            seen=tuple(Seen(account=account, coverage=listing.coverage) for account, listing in listed.items()),
            doomed=tuple(doomed),
            gone=self._gone(wish, (*doomed, *given), lost, listed),
            given=given,
            strayed=lost,
            spared=tuple(each for each in every if wish.under and each not in doomed),
            blind=(*blind, *scope.doubtful),
            notes=(*self._known.notes, *self._protected(doomed), *to_come(self._under_way(meant), lists, lost)),
        )

    def keys(self) -> set[Address]:
        """As manifests and state tell them; where neither can be read, as the live names do."""
        if known := self._known.addresses:
            return known
        accounts = self._known.ground.names
        seen = zip(accounts, parallel.each(self._look, accounts, self._most), strict=True)
        live = ((account, key) for account, told in seen if isinstance(told, Listing) for key in told.keys)
        return {address for account, key in live if (address := self._known.address_of(account, key))}

    def contain(self, wish: Wish, found: Found, run: Run) -> ContainmentReport:
        """Revoke it, in all accounts at once, and look again until it is gone."""
        began = time.monotonic()
        home, meant = None if self._known.stateless else self._home, self._meant(wish)
        with closing(Memory(run, self._now(found), home)) as memory:
            memory.begin(wish, found, self._declared(meant))
            sweeps = [self._sweep(meant, found, account) for account in found.accounts]
            fates = [fate for swept in self._run(sweeps) for fate in swept]
            ended = max((sweep.ended for sweep in sweeps), default=began)
            fates += self._were_gone(meant, found)
            fates = [*self._unless_strayed(meant, found, sweeps, fates), *map(_left_alone, found.given)]
            memory.end(fates)
            return ContainmentReport(
                under=wish.under,
                seen=found.seen,
                keys=tuple(fates),
                blind=found.blind,
                spared=found.spared,
                seconds=ended - began,
                remembered=memory.complete,
                running=self._running(fates),
                before=found.notes,
                notes=tuple(memory.notes),
                log_head=memory.head,
            )

    def _run(self, sweeps: Sequence[Sweep | HandSweep]) -> Iterator[list[KeyFate]]:
        """First what needs nobody; then a person, who does one thing after another."""
        by_itself = [sweep for sweep in sweeps if isinstance(sweep, Sweep)]
        yield from parallel.each(Sweep.run, by_itself, self._most)
        yield from (sweep.run() for sweep in sweeps if isinstance(sweep, HandSweep))

    def _scope(self, wish: Wish) -> Below:
        if not wish.under:
            return Below(tuple(sorted({address.path[0] for address in wish.addresses})), ())
        scope = below(wish.under, self._known.ground)
        if not scope.accounts:
            raise UsageError(f"nobody knows of an account {wish.under}; nothing was done", hint=self._near(wish.under))
        return scope

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        known = self._known.ground.names
        near = get_close_matches(name, known, n=1)
        return f"did you mean {near[0]}?" if near else f"known are: {', '.join(known) or 'none'}"

    def _look(self, account: str) -> Listing | Blind:
        """Its live keys, or why they cannot be seen."""
        traits = self._traits(account)
        if traits.by_person and not self._known.recorded.lineage:
            why = f"its keys were made through {traits.called}, no call lists them, and no state tells which there are"
            return Blind(account=account, why=why, helps=f"revoke them at {traits.page}")
        try:
            surface = self._surface(account)
            if (pin := self._known.pin(account)) and (iiban := surface.iiban()) not in ("", pin):
                why = f"its credential opens {iiban}, and {pin} is the account we know"
                return Blind(account=account, why=why, helps="correct its credential, and run it again")
            return surface.list_keys()
        except CredentialMissing as missing:
            return Listing((), Coverage.COMPLETE) if self._never_was(account) else _blind(account, missing)
        except (CredentialError, ExchangeError) as problem:
            return _blind(account, problem)

    def _traits(self, account: str) -> Traits:
        return SURFACES[self._grounds.of(account).surface]

    def _never_was(self, account: str) -> bool:
        """A sub-account that is declared, and that nobody has asked the exchange for yet."""
        if not self._known.recorded.lineage or self._known.pin(account):
            return False
        memory = self._known.recorded.accounts.get(account)
        return self._known.ground.is_master(account) is False and not (memory is not None and memory.requested)

    def _surface(self, account: str) -> Surface:
        quietly = Quietly(wait=time.sleep, now=self._exchange.now, chance=random.random)
        return PatientSurface(self._exchange.surface(account), quietly)

    def _doomed(self, account: str, live: LiveKey) -> Doomed:
        return Doomed(account=account, live=live, address=self._known.address_of(account, live))

    def _protected(self, doomed: Sequence[Doomed]) -> Iterator[str]:
        """It is no plan: nothing is spared."""
        protected = {key.address for key in self._known.recorded.keys.values() if key.protect}
        if going := protected & {each.address for each in doomed}:
            yield f"protected, and revoked all the same: {', '.join(sorted(map(str, going)))}"

    def _meant(self, wish: Wish) -> Wish:
        """With every address that the keys asked for have or had."""
        return replace(wish, addresses=tuple(sorted(self._known.kin(wish.addresses))))

    def _goes(self, meant: Wish, each: Doomed) -> bool:
        if meant.under:
            return each.address is not None or meant.unmanaged
        return self._known.answers_to(each, meant.addresses)

    def _given(self, meant: Wish, every: Sequence[Doomed]) -> Iterator[Doomed]:
        """What is asked for, and lives on in somebody else's hands."""
        for each in every:
            given = self._known.recorded.given_as(each.account, each.live)
            if given is not None and each.address is None:
                handed = replace(each, address=given.address)
                if self._known.answers_to(handed, meant.addresses):
                    yield handed

    def _gone(
        self, wish: Wish, live: Sequence[Doomed], lost: Sequence[Strayed], listed: Mapping[str, object]
    ) -> tuple[Address, ...]:
        """Raises UsageError for an address that nothing has ever been heard of: a slip must not look like a success."""
        gone = []
        for address in wish.addresses:
            kin = self._known.kin([address])
            if address.path[0] not in listed or any(self._known.answers_to(each, kin) for each in live):
                continue
            if not kin & self._known.addresses:
                message = f"nobody knows of {address}, and no live key carries its name; nothing was done"
                raise UsageError(message, hint="`krakenctl state list` and `krakenctl tree` print addresses")
            if not any(each.address in kin for each in lost):
                gone.append(address)
        return tuple(gone)

    def _recorded(self, meant: Wish) -> Iterator[RecordedKey]:
        """What is under way is none of them: it may still arrive."""
        for key in self._known.recorded.traces:
            if isinstance(key, RecordedKey) and (meant.under or key.address in meant.addresses):
                yield key

    def _under_way(self, meant: Wish) -> Iterator[Intent]:
        """Keys that were asked for, and of which no answer is known."""
        for intent in self._known.recorded.intents:
            if is_asked_for(intent) and (meant.under or intent.address in meant.addresses):
                yield intent

    def _strayed(
        self,
        meant: Wish,
        live: Mapping[str, Sequence[LiveKey]],
        doomed: Sequence[Doomed],
        revoked: Collection[tuple[str, str]] = (),
    ) -> Iterator[Strayed]:
        every: list[RecordedKey | Intent] = [*self._recorded(meant), *self._under_way(meant)]
        keys = (key for key in every if (key.account, key.live_name) not in revoked)
        known = {
            (account, one.name) for account, them in live.items() for one in them if self._known.knows(account, one)
        }
        return strayed(keys, live, known | {(each.account, each.name) for each in doomed})

    def _sweep(self, meant: Wish, found: Found, account: str) -> Sweep | HandSweep:
        targets = {each.name: each for each in found.doomed if each.account == account}
        traits, surface = self._traits(account), self._surface(account)
        if traits.by_person:
            return HandSweep(account=account, surface=surface, targets=targets, page=traits.page)
        ours = replace(meant, unmanaged=False)

        def wanted(live: LiveKey) -> Doomed | None:
            """Also one that came to be meanwhile; one that is none of ours only if it was shown."""
            doomed = self._doomed(account, live)
            return doomed if self._goes(ours, doomed) else None

        return Sweep(account=account, surface=surface, targets=targets, wanted=wanted)

    def _declared(self, meant: Wish) -> set[Address]:
        """Keys below the node that were never issued are not to be issued now either."""
        scope = set(self._scope(meant).accounts) if meant.under else set()
        keys = self._known.desired.keys if self._known.desired is not None else ()
        return {*meant.addresses, *(address for address in keys if address.path[0] in scope)}

    def _running(self, fates: Sequence[KeyFate]) -> str:
        lease = self._known.recorded.lease
        return lease.sentence() if lease is not None and not is_dead(lease) and fates else ""

    def _were_gone(self, meant: Wish, found: Found) -> Iterator[KeyFate]:
        """What is recorded as live, and asked for by its address; below a node, what was contained before: whoever
        revoked that could not tell the state any more.
        """
        live = {(each.account, each.name) for each in (*found.doomed, *found.given)}
        silent = set(found.gone)
        for key in self._recorded(meant):
            asked = not meant.under or key.address in self._known.recorded.contained
            if asked and key.account in found.accounts and (key.account, key.live_name) not in live:
                silent -= self._known.kin([key.address])
                yield KeyFate(account=key.account, name=key.live_name, address=key.address, fate=Fate.GONE)
        for address in sorted(silent):
            yield KeyFate(account=address.path[0], name=address.name, address=address, fate=Fate.GONE)

    def _unless_strayed(
        self, meant: Wish, found: Found, sweeps: Sequence[Sweep | HandSweep], fates: Sequence[KeyFate]
    ) -> Iterator[KeyFate]:
        """The same fates, but what may live under another name, by the last lists, is not gone."""
        lists = {sweep.account: sweep.seen for sweep in sweeps if sweep.seen is not None}
        revoked = {(fate.account, fate.name) for fate in fates if fate.fate is Fate.REVOKED}
        lost = [each for each in found.strayed if each.account not in lists]
        lost += self._strayed(meant, lists, found.doomed, revoked)
        names = {(each.account, each.name) for each in lost}
        yield from (fate for fate in fates if (fate.account, fate.name) not in names)
        yield from map(told, lost)

    def _now(self, found: Found) -> int:
        """On the exchange's clock, where it has just answered."""
        with suppress(ExchangeError):
            if found.seen:
                return self._exchange.now()
        return int(time.time())


@contextmanager
def open_switch(root: Path, parallelism: int | None = None, person: Person | None = None) -> Iterator[Switch]:
    """`parallelism`: how many accounts at once; None: as many as may be. `person`: who deletes what no API does.

    Raises WorkspaceError or InvalidManifests when krakenctl.yaml is of no use: it says how to reach Kraken.
    """
    try:
        workspace = read_workspace(root, any_version=True)
    except (WorkspaceError, InvalidManifests) as problem:
        problem.hint = f"{problem.hint}; if that takes long, the account's owner revokes keys at {WEBSITE}"
        raise
    credentials = Credentials(root, os.environ)
    home = opening.state_home(root, workspace.state)
    known = read_known(root, workspace, home)
    desired = known.desired or Desired(accounts={}, keys={}, removals={}, digest="")
    project = Project(root=root, workspace=workspace, desired=desired, warnings=(), sound=known.desired is not None)
    grounds = Grounds(project, lambda: known.recorded, opening.stores(project, os.environ), person)
    with opening.exchange(root, workspace, credentials, known.usernames, grounds.of) as exchange:
        yield Switch(known, home, exchange, grounds, parallelism or parallel.MOST)


def _blind(account: str, problem: KrakenctlError) -> Blind:
    return Blind(account=account, why=problem.message, helps=remedy(problem), passes=passes(problem))


def _left_alone(each: Doomed) -> KeyFate:
    return KeyFate(
        account=each.account,
        name=each.name,
        address=each.address,
        fate=Fate.FAILED,
        message="it was handed over (Removed, action: forget), is none of ours, and was left alone",
        helps=f"whoever uses it revokes it; `krakenctl revoke --under {each.account} --unmanaged` revokes it with all"
        " others there that this krakenctl sees",
    )
