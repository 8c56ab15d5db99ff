"""Looks at all keys that are meant, account by account, and judges each. Nothing is written, and no lease is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from krakenctl import parallel
from krakenctl.errors import KrakenctlError, LockedOut, UsageError
from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import DesiredAccount, DesiredKey
from krakenctl.model.key import LiveKey
from krakenctl.model.recorded import Recorded, RecordedKey, pin_of
from krakenctl.model.silence import MOST_REFUSED
from krakenctl.model.surface import traits
from krakenctl.model.verification import Left, Verification, Verified, VerifySight
from krakenctl.observe.holdings import holdings
from krakenctl.observe.means import Means, open_means
from krakenctl.plan.homes import recorded_as, taken_over
from krakenctl.project import Project
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.probes import Pace
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks.remembered import unlooked
from krakenctl.tasks.verification import whose
from krakenctl.tasks.verification.asked import Asked
from krakenctl.tasks.verification.asking import Asking
from krakenctl.tasks.verification.judge import Seen, by_recorded_name, judged, never_issued, under_way
from krakenctl.wiring import opening


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyWish:
    """Neither `addresses` nor `under`: every declared key. `failures`: how many refused calls an account may have."""

    addresses: tuple[Address, ...] = ()
    under: str = ""  # an account's name
    probe: bool = False
    failures: int = MOST_REFUSED


class _Looked(NamedTuple):
    """One account. `iiban`: whose its list is; empty: there is none."""

    sight: VerifySight
    iiban: str
    keys: list[Verified]


def verify(
    project: Project,
    wish: VerifyWish,
    environ: Mapping[str, str] | None = None,
    parallelism: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Raises UsageError for an address or an account that nothing declares."""
    recorded = opening.state_home(project.root, project.workspace.state, environ).read()
    with open_means(project, environ, recorded=lambda: recorded, named=wish.addresses, say=say) as means:
        return _Verifier(means, recorded, parallelism or means.usual).verify(wish)


class _Verifier:
    def __init__(self, means: Means, recorded: Recorded, parallelism: int) -> None:
        self._project = means.project
        self._recorded = recorded
        self._exchange = means.exchange
        self._store = means.store
        self._grounds = means.grounds
        self._parallelism = parallelism

    def verify(self, wish: VerifyWish) -> Verification:
        meant = self._meant(wish)
        accounts = sorted({address.path[0] for address in meant})
        looked = parallel.each(partial(self._account, wish, meant), accounts, self._parallelism)
        found = Verification(
            endpoint=self._project.workspace.endpoint,
            now=self._exchange.now(),
            probing=wish.probe,
            keys=tuple(key for one in looked for key in one.keys),
            sights=tuple(one.sight for one in looked),
            left=tuple(self._left(wish)),
        )
        names = self._project.desired.accounts.keys() | self._recorded.accounts.keys()
        pins = {name: self._pin(name) for name in names}
        return whose.settled(found, pins, {one.sight.account: one.iiban for one in looked})

    def _meant(self, wish: VerifyWish) -> dict[Address, DesiredKey]:
        declared = self._project.desired.keys
        if unknown := [address for address in wish.addresses if address not in declared]:
            raise UsageError(
                f"no manifest declares {unknown[0]}, so there is nothing to compare it with",
                hint="`krakenctl inspect` asks any key that is kept; `krakenctl tree` draws all declared ones",
            )
        if wish.addresses:
            return {address: declared[address] for address in sorted(set(wish.addresses))}
        accounts = self._below(wish.under)
        return {address: declared[address] for address in sorted(declared) if address.path[0] in accounts}

    def _below(self, under: str) -> set[str]:
        accounts = self._project.desired.accounts
        if under and under not in accounts:
            raise UsageError(f"no account is called “{under}”", hint=f"there are: {', '.join(sorted(accounts))}")
        return {name for name, each in accounts.items() if not under or under in (name, each.master)}

    def _left(self, wish: VerifyWish) -> Iterator[Left]:
        """Live keys of ours that have no declaration of their own."""
        if wish.addresses:
            return
        accounts = self._below(wish.under) | ({key.account for key in self._recorded.ours} if not wish.under else set())
        for record in self._recorded.retired:
            if record.account in accounts:
                yield Left(record.address, record.live_name, "replaced, and living on until its overlap ends")
        current = self._recorded.keys
        declared = {taken_over(key, current) for key in self._project.desired.keys.values()}
        for address, record in sorted(current.items()):
            if record.account in accounts and address not in declared:
                yield Left(address, record.live_name, "no manifest declares it any more")

    # One account

    def _account(self, wish: VerifyWish, meant: Mapping[Address, DesiredKey], name: str) -> _Looked:
        declared = [key for address, key in meant.items() if address.path[0] == name]
        records = {r.live_name: r for key in declared if (r := recorded_as(key, self._recorded.keys))}
        row = Row(left=wish.failures)
        pin = self._pin(name)
        sight, iiban, listed = self._listed(name, row)
        is_ours = not (pin and iiban and iiban != pin)
        lists = by_recorded_name(records, listed) if is_ours else {}
        asked = self._asked(name, wish, records, lists, row) if is_ours else {}
        has_list = is_ours and sight.coverage in (Coverage.COMPLETE, Coverage.OUR_CLIENT)
        other = Asked(why="the credential of its account opens another one")
        seen = {
            n: Seen(
                record=record,
                pin=pin,
                has_list=has_list,
                listed=lists.get(n),
                iiban=iiban,
                blind=sight.reason,
                asked=asked.get(n, other),
            )
            for n, record in records.items()
        }
        return _Looked(sight, iiban, [self._judged(key, seen) for key in declared])

    def _judged(self, key: DesiredKey, seen: Mapping[str, Seen]) -> Verified:
        record = recorded_as(key, self._recorded.keys)
        if record is None:
            return self._unrecorded(key)
        return judged(key, seen[record.live_name], self._exchange.now())

    def _unrecorded(self, key: DesiredKey) -> Verified:
        by = self._recorded.contained.get(key.address)
        new = unlooked(self._recorded, key.address, self._declared(key.account).surface)
        if new is not None:
            return under_way(key, new.name, f"{new.why}: {new.do}")
        return never_issued(key, by.who if by else "")

    def _pin(self, name: str) -> str:
        return pin_of(self._project.desired.accounts.get(name), self._recorded.accounts.get(name))

    def _declared(self, name: str) -> DesiredAccount:
        return self._project.desired.accounts[name]

    def _listed(self, name: str, row: Row) -> tuple[VerifySight, str, tuple[LiveKey, ...]]:
        """What its list shows, and whose it is. Where a surface has no list of its own, its keys are asked instead."""
        known = traits(self._declared(name).surface)
        if known.proved_by_pair:
            return VerifySight(account=name, coverage=known.coverage), "", ()
        try:
            surface = self._exchange.patient(name)
            iiban, listing = surface.iiban(), surface.list_keys()
        except LockedOut as problem:
            row.locked = True
            return VerifySight(account=name, coverage=Coverage.NONE, reason=problem.message), "", ()
        except KrakenctlError as problem:
            return VerifySight(account=name, coverage=Coverage.NONE, reason=problem.message), "", ()
        return VerifySight(account=name, coverage=listing.coverage), iiban, listing.keys

    def _asked(
        self,
        name: str,
        wish: VerifyWish,
        records: Mapping[str, RecordedKey],
        lists: Mapping[str, LiveKey],
        row: Row,
    ) -> dict[str, Asked]:
        share = self._grounds.estate.of(name)
        if row.locked:  # as its list was asked for
            share.note_lockout()
        asking = Asking(
            caller=Caller(
                http=self._exchange.http,
                held=share,
                clock=self._exchange.clock,
                wait=partial(self._exchange.wait, name),
                budget=row,
            ),
            gone=share.gone,
            pace=lambda: Pace(self._project.workspace.rate_limits.tier, time.monotonic, time.sleep),
            now=self._exchange.now(),
            lists=lists,
            probing=wish.probe,
        )
        intents, declared, now = self._recorded.intents, self._project.desired.keys, self._exchange.now()
        return asking.all(list(holdings(records.values(), intents, declared, self._store, now, seen=share.nonce)))
