"""From a node or addresses to revoked keys: what is below, what is live, what was told to whom."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from krakenctl import parallel
from krakenctl.errors import ExchangeError, InvalidManifests, WorkspaceError
from krakenctl.model.address import Address
from krakenctl.model.containment import Blind, ContainmentReport, Doomed, Fate, Found, KeyFate, Seen, SwitchWish
from krakenctl.model.desired import Desired
from krakenctl.model.key import LiveKey
from krakenctl.model.page import REAL
from krakenctl.model.run import Run
from krakenctl.observe.means import Means, open_means
from krakenctl.project import Project, read_workspace
from krakenctl.state.leases import is_dead
from krakenctl.surfaces.base import Listing
from krakenctl.surfaces.person import Person
from krakenctl.tasks.containment.aim import Aim, aim
from krakenctl.tasks.containment.byhand import HandSweep
from krakenctl.tasks.containment.known import Known, read_known
from krakenctl.tasks.containment.memory import Memory
from krakenctl.tasks.containment.sight import Eyes
from krakenctl.tasks.containment.strayed import to_come, told
from krakenctl.tasks.containment.sweep import Sweep
from krakenctl.wiring import opening


class Switch:
    """`find`, show it, ask, `contain`. `open_switch` makes and closes it."""

    def __init__(self, known: Known, means: Means, most: int) -> None:
        self._eyes = Eyes(known, means.grounds, means.exchange.patient, most)
        self._page = means.grounds.page
        self._most = most  # how many accounts at once
        self._known = known
        self._home = means.home
        self._exchange = means.exchange

    def find(self, wish: SwitchWish) -> Found:
        """What is live and would go. Raises UsageError for a node or a key that nobody knows."""
        meant = aim(self._known, wish)
        scope = meant.scope()
        seen = self._eyes.see(scope.accounts)
        listed = {account: listing for account, listing in seen.items() if isinstance(listing, Listing)}
        blind = [blind for blind in seen.values() if isinstance(blind, Blind)]
        every = [self._doomed(account, live) for account, listing in listed.items() for live in listing.keys]
        given = tuple(meant.given(every))
        doomed = [each for each in every if meant.means(each, unmanaged=wish.unmanaged)]
        lists = {account: listing.keys for account, listing in listed.items()}
        lost = tuple(meant.strayed(lists, doomed))
        return Found(
            seen=tuple(Seen(account=account, coverage=listing.coverage) for account, listing in listed.items()),
            doomed=tuple(doomed),
            gone=tuple(meant.gone((*doomed, *given), lost, listed)),
            given=given,
            strayed=lost,
            spared=tuple(each for each in every if wish.under and each not in doomed),
            blind=(*blind, *scope.doubtful),
            notes=(*self._known.notes, *self._protected(doomed), *to_come(meant.under_way(), lists, lost)),
        )

    def keys(self) -> set[Address]:
        """As manifests and state tell them; where neither can be read, as the live names do."""
        return self._known.addresses or set(self._eyes.addresses())

    def contain(self, wish: SwitchWish, found: Found, run: Run) -> ContainmentReport:
        """Revoke it, in all accounts at once, and look again until it is gone."""
        began = time.monotonic()
        home, meant = None if self._known.stateless else self._home, aim(self._known, wish)
        with closing(Memory(run, self._now(found), home)) as memory:
            memory.begin(wish, found, meant.declared())
            sweeps = [self._sweep(meant, found, account) for account in found.accounts]
            fates = [fate for swept in self._run(sweeps) for fate in swept]
            ended = max((sweep.ended for sweep in sweeps), default=began)
            fates += meant.were_gone(found)
            fates = [*_unless_strayed(meant, found, sweeps, fates), *map(_left_alone, found.given)]
            memory.end(fates)
            return ContainmentReport(
                under=wish.under,
                seen=found.seen,
                keys=tuple(fates),
                blind=found.blind,
                spared=found.spared,
                page=self._page,
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

    def _doomed(self, account: str, live: LiveKey) -> Doomed:
        return Doomed(account=account, live=live, address=self._known.address_of(account, live))

    def _protected(self, doomed: Sequence[Doomed]) -> Iterator[str]:
        """It is no plan: nothing is spared."""
        protected = {key.address for key in self._known.recorded.keys.values() if key.protect}
        if going := protected & {each.address for each in doomed}:
            yield f"protected, and revoked all the same: {', '.join(sorted(map(str, going)))}"

    def _sweep(self, meant: Aim, found: Found, account: str) -> Sweep | HandSweep:
        targets = {each.name: each for each in found.doomed if each.account == account}
        traits, surface = self._eyes.traits(account), self._exchange.patient(account)
        if traits.by_person:
            return HandSweep(account=account, surface=surface, targets=targets, page=self._page)

        def wanted(live: LiveKey) -> Doomed | None:
            """Also one that came to be meanwhile; one that is none of ours only if it was shown."""
            doomed = self._doomed(account, live)
            return doomed if meant.means(doomed, unmanaged=False) else None

        return Sweep(account=account, surface=surface, page=self._page, targets=targets, wanted=wanted)

    def _running(self, fates: Sequence[KeyFate]) -> str:
        lease = self._known.recorded.lease
        return lease.sentence() if lease is not None and not is_dead(lease) and fates else ""

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
        by_hand = f"if that takes long, the account's owner revokes keys of the real Kraken at {REAL}"
        problem.hint = f"{problem.hint}; {by_hand}"
        raise
    known = read_known(root, workspace, opening.state_home(root, workspace.state))
    desired = known.desired or Desired(accounts={}, keys={}, removals={}, digest="")
    project = Project(root=root, workspace=workspace, desired=desired, warnings=(), sound=known.desired is not None)
    # Now each key is worth a call, whatever was refused.
    recorded = replace(known.recorded, refused={}, rows={}, lockouts={})
    with open_means(project, recorded=lambda: recorded, usernames=known.usernames, person=person) as means:
        yield Switch(known, means, parallelism or parallel.MOST)


def _unless_strayed(
    meant: Aim, found: Found, sweeps: Sequence[Sweep | HandSweep], fates: Sequence[KeyFate]
) -> Iterator[KeyFate]:
    """The same fates, but what may live under another name, by the last lists, is not gone."""
    lists = {sweep.account: sweep.seen for sweep in sweeps if sweep.seen is not None}
    revoked = {(fate.account, fate.name) for fate in fates if fate.fate is Fate.REVOKED}
    lost = [each for each in found.strayed if each.account not in lists]
    lost += meant.strayed(lists, found.doomed, revoked)
    names = {(each.account, each.name) for each in lost}
    yield from (fate for fate in fates if (fate.account, fate.name) not in names)
    yield from map(told, lost)


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
