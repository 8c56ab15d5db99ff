"""From a node or addresses to revoked keys: what is below, what is live, what was told to whom."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from krakenctl import embedded, parallel, plugins
from krakenctl.apply.patience import PatientSurface, Quietly
from krakenctl.containment.below import Below, Ground, below, credentialed
from krakenctl.containment.memory import Memory, glance
from krakenctl.containment.sweep import Sweep
from krakenctl.credentials import Credentials
from krakenctl.errors import CredentialError, CredentialMissing, ExchangeError, KrakenctlError, UsageError
from krakenctl.exchange import Exchange
from krakenctl.model.address import Address, key_address
from krakenctl.model.containment import Blind, ContainmentReport, Doomed, Fate, Found, KeyFate, Wish
from krakenctl.model.desired import Desired
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.run import Run
from krakenctl.model.workspace import SANDBOX, Workspace
from krakenctl.plan import names
from krakenctl.project import examine, read_workspace
from krakenctl.state.base import StateHome
from krakenctl.state.leases import is_dead
from krakenctl.surfaces.base import Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What could be read, and what could not."""

    workspace: Workspace
    desired: Desired | None
    recorded: Recorded
    stateless: bool  # nothing was ever recorded; False also where it could not be read
    credentialed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ground(self) -> Ground:
        declared = self.desired.accounts if self.desired is not None else None
        return Ground(declared=declared, recorded=self.recorded.accounts, credentialed=self.credentialed)

    @property
    def usernames(self) -> dict[str, str]:
        declared = self.desired.accounts if self.desired is not None else {}
        recorded = {name: account.username for name, account in self.recorded.accounts.items()}
        return recorded | {name: account.username for name, account in declared.items()}

    @property
    def addresses(self) -> set[Address]:
        declared = self.desired.keys.keys() if self.desired is not None else set()
        traces = (trace.address for trace in self.recorded.traces)
        return {*declared, *traces, *self.recorded.generations, *self.recorded.contained}

    def pin(self, account: str) -> str:
        declared = self.desired.accounts.get(account) if self.desired is not None else None
        recorded = self.recorded.accounts.get(account)
        return (declared.iiban if declared else "") or (recorded.iiban if recorded else "")

    def address_of(self, account: str, live: LiveKey) -> Address | None:
        """Of a key of ours; None: it is none. One that somebody made anew under a recorded name is none either."""
        for trace in self.recorded.traces:
            if (trace.account, trace.live_name) == (account, live.name):
                made = trace.created if isinstance(trace, RecordedKey) else 0
                return trace.address if made in (0, live.created) or not live.created else None
        tag = self.workspace.tag
        stem = live.name.partition(f".{tag}.g")[0]
        return key_address(account, stem) if names.carries_tag(live.name, tag) else None


class Switch:
    """`find`, show it, ask, `contain`. `open_switch` makes and closes it."""

    def __init__(self, known: Known, home: StateHome, exchange: Exchange) -> None:
        self._known = known
        self._home = home
        self._exchange = exchange

    def find(self, wish: Wish) -> Found:
        """What is live and would go. Raises UsageError for a node or a key that nobody knows."""
        scope = self._scope(wish)
        seen = dict(zip(scope.accounts, parallel.each(self._look, scope.accounts, parallel.MOST), strict=True))
        listed = {account: keys for account, keys in seen.items() if not isinstance(keys, str)}
        blind = [Blind(account=account, why=why) for account, why in seen.items() if isinstance(why, str)]
        every = [self._doomed(account, live) for account, keys in listed.items() for live in keys]
        doomed = [each for each in every if _wanted(wish, each)]
        return Found(
            accounts=tuple(listed),
            doomed=tuple(doomed),
            gone=self._gone(wish, doomed, listed),
            spared=tuple(each for each in every if wish.under and each not in doomed),
            blind=(*blind, *scope.doubtful),
            notes=self._known.notes,
        )

    def keys(self) -> set[Address]:
        """As manifests and state tell them; where neither can be read, as the live names do."""
        if known := self._known.addresses:
            return known
        accounts = self._known.ground.names
        seen = zip(accounts, parallel.each(self._look, accounts, parallel.MOST), strict=True)
        live = ((account, key) for account, keys in seen if not isinstance(keys, str) for key in keys)
        return {address for account, key in live if (address := self._known.address_of(account, key))}

    def contain(self, wish: Wish, found: Found, run: Run) -> ContainmentReport:
        """Revoke it, in all accounts at once, and look again until it is gone."""
        began = time.monotonic()
        home = None if self._known.stateless else self._home
        with closing(Memory(run, self._now(), home)) as memory:
            memory.begin(wish, found, self._declared(wish))
            sweeps = [self._sweep(wish, found, account) for account in found.accounts]
            fates = [fate for swept in parallel.each(Sweep.run, sweeps, parallel.MOST) for fate in swept]
            ended = max((sweep.ended for sweep in sweeps), default=began)
            fates += [fate for address in found.gone for fate in self._were_gone(address)]
            memory.end(fates)
            return ContainmentReport(
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

    def _look(self, account: str) -> Sequence[LiveKey] | str:
        """Its live keys; a text: why they cannot be seen."""
        declared = self._known.desired.accounts.get(account) if self._known.desired else None
        if declared is not None and declared.surface == "website":
            return "its keys were made on the website, and no call lists them: revoke them there"
        try:
            surface = self._surface(account)
            if (pin := self._known.pin(account)) and (iiban := surface.iiban()) != pin:
                return f"its credential opens {iiban}, and {pin} is the account we know"
            return surface.list_keys().keys
        except CredentialMissing as missing:
            return [] if self._never_was(account) else missing.message
        except (CredentialError, ExchangeError) as problem:
            return problem.message

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

    def _gone(self, wish: Wish, doomed: Sequence[Doomed], listed: Mapping[str, object]) -> tuple[Address, ...]:
        """Raises UsageError for an address that nothing has ever been heard of: a slip must not look like a success."""
        live = {each.address for each in doomed}
        gone = [address for address in wish.addresses if address not in live and address.path[0] in listed]
        for address in gone:
            if address not in self._known.addresses:
                message = f"nobody knows of {address}, and no live key carries its name; nothing was done"
                raise UsageError(message, hint="`krakenctl state list` and `krakenctl tree` print addresses")
        return tuple(gone)

    def _sweep(self, wish: Wish, found: Found, account: str) -> Sweep:
        def wanted(live: LiveKey) -> Doomed | None:
            """Also one that came to be meanwhile; one that is none of ours only if it was shown."""
            doomed = self._doomed(account, live)
            return doomed if doomed.address and _wanted(replace(wish, unmanaged=False), doomed) else None

        return Sweep(
            account=account,
            surface=self._surface(account),
            targets={each.name: each for each in found.doomed if each.account == account},
            wanted=wanted,
        )

    def _declared(self, wish: Wish) -> set[Address]:
        """Keys below the node that were never issued are not to be issued now either."""
        scope = set(self._scope(wish).accounts) if wish.under else set()
        keys = self._known.desired.keys if self._known.desired is not None else ()
        return {*wish.addresses, *(address for address in keys if address.path[0] in scope)}

    def _running(self, fates: Sequence[KeyFate]) -> str:
        lease = self._known.recorded.lease
        return lease.sentence() if lease is not None and not is_dead(lease) and fates else ""

    def _were_gone(self, address: Address) -> Iterator[KeyFate]:
        """What was recorded as live under it. What is only under way may still arrive."""
        recorded = (trace for trace in self._known.recorded.traces if isinstance(trace, RecordedKey))
        names = [key.live_name for key in recorded if key.address == address] or [address.name]
        for name in names:
            yield KeyFate(account=address.path[0], name=name, address=address, fate=Fate.GONE)

    def _now(self) -> int:
        """On the exchange's clock, if it can be asked."""
        with suppress(ExchangeError):
            return self._exchange.now()
        return int(time.time())


@contextmanager
def open_switch(root: Path) -> Iterator[Switch]:
    """Raises WorkspaceError or InvalidManifests when krakenctl.yaml is of no use: it says how to reach Kraken."""
    workspace = read_workspace(root, any_version=True)
    credentials = Credentials(root, os.environ)
    home = plugins.state(workspace.state, root, credentials)
    known = _known(root, workspace, home)
    adapter = embedded.adapter(root, workspace, known.usernames) if workspace.endpoint == SANDBOX else None
    exchange = Exchange(workspace, credentials, known.usernames, adapter)
    try:
        yield Switch(known, home, exchange)
    finally:
        exchange.close()


def _known(root: Path, workspace: Workspace, home: StateHome) -> Known:
    notes, desired, recorded, stateless = [], None, Recorded(lineage=""), False
    try:
        desired = examine(root).desired
    except KrakenctlError as problem:
        notes.append(f"without the manifests: {problem.message}")
    else:
        notes += [] if desired else ["without the manifests: they are not sound (`krakenctl validate`)"]
    try:
        recorded = glance(home)
    except KrakenctlError as problem:
        notes.append(f"without the state: {problem.message}")
    else:
        stateless = not recorded.lineage
        notes += ["without a state: there is none here"] if stateless else []
    return Known(
        workspace=workspace,
        desired=desired,
        recorded=recorded,
        stateless=stateless,
        credentialed=credentialed(root, workspace),
        notes=tuple(notes),
    )


def _wanted(wish: Wish, each: Doomed) -> bool:
    if wish.under:
        return each.address is not None or wish.unmanaged
    return each.address in wish.addresses
